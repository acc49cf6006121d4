/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/ctl_usage.h"

#include <errno.h>
#include <unistd.h>

#include "sys/proctable.h"

static uint64_t number(int cgroup, const char *file) {
        uint64_t value;

        return cgroup >= 0 && cgroupstat_number(cgroup, file, &value) == 0 ? value : UINT64_MAX;
}

static void by_cgroup(int cgroup, struct usage *u) {
        *u = (struct usage){
                .tasks = number(cgroup, "pids.current"),
                .tasks_max = number(cgroup, "pids.max"),
                .memory = number(cgroup, "memory.current"),
                .memory_max = number(cgroup, "memory.max"),
        };
        if (cgroup < 0 || cgroupstat_key(cgroup, "cpu.stat", "usage_usec", &u->cpu_us) < 0)
                u->cpu_us = UINT64_MAX;
        if (cgroup < 0 || cgroupstat_io(cgroup, "rbytes", &u->read) < 0 ||
            cgroupstat_io(cgroup, "wbytes", &u->written) < 0)
                u->read = u->written = UINT64_MAX;
}

/* A process that is gone meanwhile counts nothing. */
static void add(struct ctl *c, const struct proc_entry *p, struct usage *sum) {
        uint64_t read, written;

        sum->tasks += p->threads;
        sum->memory += p->resident;
        sum->cpu_us += p->ticks * (1000000 / (uint64_t) sysconf(_SC_CLK_TCK));
        if (sum->read != UINT64_MAX && proctable_io(c->proc, p->pid, &read, &written) == 0) {
                sum->read += read;
                sum->written += written;
        }
}

static int by_processes(struct ctl *c, const struct target *t, struct usage *sum, struct err *e) {
        struct proc_table table = { 0 };
        struct pid_list pids = { 0 };
        int k = 0;

        *sum = (struct usage){ 0 };
        if (t->cgroup >= 0 && cgroupstat_all_pids(t->cgroup, &c->arena, &pids) == 0) {
                for (size_t i = 0; i < pids.n; i++) {
                        struct proc_entry p;

                        if (proctable_read_one(c->proc, pids.items[i], &p) == 0)
                                add(c, &p, sum);
                }
                return 0;
        }
        k = proctable_read(c->proc, &c->arena, &table);
        if (k < 0)
                return err_set(e, ERR_HOST, -k, "cannot read /proc");
        (void) proctable_mark(&table, t->is.is.leader);
        for (size_t i = 0; i < table.n; i++)
                if (table.items[i].member)
                        add(c, &table.items[i], sum);
        return 0;
}

static void fill(uint64_t *number, uint64_t sum, struct usage *u) {
        if (*number != UINT64_MAX)
                return;
        *number = sum;
        u->summed = true;
}

int usage_collect(struct ctl *c, const struct target *t, struct usage *ret, struct err *e) {
        struct usage u, sum;
        int k;

        by_cgroup(t->cgroup, &u);
        if (u.tasks == UINT64_MAX || u.memory == UINT64_MAX || u.cpu_us == UINT64_MAX || u.read == UINT64_MAX) {
                k = by_processes(c, t, &sum, e);
                if (k < 0)
                        return k;
                fill(&u.tasks, sum.tasks, &u);
                fill(&u.memory, sum.memory, &u);
                fill(&u.cpu_us, sum.cpu_us, &u);
                fill(&u.read, sum.read, &u);
                fill(&u.written, sum.written, &u);
        }
        *ret = u;
        return 0;
}
