/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sys/copydata.c: content, sizes and holes. */

#include "sys/copydata.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "unit/tap.h"

enum { MIB = 1024 * 1024 };

static int temporary(const char *dir) {
        return open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static bool same(int a, int b) {
        char x[4096], y[4096];
        off_t at = 0;

        for (;;) {
                ssize_t n = pread(a, x, sizeof x, at), m = pread(b, y, sizeof y, at);

                if (n != m || n < 0 || memcmp(x, y, (size_t) n) != 0)
                        return false;
                if (n == 0)
                        return true;
                at += n;
        }
}

static void test_layouts(struct tap *t, const char *dir, const char *other) {
        static const struct {
                const char *what;
                off_t data[3]; /* where a few bytes lie; 0 behind the first: none */
                off_t size;
        } cases[] = {
                { "a small file", { 0 }, 5 },
                { "a hole at the end", { 0 }, 10 * MIB },
                { "a hole at the beginning", { 5 * MIB }, 5 * MIB + 5 },
                { "holes all over", { MIB, 3 * MIB, 7 * MIB }, 9 * MIB },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                CLEAN_FD int from = temporary(dir), to = temporary(other);
                struct stat a, b;

                for (size_t k = 0; k < 3; k++)
                        if (k == 0 || cases[i].data[k] > 0)
                                OK_INT(t, pwrite(from, "hello", 5, cases[i].data[k]), 5, "data");
                OK_INT(t, ftruncate(from, cases[i].size), 0, "%s", cases[i].what);
                OK_INT(t, copydata(from, to), 0, "copied");
                OK(t, fstat(from, &a) == 0 && fstat(to, &b) == 0 && a.st_size == b.st_size, "of the same size");
                OK(t, same(from, to), "the same content");
                OK(t, b.st_blocks <= a.st_blocks + 16, "holes are holes: %lld, %lld blocks", (long long) a.st_blocks,
                   (long long) b.st_blocks);
        }
}

static void test_odd(struct tap *t, const char *dir) {
        CLEAN_FD int from = temporary(dir), to = temporary(dir), none = temporary(dir), proc = -1;
        CLEAN_FD int read_only = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
        struct stat st;

        OK_INT(t, ftruncate(from, 64 * MIB), 0, "nothing but a hole");
        OK(t, copydata(from, to) == 0 && fstat(to, &st) == 0 && st.st_size == 64 * MIB && st.st_blocks < 64,
           "stays one");
        OK_INT(t, ftruncate(from, 0), 0, "an empty file");
        OK(t, copydata(from, none) == 0 && fstat(none, &st) == 0 && st.st_size == 0, "stays empty");
        proc = temporary(dir);
        OK(t, copydata(read_only, proc) == 0 && fstat(proc, &st) == 0 && st.st_size > 100, "a file without a size");
        OK(t, copydata(from, -1) == 0, "nothing to write to nowhere");
        OK_INT(t, pwrite(from, "x", 1, 0), 1, "something");
        OK(t, copydata(from, -1) < 0, "to nowhere");
        OK(t, copydata(from, read_only) < 0, "to what cannot be written to");
}

int main(void) {
        struct tap t = { 0 };

        alarm(60);
        test_layouts(&t, "/tmp", "/tmp");
        test_layouts(&t, "/tmp", "/dev/shm");
        test_layouts(&t, "/dev/shm", "/tmp");
        test_odd(&t, "/tmp");
        return tap_done(&t);
}
