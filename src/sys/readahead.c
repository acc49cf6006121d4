/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/readahead.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/signals.h"

/* A program is rarely used to its end. In small steps, for the first are read from a disk while later ones are asked
 * for. */
enum { MOST = 2 << 20, STEP = 128 << 10, ROOM = 16 << 10 };

/* It has no errno of its own, so it calls nothing that would set it. Descriptors are shared: a copy of theirs would
 * keep open what the first thread closes. */
enum { THREAD_FLAGS = CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_FILES | CLONE_SYSVSEM };

struct work {
        int fd;
        off_t size;
};

static int read_ahead(void *data) {
        const struct work *w = data;

        for (off_t at = 0; at < w->size && at < MOST; at += STEP)
                if (posix_fadvise(w->fd, at, STEP, POSIX_FADV_WILLNEED) != 0)
                        break;
        close(w->fd);
        return 0;
}

/* Its room is never given back: only the end of the process is known to be later than its own. Signals are the first
 * thread's. */
void readahead_begin(int fd, off_t size) {
        void *room = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        struct work *w = room;
        sigset_t all, before;
        int k = -1;

        if (room != MAP_FAILED) {
                *w = (struct work){ .fd = fd, .size = size };
                signals_all(&all);
                sigprocmask(SIG_BLOCK, &all, &before);
                k = clone(read_ahead, (char *) room + ROOM, THREAD_FLAGS, w);
                sigprocmask(SIG_SETMASK, &before, NULL);
        }
        if (k < 0)
                close(fd);
}
