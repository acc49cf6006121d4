/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* namespaces(7). All return -errno. */

#include <stdint.h>
#include <sys/types.h>

int ns_open_own(int proc, const char *name); /* "net", "user" ... */
/* Which namespace it is, by the number of its inode; dir is a process's ns/ in proc. -ENOENT: this kernel has none of
 * the kind. */
int ns_inode(int dir, const char *name, uint64_t *ret);
int ns_enter(int ns, int type); /* CLONE_NEW*: checked by the kernel, -EINVAL where it is another kind */
int ns_enter_path(const char *path, int type);
int ns_look(const char *path, int type); /* what ns_enter_path() would say of the path, without entering */
int ns_loopback_up(void);                /* the loopback interface of our network namespace */
