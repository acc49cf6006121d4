/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Removes the directory name of dir with all that is in it, however deep it is, and whatever was done to keep it.
 * Links are not followed. What is mounted inside stays, and is -EBUSY. -ENOENT where it is not there. A subvolume of
 * btrfs goes as a whole. Returns -errno. */
int treeremove(int dir, const char *name);
