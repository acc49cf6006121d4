/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files and directories between the host and a running container.
 *
 * The container is hostile: it changes names, links and mounts while we copy. So every step goes from a descriptor
 * that was looked at to the next one by a name without links; nothing that exists is ever opened for writing; what is
 * new is written under a name of its own and renamed into place; owners are changed only of what we made ourselves.
 * Inside we act with the file system ids of the container's root, and only in directories that it could write to. */

#include <limits.h>

#include "base/err.h"
#include "sys/idmap.h"

enum { COPY_DEPTH = 200 };

struct copy {
        const char *container;
        bool inward;  /* to the container */
        bool archive; /* owners by their numbers inside, times, set-user-ID bits to the inside */
        struct idmap_table users, groups;
        bool left_out;       /* something was said to be left out */
        char path[PATH_MAX]; /* of what is being copied, for messages */
};

/* What source (O_PATH) is goes to the entry name of the directory target (O_RDONLY): a file or link replaces what is
 * no directory, a directory is added to one. What cannot be copied for what it is, is said and left out. */
int copy_entry(struct copy *c, int source, int target, const char *name, struct err *e);

/* ERR_HOST where the container's root could not write to this directory: what belongs to nobody inside is the host's.
 */
int copy_check_target(const struct copy *c, int dir, struct err *e);

/* Read the maps of the container, and act as its root inside from now on, for inward copies. */
int copy_begin(struct copy *c, int proc, pid_t leader, struct err *e);
