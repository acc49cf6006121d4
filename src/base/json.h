/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Writes JSON (RFC 8259) to a FILE, indented by two blanks. No memory, no buffers; errors show in ferror(f).
 *
 *   struct json j = { .f = f };
 *   json_open(&j, NULL, '{');
 *   json_string(&j, "name", "x");      a member: key first
 *   json_open(&j, "list", '[');
 *   json_string(&j, NULL, "element");  an element: no key
 *   json_close(&j); json_close(&j);    a newline ends the outermost value
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { JSON_DEPTH = 32 };

struct json {
        FILE *f;
        unsigned depth;
        char closers[JSON_DEPTH];
        bool filled[JSON_DEPTH]; /* has an element already */
};

/* bracket: '{' or '['. Not deeper than JSON_DEPTH. */
void json_open(struct json *j, const char *key, char bracket);
void json_close(struct json *j);

/* Control characters, C1 too, are escaped; what is not UTF-8 becomes U+FFFD. NULL is written as null. */
void json_string(struct json *j, const char *key, const char *value);
void json_bool(struct json *j, const char *key, bool value);
void json_int(struct json *j, const char *key, int64_t value);
void json_uint(struct json *j, const char *key, uint64_t value);
void json_null(struct json *j, const char *key);
