/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berthctl stats, top: what containers use, once or over time. */

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/ctl.h"
#include "cli/ctl_rows.h"
#include "cli/ctl_table.h"
#include "cli/ctl_usage.h"

enum { INTERVAL_MS = 2000, SHORTEST_MS = 100 };

struct sample {
        const char *name;
        uint64_t leader_start; /* a name that was started anew is another container */
        int64_t at_ms;
        struct usage usage;
        double cpu; /* percent of one processor since the sample before; negative: there was none */
};
struct sample_list {
        struct sample *items;
        size_t n;
};

static bool is_wanted(const struct ctl *c, const char *name) {
        for (size_t i = 0; i < c->n_words; i++)
                if (streq(c->words[i], name))
                        return true;
        return c->n_words == 0;
}

static const struct sample *find_sample(const struct sample_list *l, const struct sample *s) {
        for (size_t i = 0; l && i < l->n; i++)
                if (streq(l->items[i].name, s->name) && l->items[i].leader_start == s->leader_start)
                        return &l->items[i];
        return NULL;
}

/* Sums over processes fall when one ends: then nothing is known. */
static double cpu_since(const struct sample *before, const struct sample *now) {
        if (!before || now->at_ms <= before->at_ms || now->usage.cpu_us < before->usage.cpu_us)
                return -1;
        return (double) (now->usage.cpu_us - before->usage.cpu_us) / 10. / (double) (now->at_ms - before->at_ms);
}

static void add_sample(struct ctl *c, const struct container *m, const struct sample_list *before,
                       struct sample_list *ret) {
        struct sample s = { .name = m->name, .leader_start = m->is.leader_start };
        struct target t;
        int k;

        target_init(&t);
        k = target_open(c, m->name, &t, NULL);
        k = k < 0 ? k : usage_collect(c, &t, &s.usage, NULL);
        target_close(&t);
        /* It has ended meanwhile. */
        if (k < 0)
                return;
        s.at_ms = ctl_now_ms();
        s.cpu = cpu_since(find_sample(before, &s), &s);
        *arena_push(&c->arena, ret) = s;
}

static int by_cpu(const void *a, const void *b) {
        const struct sample *x = a, *y = b;

        return x->cpu != y->cpu ? (x->cpu < y->cpu ? 1 : -1) : strcmp(x->name, y->name);
}

/* A name that was given and does not run is an error, unless it did before. */
static int check_words(struct ctl *c, struct err *e) {
        struct target t;
        int k = 0;

        for (size_t i = 0; k == 0 && i < c->n_words; i++) {
                target_init(&t);
                k = target_open(c, c->words[i], &t, e);
                target_close(&t);
        }
        return k;
}

static int take_samples(struct ctl *c, const struct sample_list *before, struct sample_list *ret, struct err *e) {
        struct container_list l = { 0 };
        int k = container_list(&c->arena, &l, e);

        k = k < 0 || before ? k : check_words(c, e);
        if (k < 0)
                return k;
        for (size_t i = 0; i < l.n; i++)
                if (l.items[i].state == CONTAINER_RUNNING && is_wanted(c, l.items[i].name))
                        add_sample(c, &l.items[i], before, ret);
        return 0;
}

static const char *size_or_nothing(uint64_t n, char buf[16]) {
        return n == UINT64_MAX ? NULL : human_size(n, buf);
}

/* Those that a window has room for: the cursor is below them. Without a window there is room for all. */
static size_t fitting(size_t n, bool heads) {
        struct winsize size = { 0 };
        size_t taken = heads ? 2 : 1;

        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0)
                return n;
        return n + taken <= size.ws_row ? n : size.ws_row > taken ? size.ws_row - taken : 1;
}

static void print_table(struct ctl *c, const struct sample_list *l, bool live) {
        static const char *const heads[] = {
                "NAME", "TASKS", "MEMORY", "LIMIT", "CPU", "CPU%", "READ", "WRITTEN", NULL
        };
        struct arena *a = &c->arena;
        struct table t = { .heads = heads, .right = 0xfe };
        bool heads_too = !ctl_is_set(c, "no-legend");
        size_t n = live ? fitting(l->n, heads_too) : l->n;
        char buf[16];

        for (size_t i = 0; i < n; i++) {
                const struct sample *s = &l->items[i];
                const struct usage *u = &s->usage;

                table_cell(a, &t, s->name);
                table_cell(a, &t, arena_printf(a, "%" PRIu64, u->tasks));
                table_cell(a, &t, size_or_nothing(u->memory, buf));
                table_cell(a, &t, size_or_nothing(u->memory_max, buf));
                table_cell(a, &t,
                           arena_printf(a, "%" PRIu64 ".%" PRIu64 "s", u->cpu_us / 1000000, u->cpu_us / 100000 % 10));
                table_cell(a, &t, s->cpu < 0 ? NULL : arena_printf(a, "%.1f", s->cpu));
                table_cell(a, &t, size_or_nothing(u->read, buf));
                table_cell(a, &t, size_or_nothing(u->written, buf));
        }
        /* Home, all below it cleared; and lines are cut off at the edge meanwhile (console_codes(4)). */
        fputs(live ? "\x1b[H\x1b[J\x1b[?7l" : "", stdout);
        table_print(&t, heads_too, stdout);
        fputs(live ? "\x1b[?7h" : "", stdout);
}

static void number(struct json *j, const char *key, uint64_t n) {
        if (n == UINT64_MAX)
                json_null(j, key);
        else
                json_uint(j, key, n);
}

static void print_json(const struct sample_list *l) {
        struct json j = { .f = stdout };

        json_open(&j, NULL, '[');
        for (size_t i = 0; i < l->n; i++) {
                const struct usage *u = &l->items[i].usage;

                json_open(&j, NULL, '{');
                json_string(&j, "name", l->items[i].name);
                number(&j, "tasks", u->tasks);
                number(&j, "tasksMax", u->tasks_max);
                number(&j, "cpuUSec", u->cpu_us);
                number(&j, "cpuPermille", l->items[i].cpu < 0 ? UINT64_MAX : (uint64_t) (l->items[i].cpu * 10));
                number(&j, "memory", u->memory);
                number(&j, "memoryMax", u->memory_max);
                number(&j, "ioRead", u->read);
                number(&j, "ioWritten", u->written);
                json_bool(&j, "summed", u->summed);
                json_close(&j);
        }
        json_close(&j);
}

static void print(struct ctl *c, const struct sample_list *l, bool live) {
        if (l->n > 1 && live)
                qsort(l->items, l->n, sizeof *l->items, by_cpu);
        if (ctl_is_set(c, "json"))
                print_json(l);
        else
                print_table(c, l, live);
}

static int run_stats(struct ctl *c, struct err *e) {
        struct sample_list l = { 0 };
        int k = take_samples(c, NULL, &l, e);

        if (k == 0)
                print(c, &l, false);
        return k;
}

static int interval_of(const struct ctl *c, int64_t *ret, struct err *e) {
        const char *text = ctl_value(c, "delay");
        int k = text ? ctl_parse_seconds("--delay", text, ret, e) : 0;

        if (k < 0)
                return k;
        if (!text)
                *ret = INTERVAL_MS;
        return *ret < SHORTEST_MS ? err_set(e, ERR_USAGE, 0, "--delay=%s is less than 0.1 seconds", text) : 0;
}

static int next_round(struct ctl *c, const struct sample_list *before, struct sample_list *ret, bool live,
                      struct err *e) {
        int k = take_samples(c, before, ret, e);

        if (k < 0)
                return k;
        print(c, ret, live);
        (void) fflush(stdout);
        return 0;
}

/* Each round has memory of its own, which goes when the next one has compared itself with it. */
static int run_top(struct ctl *c, struct err *e) {
        bool live = isatty(STDOUT_FILENO) && !ctl_is_set(c, "json") && !ctl_is_set(c, "once");
        struct ctl round = *c, spent = *c;
        struct sample_list before = { 0 };
        int64_t interval;
        int k = interval_of(c, &interval, e);

        round.arena = spent.arena = (struct arena){ 0 };
        k = k < 0 ? k : take_samples(&round, NULL, &before, e);
        while (k == 0) {
                struct sample_list now = { 0 };

                (void) poll(NULL, 0, (int) interval);
                arena_done(&spent.arena);
                spent.arena = round.arena;
                round.arena = (struct arena){ 0 };
                k = next_round(&round, &before, &now, live, e);
                before = now;
                if (ctl_is_set(c, "once") || ferror(stdout))
                        break;
        }
        arena_done(&spent.arena);
        arena_done(&round.arena);
        return k;
}

static const struct ctl_option stats_options[] = {
        CTL_JSON,
        CTL_NO_LEGEND,
        CTL_END,
};

static const struct ctl_option top_options[] = {
        { 'd', "delay", "SECONDS", NULL, "Time between two looks (default: 2)" },
        { 0, "once", NULL, NULL, "Look twice, print once, and end" },
        CTL_JSON,
        CTL_NO_LEGEND,
        CTL_END,
};

const struct ctl_verb ctl_stats = {
        .name = "stats",
        .synopsis = "[NAME...]",
        .words = CTL_NAMES,
        .options = stats_options,
        .help = "Show what containers use",
        .run = run_stats,
};

const struct ctl_verb ctl_top = {
        .name = "top",
        .synopsis = "[NAME...]",
        .words = CTL_NAMES,
        .options = top_options,
        .help = "Show what containers use, again and again",
        .run = run_top,
};
