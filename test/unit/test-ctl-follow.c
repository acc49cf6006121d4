/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* cli/ctl_follow.c: the last lines of a log. */

#include "cli/ctl_follow.h"

#include <string.h>

#include "base/clean.h"
#include "unit/tap.h"

int main(void) {
        static const struct {
                const char *text;
                size_t lines;
                const char *want;
        } cases[] = {
                { "a\nb\nc\n", 0, "" },
                { "a\nb\nc\n", 1, "c\n" },
                { "a\nb\nc\n", 2, "b\nc\n" },
                { "a\nb\nc\n", 3, "a\nb\nc\n" },
                { "a\nb\nc\n", 9, "a\nb\nc\n" },
                { "a\nb\nc", 1, "c" },
                { "a\nb\nc", 2, "b\nc" },
                { "a\n\n\n", 2, "\n\n" },
                { "\n", 1, "\n" },
                { "", 0, "" },
                { "", 3, "" },
                { "a", 1, "a" },
                { "a", 0, "" },
        };
        struct tap t = { 0 };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                size_t at = follow_tail(cases[i].text, strlen(cases[i].text), cases[i].lines);

                OK_STR(&t, cases[i].text + at, cases[i].want, "case %zu", i);
        }
        return tap_done(&t);
}
