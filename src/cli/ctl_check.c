/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berthctl check: what this host offers, what will not work, and what helps. */

#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/ctl.h"
#include "cli/ctl_rows.h"
#include "probe/check.h"

enum { NAME = 22, DETAIL = 512 };

static void print_text(const struct check_row *row, const struct check_finding *f, bool new_group) {
        char detail[DETAIL];

        if (new_group)
                printf("%s%s\n", row == check_rows ? "" : "\n", row->group);
        printf("  %-*s %-*s%s\n", NAME, row->name, *f->detail ? 6 : 0, check_state_name(f->state),
               str_escape(f->detail, detail, sizeof detail));
        if (f->state == CHECK_YES || !row->without)
                return;
        printf("  %*s %s\n", NAME, "", row->without);
        if (row->help)
                printf("  %*s -> %s\n", NAME, "", row->help);
}

static void print_json(struct json *j, const struct check_row *row, const struct check_finding *f) {
        bool good = f->state == CHECK_YES;

        json_open(j, NULL, '{');
        json_string(j, "group", row->group);
        json_string(j, "name", row->name);
        json_string(j, "state", check_state_name(f->state));
        json_string(j, "detail", *f->detail ? f->detail : NULL);
        json_bool(j, "needed", row->needed);
        json_string(j, "without", good ? NULL : row->without);
        json_string(j, "help", good ? NULL : row->help);
        json_close(j);
}

static void print_sum(const struct check_finding *findings, bool can_start) {
        size_t n = 0;

        if (can_start) {
                puts("\nberth can start containers here.");
                return;
        }
        printf("\nberth cannot start containers here:");
        for (size_t i = 0; i < n_check_rows; i++)
                if (check_rows[i].needed && findings[i].state == CHECK_NO)
                        printf("%s %s", n++ > 0 ? "," : "", check_rows[i].name);
        puts("");
}

static int run(struct ctl *c, struct err *e) {
        const struct check_context context = { .proc = c->proc, .arena = &c->arena };
        struct check_finding *findings = arena_alloc(&c->arena, n_check_rows * sizeof *findings);
        struct json j = { .f = stdout };
        bool can_start = true, json = ctl_is_set(c, "json"), legend = !ctl_is_set(c, "no-legend");
        const char *group = "";

        if (json)
                json_open(&j, NULL, '[');
        for (size_t i = 0; i < n_check_rows; i++) {
                const struct check_row *row = &check_rows[i];

                row->look(&context, &findings[i]);
                can_start = can_start && !(row->needed && findings[i].state == CHECK_NO);
                if (json)
                        print_json(&j, row, &findings[i]);
                else
                        print_text(row, &findings[i], legend && !streq(group, row->group));
                group = row->group;
        }
        if (json)
                json_close(&j);
        else if (legend)
                print_sum(findings, can_start);
        return can_start ? 0 : 1;
}

static const struct ctl_option options[] = {
        CTL_JSON,
        CTL_NO_LEGEND,
        CTL_END,
};

const struct ctl_verb ctl_check = {
        .name = "check",
        .synopsis = "",
        .options = options,
        .help = "Show what this host offers to containers, and what to do about the rest",
        .run = run,
};
