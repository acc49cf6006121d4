/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* musl has none of the calls that came with Linux 5.2 and 5.12: fsopen(2), open_tree(2), mount_setattr(2) and the
 * like.
 */

#include_next <sys/mount.h>

#ifndef FSOPEN_CLOEXEC

#include <linux/mount.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int fsopen(const char *type, unsigned flags) {
        return (int) syscall(SYS_fsopen, type, flags);
}

static inline int fsconfig(int fs, unsigned command, const char *key, const void *value, int aux) {
        return (int) syscall(SYS_fsconfig, fs, command, key, value, aux);
}

static inline int fsmount(int fs, unsigned flags, unsigned attributes) {
        return (int) syscall(SYS_fsmount, fs, flags, attributes);
}

static inline int fspick(int dir, const char *path, unsigned flags) {
        return (int) syscall(SYS_fspick, dir, path, flags);
}

static inline int open_tree(int dir, const char *path, unsigned flags) {
        return (int) syscall(SYS_open_tree, dir, path, flags);
}

static inline int move_mount(int from, const char *from_path, int to, const char *to_path, unsigned flags) {
        return (int) syscall(SYS_move_mount, from, from_path, to, to_path, flags);
}

static inline int mount_setattr(int dir, const char *path, unsigned flags, struct mount_attr *attr, size_t size) {
        return (int) syscall(SYS_mount_setattr, dir, path, flags, attr, size);
}

#endif
