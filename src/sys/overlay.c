/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/msg.h"
#include "sys/mounts.h"
#include "sys/process.h"

/* The directories of an overlay, by descriptor. */
struct parts {
        const struct overlay_layers *l;
        int data, work;
};

static int lower_dir(const struct overlay_layers *l, size_t i) {
        return l->dirs ? l->dirs[i] : l->lower[i];
}

static int set_string(int fs, const char *key, const char *value) {
        return fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0) < 0 ? -errno : 0;
}

static int set_fd(int fs, const char *key, int fd) {
        return fsconfig(fs, FSCONFIG_SET_FD, key, NULL, fd) < 0 ? -errno : 0;
}

/* By number below the working directory, which is /proc/self/fd: a value has at most 255 characters. */
static int set_name(int fs, const char *key, int fd) {
        char name[16];

        snprintf(name, sizeof name, "%d", fd);
        return set_string(fs, key, name);
}

static int set_lower_names(int fs, const struct overlay_layers *l) {
        char names[256] = "";
        size_t n = 0;

        for (size_t i = 0; i < l->n_lower; i++) {
                n += (size_t) snprintf(names + n, sizeof names - n, "%s%d", i ? ":" : "", lower_dir(l, i));
                if (n >= sizeof names)
                        return -E2BIG;
        }
        return set_string(fs, "lowerdir", names);
}

/* Linux 6.13 takes descriptors for layers, and 6.15 such of detached mounts. */
static int set_layers(int fs, const struct parts *p, bool by_name) {
        int (*set)(int, const char *, int) = by_name ? set_name : set_fd;
        int k = by_name ? set_lower_names(fs, p->l) : 0;

        for (size_t i = 0; k == 0 && !by_name && i < p->l->n_lower; i++)
                k = set_fd(fs, "lowerdir+", lower_dir(p->l, i));
        if (k == 0 && p->data >= 0)
                k = set(fs, "upperdir", p->data);
        return k == 0 && p->data >= 0 ? set(fs, "workdir", p->work) : k;
}

static int make(const struct parts *p, bool by_name, uint64_t attrs) {
        CLEAN_FD int fs = fsopen("overlay", FSOPEN_CLOEXEC);
        int k = fs < 0 ? -errno : set_string(fs, "source", "overlay");

        k = k < 0 ? k : set_layers(fs, p, by_name);
        /* Who made the layers has no say in where a file's content comes from. */
        k = k < 0 ? k : set_string(fs, "metacopy", "off");
        if (k == 0 && p->l->userxattr && fsconfig(fs, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) < 0)
                k = -errno;
        if (k == 0 && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                k = -errno;
        if (k < 0)
                return k;
        k = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned) attrs);
        return k < 0 ? -errno : k;
}

/* Layers must be of mounts in the maker's namespace: a process with one of its own attaches them, wherever: they are
 * used by descriptor. */
static int attach_and_make(const struct parts *p, uint64_t attrs) {
        CLEAN_FD int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        int k = top < 0 ? -errno : mount_make_private();

        for (size_t i = 0; k == 0 && i < p->l->n_lower; i++)
                k = mount_attach(p->l->lower[i], top);
        if (k == 0 && p->l->upper >= 0)
                k = mount_attach(p->l->upper, top);
        if (k == 0 && chdir("/proc/self/fd") < 0)
                k = -errno;
        return k < 0 ? k : make(p, true, attrs);
}

/* What was attached here ends with this process: a copy of the upper layer's mount goes back. */
static void answer(int sock, int mount, int upper) {
        struct msg_fds fds = { .n = mount >= 0, .fd = { mount } };
        int k = mount < 0 ? mount : 0;

        if (k == 0 && upper >= 0)
                k = fds.fd[fds.n++] = mount_clone(upper, "", false);
        if (k < 0)
                fds.n = 0;
        k = k < 0 ? k : 0;
        _exit(msg_send(sock, &k, sizeof k, &fds) < 0);
}

/* The overlay; the copy takes the place of what it is of. */
static int receive(int sock, int upper) {
        struct msg_fds fds = { 0 };
        int result = -ECHILD, k = 0;

        if (msg_recv(sock, &result, sizeof result, &fds, 0) != sizeof result)
                return -ECHILD;
        if (result < 0 || fds.n != (upper < 0 ? 1 : 2)) {
                msg_fds_close(&fds);
                return result < 0 ? result : -ECHILD;
        }
        if (upper >= 0) {
                k = dup3(fds.fd[1], upper, O_CLOEXEC) < 0 ? -errno : 0;
                clean_fd(&fds.fd[1]);
        }
        if (k < 0)
                clean_fd(&fds.fd[0]);
        return k < 0 ? k : fds.fd[0];
}

static int make_elsewhere(const struct parts *p, uint64_t attrs) {
        CLEAN_FD int here = -1, there = -1;
        struct process child = { .pidfd = -1 };
        int pair[2], code, status, result, k = msg_pair(pair);

        if (k < 0)
                return k;
        here = pair[0];
        there = pair[1];
        k = process_clone(CLONE_NEWNS, -1, &child);
        if (k == 0) {
                close(TAKE_FD(here));
                answer(there, attach_and_make(p, attrs), p->l->upper);
        }
        if (k < 0)
                return k;
        close(TAKE_FD(there));
        result = receive(here, p->l->upper);
        (void) process_wait(child.pidfd, true, &code, &status);
        clean_fd(&child.pidfd);
        return result;
}

static int open_dir(int mount, const char *name, int *ret) {
        *ret = openat(mount, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return *ret < 0 ? -errno : 0;
}

int overlay_mount(const struct overlay_layers *l, uint64_t attrs) {
        CLEAN_FD int data = -1, work = -1;
        int k = l->n_lower > OVERLAY_LOWER ? -E2BIG : 0;

        if (k == 0 && l->upper >= 0)
                k = open_dir(l->upper, l->data, &data);
        if (k == 0 && data >= 0 && l->sub) {
                CLEAN_FD int whole = TAKE_FD(data);

                k = open_dir(whole, l->sub, &data);
        }
        if (k == 0 && l->upper >= 0)
                k = open_dir(l->upper, l->work, &work);
        if (k < 0)
                return k;
        if (l->attach)
                return attach_and_make(&(struct parts){ l, data, work }, attrs);
        k = make(&(struct parts){ l, data, work }, false, attrs);
        /* -EOPNOTSUPP: an overlayfs that takes no descriptor for anything (before Linux 6.5). */
        return k == -EINVAL || k == -EBADF || k == -EOPNOTSUPP
                       ? make_elsewhere(&(struct parts){ l, data, work }, attrs)
                       : k;
}
