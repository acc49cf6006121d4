/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/ownerattrs.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/str.h"

#define ACCESS       "system.posix_acl_access"
#define DEFAULT      "system.posix_acl_default"
#define CAPABILITIES "security.capability"
/* Only root of the host can make these. */
#define KEPT "trusted.berth.kept"
#define FROM "trusted.berth.owners"

/* Extended attributes go by a path, for files that must not be opened: a device, say. */
enum { SELF = 32 };

static void name_self(int fd, char path[SELF]) {
        snprintf(path, SELF, "/proc/self/fd/%d", fd);
}

/* security.capability, of either version. */
struct file_caps {
        uint32_t n; /* bytes; 0: none */
        uint8_t data[XATTR_CAPS_SZ_3];
};

/* What chown(2) takes away, while it is away. */
struct kept {
        uint32_t mode;
        struct file_caps caps;
};

/* Which of the attributes a file has. */
struct present {
        bool access, dflt, caps, kept;
};

static int find_attributes(const char *path, char *room, struct present *ret) {
        ssize_t n = listxattr(path, room, OWNERATTRS_ROOM);

        *ret = (struct present){ 0 };
        if (n < 0)
                return errno == EOPNOTSUPP ? 0 : -errno;
        for (const char *name = room; name < room + n; name += strlen(name) + 1) {
                ret->access = ret->access || streq(name, ACCESS);
                ret->dflt = ret->dflt || streq(name, DEFAULT);
                ret->caps = ret->caps || streq(name, CAPABILITIES);
                ret->kept = ret->kept || streq(name, KEPT);
        }
        return 0;
}

/* linux/posix_acl_xattr.h: a version, then entries, little-endian. */
struct acl_entry {
        uint16_t tag, perm;
        uint32_t id;
};
enum { ACL_HEADER = 4, ACL_VERSION = 2, TAG_USER = 0x02, TAG_GROUP = 0x08 };

static int shift_acl(const struct owner_change *c, char *acl, size_t n, bool *ret_changed) {
        uint32_t version;

        *ret_changed = false;
        if (n < ACL_HEADER || (n - ACL_HEADER) % sizeof(struct acl_entry))
                return -EINVAL;
        memcpy(&version, acl, sizeof version);
        if (le32toh(version) != ACL_VERSION)
                return -EINVAL;
        for (size_t at = ACL_HEADER; at < n; at += sizeof(struct acl_entry)) {
                struct acl_entry entry;
                uint32_t id;
                int k;

                memcpy(&entry, acl + at, sizeof entry);
                if (le16toh(entry.tag) != TAG_USER && le16toh(entry.tag) != TAG_GROUP)
                        continue;
                id = le32toh(entry.id);
                k = c->shift(c->arg, &id);
                if (k < 0)
                        return k;
                *ret_changed = *ret_changed || entry.id != htole32(id);
                entry.id = htole32(id);
                memcpy(acl + at, &entry, sizeof entry);
        }
        return 0;
}

static int change_acl(const struct owner_change *c, const char *path, const char *name) {
        ssize_t n = getxattr(path, name, c->room, OWNERATTRS_ROOM);
        bool changed;
        int k;

        if (n < 0)
                return errno == ENODATA ? 0 : -errno;
        k = shift_acl(c, c->room, (size_t) n, &changed);
        if (k < 0 || !changed || c->only_look)
                return k;
        return setxattr(path, name, c->room, (size_t) n, XATTR_REPLACE) < 0 ? -errno : 0;
}

static int read_caps(const char *path, struct file_caps *ret) {
        ssize_t n = getxattr(path, CAPABILITIES, ret->data, sizeof ret->data);

        if (n < 0 && errno != ENODATA)
                return -errno;
        ret->n = n < 0 ? 0 : (uint32_t) n;
        return 0;
}

/* Version 2 is for root of the first user namespace, 3 for the root that it names. */
static int shift_caps(const struct owner_change *c, struct file_caps *caps, bool *ret_changed) {
        const size_t at = offsetof(struct vfs_ns_cap_data, rootid);
        uint32_t magic, root = 0, was;
        int k;

        *ret_changed = false;
        if (caps->n == 0)
                return 0;
        memcpy(&magic, caps->data, sizeof magic);
        magic = le32toh(magic);
        if (caps->n == XATTR_CAPS_SZ_3 && (magic & VFS_CAP_REVISION_MASK) == VFS_CAP_REVISION_3)
                memcpy(&root, caps->data + at, sizeof root);
        else if (caps->n != XATTR_CAPS_SZ_2 || (magic & VFS_CAP_REVISION_MASK) != VFS_CAP_REVISION_2)
                return -EINVAL;
        was = root = le32toh(root);
        k = c->shift(c->arg, &root);
        if (k < 0)
                return k;
        *ret_changed = root != was;
        magic = htole32((magic & ~VFS_CAP_REVISION_MASK) | (root ? VFS_CAP_REVISION_3 : VFS_CAP_REVISION_2));
        memcpy(caps->data, &magic, sizeof magic);
        root = htole32(root);
        memcpy(caps->data + at, &root, sizeof root);
        caps->n = root ? XATTR_CAPS_SZ_3 : XATTR_CAPS_SZ_2;
        return 0;
}

/* 1: there is such a note, and it is in *ret now. */
static int recall_kept(const char *path, struct kept *ret) {
        struct kept k;
        ssize_t n = getxattr(path, KEPT, &k, sizeof k);

        if (n < 0)
                return errno == ENODATA || errno == ERANGE ? 0 : -errno;
        if (n != sizeof k || (k.caps.n != 0 && k.caps.n != XATTR_CAPS_SZ_2 && k.caps.n != XATTR_CAPS_SZ_3))
                return 0;
        *ret = k;
        return 1;
}

static int note_kept(const char *path, const struct kept *k) {
        return setxattr(path, KEPT, k, sizeof *k, 0) < 0 && errno != EOPNOTSUPP ? -errno : 0;
}

static int give_back(const struct owner_change *c, const char *path, const struct kept *k) {
        if (!S_ISDIR(c->mode) && k->mode & (S_ISUID | S_ISGID) && chmod(path, k->mode & 07777) < 0)
                return -errno;
        return k->caps.n > 0 && setxattr(path, CAPABILITIES, k->caps.data, k->caps.n, 0) < 0 ? -errno : 0;
}

static int change_file(const struct owner_change *c, const char *path, const struct present *has, bool moved,
                       uid_t uid, gid_t gid) {
        struct kept kept = { .mode = c->mode };
        bool changed = false, noted, special;
        int k = has->caps ? read_caps(path, &kept.caps) : 0;

        if (k == 0 && has->kept && c->resumed && S_ISREG(c->mode))
                k = recall_kept(path, &kept);
        noted = k > 0;
        k = k < 0 ? k : shift_caps(c, &kept.caps, &changed);
        if (k < 0 || c->only_look)
                return k;
        special = S_ISREG(c->mode) && (kept.mode & (S_ISUID | S_ISGID) || kept.caps.n > 0);
        k = moved && special ? note_kept(path, &kept) : 0;
        if (k == 0 && moved && fchownat(c->fd, "", uid, gid, AT_EMPTY_PATH) < 0)
                k = -errno;
        k = k == 0 && (moved || changed || noted) ? give_back(c, path, &kept) : k;
        if (k == 0 && (has->kept || (moved && special)))
                (void) removexattr(path, KEPT);
        return k;
}

int ownerattrs(const struct owner_change *c) {
        struct present has = { 0 };
        uint32_t uid = c->uid, gid = c->gid;
        char path[SELF];
        int k = c->shift(c->arg, &uid);

        k = k < 0 ? k : c->shift(c->arg, &gid);
        if (k < 0)
                return k;
        name_self(c->fd, path);
        k = S_ISLNK(c->mode) ? 0 : find_attributes(path, c->room, &has);
        k = k < 0 ? k : change_file(c, path, &has, uid != c->uid || gid != c->gid, uid, gid);
        k = k < 0 || !has.access ? k : change_acl(c, path, ACCESS);
        return k < 0 || !has.dflt ? k : change_acl(c, path, DEFAULT);
}

int ownerattrs_remember(int fd, uint32_t id) {
        char path[SELF];

        name_self(fd, path);
        return setxattr(path, FROM, &id, sizeof id, 0) < 0 && errno != EOPNOTSUPP ? -errno : 0;
}

uint32_t ownerattrs_recall(int fd, uint32_t other) {
        char path[SELF];
        uint32_t id;

        name_self(fd, path);
        return getxattr(path, FROM, &id, sizeof id) == sizeof id ? id : other;
}

void ownerattrs_forget(int fd) {
        char path[SELF];

        name_self(fd, path);
        (void) removexattr(path, FROM);
}
