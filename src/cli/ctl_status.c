/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berthctl status: what is known of containers, for people. */

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "base/clean.h"
#include "base/str.h"
#include "cli/ctl.h"
#include "cli/ctl_follow.h"
#include "cli/ctl_rows.h"
#include "cli/ctl_table.h"
#include "cli/ctl_view.h"
#include "sys/proctable.h"

enum { LABEL = 12, COMMAND = 100, PROCESSES = 100, CGROUP_DEPTH = 16, LOG_LINES = 10, COLUMNS = 200 };

__attribute__((format(printf, 2, 3))) static void line(const char *label, const char *fmt, ...) {
        char text[4096], escaped[4096 * 2];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        printf("%*s: %s\n", LABEL, label, str_escape(text, escaped, sizeof escaped));
}

static void print_head(const struct view *v) {
        time_t since = (time_t) (v->since_us / 1000000);
        char date[64] = "?", up[32];
        struct tm tm;

        if (localtime_r(&since, &tm))
                strftime(date, sizeof date, "%a %Y-%m-%d %H:%M:%S %Z", &tm);
        printf("%s - %s since %s; %s ago\n", v->name, v->state, date, human_time(v->up_s, up));
}

static void print_ids(const struct view *v) {
        if (v->id_count > 0)
                line("Ids", "%" PRIu64 " to %" PRIu64, v->id_base, v->id_base + v->id_count - 1);
        else
                line("Ids", "the host's: root inside is root outside");
}

static void print_network(const struct view *v) {
        char text[2048] = "";

        for (size_t i = 0; i < v->addresses.n && strlen(text) < sizeof text - 64; i++)
                snprintf(text + strlen(text), 64, "%s%s", i > 0 ? " " : "", v->addresses.items[i]);
        if (!v->private_net)
                line("Network", "the host's");
        else
                line("Network", "%s", v->addresses.n > 0 ? text : "its own, without addresses");
}

static void print_usage(const struct usage *u) {
        char a[16], b[16];
        const char *sum = u->summed ? " (some summed up over the processes there are)" : "";

        if (u->tasks_max != UINT64_MAX)
                line("Tasks", "%" PRIu64 " (limit %" PRIu64 ")%s", u->tasks, u->tasks_max, sum);
        else
                line("Tasks", "%" PRIu64 "%s", u->tasks, sum);
        if (u->memory_max != UINT64_MAX)
                line("Memory", "%s (limit %s)", human_size(u->memory, a), human_size(u->memory_max, b));
        else
                line("Memory", "%s", human_size(u->memory, a));
        line("CPU", "%" PRIu64 ".%03" PRIu64 "s", u->cpu_us / 1000000, u->cpu_us / 1000 % 1000);
        line("IO", "%s read, %s written", human_size(u->read, a), human_size(u->written, b));
}

static void print_process(struct ctl *c, pid_t pid, int depth) {
        const char *command = proctable_command(c->proc, pid, &c->arena);
        char escaped[COMMAND + 1];

        printf("%*s%7d %s\n", LABEL + 2 + depth * 2, "", (int) pid, str_escape(command, escaped, sizeof escaped));
}

static void print_pids(struct ctl *c, const struct pid_list *pids, int depth) {
        for (size_t i = 0; i < pids->n && i < PROCESSES; i++)
                print_process(c, pids->items[i], depth);
        if (pids->n > PROCESSES)
                printf("%*s... and %zu more\n", LABEL + 2 + depth * 2, "", pids->n - PROCESSES);
}

static void print_cgroup(struct ctl *c, int cgroup, int depth) {
        struct pid_list pids = { 0 };
        struct strv names = { 0 };
        char escaped[512];

        if (cgroupstat_pids(cgroup, &c->arena, &pids) == 0)
                print_pids(c, &pids, depth);
        if (depth == CGROUP_DEPTH || cgroupstat_children(cgroup, &c->arena, &names) < 0)
                return;
        for (size_t i = 0; i < names.n; i++) {
                CLEAN_FD int fd = openat(cgroup, names.items[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                uint64_t populated = 0;

                /* Empty ones tell nothing. */
                if (fd < 0 || cgroupstat_key(fd, "cgroup.events", "populated", &populated) < 0 || populated == 0)
                        continue;
                printf("%*s%s/\n", LABEL + 2 + depth * 2, "", str_escape(names.items[i], escaped, sizeof escaped));
                print_cgroup(c, fd, depth + 1);
        }
}

static int print_processes(struct ctl *c, const struct target *t, struct err *e) {
        struct pid_list pids = { 0 };
        int k;

        if (t->cgroup >= 0) {
                line("CGroup", "%s", t->is.is.cgroup);
                print_cgroup(c, t->cgroup, 0);
                return 0;
        }
        k = target_pids(c, t, &pids, e);
        if (k < 0)
                return k;
        line("Processes", "no cgroup of its own");
        print_pids(c, &pids, 0);
        return 0;
}

/* The last of what its console showed, where that is kept. */
static void print_log(struct ctl *c, const char *name) {
        struct follow log;
        char *text, escaped[COLUMNS * 4 + 1];
        size_t n, at;

        follow_init(&log, name);
        if (follow_open(&log, false, &c->arena, &text, &n, NULL) == 1 && n > 0) {
                putchar('\n');
                for (at = follow_tail(text, n, LOG_LINES); at < n; at += strcspn(text + at, "\n") + 1) {
                        size_t length = strcspn(text + at, "\r\n");

                        str_escape(arena_strndup(&c->arena, text + at, length < COLUMNS ? length : COLUMNS), escaped,
                                   sizeof escaped);
                        puts(escaped);
                }
        }
        follow_done(&log);
}

static int status_one(struct ctl *c, struct target *t, struct err *e) {
        struct view v;
        int k = view_collect(c, t, &v, e);

        if (k < 0)
                return k;
        print_head(&v);
        line("Mode", "%s", str_or(v.mode, "?"));
        line("Leader", "%" PRIu64 " (%s)", v.leader, v.command);
        line("Supervisor", "%" PRIu64, v.supervisor);
        line("Root", "%s", str_or(v.root, "?"));
        if (v.os)
                line("OS", "%s", v.os);
        line("UUID", "%s", str_or(v.uuid, "?"));
        print_ids(&v);
        print_network(&v);
        print_usage(&v.usage);
        k = print_processes(c, t, e);
        print_log(c, v.name);
        return k;
}

static int run(struct ctl *c, struct err *e) {
        return target_for_each(c, status_one);
}

const struct ctl_verb ctl_status = {
        .name = "status",
        .synopsis = "NAME...",
        .words = CTL_NAMES,
        .min = 1,
        .help = "Show what is known of containers, for people",
        .run = run,
};
