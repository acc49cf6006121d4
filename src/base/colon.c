/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/colon.h"

#include <string.h>

bool span_next(struct span *list, char sep, struct span *ret) {
        size_t n = 0;

        if (!list->s)
                return false;
        /* Fields are short: a call for each would take longer. */
        while (n < list->n && list->s[n] != sep)
                n++;
        *ret = (struct span){ list->s, n };
        *list = n < list->n ? (struct span){ list->s + n + 1, list->n - n - 1 } : (struct span){ 0 };
        return true;
}

bool span_is(struct span a, const char *s) {
        return strlen(s) == a.n && memcmp(a.s, s, a.n) == 0;
}

bool span_u32(struct span a, uint32_t *ret) {
        uint64_t v = 0;

        if (a.n == 0)
                return false;
        for (size_t i = 0; i < a.n; i++) {
                if (a.s[i] < '0' || a.s[i] > '9')
                        return false;
                v = v * 10 + (uint64_t) (a.s[i] - '0');
                if (v > UINT32_MAX)
                        return false;
        }
        *ret = (uint32_t) v;
        return true;
}

static bool is_entry(struct span line) {
        return line.n > 0 && !strchr("#+-", line.s[0]) && !memchr(line.s, '\0', line.n);
}

bool colon_next(struct span *text, struct colon_line *ret) {
        struct span line;

        while (span_next(text, '\n', &line)) {
                if (!is_entry(line))
                        continue;
                *ret = (struct colon_line){ 0 };
                while (ret->n < COLON_FIELDS - 1 && span_next(&line, ':', &ret->field[ret->n]))
                        ret->n++;
                if (line.s)
                        ret->field[ret->n++] = line;
                for (size_t i = ret->n; i < COLON_FIELDS; i++)
                        ret->field[i] = (struct span){ "", 0 };
                return true;
        }
        return false;
}
