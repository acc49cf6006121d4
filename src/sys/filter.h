/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The payload's system call program (seccomp BPF): made here, loaded by sys/seccomp.h.
 *
 * What a start usually needs is compiled when berth is built and embedded; filter_make() then only looks it up.
 * Only where something was asked for that differs is a program made at run time, from names and numbers that are
 * embedded too. libseccomp is opened only for a name in a user's list that this build does not know.
 *
 *   calls.c            groups of names; generated: numbers
 *   filter_tables.c    what is open, closed, refused, and which arguments are looked at: change this first
 *   filter_families.c  socket address families
 *   filter_policy.c    a want and the tables give one decision per call
 *   filter_code.c      decisions to a program
 *   filter_emit.c      instructions and jumps
 *   filter_names.c     names that are newer than this build
 *   filter_gen.c       runs at build time and writes filter_default.c
 *
 * Every program refuses an unknown architecture by killing the process: there is no such ABI on this machine, so a
 * call from one is no mistake of a program, and an errno would be a promise about arguments that nobody understands.
 */

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

/* The same numbers as enum face of spec/spec.h, a file that this level must not know. */
enum { FILTER_BERTH, FILTER_STRICT };

struct filter_want {
        int face;
        bool nesting;     /* also what container engines and sandboxes inside need */
        bool private_net; /* berth's face: AF_PACKET only in an own network namespace */
        bool tree32;      /* berth's face: the tree's own programs are 32-bit, so socketcall(2) stays whole */
        uint64_t caps;    /* the payload's capability bounding set: some calls follow from capabilities */
        bool suppress_sync;
        const struct strv *allow, *deny; /* names and @groups, may be NULL; what is denied stays denied */
        /* All false: the face decides. Said, with a deny list of no names: no restriction in either face. */
        bool families_said, families_deny_list, families_none;
        const struct strv *families;
};

struct filter {
        const struct sock_filter *insns;
        uint16_t n;
        bool built; /* false: embedded */
};

/* Memory, where any is needed, comes from the arena. Unknown names are ERR_USAGE. */
int filter_make(const struct filter_want *want, struct arena *a, struct filter *ret, struct err *e);
