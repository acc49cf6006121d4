/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All processes of the host at one moment, and which of them are in a container: proc_pid_stat(5). */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"

struct proc_entry {
        pid_t pid, above;
        uint64_t start;
        uint64_t ticks; /* of processor time, with its waited-for children's */
        uint64_t threads;
        uint64_t resident; /* bytes */
        uint64_t ns;       /* inode of its process namespace; 0: not ours to see */
        bool member;
};
struct proc_table {
        struct proc_entry *items; /* by number */
        size_t n;
};

int proctable_read(int proc, struct arena *a, struct proc_table *ret);

/* One process; ns is not looked for. */
int proctable_read_one(int proc, pid_t pid, struct proc_entry *ret);

/* Sets member for the processes of the container with this leader, and only for them: what is in its process
 * namespace, and what is below such a process (in namespaces within). Returns how many. */
size_t proctable_mark(struct proc_table *t, pid_t leader);

/* One line of /proc/PID/stat. -EBADMSG: it is none. */
int proctable_parse(const char *line, struct proc_entry *ret);

/* read_bytes and write_bytes of proc_pid_io(5). */
int proctable_io(int proc, pid_t pid, uint64_t *ret_read, uint64_t *ret_written);

/* The command line with blanks in between, or the name in brackets; not escaped. */
const char *proctable_command(int proc, pid_t pid, struct arena *a);
