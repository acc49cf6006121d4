/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Subvolumes of btrfs(5). Return -errno. */

#include <stdbool.h>

/* fd: opened for reading. Is it a subvolume with no other one inside? A snapshot of such is the whole. */
bool btrfs_is_lone_subvolume(int fd);
bool btrfs_is_subvolume(int dir, const char *name);

/* A writable snapshot of from, as name in dir. */
int btrfs_snapshot(int from, int dir, const char *name);
int btrfs_destroy(int dir, const char *name);
