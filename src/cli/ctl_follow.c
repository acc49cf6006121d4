/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/ctl_follow.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "state/record.h"

void follow_init(struct follow *f, const char *machine) {
        *f = (struct follow){ .machine = machine, .fd = -1, .watch = -1 };
}

void follow_done(struct follow *f) {
        clean_fd(&f->fd);
        clean_fd(&f->watch);
        f->fd = f->watch = -1;
}

static int open_log(const char *machine, const char *name) {
        char path[128];
        int fd, k = record_log_path(machine, name, path, sizeof path);

        if (k < 0)
                return k;
        fd = open(path, O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static bool is_same(int a, int b) {
        struct stat x, y;

        return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* The directory: there the newer file changes its name. Where no watch can be had, the user's are used up. */
static int open_watch(const char *machine) {
        CLEAN_FD int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        char path[128];
        char *slash;

        if (fd < 0 || record_log_path(machine, RECORD_LOG, path, sizeof path) < 0)
                return -1;
        slash = strrchr(path, '/');
        *slash = '\0';
        return inotify_add_watch(fd, path, IN_MODIFY | IN_CREATE | IN_ONLYDIR) < 0 ? -1 : TAKE_FD(fd);
}

/* As it is now; it may grow behind that. */
static int read_all(int fd, char *text, size_t size, size_t *n) {
        while (*n < size) {
                ssize_t k = read(fd, text + *n, size - *n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                if (k == 0)
                        return 0;
                *n += (size_t) k;
        }
        return 0;
}

/* Both files, the older one first. Where they changed their names in between, once more. */
static int open_both(const char *machine, int *ret_old, int *ret_new) {
        for (int tries = 0; tries < 8; tries++) {
                CLEAN_FD int new = open_log(machine, RECORD_LOG), old = open_log(machine, RECORD_LOG_OLD);

                if (new < 0)
                        return new;
                if (old >= 0 && is_same(old, new))
                        continue;
                *ret_old = TAKE_FD(old);
                *ret_new = TAKE_FD(new);
                return 0;
        }
        return -EAGAIN;
}

int follow_open(struct follow *f, bool watch, struct arena *a, char **ret, size_t *ret_n, struct err *e) {
        enum { SIZE = 2 * RECORD_LOG_MAX };
        CLEAN_FD int old = -1;
        int k;

        /* Watched first: what comes after the reading is told of. */
        f->watch = watch ? open_watch(f->machine) : -1;
        k = open_both(f->machine, &old, &f->fd);
        if (k == -ENOENT)
                return 0;
        *ret_n = 0;
        *ret = arena_alloc(a, SIZE + 1); /* ended by a NUL */
        k = k < 0 || old < 0 ? k : read_all(old, *ret, SIZE, ret_n);
        k = k < 0 ? k : read_all(f->fd, *ret, SIZE, ret_n);
        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot read the console's log of %s", f->machine) : 1;
}

/* The next file, where this one is no longer the newest: it has got its last byte then. */
static int next_file(struct follow *f) {
        CLEAN_FD int new = open_log(f->machine, RECORD_LOG), old = -1;

        if (new < 0 || is_same(new, f->fd))
                return -EAGAIN;
        old = open_log(f->machine, RECORD_LOG_OLD);
        return old >= 0 && !is_same(old, f->fd) ? TAKE_FD(old) : TAKE_FD(new);
}

ssize_t follow_read(struct follow *f, char *buf, size_t size) {
        char events[4096];
        int next = -EAGAIN;
        ssize_t n;

        if (f->watch >= 0)
                while (read(f->watch, events, sizeof events) > 0)
                        ;
        for (;;) {
                n = read(f->fd, buf, size);
                if (n > 0)
                        return n;
                if (n < 0 && errno == EINTR)
                        continue;
                /* Once more since it was found to be full. */
                if (next >= 0) {
                        close(f->fd);
                        f->fd = next;
                        next = -EAGAIN;
                        continue;
                }
                next = n < 0 ? -EAGAIN : next_file(f);
                if (next < 0)
                        return -EAGAIN;
        }
}

size_t follow_tail(const char *text, size_t n, size_t lines) {
        size_t at = n;

        if (lines == 0)
                return n;
        /* The newline at the very end ends the last line. */
        if (at > 0 && text[at - 1] == '\n')
                at--;
        while (at > 0 && (text[at - 1] != '\n' || --lines > 0))
                at--;
        return at;
}
