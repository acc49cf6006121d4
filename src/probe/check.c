/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe/check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/errno_text.h"

const struct check_row check_rows[] = {
        { "caller", "root", check_root, true, "nothing can be started", "sudo" },
        { "caller", "CAP_SYS_ADMIN", check_admin, true, "nothing can be started",
          "in a container: give it this capability (docker: --cap-add=SYS_ADMIN, or --privileged)" },
        { "caller", "capabilities", check_caps, false, "containers do not get these either", NULL },

        { "kernel", "release", check_release, true, "berth needs Linux 5.15; all of it 6.12", "a newer kernel" },
        { "kernel", "system calls", check_calls, true, "nothing can be started",
          "a newer kernel; in a container: its system call filter may refuse them" },
        { "kernel", "system call filters", check_filters, false, "every start needs --seccomp=no",
          "a kernel with CONFIG_SECCOMP_FILTER" },
        { "kernel", "Landlock", check_landlock, false,
          "a plain command in the host's network can reach abstract sockets of the host",
          "--private-network; or Linux 6.12 with landlock among its security modules (lsm= on its command line)" },
        { "kernel", "keyrings", check_keyrings, false, "containers get no session keyring of their own", NULL },
        { "kernel", "device programs", check_device_programs, false,
          "with --private-users=no a container gets no CAP_MKNOD, since devices cannot be restricted",
          "a kernel with CONFIG_CGROUP_BPF, and CAP_BPF" },
        { "kernel", "security modules", check_modules, false, NULL, NULL },

        { "namespaces", "mount", check_ns_mount, true, "nothing can be started", "see user.max_mnt_namespaces" },
        { "namespaces", "PID", check_ns_pid, true, "nothing can be started", "see user.max_pid_namespaces" },
        { "namespaces", "UTS", check_ns_uts, true, "nothing can be started", "see user.max_uts_namespaces" },
        { "namespaces", "IPC", check_ns_ipc, true, "nothing can be started", "see user.max_ipc_namespaces" },
        { "namespaces", "cgroup", check_ns_cgroup, true, "nothing can be started", "see user.max_cgroup_namespaces" },
        { "namespaces", "network", check_ns_net, false, "no --boot, no --private-network",
          "see user.max_net_namespaces" },
        { "namespaces", "user", check_ns_user, false, "root inside is root outside",
          "see user.max_user_namespaces and kernel.unprivileged_userns_clone" },

        { "mounts", "fresh proc", check_proc, false,
          "without a user namespace, and what the outer container shows of /proc is bound",
          "in a container: nothing may be mounted over parts of its /proc (docker: --security-opt "
          "systempaths=unconfined)" },
        { "mounts", "fresh sysfs", check_sysfs, false,
          "without a user namespace, and what the outer container shows of /sys is bound",
          "in a container: nothing may be mounted over parts of its /sys, and it must be there" },
        { "mounts", "id maps: tmpfs", check_idmap_tmpfs, false,
          "with a user namespace device nodes of the host are bound", "Linux 6.3" },
        { "mounts", "id maps: /", check_idmap_root, false,
          "trees on this file system start without a user namespace, unless their owners are shifted already",
          "another file system" },
        { "mounts", "id maps: images", check_idmap_machines, false,
          "trees in /var/lib/machines start without a user namespace, unless their owners are shifted already",
          "another file system" },
        { "mounts", "device nodes", check_mknod, false, "those of the host are bound",
          "CAP_MKNOD, and a device policy that allows it" },
        { "mounts", "overlay", check_overlay, false, "no --volatile=overlay, no --overlay", "modprobe overlay" },

        { "cgroups", "cgroup2", check_cgroup2, false, "containers stay in their caller's cgroup; no systemd in them",
          "mount -t cgroup2 cgroup2 /sys/fs/cgroup" },
        { "cgroups", "own cgroup", check_own_cgroup, false,
          "containers stay in their caller's cgroup: no systemd in them, no pause, no limits",
          "in a container: a writable cgroup2 (podman: --cgroupns=private --security-opt unmask=/sys/fs/cgroup)" },
        { "cgroups", "controllers", check_controllers, false, "no limits of what is missing, and stats are summed up",
          "echo \"+memory +cpu +pids +io\" to cgroup.subtree_control of the cgroups above; what version 1 holds: boot "
          "without it" },

        { "host", "records", check_run, true, "nothing can be started", "/run/berth must be root's and writable" },
        { "host", "ranges of ids", check_ranges, false, "no user namespace with a range of its own",
          "end containers" },
        { "host", "service manager", check_manager, false, "no scopes, slices and units; berth's own records serve",
          NULL },
        { "host", "message bus", check_bus, false, "the service manager is not asked", "start dbus" },
        { "host", "machined", check_machined, false, "machinectl does not know of containers; berthctl does",
          "install systemd-container" },
        { "host", "journal", check_journal, false, "nothing goes to the journal; berthctl logs has it", NULL },

        { "network", "veth", check_veth, false, "no virtual networks", "modprobe veth" },
        { "network", "bridge", check_bridge, false, "no virtual networks with a bridge", "modprobe bridge" },
        { "network", "nftables", check_nftables, false, "no published ports by the firewall", "modprobe nf_tables" },
        { "network", "tun", check_tun, false, "no /dev/net/tun in containers", "modprobe tun" },

        { "devices", "fuse", check_fuse, false, "no /dev/fuse in containers", "modprobe fuse" },
        { "devices", "loop", check_loop, false, "no disk images", "modprobe loop" },
        { "devices", "device mapper", check_mapper, false, "no encrypted or verified disk images", "modprobe dm_mod" },

        { "limits", "open files", check_files, false, "programs inside that want more fail",
          "ulimit -Hn, LimitNOFILE=" },
        { "limits", "processes", check_pids, false, "few containers fit",
          "sysctl kernel.pid_max, kernel.threads-max" },
        { "limits", "terminals", check_terminals, false, "few containers fit", "sysctl kernel.pty.max" },
        { "limits", "inotify", check_inotify, false, "systemd inside may fail with \"Too many open files\"",
          "sysctl fs.inotify.max_user_instances=1024" },
};
const size_t n_check_rows = ELEMENTS(check_rows);

const char *check_state_name(enum check_state s) {
        static const char names[][5] = { [CHECK_YES] = "yes", [CHECK_PART] = "part", [CHECK_NO] = "no" };

        return names[s];
}

void check_say(struct check_finding *f, enum check_state state, const char *fmt, ...) {
        va_list ap;

        f->state = state;
        va_start(ap, fmt);
        vsnprintf(f->detail, sizeof f->detail, fmt, ap);
        va_end(ap);
}

void check_result(struct check_finding *f, int k) {
        check_say(f, k < 0 ? CHECK_NO : CHECK_YES, "%s", k < 0 ? errno_text(-k) : "");
}

enum { APART_MS = 10 * 1000 };

int check_apart(int (*fn)(const void *data), const void *data) {
        CLEAN_FD int from = -1, to = -1;
        struct pollfd p = { .events = POLLIN };
        int ends[2], k = -ECHILD;
        pid_t pid;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        from = p.fd = ends[0];
        to = ends[1];
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                k = fn(data);
                _exit(write(to, &k, sizeof k) == sizeof k ? 0 : 1);
        }
        clean_fd(&to);
        to = -1;
        if (poll(&p, 1, APART_MS) <= 0)
                k = -ETIMEDOUT;
        else if (read(from, &k, sizeof k) != sizeof k)
                k = -ECHILD;
        (void) kill(pid, SIGKILL);
        (void) waitpid(pid, NULL, 0);
        return k;
}

const char *check_text(const struct check_context *c, const char *path) {
        CLEAN_FD int fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        char text[4096];
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);

        if (n > 0 && text[n - 1] == '\n')
                n--;
        return n > 0 ? arena_strndup(c->arena, text, (size_t) n) : "";
}
