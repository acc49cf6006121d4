/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/path_hint.h"
#include "base/str.h"
#include "plan/limits.h"
#include "probe/host_text.h"
#include "sys/caps.h"
#include "sys/cgroupfs.h"
#include "sys/idmap.h"
#include "sys/mounts.h"
#include "sys/ns.h"

static const char *read_text(const char *path, size_t max, struct arena *a) {
        CLEAN_FD int fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        struct stat st;
        char *text;
        ssize_t n;

        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return NULL;
        max = (size_t) st.st_size < max ? (size_t) st.st_size : max;
        text = arena_alloc(a, max + 1);
        n = read(fd, text, max);
        if (n < 0)
                return NULL;
        text[n] = '\0';
        return text;
}

/* os-release(5): NAME=value, value maybe quoted. Enough for the four identifiers, which need no escapes. */
const char *os_release_field(const char *text, const char *name, struct arena *a) {
        for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
                const char *value = str_after(line, name);
                size_t n;

                if (!value || *value++ != '=')
                        continue;
                n = strcspn(value, "\n");
                if (n >= 2 && (*value == '"' || *value == '\'') && value[n - 1] == *value)
                        value++, n -= 2;
                return n > 0 ? arena_strndup(a, value, n) : NULL;
        }
        return NULL;
}

static void probe_os(struct arena *a, struct facts *f) {
        const char *text = read_text("/etc/os-release", 16 * 1024, a);

        if (!text)
                text = read_text("/usr/lib/os-release", 16 * 1024, a);
        f->host.os_release = text;
        if (!text)
                return;
        f->host.os_id = os_release_field(text, "ID", a);
        f->host.os_version_id = os_release_field(text, "VERSION_ID", a);
        f->host.os_build_id = os_release_field(text, "BUILD_ID", a);
        f->host.os_variant_id = os_release_field(text, "VARIANT_ID", a);
}

static bool setgroups_denied(int proc) {
        CLEAN_FD int fd = openat(proc, "self/setgroups", O_RDONLY | O_CLOEXEC);
        char text[8] = "";

        return fd >= 0 && read(fd, text, sizeof text - 1) > 0 && str_after(text, "deny");
}

static int probe_kernel(struct facts *f, const struct opened *o, struct err *e) {
        struct utsname u;
        int major = 0, minor = 0;
        uint64_t caps;
        int r;

        uname(&u);
        (void) sscanf(u.release, "%d.%d", &major, &minor);
        r = idmap_is_initial(o->proc);
        if (r < 0 && r != -ENOENT)
                return err_set(e, ERR_SYSTEM, -r, "cannot read the id map of berth itself");
        /* A kernel without user namespaces has no id maps. */
        f->host.can_userns = r >= 0;
        f->host.first_userns = r != 0;
        f->host.can_restrict_devices = true; /* the launch finds out */
        f->host.can_mount_in_userns = f->host.can_mount_proc = f->host.can_mount_sysfs = true;
        f->host.can_idmap_tmpfs = major > 6 || (major == 6 && minor >= 3);
        f->host.no_tty_group = !f->host.first_userns && idmap_has_group(o->proc, 5) == 0;
        f->host.no_setgroups = !f->host.first_userns && setgroups_denied(o->proc);
        r = caps_bounding(&caps);
        if (r < 0)
                return err_set(e, ERR_SYSTEM, -r, "cannot read the capabilities");
        f->host.caps = caps;
        /* The device policy of an outer container may still forbid it: then the launch finds out. */
        f->host.can_mknod = f->host.first_userns && caps & UINT64_C(1) << CAP_MKNOD;
        f->host.no_keyring = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_THREAD_KEYRING, 0) < 0 &&
                             (errno == ENOSYS || errno == EPERM);
        f->host.landlock_abi =
                (int) syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* LANDLOCK_CREATE_RULESET_VERSION */);
        if (f->host.landlock_abi < 0)
                f->host.landlock_abi = 0;
        /* Unique mount ids (Linux 6.8) let the launch notice mounts inside the tree by itself. */
        f->tree.submounts_known = !(major > 6 || (major == 6 && minor >= 8));
        return 0;
}

static void probe_limits(struct facts *f) {
        struct rlimit files;

        if (prlimit(1, RLIMIT_NPROC, NULL, &f->host.nproc) < 0)
                (void) getrlimit(RLIMIT_NPROC, &f->host.nproc);
        if (prlimit(1, RLIMIT_SIGPENDING, NULL, &f->host.sigpending) < 0)
                (void) getrlimit(RLIMIT_SIGPENDING, &f->host.sigpending);
        f->host.few_descriptors = getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < 64;
}

/* The caller's own cgroup below top, where it may be written to. */
static bool open_cgroup(int top, const char *own, struct opened *o) {
        CLEAN_FD int fd = openat(top, own[1] ? own + 1 : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0 || faccessat(fd, ".", W_OK, 0) < 0)
                return false;
        o->cgroup = TAKE_FD(fd);
        return true;
}

/* Where the host has no cgroup2 mounted, or read-only as containers do, one that nobody else sees serves as well. */
static void probe_cgroup(struct arena *a, struct facts *f, struct opened *o) {
        CLEAN_FD int top = -1;
        char mount[4096], own[4096];

        top = cgroupfs_find(mount, sizeof mount);
        f->cgroup.found = top >= 0;
        f->cgroup.mount = arena_strdup(a, top >= 0 ? mount : "cgroup2:");
        if (cgroupfs_own(o->proc, own, sizeof own) < 0 || strstr(own, "/.."))
                return;
        f->cgroup.own = arena_strdup(a, own);
        if (top >= 0 && open_cgroup(top, own, o)) {
                f->cgroup.writable = true;
                return;
        }
        clean_fd(&top);
        top = mount_fresh("cgroup2", NULL, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
        f->cgroup.found = f->cgroup.found || top >= 0;
        f->cgroup.writable = top >= 0 && open_cgroup(top, own, o);
}

static const char *read_controllers(int dir, const char *path, struct arena *a) {
        CLEAN_FD int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
        char text[256];
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);

        while (n > 0 && text[n - 1] == '\n')
                n--;
        return n < 0 ? NULL : arena_strndup(a, text, (size_t) n);
}

/* Only for those who ask for a limit. */
static void probe_controllers(const struct spec *s, struct arena *a, struct facts *f, const struct opened *o) {
        struct sysinfo machine;

        if (!plan_has_limits(s))
                return;
        if (o->cgroup >= 0)
                f->cgroup.controllers = read_controllers(o->cgroup, "cgroup.controllers", a);
        f->cgroup.all_controllers =
                read_controllers(AT_FDCWD, arena_printf(a, "%s/cgroup.controllers", f->cgroup.mount), a);
        if (sysinfo(&machine) == 0)
                f->host.memory = (uint64_t) machine.totalram * machine.mem_unit;
}

/* Links lead to the node (/dev/disk/by-uuid). */
static void probe_devices(const struct spec *s, struct arena *a, struct facts *f) {
        for (size_t i = 0; i < s->host.devices.n; i++) {
                struct device_fact *d = arena_push(a, &f->host.devices);
                struct stat st;

                *d = (struct device_fact){ .path = s->host.devices.items[i].path };
                if (stat(d->path, &st) < 0)
                        continue;
                d->kind = S_ISCHR(st.st_mode) ? DEVICE_CHARACTER : S_ISBLK(st.st_mode) ? DEVICE_BLOCK : DEVICE_NO_NODE;
                d->major = major(st.st_rdev);
                d->minor = minor(st.st_rdev);
                d->mode = st.st_mode & 0777;
        }
}

/* Where the unit is the cgroup above the caller's, that is where the payload's is made. */
static void open_unit(const struct facts *f, struct opened *o) {
        CLEAN_FD int top = f->cgroup.in_subgroup ? open(f->cgroup.mount, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

        if (top < 0)
                return;
        clean_fd(&o->cgroup);
        o->cgroup = -1;
        (void) open_cgroup(top, f->cgroup.unit, o);
}

/* It is not there, or not for us. After another failure whoever opens it has something to say. */
static bool is_refusal(int code) {
        return code == ENOENT || code == ENOTDIR || code == ELOOP || code == EACCES || code == EPERM;
}

/* One that can be read to its end: neither a FIFO nor a directory may get inside as one. */
static bool is_file(const char *path) {
        struct stat st;

        if (stat(path, &st) < 0)
                return !is_refusal(errno);
        return S_ISREG(st.st_mode) && (access(path, R_OK) == 0 || !is_refusal(errno));
}

static void probe_names(const struct spec *s, struct arena *a, struct facts *f) {
        static const char sources[][38] = {
                "/etc/resolv.conf",
                "/usr/lib/systemd/resolv.conf",
                "/run/systemd/resolve/resolv.conf",
                "/run/systemd/resolve/stub-resolv.conf",
        };
        size_t n = s->integration.resolv_conf == RESOLV_AUTO ? 1 : ELEMENTS(sources);
        char link[256];
        ssize_t k;

        for (size_t i = 0; i < n && s->integration.resolv_conf != RESOLV_OFF; i++)
                if (is_file(sources[i]))
                        f->host.resolv_conf[i] = sources[i];
        f->host.localtime = "";
        if (s->integration.timezone == TIMEZONE_OFF)
                return;
        k = readlink("/etc/localtime", link, sizeof link - 1);
        if (k < 0) {
                if (is_file("/etc/localtime"))
                        f->host.localtime = "/etc/localtime";
                return;
        }
        link[k] = '\0';
        if (strstr(link, "zoneinfo/") && is_file("/etc/localtime"))
                f->host.localtime = arena_strdup(a, strstr(link, "zoneinfo/") + strlen("zoneinfo/"));
}

/* Mode of a device that we can use; 0 where we cannot. */
static mode_t openable(const char *path) {
        CLEAN_FD int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        struct stat st;

        return fd >= 0 && fstat(fd, &st) == 0 ? 0600 | (st.st_mode & 0666) : 0;
}

unsigned probe_listen_fds(char **env) {
        const char *pid = str_env(env, "LISTEN_PID"), *fds = str_env(env, "LISTEN_FDS");

        return pid && fds && strtol(pid, NULL, 10) == getpid() ? (unsigned) strtoul(fds, NULL, 10) : 0;
}

/* sd_watchdog_enabled(3). */
static uint64_t watchdog(char **env) {
        const char *pid = str_env(env, "WATCHDOG_PID"), *usec = str_env(env, "WATCHDOG_USEC");
        uint64_t v;

        if (!usec || parse_u64(usec, 1, INT64_MAX, &v) < 0)
                return 0;
        return !pid || strtol(pid, NULL, 10) == getpid() ? v : 0;
}

/* systemd.exec(5), from 248 on. */
static bool is_service(char **env) {
        const char *pid = str_env(env, "SYSTEMD_EXEC_PID");

        return pid && strtol(pid, NULL, 10) == getpid();
}

static void probe_caller(char **env, struct arena *a, struct facts *f) {
        static const char pass[][10] = { "TERM", "COLORTERM", "NO_COLOR" };
        char host[65] = "";

        for (size_t i = 0; i < ELEMENTS(pass); i++)
                if (str_env(env, pass[i]))
                        strv_add(a, &f->caller.env, arena_printf(a, "%s=%s", pass[i], str_env(env, pass[i])));
        f->caller.terminal_in = isatty(STDIN_FILENO);
        f->caller.terminal_out = isatty(STDOUT_FILENO);
        f->caller.terminal_err = isatty(STDERR_FILENO);
        f->caller.notify = str_env(env, "NOTIFY_SOCKET");
        f->caller.service = f->caller.notify && is_service(env);
        f->caller.watchdog_us = f->caller.notify ? watchdog(env) : 0;
        f->caller.listen_fds = probe_listen_fds(env);
        if (f->caller.listen_fds > 0)
                f->caller.listen_fdnames = arena_strdup(a, str_env(env, "LISTEN_FDNAMES"));
        (void) gethostname(host, sizeof host - 1);
        f->caller.hostname = arena_strdup(a, host);
}

/* What a launch would say, before anything is taken, and to --dry-run too. */
static int probe_network(const struct spec *s, struct err *e) {
        int k = s->net.path ? ns_look(s->net.path, CLONE_NEWNET) : 0;

        if (k == 0)
                return 0;
        err_set(e, ERR_HOST, -k, "cannot enter the network namespace %s", s->net.path);
        err_blame(e, "network-namespace-path", NULL);
        return k == -EINVAL ? err_hint(e, "it is none; ip netns add NAME makes /run/netns/NAME")
                            : err_hint_path(e, s->net.path);
}

static bool runs_selinux(void) {
        struct statfs sf;

        return statfs("/sys/fs/selinux", &sf) == 0 && sf.f_type == SELINUX_MAGIC;
}

int probe_host(const struct spec *s, char **env, struct arena *a, struct facts *f, struct opened *o, struct err *e) {
        struct statfs sf;
        int k;

        f->host.journald = s->self.detach && access("/run/systemd/journal/socket", W_OK) == 0;
        f->host.selinux = (s->sec.selinux || s->sec.selinux_apifs) && runs_selinux();
        if (geteuid() != 0 && s->self.dry_run == DRY_RUN_NO) {
                err_set(e, ERR_HOST, 0, "need to be root");
                return err_hint(e, "sudo berth ...; running without root is not supported by this build yet");
        }
        o->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (o->proc < 0 || fstatfs(o->proc, &sf) < 0 || sf.f_type != PROC_SUPER_MAGIC) {
                err_set(e, ERR_HOST, errno, "berth needs a proc file system on /proc");
                return err_hint(e, "mount -t proc proc /proc");
        }
        if (getrandom(f->random, sizeof f->random, 0) != sizeof f->random)
                return err_set(e, ERR_SYSTEM, errno, "cannot get random numbers");
        k = probe_kernel(f, o, e);
        k = k < 0 ? k : probe_network(s, e);
        if (k < 0)
                return k;
        probe_limits(f);
        probe_cgroup(a, f, o);
        probe_manager(s, env, a, f);
        if (s->ids.mode == USERS_MANAGED)
                f->host.id_service = probe_nsresourced(ID_SERVICE, a);
        f->host.mount_service = s->ids.delegate > 0 && access("/run/systemd/io.systemd.MountFileSystem", F_OK) == 0;
        open_unit(f, o);
        probe_controllers(s, a, f, o);
        probe_devices(s, a, f);
        probe_os(a, f);
        probe_names(s, a, f);
        probe_caller(env, a, f);
        if (s->self.face == FACE_STRICT || s->sec.nesting) {
                f->host.tun = openable("/dev/net/tun");
                f->host.fuse = openable("/dev/fuse");
        }
        log_debug(LOG_PROBE, "first user namespace %d, mknod %d, cgroup %s%s (writable %d), landlock ABI %d",
                  f->host.first_userns, f->host.can_mknod, str_or(f->cgroup.mount, "none"), str_or(f->cgroup.own, ""),
                  f->cgroup.writable, f->host.landlock_abi);
        return 0;
}
