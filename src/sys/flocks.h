/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who holds flock(2) locks: proc_locks(5). To try a lock would get in the way of who is about to take it. */

#include <stddef.h>
#include <sys/types.h>

#include "base/arena.h"

struct flock_held {
        dev_t dev;
        ino_t ino;
        pid_t pid; /* who took it; others may have inherited it */
};
struct flock_list {
        struct flock_held *items;
        size_t n;
};

/* All exclusive ones that are held. */
int flocks_read(int proc, struct arena *a, struct flock_list *ret);

/* The same from text: for flocks_read(). */
void flocks_parse(struct arena *a, const char *text, struct flock_list *ret);

/* NULL: nobody holds it. */
const struct flock_held *flocks_find(const struct flock_list *l, dev_t dev, ino_t ino);
