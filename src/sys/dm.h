/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Mapped block devices (the kernel's Documentation/admin-guide/device-mapper), by its ioctls: no library, and no udev.
 * Like our loop devices they vanish with their last user. All return -errno. */

#include <stdbool.h>
#include <stdint.h>

#include "sys/devnode.h"

struct dm_want {
        const char *name;   /* of the device, at most 127 characters; nobody else's */
        const char *target; /* "verity", "crypt" */
        const char *params; /* of the target */
        uint64_t size;      /* bytes */
        bool read_only;
};

enum { DM_PATH = DEVNODE_PATH, DM_PARAMS = 1024 };

/* Returns a descriptor of a new device. ret_path: its node, or where that is missing the descriptor's path in /proc.
 * -ENODEV: the kernel has no device-mapper. -ENOPROTOOPT: it has no such target. Otherwise what the target says.
 * Between its birth and the return a killed process would leave the device behind: see image/mapper.c. */
int dm_make(const struct dm_want *want, char ret_path[DM_PATH]);

/* Could one with this target be made? Otherwise as above. */
int dm_knows(const char *target);

/* Takes a device of that name away, now or with its last user. */
int dm_remove(const char *name);
