/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* openat2(2), Linux 5.6: the only way berth looks up a name inside a tree. */

#include <fcntl.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"

/* Open path inside root: links, absolute ones too, stay inside, magic links are refused. flags as for open(2);
 * O_CLOEXEC is added. Returns a descriptor or -errno. */
int resolve_in_root(int root, const char *path, int flags);

/* The same, but no component may be a symbolic link (-ELOOP). */
int resolve_plain(int root, const char *path, int flags);

/* Below dir, no links, no mount crossing: for procfs and our own directories. */
int resolve_beneath(int dir, const char *path, int flags);

/* Where the links on the way of path lead, without any link left, inside root; by their text, for the last ones may
 * lead to what is not there. NULL: links in a circle. */
const char *resolve_by_text(int root, const char *path, struct arena *a);
