/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Opens device nodes, also where /dev has none of them: without devtmpfs, as in a container, one is made on a file
 * system that nobody sees, and is gone when this returns. All return a descriptor, -errno. */

#include <stdbool.h>
#include <sys/types.h>

enum { DEVNODE_PATH = 32 };

/* kind: S_IFCHR, S_IFBLK. */
int devnode_open_hidden(dev_t dev, mode_t kind, int flags);

/* A block device. path: where devtmpfs has it; where that is missing or something else, the descriptor's path in /proc
 * afterwards. */
int devnode_open_block(dev_t dev, bool read_only, char path[DEVNODE_PATH]);
