/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "sys/filter_lookup.h"
#include "sys/filter_policy.h"

static int ask(const struct call_table *t, const char *name, struct call_row *ret) {
        struct call_row row = { 0 };

        if (strlen(name) >= sizeof row.name)
                return -ENOENT;
        strcpy(row.name, name);
        for (unsigned abi = 0; abi < CALLS_ABIS; abi++) {
                int nr = abi < t->n_abis ? filter_lookup(t->abi[abi].token, name) : FILTER_NO_SUCH_NAME;

                if (abi == 0 && nr == FILTER_NO_SUCH_NAME)
                        return -ENOENT;
                row.nr[abi] = nr < 0 ? -1 : nr;
        }
        *ret = row;
        return 0;
}

static void insert_row(struct call_table *t, const struct call_row *row, struct arena *a) {
        struct call_row *rows = arena_alloc(a, (t->n + 1) * sizeof *rows);
        size_t at = 0;

        while (at < t->n && strcmp(t->rows[at].name, row->name) < 0)
                at++;
        memcpy(rows, t->rows, at * sizeof *rows);
        rows[at] = *row;
        memcpy(rows + at + 1, t->rows + at, (t->n - at) * sizeof *rows);
        t->rows = rows;
        t->n++;
}

int filter_names_add(const struct call_table *t, const struct strv *names, struct arena *a, struct call_table *ret,
                     struct err *e) {
        struct call_table grown = *t;

        for (size_t i = 0; names && i < names->n; i++) {
                const char *name = names->items[i];
                struct call_row row;

                if (calls_is_group(name) || calls_find(&grown, name) >= 0)
                        continue;
                if (ask(t, name, &row) < 0) {
                        err_set(e, ERR_USAGE, 0, "--system-call-filter=: unknown system call or group \"%s\"", name);
                        err_blame(e, "system-call-filter", name);
                        return err_hint(e, "names are as in syscalls(2), groups as in systemd.exec(5): @mount");
                }
                insert_row(&grown, &row, a);
        }
        *ret = grown;
        return 0;
}
