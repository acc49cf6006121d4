/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The stub init for real: PID 1 of a new PID namespace, with this program once more as its payload. */

#include "stub/stub.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/clean.h"
#include "unit/tap.h"

enum { PATIENCE_MS = 10000, RT = 34 };

/* ---- the payload's side: what this program does as a payload ---- */

static int play_exit(const char *arg) {
        _exit(atoi(arg));
}

static int play_raise(const char *arg) {
        signal(atoi(arg), SIG_DFL);
        kill(getpid(), atoi(arg));
        pause();
        return 0;
}

/* Double forks: each orphan's end is PID 1's to see. */
static int play_orphans(const char *arg) {
        for (int i = 0; i < atoi(arg); i++) {
                pid_t pid = fork();

                if (pid == 0) {
                        if (fork() == 0) {
                                usleep((unsigned) (i % 7) * 1000);
                                _exit(i & 0xff);
                        }
                        _exit(0);
                }
                if (pid < 0 || waitpid(pid, NULL, 0) != pid)
                        dprintf(1, "trouble\n");
        }
        dprintf(1, "made\n");
        pause();
        return 0;
}

static const int heard_signals[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGWINCH, SIGUSR1, SIGUSR2, SIGCONT };

static void heard(int sig) {
        char text[] = "s00\n";

        text[1] = (char) ('0' + sig / 10);
        text[2] = (char) ('0' + sig % 10);
        (void) !write(1, text, 4);
}

/* Tell every signal; a second process in the same group tells them too, in capitals it would. */
static int play_listen(const char *arg) {
        pid_t other;

        for (size_t i = 0; i < ELEMENTS(heard_signals); i++)
                signal(heard_signals[i], heard);
        other = fork();
        if (other == 0)
                dup2(2, 1);
        else
                dprintf(1, "ready\n");
        for (;;)
                pause();
        return 0;
}

static int play_deaf(const char *arg) {
        signal(SIGTERM, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        dprintf(1, "ready\n");
        for (;;)
                pause();
        return 0;
}

static unsigned long long status_mask(const char *key) {
        CLEAN_FILE FILE *f = fopen("/proc/self/status", "re");
        char line[256];

        while (f && fgets(line, sizeof line, f))
                if (strncmp(line, key, strlen(key)) == 0)
                        return strtoull(line + strlen(key) + 1, NULL, 16);
        return ~0ull;
}

static int play_tell(const char *arg) {
        extern char **environ;

        dprintf(1, "pid %d ppid %d leader %d group %d\n", getpid(), getppid(), getsid(0) == getpid(),
                getpgrp() == getpid());
        dprintf(1, "blocked %llx ignored %llx\n", status_mask("SigBlk:"), status_mask("SigIgn:"));
        dprintf(1, "fds");
        for (int fd = 0; fd < 200; fd++)
                if (fcntl(fd, F_GETFD) >= 0)
                        dprintf(1, " %d", fd);
        dprintf(1, "\n");
        dprintf(1, "terminal %d foreground %d\n", ioctl(0, TIOCGSID, &(pid_t){ 0 }) == 0, tcgetpgrp(0) == getpid());
        for (char **e = environ; *e; e++)
                if (strncmp(*e, "ASAN", 4) != 0)
                        dprintf(1, "env %s\n", *e);
        dprintf(1, "end\n");
        _exit(0);
}

static int play_read(const char *arg) {
        char c;

        for (int fd = 3; read(fd, &c, 1) == 1; fd++)
                dprintf(1, "%c", c);
        dprintf(1, "\n");
        _exit(0);
}

static const struct part {
        const char *name;
        int (*fn)(const char *arg);
} parts[] = {
        { "exit", play_exit }, { "raise", play_raise }, { "orphans", play_orphans }, { "listen", play_listen },
        { "deaf", play_deaf }, { "tell", play_tell },   { "read", play_read },
};

static int play(const char *name, const char *arg) {
        for (size_t i = 0; i < ELEMENTS(parts); i++)
                if (strcmp(parts[i].name, name) == 0)
                        return parts[i].fn(arg);
        return 99;
}

/* ---- the test's side ---- */

struct box {
        pid_t stub;
        int out, err, report, life; /* ends of pipes */
};

struct plan {
        const char *part, *arg;
        unsigned flags, stop_ms;
        const char *program; /* instead of this one */
        int terminal;        /* > 0: descriptor 0 of the payload */
        const int *pass;
        size_t n_pass;
        bool no_caps;
        char **env;
};

static int image = -1;

static _Noreturn void be_guest(const struct plan *p, int report, int life) {
        char *argv[] = { (char *) "payload", (char *) p->part, (char *) p->arg, NULL };
        char *inside[] = { (char *) "PATH=/bin:/usr/bin", (char *) "PAYLOAD=1", NULL };
        char *env[] = { (char *) "container=berth", (char *) "container_uuid=0123", NULL };
        const char *program = p->program ? p->program : "/proc/self/exe";
        struct stub_job job = {
                .flags = p->flags,
                .stop_ms = p->stop_ms,
                .exec_fd = open(program, O_RDONLY | O_CLOEXEC),
                .status_fd = report,
                .life_fd = life,
                .pass = p->pass,
                .n_pass = p->n_pass,
                .path = p->program,
                .argv = argv,
                .envp = p->env ? p->env : inside,
        };
        sigset_t all;

        /* What a careless guest could leave behind. */
        signal(SIGPIPE, SIG_IGN);
        signal(SIGCHLD, SIG_IGN);
        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, NULL);
        if (p->no_caps)
                for (int c = 0; c < 64; c++)
                        prctl(PR_CAPBSET_DROP, c);
        if (stub_prepare(&image, &job) == 0)
                stub_exec(image, env);
        _exit(98);
}

static int pipe_or_die(int fds[2]) {
        return pipe2(fds, O_CLOEXEC) < 0 ? (perror("pipe"), exit(99), -1) : 0;
}

static void start(struct box *b, const struct plan *p) {
        int out[2], err[2], report[2], life[2];

        pipe_or_die(out), pipe_or_die(err), pipe_or_die(report), pipe_or_die(life);
        fflush(stdout);
        b->stub = (pid_t) syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
        if (b->stub == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (p->terminal > 0)
                        dup2(p->terminal, 0);
                dup2(out[1], 1);
                dup2(err[1], 2);
                close(life[1]);
                be_guest(p, report[1], life[0]);
        }
        close(out[1]), close(err[1]), close(report[1]), close(life[0]);
        *b = (struct box){ b->stub, out[0], err[0], report[0], life[1] };
}

static bool readable(int fd, int ms) {
        return poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, ms) > 0;
}

/* One line, without its end. false: no more, or no patience. */
static bool get_line(int fd, char *buf, size_t size) {
        size_t n = 0;

        while (n < size - 1 && readable(fd, PATIENCE_MS) && read(fd, buf + n, 1) == 1)
                if (buf[n++] == '\n') {
                        buf[n - 1] = '\0';
                        return true;
                }
        buf[n] = '\0';
        return false;
}

static void expect(struct tap *t, struct box *b, const char *want, const char *what) {
        char line[256];

        get_line(b->out, line, sizeof line);
        OK_STR(t, line, want, "%s", what);
}

/* The stub's end: exit status, or -signal. -99: none in time. */
static int finish(struct box *b) {
        int status, r = -99;

        for (int ms = 0; ms < PATIENCE_MS && r == -99; ms += 2) {
                pid_t pid = waitpid(b->stub, &status, WNOHANG);

                if (pid == b->stub)
                        r = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
                else
                        usleep(2000);
        }
        if (r == -99) {
                kill(b->stub, SIGKILL);
                waitpid(b->stub, NULL, 0);
        }
        close(b->out), close(b->err), close(b->report);
        if (b->life >= 0)
                close(b->life);
        return r;
}

static int run(const struct plan *p) {
        struct box b;

        start(&b, p);
        return finish(&b);
}

static void test_status(struct tap *t) {
        OK_INT(t, run(&(struct plan){ "exit", "0" }), 0, "exit 0");
        OK_INT(t, run(&(struct plan){ "exit", "7" }), 7, "exit 7");
        OK_INT(t, run(&(struct plan){ "exit", "255" }), 255, "exit 255");
        OK_INT(t, run(&(struct plan){ "raise", "9" }), 137, "SIGKILL");
        OK_INT(t, run(&(struct plan){ "raise", "15" }), 143, "SIGTERM");
        OK_INT(t, run(&(struct plan){ "raise", "9", .flags = STUB_STRICT }), 255, "SIGKILL, strict");
        OK_INT(t, run(&(struct plan){ "exit", "9", .flags = STUB_STRICT }), 9, "exit 9, strict");
        OK_INT(t, run(&(struct plan){ "exit", "3", .no_caps = true }), 3, "exit 3, without capabilities");
}

static ssize_t read_proc(pid_t pid, const char *name, char *buf, size_t size) {
        char path[96];
        CLEAN_FD int fd = -1;
        ssize_t n;

        snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, buf, size - 1);
        buf[n > 0 ? n : 0] = '\0';
        return n;
}

static int count_fds(pid_t pid) {
        char path[64];
        CLEAN_DIR DIR *d = NULL;
        int n = 0;

        snprintf(path, sizeof path, "/proc/%d/fd", pid);
        d = opendir(path);
        for (struct dirent *e; d && (e = readdir(d));)
                n += e->d_name[0] != '.';
        return d ? n : -1;
}

/* On machines without a start file of our own. */
static bool has_libc(void) {
        return stub_image_size > 16384;
}

static long kib(const char *rollup, const char *key) {
        const char *s = strstr(rollup, key);

        return s ? atol(s + strlen(key)) : -1;
}

static void test_clean(struct tap *t) {
        char buf[8192];
        struct box b;
        ssize_t n;

        start(&b, &(struct plan){ "listen", "" });
        expect(t, &b, "ready", "payload is up");
        n = read_proc(b.stub, "environ", buf, sizeof buf);
        OK(t, n == 36 && memcmp(buf, "container=berth\0container_uuid=0123\0", 36) == 0, "environment: two words");
        n = read_proc(b.stub, "cmdline", buf, sizeof buf);
        OK(t, n == 11 && memcmp(buf, "berth-stub", 11) == 0, "command line: its name");
        read_proc(b.stub, "comm", buf, sizeof buf);
        OK_STR(t, buf, "berth-stub\n", "comm: its name");
        /* The payload may be up before its stub has closed what is the payload's. */
        for (int tries = 0; tries < 200 && count_fds(b.stub) != 1; tries++)
                usleep(10 * 1000);
        OK_INT(t, count_fds(b.stub), 1, "the lifeline is its only descriptor");
        read_proc(b.stub, "smaps_rollup", buf, sizeof buf);
        OK(t, kib(buf, "Rss:") > 0 && kib(buf, "Rss:") < (has_libc() ? 1024 : 30),
           "resident, with vdso and all: %ld KiB", kib(buf, "Rss:"));
        OK(t, kib(buf, "Anonymous:") < (has_libc() ? 100 : 17), "memory of its own: %ld KiB", kib(buf, "Anonymous:"));
        kill(b.stub, SIGKILL);
        OK_INT(t, finish(&b), -SIGKILL, "killed from outside");
}

static void test_payload(struct tap *t) {
        int one[2], two[2], pass[2];
        struct box b;

        start(&b, &(struct plan){ "tell", "" });
        expect(t, &b, "pid 2 ppid 1 leader 1 group 1", "PID 2, leader of a session of its own");
        expect(t, &b, "blocked 0 ignored 0", "no signal blocked or ignored");
        expect(t, &b, "fds 0 1 2", "three descriptors");
        expect(t, &b, "terminal 0 foreground 0", "no terminal");
        expect(t, &b, "env PATH=/bin:/usr/bin", "its environment");
        expect(t, &b, "env PAYLOAD=1", "its environment");
        expect(t, &b, "end", "and nothing else");
        OK_INT(t, finish(&b), 0, "exit");

        /* Passed descriptors: in order, whatever their numbers; here reversed, and in the way of each other. */
        pipe_or_die(one), pipe_or_die(two);
        (void) !write(one[1], "a", 1);
        (void) !write(two[1], "b", 1);
        pass[0] = two[0], pass[1] = one[0];
        start(&b, &(struct plan){ "read", "", .pass = pass, .n_pass = 2 });
        close(one[1]), close(two[1]);
        expect(t, &b, "ba", "passed descriptors");
        OK_INT(t, finish(&b), 0, "exit");
        start(&b, &(struct plan){ "tell", "", .pass = pass, .n_pass = 2, .flags = STUB_LISTEN_PID });
        expect(t, &b, "pid 2 ppid 1 leader 1 group 1", "with LISTEN_PID");
        expect(t, &b, "blocked 0 ignored 0", "signals");
        expect(t, &b, "fds 0 1 2 3 4", "five descriptors");
        expect(t, &b, "terminal 0 foreground 0", "no terminal");
        expect(t, &b, "env PATH=/bin:/usr/bin", "its environment");
        expect(t, &b, "env PAYLOAD=1", "its environment");
        expect(t, &b, "env LISTEN_PID=2", "the payload's own pid");
        OK_INT(t, finish(&b), 0, "exit");
        close(one[0]), close(two[0]);
}

static void test_terminal(struct tap *t) {
        int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;
        struct box b;

        grantpt(master), unlockpt(master);
        slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
        start(&b, &(struct plan){ "tell", "", .flags = STUB_TERMINAL, .terminal = slave });
        expect(t, &b, "pid 2 ppid 1 leader 1 group 1", "with a terminal");
        expect(t, &b, "blocked 0 ignored 0", "signals");
        expect(t, &b, "fds 0 1 2", "three descriptors");
        expect(t, &b, "terminal 1 foreground 1", "it is the payload's, in the foreground");
        OK_INT(t, finish(&b), 0, "exit");
        close(slave), close(master);
}

static int count_zombies(pid_t stub) {
        char path[64], list[65536], buf[512];
        int n = 0;

        snprintf(path, sizeof path, "task/%d/children", stub);
        if (read_proc(stub, path, list, sizeof list) < 0)
                return -1;
        for (char *save, *s = strtok_r(list, " ", &save); s; s = strtok_r(NULL, " ", &save)) {
                const char *state;

                read_proc(atoi(s), "stat", buf, sizeof buf);
                state = strrchr(buf, ')');
                n += state && state[1] == ' ' && state[2] == 'Z';
        }
        return n;
}

static void test_orphans(struct tap *t) {
        struct box b;
        int left = -1;

        start(&b, &(struct plan){ "orphans", "1000" });
        expect(t, &b, "made", "1000 orphans");
        for (int ms = 0; ms < 3000 && left != 0; ms += 10) {
                left = count_zombies(b.stub);
                usleep(10000);
        }
        OK_INT(t, left, 0, "all are reaped");
        kill(b.stub, SIGUSR1);
        OK_INT(t, finish(&b), 128 + SIGUSR1, "and signals still arrive");
}

static void test_forward(struct tap *t) {
        char want[8];
        struct box b;

        start(&b, &(struct plan){ "listen", "" });
        expect(t, &b, "ready", "payload is up");
        for (size_t i = 0; i < ELEMENTS(heard_signals); i++) {
                kill(b.stub, heard_signals[i]);
                snprintf(want, sizeof want, "s%02d", heard_signals[i]);
                expect(t, &b, want, "signal passed on");
        }
        kill(b.stub, SIGTSTP);
        kill(b.stub, SIGPIPE);
        kill(b.stub, SIGALRM);
        kill(b.stub, RT + 9);
        kill(b.stub, SIGUSR2);
        expect(t, &b, "s12", "others are not");
        OK(t, !readable(b.err, 0), "nor is any to another process of the payload's group");
        kill(b.stub, SIGKILL);
        finish(&b);

        start(&b, &(struct plan){ "listen", "", .flags = STUB_STRICT });
        expect(t, &b, "ready", "strict: payload is up");
        for (size_t i = 0; i < ELEMENTS(heard_signals); i++)
                if (heard_signals[i] != SIGINT)
                        kill(b.stub, heard_signals[i]);
        OK(t, !readable(b.out, 200), "strict: nothing is passed on");
        kill(b.stub, SIGKILL);
        finish(&b);
}

/* Three signals, in whatever order: handlers of signals that come together run last first. */
static bool three_come(struct box *b, const char *want) {
        char lines[3][16];

        for (int i = 0; i < 3; i++)
                if (!get_line(b->out, lines[i], sizeof lines[i]) || !strstr(want, lines[i]))
                        return false;
        return strcmp(lines[0], lines[1]) != 0 && strcmp(lines[0], lines[2]) != 0 && strcmp(lines[1], lines[2]) != 0;
}

/* A request to stop: TERM, CONT and HUP arrive in some order; the end is the kernel's word for it. */
static void test_stop(struct tap *t) {
        static const struct {
                int signal;
                unsigned flags;
                int end;
        } cases[] = {
                { RT + 3, 0, -SIGINT },           { RT + 4, 0, -SIGINT },  { RT + 13, 0, -SIGINT },
                { RT + 14, 0, -SIGINT },          { RT + 5, 0, -SIGHUP },  { RT + 6, 0, -SIGHUP },
                { RT + 15, 0, -SIGHUP },          { RT + 16, 0, -SIGHUP }, { SIGINT, STUB_STRICT, -SIGHUP },
                { RT + 4, STUB_STRICT, -SIGINT },
        };
        struct box b;

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                start(&b, &(struct plan){ "listen", "", .flags = cases[i].flags, .stop_ms = 100 });
                expect(t, &b, "ready", "payload is up");
                kill(b.stub, cases[i].signal);
                OK(t, three_come(&b, "s01 s15 s18"), "signal %d: HUP, TERM and CONT", cases[i].signal);
                OK_INT(t, finish(&b), cases[i].end, "and in the end the kernel tells why");
        }
}

static int64_t now_ms(void) {
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void test_stop_limits(struct tap *t) {
        struct box b;
        int64_t begin;

        start(&b, &(struct plan){ "deaf", "", .stop_ms = 300 });
        expect(t, &b, "ready", "a payload that does not listen");
        begin = now_ms();
        kill(b.stub, RT + 4);
        kill(b.stub, RT + 5);
        OK_INT(t, finish(&b), -SIGINT, "is killed; the first request counts");
        OK(t, now_ms() - begin >= 300 && now_ms() - begin < 3000, "not before its time: %lld ms",
           (long long) (now_ms() - begin));

        start(&b, &(struct plan){ "raise", "19", .stop_ms = 5000 });
        usleep(100000);
        begin = now_ms();
        kill(b.stub, RT + 4);
        OK_INT(t, finish(&b), -SIGINT, "a stopped payload");
        OK(t, now_ms() - begin < 2000, "hears it");

        start(&b, &(struct plan){ "deaf", "", .stop_ms = 50, .no_caps = true });
        expect(t, &b, "ready", "without CAP_SYS_BOOT");
        kill(b.stub, RT + 4);
        OK_INT(t, finish(&b), 0, "power off is exit status 0");
        start(&b, &(struct plan){ "deaf", "", .stop_ms = 50, .no_caps = true });
        expect(t, &b, "ready", "without CAP_SYS_BOOT");
        kill(b.stub, RT + 5);
        OK_INT(t, finish(&b), STUB_EXIT_REBOOT, "reboot is exit status 133");
}

static void expect_report(struct tap *t, struct box *b, enum stub_step step, int code, const char *what) {
        struct stub_report r = { 0 };
        bool came = readable(b->report, PATIENCE_MS) && read(b->report, &r, sizeof r) == sizeof r;

        OK(t, came && r.magic == STUB_MAGIC, "%s: reported", what);
        OK_INT(t, r.step, step, "%s: step", what);
        OK_INT(t, r.code, code, "%s: errno", what);
}

static void test_failures(struct tap *t) {
        char script[] = "/tmp/test-stub-XXXXXX";
        int fd = mkostemp(script, O_CLOEXEC);
        struct box b;
        char c;

        start(&b, &(struct plan){ "", "", .program = "/etc/passwd" });
        expect_report(t, &b, STUB_STEP_EXEC, EACCES, "no program");
        OK_INT(t, finish(&b), STUB_EXIT_EXEC, "exit status 126");
        (void) !write(fd, "\177ELF", 4);
        fchmod(fd, 0755);
        close(fd);
        start(&b, &(struct plan){ "", "", .program = script });
        expect_report(t, &b, STUB_STEP_EXEC, ENOEXEC, "a broken program");
        OK_INT(t, finish(&b), STUB_EXIT_EXEC, "exit status 126");
        start(&b, &(struct plan){ "exit", "0", .flags = STUB_TERMINAL,
                                  .terminal = open("/dev/null", O_RDWR | O_CLOEXEC) });
        expect_report(t, &b, STUB_STEP_TERMINAL, ENOTTY, "no terminal");
        OK_INT(t, finish(&b), STUB_EXIT_SELF, "exit status 125");
        start(&b, &(struct plan){ "exit", "4" });
        OK(t, readable(b.report, PATIENCE_MS) && read(b.report, &c, 1) == 0, "no failure: end of file, nothing else");
        OK_INT(t, finish(&b), 4, "exit status of the payload");

        /* By its path: the kernel follows its last part nowhere. */
        fd = open(script, O_WRONLY | O_TRUNC | O_CLOEXEC);
        (void) !write(fd, "#!/bin/sh\nexit 33\n", 18);
        close(fd);
        start(&b, &(struct plan){ "", "", .program = script });
        OK_INT(t, finish(&b), 33, "by its path");
        start(&b, &(struct plan){ "exit", "5", .program = "/proc/self/exe" });
        expect_report(t, &b, STUB_STEP_EXEC, ELOOP, "a path that ends in a link");
        OK_INT(t, finish(&b), STUB_EXIT_EXEC, "exit status 126");
        unlink(script);
}

/* No process and no descriptor to be had. */
static void test_shortage(struct tap *t) {
        struct box b;
        struct rlimit old, few = { 4, 4 };
        pid_t pid;
        int status;

        fflush(stdout);
        pid = fork();
        if (pid == 0) {
                getrlimit(RLIMIT_NOFILE, &old);
                setrlimit(RLIMIT_NOFILE, &few);
                alarm(10);
                be_guest(&(struct plan){ "exit", "0" }, -1, -1);
        }
        waitpid(pid, &status, 0);
        OK(t, WIFEXITED(status) && WEXITSTATUS(status) == 98, "too few descriptors: the caller is told");
        start(&b, &(struct plan){ "exit", "0", .flags = 0 });
        OK_INT(t, finish(&b), 0, "and with enough all is well");
}

static void test_alone(struct tap *t) {
        pid_t pid;
        int status, r;

        fflush(stdout);
        pid = fork();
        if (pid == 0)
                be_guest(&(struct plan){ "exit", "0" }, -1, -1);
        waitpid(pid, &status, 0);
        OK(t, WIFEXITED(status) && WEXITSTATUS(status) == STUB_EXIT_SELF,
           "outside of a PID namespace it does nothing");
        fflush(stdout);
        pid = fork();
        if (pid == 0) {
                syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC);
                r = fcntl(image, F_DUPFD_CLOEXEC, 10);
                dup2(open("/dev/null", O_RDONLY), 3);
                syscall(SYS_execveat, r, "", (char *[]){ (char *) "x", NULL }, (char *[]){ NULL }, AT_EMPTY_PATH);
                _exit(97);
        }
        waitpid(pid, &status, 0);
        OK(t, WIFEXITED(status) && WEXITSTATUS(status) == STUB_EXIT_SELF, "without a job it does nothing");
}

static void test_lifeline(struct tap *t) {
        struct box b;

        start(&b, &(struct plan){ "deaf", "" });
        expect(t, &b, "ready", "a payload that does not listen");
        close(b.life);
        b.life = -1;
        OK_INT(t, finish(&b), STUB_EXIT_SELF, "ends when the launcher's end of the pipe goes");
}

static void test_pack(struct tap *t) {
        char *argv[] = { (char *) "a", (char *) "bc", NULL }, *none[] = { NULL }, buf[512];
        int pass[] = { 9, 8 };
        struct stub_job j = { .exec_fd = 5,
                              .status_fd = -1,
                              .life_fd = -1,
                              .pass = pass,
                              .n_pass = 2,
                              .path = "/x",
                              .argv = argv,
                              .envp = none };
        ssize_t n = stub_pack(&j, NULL, 0);
        const struct stub_block *b = (const struct stub_block *) buf;

        OK(t, n > (ssize_t) sizeof *b && n < 256, "size: %zd", n);
        memset(buf, 0x55, sizeof buf);
        OK_INT(t, stub_pack(&j, buf, (size_t) n - 1), n, "too small a buffer");
        OK_INT(t, buf[0], 0x55, "is not written to");
        OK_INT(t, stub_pack(&j, buf, sizeof buf), n, "large enough");
        OK_INT(t, b->size, n, "the block knows its size");
        OK_STR(t, buf + ((const uintptr_t *) (buf + b->argv))[1], "bc", "argv[1]");
        OK_INT(t, ((const uintptr_t *) (buf + b->argv))[2], 0, "the end of argv");
        OK_STR(t, buf + b->path, "/x", "path");
        j.exec_fd = 4;
        OK_INT(t, stub_pack(&j, NULL, 0), -EINVAL, "a descriptor in the way of the passed");
        j.exec_fd = 5, j.argv = none;
        OK_INT(t, stub_pack(&j, NULL, 0), -EINVAL, "no argv[0]");
        j.argv = argv, pass[1] = 3;
        OK_INT(t, stub_pack(&j, NULL, 0), -EINVAL, "a passed descriptor that is in the way");
        pass[1] = 4;
        OK_INT(t, stub_pack(&j, NULL, 0), n, "a passed descriptor that is in place");
        pass[0] = 3;
        OK_INT(t, stub_pack(&j, NULL, 0), -EINVAL, "a passed descriptor in the job's place");
        pass[0] = 9;
        pass[1] = 8, j.life_fd = 3;
        OK_INT(t, stub_pack(&j, NULL, 0), -EINVAL, "the lifeline in the job's place");
}

static void test_image(struct tap *t) {
        OK(t, stub_image_size > 500 && (has_libc() || stub_image_size < 8192), "image: %zu bytes", stub_image_size);
        OK(t, memcmp(stub_image, "\177ELF", 4) == 0, "is a program");
        OK(t, write(image, "x", 1) < 0 && ftruncate(image, 0) < 0, "and cannot be changed");
}

int main(int argc, char **argv) {
        struct tap t = { 0 };

        if (getenv("PAYLOAD"))
                return play(argv[1], argv[2]);
        syscall(SYS_close_range, 3, ~0u, 0);
        alarm(300);
        test_pack(&t);
        image = stub_open();
        if (!OK(&t, image >= 0, "a sealed memfd"))
                return tap_done(&t);
        test_image(&t);
        if (geteuid() != 0) {
                tap_skip(&t, "the stub at work", "needs root for a PID namespace");
                return tap_done(&t);
        }
        test_status(&t);
        test_clean(&t);
        test_payload(&t);
        test_terminal(&t);
        test_orphans(&t);
        test_forward(&t);
        test_stop(&t);
        test_stop_limits(&t);
        test_failures(&t);
        test_shortage(&t);
        test_alone(&t);
        test_lifeline(&t);
        return tap_done(&t);
}
