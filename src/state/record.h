/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* /run/berth/NAME/record: the name's lock and the running container's description in one file. The supervisor holds an
 * exclusive flock(2) on it for its life: who gets the lock owns the name, and what an unlocked record describes is
 * left over from a supervisor that was killed. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum { RECORD_MAX = 64 * 1024 };

struct record {
        int fd;     /* -1: not held */
        off_t size; /* of its text */
        char name[65];
        bool found; /* its directory was there before */
};

struct record_content {
        const char *machine, *root, *cgroup /* path on the host, NULL */, *uuid;
        pid_t leader, supervisor;
        uint64_t leader_start;      /* proc_pid_stat(5), field 22 */
        uint32_t id_base, id_count; /* 0: none */
        bool private_net;
        const char *mode; /* "boot", "command", "stub" */
};

void record_init(struct record *r);

/* Take the name. Returns 1 where a running container has it. */
int record_take(struct record *r, const char *name, struct err *e);

/* The name was taken: is it about to be free, since its supervisor was killed, or the container has ended and what it
 * had is taken apart? Between two starts in place it looks so, too. proc: a descriptor of /proc. */
bool record_is_ending(const struct record *r, int proc);

/* What a killed supervisor left in the record: 1 and the leader, or 0. */
int record_stale_leader(const struct record *r, pid_t *ret_leader, uint64_t *ret_start);

/* Says who has the name, as long as there is no container to tell of. Of no consequence where it cannot be written. */
void record_begin(struct record *r);

int record_write(struct record *r, const struct record_content *c, struct err *e);
/* Where the supervisor of a machine listens. -EINVAL: no machine can have that name. Returns the length. */
int record_control_path(const char *name, char *buf, size_t size);

/* The console of a detached container: what came last, and before that. Same errors. */
#define RECORD_LOG     "console.log"
#define RECORD_LOG_OLD "console.log.1"
enum { RECORD_LOG_MAX = 1024 * 1024 }; /* of each */
int record_log_path(const char *name, const char *log, char *buf, size_t size);

void record_drop(struct record *r); /* removes it; twice is fine */

/* Let go of the name, and leave the record as it was found. */
void record_leave(struct record *r);

/* Remove what else lies in the name's directory, left over from a killed supervisor. The name is ours. */
void record_sweep(const struct record *r);
