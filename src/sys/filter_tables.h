/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The lists behind a system call program, as data. */

#include <stdbool.h>
#include <stdint.h>

/* What must hold for a row to count; all bits of a row at once. */
enum {
        WHEN_BERTH = 1 << 0,
        WHEN_NESTING = 1 << 1,
        WHEN_SYNC = 1 << 2,       /* --suppress-sync */
        WHEN_FAMILIES = 1 << 3,   /* some address family is closed */
        WHEN_RESTRICTED = 1 << 4, /* ... because the user said so */
        WHEN_TREE64 = 1 << 5,     /* socketcall(2) is not how the tree's own programs get sockets */
        WHEN_NET = 1 << 6,        /* own network namespace */
};

enum { CAP_ANY = -1 };

/* Rows are applied in order: a later one overrides an earlier one. What no row names gives ENOSYS. */
struct call_rule {
        unsigned when;
        int cap;         /* only with this capability in the bounding set */
        uint32_t action; /* SECCOMP_RET_* */
        const char *calls;
        const char *why;
};

extern const struct call_rule call_rules[];      /* before what the user allowed */
extern const struct call_rule call_rules_last[]; /* behind it */
extern const unsigned n_call_rules, n_call_rules_last;

/* One look at an argument. All are int or unsigned int to the kernel, which drops the upper half of the register, so
 * only the lower half is compared: a caller cannot hide in the upper one. */
enum arg_test {
        ARG_ANY_, /* the end of the list */
        ARG_IS,
        ARG_IS_NOT,
        ARG_HAS,   /* any of these bits */
        ARG_UP_TO, /* unsigned, so a negative number is above */
        ARG_CLOSED_FAMILY,
};
struct arg_look {
        enum arg_test test;
        unsigned arg;
        uint32_t value;
};

/* For calls that are allowed: where all looks are true the call gives this error (0: success without the call). Rows
 * are asked in order. At most 32. */
struct arg_rule {
        unsigned when;
        bool yields; /* not for a call that the user allowed by its name */
        uint16_t error;
        char calls[76];
        struct arg_look looks[2];
        char why[84];
};
extern const struct arg_rule arg_rules[];
extern const unsigned n_arg_rules;

/* Address families that berth's face leaves open. */
struct family_rule {
        unsigned when;
        char family[11];
        char why[66];
};
extern const struct family_rule family_rules[];
extern const unsigned n_family_rules;
