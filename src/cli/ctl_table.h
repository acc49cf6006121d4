/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Columns as wide as what is in them, and numbers for people. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"

enum { TABLE_COLUMNS = 16 };

struct table {
        const char *const *heads; /* NULL ends them */
        uint32_t right;           /* bits of the columns that are aligned to the right */
        struct strv cells;        /* row by row */
};

/* The next cell; NULL and "" are shown as "-". What is in it is escaped. */
void table_cell(struct arena *a, struct table *t, const char *text);
void table_print(const struct table *t, bool heads, FILE *f);

/* "1.5M"; "1d 2h", "3min 4s", "0s". Returns buf. */
const char *human_size(uint64_t bytes, char buf[16]);
const char *human_time(uint64_t seconds, char buf[32]);
