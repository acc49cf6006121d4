/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is to be removed at the end of a run and lies elsewhere than in /run: /run/berth/NAME/copy and its like tell
 * where it is, from before it is made until it is gone. Whoever has the name's lock and finds such a file removes what
 * a run left that was killed. */

#include <stdbool.h>

#include "base/err.h"

/* The last part of a copy's path begins with this, as it does for other programs that leave such behind
 * (tmpfiles.d(5), purge of /var/lib/machines). */
#define LEFTOVER_PREFIX ".#berth."

enum leftover {
        LEFTOVER_COPY,    /* of a tree */
        LEFTOVER_JOURNAL, /* an empty directory, or a link to nothing, below /var/log/journal */
        LEFTOVER_TUNNEL,  /* an empty directory for machined */
        LEFTOVER_MAX_,
};

int leftover_note(const char *name, enum leftover what, const char *path, struct err *e);
void leftover_forget(const char *name, enum leftover what);

/* For the holder of the name's lock. Returns 1 with *ret_path (size bytes) where there was one, which is removed
 * unless only to be told of; 0: none. */
int leftover_sweep(const char *name, enum leftover what, bool only_tell, char *ret_path, unsigned size, struct err *e);
