/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* base/file.c: what is read of a FIFO, whoever is at its other end. */

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clean.h"
#include "unit/tap.h"

/* Seconds. */
static const struct file_patience patience = { .for_writer = 1, .for_word = 2 };

static double now(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

/* Another process opens the FIFO after so many milliseconds, waits again before each word, and closes it. */
static pid_t start_writer(const char *fifo, int ms, const char *const *words) {
        pid_t pid = fork();
        int fd;

        if (pid != 0)
                return pid;
        usleep((useconds_t) ms * 1000);
        fd = open(fifo, O_WRONLY);
        for (; fd >= 0 && *words; words++) {
                usleep((useconds_t) ms * 1000);
                if (write(fd, *words, strlen(*words)) < 0)
                        _exit(1);
        }
        _exit(fd < 0);
}

static ssize_t read_fifo(const char *path, char *buf, size_t size) {
        CLEAN_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        ssize_t n = fd < 0 ? -errno : file_read_awaited(fd, buf, size - 1, &patience);

        buf[n > 0 ? n : 0] = '\0';
        return n;
}

static void test_writers(struct tap *t, const char *fifo) {
        static const struct {
                const char *what;
                int ms;
                const char *words[3];
                const char *want;
        } rows[] = {
                { "a writer that comes late", 200, { "late" }, "late" },
                /* Longer than anybody waits for one to come. */
                { "a writer that is slow", 700, { "s", "low" }, "slow" },
                { "a writer that says nothing", 200, { NULL }, "" },
        };

        for (size_t i = 0; i < ELEMENTS(rows); i++) {
                pid_t pid = start_writer(fifo, rows[i].ms, rows[i].words);
                char buf[64];
                ssize_t n = read_fifo(fifo, buf, sizeof buf);

                OK_INT(t, n, (long) strlen(rows[i].want), "%s", rows[i].what);
                OK_STR(t, buf, rows[i].want, "%s: what came", rows[i].what);
                waitpid(pid, NULL, 0);
        }
}

static void test_nobody(struct tap *t, const char *fifo) {
        double start = now();
        char buf[64];
        CLEAN_FD int silent = -1;
        pid_t pid;

        OK_INT(t, read_fifo(fifo, buf, sizeof buf), -ETIMEDOUT, "nobody writes: given up");
        OK(t, now() - start >= patience.for_writer * 0.9, "not before its time");

        /* One that is there when the time is over is waited for. */
        pid = fork();
        if (pid == 0) {
                silent = open(fifo, O_WRONLY);
                usleep((patience.for_writer * 1000 + 500) * 1000);
                _exit(write(silent, "x", 1) != 1);
        }
        OK_INT(t, read_fifo(fifo, buf, sizeof buf), 1, "a silent writer is waited for");
        waitpid(pid, NULL, 0);

        pid = fork();
        if (pid == 0) {
                silent = open(fifo, O_WRONLY);
                (void) write(silent, "x", 1);
                for (;;)
                        pause();
        }
        start = now();
        OK_INT(t, read_fifo(fifo, buf, sizeof buf), -ETIME, "one that stays silent is given up");
        OK(t, now() - start >= patience.for_word * 0.9, "not before its time");
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
}

static void test_others(struct tap *t, const char *dir) {
        const struct timeval wait = { .tv_usec = 100 * 1000 };
        CLEAN_FD int empty = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), full = -1;
        int ends[2], pair[2];
        char buf[8];

        OK_INT(t, file_read_awaited(empty, buf, sizeof buf, &patience), 0, "an empty file is empty");
        full = open("/dev/zero", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        OK_INT(t, file_read_awaited(full, buf, sizeof buf, &patience), sizeof buf, "no more than there is room for");
        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) {
                OK_INT(t, write(ends[1], "said", 4), 4, "a pipe, written to");
                close(ends[1]);
                OK_INT(t, file_read_awaited(ends[0], buf, sizeof buf, &patience), 4, "and closed: all of it");
                OK_INT(t, file_read_awaited(ends[0], buf, sizeof buf, &patience), 0, "and its end, at once");
                close(ends[0]);
        }
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0) {
                setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
                OK_INT(t, file_read_awaited(pair[0], buf, sizeof buf, &patience), -ETIMEDOUT,
                       "a socket that is silent");
                close(pair[0]);
                close(pair[1]);
        }
}

static void test_write(struct tap *t, const char *dir) {
        CLEAN_FD int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), none = open(dir, O_PATH | O_CLOEXEC);
        char buf[16] = "";

        OK_INT(t, file_write(fd, "all of it", 9), 0, "where the file stands");
        OK_INT(t, file_pwrite(fd, "ALL", 3, 0), 0, "and elsewhere");
        OK(t, file_pread(fd, buf, sizeof buf, 0) == 9 && strcmp(buf, "ALL of it") == 0, "both are there: %s", buf);
        OK_INT(t, file_write(none, "x", 1), -EBADF, "what cannot be written to");
}

int main(void) {
        char dir[] = "/tmp/test-file.XXXXXX", fifo[64];
        struct tap t = { 0 };

        signal(SIGPIPE, SIG_IGN);
        if (!mkdtemp(dir))
                return 1;
        snprintf(fifo, sizeof fifo, "%s/fifo", dir);
        if (mkfifo(fifo, 0600) < 0)
                return 1;
        test_writers(&t, fifo);
        test_nobody(&t, fifo);
        test_others(&t, dir);
        test_write(&t, dir);
        unlink(fifo);
        rmdir(dir);
        return tap_done(&t);
}
