/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* inside VERB [ARGUMENT]...: the payload of the tests. It is static, so that it runs in any tree, and answers one
 * question about where it runs. Each verb is a row of a table; its function gets the words after the verb and returns
 * the exit status. */

#include <stddef.h>

struct verb {
        const char *name;
        int (*run)(int argc, char **argv);
        const char *help;
};

struct verbs {
        const struct verb *items;
        size_t n;
};

extern const struct verbs verbs_look, verbs_files, verbs_calls, verbs_talk, verbs_escape, verbs_exhaust, verbs_arch;

/* System calls that only this architecture has. */
struct call {
        const char *name;
        long nr;
};
extern const struct call arch_calls[];
extern const size_t n_arch_calls;

/* "ok" for 0, the errno's name otherwise. */
const char *outcome(int error);

/* One line "KEY VALUE", where VALUE is the outcome of a call that returned result. */
int tell(const char *key, long result);
