/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From a want to one decision per call: the tables applied, no instruction yet. */

#include "sys/calls.h"
#include "sys/filter.h"

/* Socket address families as a set: bit N is family N; others are those from 64 on. */
struct families {
        uint64_t open;
        bool others;
};
/* What want leaves open, given the WHEN_* bits that hold. Unknown names are ERR_USAGE. */
int families_make(const struct filter_want *want, unsigned when, struct families *ret, struct err *e);
static inline bool families_all(const struct families *f) {
        return f->others && f->open == UINT64_MAX;
}
/* -EINVAL: no such family. */
int families_number(const char *name);

struct filter_decision {
        uint32_t action; /* SECCOMP_RET_* */
        uint32_t rules;  /* bit N: arg_rules[N] is asked first */
};

struct filter_policy {
        const struct call_table *table;
        struct filter_decision *calls; /* one per row of the table */
        struct families families;
        bool rare_abis;
};
int filter_policy_make(const struct filter_want *want, const struct call_table *t, struct arena *a,
                       struct filter_policy *ret, struct err *e);

/* What tells embedded programs apart: all of a want that makes a difference. */
struct filter_key {
        uint64_t caps;
        uint32_t when; /* WHEN_* */
};
/* False where the want has lists of its own: no embedded program can fit. */
bool filter_key_make(const struct filter_want *want, struct filter_key *ret);

/* A program for want, from the arena. */
int filter_build(const struct filter_want *want, const struct call_table *t, struct arena *a, struct filter *ret,
                 struct err *e);

/* The second half of it. -E2BIG: more than BPF_MAXINSNS instructions. */
int filter_compile(const struct filter_policy *p, struct arena *a, struct filter *ret);

/* A copy of t with rows for those names that only libseccomp of this host knows. What nobody knows is ERR_USAGE. */
int filter_names_add(const struct call_table *t, const struct strv *names, struct arena *a, struct call_table *ret,
                     struct err *e);

/* Generated. */
struct filter_embedded {
        uint64_t caps;
        uint32_t when;
        uint16_t first, n; /* in filter_insns */
};
extern const struct filter_embedded filter_embedded[];
extern const unsigned n_filter_embedded;
extern const struct sock_filter filter_insns[];
