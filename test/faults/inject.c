/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* inject [-k K] [-m fail|kill] [-e ERRNO] [-t SECONDS] [-l LOG] -o REPORT -- LAUNCHER...
 *
 * Follows every process of one launch by ptrace(2) and counts, over all of them in one sequence, the system calls that
 * change something or that the launch depends on. The K-th one fails with an errno that it can really have (-m fail),
 * or the launcher is killed at that moment (-m kill). K = 0 only counts. What a process of the launch other than the
 * launcher itself executes is the payload: it is let go, and never counted.
 *
 * LOG gets a line for each counted call. REPORT gets one line:
 *   k=K total=COUNT main=exit:N|signal:N|none hang=0|1 left=TRACED-PROCESSES-THAT-DID-NOT-END
 * where=WHO:CALL(PATH)[=ERRNO]
 *
 * A call that is to fail is turned into getpid(2), which every system call program lets through, and its result
 * replaced. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"
#include "regs.h"

enum { TRACEES = 512, SETTLE_MS = 3000 };

struct tracee {
        pid_t tid;
        int pending; /* the errno to return from the call it is in */
        bool gone;
};

struct inject {
        long k, count;
        bool kill, armed, hang;
        int error, limit_ms;
        const char *report;
        FILE *log;
        pid_t main;
        int main_status; /* -1: not ended */
        int64_t deadline;
        struct tracee tracees[TRACEES];
        int n;
        char where[512];
};

static _Noreturn void die(const char *what) {
        fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
        exit(2);
}

static int64_t now_ms(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static struct tracee *tracee_of(struct inject *in, pid_t tid) {
        for (int i = 0; i < in->n; i++)
                if (in->tracees[i].tid == tid && !in->tracees[i].gone)
                        return &in->tracees[i];
        errno = E2BIG;
        if (in->n == TRACEES)
                die("processes");
        in->tracees[in->n] = (struct tracee){ .tid = tid };
        return &in->tracees[in->n++];
}

static int alive(const struct inject *in) {
        int n = 0;

        for (int i = 0; i < in->n; i++)
                n += !in->tracees[i].gone;
        return n;
}

/* --- what a call is about --- */

static void read_comm(pid_t tid, char *buf, size_t size) {
        char path[64];
        int fd;
        ssize_t n;

        snprintf(path, sizeof path, "/proc/%d/comm", (int) tid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? 0 : read(fd, buf, size - 1);
        if (fd >= 0)
                close(fd);
        buf[n > 0 ? n : 0] = '\0';
        buf[strcspn(buf, "\n")] = '\0';
}

/* A page at a time: the string may end just before memory that is not there. */
static void read_string(pid_t tid, uint64_t from, char *buf, size_t size) {
        size_t have = 0;

        while (have < size - 1) {
                size_t n = 4096 - ((from + have) & 4095);
                struct iovec to = { buf + have, n < size - 1 - have ? n : size - 1 - have };
                struct iovec at = { (void *) (uintptr_t) (from + have), to.iov_len };
                ssize_t got = process_vm_readv(tid, &to, 1, &at, 1, 0);

                if (got <= 0)
                        break;
                if (memchr(buf + have, '\0', (size_t) got))
                        return;
                have += (size_t) got;
        }
        buf[have] = '\0';
}

/* Loading shared libraries and the C library's own start are not ours. A limit that is only asked for is no change. */
static bool of_libc(const struct inject *in, const struct call *c, const uint64_t args[6], const char *path) {
        static const long loading[] = { SYS_mmap, SYS_read, SYS_pread64, SYS_newfstatat };

        for (size_t i = 0; in->count == 0 && i < sizeof loading / sizeof *loading; i++)
                if (c->nr == loading[i])
                        return true;
        return strstr(path, "/ld.so.") || (strstr(path, "/lib") && strstr(path, ".so")) ||
               (c->nr == SYS_prlimit64 && args[2] == 0);
}

static const struct call *call_of(uint64_t nr) {
        for (size_t i = 0; i < n_calls; i++)
                if ((uint64_t) calls[i].nr == nr)
                        return &calls[i];
        return NULL;
}

static void describe(const struct inject *in, pid_t tid, const struct call *c, const char *path, char *buf,
                     size_t size) {
        char comm[32];

        read_comm(tid, comm, sizeof comm);
        snprintf(buf, size, "%s:%s:%s(%s)", tid == in->main ? "launcher" : "guest", comm, c->name, path);
        for (char *s = buf; *s; s++)
                if (*s == ' ' || *s == '\n' || *s == '\t')
                        *s = '_';
}

/* --- the point --- */

static void strike(struct inject *in, struct tracee *t, const struct call *c) {
        int error = in->error ? in->error : c->error;
        size_t n = strlen(in->where);

        if (in->kill) {
                kill(in->main, SIGKILL);
                in->deadline = now_ms() + SETTLE_MS;
                return;
        }
        if (regs_replace_call(t->tid, SYS_getpid) < 0) {
                if (errno == ESRCH)
                        return; /* it was killed in the meantime */
                die("cannot replace a call");
        }
        t->pending = error;
        snprintf(in->where + n, sizeof in->where - n, "=%s", strerrorname_np(error));
}

static void on_entry(struct inject *in, struct tracee *t, const struct __ptrace_syscall_info *info) {
        const struct call *c = call_of(info->entry.nr);
        char path[256] = "", text[400];

        if (!c || !in->armed || info->arch != regs_arch)
                return;
        if (c->path)
                read_string(t->tid, info->entry.args[c->path - 1], path, sizeof path);
        if (of_libc(in, c, (const uint64_t *) info->entry.args, path))
                return;
        in->count++;
        if (!in->log && in->count != in->k)
                return;
        describe(in, t->tid, c, path, text, sizeof text);
        if (in->log)
                fprintf(in->log, "%ld %s\n", in->count, text);
        if (in->count != in->k)
                return;
        snprintf(in->where, sizeof in->where, "%s", text);
        strike(in, t, c);
}

static void on_call(struct inject *in, struct tracee *t) {
        struct __ptrace_syscall_info info = { 0 };

        if (ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof info, &info) < 0)
                return; /* it was killed in the meantime */
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
                on_entry(in, t, &info);
        else if (info.op == PTRACE_SYSCALL_INFO_EXIT && t->pending) {
                (void) regs_set_result(t->tid, -t->pending);
                t->pending = 0;
        }
}

/* True: the tracee was let go. */
static bool on_exec(struct inject *in, struct tracee *t) {
        if (t->tid == in->main) {
                in->armed = true;
                return false;
        }
        t->gone = true;
        ptrace(PTRACE_DETACH, t->tid, 0, 0);
        return true;
}

static void on_end(struct inject *in, struct tracee *t, int status) {
        t->gone = true;
        if (t->tid != in->main)
                return;
        in->main_status = status;
        in->deadline = now_ms() + SETTLE_MS;
}

static void on_stop(struct inject *in, struct tracee *t, int status) {
        int sig = WSTOPSIG(status), event = status >> 16;
        bool group_stop = sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;

        if (event == PTRACE_EVENT_EXEC && on_exec(in, t))
                return;
        if (event == PTRACE_EVENT_STOP && group_stop) {
                ptrace(PTRACE_LISTEN, t->tid, 0, 0);
                return;
        }
        if (sig == (SIGTRAP | 0x80))
                on_call(in, t);
        /* A signal is delivered; what belongs to tracing is not. */
        ptrace(PTRACE_SYSCALL, t->tid, 0, event || sig == (SIGTRAP | 0x80) ? 0 : (long) sig);
}

/* --- the launch
 * ------------------------------------------------------------------------------------------------------ */

/* 1: something happened to a tracee, 0: the time is over, -1: there are none. */
static int wait_one(struct inject *in, pid_t *ret_tid, int *ret_status) {
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGCHLD);
        for (;;) {
                int64_t left = in->deadline - now_ms();
                struct timespec t = { left / 1000, left % 1000 * 1000000 };

                *ret_tid = waitpid(-1, ret_status, __WALL | WNOHANG);
                if (*ret_tid != 0)
                        return *ret_tid > 0 ? 1 : -1;
                if (left <= 0)
                        return 0;
                (void) sigtimedwait(&set, NULL, &t);
        }
}

static void kill_rest(struct inject *in) {
        int status;

        for (int i = 0; i < in->n; i++)
                if (!in->tracees[i].gone)
                        kill(in->tracees[i].tid, SIGKILL);
        in->deadline = now_ms() + SETTLE_MS;
        while (alive(in) > 0) {
                pid_t tid;

                if (wait_one(in, &tid, &status) <= 0)
                        return;
                if (WIFEXITED(status) || WIFSIGNALED(status))
                        tracee_of(in, tid)->gone = true;
                else
                        ptrace(PTRACE_CONT, tid, 0, 0);
        }
}

static void follow(struct inject *in) {
        while (alive(in) > 0) {
                int status, k;
                pid_t tid;

                k = wait_one(in, &tid, &status);
                if (k < 0)
                        return;
                if (k == 0) {
                        in->hang = in->main_status == -1;
                        return;
                }
                if (WIFEXITED(status) || WIFSIGNALED(status))
                        on_end(in, tracee_of(in, tid), status);
                else if (WIFSTOPPED(status))
                        on_stop(in, tracee_of(in, tid), status);
        }
}

/* What a payload in the host's network must not reach: an abstract socket of the host. It lives as long as we do. */
static void listen_abstract(void) {
        static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "\0berth-faults" };
        int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (sock < 0 || bind(sock, (const struct sockaddr *) &address, sizeof(sa_family_t) + 13) < 0 ||
            listen(sock, 8) < 0)
                die("cannot listen");
}

/* The child waits for a byte, so that it is traced from its first call on. */
static void start(struct inject *in, char **argv) {
        const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                             PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
        sigset_t set;
        int gate[2];

        sigemptyset(&set);
        sigaddset(&set, SIGCHLD);
        if (pipe2(gate, O_CLOEXEC) < 0)
                die("pipe");
        in->main = fork();
        if (in->main < 0)
                die("fork");
        if (in->main == 0) {
                char byte;

                if (read(gate[0], &byte, 1) != 1)
                        _exit(126);
                execvp(argv[0], argv);
                _exit(127);
        }
        sigprocmask(SIG_BLOCK, &set, NULL);
        if (ptrace(PTRACE_SEIZE, in->main, 0, options) < 0 || ptrace(PTRACE_INTERRUPT, in->main, 0, 0) < 0)
                die("cannot trace");
        tracee_of(in, in->main);
        in->deadline = now_ms() + in->limit_ms;
        if (write(gate[1], "", 1) != 1)
                die("gate");
        close(gate[0]);
        close(gate[1]);
}

static void report(const struct inject *in, int left) {
        FILE *f = fopen(in->report, "we");
        int status = in->main_status;

        if (!f)
                die(in->report);
        fprintf(f, "k=%ld total=%ld ", in->k, in->count);
        if (status == -1)
                fprintf(f, "main=none");
        else if (WIFEXITED(status))
                fprintf(f, "main=exit:%d", WEXITSTATUS(status));
        else
                fprintf(f, "main=signal:%d", WTERMSIG(status));
        fprintf(f, " hang=%d left=%d where=%s\n", in->hang, left, in->where[0] ? in->where : "-");
        fclose(f);
}

static int usage(void) {
        fprintf(stderr,
                "usage: inject [-k K] [-m fail|kill] [-e ERRNO] [-t SECONDS] [-l LOG] -o REPORT -- LAUNCHER...\n");
        return 2;
}

int main(int argc, char **argv) {
        struct inject in = { .limit_ms = 15000, .main_status = -1 };
        int o, left;

        while ((o = getopt(argc, argv, "+k:m:e:t:l:o:")) != -1)
                switch (o) {
                case 'k': in.k = atol(optarg); break;
                case 'm': in.kill = strcmp(optarg, "kill") == 0; break;
                case 'e': in.error = atoi(optarg); break;
                case 't': in.limit_ms = atoi(optarg) * 1000; break;
                case 'l': in.log = fopen(optarg, "we"); break;
                case 'o': in.report = optarg; break;
                default: return usage();
                }
        if (optind >= argc || !in.report)
                return usage();
        listen_abstract();
        start(&in, argv + optind);
        follow(&in);
        left = in.main_status == -1 ? 0 : alive(&in);
        kill_rest(&in);
        report(&in, left);
        return 0;
}
