/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The mount API by descriptors (fsopen(2) family, Linux 5.2; mount_setattr(2), 5.12). Every mount is made detached
 * and attached to a descriptor; no path of a tree is ever handed to the kernel with rights. All return -errno. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A new file system, detached. options: "key=value,flag" or NULL; values have no commas, but for a last "context=".
 * attrs: MOUNT_ATTR_*. Returns a mount descriptor. */
int mount_fresh(const char *type, const char *options, uint64_t attrs);

/* The same in two parts: the file system, and, quickly, its mount. The first descriptor is the caller's to close. */
int mount_prepare(const char *type, const char *options);
int mount_prepared(int fs, uint64_t attrs);

/* What is on a block device, detached. options as above. */
struct mount_device {
        const char *type, *source, *options;
        bool read_only; /* the file system itself, not only this mount of it */
        uint64_t attrs;
};
int mount_device(const struct mount_device *d);

/* Does this kernel have the file system, loaded or as a module? */
bool mount_knows(const char *type);

/* A proc that shows the process namespace pidns, whoever asks for it (Linux 6.17; -EINVAL before). */
int mount_fresh_proc(int pidns, uint64_t attrs);

/* A detached copy of what is mounted at (dir, path); path "" means dir itself. */
int mount_clone(int dir, const char *path, bool recursive);

struct mount_change {
        uint64_t set, clear;  /* MOUNT_ATTR_* */
        uint64_t propagation; /* MS_PRIVATE ..., 0: as it is */
        int userns;           /* >= 0: map owners by this user namespace (detached mounts only) */
        bool recursive;
};
int mount_change(int mount, const struct mount_change *c);

/* The whole file system of a mount, wherever else it may be mounted. */
int mount_make_read_only(int mount);

/* A copy of a detached mount (and of what is below it) whose read-only, nodev and other flags nobody in another user
 * namespace can take back (mount_namespaces(7), restrictions). Takes over mount. Starts two processes for a moment. */
int mount_lock(int mount);

/* The detached mount on, or a copy of it, with the other one at the directory name of it (no links in there). Takes
 * over both. Starts a process for a moment before Linux 6.15. */
int mount_join(int on, int mount, const char *name);

/* A copy of what path is in the tree of a detached mount, links followed inside. For what mount_clone() cannot copy
 * (-EINVAL): before Linux 6.15 nothing that is detached, and since then nothing that another namespace detached.
 * *detached is another one then. Starts a process for a moment. */
int mount_clone_detached(int *detached, const char *path, bool recursive);

/* Put a detached mount onto the file or directory that dst (O_PATH) names. */
int mount_attach(int mount, int dst);

/* The same by the name of it in dir, where no link can be on the way: in a file system of the kernel's own. */
int mount_attach_at(int mount, int dir, const char *name);

/* Make the mount at root the root of this mount namespace and detach the old one (pivot_root(2), NOTES). The working
 * directory becomes the new root. root must already be attached. */
int mount_pivot(int root);

/* The same in two parts: after the first one the old root lies on top of the new one, which is the working directory;
 * the second one detaches what lies on top of the working directory. */
int mount_pivot_below(int root);
int mount_detach_here(void);

/* All mounts of this namespace no longer propagate anywhere. */
int mount_make_private(void);
int mount_bind(const char *src, const char *dst); /* as mount --bind: paths are followed */

/* Identity of a mount: unique and never reused since Linux 6.8, otherwise unique among the living. */
int mount_id(int fd, uint64_t *ret_id, bool *ret_unique);

/* As proc_pid_mountinfo(5) numbers them: unique among the living. */
int mount_number(int fd, long *ret);

/* What is mounted at path: device and inode of its root. -EINVAL where nothing is mounted just there. follow: path may
 * end in a link. */
int mount_root_of_path(const char *path, bool follow, dev_t *ret_dev, ino_t *ret_ino);

/* MOUNT_ATTR_{RDONLY,NOSUID,NODEV,NOEXEC,NOSYMFOLLOW} in force where path leads. */
int mount_attrs_of_path(const char *path, uint64_t *ret);
