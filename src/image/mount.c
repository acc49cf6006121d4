/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Mounts of an image's partitions. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "base/clean.h"
#include "base/str.h"
#include "image/image.h"
#include "sys/loopdev.h"
#include "sys/mounts.h"

/* The file systems an image may have: those that distributions make images of, and no others of the many in a kernel.
 * Read-only, a journal stays as it is, for nothing is written. Options: mount(8). Only a
 * superblock of ext4 could ask for a panic of the kernel. */
static const struct {
        char name[9], options[18], read_only[25];
        char of_file[26]; /* and these, where it is written to and lies in a file: what is free again becomes a hole */
} kinds[] = {
        { "ext4", "errors=remount-ro", "errors=remount-ro,noload", "errors=remount-ro,discard" },
        { "xfs", "nouuid", "nouuid,norecovery", "nouuid,discard" },
        { "btrfs", "", "rescue=nologreplay", "discard" },
        { "squashfs", "", "", "" },
        { "erofs", "", "", "" },
        { "f2fs", "", "norecovery", "discard" },
        { "vfat", "umask=0077", "umask=0077", "umask=0077,discard" },
};

int image_device(struct image *m, struct image_part *p, struct err *e) {
        const struct loopdev_want want = {
                .file = m->file,
                .start = p->part->start,
                .size = p->part->number == 0 ? 0 : p->part->size,
                .sector = m->found->sector,
                .read_only = p->read_only || m->peek,
                .direct = m->direct_io == UNSAID ? !p->read_only && !m->peek : m->direct_io == YES,
        };

        _Static_assert(sizeof p->device == LOOPDEV_PATH, "it gets the path");
        if (p->loop >= 0)
                return 0;
        p->loop = loopdev_make(&want, p->device);
        if (p->loop >= 0)
                return 0;
        err_set(e, ERR_HOST, -p->loop, "cannot make a loop device for %s", m->path);
        if (p->loop == -ENOENT)
                err_hint(e,
                         "there is no /dev/loop-control: modprobe loop; in a container, the outer one must give it");
        else if (p->loop == -ENODEV || p->loop == -ENXIO)
                err_hint(e, "this kernel has none: modprobe loop");
        else if (p->loop == -EPERM || p->loop == -EACCES)
                err_hint(e, "in a container, the outer one must allow /dev/loop-control and block devices 7:*");
        return -EIO;
}

/* The kernel's words for a file system that contradicts itself. */
static bool is_damage(int code) {
        static const int codes[] = { EUCLEAN, EBADMSG, EINVAL, EIO };

        for (size_t i = 0; i < ELEMENTS(codes); i++)
                if (codes[i] == -code)
                        return true;
        return false;
}

static int explain(const struct image *m, const struct image_part *p, int code, struct err *e) {
        char what[64] = "the file system";

        if (p->part->number > 0)
                snprintf(what, sizeof what, "partition %u (%s)", p->part->number, role_name(p->role));
        err_set(e, code == -ENODEV || code == -EPERM ? ERR_HOST : ERR_IMAGE, -code, "cannot mount %s of %s as %s",
                what, m->path, p->part->fs);
        if (code == -ENODEV)
                return err_hint(e, "this kernel has no %s", p->part->fs);
        if (code == -EPERM || code == -EACCES)
                return err_hint(e, "the file systems of an image can be mounted by the host's root only");
        if (!is_damage(code))
                return code;
        if (m->peek && image_may_mend(m, p))
                return err_hint(e, "it is damaged: a start lets fsck mend what takes no decision");
        return err_hint(e, code == -EINVAL
                                   ? "it may be damaged: fsck it; or this kernel lacks a feature of it: see dmesg"
                                   : "it may be damaged: fsck it");
}

/* erofs reads from a file as it is (Linux 6.12), also from a part of one (6.17): no device is needed, unless one
 * stands in between. */
static int mount_file(const struct image *m, const struct image_part *p, struct mount_device device) {
        char source[32], offset[64] = "";

        if (m->block || p->protection != PROTECTION_NONE || !streq(p->part->fs, "erofs"))
                return -ENOTBLK;
        snprintf(source, sizeof source, "/proc/self/fd/%d", m->file);
        if (p->part->start > 0)
                snprintf(offset, sizeof offset, "fsoffset=%llu", (unsigned long long) p->part->start);
        device.source = source;
        device.options = *offset ? offset : NULL;
        return mount_device(&device);
}

static int mount_new(struct image *m, struct image_part *p, struct err *e) {
        bool read_only = p->read_only || m->peek;
        bool boot = image_is_boot(p);
        struct mount_device device = {
                .read_only = read_only,
                .attrs =
                        MOUNT_ATTR_NODEV | (boot ? MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW : 0),
        };
        size_t kind;
        int k;

        if (p->protection != PROTECTION_NONE && !p->opened)
                return err_set(e, ERR_BUG, 0, "%s: the %s partition was not opened", m->path, role_name(p->role));
        for (kind = 0; kind < ELEMENTS(kinds) && !streq(kinds[kind].name, p->part->fs); kind++)
                ;
        if (kind == ELEMENTS(kinds))
                return err_set(e, ERR_IMAGE, 0, "%s has a %s, which is not mounted from images", m->path, p->part->fs);
        device.type = kinds[kind].name;
        /* Through a mapped device it would show which blocks are in use. */
        device.options = str_or_null(read_only               ? kinds[kind].read_only
                                     : m->block || p->opened ? kinds[kind].options
                                                             : kinds[kind].of_file);
        k = mount_file(m, p, device);
        if (k >= 0)
                return k;
        /* Whatever was wrong with that, the device's error says more. */
        k = image_device(m, p, e);
        if (k < 0)
                return k;
        device.source = p->device;
        k = mount_device(&device);
        /* Where nothing is written, that is what a kernel says that does not know all of it. */
        p->damaged = k < 0 && is_damage(k) && !(read_only && k == -EINVAL);
        return k < 0 ? explain(m, p, k, e) : k;
}

/* A copy of what is attached nowhere can be had since Linux 6.15; before, the file system is mounted once more. */
int image_mount(struct image *m, unsigned i, struct err *e) {
        struct image_part *p = &m->parts[i];
        int k = p->mount < 0 ? -1 : mount_clone(p->mount, "", false);

        if (k >= 0)
                return k;
        k = mount_new(m, p, e);
        if (k >= 0 && p->mount < 0)
                p->mount = mount_clone(k, "", false);
        return k;
}
