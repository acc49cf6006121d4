/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The stub init. Process: PID 1 of the container, in all its namespaces, with the payload's credentials and filters,
 * without libc and without writable static data.
 *
 * It may not die: when it does, the kernel kills everything else (pid_namespaces(7)). So from the fork on there is no
 * error that ends it; what fails is passed over, and there is always something left to wait for. As PID 1 it gets only
 * signals it has a handler for or has blocked; it blocks all and takes them one by one, which needs no handler.
 *
 * It never opens a file and trusts nothing in the container. */

#include <asm/ioctls.h>
#include <asm/unistd.h>
#include <linux/close_range.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/reboot.h>
#include <linux/signal.h>
#include <linux/time_types.h>
#include <linux/wait.h>
#include <stdbool.h>
#include <stddef.h>

#include "stub/block.h"
#include "stub/call.h"

enum { SIGNALS = 64, SIGSET_SIZE = 8, STOP_MS = 90000, NEVER = -1 };

/* Real-time signals are counted from where glibc's begin, as those who send them do. */
enum { RTMIN = 34 };

enum stub_state { RUNNING, POWERING_OFF, REBOOTING };
enum action { IGNORE, FORWARD, REAP, CHECK_LIFELINE, POWER_OFF, REBOOT };

struct stub {
        struct stub_block *block;
        uint32_t flags, stop_ms;
        int life_fd;
        enum stub_state state;
        int64_t deadline_ms; /* CLOCK_MONOTONIC; NEVER */
        long payload;
};

/* What each signal does. Signals that are not listed do nothing. The strict column is systemd-nspawn's stub: there,
 * the payload hears of nothing but the request to stop, and INT, which machinectl sends, asks for a reboot. */
static const struct row {
        uint8_t signal, usual, strict;
} rows[] = {
        { SIGCHLD, REAP, REAP },
        { SIGIO, CHECK_LIFELINE, CHECK_LIFELINE },
        { SIGTERM, FORWARD, IGNORE },
        { SIGINT, FORWARD, REBOOT },
        { SIGHUP, FORWARD, IGNORE },
        { SIGQUIT, FORWARD, IGNORE },
        { SIGWINCH, FORWARD, IGNORE },
        { SIGUSR1, FORWARD, IGNORE },
        { SIGUSR2, FORWARD, IGNORE },
        { SIGCONT, FORWARD, IGNORE },
        { RTMIN + 3, POWER_OFF, POWER_OFF },
        { RTMIN + 4, POWER_OFF, POWER_OFF },
        { RTMIN + 5, REBOOT, REBOOT },
        { RTMIN + 6, REBOOT, REBOOT },
        { RTMIN + 13, POWER_OFF, POWER_OFF },
        { RTMIN + 14, POWER_OFF, POWER_OFF },
        { RTMIN + 15, REBOOT, REBOOT },
        { RTMIN + 16, REBOOT, REBOOT },
};

static _Noreturn void leave(int status) {
        for (;;)
                CALL(__NR_exit_group, status);
}

static int64_t now_ms(void) {
        struct __kernel_timespec t = { 0 };

        CALL(__NR_clock_gettime, 1 /* CLOCK_MONOTONIC */, &t);
        return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static _Noreturn void fail(const struct stub_block *b, enum stub_step step, long error, int status) {
        struct stub_report report = { .magic = STUB_MAGIC, .step = step, .code = (int32_t) -error };

        if (b->status_fd >= 0)
                CALL(__NR_write, b->status_fd, &report, sizeof report);
        leave(status);
}

/* The block, in memory of our own. NULL where it is none: then nobody can be told but by the exit status. */
static struct stub_block *map_block(void) {
        const int seals = F_SEAL_SHRINK | F_SEAL_WRITE;
        long has = CALL(__NR_fcntl, STUB_JOB_FD, F_GET_SEALS),
             size = CALL(__NR_lseek, STUB_JOB_FD, 0, 2 /* SEEK_END */);
        struct stub_block *b;
        long p;

        /* Sealed: what was checked stays so, and reading it cannot fault. */
        if (has < 0 || (has & seals) != seals || size < (long) sizeof *b)
                return NULL;
        p = CALL(__NR_mmap, NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, STUB_JOB_FD, 0);
        if (p < 0 && p > -4096)
                return NULL;
        b = (struct stub_block *) p;
        return b->magic == STUB_MAGIC && b->size == (uint32_t) size ? b : NULL;
}

static void *at(const struct stub_block *b, uint32_t offset) {
        return (char *) b + offset;
}

/* Offsets to addresses. */
static char **vector(const struct stub_block *b, uint32_t offset, uint32_t n) {
        uintptr_t *v = at(b, offset);

        for (uint32_t i = 0; i < n; i++)
                v[i] += (uintptr_t) b;
        return (char **) v;
}

static void block_signals(void) {
        uint64_t all = ~UINT64_C(0);

        CALL(__NR_rt_sigprocmask, SIG_BLOCK, &all, NULL, SIGSET_SIZE);
}

/* An ignored signal stays ignored over execve(2), and an ignored SIGCHLD loses what waitpid(2) would return. */
static void reset_handlers(void) {
        uint64_t none[8] = { 0 }; /* struct sigaction of the kernel, SIG_DFL: zero on all machines */

        for (int i = 1; i <= SIGNALS; i++)
                CALL(__NR_rt_sigaction, i, none, NULL, SIGSET_SIZE);
}

static bool life_is_gone(const struct stub *s) {
        struct pollfd p = { .fd = s->life_fd };
        struct __kernel_timespec none = { 0 };

        return s->life_fd >= 0 && CALL(__NR_ppoll, &p, 1, &none, NULL, SIGSET_SIZE) > 0 &&
               (p.revents & (POLLHUP | POLLERR | POLLNVAL));
}

/* Let SIGIO tell when the launcher's end goes: fcntl(2), F_SETOWN. */
static void arm_lifeline(const struct stub *s) {
        long flags, r;

        if (s->life_fd < 0)
                return;
        flags = CALL(__NR_fcntl, s->life_fd, F_GETFL);
        r = flags < 0 ? flags : CALL(__NR_fcntl, s->life_fd, F_SETOWN, 1);
        if (r >= 0)
                r = CALL(__NR_fcntl, s->life_fd, F_SETFL, flags | FASYNC);
        if (r < 0)
                fail(s->block, STUB_STEP_LIFELINE, r, STUB_EXIT_SELF);
        if (life_is_gone(s))
                leave(STUB_EXIT_SELF);
}

static void write_pid(char *digits) {
        char text[12];
        int n = 0;

        for (long pid = CALL(__NR_getpid); pid > 0; pid /= 10)
                text[n++] = (char) ('0' + pid % 10);
        while (n > 0)
                *digits++ = text[--n];
        *digits = '\0';
}

/* The payload's descriptors: 0, 1, 2 and those passed. The rest goes at execve(2). */
static void arrange_descriptors(const struct stub_block *b) {
        const int32_t *pass = at(b, b->pass);
        long r = 0;

        for (uint32_t i = 0; r >= 0 && i < b->n_pass; i++)
                if (pass[i] != 3 + (int32_t) i)
                        r = CALL(__NR_dup3, pass[i], 3 + i, 0);
        if (r >= 0)
                r = CALL(__NR_close_range, 3 + b->n_pass, ~0u, CLOSE_RANGE_CLOEXEC);
        if (r < 0)
                fail(b, STUB_STEP_DESCRIPTORS, r, STUB_EXIT_SELF);
}

/* As sys/exec.c does it: by a path without links, whose last part is not followed; by the descriptor where there is no
 * such path. */
static long execute(const struct stub_block *b) {
        char **argv = vector(b, b->argv, b->n_argv), **envp = vector(b, b->envp, b->n_envp);

        if (b->path)
                return CALL(__NR_execveat, AT_FDCWD, at(b, b->path), argv, envp, AT_SYMLINK_NOFOLLOW);
        return CALL(__NR_execveat, b->exec_fd, "", argv, envp, AT_EMPTY_PATH);
}

/* In the payload's process. */
static _Noreturn void run_payload(const struct stub_block *b) {
        uint64_t none = 0;
        long r = CALL(__NR_setsid);

        if (r < 0)
                fail(b, STUB_STEP_SESSION, r, STUB_EXIT_SELF);
        if (b->flags & STUB_TERMINAL) {
                r = CALL(__NR_ioctl, 0, TIOCSCTTY, 0);
                if (r < 0)
                        fail(b, STUB_STEP_TERMINAL, r, STUB_EXIT_SELF);
        }
        arrange_descriptors(b);
        if (b->flags & STUB_LISTEN_PID)
                write_pid(at(b, b->listen_pid));
        r = CALL(__NR_rt_sigprocmask, SIG_SETMASK, &none, NULL, SIGSET_SIZE);
        if (r < 0)
                fail(b, STUB_STEP_SIGNALS, r, STUB_EXIT_SELF);
        r = execute(b);
        fail(b, STUB_STEP_EXEC, r, r == -ENOENT ? STUB_EXIT_NOT_FOUND : STUB_EXIT_EXEC);
}

/* Nothing stays open but the lifeline, nothing mapped but code and stack. */
static void drop_ballast(struct stub *s) {
        CALL(__NR_munmap, s->block, s->block->size);
        s->block = NULL;
        if (s->life_fd > 0)
                CALL(__NR_close_range, 0, s->life_fd - 1, 0);
        CALL(__NR_close_range, s->life_fd + 1, ~0u, 0);
}

static _Noreturn void finish(const struct stub *s, int status) {
        int signal = status & 0x7f;

        /* In a PID namespace reboot(2) ends this process and tells its waiter why. */
        if (s->state == POWERING_OFF) {
                CALL(__NR_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF, NULL);
                leave(0);
        }
        if (s->state == REBOOTING) {
                CALL(__NR_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_RESTART, NULL);
                leave(STUB_EXIT_REBOOT);
        }
        if (signal)
                leave(s->flags & STUB_STRICT ? 255 : 128 + signal);
        leave(status >> 8 & 0xff);
}

/* Collect what has ended; the payload's end is ours. */
static void reap(const struct stub *s, int options) {
        for (;;) {
                int status = 0;
                long pid = CALL(__NR_wait4, -1, &status, options | __WALL, NULL);

                if (pid == -EINTR)
                        continue;
                if (pid == s->payload)
                        finish(s, status);
                if (pid <= 0)
                        return;
        }
}

/* Shells pass over TERM and obey HUP; who is stopped hears neither before CONT. */
static void stop(struct stub *s, enum stub_state state) {
        if (s->state != RUNNING)
                return;
        s->state = state;
        s->deadline_ms = now_ms() + s->stop_ms;
        CALL(__NR_kill, s->payload, SIGTERM);
        CALL(__NR_kill, s->payload, SIGCONT);
        CALL(__NR_kill, s->payload, SIGHUP);
}

/* waitid(2): the first field is SIGCHLD where there is such a child. It stays to be waited for. */
static bool is_stopped(const struct stub *s) {
        int32_t info[32] = { 0 };

        return CALL(__NR_waitid, P_PID, s->payload, info, WSTOPPED | WNOHANG | WNOWAIT, NULL) >= 0 &&
               info[0] == SIGCHLD;
}

/* The same holds for a payload that is asked to end in another way. */
static void forward(const struct stub *s, int signal) {
        bool asks = signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT;

        CALL(__NR_kill, s->payload, signal);
        if (asks && is_stopped(s))
                CALL(__NR_kill, s->payload, SIGCONT);
}

static void act(struct stub *s, int signal) {
        enum action action = IGNORE;

        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
                if (rows[i].signal == signal)
                        action = s->flags & STUB_STRICT ? rows[i].strict : rows[i].usual;
        switch (action) {
        case IGNORE: return;
        case FORWARD: forward(s, signal); return;
        case REAP: return reap(s, WNOHANG);
        case CHECK_LIFELINE:
                if (life_is_gone(s))
                        leave(STUB_EXIT_SELF); /* and the kernel kills the rest */
                return;
        case POWER_OFF: return stop(s, POWERING_OFF);
        case REBOOT: return stop(s, REBOOTING);
        }
}

static void expire(struct stub *s) {
        if (s->deadline_ms == NEVER || now_ms() < s->deadline_ms)
                return;
        s->deadline_ms = NEVER;
        CALL(__NR_kill, -1, SIGKILL);
}

/* The next signal, 0 when the time is over. */
static long next_signal(const struct stub *s) {
        uint64_t all = ~UINT64_C(0);
        int64_t left = s->deadline_ms == NEVER ? 0 : s->deadline_ms - now_ms();
        struct __kernel_timespec t = { 0 };

        left = left < 0 ? 0 : left;
        t.tv_sec = left / 1000;
        t.tv_nsec = left % 1000 * 1000000;
        return CALL(__NR_rt_sigtimedwait, &all, NULL, s->deadline_ms == NEVER ? NULL : &t, SIGSET_SIZE);
}

static _Noreturn void supervise(struct stub *s) {
        for (;;) {
                long signal = next_signal(s);

                if (signal > 0)
                        act(s, (int) signal);
                else if (signal != -EAGAIN && signal != -EINTR)
                        reap(s, 0); /* not even waiting works: then at least the end of the payload ends us */
                expire(s);
        }
}

_Noreturn void stub_main(void) {
        struct stub s = { .deadline_ms = NEVER };

        CALL(__NR_prctl, PR_SET_NAME, "berth-stub");
        block_signals();
        reset_handlers();
        s.block = map_block();
        /* Outside of a PID namespace of its own it would reap, kill and reboot what is not its. */
        if (!s.block || CALL(__NR_getpid) != 1)
                leave(STUB_EXIT_SELF);
        s.flags = s.block->flags;
        s.stop_ms = s.block->stop_ms ? s.block->stop_ms : STOP_MS;
        s.life_fd = s.block->life_fd;
        arm_lifeline(&s);
        s.payload = stub_fork();
        if (s.payload == 0)
                run_payload(s.block);
        if (s.payload < 0)
                fail(s.block, STUB_STEP_FORK, s.payload, STUB_EXIT_SELF);
        drop_ballast(&s);
        supervise(&s);
}
