/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sys/process.c: processes by descriptor, and by number and start time. */

#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "sys/caps.h"
#include "unit/tap.h"

static void test_clone(struct tap *t) {
        int code = 0, status = 0, r;
        struct process p = { 0 };

        fflush(stdout);
        r = process_clone(0, -1, &p);
        if (r == 0)
                _exit(7);
        OK_INT(t, r, 1, "the launcher's side");
        OK(t, p.pid > 0 && fcntl(p.pidfd, F_GETFD) & FD_CLOEXEC, "its number and descriptor");
        OK_INT(t, process_wait(p.pidfd, true, &code, &status), 0, "waited for");
        OK(t, code == CLD_EXITED && status == 7, "exit status");
        OK_INT(t, process_wait(p.pidfd, false, &code, &status), -ECHILD, "only once");
        OK_INT(t, process_signal(p.pidfd, SIGTERM), -ESRCH, "it is gone");
        close(p.pidfd);
        OK_INT(t, process_clone(1ull << 63, -1, &p), -EINVAL, "an unknown kind of namespace");
        OK_INT(t, process_clone(0, 9999, &p), -EBADF, "no cgroup");
}

/* Without a new user namespace, in which it would have all capabilities anyway: so it has those of who made it. */
static void test_clone_owned(struct tap *t) {
        enum { OWNER = 0x5f0000, SEES = 3 };
        struct caps_state before, after;
        int code = 0, status = 0, r, death = 0;
        struct process p = { 0 };

        if (geteuid() != 0) {
                tap_skip(t, "another owner", "not root");
                return;
        }
        OK_INT(t, caps_get(&before), 0, "capabilities before");
        prctl(PR_SET_PDEATHSIG, SIGUSR1);
        fflush(stdout);
        r = process_clone_owned(0, -1, OWNER, &p);
        if (r == 0) {
                struct caps_state its;

                _exit(geteuid() == OWNER && caps_get(&its) == 0 && its.effective == before.effective ? SEES : 1);
        }
        OK_INT(t, r, 1, "the launcher's side");
        OK_INT(t, process_wait(p.pidfd, true, &code, &status), 0, "waited for");
        OK(t, code == CLD_EXITED && status == SEES, "made by the owner, with all our capabilities");
        close(p.pidfd);
        OK_INT(t, caps_get(&after), 0, "capabilities after");
        OK(t, after.effective == before.effective && after.permitted == before.permitted, "are those of before");
        OK(t, geteuid() == 0 && getuid() == 0, "and so are the ids");
        OK(t, prctl(PR_GET_PDEATHSIG, &death) == 0 && death == SIGUSR1, "and the signal for the parent's death");
        prctl(PR_SET_PDEATHSIG, 0);
}

static void test_signal(struct tap *t) {
        int code = 0, status = 0, r;
        struct process p = { 0 };

        fflush(stdout);
        r = process_clone(0, -1, &p);
        if (r == 0)
                for (;;)
                        pause();
        OK_INT(t, process_wait(p.pidfd, false, &code, &status), -EAGAIN, "it lives");
        OK_INT(t, process_signal(p.pidfd, 0), 0, "and may be signalled");
        OK_INT(t, process_signal(p.pidfd, SIGKILL), 0, "killed");
        OK_INT(t, process_wait(p.pidfd, true, &code, &status), 0, "waited for");
        OK(t, code == CLD_KILLED && status == SIGKILL, "by that signal");
        close(p.pidfd);
        OK_INT(t, process_signal(-1, SIGTERM), -EBADF, "no descriptor");
}

/* A process that says when it is ready and then waits. */
static pid_t sleeper(const char *name, int caught, int blocked) {
        int fds[2];
        sigset_t set;
        pid_t pid;
        char c;

        if (pipe2(fds, O_CLOEXEC) < 0)
                abort();
        fflush(stdout);
        pid = fork();
        if (pid == 0) {
                if (name)
                        prctl(PR_SET_NAME, name);
                if (caught)
                        signal(caught, exit);
                sigemptyset(&set);
                if (blocked)
                        sigaddset(&set, blocked);
                sigprocmask(SIG_SETMASK, &set, NULL);
                if (write(fds[1], "x", 1) != 1)
                        _exit(1);
                for (;;)
                        pause();
        }
        if (read(fds[0], &c, 1) != 1)
                abort();
        close(fds[0]);
        close(fds[1]);
        return pid;
}

static void test_end(struct tap *t, int proc) {
        /* What proc_pid_stat(5) looks like with such a name is up to whoever reads it. */
        static const char *const names[] = { NULL, ") S 1 2 3 4 5", "a b) (c", "))))))))", "\n1 2 3" };
        uint64_t first, start = 0;
        int status = 0;

        OK_INT(t, process_start_time(proc, getpid(), &first), 0, "our own start");
        for (size_t i = 0; i < ELEMENTS(names); i++) {
                pid_t pid = sleeper(names[i], 0, 0);

                OK_INT(t, process_start_time(proc, pid, &start), 0, "start of one with an odd name");
                OK(t, start >= first && start < first + 100 * 100, "is a bit later than ours: %llu, %llu",
                   (unsigned long long) first, (unsigned long long) start);
                OK_INT(t, process_end(proc, pid, start + 1), 0, "another start: another process");
                OK(t, !process_is_leader(proc, pid), "it is no PID 1");
                OK(t, !process_is_leader(proc, 1), "nor is ours one of a namespace below");
                OK_INT(t, waitpid(pid, &status, WNOHANG), 0, "which is left alone");
                OK(t, !process_is_ending(proc, pid), "it lives");
                OK_INT(t, process_end(proc, pid, start), 0, "that one");
                OK(t, process_is_ending(proc, pid), "it is dead before it is reaped");
                OK(t, waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
                   "is killed");
                OK_INT(t, process_end(proc, pid, start), 0, "who is gone already is no error");
        }
        OK_INT(t, process_start_time(proc, 0x7ffffffe, &start), -ENOENT, "no such process");
}

static void end_sleeper(pid_t pid) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
}

static void test_heeds(struct tap *t, int proc) {
        pid_t pid = sleeper(NULL, SIGUSR2, SIGTERM);

        OK_INT(t, process_heeds(proc, pid, SIGUSR2), 1, "a caught signal");
        OK_INT(t, process_heeds(proc, pid, SIGTERM), 1, "a blocked one, which signalfd(2) may read");
        OK_INT(t, process_heeds(proc, pid, SIGUSR1), 0, "one that is neither");
        OK_INT(t, process_heeds(proc, pid, SIGRTMIN + 3), 0, "a high one that is neither");
        end_sleeper(pid);
        pid = sleeper(NULL, SIGRTMAX, SIGRTMIN);
        OK_INT(t, process_heeds(proc, pid, SIGRTMAX), 1, "the last one, caught");
        OK_INT(t, process_heeds(proc, pid, SIGRTMIN), 1, "a high one, blocked");
        OK_INT(t, process_heeds(proc, pid, SIGHUP), 0, "the first one");
        end_sleeper(pid);
        OK(t, process_heeds(proc, 0x7ffffffe, SIGTERM) < 0, "no such process");
}

/* Lines that no kernel writes, from a directory that plays proc. */
static void test_lines(struct tap *t) {
        static const struct {
                const char *text;
                int r;
                uint64_t start;
        } cases[] = {
                { "5 (x) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 4242 23\n", 0, 4242 },
                { "5 (x) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 4242", 0, 4242 },
                { "5 (x) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21", -EBADMSG, 0 },
                { "5 (x) S", -EBADMSG, 0 },
                { "5 x S 1 2 3", -EBADMSG, 0 },
                { "", -EBADMSG, 0 },
        };
        char base[] = "/tmp/test-process-XXXXXX", path[64];
        int dir;

        if (!mkdtemp(base))
                return;
        snprintf(path, sizeof path, "%s/5", base);
        mkdir(path, 0700);
        snprintf(path, sizeof path, "%s/5/stat", base);
        dir = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                CLEAN_FD int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
                uint64_t start = 0;

                if (write(fd, cases[i].text, strlen(cases[i].text)) < 0)
                        printf("# cannot write\n");
                OK_INT(t, process_start_time(dir, 5, &start), cases[i].r, "line %zu", i);
                OK_INT(t, start, cases[i].start, "its start");
        }
        close(dir);
        unlink(path);
        *strrchr(path, '/') = '\0';
        rmdir(path);
        rmdir(base);
}

/* Lines as the kernel writes them, in a proc of our own making. */
static void test_inside(struct tap *t) {
        static const struct {
                const char *leader, *other;
                int r;
                pid_t inside;
        } cases[] = {
                { "\t70\t1", "\t71\t2", 0, 2 },         { "\t70\t1", "\t90\t12\t2", 0, 12 },
                { "\t70\t8\t1", "\t71\t9\t2", 0, 2 },   { "\t70\t1", "\t71", -ESRCH, 0 },
                { "\t70\t8\t1", "\t71\t9", -ESRCH, 0 }, { "\t70", "\t71\t5", 0, 71 },
        };
        char base[] = "/tmp/test-process-XXXXXX", text[64];
        int proc = mkdtemp(base) ? open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        pid_t got;

        OK(t, mkdirat(proc, "70", 0700) == 0 && mkdirat(proc, "71", 0700) == 0, "a proc");
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                for (int k = 0; k < 2; k++) {
                        CLEAN_FD int fd = openat(proc, k ? "71/status" : "70/status",
                                                 O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
                        int n = snprintf(text, sizeof text, "Name:\tx\nNSpid:%s\nNSpgid:\t5\n",
                                         k ? cases[i].other : cases[i].leader);

                        OK(t, write(fd, text, (size_t) n) == n, "status");
                }
                got = 0;
                OK_INT(t, process_inside(proc, 71, 70, &got), cases[i].r, "line %zu", i);
                OK_INT(t, got, cases[i].inside, "number %zu", i);
        }
        OK_INT(t, process_inside(proc, 72, 70, &got), -ESRCH, "no such process");
        for (int k = 0; k < 2; k++) {
                unlinkat(proc, k ? "71/status" : "70/status", 0);
                unlinkat(proc, k ? "71" : "70", AT_REMOVEDIR);
        }
        close(proc);
        rmdir(base);
}

/* Grandchildren, whose end is nobody's business of ours. */
static void test_left(struct tap *t) {
        static const struct {
                const char *how;
                int exit, signal;
        } cases[] = { { "with a status", 7, 0 }, { "by a signal", 0, SIGKILL } };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                CLEAN_FD int fd = -1;
                int go[2], told[2], status = -1, k = -EAGAIN;
                pid_t pid, above;

                if (pipe2(go, O_CLOEXEC) < 0 || pipe2(told, O_CLOEXEC) < 0)
                        return;
                above = fork();
                if (above == 0) {
                        char c;

                        pid = fork();
                        if (pid == 0) {
                                if (read(go[0], &c, 1) == 1 && cases[i].signal)
                                        kill(getpid(), cases[i].signal);
                                _exit(cases[i].exit);
                        }
                        if (write(told[1], &pid, sizeof pid) != sizeof pid)
                                _exit(1);
                        waitpid(pid, NULL, 0);
                        _exit(0);
                }
                OK_INT(t, read(told[0], &pid, sizeof pid), sizeof pid, "a process that is not ours");
                fd = process_open(pid);
                OK_INT(t, process_left(fd, &status), -EAGAIN, "it lives");
                OK_INT(t, write(go[1], "x", 1), 1, "it ends");
                waitpid(above, NULL, 0);
                for (int tries = 0; k == -EAGAIN && tries < 100; tries++) {
                        k = process_left(fd, &status);
                        usleep(10 * 1000);
                }
                if (k == -ENODATA)
                        tap_skip(t, "its status", "before Linux 6.15");
                else
                        OK(t, k == 0 && status == (cases[i].exit << 8 | cases[i].signal), "%s: %d, %d", cases[i].how,
                           k, status);
                close(go[0]);
                close(go[1]);
                close(told[0]);
                close(told[1]);
        }
        OK_INT(t, process_open(0), -ESRCH, "no process has the number 0");
}

int main(void) {
        int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct tap t = { 0 };

        alarm(60);
        test_clone(&t);
        test_clone_owned(&t);
        test_signal(&t);
        test_end(&t, proc);
        test_heeds(&t, proc);
        test_lines(&t);
        test_inside(&t);
        test_left(&t);
        return tap_done(&t);
}
