/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Text of the host, taken apart: what probe/host.c and probe/submounts.c read, without the reading. */

#include "plan/facts.h"

/* The value of NAME in os-release(5), without its quotes. NULL where there is none, or an empty one. */
const char *os_release_field(const char *text, const char *name, struct arena *a);

/* Mounts below the tree, as mountinfo lists them. */
struct mount_line {
        long id, on;      /* of itself, and of the mount it lies on */
        const char *path; /* relative to the tree */
        size_t nr;
        bool can_idmap, taken;
};
struct mount_lines {
        struct mount_line *items;
        size_t n;
};

/* One line of proc_pid_mountinfo(5), changed in place: a mount below the tree is added. */
void submounts_take_line(char *line, const char *tree, struct arena *a, struct mount_lines *ret);

/* Those that are seen where top is the id of the mount that the tree is in; each one behind those above it. */
void submounts_seen(struct mount_lines *l, long top, struct arena *a, struct submount_list *ret);
