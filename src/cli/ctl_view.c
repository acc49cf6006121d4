/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/ctl_view.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/clock.h"
#include "base/str.h"
#include "probe/host_text.h"
#include "probe/tree.h"
#include "sys/addresses.h"
#include "sys/proctable.h"

#define ROW(name_, json_, kind_, at_)                                                                                 \
        { name_, json_, kind_, offsetof(struct view, at_) }
/* clang-format off */
const struct view_property view_properties[] = {
        ROW("Name", "name", VIEW_TEXT, name),
        ROW("State", "state", VIEW_TEXT, state),
        ROW("Mode", "mode", VIEW_TEXT, mode),
        ROW("Leader", "leader", VIEW_NUMBER, leader),
        ROW("Supervisor", "supervisor", VIEW_NUMBER, supervisor),
        ROW("Command", "command", VIEW_TEXT, command),
        ROW("SinceUSec", "sinceUSec", VIEW_NUMBER, since_us),
        ROW("Root", "root", VIEW_TEXT, root),
        ROW("OS", "os", VIEW_TEXT, os),
        ROW("UUID", "uuid", VIEW_TEXT, uuid),
        ROW("IdBase", "idBase", VIEW_NUMBER, id_base),
        ROW("IdCount", "idCount", VIEW_NUMBER, id_count),
        ROW("PrivateNetwork", "privateNetwork", VIEW_TRUTH, private_net),
        ROW("Addresses", "addresses", VIEW_LIST, addresses),
        ROW("CGroup", "cgroup", VIEW_TEXT, cgroup),
        ROW("Tasks", "tasks", VIEW_NUMBER, usage.tasks),
        ROW("TasksMax", "tasksMax", VIEW_NUMBER, usage.tasks_max),
        ROW("Memory", "memory", VIEW_NUMBER, usage.memory),
        ROW("MemoryMax", "memoryMax", VIEW_NUMBER, usage.memory_max),
        ROW("CPUUSec", "cpuUSec", VIEW_NUMBER, usage.cpu_us),
        ROW("IORead", "ioRead", VIEW_NUMBER, usage.read),
        ROW("IOWritten", "ioWritten", VIEW_NUMBER, usage.written),
        ROW("Summed", "summed", VIEW_TRUTH, usage.summed),
};
/* clang-format on */
const size_t n_view_properties = ELEMENTS(view_properties);

int view_open_root(struct ctl *c, const struct target *t) {
        char path[32];
        int fd;

        snprintf(path, sizeof path, "%d/root", (int) t->is.is.leader);
        fd = openat(c->proc, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* The file is the container's: whatever it holds, it is only shown, and escaped. */
static const char *os_of(struct ctl *c, const struct target *t) {
        static const char *const paths[] = { "etc/os-release", "usr/lib/os-release" };
        CLEAN_FD int root = view_open_root(c, t);
        char *text;

        for (size_t i = 0; root >= 0 && i < ELEMENTS(paths); i++)
                if (tree_read(root, paths[i], TREE_FILE_MAX, &c->arena, &text) >= 0)
                        return os_release_field(text, "PRETTY_NAME", &c->arena);
        return NULL;
}

bool view_is_paused(const char *cgroup) {
        return cgroup && cgroupstat_is_frozen(cgroup);
}

/* Start times count from boot, sleep included. */
static void fill_since(uint64_t start, struct view *v) {
        uint64_t start_us = start * (1000000 / (uint64_t) sysconf(_SC_CLK_TCK)),
                 now_us = clock_ns(CLOCK_BOOTTIME) / 1000;
        uint64_t up_us = now_us > start_us ? now_us - start_us : 0;

        v->since_us = clock_ns(CLOCK_REALTIME) / 1000 - up_us;
        v->up_s = up_us / 1000000;
}

int view_collect(struct ctl *c, const struct target *t, struct view *ret, struct err *e) {
        const struct record_content *is = &t->is.is;
        struct view v = {
                .name = t->is.name,
                .state = view_is_paused(t->cgroup >= 0 ? is->cgroup : NULL) ? "paused"
                                                                            : container_state_name(t->is.state),
                .mode = is->mode,
                .root = is->root,
                .cgroup = t->cgroup >= 0 ? is->cgroup : NULL,
                .uuid = is->uuid,
                .leader = (uint64_t) is->leader,
                .supervisor = (uint64_t) is->supervisor,
                .command = proctable_command(c->proc, is->leader, &c->arena),
                .id_base = is->id_base,
                .id_count = is->id_count,
                .private_net = is->private_net,
                .os = os_of(c, t),
        };
        int k = usage_collect(c, t, &v.usage, e);

        if (k < 0)
                return k;
        fill_since(is->leader_start, &v);
        if (v.private_net)
                (void) addresses_list(c->proc, t->fds.leader, &c->arena, &v.addresses);
        *ret = v;
        return 0;
}

static const void *value_of(const struct view *v, const struct view_property *p) {
        return (const char *) v + p->at;
}

char *view_text(struct arena *a, const struct view *v, const struct view_property *p) {
        const void *at = value_of(v, p);
        const struct strv *list = at;
        char *text;

        switch (p->kind) {
        case VIEW_TEXT: return arena_strdup(a, str_or(*(const char *const *) at, ""));
        case VIEW_TRUTH: return arena_strdup(a, *(const bool *) at ? "yes" : "no");
        case VIEW_NUMBER:
                if (*(const uint64_t *) at == UINT64_MAX)
                        return arena_strdup(a, "");
                return arena_printf(a, "%" PRIu64, *(const uint64_t *) at);
        case VIEW_LIST: break;
        }
        text = arena_strdup(a, "");
        for (size_t i = 0; i < list->n; i++)
                text = arena_printf(a, "%s%s%s", text, i > 0 ? " " : "", list->items[i]);
        return text;
}

void view_json(struct json *j, const struct view *v, const struct view_property *p) {
        const void *at = value_of(v, p);
        const struct strv *list = at;

        switch (p->kind) {
        case VIEW_TEXT: json_string(j, p->json, *(const char *const *) at); return;
        case VIEW_TRUTH: json_bool(j, p->json, *(const bool *) at); return;
        case VIEW_NUMBER:
                if (*(const uint64_t *) at == UINT64_MAX)
                        json_null(j, p->json);
                else
                        json_uint(j, p->json, *(const uint64_t *) at);
                return;
        case VIEW_LIST: break;
        }
        json_open(j, p->json, '[');
        for (size_t i = 0; i < list->n; i++)
                json_string(j, NULL, list->items[i]);
        json_close(j);
}
