/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* floor TREE COMMAND [ARGUMENT...]
 *
 * What a start must cost on this machine at least: the namespaces, the mounts and the system call program of a default
 * "berth -q -D TREE -P COMMAND", made with as few system calls as the kernel allows, and nothing else. No options, no
 * look at the host, no check, no message but the place of a failure. The mounts are those of src/plan/mounts.c for
 * that case. It is a yardstick, and safe for a trusted tree alone.
 *
 * As in src/run/guest_build.c a builder makes the mounts in a user namespace of its own, and the guest copies them
 * into one more, which locks them, and mounts itself what the payload may take away (FSOP_LATE). The launcher opens
 * what the builder needs while that makes its own file systems, and takes the guest to another processor than the
 * builder's (cpus_move_from()). */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/msg.h"
#include "spec/spec.h"
#include "sys/filter_policy.h"
#include "sys/cpus.h"
#include "sys/seccomp.h"

enum {
        ID_BASE = 0x5f0000,
        ID_COUNT = 65536,
        RO = MOUNT_ATTR_RDONLY,
        NOSUID = MOUNT_ATTR_NOSUID,
        NODEV = MOUNT_ATTR_NODEV,
        INERT = NOSUID | NODEV | MOUNT_ATTR_NOEXEC,
        STRICTATIME = MOUNT_ATTR_STRICTATIME,
};

/* linux/pidfd.h of Linux 6.11, where <sys/pidfd.h> has no room for it. */
#ifndef PIDFD_GET_PID_NAMESPACE
#define PIDFD_GET_PID_NAMESPACE _IO(0xff, 5)
#endif

#define MUST(call)                                                                                                    \
        ({                                                                                                            \
                long r_ = (long) (call);                                                                              \
                if (r_ < 0)                                                                                           \
                        fail(__LINE__, errno);                                                                        \
                (int) r_;                                                                                             \
        })

static _Noreturn void fail(int line, int code) {
        dprintf(STDERR_FILENO, "floor: line %d: %s\n", line, strerror(code));
        _exit(EXIT_FAILURE);
}

/* --- file systems while they are detached --- */

static int fresh(const char *type, unsigned attrs, const char *const options[]) {
        int fs = MUST(fsopen(type, FSOPEN_CLOEXEC)), mount;

        MUST(fsconfig(fs, FSCONFIG_SET_STRING, "source", type, 0));
        for (size_t i = 0; options && options[i]; i += 2)
                MUST(fsconfig(fs, FSCONFIG_SET_STRING, options[i], options[i + 1], 0));
        MUST(fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
        mount = MUST(fsmount(fs, FSMOUNT_CLOEXEC, attrs));
        close(fs);
        return mount;
}

static int make_dev(void) {
        static const char *const options[] = { "mode", "0755", "size", "4m", "nr_inodes", "64k", NULL };
        static const struct {
                const char *name;
                int minor, major;
        } nodes[] = { { "null", 3, 1 },   { "zero", 5, 1 },    { "full", 7, 1 },
                      { "random", 8, 1 }, { "urandom", 9, 1 }, { "tty", 0, 5 } };
        static const char *const dirs[] = { "char", "block", "pts", "shm", "mqueue" };
        static const char *const links[][2] = {
                { "char/1:3", "../null" },       { "char/1:5", "../zero" },      { "char/1:7", "../full" },
                { "char/1:8", "../random" },     { "char/1:9", "../urandom" },   { "char/5:0", "../tty" },
                { "fd", "/proc/self/fd" },       { "stdin", "/proc/self/fd/0" }, { "stdout", "/proc/self/fd/1" },
                { "stderr", "/proc/self/fd/2" }, { "ptmx", "pts/ptmx" },
        };
        int fs = fresh("tmpfs", NOSUID | STRICTATIME, options);

        for (size_t i = 0; i < ELEMENTS(nodes); i++)
                MUST(mknodat(fs, nodes[i].name, S_IFCHR | 0666,
                             makedev((unsigned) nodes[i].major, (unsigned) nodes[i].minor)));
        for (size_t i = 0; i < ELEMENTS(dirs); i++)
                MUST(mkdirat(fs, dirs[i], 0755));
        for (size_t i = 0; i < ELEMENTS(links); i++)
                MUST(symlinkat(links[i][1], fs, links[i][0]));
        return fs;
}

static void make_file(int fs, const char *name, mode_t mode, const char *text) {
        int fd = MUST(openat(fs, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));

        if (*text)
                MUST(write(fd, text, strlen(text)));
        close(fd);
}

static void make_socket(int fs, const char *name, mode_t mode) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int sock = MUST(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));

        snprintf(address.sun_path, sizeof address.sun_path, "%s", name);
        MUST(fchdir(fs));
        MUST(bind(sock, (const struct sockaddr *) &address, sizeof address));
        MUST(fchmodat(fs, name, mode, 0));
        close(sock);
}

static int make_run_host(void) {
        static const char *const options[] = { "mode", "0755", "size", "4m", "nr_inodes", "1k", NULL };
        static const char *const dirs[] = { "incoming", "unix-export", "inaccessible" };
        int fs = fresh("tmpfs", INERT, options);

        for (size_t i = 0; i < ELEMENTS(dirs); i++)
                MUST(mkdirat(fs, dirs[i], 0755));
        make_file(fs, "container-manager", 0444, "systemd-nspawn\n");
        make_file(fs, "container-uuid", 0444, "f714bb92-033e-4e9e-88f7-2c01fb9d8bc0\n");
        make_file(fs, "os-release", 0444, "ID=floor\nNAME=Floor\nVERSION_ID=1\n");
        make_file(fs, "proc-sys-kernel-random-boot-id", 0444, "50d90ee0-6fdf-4d74-808a-238b801d6c9d\n");
        make_file(fs, "inaccessible/reg", 0, "");
        MUST(mkdirat(fs, "inaccessible/dir", 0));
        MUST(mknodat(fs, "inaccessible/chr", S_IFCHR, 0));
        MUST(mknodat(fs, "inaccessible/blk", S_IFBLK, 0));
        MUST(mkfifoat(fs, "inaccessible/fifo", 0));
        MUST(mkfifoat(fs, "proc-kmsg", 0600));
        make_socket(fs, "notify", 0200);
        make_socket(fs, "inaccessible/sock", 0);
        return fs;
}

static void change(int mount, uint64_t set, uint64_t clear, uint64_t propagation, int userns, unsigned flags) {
        struct mount_attr a = { .attr_set = set, .attr_clr = clear, .propagation = propagation };

        a.userns_fd = userns >= 0 ? (uint64_t) userns : 0;
        MUST(mount_setattr(mount, "", AT_EMPTY_PATH | flags, &a, sizeof a));
}

static void attach(int mount, int root, const char *dst) {
        MUST(move_mount(mount, "", root, dst, MOVE_MOUNT_F_EMPTY_PATH));
        close(mount);
}

/* --- words between the processes --- */

enum { ROOT, DEV, SYS, RUN_HOST, COVER_RESOLV, COVER_ZONE, TREES };

static void send_word(int sock) {
        MUST(send(sock, "", 1, MSG_NOSIGNAL));
}

/* End of file: the other one is dead, and then so are we. */
static void await_word(int sock) {
        char word;

        msg_watch(sock);
        if (MUST(recv(sock, &word, 1, 0)) != 1)
                _exit(EXIT_FAILURE);
}

union room {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(TREES * sizeof(int))];
};

static void send_trees(int sock, const int fds[TREES], size_t n) {
        union room room = { 0 };
        char byte = 0;
        struct iovec word = { &byte, 1 };
        struct msghdr m = { .msg_iov = &word, .msg_iovlen = 1, .msg_control = &room };

        m.msg_controllen = CMSG_SPACE(n * sizeof *fds);
        room.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(n * sizeof *fds),
                                      .cmsg_level = SOL_SOCKET,
                                      .cmsg_type = SCM_RIGHTS };
        memcpy(CMSG_DATA(&room.head), fds, n * sizeof *fds);
        MUST(sendmsg(sock, &m, MSG_NOSIGNAL));
}

static size_t receive_trees(int sock, int fds[TREES]) {
        union room room;
        char byte;
        struct iovec word = { &byte, 1 };
        struct msghdr m = { .msg_iov = &word, .msg_iovlen = 1, .msg_control = &room, .msg_controllen = sizeof room };
        size_t n;

        if (MUST(recvmsg(sock, &m, MSG_CMSG_CLOEXEC)) != 1)
                _exit(EXIT_FAILURE);
        n = (room.head.cmsg_len - CMSG_LEN(0)) / sizeof *fds;
        memcpy(fds, CMSG_DATA(&room.head), n * sizeof *fds);
        return n;
}

/* What the builder tells of the guest. */
struct born {
        pid_t guest;
        int cpu; /* where both are */
};

/* --- the builder --- */

struct floor {
        const char *tree;
        char **argv;
        struct filter filter;
        int cgroup, elsewhere, to_builder[2], to_guest[2];
};

/* Files of the tree that the host's lie over, where the tree has them. */
static const char *const covered[] = { "etc/resolv.conf", "etc/localtime" };

static void write_map(pid_t pid, const char *name, unsigned base) {
        char path[64], line[64];
        int n = snprintf(line, sizeof line, "0 %u %u\n", base, ID_COUNT), fd;

        snprintf(path, sizeof path, "/proc/%d/%s", (int) pid, name);
        fd = MUST(open(path, O_WRONLY | O_CLOEXEC));
        MUST(write(fd, line, (size_t) n));
        close(fd);
}

static void become_root(void) {
        MUST(setresgid(0, 0, 0));
        MUST(setresuid(0, 0, 0));
        MUST(setgroups(0, NULL));
        /* A change of ids ended it, but the guest's id map is written and its namespaces are joined through proc. */
        MUST(prctl(PR_SET_DUMPABLE, 1));
        umask(0);
}

/* Bind a part of the tree over itself or over another; what this kernel does not have is left out. */
static void bind_part(int root, const char *src, const char *dst, uint64_t set, uint64_t clear) {
        int mount = open_tree(root, src, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

        if (mount < 0)
                return;
        if (set | clear)
                change(mount, set, clear, 0, -1, 0);
        if (move_mount(mount, "", root, dst, MOVE_MOUNT_F_EMPTY_PATH) < 0 && errno != ENOENT)
                fail(__LINE__, errno);
        close(mount);
}

/* From the top of the tree, which is the working directory. What this kernel does not have is left out. */
static void cover(const char *with, const char *what) {
        if (mount(with, what, NULL, MS_BIND, NULL) < 0 && errno != ENOENT)
                fail(__LINE__, errno);
}

static void cover_proc_and_sys(int root) {
        static const char *const read_only[] = { "sys", "acpi", "apm", "asound", "bus", "fs", "irq", "scsi" };
        static const char *const files[] = {
                "proc/kallsyms",         "proc/kcore",         "proc/keys",         "proc/sysrq-trigger",
                "proc/timer_list",       "proc/config.gz",     "proc/diskstats",    "proc/interrupts",
                "proc/key-users",        "proc/latency_stats", "proc/pagetypeinfo", "proc/partitions",
                "proc/sched_debug",      "proc/slabinfo",      "proc/vmallocinfo",  "sys/kernel/notes",
                "sys/kernel/vmcoreinfo",
        };
        static const char *const dirs[] = { "sys/firmware",    "sys/devices/virtual/powercap",
                                            "sys/kernel/btf",  "sys/kernel/debug",
                                            "sys/kernel/slab", "sys/kernel/tracing" };

        for (size_t i = 0; i < ELEMENTS(read_only); i++) {
                char path[32];

                snprintf(path, sizeof path, "proc/%s", read_only[i]);
                bind_part(root, path, path, RO | INERT, 0);
        }
        for (size_t i = 0; i < ELEMENTS(files); i++)
                cover("run/host/inaccessible/reg", files[i]);
        for (size_t i = 0; i < ELEMENTS(dirs); i++)
                cover("run/host/inaccessible/dir", dirs[i]);
        bind_part(root, "run/host/proc-sys-kernel-random-boot-id", "proc/sys/kernel/random/boot_id", RO | INERT, 0);
        bind_part(root, "run/host/proc-kmsg", "proc/kmsg", INERT, 0);
}

/* Detached, while the launcher is busy: in the order of own[]. */
enum { PTS, SHM, RUN, EXPORT, PROC, MQUEUE, OWN };

static const char *const sticky[] = { "mode", "1777", "size", "10%", "nr_inodes", "400k", NULL };

static void make_own(int own[OWN]) {
        static const char *const pts[] = { "ptmxmode", "0666", "mode", "0600", "gid", "5", "max", "1024", NULL };
        static const char *const run[] = { "mode", "0755", "size", "20%", "nr_inodes", "800k", NULL };
        static const char *const export[] = { "mode", "0755", "size", "4m", "nr_inodes", "64", NULL };

        own[PTS] = fresh("devpts", NOSUID | MOUNT_ATTR_NOEXEC, pts);
        own[SHM] = fresh("tmpfs", NOSUID | NODEV | STRICTATIME, sticky);
        own[RUN] = fresh("tmpfs", NOSUID | NODEV | STRICTATIME, run);
        MUST(mkdirat(own[RUN], "host", 0755));
        own[EXPORT] = fresh("tmpfs", INERT | MOUNT_ATTR_NOSYMFOLLOW, export);
}

/* A proc of the guest's process namespace: Linux 6.17 has an option for it; before, it takes a process born in there.
 */
static int make_proc(int guest) {
        int fs = MUST(fsopen("proc", FSOPEN_CLOEXEC)), ns = ioctl(guest, PIDFD_GET_PID_NAMESPACE, 0), mount, status;
        struct clone_args args = { .flags = CLONE_FILES, .exit_signal = SIGCHLD };
        pid_t pid;

        MUST(fsconfig(fs, FSCONFIG_SET_STRING, "source", "proc", 0));
        if (ns >= 0 && fsconfig(fs, FSCONFIG_SET_FD, "pidns", NULL, ns) == 0) {
                MUST(fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
                mount = MUST(fsmount(fs, FSMOUNT_CLOEXEC, INERT));
                close(fs);
                return mount;
        }
        MUST(setns(guest, CLONE_NEWPID));
        pid = MUST(syscall(SYS_clone3, &args, sizeof args));
        if (pid == 0)
                _exit(dup3(fresh("proc", INERT, NULL), fs, O_CLOEXEC) < 0);
        MUST(waitpid(pid, &status, 0));
        return status == 0 ? fs : -1;
}

static void build_tree(const int trees[TREES], size_t n, const int own[OWN]) {
        int root = trees[ROOT];

        attach(trees[DEV], root, "dev");
        attach(own[PTS], root, "dev/pts");
        attach(own[SHM], root, "dev/shm");
        attach(own[MQUEUE], root, "dev/mqueue");
        attach(own[RUN], root, "run");
        attach(trees[RUN_HOST], root, "run/host");
        attach(own[EXPORT], root, "run/host/unix-export");
        attach(own[PROC], root, "proc");
        attach(trees[SYS], root, "sys");
        cover_proc_and_sys(root);
        for (size_t i = COVER_RESOLV; i < n; i++)
                attach(trees[i], root, covered[i - COVER_RESOLV]);
}

/* As in src/run/guest_build.c: nobody waits for the host's mounts to be taken apart. */
static int detach_host(void *data) {
        if (umount2(".", MNT_DETACH) < 0)
                *(_Atomic int *) data = errno;
        return 0;
}

static int leave_host(int root, _Atomic int *failure) {
        static char stack[16 * 1024];
        int host = MUST(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));

        MUST(fchdir(root));
        MUST(syscall(SYS_pivot_root, ".", "."));
        /* Not where our children are born in another process namespace: see make_proc(). */
        if (clone(detach_host, stack + sizeof stack,
                  CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_FILES | CLONE_SYSVSEM, failure) < 0)
                MUST(umount2(".", MNT_DETACH));
        return host;
}

/* What is in no namespace any more cannot be changed. */
static void await_left(int host, const _Atomic int *failure) {
        struct mount_attr any = { .attr_set = NODEV };

        while (mount_setattr(host, "", AT_EMPTY_PATH, &any, sizeof any) == 0) {
                if (*failure)
                        fail(__LINE__, *failure);
                sched_yield();
        }
}

static _Noreturn void guest(struct floor *f);

/* A sister: the launcher waits for it. */
static int clone_guest(struct floor *f) {
        int pidfd = -1, cpu = cpus_here();
        struct clone_args args = {
                .flags = CLONE_PARENT | CLONE_PIDFD | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC,
                .pidfd = (uint64_t) (uintptr_t) &pidfd,
        };
        pid_t pid = MUST(syscall(SYS_clone3, &args, sizeof args));

        if (pid == 0)
                guest(f);
        MUST(send(f->to_builder[1], &(struct born){ pid, cpu }, sizeof(struct born), MSG_NOSIGNAL));
        write_map(pid, "uid_map", 0);
        write_map(pid, "gid_map", 0);
        return pidfd;
}

static _Noreturn void builder(struct floor *f) {
        _Atomic int failure = 0;
        int trees[TREES], own[OWN], leader, host;
        size_t n;
        char word;

        close(f->to_builder[0]);
        await_word(f->to_builder[1]);
        become_root();
        leader = clone_guest(f);
        close(f->to_guest[1]);
        send_word(f->to_guest[0]);
        make_own(own);
        own[PROC] = make_proc(leader);
        MUST(setns(leader, CLONE_NEWIPC));
        own[MQUEUE] = fresh("mqueue", INERT, NULL);
        n = receive_trees(f->to_builder[1], trees);
        change(trees[ROOT], NODEV, 0, MS_PRIVATE, -1, AT_RECURSIVE);
        MUST(move_mount(trees[ROOT], "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH));
        host = leave_host(trees[ROOT], &failure);
        build_tree(trees, n, own);
        await_left(host, &failure);
        send_word(f->to_guest[0]);
        /* Who leaves a mount namespace last takes it apart: see guest_wait_mounted(). */
        msg_watch(f->to_guest[0]);
        (void) recv(f->to_guest[0], &word, 1, 0);
        _exit(EXIT_SUCCESS);
}

/* --- the guest --- */

static _Noreturn void guest(struct floor *f) {
        int root;

        close(f->to_guest[0]);
        MUST(fchdir(f->elsewhere));
        MUST(sethostname("floor", 5));
        await_word(f->to_guest[1]);
        become_root();
        MUST(unshare(CLONE_NEWCGROUP));
        (void) syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
        MUST(setsid());
        umask(022);
        MUST(seccomp_load(f->filter.insns, f->filter.n, 0));
        await_word(f->to_guest[1]);
        MUST(unshare(CLONE_NEWNS));
        root = MUST(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
        attach(fresh("tmpfs", NOSUID | NODEV | STRICTATIME, sticky), root, "tmp");
        if (f->cgroup >= 0)
                attach(fresh("cgroup2", INERT, NULL), root, "sys/fs/cgroup");
        change(root, 0, 0, MS_SHARED, -1, AT_RECURSIVE);
        MUST(chdir("/"));
        MUST(syscall(SYS_close_range, 3, ~0U, 0));
        /* As in a container: the caller's own may be long. */
        MUST(setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", 1));
        execvp(f->argv[0], f->argv);
        fail(__LINE__, errno);
}

/* --- the launcher --- */

/* The embedded one that a default start loads. */
static void find_filter(struct filter *ret) {
        const struct filter_want want = { .face = FILTER_BERTH,
                                          .caps = SPEC_CAPS_DEFAULT & ~(1ULL << CAP_NET_BIND_SERVICE) };
        struct filter_key k;

        if (!filter_key_make(&want, &k))
                fail(__LINE__, EINVAL);
        for (unsigned i = 0; i < n_filter_embedded; i++)
                if (filter_embedded[i].when == k.when && filter_embedded[i].caps == k.caps) {
                        *ret = (struct filter){ .insns = filter_insns + filter_embedded[i].first,
                                                .n = filter_embedded[i].n };
                        return;
                }
        fail(__LINE__, ENOENT);
}

/* "berth-floor" in the caller's own cgroup, where there is a cgroup2 tree to make it in. */
static int make_cgroup(char path[static 4200]) {
        static const char *const tops[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

        for (size_t i = 0; i < ELEMENTS(tops); i++) {
                char procs[64];

                snprintf(procs, sizeof procs, "%s/cgroup.procs", tops[i]);
                if (access(procs, F_OK) < 0)
                        continue;
                snprintf(path, 4200, "%s/berth-floor-%d", tops[i], (int) getpid());
                if (mkdir(path, 0755) < 0)
                        return -1;
                MUST(chown(path, ID_BASE, ID_BASE));
                return MUST(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        }
        return -1;
}

static size_t take_covers(int trees[TREES]) {
        size_t n = COVER_RESOLV;

        for (size_t i = 0; i < ELEMENTS(covered); i++) {
                char path[32];

                if (faccessat(trees[ROOT], covered[i], F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                        break;
                snprintf(path, sizeof path, "/%s", covered[i]);
                trees[n] = MUST(open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
                change(trees[n++], RO | INERT, 0, 0, -1, 0);
        }
        return n;
}

static pid_t clone_builder(struct floor *f) {
        struct clone_args args = {
                .flags = CLONE_NEWUSER | CLONE_NEWNS | (f->cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
                .exit_signal = SIGCHLD,
                .cgroup = f->cgroup >= 0 ? (uint64_t) f->cgroup : 0,
        };
        pid_t pid = MUST(syscall(SYS_clone3, &args, sizeof args));

        if (pid == 0)
                builder(f);
        return pid;
}

static void hand_trees(const struct floor *f, pid_t pid) {
        int trees[TREES], userns;
        char path[64];
        size_t n;

        write_map(pid, "uid_map", ID_BASE);
        write_map(pid, "gid_map", ID_BASE);
        snprintf(path, sizeof path, "/proc/%d/ns/user", (int) pid);
        userns = MUST(open(path, O_RDONLY | O_CLOEXEC));
        send_word(f->to_builder[0]);
        umask(0);
        trees[ROOT] = MUST(open_tree(AT_FDCWD, f->tree, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
        trees[DEV] = make_dev();
        trees[SYS] = fresh("sysfs", RO | INERT, NULL);
        trees[RUN_HOST] = make_run_host();
        change(trees[RUN_HOST], RO, 0, 0, -1, 0);
        n = take_covers(trees);
        change(trees[ROOT], MOUNT_ATTR_IDMAP, 0, 0, userns, 0);
        change(trees[DEV], MOUNT_ATTR_IDMAP, 0, 0, userns, 0);
        change(trees[RUN_HOST], MOUNT_ATTR_IDMAP, 0, 0, userns, 0);
        send_trees(f->to_builder[0], trees, n);
        for (size_t i = 0; i < n; i++)
                close(trees[i]);
}

int main(int argc, char **argv) {
        struct floor f = { .tree = argv[1], .argv = argv + 2 };
        char cgroup[4200];
        struct born born;
        int status = 0;
        pid_t pid;

        if (argc < 3)
                return 2;
        find_filter(&f.filter);
        f.elsewhere = MUST(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
        f.cgroup = make_cgroup(cgroup);
        MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, f.to_builder));
        MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, f.to_guest));
        pid = clone_builder(&f);
        close(f.to_builder[1]);
        close(f.to_guest[0]);
        close(f.to_guest[1]);
        hand_trees(&f, pid);
        if (MUST(recv(f.to_builder[0], &born, sizeof born, 0)) != sizeof born)
                return EXIT_FAILURE;
        cpus_move_from(born.guest, born.cpu);
        MUST(waitpid(born.guest, &status, __WALL));
        MUST(waitpid(pid, NULL, 0));
        if (f.cgroup >= 0)
                (void) rmdir(cgroup);
        return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}
