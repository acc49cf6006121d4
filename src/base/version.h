/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Versions in names. Pure. */

#include <stdbool.h>
#include <stdint.h>

/* Below 0, 0, above 0: UAPI.10, Version Format Specification. */
int version_compare(const char *a, const char *b);

/* What a name says that is one of several versions of a thing (systemd.v(7)):
 * STEM_VERSION[_ARCHITECTURE][+LEFT[-DONE]]SUFFIX. */
struct versioned {
        char version[256];
        enum { VERSION_FOR_FOREIGN, VERSION_FOR_SECONDARY, VERSION_FOR_ANY, VERSION_FOR_NATIVE } fit;
        uint64_t left, done; /* tries; UINT64_MAX, 0: none are counted */
};
/* false: it is none of these. */
bool version_parse(const char *name, const char *stem, const char *suffix, struct versioned *ret);

/* Above 0: a is to be preferred to b. */
int versioned_compare(const struct versioned *a, const struct versioned *b);
