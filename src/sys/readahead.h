/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

/* The first bytes of a file of this size are brought into the page cache (posix_fadvise(3)) by a thread, beside
 * whatever its caller does next, and nobody learns whether that works. Nothing waits for it but the end of the
 * process. The descriptor is taken over. */
void readahead_begin(int fd, off_t size);
