/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Between the files of the probe: the payload that tries to get out of its container, to read what was planted outside
 * of it (plant.c), and to find out what it may do. */

#include <stdbool.h>
#include <stddef.h>

/* What was planted, said by the words KEY=VALUE of the command line:
 *   secret=TEXT     in the launcher's environment
 *   key=NAME        keys NAME-session and NAME-user in the launcher's keyrings
 *   abstract=NAME   an abstract socket of the host that is listened on
 *   port=NUMBER     the same on 127.0.0.1
 *   disk=MAJOR:MINOR  what the host's root lies on */
struct planted {
        int argc;
        char **argv;
};
const char *planted_value(const struct planted *p, const char *key); /* NULL: not planted */

enum { DETAIL = 256 };

/* One attempt. Returns true where it got through; detail says how, or what stopped it. Runs in a process of its own,
 * with a mount namespace of its own where it wants one, so that no attempt helps or hurts another. */
struct attempt {
        const char *name;
        bool (*run)(const struct planted *p, char detail[DETAIL]);
};

struct attempts {
        const struct attempt *items;
        size_t n;
};
extern const struct attempts escapes_kernel, escapes_handles, escapes_talk; /* the host was reached */
extern const struct attempts leaks;                                         /* something planted was read */

/* What the payload may do: a call with arguments that have no effect. Returns 0 or an errno. */
struct call_fact {
        const char *name;
        int (*run)(void);
};
extern const struct call_fact call_facts[];
extern const size_t n_call_facts;

/* What it sees. Prints "fact NAME VALUE" lines. */
void tell_facts(void);

/* --- helpers --- */

/* "ok" for 0, the errno's name otherwise. */
const char *outcome(int error);

bool may_write(const char *path);
bool may_read(const char *path); /* opens, and gives at least one byte */

/* A mount namespace of its own without propagation, and an empty directory in it. False: no new namespace. */
bool own_mounts(void);
const char *spare_directory(void);
