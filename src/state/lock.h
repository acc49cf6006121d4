/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lock files shared with systemd-nspawn: the same paths and the same kind of lock (open file description locks,
 * fcntl(2)), so that both can run on one host. The file is removed with the lock. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

struct lock {
        int fd; /* -1: not held */
        bool exclusive;
        char path[128]; /* in a directory that only root can write to */
};

void lock_init(struct lock *l);
void lock_drop(struct lock *l); /* twice is fine */

/* What a killed process held becomes free a moment later: when it and the last copy of its descriptors are gone.
 * Sleeps, each time a millisecond longer; false: it was enough. Where it may as well be somebody alive, that is a
 * fifth of a second. */
enum { LOCK_PAUSES = 20, LOCK_PAUSES_KILLED = 60 };
bool lock_pause(int *pauses, int most);

/* -EBUSY (e filled, ERR_BUSY) where somebody else holds it. what: for the message. */
int lock_tree(struct lock *l, dev_t dev, ino_t ino, bool exclusive, const char *what, struct err *e);

/* Returns 1 where the range is somebody else's: that is no error, the next one is tried. */
int lock_range(struct lock *l, uint32_t base, struct err *e);

/* Files of locks that nobody holds, left over from a killed process: removed, unless only to be told. Their paths are
 * added to *ret. */
int lock_sweep(bool only_tell, struct arena *a, struct strv *ret, struct err *e);

/* A directory of ours below /run: made if missing, refused (ERR_HOST) where others could have put it there. O_PATH. */
int state_open_dir(const char *path, mode_t mode, struct err *e);

/* error, a negative errno that e tells of, with what helps where /run may not be written to. */
int state_hint(struct err *e, int error);
