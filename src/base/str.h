/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Small string helpers. Nothing here allocates. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline bool streq(const char *a, const char *b) {
        return strcmp(a, b) == 0;
}

/* The rest of s behind prefix, or NULL. Mostly the first byte decides. */
static inline const char *str_after(const char *s, const char *prefix) {
        while (*prefix)
                if (*s++ != *prefix++)
                        return NULL;
        return s;
}

/* Is a path top, or below it? As text: links and dots are not looked at. */
static inline bool str_is_below(const char *path, const char *top) {
        const char *rest = str_after(path, top);

        return rest && (!*rest || *rest == '/');
}

/* The value of a variable in an environment (NULL: an empty one), or NULL. */
const char *str_env(char *const *env, const char *name);

/* Where the ending begins that s has, or NULL. */
static inline const char *str_ending(const char *s, const char *ending) {
        size_t n = strlen(s), m = strlen(ending);

        return n >= m && strcmp(s + n - m, ending) == 0 ? s + n - m : NULL;
}

static inline const char *str_or(const char *s, const char *other) {
        return s ? s : other;
}

/* Rows of tables have "" for a text that is not there. */
static inline const char *str_or_null(const char *s) {
        return *s ? s : NULL;
}

/* The n bytes of s from position at of buf on, and a NUL; what does not fit is cut off. Returns where they would end.
 * For what happens between a clone and exec: printf(3) lies in pages of its own, which each process has to be given
 * anew. */
size_t str_put(char *buf, size_t size, size_t at, const char *s, size_t n);
/* Several texts, NULL behind the last one, from the beginning of buf on. Returns the length of all. */
size_t str_join(char *buf, size_t size, ...) __attribute__((sentinel));
/* Decimal digits. Returns where in buf they begin. */
enum { STR_NUMBER = 21 };
char *str_number(uint64_t n, char buf[STR_NUMBER]);

/* 128 bits as RFC 9562 writes them. Returns buf. */
enum { STR_UUID = 37 };
char *str_uuid(const uint8_t id[16], char buf[STR_UUID]);

/* Length of the well-formed UTF-8 sequence at s (1 for NUL too) and its character, or 0 where there is none. */
size_t str_utf8(const char *s, uint32_t *ret);

/* Copy s to buf with control characters, backslashes aside, and invalid UTF-8 written as \xNN, so that text from an
 * image or a user cannot steer a terminal. Cuts off at size. Returns buf. */
char *str_escape(const char *s, char *buf, size_t size);
