/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A tree's tables of users and groups, and the host's of ranges. Input: a line with a user name, then the table. */

#include <errno.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "plan/idrange.h"
#include "probe/tree_passwd.h"

enum { GROUPS = 16 };

static void check_entry(const struct passwd_entry *p, struct span text) {
        const char *end = text.s + text.n;

        MUST(p->uid != UINT32_MAX && p->uid != UINT16_MAX && p->gid != UINT32_MAX);
        MUST(p->name.n > 0 && p->name.s >= text.s && p->name.s + p->name.n <= end);
        MUST(!memchr(p->name.s, ':', p->name.n) && !memchr(p->name.s, '\n', p->name.n));
        MUST(!memchr(p->home.s, '\n', p->home.n) && !memchr(p->home.s, '\0', p->home.n));
        MUST(!memchr(p->shell.s, '\n', p->shell.n) && !memchr(p->shell.s, '\0', p->shell.n));
}

static void check_groups(struct span text, const char *name, gid_t primary) {
        gid_t list[GROUPS];
        ssize_t n = passwd_groups(text, name, primary, list, GROUPS);

        MUST(n == -E2BIG || (n >= 0 && n <= GROUPS));
        for (ssize_t i = 0; i < n; i++) {
                MUST(list[i] != primary && list[i] != UINT32_MAX);
                for (ssize_t k = 0; k < i; k++)
                        MUST(list[i] != list[k]);
        }
}

static void check_ranges(const char *text) {
        const struct idrange_files none = { 0 }, all = { text, text, text, text };

        for (unsigned i = 0; i < 4; i++) {
                uint32_t base = idrange_candidate(text, i, i);

                MUST(idrange_valid(base) && !idrange_in_use(base, &none));
                (void) idrange_in_use(base, &all);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *copy = malloc(size + 1), *table;
        struct passwd_entry p, q;
        struct span text;

        MUST(copy);
        memcpy(copy, data, size);
        copy[size] = '\0';
        table = memchr(copy, '\n', size);
        if (table) {
                *table++ = '\0';
                text = (struct span){ table, size - (size_t) (table - copy) };
                if (passwd_by_name(text, copy, &p) == 1) {
                        check_entry(&p, text);
                        MUST(strlen(copy) == p.name.n && memcmp(copy, p.name.s, p.name.n) == 0);
                        MUST(passwd_by_uid(text, p.uid, &q) == 1 && q.uid == p.uid && q.name.s <= p.name.s);
                        check_entry(&q, text);
                }
                check_groups(text, copy, 0);
                check_ranges(table);
        }
        free(copy);
        return 0;
}
