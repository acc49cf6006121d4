/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* System calls by name: the groups a user may name, and the numbers on each ABI of this architecture.
 *
 * The groups mean what systemd.exec(5) says of SystemCallFilter=; they are lists of words, and a word that begins
 * with @ is a group again. The numbers are looked up when berth is built (calls_resolve.c) and embedded. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CALLS_ABIS = 3, CALL_NAME = 32 };

/* A way to call this kernel. The first ABI of a table is the native one; two ABIs may share an audit architecture and
 * differ by their numbers (x86-64 and x32). */
struct call_abi {
        char name[12];
        uint32_t audit_arch; /* AUDIT_ARCH_* of linux/audit.h: what a filter sees */
        uint32_t token;      /* libseccomp's name for it */
        bool rare;           /* opened by the strict face only */
};

struct call_row {
        char name[CALL_NAME];
        int32_t nr[CALLS_ABIS]; /* -1: this ABI has no such call */
};

struct call_table {
        struct call_abi abi[CALLS_ABIS];
        unsigned n_abis;
        const struct call_row *rows; /* sorted by name */
        size_t n;
};

/* Generated. */
extern const struct call_table calls_native;

/* A word of a list that is separated by blanks. */
struct word {
        const char *s;
        size_t n;
};
/* The next one; false behind the last. */
bool word_next(const char **list, struct word *ret);

struct call_group {
        const char *name; /* with the @; "": calls that are in no group */
        const char *words;
};
/* The nth group, NULL behind the last. "@known", which means every call, is not among them. */
const struct call_group *calls_group_nth(unsigned i);
bool calls_is_group(const char *name);

/* The index of the row of that name, or -ENOENT. */
long calls_find(const struct call_table *t, const char *name);

/* Call fn for each row that the words name, groups resolved. A row may come more than once. Ends with the first
 * return value that is not 0, or with -ENOENT where a word is neither a call of the table nor a group. */
typedef int (*call_fn)(void *data, size_t row);
int calls_each(const struct call_table *t, const char *words, call_fn fn, void *data);
