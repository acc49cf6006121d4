/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A payload that takes what it gets of what the kernel has limits for, to see what others have then. */

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inside.h"

/* Each takes the i-th and keeps it: 0, -errno. */

static int take_inotify(long i) {
        return inotify_init1(IN_CLOEXEC) < 0 ? -errno : 0;
}

/* One file for every 100, one instance for each of those. */
static int take_watch(long i) {
        static int instances[100];
        int at = (int) (i % 100);
        char path[64];

        if (i < 100)
                instances[at] = inotify_init1(IN_CLOEXEC);
        snprintf(path, sizeof path, "/tmp/watched-%d-%ld", (int) getpid(), i / 100);
        if (at == 0)
                close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        return instances[at] < 0 || inotify_add_watch(instances[at], path, IN_MODIFY) < 0 ? -errno : 0;
}

static int take_key(long i) {
        char name[32];

        snprintf(name, sizeof name, "exhaust-%ld", i);
        return syscall(SYS_add_key, "user", name, "x", 1, -3 /* the session's */) < 0 ? -errno : 0;
}

static int take_pty(long i) {
        int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);

        return fd < 0 ? -errno : 0;
}

static int take_queue(long i) {
        struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 8000 };
        char name[32];

        snprintf(name, sizeof name, "/exhaust-%d-%ld", (int) getpid(), i);
        return mq_open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600, &attr) == (mqd_t) -1 ? -errno : 0;
}

static int take_signal(long i) {
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGRTMIN);
        if (i == 0 && sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        return sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 0 }) < 0 ? -errno : 0;
}

static int take_process(long i) {
        pid_t above = getpid(), pid = fork();

        if (pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                while (getppid() == above)
                        pause();
                _exit(0);
        }
        return pid < 0 ? -errno : 0;
}

static int take_descriptor(long i) {
        return dup(STDIN_FILENO) < 0 ? -errno : 0;
}

static int take_memory_file(long i) {
        static char block[1 << 20];
        static int fd = -1;

        if (fd < 0)
                fd = open("/dev/shm/exhaust", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        memset(block, 'x', sizeof block);
        return fd < 0 || write(fd, block, sizeof block) != sizeof block ? -errno : 0;
}

static const struct {
        const char *name;
        int (*take)(long i);
} kinds[] = {
        { "inotify", take_inotify },   { "watches", take_watch },    { "keys", take_key },
        { "ptys", take_pty },          { "queues", take_queue },     { "signals", take_signal },
        { "processes", take_process }, { "files", take_descriptor }, { "shm", take_memory_file },
};

/* What has a name, and would stay. */
static void clean_up(long n) {
        char name[64];

        for (long i = 0; i < n; i++) {
                snprintf(name, sizeof name, "/exhaust-%d-%ld", (int) getpid(), i);
                (void) mq_unlink(name);
                snprintf(name, sizeof name, "/tmp/watched-%d-%ld", (int) getpid(), i);
                (void) unlink(name);
        }
}

/* KIND MAX [hold]: "KIND NUMBER OUTCOME". Without hold all is given back. */
static int exhaust(int argc, char **argv) {
        long max = argc > 1 ? atol(argv[1]) : 0, n = 0;
        struct rlimit files;
        int k = 0;

        if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
                files.rlim_cur = files.rlim_max;
                (void) setrlimit(RLIMIT_NOFILE, &files);
        }
        for (size_t i = 0; argc > 1 && i < sizeof kinds / sizeof kinds[0]; i++) {
                if (strcmp(kinds[i].name, argv[0]) != 0)
                        continue;
                while (n < max && (k = kinds[i].take(n)) == 0)
                        n++;
                printf("%s %ld %s\n", argv[0], n, outcome(-k));
                while (argc > 2)
                        pause();
                clean_up(n);
                return 0;
        }
        return 2;
}

/* Every process makes more of them, for ever. */
static int bomb(int argc, char **argv) {
        puts("up");
        while (fork() >= 0 || usleep(50 * 1000) == 0)
                ;
        return 1;
}

static const struct verb verbs[] = {
        { "bomb", bomb, "fork, in every process, for ever" },
        { "exhaust", exhaust,
          "KIND MAX [hold]: take so many inotify, watches, keys, ptys, queues, signals, processes, files, shm" },
};

const struct verbs verbs_exhaust = { verbs, sizeof verbs / sizeof verbs[0] };
