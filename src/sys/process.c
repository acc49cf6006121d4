/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/signals.h"
#include "sys/caps.h"

#ifndef PIDFD_GET_PID_NAMESPACE
#define PIDFD_GET_PID_NAMESPACE _IO(0xff, 5)
#endif
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static int clone_with(struct clone_args *args, struct process *ret) {
        int pidfd = -1;
        long r;

        args->flags |= CLONE_PIDFD;
        args->pidfd = (uint64_t) (uintptr_t) &pidfd;
        r = syscall(SYS_clone3, args, sizeof *args);
        if (r < 0)
                return -errno;
        if (r == 0)
                return 0;
        *ret = (struct process){ .pid = (pid_t) r, .pidfd = pidfd };
        return 1;
}

int process_clone(uint64_t namespaces, int cgroup, struct process *ret) {
        struct clone_args args = {
                .flags = namespaces | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
                .exit_signal = SIGCHLD,
                .cgroup = cgroup >= 0 ? (uint64_t) cgroup : 0,
        };

        return clone_with(&args, ret);
}

/* Rights to files stay those of the user files: a cgroup is one's own to be cloned into. Capabilities stay too: there
 * are hosts that let nobody else make a user namespace. A change of ids makes a process undumpable, and its files in
 * proc root's of all namespaces: the id map could not be written any more. */
static int act_as(uid_t effective, uid_t files, const struct caps_state *caps) {
        if (setresuid((uid_t) -1, effective, (uid_t) -1) < 0)
                return -errno;
        if (files != effective)
                (void) setfsuid(files);
        if (caps_set(caps->effective, caps->permitted, caps->inheritable) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0)
                return -errno;
        return 0;
}

static int act_as_before(uid_t own, const struct caps_state *caps, int death) {
        int k = act_as(own, own, caps);

        return k < 0 ? k : prctl(PR_SET_PDEATHSIG, death) < 0 ? -errno : 0;
}

int process_clone_owned(uint64_t namespaces, int cgroup, uid_t owner, struct process *ret) {
        struct caps_state caps;
        uid_t own = geteuid();
        int death, k, back;

        if (owner == own)
                return process_clone(namespaces, cgroup, ret);
        k = caps_get(&caps);
        if (k == 0 && prctl(PR_GET_PDEATHSIG, &death) < 0)
                k = -errno;
        if (k < 0)
                return k;
        k = act_as(owner, own, &caps);
        k = k < 0 ? k : process_clone(namespaces, cgroup, ret);
        if (k == 0)
                return 0;
        back = act_as_before(own, &caps, death);
        if (back == 0 || k < 0)
                return k < 0 ? k : 1;
        (void) process_signal(ret->pidfd, SIGKILL);
        (void) process_wait(ret->pidfd, true, &(int){ 0 }, &(int){ 0 });
        close(ret->pidfd);
        *ret = (struct process){ .pidfd = -1 };
        return back;
}

int process_clone_as(pid_t tid, struct process *ret) {
        struct clone_args args = {
                .flags = CLONE_FILES,
                .exit_signal = SIGCHLD,
                .set_tid = (uint64_t) (uintptr_t) &tid,
                .set_tid_size = 1,
        };

        return clone_with(&args, ret);
}

int process_clone_sister(uint64_t namespaces, struct process *ret) {
        /* The exit signal is the parent's choice, made for us already: it must be 0 here (clone(2)). */
        struct clone_args args = { .flags = namespaces | CLONE_PARENT };

        return clone_with(&args, ret);
}

int process_clone_inside(pid_t *ret_pid) {
        struct clone_args args = { .flags = CLONE_PARENT | CLONE_PARENT_SETTID,
                                   .parent_tid = (uint64_t) (uintptr_t) ret_pid };
        long r = syscall(SYS_clone3, &args, sizeof args);

        return r < 0 ? -errno : r > 0;
}

int process_pid_namespace(int pidfd) {
        int fd = ioctl(pidfd, PIDFD_GET_PID_NAMESPACE, 0);

        return fd < 0 ? -errno : fd;
}

const char *process_helper(const char *name, struct arena *a) {
        char self[PATH_MAX];
        ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
        const char *path;

        self[n > 0 ? n : 0] = '\0';
        if (strrchr(self, '/')) {
                path = arena_printf(a, "%.*s/%s", (int) (strrchr(self, '/') - self), self, name);
                if (access(path, X_OK) == 0)
                        return path;
        }
        path = arena_printf(a, "%s/%s", BERTH_LIBEXEC, name);
        return access(path, X_OK) == 0 ? path : NULL;
}

/* In a process of vfork(2): memory is the launcher's, but descriptors, signals and session are its own. */
static _Noreturn void become(const struct process_spawn *s, int pass, pid_t launcher) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        sigset_t none;

        if (s->dies_with_us && (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != launcher))
                _exit(127);
        if (s->number)
                snprintf(s->number, 11, "%d", (int) getpid());

        signals_default();
        sigemptyset(&none);
        (void) setsid();
        for (int fd = 0; fd < (s->keep_stderr ? 2 : 3); fd++)
                (void) dup2(null, fd);
        if (pass == s->fd)
                (void) fcntl(pass, F_SETFD, 0);
        else
                (void) dup2(pass, s->fd);
        if (syscall(SYS_close_range, s->fd + 1, ~0U, 0) == 0 && chdir("/") == 0 &&
            sigprocmask(SIG_SETMASK, &none, NULL) == 0)
                execve(s->path, s->argv, s->env);
        _exit(127);
}

pid_t process_spawn(const struct process_spawn *s, int pass) {
        pid_t launcher = getpid(), pid;

        if (access(s->path, X_OK) < 0)
                return -errno;
        pid = vfork();
        if (pid == 0)
                become(s, pass, launcher);
        return pid < 0 ? -errno : pid;
}

bool process_shall_end(void) {
        sigset_t now;

        return sigpending(&now) == 0 && (sigismember(&now, SIGTERM) || sigismember(&now, SIGINT) ||
                                         sigismember(&now, SIGHUP) || sigismember(&now, SIGQUIT));
}

int process_signal(int pidfd, int sig) {
        return syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0) < 0 ? -errno : 0;
}

int process_wait(int pidfd, bool block, int *ret_code, int *ret_status) {
        siginfo_t si;
        int r;

        memset(&si, 0, sizeof si);
        do
                r = waitid((idtype_t) P_PIDFD, (id_t) pidfd, &si, WEXITED | (block ? 0 : WNOHANG));
        while (r < 0 && errno == EINTR);
        if (r < 0)
                return -errno;
        if (si.si_pid == 0)
                return -EAGAIN;
        *ret_code = si.si_code;
        *ret_status = si.si_status;
        return 0;
}

/* pidfd_info of Linux 6.13, its first 64 bytes; headers of that age are not everywhere. */
struct exit_info {
        uint64_t mask, cgroup;
        uint32_t pid, tgid, ppid, ids[8];
        int32_t exit_code;
};
#define GET_EXIT_INFO  _IOWR(0xff, 11, struct exit_info)
#define EXIT_INFO_EXIT (1U << 3)

int process_left(int pidfd, int *ret_wait_status) {
        struct pollfd p = { .fd = pidfd, .events = POLLIN };
        struct exit_info info = { .mask = EXIT_INFO_EXIT };

        if (poll(&p, 1, 0) == 0)
                return -EAGAIN;
        if (ioctl(pidfd, GET_EXIT_INFO, &info) == 0 && info.mask & EXIT_INFO_EXIT) {
                *ret_wait_status = info.exit_code;
                return 0;
        }
        /* Hung up: reaped, and nothing more will be told. */
        return p.revents & POLLHUP ? -ENODATA : -EAGAIN;
}

ssize_t process_read(int proc, pid_t pid, const char *name, char *text, size_t size) {
        char path[64];

        snprintf(path, sizeof path, "%d/%s", (int) pid, name);
        return file_read_at(proc, path, text, size);
}

/* The name, field 2, may have anything in it, but what follows has no closing bracket. */
static int read_stat(int proc, pid_t pid, int wanted, uint64_t *ret) {
        char text[1024], *at;
        ssize_t n = process_read(proc, pid, "stat", text, sizeof text);

        if (n < 0)
                return (int) n;
        at = strrchr(text, ')');
        for (int field = 2; at && field < wanted; field++)
                at = strchr(at + 1, ' ');
        if (!at)
                return -EBADMSG;
        *ret = strtoull(at, NULL, 10);
        return 0;
}

int process_start_time(int proc, pid_t pid, uint64_t *ret) {
        return read_stat(proc, pid, 22, ret);
}

int process_above(int proc, pid_t pid, pid_t *ret) {
        uint64_t value;
        int k = read_stat(proc, pid, 4, &value);

        if (k == 0)
                *ret = (pid_t) value;
        return k;
}

int process_borrow(int pidfd, int fd) {
        int k = (int) syscall(SYS_pidfd_getfd, pidfd, fd, 0);

        return k < 0 ? -errno : k;
}

int process_open(pid_t pid) {
        int fd = pid > 0 ? (int) syscall(SYS_pidfd_open, pid, 0) : -1;

        return fd < 0 ? (pid > 0 ? -errno : -ESRCH) : fd;
}

int process_end(int proc, pid_t pid, uint64_t start) {
        CLEAN_FD int fd = process_open(pid);
        struct pollfd wait = { .fd = fd, .events = POLLIN };
        uint64_t now;

        /* Opened first, compared then: the number cannot change its owner in between unseen. */
        if (fd < 0 || process_start_time(proc, pid, &now) < 0 || now != start)
                return 0;
        if (process_signal(fd, SIGKILL) < 0)
                return 0;
        return poll(&wait, 1, 2000) > 0 ? 0 : -EBUSY;
}

static uint64_t signal_set(const char *status, const char *name) {
        const char *at = strstr(status, name);

        return at ? strtoull(at + strlen(name), NULL, 16) : 0;
}

/* Numbers from the namespace of this proc inwards, separated by tabs. */
static const char *inner_numbers(int proc, pid_t pid, char *status, size_t size) {
        char *at = process_read(proc, pid, "status", status, size) < 0 ? NULL : strstr(status, "\nNSpid:");

        if (!at)
                return NULL;
        at += strlen("\nNSpid:");
        at[strcspn(at, "\n")] = '\0';
        return at;
}

int process_inside(int proc, pid_t pid, pid_t leader, pid_t *ret) {
        char status[4096], of_leader[4096];
        const char *at = inner_numbers(proc, pid, status, sizeof status),
                   *depth = inner_numbers(proc, leader, of_leader, sizeof of_leader);

        if (!at || !depth)
                return -ESRCH;
        while ((depth = strchr(depth + 1, '\t'))) {
                at = strchr(at + 1, '\t');
                if (!at)
                        return -ESRCH;
        }
        *ret = (pid_t) strtol(at, NULL, 10);
        return 0;
}

bool process_is_leader(int proc, pid_t pid) {
        pid_t inside;

        return pid > 1 && process_inside(proc, pid, pid, &inside) == 0 && inside == 1;
}

bool process_is_ending(int proc, pid_t pid) {
        char text[4096];

        return process_read(proc, pid, "status", text, sizeof text) < 0 || strstr(text, "\nState:\tZ") ||
               signal_set(text, "\nShdPnd:") >> (SIGKILL - 1) & 1;
}

int process_heeds(int proc, pid_t pid, int sig) {
        char text[4096];
        ssize_t n = process_read(proc, pid, "status", text, sizeof text);

        if (n < 0)
                return (int) n;
        return (signal_set(text, "\nSigCgt:") | signal_set(text, "\nSigBlk:")) >> (sig - 1) & 1;
}
