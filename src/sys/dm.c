/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/dm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clean.h"
#include "sys/devnode.h"

#ifndef DM_GET_TARGET_VERSION
#define DM_GET_TARGET_VERSION _IOWR(DM_IOCTL, 17, struct dm_ioctl)
#endif

enum { CONTROL_MAJOR = 10, CONTROL_MINOR = 236, SECTOR = 512 };

struct request {
        struct dm_ioctl head;
        struct dm_target_spec target;
        char params[DM_PARAMS];
};

static int open_control(void) {
        int fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);

        if (fd < 0)
                fd = errno != ENOENT
                             ? -errno
                             : devnode_open_hidden(makedev(CONTROL_MAJOR, CONTROL_MINOR), S_IFCHR, O_RDWR | O_CLOEXEC);
        return fd == -ENXIO || fd == -ENOENT ? -ENODEV : fd;
}

static int ask(int control, unsigned long what, struct request *r, const char *name, unsigned flags) {
        r->head.version[0] = DM_VERSION_MAJOR;
        r->head.data_size = sizeof *r;
        r->head.data_start = offsetof(struct request, target);
        r->head.flags = flags;
        snprintf(r->head.name, sizeof r->head.name, "%s", name);
        return ioctl(control, what, r) < 0 ? -errno : 0;
}

/* Loads its module, where it is one. */
static int has_target(int control, const char *target) {
        struct request r = { 0 };
        int k = ask(control, DM_GET_TARGET_VERSION, &r, target, 0);

        return k == 0 || k == -ENOTTY ? 0 : -ENOPROTOOPT;
}

int dm_knows(const char *target) {
        CLEAN_FD int control = open_control();

        return control < 0 ? control : has_target(control, target);
}

static int load(int control, const struct dm_want *w) {
        struct request r = { .head.target_count = 1, .target.length = w->size / SECTOR };

        if (strlen(w->params) >= sizeof r.params)
                return -E2BIG;
        snprintf(r.target.target_type, sizeof r.target.target_type, "%s", w->target);
        snprintf(r.params, sizeof r.params, "%s", w->params);
        r.target.next = sizeof r.target + (uint32_t) ((strlen(w->params) + 8) / 8 * 8);
        return ask(control, DM_TABLE_LOAD, &r, w->name, w->read_only ? DM_READONLY_FLAG : 0);
}

static int resume(int control, const char *name, dev_t *ret) {
        struct request r = { 0 };
        int k = ask(control, DM_DEV_SUSPEND, &r, name, 0);

        /* As the kernel packs it: new_encode_dev(). */
        if (k == 0)
                *ret = makedev((r.head.dev & 0xfff00) >> 8, (r.head.dev & 0xff) | (r.head.dev >> 12 & 0xfff00));
        return k;
}

static int remove_by(int control, const char *name) {
        struct request r = { 0 };

        return ask(control, DM_DEV_REMOVE, &r, name, DM_DEFERRED_REMOVE);
}

int dm_remove(const char *name) {
        CLEAN_FD int control = open_control();

        return control < 0 ? control : remove_by(control, name);
}

int dm_make(const struct dm_want *want, char ret_path[DM_PATH]) {
        CLEAN_FD int control = open_control();
        CLEAN_FD int fd = -1;
        struct request r = { 0 };
        dev_t dev = 0;
        int k = control < 0 ? control : has_target(control, want->target), gone;

        k = k < 0 ? k : ask(control, DM_DEV_CREATE, &r, want->name, 0);
        if (k < 0)
                return k;
        k = load(control, want);
        k = k < 0 ? k : resume(control, want->name, &dev);
        if (k == 0) {
                snprintf(ret_path, DM_PATH, "/dev/dm-%u", minor(dev));
                k = fd = devnode_open_block(dev, want->read_only, ret_path);
        }
        /* With our descriptor open it goes when that is closed; otherwise now. */
        gone = remove_by(control, want->name);
        if (k < 0 || gone < 0)
                return k < 0 ? k : gone;
        return TAKE_FD(fd);
}
