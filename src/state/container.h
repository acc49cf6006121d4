/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Containers as any process but their supervisor sees them: by the records in /run/berth. A record only claims: what
 * acts on a container goes by container_open(), which checks the claims against the kernel. */

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "state/record.h"

enum container_state {
        CONTAINER_DEAD,     /* nobody holds the record: left over from a supervisor that was killed */
        CONTAINER_STARTING, /* held, and no container written yet */
        CONTAINER_RUNNING,
        CONTAINER_BROKEN, /* held, and what is written is no record */
};

/* Strings live in the arena. What the record does not tell is NULL or 0. */
struct container {
        const char *name; /* of its directory */
        enum container_state state;
        struct record_content is;
};
struct container_list {
        struct container *items;
        size_t n;
};

/* All of them, sorted by name. Where /run/berth is not there, there are none.
 * ERR_HOST where it cannot be read. */
int container_list(struct arena *a, struct container_list *ret, struct err *e);

/* The one of exactly this name. ERR_HOST (-ENOENT) where there is none. */
int container_find(const char *name, struct arena *a, struct container *ret, struct err *e);

/* A running container that was checked: the supervisor is alive and the one that holds the record's lock, the leader
 * is the process that the record means and a child of the supervisor. Signals go through these descriptors: no number
 * can come to mean another process in between. */
struct container_open {
        int supervisor, leader; /* pidfds; -1 */
};
void container_open_init(struct container_open *o);
void container_close(struct container_open *o); /* twice is fine */
int container_open(int proc, const struct container *c, struct container_open *ret, struct err *e);

/* For container_list() and tests: what a record's text says. 1 where there is no container yet, -EINVAL where it
 * is none. */
int container_parse(struct arena *a, const char *text, size_t n, struct record_content *ret);

const char *container_state_name(enum container_state s);
