/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berthctl show: properties for programs. */

#include "base/str.h"
#include "cli/ctl.h"
#include "cli/ctl_rows.h"
#include "cli/ctl_view.h"

static const struct view_property *find_property(const char *name) {
        for (size_t i = 0; i < n_view_properties; i++)
                if (streq(view_properties[i].name, name))
                        return &view_properties[i];
        return NULL;
}

static int check_properties(const struct ctl *c, struct err *e) {
        const char *name;
        size_t at = 0;

        while ((name = ctl_next(c, "property", &at)))
                if (!find_property(name)) {
                        err_set(e, ERR_USAGE, 0, "there is no property %s", name);
                        return err_hint(e, "without -p all are shown");
                }
        return 0;
}

/* In the order of the table, or as asked for. */
static const struct view_property *next_property(const struct ctl *c, size_t *at) {
        const char *name;

        if (!ctl_is_set(c, "property"))
                return *at < n_view_properties ? &view_properties[(*at)++] : NULL;
        name = ctl_next(c, "property", at);
        return name ? find_property(name) : NULL;
}

static void print_text(struct ctl *c, const struct view *v) {
        const struct view_property *p;
        size_t at = 0;

        while ((p = next_property(c, &at))) {
                const char *text = view_text(&c->arena, v, p);
                char *escaped = arena_alloc(&c->arena, 4 * strlen(text) + 1);

                str_escape(text, escaped, 4 * strlen(text) + 1);
                if (ctl_is_set(c, "value"))
                        printf("%s\n", escaped);
                else
                        printf("%s=%s\n", p->name, escaped);
        }
}

static void print_json(struct ctl *c, const struct view *v) {
        struct json j = { .f = stdout };
        const struct view_property *p;
        size_t at = 0;

        json_open(&j, NULL, '{');
        while ((p = next_property(c, &at)))
                view_json(&j, v, p);
        json_close(&j);
}

static int show_one(struct ctl *c, struct target *t, struct err *e) {
        struct view v;
        int k = view_collect(c, t, &v, e);

        if (k == 0)
                (ctl_is_set(c, "json") ? print_json : print_text)(c, &v);
        return k;
}

static int run(struct ctl *c, struct err *e) {
        int k = check_properties(c, e);

        return k < 0 ? k : target_for_each(c, show_one);
}

static const struct ctl_option options[] = {
        { 'p', "property", "PROPERTY", NULL, "Only this one; may be given several times" },
        { 0, "value", NULL, NULL, "The values without names" },
        CTL_JSON,
        CTL_END,
};

const struct ctl_verb ctl_show = {
        .name = "show",
        .synopsis = "NAME...",
        .words = CTL_NAMES,
        .min = 1,
        .options = options,
        .help = "Show what is known of containers, for programs",
        .run = run,
};
