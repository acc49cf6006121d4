/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/filter_tables.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sys/personality.h>
#include <sys/socket.h>

#include "base/clean.h"

#define ALLOW   SECCOMP_RET_ALLOW
#define EPERM_  (SECCOMP_RET_ERRNO | EPERM)
#define ENOSYS_ (SECCOMP_RET_ERRNO | ENOSYS)

/* What the strict face leaves open, systemd-nspawn 262 leaves open too; test/unit/test-filter.c has the few exceptions
 * and their reasons.
 *
 * ENOSYS is the answer for what is unlisted, since libraries take it for an old kernel and fall back. EPERM is kept
 * for calls where the kernel itself would say it to a process without the right, where programs therefore expect it,
 * and where ENOSYS would make them draw a false conclusion about the machine. */
const struct call_rule call_rules[] = {
        /* Deliberate refusals. Rows below reopen some of them. */
        { 0, CAP_ANY, EPERM_, "@clock stime",
          "clock_settime(2) says it without CAP_SYS_TIME; date and NTP daemons print it" },
        { 0, CAP_ANY, EPERM_, "@module", "with ENOSYS, kmod would take the kernel for one without modules" },
        { 0, CAP_ANY, EPERM_, "@raw-io", "iopl(2) says it without CAP_SYS_RAWIO; X servers then go on without ports" },
        { 0, CAP_ANY, EPERM_, "@swap",
          "swapon(2) says it without CAP_SYS_ADMIN; swap units fail with the right text" },
        { 0, CAP_ANY, EPERM_, "@reboot", "reboot(2) says it without CAP_SYS_BOOT; an init then exits instead" },
        { 0, CAP_ANY, EPERM_, "acct quotactl quotactl_fd", "host-wide accounting and quota; the tools print it" },
        { 0, CAP_ANY, EPERM_, "syslog",
          "syslog(2) says it where dmesg_restrict is set; the host's log is not for a container" },
        { 0, CAP_ANY, EPERM_, "bpf perf_event_open",
          "the kernel says it to the unprivileged (unprivileged_bpf_disabled, perf_event_paranoid), and systemd and "
          "perf know" },
        { 0, CAP_ANY, EPERM_, "fanotify_init fanotify_mark",
          "fanotify_init(2) says it without CAP_SYS_ADMIN; monitors then use inotify" },
        { 0, CAP_ANY, EPERM_, "open_by_handle_at",
          "a handle can name any inode of the host's file system; open_by_handle_at(2) says it without "
          "CAP_DAC_READ_SEARCH" },
        { 0, CAP_ANY, EPERM_, "ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd",
          "ptrace access checks say it; debuggers print it, systemd compares by fstat() then" },
        { 0, CAP_ANY, EPERM_, "vhangup", "vhangup(2) says it without CAP_SYS_TTY_CONFIG; getty goes on" },

        /* What every container has. clone3 is among them although its flags cannot be seen: nothing here looks at the
         * flags of clone either, since an init makes namespaces, and glibc would fall back to clone at each thread. */
        { 0, CAP_ANY, ALLOW,
          "@aio @basic-io @chown @default @file-system @io-event @ipc @keyring @mount @network-io @process @resources "
          "@sandbox @setuid @signal @sync @timer",
          "a whole system with users, services and mounts of its own" },
        { 0, CAP_ANY, ALLOW,
          "arm_fadvise64_64 breakpoint capset copy_file_range fadvise64 fadvise64_64 flock get_mempolicy "
          "get_tls getcpu getpriority ioctl ioprio_get kcmp lsm_get_self_attr lsm_list_modules madvise mincore "
          "mremap name_to_handle_at oldolduname olduname personality readahead readdir remap_file_pages "
          "sched_get_priority_max sched_get_priority_min sched_getattr sched_getparam sched_getscheduler "
          "sched_rr_get_interval sched_rr_get_interval_time64 sendfile sendfile64 setdomainname setfsgid "
          "setfsgid32 setfsuid setfsuid32 sethostname setpgid setsid splice sysinfo tee umask uname userfaultfd "
          "vmsplice",
          "the same, from no group or from one that is not open as a whole" },
        { 0, CAP_ANY, ALLOW, "@memlock",
          "works without CAP_IPC_LOCK within RLIMIT_MEMLOCK; key stores and databases need it" },

        /* Closed in berth's face. */
        { WHEN_BERTH, CAP_ANY, ENOSYS_, "io_uring_enter io_uring_register io_uring_setup",
          "a large part of the kernel behind calls that no filter sees; every library has its older way" },
        { WHEN_BERTH, CAP_ANY, ENOSYS_, "@keyring",
          "keyrings are not namespaced: containers with the same root id share that user's; ENOSYS reads as built "
          "without keys" },
        { WHEN_BERTH, CAP_ANY, EPERM_, "userfaultfd",
          "stretches races in the kernel; EPERM is what vm.unprivileged_userfaultfd=0 gives" },
        { WHEN_BERTH, CAP_ANY, ENOSYS_, "vmsplice",
          "shares pages with the kernel's pipes, a line of past holes; write(2) does the same" },
        { WHEN_BERTH, CAP_ANY, ENOSYS_, "migrate_pages move_pages set_mempolicy_home_node",
          "moves pages of other processes or between nodes of the host; numactl takes ENOSYS for a machine without "
          "nodes" },
        { WHEN_BERTH, CAP_ANY, ENOSYS_, "lsm_get_self_attr lsm_list_modules",
          "tells the host's security modules; libraries use /proc" },
        { WHEN_BERTH, CAP_ANY, ENOSYS_, "epoll_ctl_old epoll_wait_old", "never implemented" },
        { WHEN_BERTH, CAP_ANY, EPERM_, "process_vm_readv process_vm_writev process_madvise kcmp",
          "act on other processes: they follow CAP_SYS_PTRACE" },

        /* What follows from capabilities. */
        { 0, CAP_SYS_TIME, ALLOW, "@clock stime", "sets the host's clock" },
        { 0, CAP_SYS_MODULE, ALLOW, "@module", "loads modules into the host's kernel" },
        { 0, CAP_SYS_RAWIO, ALLOW, "@raw-io", "talks to devices" },
        { 0, CAP_SYS_PACCT, ALLOW, "acct", "process accounting" },
        { 0, CAP_SYS_PTRACE, ALLOW, "ptrace process_vm_readv process_vm_writev process_madvise kcmp", "debuggers" },
        { 0, CAP_SYS_BOOT, ALLOW, "reboot",
          "ends or restarts the container: the kernel keeps it inside the PID namespace" },
        { 0, CAP_SYSLOG, ALLOW, "syslog", "reads the host's kernel log" },
        { 0, CAP_SYS_TTY_CONFIG, ALLOW, "vhangup", "getty clears its terminal" },
        { 0, CAP_BPF, ALLOW, "bpf", "loads programs into the host's kernel" },
        { WHEN_BERTH, CAP_PERFMON, ALLOW, "perf_event_open", "what the capability is for" },

        { WHEN_NESTING, CAP_ANY, ALLOW, "@keyring", "container engines join a session keyring for each container" },
        { WHEN_NESTING, CAP_ANY, ALLOW, "pidfd_getfd",
          "supervisors of seccomp notifications fetch descriptors; ptrace access is checked" },
};
const unsigned n_call_rules = ELEMENTS(call_rules);

const struct call_rule call_rules_last[] = {
        { WHEN_RESTRICTED, CAP_ANY, ENOSYS_, "io_uring_enter io_uring_register io_uring_setup",
          "IORING_OP_SOCKET makes sockets that no filter sees" },
};
const unsigned n_call_rules_last = ELEMENTS(call_rules_last);

/* personality(2): PER_LINUX, PER_LINUX32 and what changes the caller's addresses and clocks only. */
#define PERSONALITY_ASK    0xffffffffu
#define PERSONALITY_CLOSED (0xf7u | READ_IMPLIES_EXEC | MMAP_PAGE_ZERO)

/* The register holds what the kernel takes, also where libc hides the bit from 64-bit programs. */
#define O_SYNC_BITS ((uint32_t) (O_SYNC | O_DSYNC))

const struct arg_rule arg_rules[] = {
        { 0,
          false,
          EPERM,
          "ioctl",
          { { ARG_IS, 1, TIOCSTI } },
          "types into a terminal that the payload may share with its caller" },
        { 0, false, EPERM, "ioctl", { { ARG_IS, 1, TIOCLINUX } }, "pastes into a virtual console of the host" },
        { 0,
          false,
          EAFNOSUPPORT,
          "socket",
          { { ARG_IS, 0, AF_NETLINK }, { ARG_IS, 2, NETLINK_AUDIT } },
          "audit is the host's; EAFNOSUPPORT is how its libraries learn of a kernel without" },

        { WHEN_FAMILIES,
          false,
          EAFNOSUPPORT,
          "socket",
          { { ARG_CLOSED_FAMILY, 0, 0 } },
          "the address family is closed" },
        { WHEN_FAMILIES,
          false,
          EAFNOSUPPORT,
          "socketpair",
          { { ARG_IS_NOT, 0, AF_UNIX }, { ARG_CLOSED_FAMILY, 0, 0 } },
          "the same, but a pair of AF_UNIX sockets reaches nobody" },
        /* socketcall(2) hides the family behind a pointer. Its other functions act on sockets that exist. */
        { WHEN_FAMILIES | WHEN_BERTH | WHEN_TREE64,
          true,
          EAFNOSUPPORT,
          "socketcall",
          { { ARG_IS, 0, SYS_SOCKET } },
          "any family, from any program, by way of the compat ABI" },
        { WHEN_FAMILIES | WHEN_BERTH | WHEN_TREE64,
          true,
          EAFNOSUPPORT,
          "socketcall",
          { { ARG_IS, 0, SYS_SOCKETPAIR } },
          "the same" },
        { WHEN_RESTRICTED,
          false,
          EAFNOSUPPORT,
          "socketcall",
          { { ARG_IS, 0, SYS_SOCKET } },
          "a restriction that was asked for is whole" },
        { WHEN_RESTRICTED, false, EAFNOSUPPORT, "socketcall", { { ARG_IS, 0, SYS_SOCKETPAIR } }, "the same" },

        { WHEN_BERTH,
          true,
          EPERM,
          "personality",
          { { ARG_IS_NOT, 0, PERSONALITY_ASK }, { ARG_HAS, 0, PERSONALITY_CLOSED } },
          "executable data, a page at address 0, and emulations of other systems" },

        { WHEN_SYNC, false, 0, "sync msync", { { ARG_ANY_, 0, 0 } }, "--suppress-sync" },
        { WHEN_SYNC,
          false,
          0,
          "fsync fdatasync syncfs sync_file_range sync_file_range2 arm_sync_file_range",
          { { ARG_UP_TO, 0, INT32_MAX } },
          "--suppress-sync; a negative descriptor still gives EBADF" },
        { WHEN_SYNC, false, EINVAL, "open", { { ARG_HAS, 1, O_SYNC_BITS } }, "as systemd-nspawn answers" },
        { WHEN_SYNC, false, EINVAL, "openat", { { ARG_HAS, 2, O_SYNC_BITS } }, "as systemd-nspawn answers" },
        { WHEN_SYNC,
          false,
          ENOSYS,
          "openat2",
          { { ARG_ANY_, 0, 0 } },
          "its flags are behind a pointer; openat is the fallback" },
};
const unsigned n_arg_rules = ELEMENTS(arg_rules);
_Static_assert(ELEMENTS(arg_rules) <= 32, "one bit each");

const struct family_rule family_rules[] = {
        { 0, "AF_UNIX", "inside the container, or over what is bound into it" },
        { 0, "AF_INET", "the network namespace decides what it reaches" },
        { 0, "AF_INET6", "the same" },
        { 0, "AF_NETLINK", "of the network namespace; udev, routes, addresses" },
        { WHEN_NET, "AF_PACKET", "DHCP clients; with the host's network it reads the host's packets" },
};
const unsigned n_family_rules = ELEMENTS(family_rules);
