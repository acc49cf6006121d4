/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files that a test makes, in a directory of its own. */

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clean.h"

static inline void put_file(int dir, const char *path, const char *text) {
        CLEAN_FD int fd = openat(dir, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t) strlen(text))
                printf("# cannot write %s\n", path);
}

static inline int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

static inline void remove_all(const char *top) {
        (void) nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
