/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Test output in the Test Anything Protocol. A test program makes one struct tap, calls OK() for each check and
 * returns tap_done(). */

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct tap {
        unsigned n, failed;
};

__attribute__((format(printf, 4, 5))) static inline bool tap_ok(struct tap *t, bool good, const char *where,
                                                                const char *fmt, ...) {
        va_list ap;

        t->n++;
        t->failed += !good;
        printf("%sok %u - ", good ? "" : "not ", t->n);
        va_start(ap, fmt);
        vprintf(fmt, ap);
        va_end(ap);
        printf("%s%s\n", good ? "" : "\n# at ", good ? "" : where);
        fflush(stdout);
        return good;
}

static inline void tap_skip(struct tap *t, const char *what, const char *why) {
        printf("ok %u - %s # SKIP %s\n", ++t->n, what, why);
}

static inline int tap_done(const struct tap *t) {
        printf("1..%u\n", t->n);
        return t->failed ? 1 : 0;
}

#define TAP_STR2_(x)     #x
#define TAP_STR_(x)      TAP_STR2_(x)
#define OK(t, cond, ...) tap_ok(t, cond, __FILE__ ":" TAP_STR_(__LINE__), __VA_ARGS__)

/* Equal numbers; equal strings (NULL equals only NULL). What differs is shown. */
#define OK_INT(t, got, want, ...)                                                                                     \
        do {                                                                                                          \
                long long got_ = (long long) (got), want_ = (long long) (want);                                       \
                if (!OK(t, got_ == want_, __VA_ARGS__))                                                               \
                        printf("# got %lld, want %lld\n", got_, want_);                                               \
        } while (0)
#define OK_STR(t, got, want, ...)                                                                                     \
        do {                                                                                                          \
                const char *got_ = (got), *want_ = (want);                                                            \
                if (!OK(t, got_ && want_ ? strcmp(got_, want_) == 0 : got_ == want_, __VA_ARGS__))                    \
                        printf("# got \"%s\", want \"%s\"\n", got_ ? got_ : "(null)", want_ ? want_ : "(null)");      \
        } while (0)
