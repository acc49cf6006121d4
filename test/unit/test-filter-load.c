/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each embedded program, loaded into a process of its own, which then tries calls. At the end, how long loading takes
 * compared to libseccomp's program for the same calls: for the reader, not a check. */

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clean.h"
#include "sys/filter_tables.h"
#include "sys/seccomp.h"
#include "unit/test-filter-common.h"
#include "unit/test-filter-compat.h"
#include "unit/test-filter-theirs.h"

enum { KEYCTL = SYS_keyctl, ANY = -1, NOT_FILTERED = -2 };

/* What the kernel says to a call under programs that have all of when and none of unless. error 0: works, or fails
 * later and otherwise than a filter would: not ENOSYS, EPERM or EAFNOSUPPORT. */
static const struct probe {
        const char *what;
        unsigned when, unless;
        int error;
        long nr;
        unsigned long args[4];
} probes[] = {
        { "a number that nobody knows", 0, 0, ENOSYS, 999, { 0 } },
        { "getpid", 0, 0, 0, SYS_getpid, { 0 } },
        { "TIOCSTI", 0, 0, EPERM, SYS_ioctl, { -1ul, TIOCSTI } },
        { "TIOCSTI with a bit above", 0, 0, EPERM, SYS_ioctl, { -1ul, (unsigned long) (1ull << 32 | TIOCSTI) } },
        { "TIOCLINUX", 0, 0, EPERM, SYS_ioctl, { -1ul, TIOCLINUX } },
        { "TCGETS", 0, 0, EBADF, SYS_ioctl, { -1ul, TCGETS } },
        { "an AF_UNIX socket", 0, 0, 0, SYS_socket, { AF_UNIX, SOCK_STREAM } },
        { "an AF_NETLINK socket", 0, 0, 0, SYS_socket, { AF_NETLINK, SOCK_RAW, NETLINK_ROUTE } },
        { "an audit socket", 0, 0, EAFNOSUPPORT, SYS_socket, { AF_NETLINK, SOCK_RAW, NETLINK_AUDIT } },
        { "an AF_VSOCK socket", WHEN_BERTH, 0, EAFNOSUPPORT, SYS_socket, { AF_VSOCK, SOCK_STREAM } },
        { "an AF_ALG socket", WHEN_BERTH, 0, EAFNOSUPPORT, SYS_socket, { AF_ALG, SOCK_SEQPACKET } },
        { "an AF_PACKET socket", WHEN_BERTH, WHEN_NET, EAFNOSUPPORT, SYS_socket, { AF_PACKET, SOCK_RAW } },
        { "io_uring_setup", WHEN_BERTH, 0, ENOSYS, SYS_io_uring_setup, { 1, 0 } },
        { "keyctl", WHEN_BERTH, WHEN_NESTING, ENOSYS, KEYCTL, { 0, -1ul } },
        { "keyctl with --nesting", WHEN_NESTING, 0, 0, KEYCTL, { 0, (unsigned long) -3, 1 } },
        { "keyctl, strict", 0, WHEN_BERTH, 0, KEYCTL, { 0, (unsigned long) -3, 1 } },
        { "userfaultfd", WHEN_BERTH, 0, EPERM, SYS_userfaultfd, { 1 } },
        { "pidfd_getfd", 0, WHEN_NESTING, EPERM, SYS_pidfd_getfd, { -1ul, 0, 0 } },
        { "pidfd_getfd with --nesting", WHEN_NESTING, 0, EBADF, SYS_pidfd_getfd, { -1ul, 0, 0 } },
        { "bpf", 0, 0, EPERM, SYS_bpf, { 100 } },
        { "clock_settime", 0, 0, EPERM, SYS_clock_settime, { 0, 0 } },
        { "clock_gettime", 0, 0, EFAULT, SYS_clock_gettime, { 0, 1 } },
        { "swapon", 0, 0, EPERM, SYS_swapon, { 0 } },
        { "perf_event_open", 0, 0, EPERM, SYS_perf_event_open, { 0 } },
        { "open_by_handle_at", 0, 0, EPERM, SYS_open_by_handle_at, { 0 } },
        { "pkey_alloc", 0, 0, ENOSYS, SYS_pkey_alloc, { 0 } },
        { "mlock", 0, 0, 0, SYS_mlock, { 0, 0 } },
        { "personality: ask", 0, 0, 0, SYS_personality, { 0xffffffff } },
        { "personality: executable data", WHEN_BERTH, 0, EPERM, SYS_personality, { READ_IMPLIES_EXEC } },
        { "fsync of nothing", 0, 0, EBADF, SYS_fsync, { -1ul } },
        { "fsync of a pipe, suppressed", WHEN_SYNC, 0, 0, SYS_fsync, { 0 } },
        { "fsync of a pipe", 0, WHEN_SYNC, EINVAL, SYS_fsync, { 0 } },
        { "O_SYNC, suppressed", WHEN_SYNC, 0, EINVAL, SYS_openat, { -1ul, 0, O_SYNC } },
        { "O_SYNC", 0, WHEN_SYNC, EFAULT, SYS_openat, { -1ul, 0, O_SYNC } },
};

struct seen {
        int load, mode;
        bool ours_before, ours;
        int errors[ELEMENTS(probes)];
        bool done;
};

/* Does one of our programs answer? Each of them refuses this ioctl, which without one would only complain about the
 * descriptor. The whole register, with a bit in the upper half: the program must see through that too. */
static bool is_ours(void) {
        long r = syscall(SYS_ioctl, -1, (unsigned long) (1ULL << 32 | TIOCSTI), 0);

        return r < 0 && errno == EPERM;
}

static _Noreturn void inside(const struct filter *f, struct seen *ret) {
        int ends[2];

        /* A pipe as descriptor 0: fsync(2) does not work on it. */
        if (pipe2(ends, 0) < 0 || dup2(ends[0], 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                _exit(1);
        ret->ours_before = is_ours();
        ret->load = seccomp_load(f->insns, f->n, 0);
        ret->mode = prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
        ret->ours = is_ours();
        for (size_t i = 0; i < ELEMENTS(probes); i++) {
                const unsigned long *a = probes[i].args;

                errno = 0;
                ret->errors[i] = syscall(probes[i].nr, a[0], a[1], a[2], a[3]) < 0 ? errno : 0;
        }
        ret->done = true;
        _exit(0);
}

static bool as_expected(const struct probe *p, int error) {
        if (p->error != 0)
                return error == p->error;
        return error != ENOSYS && error != EPERM && error != EAFNOSUPPORT;
}

static void test_program(struct tap *t, const struct filter_embedded *f) {
        const struct filter program = { .insns = filter_insns + f->first, .n = f->n };
        struct seen *seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        unsigned wrong = 0;
        pid_t pid = fork();
        int status;

        if (pid == 0)
                inside(&program, seen);
        if (pid < 0 || waitpid(pid, &status, 0) != pid)
                exit(2);
        if (OK(t, status == 0 && seen->done && seen->load == 0, "%#x/%#llx: loaded, %u instructions", f->when,
               (unsigned long long) f->caps, f->n)) {
                OK_INT(t, seen->mode, SECCOMP_MODE_FILTER, "the mode tells it");
                OK(t, seen->ours == 1 && seen->ours_before == 0, "and so does the answer to a refused ioctl");
        }
        for (size_t i = 0; i < ELEMENTS(probes); i++) {
                const struct probe *p = &probes[i];

                if ((p->when & f->when) != p->when || (p->unless & f->when) || as_expected(p, seen->errors[i]))
                        continue;
                printf("# %s: %s\n", p->what, strerrorname_np(seen->errors[i]));
                wrong++;
        }
        OK_INT(t, wrong, 0, "all calls give what they should");
        munmap(seen, sizeof *seen);
}

/* Calls by way of the compat ABI. A kernel without one lets nothing through. */
static void test_compat(struct tap *t, const struct filter_embedded *f) {
        const struct filter program = { .insns = filter_insns + f->first, .n = f->n };
        bool closed = (f->when & (WHEN_BERTH | WHEN_TREE64)) == (WHEN_BERTH | WHEN_TREE64);
        int got = compat_check(&program, closed);

        if (got < 0)
                printf("# this kernel has no compat ABI\n");
        OK(t, got <= 0, "%#x: calls by the compat ABI (%d)", f->when, got);
}

static int by_value(const void *a, const void *b) {
        const double *x = a, *y = b;

        return *x < *y ? -1 : *x > *y;
}

/* Microseconds, the median of processes of their own. */
static double load_time(const struct filter *f) {
        enum { RUNS = 41 };
        double *times = mmap(NULL, RUNS * sizeof *times, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0),
               median;

        for (size_t i = 0; i < RUNS; i++) {
                pid_t pid = fork();

                if (pid == 0) {
                        struct timespec from, to;

                        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                        clock_gettime(CLOCK_MONOTONIC, &from);
                        if (seccomp_load(f->insns, f->n, 0) < 0)
                                _exit(1);
                        clock_gettime(CLOCK_MONOTONIC, &to);
                        times[i] =
                                (double) (to.tv_sec - from.tv_sec) * 1e6 + (double) (to.tv_nsec - from.tv_nsec) / 1e3;
                        _exit(0);
                }
                waitpid(pid, NULL, 0);
        }
        qsort(times, RUNS, sizeof *times, by_value);
        median = times[RUNS / 2];
        munmap(times, RUNS * sizeof *times);
        return median;
}

static void print_times(void) {
        CLEAN(arena_done) struct arena a = { 0 };
        struct filter berth, strict, theirs = their_program(&a);
        struct filter_want want = { .face = FILTER_BERTH, .caps = CAPS_DEFAULT };

        if (filter_make(&want, &a, &berth, NULL) < 0)
                exit(2);
        want.face = FILTER_STRICT;
        if (filter_make(&want, &a, &strict, NULL) < 0)
                exit(2);
        printf("# loading: berth %u instructions %.0f us, strict %u instructions %.0f us, libseccomp's tree for the "
               "calls "
               "of the latter %u instructions %.0f us\n",
               berth.n, load_time(&berth), strict.n, load_time(&strict), theirs.n, theirs.n ? load_time(&theirs) : 0);
}

int main(void) {
        struct tap t = { 0 };

        for (unsigned i = 0; i < n_filter_embedded; i++) {
                test_program(&t, &filter_embedded[i]);
                test_compat(&t, &filter_embedded[i]);
        }
        print_times();
        return tap_done(&t);
}
