/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The unified control group hierarchy: cgroups(7). All return -errno. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Where cgroup2 is mounted: the usual places first, then mountinfo. Returns an O_PATH descriptor and the path, or
 * -ENOENT. */
int cgroupfs_find(char *ret_path, size_t size);

/* The caller's own cgroup ("0::" of /proc/self/cgroup) as a path from the root of the hierarchy, "/" first. */
int cgroupfs_own(int proc, char *ret_path, size_t size);
int cgroupfs_of(int proc, pid_t pid, char *ret_path, size_t size); /* another process's */

/* Has the service manager handed this cgroup (a path of the file system) on: Delegate= of systemd.resource-control(5)?
 */
bool cgroupfs_is_delegated(const char *path);

int cgroupfs_move(int cgroup, pid_t pid);

/* All controllers that it has, for what is in it too. No process may be in it itself. What cannot be had is left out.
 */
void cgroupfs_enable(int cgroup);

/* One that must be had: -ENOENT where the cgroup does not have it, -EBUSY where processes are in the way. */
int cgroupfs_enable_one(int cgroup, const char *controller);

/* 1: it has processes of its own, which are in the way of that. The kernel lets some controllers be turned on all the
 * same, and then takes no process below it (cgroups(7), thread mode). The top of the hierarchy may have them. */
int cgroupfs_is_crowded(int cgroup);

int cgroupfs_write(int cgroup, const char *file, const char *text);

int cgroupfs_make(int parent, const char *name); /* descriptor; -EEXIST where it is there already */

/* How many cgroups may be made in it, so that it can be removed again in the end: 32 levels, 4096 in all. */
int cgroupfs_limit(int cgroup);

/* Hand a cgroup to a user, so that a service manager in it can manage what is below (cgroups(7), delegation). */
int cgroupfs_delegate(int cgroup, uid_t uid, gid_t gid);

/* Remove name and all cgroups below it. Processes in it: -EBUSY. */
int cgroupfs_remove(int parent, const char *name);

int cgroupfs_kill(int cgroup);      /* SIGKILL to all in it (Linux 5.14), or -ENOENT */
int cgroupfs_populated(int cgroup); /* 1, 0 */
int cgroupfs_frozen(int cgroup);    /* 1, 0: all in it stand still */
