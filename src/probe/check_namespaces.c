/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looks at namespaces and mounts: each is made, by a process that ends with it. */

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/errno_text.h"
#include "plan/idrange.h"
#include "probe/check.h"
#include "sys/idmap.h"
#include "sys/mounts.h"
#include "sys/process.h"

static int make(const void *data) {
        return unshare(*(const int *) data) < 0 ? -errno : 0;
}

static void look(const struct check_context *c, int type, const char *limit, struct check_finding *ret) {
        int k = check_apart(make, &type);
        char path[64];
        const char *most;

        check_result(ret, k);
        snprintf(path, sizeof path, "/proc/sys/user/max_%s_namespaces", limit);
        most = check_text(c, path);
        if (k == 0 && *most)
                check_say(ret, CHECK_YES, "at most %s", most);
        else if (*most)
                check_say(ret, CHECK_NO, "%s (at most %s)", errno_text(-k), most);
}

void check_ns_mount(const struct check_context *c, struct check_finding *ret) {
        look(c, CLONE_NEWNS, "mnt", ret);
}

void check_ns_pid(const struct check_context *c, struct check_finding *ret) {
        look(c, CLONE_NEWPID, "pid", ret);
}

void check_ns_uts(const struct check_context *c, struct check_finding *ret) {
        look(c, CLONE_NEWUTS, "uts", ret);
}

void check_ns_ipc(const struct check_context *c, struct check_finding *ret) {
        look(c, CLONE_NEWIPC, "ipc", ret);
}

void check_ns_cgroup(const struct check_context *c, struct check_finding *ret) {
        look(c, CLONE_NEWCGROUP, "cgroup", ret);
}

void check_ns_net(const struct check_context *c, struct check_finding *ret) {
        look(c, CLONE_NEWNET, "net", ret);
}

void check_ns_user(const struct check_context *c, struct check_finding *ret) {
        look(c, CLONE_NEWUSER, "user", ret);
        if (ret->state == CHECK_YES && idmap_is_initial(c->proc) == 0)
                check_say(ret, CHECK_PART, "%s", "only from the first one, and this is another");
}

/* A file system of the namespaces that it shows: the kernel allows it in a user namespace only where one that is not
 * covered in parts is visible (mount_too_revealing() of fs/namespace.c). */
struct fresh {
        const char *type;
        uint64_t attrs; /* no more may be allowed than where it is visible */
        int namespaces;
};

static int mount_it(const void *data) {
        const struct fresh *f = data;
        CLEAN_FD int fd =
                mount_fresh(f->type, NULL, f->attrs | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);

        return fd < 0 ? fd : 0;
}

/* A process namespace begins with the next process. */
static int make_and_mount(const void *data) {
        const struct fresh *f = data;

        if (unshare(f->namespaces) < 0)
                return -errno;
        return check_apart(mount_it, data);
}

static void look_fresh(struct fresh f, struct check_finding *ret) {
        struct fresh in_userns = f;
        int k;

        in_userns.namespaces |= CLONE_NEWUSER;
        k = check_apart(make_and_mount, &in_userns);
        check_result(ret, k);
        if (k < 0 && check_apart(make_and_mount, &f) == 0)
                check_say(ret, CHECK_PART, "not in a user namespace: %s", errno_text(-k));
}

void check_proc(const struct check_context *c, struct check_finding *ret) {
        look_fresh((struct fresh){ "proc", 0, CLONE_NEWPID | CLONE_NEWNS }, ret);
}

void check_sysfs(const struct check_context *c, struct check_finding *ret) {
        look_fresh((struct fresh){ "sysfs", MOUNT_ATTR_RDONLY, CLONE_NEWNET | CLONE_NEWNS }, ret);
}

/* A user namespace lives as long as a process in it. */
static int map_by(const struct check_context *c, int mount, const struct process *in) {
        int k = idmap_write(c->proc, in->pid, IDRANGE_MIN, IDRANGE_SIZE);
        CLEAN_FD int userns = k < 0 ? k : idmap_open(c->proc, in->pid);

        return userns < 0 ? userns : mount_change(mount, &(struct mount_change){ .userns = userns });
}

/* Takes over mount. */
static int map_owners(const struct check_context *c, int mount) {
        CLEAN_FD int owned = mount;
        struct process p = { .pidfd = -1 };
        int code, status, k = mount < 0 ? mount : process_clone(CLONE_NEWUSER, -1, &p);

        if (k < 0)
                return k;
        if (k == 0)
                for (;;)
                        pause();
        k = map_by(c, owned, &p);
        (void) process_signal(p.pidfd, SIGKILL);
        (void) process_wait(p.pidfd, true, &code, &status);
        clean_fd(&p.pidfd);
        return k;
}

void check_idmap_tmpfs(const struct check_context *c, struct check_finding *ret) {
        check_result(ret, map_owners(c, mount_fresh("tmpfs", NULL, 0)));
}

void check_idmap_root(const struct check_context *c, struct check_finding *ret) {
        check_result(ret, map_owners(c, mount_clone(AT_FDCWD, "/", false)));
}

void check_idmap_machines(const struct check_context *c, struct check_finding *ret) {
        int mount = mount_clone(AT_FDCWD, "/var/lib/machines", false);

        if (mount == -ENOENT)
                check_say(ret, CHECK_YES, "%s", "/var/lib/machines is not there");
        else
                check_result(ret, map_owners(c, mount));
}

void check_mknod(const struct check_context *c, struct check_finding *ret) {
        CLEAN_FD int mount = mount_fresh("tmpfs", NULL, 0);

        if (mount < 0)
                check_result(ret, mount);
        else
                check_result(ret, mknodat(mount, "null", S_IFCHR | 0666, makedev(1, 3)) < 0 ? -errno : 0);
}
