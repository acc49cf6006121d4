/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/copydata.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { CHUNK = 64 * 1024, TELL = 64 * 1024 * 1024 };

struct copy {
        int from, to;
        int (*tell)(void *arg, uint64_t bytes); /* NULL */
        void *arg;
};

static int say(const struct copy *c, off_t bytes) {
        return c->tell ? c->tell(c->arg, (uint64_t) bytes) : 0;
}

/* 1: the end of the file came first. */
static int copy_by_hand(const struct copy *c, off_t at, off_t end) {
        char buf[CHUNK];

        while (at < end) {
                size_t want = end - at < CHUNK ? (size_t) (end - at) : CHUNK;
                ssize_t n = pread(c->from, buf, want, at);
                int k;

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : 1;
                k = file_pwrite(c->to, buf, (size_t) n, at);
                at += n;
                k = k < 0 || at % TELL ? k : say(c, at);
                if (k < 0)
                        return k;
        }
        return 0;
}

/* What the kernel refuses to copy on its own (other file systems, old kernels) is copied by hand, and so is what a
 * file holds that says it is empty. */
static int copy_range(const struct copy *c, off_t at, off_t end) {
        off_t to_at = at;

        while (at < end) {
                size_t want = c->tell && end - at > TELL ? TELL : (size_t) (end - at);
                ssize_t n = copy_file_range(c->from, &at, c->to, &to_at, want, 0);
                int k;

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return copy_by_hand(c, at, end);
                k = say(c, at);
                if (k < 0)
                        return k;
        }
        return 0;
}

/* Files that programs make up as they are read (proc(5)) have no size. */
static int copy_unsized(const struct copy *c) {
        int k = copy_by_hand(c, 0, (off_t) (~(unsigned long long) 0 >> 1));

        return k > 0 ? 0 : k;
}

int copydata(int from, int to) {
        return copydata_telling(from, to, NULL, NULL);
}

int copydata_telling(int from, int to, int (*tell)(void *arg, uint64_t bytes), void *arg) {
        const struct copy c = { from, to, tell, arg };
        struct stat st;
        int k = 0;

        if (fstat(from, &st) < 0)
                return -errno;
        if (st.st_size == 0)
                return copy_unsized(&c);
        for (off_t at = 0, end; k == 0 && at < st.st_size; at = end) {
                at = lseek(from, at, SEEK_DATA);
                if (at < 0 && errno == ENXIO)
                        break; /* a hole up to the end */
                end = at < 0 ? st.st_size : lseek(from, at, SEEK_HOLE);
                if (at < 0 && errno != EINVAL)
                        return -errno;
                at = at < 0 ? 0 : at; /* a file system that does not know */
                if (end < 0)
                        return -errno;
                k = copy_range(&c, at, end < st.st_size ? end : st.st_size);
        }
        if (k != 0)
                return k < 0 ? k : 0;
        return ftruncate(to, st.st_size) < 0 ? -errno : 0;
}
