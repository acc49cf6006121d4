/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads JSON (RFC 8259) into an arena. The text may be anybody's: depth and size have limits, and what is not JSON is
 * refused as a whole. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum json_kind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_value {
        enum json_kind kind;
        const char *key;          /* of a member of an object, else NULL */
        const char *text;         /* of a string: UTF-8, never with a NUL inside; of a number: as written; else NULL */
        struct json_value *first; /* of an array or object */
        struct json_value *next;  /* of the same array or object */
};

/* One value and nothing else but blanks. -EINVAL: not JSON. -E2BIG: deeper than JSON_DEPTH. */
int json_parse(struct arena *a, const char *text, size_t n, const struct json_value **ret);

/* The member of an object, NULL where there is none (or v is none, or NULL). The first one where there are several. */
const struct json_value *json_member(const struct json_value *v, const char *key);

/* The member's value where it is of that kind; otherwise NULL, false, -EINVAL. */
const char *json_member_string(const struct json_value *v, const char *key);
bool json_member_true(const struct json_value *v, const char *key);
int json_member_uint(const struct json_value *v, const char *key, uint64_t *ret);
