/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Loop devices (loop(4)): a part of a file as a block device. All are made to vanish with their last user (the
 * descriptor, or a file system on it), so nobody has to take them back. */

#include <stdbool.h>
#include <stdint.h>

#include "sys/devnode.h"

struct loopdev_want {
        int file;
        uint64_t start, size; /* bytes */
        unsigned sector;      /* bytes */
        bool read_only;
        bool direct; /* past the page cache of the file, where it and its file system can */
};

enum { LOOPDEV_PATH = DEVNODE_PATH };

/* Returns a descriptor of a new device (LOOP_CONFIGURE, Linux 5.8), -errno: -ENOENT where the kernel has none.
 * ret_path: its node, or where that is missing, the descriptor's path in /proc. */
int loopdev_make(const struct loopdev_want *want, char ret_path[LOOPDEV_PATH]);

/* Is there a device, made by whomever, by which this file is written to? One whose file has another name (a hard link)
 * is not looked at. */
bool loopdev_writes_to(int file);
