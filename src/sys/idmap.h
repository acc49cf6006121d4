/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* User namespaces: user_namespaces(7). All return -errno. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Map ids [0, count) of the namespace of pid to [base, base + count) of ours, for users and groups. proc is a
 * descriptor of a proc file system. */
int idmap_write(int proc, pid_t pid, uint32_t base, uint32_t count);

/* An id for our root, in maps of owners of mounts: what our root makes through such a mount is kept (as that id, until
 * it is chowned); without, EOVERFLOW. */
enum { IDMAP_HOST_ROOT = 0x7ffffffe };

/* A row of a map. */
struct idmap_extent {
        uint32_t inside, outside, count;
};
struct idmap_extents {
        struct idmap_extent *items;
        size_t n;
};

/* The same by rows, for users and groups: a page of text is all that the kernel takes. */
int idmap_write_of(int proc, pid_t pid, const struct idmap_extents *ids);

/* A user namespace that nobody is in, for mapping owners of mounts, with these rows of uid_map and gid_map. */
int idmap_make_of(int proc, const struct idmap_extents *uids, const struct idmap_extents *gids);

/* One without maps, that belongs to this user of ours, and a process that does nothing in it: through that its maps
 * can be read, once somebody has given it some. */
struct process;
int idmap_make_bare(int proc, uid_t owner, struct process *ret_holder);
void idmap_end_holder(struct process *holder);

/* A descriptor of the user namespace of pid. */
int idmap_open(int proc, pid_t pid);

/* Does this group id exist in our user namespace? 1, 0. */
int idmap_has_group(int proc, uint32_t gid);

/* Are we in the first user namespace (all ids mapped to themselves)? 1, 0; -ENOENT: this kernel has none. */
int idmap_is_initial(int proc);

/* The map of a user namespace as proc_pid_uid_map(5) shows it to us. */
enum { IDMAP_EXTENTS = 340 }; /* user_namespaces(7) */
struct idmap_table {
        struct idmap_extent extents[IDMAP_EXTENTS];
        size_t n;
};

/* name: "uid_map", "gid_map" */
int idmap_read(int proc, pid_t pid, const char *name, struct idmap_table *ret);
void idmap_parse(const char *text, struct idmap_table *ret);

/* -ENOENT: it has no counterpart. */
int idmap_to_inside(const struct idmap_table *t, uint32_t outside, uint32_t *ret);
int idmap_to_outside(const struct idmap_table *t, uint32_t inside, uint32_t *ret);
