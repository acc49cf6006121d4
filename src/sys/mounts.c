/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clean.h"

#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x4000U
#endif
#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000U
#endif

static int configure(int fs, const char *options) {
        char key[64];

        for (const char *o = options ? options : ""; *o;) {
                /* A label of SELinux has commas; it is the last option. */
                size_t n = strncmp(o, "context=", 8) == 0 ? strlen(o) : strcspn(o, ","), k = strcspn(o, ",=");
                char value[256];

                if (k >= sizeof key || n - k >= sizeof value)
                        return -E2BIG;
                memcpy(key, o, k);
                key[k] = '\0';
                if (k < n) {
                        memcpy(value, o + k + 1, n - k - 1);
                        value[n - k - 1] = '\0';
                        if (fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0) < 0)
                                return -errno;
                } else if (fsconfig(fs, FSCONFIG_SET_FLAG, key, NULL, 0) < 0)
                        return -errno;
                o += n + (o[n] == ',');
        }
        return 0;
}

/* The source is what mount(8) and df(1) show in their first column. */
static int open_type(const char *type, const char *source) {
        CLEAN_FD int fs = fsopen(type, FSOPEN_CLOEXEC);

        if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "source", source, 0) < 0)
                return -errno;
        return TAKE_FD(fs);
}

int mount_prepared(int fs, uint64_t attrs) {
        int r = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned) attrs);

        return r < 0 ? -errno : r;
}

static int make(int fs) {
        return fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ? -errno : 0;
}

static int create(int fs, uint64_t attrs) {
        int r = make(fs);

        return r < 0 ? r : mount_prepared(fs, attrs);
}

int mount_prepare(const char *type, const char *options) {
        CLEAN_FD int fs = open_type(type, type);
        int r = fs < 0 ? fs : configure(fs, options);

        r = r < 0 ? r : make(fs);
        return r < 0 ? r : TAKE_FD(fs);
}

int mount_fresh(const char *type, const char *options, uint64_t attrs) {
        CLEAN_FD int fs = mount_prepare(type, options);

        return fs < 0 ? fs : mount_prepared(fs, attrs);
}

bool mount_knows(const char *type) {
        CLEAN_FD int fs = fsopen(type, FSOPEN_CLOEXEC);

        return fs >= 0 || errno != ENODEV;
}

int mount_device(const struct mount_device *d) {
        CLEAN_FD int fs = open_type(d->type, d->source);
        int r = fs < 0 ? fs : configure(fs, d->options);

        if (r == 0 && d->read_only && fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0)
                return -errno;
        return r < 0 ? r : create(fs, d->attrs | (d->read_only ? MOUNT_ATTR_RDONLY : 0));
}

int mount_fresh_proc(int pidns, uint64_t attrs) {
        CLEAN_FD int fs = open_type("proc", "proc");

        if (fs < 0)
                return fs;
        if (fsconfig(fs, FSCONFIG_SET_FD, "pidns", NULL, pidns) < 0)
                return -errno;
        return create(fs, attrs);
}

int mount_clone(int dir, const char *path, bool recursive) {
        int r = open_tree(dir, path,
                          OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH |
                                  (recursive ? (unsigned) AT_RECURSIVE : 0));

        return r < 0 ? -errno : r;
}

int mount_change(int mount, const struct mount_change *c) {
        struct mount_attr attr = {
                .attr_set = c->set | (c->userns >= 0 ? MOUNT_ATTR_IDMAP : 0),
                .attr_clr = c->clear,
                .propagation = c->propagation,
                .userns_fd = c->userns >= 0 ? (uint64_t) c->userns : 0,
        };

        if (mount_setattr(mount, "", AT_EMPTY_PATH | (c->recursive ? AT_RECURSIVE : 0), &attr, sizeof attr) < 0)
                return -errno;
        return 0;
}

int mount_make_read_only(int mount) {
        CLEAN_FD int fs = fspick(mount, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH);

        if (fs < 0 || fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0 ||
            fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0)
                return -errno;
        return 0;
}

int mount_attach(int mount, int dst) {
        if (move_mount(mount, "", dst, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
                return -errno;
        return 0;
}

int mount_attach_at(int mount, int dir, const char *name) {
        return move_mount(mount, "", dir, name, MOVE_MOUNT_F_EMPTY_PATH) < 0 ? -errno : 0;
}

int mount_pivot_below(int root) {
        return fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ? -errno : 0;
}

int mount_detach_here(void) {
        return umount2(".", MNT_DETACH) < 0 ? -errno : 0;
}

int mount_pivot(int root) {
        int r = mount_pivot_below(root);

        r = r < 0 ? r : mount_detach_here();
        return r < 0 ? r : chdir("/") < 0 ? -errno : 0;
}

int mount_bind(const char *src, const char *dst) {
        return mount(src, dst, NULL, MS_BIND, NULL) < 0 ? -errno : 0;
}

int mount_make_private(void) {
        return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ? -errno : 0;
}

int mount_id(int fd, uint64_t *ret_id, bool *ret_unique) {
        struct statx sx;

        if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID | STATX_MNT_ID_UNIQUE, &sx) < 0)
                return -errno;
        /* stx_mnt_id, at a place fixed by the ABI (statx(2)); older C libraries have no name for it. */
        memcpy(ret_id, (const char *) &sx + 0x90, sizeof *ret_id);
        *ret_unique = sx.stx_mask & STATX_MNT_ID_UNIQUE;
        return sx.stx_mask & (STATX_MNT_ID | STATX_MNT_ID_UNIQUE) ? 0 : -ENODATA;
}

int mount_number(int fd, long *ret) {
        struct statx sx;
        uint64_t id;

        if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &sx) < 0)
                return -errno;
        memcpy(&id, (const char *) &sx + 0x90, sizeof id);
        *ret = (long) id;
        return sx.stx_mask & STATX_MNT_ID ? 0 : -ENODATA;
}

int mount_root_of_path(const char *path, bool follow, dev_t *ret_dev, ino_t *ret_ino) {
        struct statx sx;

        if (statx(AT_FDCWD, path, (follow ? 0 : AT_SYMLINK_NOFOLLOW) | AT_NO_AUTOMOUNT, STATX_INO, &sx) < 0)
                return -errno;
        if (!(sx.stx_attributes & STATX_ATTR_MOUNT_ROOT))
                return -EINVAL;
        *ret_dev = makedev(sx.stx_dev_major, sx.stx_dev_minor);
        *ret_ino = sx.stx_ino;
        return 0;
}

int mount_attrs_of_path(const char *path, uint64_t *ret) {
        static const struct {
                unsigned long st;
                uint64_t attr;
        } map[] = {
                { 0x1 /* ST_RDONLY */, MOUNT_ATTR_RDONLY },
                { 0x2 /* ST_NOSUID */, MOUNT_ATTR_NOSUID },
                { 0x4 /* ST_NODEV */, MOUNT_ATTR_NODEV },
                { 0x8 /* ST_NOEXEC */, MOUNT_ATTR_NOEXEC },
                { 0x2000 /* ST_NOSYMFOLLOW */, MOUNT_ATTR_NOSYMFOLLOW },
        };
        struct statfs sf;

        if (statfs(path, &sf) < 0)
                return -errno;
        *ret = 0;
        for (size_t i = 0; i < ELEMENTS(map); i++)
                if ((unsigned long) sf.f_flags & map[i].st)
                        *ret |= map[i].attr;
        return 0;
}
