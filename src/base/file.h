/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Contents of files. All return -errno. */

#include <sys/types.h>

/* Up to size bytes, to the end of the file where that comes first: one read(2) may return less, of a file in /proc at
 * any time. Returns how many. */
ssize_t file_read(int fd, char *buf, size_t size);
/* The same from byte at on (not negative). */
ssize_t file_pread(int fd, void *buf, size_t size, off_t at);

/* The same as file_read() of what may be a FIFO, opened with O_NONBLOCK: that nobody has opened it to write there is
 * an end only after so many seconds, as -ETIMEDOUT. A writer that is there takes its time (a user may have to type
 * something for it), but says something within so many: -ETIME. A socket has a time-out of its own (SO_RCVTIMEO):
 * -ETIMEDOUT then. */
struct file_patience {
        int for_writer, for_word; /* seconds */
};
ssize_t file_read_awaited(int fd, char *buf, size_t size, const struct file_patience *p);

/* All of it, or an error. The second one from byte at on. */
int file_write(int fd, const void *buf, size_t size);
int file_pwrite(int fd, const void *buf, size_t size, off_t at);

/* The text of a small file below a directory, cut off at size - 1 and terminated. Returns its length. */
ssize_t file_read_at(int dir, const char *path, char *text, size_t size);
