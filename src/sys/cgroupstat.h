/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a cgroup tells and does as a whole: cgroup-v2.rst. Files that a missing controller would have made are -ENOENT.
 * All return -errno. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"

/* A descriptor of a cgroup2 directory by its path on the host, without links. -EINVAL: it is something else. */
int cgroupstat_open(const char *path);

/* Whether all processes of the one at this path are frozen. One read: a list asks for each of hundreds. */
bool cgroupstat_is_frozen(const char *path);

/* A file that holds one number; "max" is UINT64_MAX. */
int cgroupstat_number(int cgroup, const char *file, uint64_t *ret);

/* The number behind a key: lines "KEY NUMBER" (cpu.stat, cgroup.events). -ENOENT: no such key. */
int cgroupstat_key(int cgroup, const char *file, const char *key, uint64_t *ret);

/* The sum over all devices of "KEY=NUMBER" in io.stat. */
int cgroupstat_io(int cgroup, const char *key, uint64_t *ret);

/* Processes, numbered as our own process namespace does; those of others are 0. */
struct pid_list {
        pid_t *items;
        size_t n;
};
int cgroupstat_pids(int cgroup, struct arena *a, struct pid_list *ret);     /* of itself */
int cgroupstat_all_pids(int cgroup, struct arena *a, struct pid_list *ret); /* and of all below it */
int cgroupstat_children(int cgroup, struct arena *a, struct strv *ret);     /* names, sorted */

/* Freeze or thaw all processes in it, and wait until that is so: -ETIMEDOUT after timeout_ms. */
int cgroupstat_freeze(int cgroup, int frozen, int timeout_ms);
