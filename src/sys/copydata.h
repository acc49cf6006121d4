/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/* The content of one regular file to another. Returns -errno. */

/* From the beginning to the end, or to a size that it had when it was opened; holes stay holes. to is new and empty.
 * Where both are on a file system that can share blocks, they do (copy_file_range(2)). */
int copydata(int from, int to);

/* The same, and tell is called each time that some more of it is there; what it returns below 0 ends the copy. */
int copydata_telling(int from, int to, int (*tell)(void *arg, uint64_t bytes), void *arg);
