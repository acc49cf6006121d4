/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/cpus.h"

#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not sched_getcpu(3): the vDSO would have to be found first. */
int cpus_here(void) {
        unsigned cpu;

        return syscall(SYS_getcpu, &cpu, NULL, NULL) < 0 ? -1 : (int) cpu;
}

/* A set that was given stays with a process and all that it starts, whatever its cgroup (cpuset) or the host get
 * later. So where nobody had given one, the whole is given: that leaves the same processors, and those to come. */
static void give_back(pid_t pid, const cpu_set_t *before) {
        cpu_set_t all, now;
        bool free;

        memset(&all, 0xff, sizeof all);
        free = sched_setaffinity(pid, sizeof all, &all) == 0 && sched_getaffinity(pid, sizeof now, &now) == 0 &&
               CPU_EQUAL(&now, before);
        if (!free)
                (void) sched_setaffinity(pid, sizeof *before, before);
}

void cpus_move_from(pid_t pid, int cpu) {
        cpu_set_t before, others;

        if (cpu < 0 || cpu >= CPU_SETSIZE || sched_getaffinity(pid, sizeof before, &before) < 0)
                return;
        others = before;
        CPU_CLR((unsigned) cpu, &others);
        if (CPU_COUNT(&others) > 0 && sched_setaffinity(pid, sizeof others, &others) == 0)
                give_back(pid, &before);
}
