/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What journalctl(1) shows of a container: its own journal, or that of the service that it runs in. */

#include <stdbool.h>

#include "base/err.h"
#include "state/container.h"

struct journal_ask {
        int proc;
        const char *lines; /* only the last of them; NULL: all */
        bool follow;
        int conn; /* to the supervisor, which tells of the end; -1 */
};

/* Has it one, and is it known to the host by name? */
bool journal_is_there(int proc, const struct container *m);

/* Both return the exit status. Followed, the container's own goes on through restarts in place. */
int journal_show(const struct journal_ask *ask, const struct container *m, struct err *e);
int journal_show_service(const struct journal_ask *ask, const char *service, struct err *e);

/* The service that the supervisor is in has what it passes on. "" where it is none. */
void journal_find_service(int proc, const struct container *m, char *ret, size_t size);
