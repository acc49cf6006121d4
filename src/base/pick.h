/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Directories of versions (systemd.v(7)): which of them a path means. */

#include <sys/types.h>

#include "base/arena.h"

struct pick {
        const char *suffix;      /* of the names, "" */
        bool directories, files; /* files: block devices too */
};

/* 1: path ends in ".v" and is a directory, or its last part but one does and the last one has three underscores: then
 * *ret is the path of the newest version there. 0: it is no such path. -errno: -ENOENT where none of the names in the
 * directory fits. */
int pick_version(const char *path, const struct pick *p, struct arena *a, const char **ret);
