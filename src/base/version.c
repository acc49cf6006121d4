/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/version.h"

#include <string.h>

#include "base/arch.h"
#include "base/clean.h"
#include "base/parse.h"
#include "base/str.h"

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Anything else only separates. */
static const char *skip_others(const char *s) {
        while (*s && !is_digit(*s) && !is_letter(*s) && !strchr("-.~^", *s))
                s++;
        return s;
}

static size_t span(const char *s, bool (*is)(char)) {
        size_t n = 0;

        while (is(s[n]))
                n++;
        return n;
}

/* Any number of digits; where there are none, zero. */
static int compare_numbers(const char **a, const char **b) {
        const char *x = *a + strspn(*a, "0"), *y = *b + strspn(*b, "0");
        size_t n = span(x, is_digit), m = span(y, is_digit);

        *a = x + n;
        *b = y + m;
        return n != m ? (n > m) - (n < m) : memcmp(x, y, n);
}

static int compare_words(const char **a, const char **b) {
        size_t n = span(*a, is_letter), m = span(*b, is_letter);
        int r = memcmp(*a, *b, n < m ? n : m);

        *a += n;
        *b += m;
        return r ? r : (n > m) - (n < m);
}

/* The marks in order of rank: the version that goes on with an earlier one is the older of the two. The end of a
 * version is one of them. Below 0, above 0: that decides. 0: it does not; *ret_both: both have the same. */
static int compare_marks(char a, char b, bool *ret_both) {
        static const char marks[] = "~\0-^.";

        *ret_both = false;
        for (size_t i = 0; i < sizeof marks - 1; i++) {
                if ((a == marks[i]) != (b == marks[i]))
                        return a == marks[i] ? -1 : 1;
                if (a == marks[i]) {
                        *ret_both = true;
                        break;
                }
        }
        return 0;
}

int version_compare(const char *a, const char *b) {
        for (int r = 0;;) {
                bool both;

                a = skip_others(a);
                b = skip_others(b);
                r = compare_marks(*a, *b, &both);
                if (r || (both && !*a))
                        return r;
                if (both)
                        a++, b++;
                else if (is_digit(*a) || is_digit(*b))
                        r = compare_numbers(&a, &b);
                else
                        r = compare_words(&a, &b);
                if (r)
                        return r;
        }
}

static bool is_architecture(const char *s) {
        static const char known[][12] = {
                "x86",  "x86-64", "ppc",         "ppc-le",   "ppc64",   "ppc64-le", "ia64",   "parisc",    "parisc64",
                "s390", "s390x",  "sparc",       "sparc64",  "mips",    "mips-le",  "mips64", "mips64-le", "alpha",
                "arm",  "arm-be", "arm64",       "arm64-be", "sh",      "sh64",     "m68k",   "tilegx",    "cris",
                "arc",  "arc-be", "loongarch64", "riscv32",  "riscv64", "nios2",
        };

        for (size_t i = 0; i < ELEMENTS(known); i++)
                if (streq(s, known[i]))
                        return true;
        return false;
}

/* What counts tries is cut off; what only looks like it is part of the version. */
static void take_tries(struct versioned *v) {
        char *plus = strrchr(v->version, '+'), *dash = plus ? strchr(plus, '-') : NULL;
        uint64_t left, done = 0;

        v->left = UINT64_MAX;
        v->done = 0;
        if (!plus)
                return;
        if (dash)
                *dash = '\0';
        if (parse_u64(plus + 1, 0, UINT32_MAX, &left) == 0 &&
            (!dash || parse_u64(dash + 1, 0, UINT32_MAX, &done) == 0)) {
                v->left = left;
                v->done = done;
                *plus = '\0';
        } else if (dash)
                *dash = '-';
}

static void take_architecture(struct versioned *v) {
        char *bar = strrchr(v->version, '_');

        v->fit = VERSION_FOR_ANY;
        if (!bar || !is_architecture(bar + 1))
                return;
        v->fit = streq(bar + 1, ARCH_NATIVE)      ? VERSION_FOR_NATIVE
                 : streq(bar + 1, ARCH_SECONDARY) ? VERSION_FOR_SECONDARY
                                                  : VERSION_FOR_FOREIGN;
        *bar = '\0';
}

bool version_parse(const char *name, const char *stem, const char *suffix, struct versioned *ret) {
        const char *from = str_after(name, stem), *to = str_ending(name, suffix);

        if (!from || *from++ != '_' || !to || to <= from || (size_t) (to - from) >= sizeof ret->version)
                return false;
        memcpy(ret->version, from, (size_t) (to - from));
        ret->version[to - from] = '\0';
        take_tries(ret);
        take_architecture(ret);
        return *ret->version;
}

int versioned_compare(const struct versioned *a, const struct versioned *b) {
        int r = (a->left > 0) - (b->left > 0);

        r = r ? r : version_compare(a->version, b->version);
        r = r ? r : (a->fit > b->fit) - (a->fit < b->fit);
        r = r ? r : (a->left > b->left) - (a->left < b->left);
        return r ? r : (a->done < b->done) - (a->done > b->done);
}
