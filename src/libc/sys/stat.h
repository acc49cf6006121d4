/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* musl has statx(2) from 1.2.4 on. */

#include_next <sys/stat.h>

#ifndef STATX_BASIC_STATS

#include <linux/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int statx(int dir, const char *path, int flags, unsigned mask, struct statx *ret) {
        return (int) syscall(SYS_statx, dir, path, flags, mask, ret);
}

#endif
