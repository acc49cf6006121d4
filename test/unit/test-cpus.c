/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sys/cpus.c: a process goes elsewhere, and may be where it might be before. */

#include "sys/cpus.h"

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "unit/tap.h"

/* Always ready to run. */
static pid_t busy_child(const cpu_set_t *allowed) {
        pid_t pid = fork();

        if (pid != 0)
                return pid;
        if (allowed && sched_setaffinity(0, sizeof *allowed, allowed) < 0)
                _exit(1);
        for (;;)
                sched_yield();
}

static void end(pid_t pid) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
}

static int first_of(const cpu_set_t *set) {
        for (int i = 0; i < CPU_SETSIZE; i++)
                if (CPU_ISSET(i, set))
                        return i;
        return -1;
}

static void test_here(struct tap *t) {
        cpu_set_t may;
        int cpu = cpus_here();

        OK_INT(t, sched_getaffinity(0, sizeof may, &may), 0, "our processors");
        OK(t, cpu >= 0 && CPU_ISSET(cpu, &may), "we are on one of them: %d", cpu);
}

static void test_free(struct tap *t) {
        cpu_set_t before, after;
        pid_t pid = busy_child(NULL);

        OK_INT(t, sched_getaffinity(pid, sizeof before, &before), 0, "a child");
        for (int cpu = -1; cpu < CPU_COUNT(&before); cpu++) {
                cpus_move_from(pid, cpu);
                OK(t, sched_getaffinity(pid, sizeof after, &after) == 0 && CPU_EQUAL(&before, &after),
                   "moved from %d: it may be where it might be", cpu);
        }
        cpus_move_from(pid, CPU_SETSIZE);
        OK(t, sched_getaffinity(pid, sizeof after, &after) == 0 && CPU_EQUAL(&before, &after), "no such processor");
        end(pid);
}

/* It had been told where it may be. */
static void test_told(struct tap *t) {
        cpu_set_t all, one, after;
        pid_t pid;

        OK_INT(t, sched_getaffinity(0, sizeof all, &all), 0, "our processors");
        CPU_ZERO(&one);
        CPU_SET(first_of(&all), &one);
        pid = busy_child(&one);
        do
                (void) sched_yield();
        while (sched_getaffinity(pid, sizeof after, &after) == 0 && !CPU_EQUAL(&one, &after));
        cpus_move_from(pid, first_of(&all));
        OK(t, sched_getaffinity(pid, sizeof after, &after) == 0 && CPU_EQUAL(&one, &after),
           "the only one that it may be on is not taken from it");
        cpus_move_from(pid, CPU_SETSIZE - 1);
        OK(t, sched_getaffinity(pid, sizeof after, &after) == 0 && CPU_EQUAL(&one, &after), "nor is it given more");
        end(pid);
}

int main(void) {
        struct tap t = { 0 };

        alarm(60);
        test_here(&t);
        test_free(&t);
        test_told(&t);
        return tap_done(&t);
}
