/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berthctl list: by the records, and what else systemd-machined knows. */

#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/ctl.h"
#include "cli/ctl_foreign.h"
#include "cli/ctl_rows.h"
#include "cli/ctl_table.h"
#include "cli/ctl_view.h"

static bool is_shown(const struct ctl *c, const struct container *m) {
        return m->state != CONTAINER_DEAD || ctl_is_set(c, "all");
}

static const char *state_of(const struct container *m) {
        return m->state == CONTAINER_RUNNING && view_is_paused(m->is.cgroup) ? "paused"
                                                                             : container_state_name(m->state);
}

static void print_table(struct ctl *c, const struct container_list *l, const struct foreign_list *others) {
        static const char *const heads[] = { "NAME", "STATE", "MODE", "LEADER", "UP", "ROOT", NULL };
        uint64_t now = clock_ns(CLOCK_BOOTTIME) / 1000000000, ticks = (uint64_t) sysconf(_SC_CLK_TCK);
        struct table t = { .heads = heads, .right = 1 << 3 };
        char buf[32];

        for (size_t i = 0; i < l->n; i++) {
                const struct container *m = &l->items[i];
                bool runs = m->state == CONTAINER_RUNNING;
                uint64_t since = m->is.leader_start / ticks;

                if (!is_shown(c, m))
                        continue;
                table_cell(&c->arena, &t, m->name);
                table_cell(&c->arena, &t, state_of(m));
                table_cell(&c->arena, &t, m->is.mode);
                table_cell(&c->arena, &t, runs ? arena_printf(&c->arena, "%d", (int) m->is.leader) : NULL);
                table_cell(&c->arena, &t, runs && since <= now ? human_time(now - since, buf) : NULL);
                table_cell(&c->arena, &t, m->is.root);
        }
        for (size_t i = 0; i < others->n; i++) {
                const struct foreign *f = &others->items[i];

                table_cell(&c->arena, &t, f->name);
                table_cell(&c->arena, &t, "running");
                table_cell(&c->arena, &t, arena_printf(&c->arena, "%s:%s", f->service, f->class));
                table_cell(&c->arena, &t, f->leader > 0 ? arena_printf(&c->arena, "%d", (int) f->leader) : NULL);
                table_cell(&c->arena, &t, NULL);
                table_cell(&c->arena, &t, *f->root ? f->root : NULL);
        }
        table_print(&t, !ctl_is_set(c, "no-legend"), stdout);
}

static void print_json(struct ctl *c, const struct container_list *l, const struct foreign_list *others) {
        struct json j = { .f = stdout };

        json_open(&j, NULL, '[');
        for (size_t i = 0; i < l->n; i++) {
                const struct container *m = &l->items[i];

                if (!is_shown(c, m))
                        continue;
                json_open(&j, NULL, '{');
                json_string(&j, "name", m->name);
                json_string(&j, "state", state_of(m));
                json_string(&j, "mode", m->is.mode);
                json_uint(&j, "leader", (uint64_t) m->is.leader);
                json_uint(&j, "supervisor", (uint64_t) m->is.supervisor);
                json_string(&j, "root", m->is.root);
                json_string(&j, "cgroup", m->is.cgroup);
                json_string(&j, "uuid", m->is.uuid);
                json_uint(&j, "idBase", m->is.id_base);
                json_uint(&j, "idCount", m->is.id_count);
                json_bool(&j, "privateNetwork", m->is.private_net);
                json_bool(&j, "foreign", false);
                json_close(&j);
        }
        for (size_t i = 0; i < others->n; i++) {
                const struct foreign *f = &others->items[i];

                json_open(&j, NULL, '{');
                json_string(&j, "name", f->name);
                json_string(&j, "state", "running");
                json_string(&j, "class", f->class);
                json_string(&j, "service", f->service);
                json_uint(&j, "leader", (uint64_t) f->leader);
                json_string(&j, "root", *f->root ? f->root : NULL);
                json_bool(&j, "foreign", true);
                json_close(&j);
        }
        json_close(&j);
}

static int run(struct ctl *c, struct err *e) {
        struct container_list l = { 0 };
        struct foreign_list others = { 0 };
        int k = container_list(&c->arena, &l, e);

        if (k < 0)
                return k;
        if (!ctl_is_set(c, "own"))
                foreign_list(c, &l, &others);
        (ctl_is_set(c, "json") ? print_json : print_table)(c, &l, &others);
        return 0;
}

static const struct ctl_option options[] = {
        { 'a', "all", NULL, NULL, "Left-over records of killed supervisors too" },
        { 0, "own", NULL, NULL, "Only berth's own, and not the host's other machines" },
        CTL_JSON,
        CTL_NO_LEGEND,
        CTL_END,
};

const struct ctl_verb ctl_list = {
        .name = "list",
        .synopsis = "",
        .options = options,
        .help = "List containers",
        .run = run,
};
