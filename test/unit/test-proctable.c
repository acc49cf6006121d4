/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sys/proctable.c: lines of /proc/PID/stat, and who is in a container. */

#include "sys/proctable.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "unit/tap.h"

static void test_parse(struct tap *t) {
        static const char tail[] =
                " S 7 1 1 0 -1 4194560 100 0 0 0 10 20 30 40 20 0 5 0 815 1000 3 184467 1 1 0 0 0 0";
        static const char *const bad[] = { "", "1", "1 (x)", "1 (x) S", "1 (x) S 7 1 1 0 -1 4194560 100 0 0 0 10 20" };
        struct proc_entry p = { 0 };
        char line[512];

        OK_INT(t, proctable_parse("4711 (odd) name) R 1 1", &p), -EBADMSG, "cut off");
        snprintf(line, sizeof line, "4711 (o) S 1 (d)%s", tail);
        OK_INT(t, proctable_parse(line, &p), 0, "a name with a bracket and fields in it");
        OK(t,
           p.pid == 4711 && p.above == 7 && p.ticks == 100 && p.threads == 5 && p.start == 815 &&
                   p.resident == 3 * (uint64_t) sysconf(_SC_PAGESIZE),
           "what it says");
        for (size_t i = 0; i < ELEMENTS(bad); i++)
                OK_INT(t, proctable_parse(bad[i], &p), -EBADMSG, "none: %s", bad[i]);
}

/* 2: leader, 3 and 4 in its namespace, 5 in one within, 6 entered from outside, 7 and self are the host's. */
static void test_mark(struct tap *t) {
        pid_t self = getpid();
        struct proc_entry rows[] = {
                { .pid = 1, .above = 0, .ns = 100 }, { .pid = 2, .above = 1, .ns = 200 },
                { .pid = 3, .above = 2, .ns = 200 }, { .pid = 4, .above = 3, .ns = 200 },
                { .pid = 5, .above = 4, .ns = 300 }, { .pid = 6, .above = 1, .ns = 200 },
                { .pid = 7, .above = 1, .ns = 100 }, { .pid = 8, .above = 5, .ns = 300 },
                { .pid = 9, .above = 9, .ns = 400 }, { .pid = self, .above = 7, .ns = 100 },
        };
        struct proc_table table = { rows, ELEMENTS(rows) };

        OK_INT(t, proctable_mark(&table, 2), 6, "so many");
        for (size_t i = 0; i < ELEMENTS(rows); i++)
                OK_INT(t, rows[i].member, rows[i].pid >= 2 && rows[i].pid <= 8 && rows[i].pid != 7, "process %d",
                       (int) rows[i].pid);
        OK_INT(t, proctable_mark(&table, 1), 0, "the host's namespace is no container");
        OK_INT(t, proctable_mark(&table, 7), 0, "nor is it by another process");
        OK_INT(t, proctable_mark(&table, 4242), 0, "nobody of that number");
        OK_INT(t, proctable_mark(&table, 9), 1, "a circle ends");
        rows[1].ns = 0;
        OK_INT(t, proctable_mark(&table, 2), 0, "a namespace that we may not see");
}

static void test_read(struct tap *t) {
        CLEAN_FD int proc = open("/proc", O_PATH | O_CLOEXEC);
        struct proc_table table = { 0 };
        const struct proc_entry *found = NULL;
        uint64_t read_bytes, written;
        struct arena a = { 0 };
        static char room[1 << 20];

        /* The kernel counts memory in lumps, and forgets the first ones. */
        memset(room, 1, sizeof room);
        OK_INT(t, proctable_read(proc, &a, &table), 0, "all processes");
        for (size_t i = 0; i < table.n; i++) {
                OK(t, i == 0 || table.items[i - 1].pid < table.items[i].pid || i > 50, "sorted");
                if (table.items[i].pid == getpid())
                        found = &table.items[i];
        }
        OK(t, found && found->above == getppid() && found->threads == 1 && found->resident > 0 && found->ns > 0,
           "we are among them");
        OK_INT(t, proctable_io(proc, getpid(), &read_bytes, &written), 0, "what we read and wrote");
        OK(t, strstr(proctable_command(proc, getpid(), &a), "test-proctable"), "our command line");
        OK_STR(t, proctable_command(proc, 0, &a), "?", "nobody's");
        arena_done(&a);
}

int main(void) {
        struct tap t = { 0 };

        test_parse(&t);
        test_mark(&t);
        test_read(&t);
        return tap_done(&t);
}
