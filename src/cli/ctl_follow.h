/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The log of a detached container's console, as its supervisor writes it: two files, of which the newer one becomes
 * the older one when it is full (state/record.h). */

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

struct follow {
        const char *machine;
        int fd;    /* the file that is read, -1: none */
        int watch; /* readable when there may be more; -1: look again from time to time */
};
enum { FOLLOW_LOOK_MS = 200 }; /* where there is no watch */

void follow_init(struct follow *f, const char *machine);
void follow_done(struct follow *f); /* twice is fine */

/* Begin with what is there: *ret is all of it, in the arena. watch: more will be waited for. Returns 1, or 0 where
 * there is no log. */
int follow_open(struct follow *f, bool watch, struct arena *a, char **ret, size_t *ret_n, struct err *e);

/* What has come since. -EAGAIN: nothing. */
ssize_t follow_read(struct follow *f, char *buf, size_t size);

/* Where the last lines of a text begin; the end of the last one may be missing. */
size_t follow_tail(const char *text, size_t n, size_t lines);
