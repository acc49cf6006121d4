/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* cli/ctl_table.c: columns, and numbers for people. */

#include "cli/ctl_table.h"

#include <stdlib.h>

#include "base/clean.h"
#include "unit/tap.h"

static const char *printed(const struct table *t, bool heads, char *buf, size_t size) {
        CLEAN_FILE FILE *f = fmemopen(buf, size, "w");

        buf[0] = '\0';
        table_print(t, heads, f);
        fflush(f);
        return buf;
}

static void test_table(struct tap *t) {
        static const char *const heads[] = { "NAME", "N", "LAST", NULL };
        struct table table = { .heads = heads, .right = 1 << 1 };
        struct arena a = { 0 };
        char buf[512];

        OK_STR(t, printed(&table, true, buf, sizeof buf), "NAME  N  LAST\n", "no rows");
        OK_STR(t, printed(&table, false, buf, sizeof buf), "", "nothing at all");
        table_cell(&a, &table, "a");
        table_cell(&a, &table, "1234");
        table_cell(&a, &table, NULL);
        table_cell(&a, &table, "longer");
        table_cell(&a, &table, "5");
        table_cell(&a, &table, "x y");
        OK_STR(t, printed(&table, true, buf, sizeof buf),
               "NAME       N  LAST\n"
               "a       1234  -\n"
               "longer     5  x y\n",
               "aligned, no blanks at the end");
        OK_STR(t, printed(&table, false, buf, sizeof buf), "a       1234  -\nlonger     5  x y\n", "without headings");
        table_cell(&a, &table, "\xc3\xa4\x1b[31m");
        table_cell(&a, &table, "");
        table_cell(&a, &table, "\n");
        OK_STR(t, printed(&table, false, buf, sizeof buf),
               "a          1234  -\n"
               "longer        5  x y\n"
               "\xc3\xa4\\x1b[31m     -  \\x0a\n",
               "characters are counted, and nothing steers the terminal");
        arena_done(&a);
}

static void test_numbers(struct tap *t) {
        static const struct {
                uint64_t n;
                const char *text;
        } sizes[] = { { 0, "0B" },         { 1023, "1023B" },      { 1024, "1.0K" },
                      { 1536, "1.5K" },    { 10 * 1024, "10K" },   { 1048575, "1023K" },
                      { 1048576, "1.0M" }, { 5ull << 30, "5.0G" }, { UINT64_MAX, "15E" } };
        static const struct {
                uint64_t n;
                const char *text;
        } times[] = { { 0, "0s" },        { 59, "59s" },          { 60, "1min" },         { 61, "1min 1s" },
                      { 3600, "1h" },     { 3661, "1h 1min" },    { 86399, "23h 59min" }, { 86400, "1d" },
                      { 90000, "1d 1h" }, { 86400 * 400, "400d" } };
        char buf[32];

        for (size_t i = 0; i < ELEMENTS(sizes); i++)
                OK_STR(t, human_size(sizes[i].n, buf), sizes[i].text, "a size");
        for (size_t i = 0; i < ELEMENTS(times); i++)
                OK_STR(t, human_time(times[i].n, buf), times[i].text, "a time");
}

int main(void) {
        struct tap t = { 0 };

        test_table(&t);
        test_numbers(&t);
        return tap_done(&t);
}
