/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Removes what a killed supervisor left, and says so. */

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "state/container.h"

struct sweep {
        const char *program; /* for messages */
        int proc;
        bool only_tell, quiet;
        size_t n; /* of what was found */
        bool failed;
};

void sweep_tell(struct sweep *s, const char *done, const char *would, const char *what);

/* What a dead record describes, then the record with its directory. Nothing where its name is in use. */
int sweep_record(struct sweep *s, const struct container *m, struct err *e);

/* Parts of that, for the holder of the name's lock. The cgroup must be called like it. sweep_noted(): whether all is
 * well: otherwise what tells of it stays. */
void sweep_cgroup(struct sweep *s, const char *path, const char *name, bool may_kill);
bool sweep_noted(struct sweep *s, const char *name);
