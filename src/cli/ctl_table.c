/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/ctl_table.h"

#include <inttypes.h>
#include <string.h>

#include "base/clean.h"
#include "base/str.h"

void table_cell(struct arena *a, struct table *t, const char *text) {
        size_t n = text ? strlen(text) : 0;
        char *cell = arena_alloc(a, n * 4 + 2);

        strv_add(a, &t->cells, n > 0 ? str_escape(text, cell, n * 4 + 1) : "-");
}

/* Characters, not bytes. */
static size_t width(const char *s) {
        size_t n = 0;

        for (; *s; s++)
                n += (*s & 0xc0) != 0x80;
        return n;
}

static void print_row(const struct table *t, char *const *row, const size_t *widths, FILE *f) {
        size_t column = 0;

        for (; t->heads[column]; column++) {
                int gap = (int) (widths[column] - width(row[column]));
                bool last = !t->heads[column + 1];

                if (t->right >> column & 1)
                        fprintf(f, "%*s%s%s", gap, "", row[column], last ? "" : "  ");
                else if (last)
                        fputs(row[column], f);
                else
                        fprintf(f, "%s%*s", row[column], gap + 2, "");
        }
        fputc('\n', f);
}

void table_print(const struct table *t, bool heads, FILE *f) {
        size_t widths[TABLE_COLUMNS] = { 0 }, columns = 0;

        for (; columns < TABLE_COLUMNS && t->heads[columns]; columns++)
                widths[columns] = heads ? strlen(t->heads[columns]) : 0;
        for (size_t i = 0; i < t->cells.n; i++) {
                size_t w = width(t->cells.items[i]);

                if (widths[i % columns] < w)
                        widths[i % columns] = w;
        }
        if (heads)
                print_row(t, (char *const *) t->heads, widths, f);
        for (size_t i = 0; i < t->cells.n; i += columns)
                print_row(t, t->cells.items + i, widths, f);
}

const char *human_size(uint64_t bytes, char buf[16]) {
        static const char units[] = "BKMGTPE";
        uint64_t whole = bytes, rest = 0;
        size_t unit = 0;

        for (; whole >= 1024; unit++) {
                rest = whole % 1024;
                whole /= 1024;
        }
        if (unit > 0 && whole < 10)
                snprintf(buf, 16, "%" PRIu64 ".%" PRIu64 "%c", whole, rest * 10 / 1024, units[unit]);
        else
                snprintf(buf, 16, "%" PRIu64 "%c", whole, units[unit]);
        return buf;
}

const char *human_time(uint64_t seconds, char buf[32]) {
        static const struct {
                const char *name;
                uint64_t seconds;
        } units[] = { { "d", 86400 }, { "h", 3600 }, { "min", 60 }, { "s", 1 } };
        size_t i = 0;
        uint64_t second;

        while (i + 1 < ELEMENTS(units) && seconds < units[i].seconds)
                i++;
        snprintf(buf, 32, "%" PRIu64 "%s", seconds / units[i].seconds, units[i].name);
        if (i + 1 == ELEMENTS(units))
                return buf;
        second = seconds % units[i].seconds / units[i + 1].seconds;
        if (second > 0)
                snprintf(buf + strlen(buf), 32 - strlen(buf), " %" PRIu64 "%s", second, units[i + 1].name);
        return buf;
}
