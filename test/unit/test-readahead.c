/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sys/readahead.c: a file that is in no memory comes there, and nothing else changes. */

#include "sys/readahead.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clean.h"
#include "unit/tap.h"

enum { PAGE = 4096, SIZE = 3 << 20, FRONT = 2 << 20, PATIENCE_MS = 10000 };

/* Pages of the file that are in memory, from its front. */
static size_t resident(int fd) {
        unsigned char pages[SIZE / PAGE];
        void *at = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
        size_t n = 0;

        if (at == MAP_FAILED)
                return 0;
        if (mincore(at, SIZE, pages) == 0)
                while (n < SIZE / PAGE && pages[n] & 1)
                        n++;
        munmap(at, SIZE);
        return n;
}

/* On a disk: what is in a tmpfs is in memory for good. */
static int make_cold(char *path) {
        static const char block[64 << 10] = { 1 };
        int fd = mkostemp(path, O_CLOEXEC);

        for (size_t done = 0; fd >= 0 && done < SIZE; done += sizeof block)
                if (write(fd, block, sizeof block) != sizeof block)
                        return -1;
        (void) fsync(fd);
        (void) posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        return fd;
}

static void test_file(struct tap *t, const char *where) {
        char path[4096];
        CLEAN_FD int fd = -1;
        sigset_t before, after;
        size_t n = 0;
        int other;

        snprintf(path, sizeof path, "%s/readahead-XXXXXX", where);
        fd = make_cold(path);
        (void) unlink(path);
        if (!OK(t, fd >= 0, "a file"))
                return;
        if (resident(fd) > 0) {
                tap_skip(t, "it is read", "files stay in memory here");
                return;
        }
        other = fcntl(fd, F_DUPFD_CLOEXEC, 100);
        sigprocmask(SIG_SETMASK, NULL, &before);
        errno = ENOTTY;
        readahead_begin(other, SIZE);
        for (int ms = 0; (n < FRONT / PAGE || fcntl(other, F_GETFD) >= 0) && ms < PATIENCE_MS; ms++) {
                usleep(1000);
                n = resident(fd);
        }
        OK(t, n >= FRONT / PAGE && n < SIZE / PAGE, "its front is read, and its end is not");
        OK(t, fcntl(other, F_GETFD) < 0 && errno == EBADF, "the descriptor is closed");
        sigprocmask(SIG_SETMASK, NULL, &after);
        OK(t, sigismember(&before, SIGTERM) == sigismember(&after, SIGTERM) && sigismember(&after, SIGTERM) == 0,
           "signals are ours as before");
}

/* Whoever may have no thread does without. */
static void test_none(struct tap *t) {
        struct rlimit was;
        int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 100);

        (void) getrlimit(RLIMIT_AS, &was);
        (void) setrlimit(RLIMIT_AS, &(struct rlimit){ 0, was.rlim_max });
        readahead_begin(fd, SIZE);
        (void) setrlimit(RLIMIT_AS, &was);
        OK(t, fcntl(fd, F_GETFD) < 0 && errno == EBADF, "without memory it is closed at once");
}

int main(int argc, char **argv) {
        struct tap t = { 0 };

        test_file(&t, argc > 1 ? argv[1] : ".");
        test_none(&t);
        return tap_done(&t);
}
