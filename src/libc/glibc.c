/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* For berth-blkid: libblkid.a was compiled for glibc, and musl has all that it calls but these: what _FORTIFY_SOURCE
 * makes of a call (feature_test_macros(7)), with the check, and what is a macro in musl. Both libraries have the
 * kernel's structures on the machines where the build links it so, and musl has glibc's tables for <ctype.h>. */

#include "libc/glibc.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(bool holds) {
        if (!holds)
                abort();
}

int __vsnprintf_chk(char *s, size_t size, int flag, size_t room, const char *format, va_list ap) {
        check(size <= room);
        return vsnprintf(s, size, format, ap);
}

int __snprintf_chk(char *s, size_t size, int flag, size_t room, const char *format, ...) {
        va_list ap;
        int n;

        va_start(ap, format);
        n = __vsnprintf_chk(s, size, flag, room, format, ap);
        va_end(ap);
        return n;
}

int __vfprintf_chk(FILE *f, int flag, const char *format, va_list ap) {
        return vfprintf(f, format, ap);
}

int __fprintf_chk(FILE *f, int flag, const char *format, ...) {
        va_list ap;
        int n;

        va_start(ap, format);
        n = vfprintf(f, format, ap);
        va_end(ap);
        return n;
}

int __vasprintf_chk(char **ret, int flag, const char *format, va_list ap) {
        return vasprintf(ret, format, ap);
}

int __asprintf_chk(char **ret, int flag, const char *format, ...) {
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(ret, format, ap);
        va_end(ap);
        return n;
}

void __explicit_bzero_chk(void *at, size_t size, size_t room) {
        check(size <= room);
        explicit_bzero(at, size);
}

/* Of these the mode is missing. */
int __open_2(const char *path, int flags) {
        check(!(flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))));
        return open(path, flags);
}

int __openat_2(int dir, const char *path, int flags) {
        check(!(flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))));
        return openat(dir, path, flags);
}

/* sched_setaffinity(2), CPU_ALLOC(3): a bit for each processor. */
void *__sched_cpualloc(size_t n) {
        return calloc((n + 8 * sizeof(long) - 1) / (8 * sizeof(long)), sizeof(long));
}

void __sched_cpufree(void *set) {
        free(set);
}
