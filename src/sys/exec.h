/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Execution of what was opened and looked at.
 *
 * A "#!" line is read here, by the kernel's rules (fs/binfmt_script.c): 256 bytes, one optional argument, and a limit
 * on interpreters of interpreters: so each file on the way is looked up without magic links. What is left is one
 * program with one path without links. It is executed by that path, of which the kernel follows no last link: by its
 * descriptor, it would go by a number in /proc/PID/comm before Linux 6.14, and emulators of binfmt_misc could not open
 * it. Text without such a line is run by /bin/sh, as execvp(3) does it. Memory comes from mmap(2), none from
 * malloc(3). All return -errno. */

#include <limits.h>
#include <stddef.h>

#include "base/elf.h"

enum { EXEC_DEPTH = 4, EXEC_LINE = 256 };

struct exec_image {
        struct elf_kind kind; /* what machine it is for */
        int fd;               /* the program the kernel will load: owned, close-on-exec */
        char *const *argv;    /* its arguments: the caller's, or with interpreters in front */
        char **room;
        size_t room_size;
        char path[PATH_MAX]; /* its absolute path without links; "" where that could not be told */
        char line[EXEC_DEPTH][EXEC_LINE];
};

/* fd (readable, or O_PATH) is the file path, as seen from this process's root directory, which root is a descriptor
 * of. Interpreters are looked up there too, without magic links. fd is taken over. -EACCES: no regular file, -ENOEXEC:
 * "#!" without an interpreter, -ELOOP: too many interpreters. The image points to path and argv. */
int exec_image_open(struct exec_image *x, int root, int fd, const char *path, char *const argv[]);
void exec_image_done(struct exec_image *x);

/* Where the path could not be told for want of a /proc that shows this process: by this one. */
void exec_image_locate(struct exec_image *x, int proc);

/* Become it. Returns only with an error. */
int exec_image_run(const struct exec_image *x, char *const envp[]);
