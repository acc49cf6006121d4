/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The content of one regular file to another. Returns -errno. */

/* From the beginning to the end, or to a size that it had when it was opened; holes stay holes. to is new and empty.
 * Where both are on a file system that can share blocks, they do (copy_file_range(2)). */
int copydata(int from, int to);
