/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/limits.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

/* How a value is written: to the cgroup's file, and as a property. */
enum form { FORM_NUMBER, FORM_CPUS, FORM_DEFAULT };

static const struct kind {
        char option[12], controller[7], file[12], property[11];
        enum form form;
} kinds[LIMIT_MAX_] = {
        [LIMIT_MEMORY] = { "memory", "memory", "memory.max", "MemoryMax", FORM_NUMBER },
        [LIMIT_MEMORY_HIGH] = { "memory-high", "memory", "memory.high", "MemoryHigh", FORM_NUMBER },
        [LIMIT_CPUS] = { "cpus", "cpu", "cpu.max", "CPUQuota", FORM_CPUS },
        [LIMIT_CPU_WEIGHT] = { "cpu-weight", "cpu", "cpu.weight", "CPUWeight", FORM_NUMBER },
        [LIMIT_PIDS] = { "pids", "pids", "pids.max", "TasksMax", FORM_NUMBER },
        [LIMIT_IO_WEIGHT] = { "io-weight", "io", "io.weight", "IOWeight", FORM_DEFAULT },
};

bool plan_has_limits(const struct spec *s) {
        for (size_t i = 0; i < LIMIT_MAX_; i++)
                if (s->limits.cgroup[i].said)
                        return true;
        return false;
}

static bool has_word(const char *list, const char *word) {
        size_t n = strlen(word);

        for (const char *p = list; p && *p; p += strcspn(p, " \n"), p += strspn(p, " \n"))
                if (strcspn(p, " \n") == n && strncmp(p, word, n) == 0)
                        return true;
        return false;
}

/* Without a limit the files say "max"; a property says "infinity", CPUQuota= nothing. */
static const char *file_text(struct arena *a, enum form form, uint64_t v) {
        if (form == FORM_CPUS)
                /* Of a period of a tenth of a second, the kernel's own choice. */
                return v == UINT64_MAX ? "max 100000" : arena_printf(a, "%llu 100000", (unsigned long long) v * 100);
        if (v == UINT64_MAX)
                return "max";
        return arena_printf(a, "%s%llu", form == FORM_DEFAULT ? "default " : "", (unsigned long long) v);
}

static const char *property_text(struct arena *a, enum form form, uint64_t v) {
        if (form == FORM_CPUS)
                return v == UINT64_MAX ? "" : arena_printf(a, "%g%%", (double) v / 10);
        return v == UINT64_MAX ? "infinity" : arena_printf(a, "%llu", (unsigned long long) v);
}

/* In hundredths of a percent; without an overflow. */
static uint64_t share_of(uint64_t whole, uint64_t share) {
        return whole / 10000 * share + whole % 10000 * share / 10000;
}

static int missing_controller(const struct kind *k, const struct facts *f, const struct plan *p, struct err *e) {
        bool scope = p->unit.scope;

        err_set(e, ERR_HOST, 0, "--%s=: the controller %s is missing in the cgroup %s%s", k->option, k->controller,
                f->cgroup.mount,
                scope                                              ? ""
                : p->cgroup.of == CGROUP_UNIT && f->cgroup.unit[1] ? f->cgroup.unit
                : p->cgroup.of != CGROUP_UNIT && f->cgroup.own[1]  ? f->cgroup.own
                                                                   : "");
        return has_word(f->cgroup.all_controllers, k->controller)
                       ? err_hint(e, "whoever made that cgroup has not handed it on: cgroup.subtree_control above it")
                       : err_hint(e, "cgroup version 1 may hold it, or the kernel lacks it");
}

int plan_limits(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        const char *there = p->unit.scope ? f->cgroup.all_controllers : f->cgroup.controllers;

        for (size_t i = 0; i < LIMIT_MAX_; i++) {
                const struct spec_limit *l = &s->limits.cgroup[i];
                const struct kind *k = &kinds[i];
                uint64_t v = l->share ? share_of(f->host.memory, l->value) : l->value;

                if (!l->said)
                        continue;
                if (!p->cgroup.name) {
                        err_set(e, ERR_HOST, 0, "--%s=: there is no cgroup to limit: %s", k->option,
                                f->cgroup.found ? "berth may not make one here" : "this host has no cgroup2");
                        return err_hint(e, "berthctl check tells what this host offers");
                }
                if (!has_word(there, k->controller))
                        return missing_controller(k, f, p, e);
                p->cgroup.limits[p->cgroup.n_limits++] =
                        (struct plan_limit){ k->option, k->controller, k->file, file_text(a, k->form, v) };
                if (p->unit.scope)
                        strv_add(a, &p->unit.properties,
                                 arena_printf(a, "u%s=%s", k->property, property_text(a, k->form, v)));
        }
        /* Its files are root's, and root's inside too without a user namespace: they must not be in its reach. A
         * service manager's cgroups are safe by nsdelegate (cgroups(7)). */
        if (p->cgroup.n_limits > 0 && p->cgroup.of == CGROUP_OWN)
                p->cgroup.inner = "payload";
        return 0;
}
