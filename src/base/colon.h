/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lines of fields separated by colons: passwd(5), group(5), subuid(5). Works on text in memory, copies nothing, and
 * takes any text: what is not of that form is not returned. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A part of a text; not terminated. */
struct span {
        const char *s;
        size_t n;
};

enum { COLON_FIELDS = 7 };

struct colon_line {
        struct span field[COLON_FIELDS]; /* those behind the last are empty; the last one keeps further colons */
        size_t n;
};

/* The next line, taken off the front of *text. Empty lines, comments, lines of the NIS compatibility mode (+ and -)
 * and lines with a NUL byte are passed over. false: no more. */
bool colon_next(struct span *text, struct colon_line *ret);

/* The next part of *list up to sep, taken off its front. false: no more. */
bool span_next(struct span *list, char sep, struct span *ret);

bool span_is(struct span a, const char *s);

/* Decimal digits and nothing else, at most 2^32 - 1. Returns false for anything else. */
bool span_u32(struct span a, uint32_t *ret);
