/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the tree*.c files share. */

#include <sys/stat.h>
#include <sys/types.h>

/* A regular file, for reading; links resolved in-root. Returns a descriptor, -EINVAL where it is something else, or
 * what openat2(2) says. */
int tree_open_regular(int root, const char *path, struct stat *ret);
