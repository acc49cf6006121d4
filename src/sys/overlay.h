/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* overlayfs (Linux' Documentation/filesystems/overlayfs.rst). Idmapped layers: Linux 5.19. Returns -errno. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct overlay_layers {
        const int *lower; /* detached mounts; the first lies on top */
        const int *dirs;  /* the directory of each that is meant; NULL: its top */
        size_t n_lower;   /* at most OVERLAY_LOWER */
        int upper;        /* a detached mount that has these two directories, or -1: read-only */
        const char *data, *work;
        const char *sub; /* and the directory of data that is meant; NULL */
        bool userxattr;  /* we are not in the first user namespace */
        bool attach;     /* we are a process with a mount namespace of its own: the layers stay attached in it */
};
enum { OVERLAY_LOWER = 64 };

/* A mount descriptor; the layers stay the caller's. -EINVAL, -ENODEV, -EPERM: there is no such overlay here. Before
 * Linux 6.15 it takes a process for a moment; lower is of no more use then, and upper has become another mount of the
 * same. */
int overlay_mount(const struct overlay_layers *l, uint64_t attrs);
