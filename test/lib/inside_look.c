/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Verbs that look at the own process. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "inside.h"

static int look_argv(int argc, char **argv) {
        for (int i = 0; i < argc; i++)
                printf("[%s]\n", argv[i]);
        return 0;
}

/* Besides stdio: "N TARGET". Nothing is opened, so that nothing of ours shows up. */
static int look_fds(int argc, char **argv) {
        (void) argc;
        (void) argv;
        for (int fd = 3; fd < 4096; fd++) {
                char link[64], target[4096];
                ssize_t n;

                if (fcntl(fd, F_GETFD) < 0)
                        continue;
                snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
                n = readlink(link, target, sizeof target - 1);
                target[n < 0 ? 0 : n] = '\0';
                printf("%d %s\n", fd, target);
        }
        return 0;
}

static int look_signals(int argc, char **argv) {
        sigset_t blocked;

        (void) argc;
        (void) argv;
        sigprocmask(SIG_SETMASK, NULL, &blocked);
        for (int s = 1; s < NSIG; s++) {
                struct sigaction action;

                if (sigismember(&blocked, s) == 1)
                        printf("blocked %d\n", s);
                if (sigaction(s, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
                        printf("ignored %d\n", s);
        }
        return 0;
}

static int look_tty(int argc, char **argv) {
        struct termios t;
        struct winsize w;

        (void) argc;
        (void) argv;
        for (int fd = 0; fd < 3; fd++)
                printf("tty%d %s\n", fd, isatty(fd) ? ttyname(fd) ? ttyname(fd) : "unnamed" : "no");
        printf("session %d leader %d\n", getsid(0), getsid(0) == getpid());
        printf("controlling %s\n", tcgetsid(0) == getsid(0) ? "yes" : "no");
        printf("foreground %s\n", tcgetpgrp(0) == getpgrp() ? "yes" : "no");
        if (ioctl(0, TIOCGWINSZ, &w) == 0)
                printf("size %ux%u\n", w.ws_row, w.ws_col);
        if (tcgetattr(0, &t) == 0)
                printf("echo %d canonical %d onlcr %d\n", !!(t.c_lflag & ECHO), !!(t.c_lflag & ICANON),
                       !!(t.c_oflag & ONLCR));
        return 0;
}

/* A new terminal from the container's own devpts. */
static int look_newpty(int argc, char **argv) {
        int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;
        struct stat st;

        (void) argc;
        (void) argv;
        if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
                return tell("newpty", -1);
        slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (slave < 0 || fstat(slave, &st) < 0)
                return tell("newpty", -1);
        printf("%s %s group %u\n", ptsname(master), isatty(slave) ? "tty" : "none", st.st_gid);
        return 0;
}

/* Prints the size at each change until it is RxC. */
static int look_resize(int argc, char **argv) {
        sigset_t winch;
        struct winsize w;
        char text[32];
        int got;

        sigemptyset(&winch);
        sigaddset(&winch, SIGWINCH);
        sigprocmask(SIG_BLOCK, &winch, NULL);
        printf("ready\n");
        do {
                if (ioctl(0, TIOCGWINSZ, &w) < 0)
                        return 1;
                snprintf(text, sizeof text, "%ux%u", w.ws_row, w.ws_col);
                printf("size %s\n", text);
        } while (argc > 0 && strcmp(text, argv[0]) && sigwait(&winch, &got) == 0);
        return 0;
}

static int look_personality(int argc, char **argv) {
        struct utsname u;

        (void) argc;
        (void) argv;
        uname(&u);
        printf("%08lx %s\n", (unsigned long) personality(0xffffffff), u.machine);
        return 0;
}

/* From here up, forty times: the end must be our own root. */
static int look_cwd(int argc, char **argv) {
        char path[4096];
        struct stat root, top;

        (void) argc;
        (void) argv;
        printf("cwd %s\n", getcwd(path, sizeof path) ? path : outcome(errno));
        for (int i = 0; i < 40; i++)
                if (chdir("..") < 0) {
                        printf("up %s\n", outcome(errno));
                        return 0;
                }
        if (stat("/", &root) < 0 || stat(".", &top) < 0)
                return 1;
        printf("up %s\n", root.st_dev == top.st_dev && root.st_ino == top.st_ino ? "root" : "OUTSIDE");
        return 0;
}

/* Type, mode, owner, device number of paths: "PATH TYPE MODE UID:GID MAJOR:MINOR". */
static int look_stat(int argc, char **argv) {
        static const char *const types[16] = { [S_IFREG >> 12] = "file",   [S_IFDIR >> 12] = "dir",
                                               [S_IFLNK >> 12] = "link",   [S_IFCHR >> 12] = "char",
                                               [S_IFBLK >> 12] = "block",  [S_IFIFO >> 12] = "fifo",
                                               [S_IFSOCK >> 12] = "socket" };

        for (int i = 0; i < argc; i++) {
                struct stat st;

                if (lstat(argv[i], &st) < 0)
                        printf("%s %s\n", argv[i], outcome(errno));
                else
                        printf("%s %s %04o %u:%u %u:%u\n", argv[i], types[(st.st_mode & S_IFMT) >> 12],
                               st.st_mode & 07777, st.st_uid, st.st_gid, (unsigned) (st.st_rdev >> 8),
                               (unsigned) (st.st_rdev & 0xff));
        }
        return 0;
}

/* open PATH r|w|rw: can it be opened? */
static int look_open(int argc, char **argv) {
        int flags, fd;

        if (argc < 2)
                return 2;
        flags = !strcmp(argv[1], "r") ? O_RDONLY : !strcmp(argv[1], "w") ? O_WRONLY : O_RDWR;
        fd = open(argv[0], flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        return tell(argv[0], fd);
}

/* Ends as told: exit status, or a signal to itself. */
static int look_end(int argc, char **argv) {
        if (argc == 2 && !strcmp(argv[0], "signal")) {
                struct sigaction action = { .sa_handler = SIG_DFL };

                sigaction(atoi(argv[1]), &action, NULL);
                kill(getpid(), atoi(argv[1]));
                pause();
        }
        return argc == 1 ? atoi(argv[0]) : 2;
}

/* Takes back that it dies with the launcher, or sees that the kernel has. */
static int look_outlive(int argc, char **argv) {
        int before = 0, after = 0;

        prctl(PR_GET_PDEATHSIG, &before);
        if (argc > 0)
                prctl(PR_SET_PDEATHSIG, 0);
        prctl(PR_GET_PDEATHSIG, &after);
        printf("with the launcher comes %d, then %d\n", before, after);
        fflush(stdout);
        pause();
        return 0;
}

/* Says when it is ready, then which signals come; ends with the status after that many. */
static int look_catch(int argc, char **argv) {
        sigset_t all;
        int want = argc > 0 ? atoi(argv[0]) : 1, status = argc > 1 ? atoi(argv[1]) : 0;

        sigfillset(&all);
        sigdelset(&all, SIGCHLD);
        sigprocmask(SIG_BLOCK, &all, NULL);
        printf("ready\n");
        while (want-- > 0) {
                siginfo_t info;

                if (sigwaitinfo(&all, &info) < 0)
                        return 1;
                if (info.si_signo >= SIGRTMIN)
                        printf("signal RTMIN+%d\n", info.si_signo - SIGRTMIN);
                else
                        printf("signal %s\n", sigabbrev_np(info.si_signo));
        }
        return status;
}

/* Leaves N grandchildren behind that exit at once, waits, and counts zombies of PID 1. */
static int look_zombies(int argc, char **argv) {
        int n = argc > 0 ? atoi(argv[0]) : 10, zombies = 0;

        for (int i = 0; i < n; i++)
                if (fork() == 0) {
                        if (fork() == 0)
                                _exit(0);
                        _exit(0);
                }
        while (wait(NULL) > 0)
                ;
        usleep(200000);
        for (int pid = 2; pid < 2000; pid++) {
                char path[64], state = 0;
                FILE *f;

                snprintf(path, sizeof path, "/proc/%d/stat", pid);
                f = fopen(path, "re");
                if (!f)
                        continue;
                zombies += fscanf(f, "%*d (%*[^)]) %c", &state) == 1 && state == 'Z';
                fclose(f);
        }
        printf("zombies %d\n", zombies);
        return 0;
}

static const struct verb items[] = {
        { "argv", look_argv, "print the arguments, one a line in brackets" },
        { "fds", look_fds, "list open descriptors above 2" },
        { "signals", look_signals, "list blocked and ignored signals" },
        { "tty", look_tty, "describe stdio as terminals" },
        { "newpty", look_newpty, "make a terminal" },
        { "resize", look_resize, "RxC: print window sizes until it is that" },
        { "personality", look_personality, "personality and machine name" },
        { "cwd", look_cwd, "working directory, and where many .. lead" },
        { "stat", look_stat, "PATH...: type, mode, owner, device" },
        { "open", look_open, "PATH r|w|rw: can it be opened" },
        { "end", look_end, "STATUS, or signal N: end that way" },
        { "outlive", look_outlive, "[x]: is it killed with the launcher; x: no more" },
        { "catch", look_catch, "N STATUS: print N signals, then exit" },
        { "zombies", look_zombies, "N: orphan N processes, count zombies" },
};
const struct verbs verbs_look = { items, sizeof items / sizeof items[0] };
