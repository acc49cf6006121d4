/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Verbs that try system calls by number, to see what the filter says. The arguments are such that a call that gets
 * through fails without an effect, unless the words of the command line say otherwise. */

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/vm_sockets.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inside.h"

static const struct call calls[] = {
#define CALL(name)                                                                                                    \
        { #name, SYS_##name }
        CALL(acct),
        CALL(add_key),
        CALL(adjtimex),
        CALL(bpf),
        CALL(chroot),
        CALL(clock_settime),
        CALL(clone3),
        CALL(delete_module),
        CALL(fanotify_init),
        CALL(fdatasync),
        CALL(finit_module),
        CALL(fsopen),
        CALL(fsync),
        CALL(getpid),
        CALL(init_module),
        CALL(io_uring_enter),
        CALL(io_uring_register),
        CALL(io_uring_setup),
        CALL(kcmp),
        CALL(kexec_file_load),
        CALL(kexec_load),
        CALL(keyctl),
        CALL(landlock_create_ruleset),
        CALL(memfd_create),
        CALL(memfd_secret),
        CALL(mlock),
        CALL(mlockall),
        CALL(mount),
        CALL(mount_setattr),
        CALL(move_mount),
        CALL(msync),
        CALL(name_to_handle_at),
        CALL(open_by_handle_at),
        CALL(open_tree),
        CALL(perf_event_open),
        CALL(personality),
        CALL(pidfd_getfd),
        CALL(pidfd_open),
        CALL(pivot_root),
        CALL(pkey_alloc),
        CALL(process_madvise),
        CALL(process_mrelease),
        CALL(process_vm_readv),
        CALL(ptrace),
        CALL(quotactl),
        CALL(quotactl_fd),
        CALL(reboot),
        CALL(request_key),
        CALL(seccomp),
        CALL(setdomainname),
        CALL(sethostname),
        CALL(setns),
        CALL(settimeofday),
        CALL(socket),
        CALL(swapoff),
        CALL(swapon),
        CALL(sync),
        CALL(sync_file_range),
        CALL(syncfs),
        CALL(syslog),
        CALL(umount2),
        CALL(unshare),
        CALL(userfaultfd),
        CALL(vhangup),
        CALL(vmsplice),
#undef CALL
        /* Newer than some headers; the numbers are the same on all architectures from 424 on. */
        { "cachestat", 451 },
        { "fchmodat2", 452 },
        { "map_shadow_stack", 453 },
        { "futex_wake", 454 },
        { "futex_wait", 455 },
        { "futex_requeue", 456 },
        { "statmount", 457 },
        { "listmount", 458 },
        { "lsm_get_self_attr", 459 },
        { "mseal", 462 },
        { "open_tree_attr", 467 },
        { "unknown", 4095 },
};

static long number_of(const char *name) {
        for (size_t i = 0; i < n_arch_calls; i++)
                if (!strcmp(arch_calls[i].name, name))
                        return arch_calls[i].nr;
        for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
                if (!strcmp(calls[i].name, name))
                        return calls[i].nr;
        return strtol(name, NULL, 0);
}

/* call NAME [ARGUMENT]...: numbers as arguments; what is missing is -1. */
static int calls_call(int argc, char **argv) {
        long a[6] = { -1, -1, -1, -1, -1, -1 };

        if (argc < 1)
                return 2;
        for (int i = 1; i < argc && i <= 6; i++)
                a[i - 1] = strtol(argv[i], NULL, 0);
        return tell(argv[0], syscall(number_of(argv[0]), a[0], a[1], a[2], a[3], a[4], a[5]));
}

/* walk NAME...: each with bad arguments, in a process of its own, since some may kill it. */
static int calls_walk(int argc, char **argv) {
        for (int i = 0; i < argc; i++) {
                int status;
                pid_t pid;

                fflush(stdout);
                pid = fork();
                if (pid == 0) {
                        errno = 0;
                        tell(argv[i], syscall(number_of(argv[i]), -1L, -1L, -1L, -1L, -1L, -1L));
                        _exit(0);
                }
                if (waitpid(pid, &status, 0) == pid && WIFSIGNALED(status))
                        printf("%s signal %d\n", argv[i], WTERMSIG(status));
        }
        return 0;
}

static const struct {
        const char *name;
        int family, type;
} families[] = {
        { "AF_UNIX", AF_UNIX, SOCK_STREAM },      { "AF_INET", AF_INET, SOCK_STREAM },
        { "AF_INET6", AF_INET6, SOCK_STREAM },    { "AF_NETLINK", AF_NETLINK, SOCK_RAW },
        { "AF_PACKET", AF_PACKET, SOCK_RAW },     { "AF_VSOCK", AF_VSOCK, SOCK_STREAM },
        { "AF_ALG", AF_ALG, SOCK_SEQPACKET },     { "AF_KEY", AF_KEY, SOCK_RAW },
        { "AF_XDP", AF_XDP, SOCK_RAW },           { "AF_BLUETOOTH", AF_BLUETOOTH, SOCK_RAW },
        { "AF_TIPC", AF_TIPC, SOCK_SEQPACKET },   { "AF_CAN", AF_CAN, SOCK_RAW },
        { "AF_NFC", AF_NFC, SOCK_SEQPACKET },     { "AF_RDS", AF_RDS, SOCK_SEQPACKET },
        { "AF_QIPCRTR", AF_QIPCRTR, SOCK_DGRAM },
};

static int calls_socket(int argc, char **argv) {
        for (int i = 0; i < argc; i++)
                for (size_t k = 0; k < sizeof families / sizeof families[0]; k++)
                        if (!strcmp(argv[i], families[k].name)) {
                                int fd = socket(families[k].family, families[k].type | SOCK_CLOEXEC, 0);

                                tell(argv[i], fd);
                                if (fd >= 0)
                                        close(fd);
                        }
        return 0;
}

/* Audit messages go through netlink, which has other users too. */
static int calls_audit(int argc, char **argv) {
        (void) argc;
        (void) argv;
        return tell("audit", socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 9 /* NETLINK_AUDIT */));
}

/* sync PATH: each of the calls that --suppress-sync answers itself, on a descriptor that is not there. */
static int calls_sync(int argc, char **argv) {
        (void) argc;
        (void) argv;
        tell("sync", syscall(SYS_sync));
        tell("fsync", syscall(SYS_fsync, 1000));
        tell("fdatasync", syscall(SYS_fdatasync, 1000));
        tell("msync", syscall(SYS_msync, 1L, 0L, 0L));
        tell("syncfs", syscall(SYS_syncfs, 1000));
        tell("sync_file_range", syscall(SYS_sync_file_range, 1000, 0L, 0L, 0));
        tell("open(O_SYNC)", open("/dev/null", O_WRONLY | O_SYNC | O_CLOEXEC));
        tell("open(O_DSYNC)", open("/dev/null", O_WRONLY | O_DSYNC | O_CLOEXEC));
        return 0;
}

/* Can a filter with a listener be set, as container engines do? */
static int calls_listener(int argc, char **argv) {
        struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        struct sock_fprog program = { 1, &allow };

        (void) argc;
        (void) argv;
        return tell("listener",
                    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
}

static const struct verb items[] = {
        { "call", calls_call, "NAME [ARGUMENT]...: a system call" },
        { "walk", calls_walk, "NAME...: system calls with bad arguments" },
        { "socket", calls_socket, "AF_NAME...: can a socket be made" },
        { "audit", calls_audit, "can an audit socket be made" },
        { "sync", calls_sync, "what the sync calls answer" },
        { "listener", calls_listener, "can a seccomp listener be made" },
};
const struct verbs verbs_calls = { items, sizeof items / sizeof items[0] };
