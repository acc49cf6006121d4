/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Times whole processes, from spawn to wait.
 *
 *   meter [-n ROUNDS] [-q MS] [-p MS] -- NAME COMMAND... [--- NAME COMMAND...]...
 *
 * The commands run one after the other in each round, so that whatever else happens on the machine hits all alike;
 * each round in another order, since a command pays for what the one before it drove out of the caches. Before each
 * run it pauses (-p), and then waits up to MS milliseconds (-q) for a moment when nothing else wants to run. Two
 * rounds come first that do not count. Prints a line for each command, microseconds, tabs between: NAME minimum median
 * 90th-percentile cpu-median failures
 */

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COMMANDS = 32, WARM_UP = 2, CALM = 4 };

struct command {
        const char *name;
        char **argv;
        long *wall, *cpu; /* one for each round */
        int failed;
};

struct meter {
        struct command commands[COMMANDS];
        int n, rounds, quiet_ms, pause_ms, stat;
        posix_spawn_file_actions_t stdio;
};

static _Noreturn void die(const char *what) {
        fprintf(stderr, "meter: %s: %s\n", what, strerror(errno));
        exit(2);
}

static long now_us(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1000000L + t.tv_nsec / 1000;
}

/* How many processes run or want to, this one among them (proc_stat(5)). */
static int wanting(int stat) {
        char text[16384], *at;
        ssize_t n = pread(stat, text, sizeof text - 1, 0);

        if (n <= 0)
                return 1;
        text[n] = '\0';
        at = strstr(text, "procs_running ");
        return at ? atoi(at + strlen("procs_running ")) : 1;
}

static void await_calm(const struct meter *m) {
        long end = now_us() + m->quiet_ms * 1000L;
        int calm = 0;

        while (now_us() < end && calm < CALM) {
                calm = wanting(m->stat) <= 1 ? calm + 1 : 0;
                usleep(500);
        }
}

static long cpu_us(const struct rusage *u) {
        return (u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1000000L + u->ru_utime.tv_usec + u->ru_stime.tv_usec;
}

static void run_once(const struct meter *m, struct command *c, int round) {
        extern char **environ;
        struct rusage usage;
        long start, took;
        int status;
        pid_t pid;

        usleep((useconds_t) m->pause_ms * 1000);
        await_calm(m);
        start = now_us();
        errno = posix_spawnp(&pid, c->argv[0], &m->stdio, NULL, c->argv, environ);
        if (errno)
                die(c->argv[0]);
        while (wait4(pid, &status, 0, &usage) < 0)
                if (errno != EINTR)
                        die("wait4");
        took = now_us() - start;
        if (round >= 0) {
                c->wall[round] = took;
                c->cpu[round] = cpu_us(&usage);
                c->failed += status != 0;
        }
        /* What a launcher leaves to the kernel to do later shall not be on the next one's bill. */
        usleep(took > 20000 ? 20000 : 2000);
}

static int ascending(const void *a, const void *b) {
        long x = *(const long *) a, y = *(const long *) b;

        return (x > y) - (x < y);
}

static void report(const struct meter *m) {
        for (int i = 0; i < m->n; i++) {
                const struct command *c = &m->commands[i];

                qsort(c->wall, (size_t) m->rounds, sizeof *c->wall, ascending);
                qsort(c->cpu, (size_t) m->rounds, sizeof *c->cpu, ascending);
                printf("%s\t%ld\t%ld\t%ld\t%ld\t%d\n", c->name, c->wall[0], c->wall[m->rounds / 2],
                       c->wall[m->rounds * 9 / 10], c->cpu[m->rounds / 2], c->failed);
        }
}

static void add_command(struct meter *m, char **words) {
        struct command *c = &m->commands[m->n];

        errno = E2BIG;
        if (m->n == COMMANDS || !words[0] || !words[1])
                die("commands");
        *c = (struct command){ .name = words[0], .argv = words + 1 };
        c->wall = calloc((size_t) m->rounds, sizeof *c->wall);
        c->cpu = calloc((size_t) m->rounds, sizeof *c->cpu);
        if (!c->wall || !c->cpu)
                die("memory");
        m->n++;
}

/* The same orders in each run: they shall differ between rounds, and need not surprise anybody. */
static void shuffle(int *order, int n, unsigned *seed) {
        for (int i = n - 1; i > 0; i--) {
                int k, swap = order[i];

                *seed = *seed * 1103515245 + 12345;
                k = (int) (*seed >> 16) % (i + 1);
                order[i] = order[k];
                order[k] = swap;
        }
}

static void run_round(struct meter *m, int round) {
        unsigned seed = (unsigned) (round + WARM_UP + 1);
        int order[COMMANDS];

        for (int i = 0; i < m->n; i++)
                order[i] = i;
        shuffle(order, m->n, &seed);
        for (int i = 0; i < m->n; i++)
                run_once(m, &m->commands[order[i]], round);
}

static void split(struct meter *m, char **words) {
        char **start = words;

        for (char **w = words; *w; w++) {
                if (strcmp(*w, "---") != 0)
                        continue;
                *w = NULL;
                add_command(m, start);
                start = w + 1;
        }
        add_command(m, start);
}

static void silence(struct meter *m) {
        posix_spawn_file_actions_init(&m->stdio);
        posix_spawn_file_actions_addopen(&m->stdio, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&m->stdio, 1, "/dev/null", O_WRONLY, 0);
        if (!getenv("METER_STDERR"))
                posix_spawn_file_actions_addopen(&m->stdio, 2, "/dev/null", O_WRONLY, 0);
}

int main(int argc, char **argv) {
        struct meter m = { .rounds = 60, .quiet_ms = 150 };
        int o;

        while ((o = getopt(argc, argv, "+n:q:p:")) != -1)
                switch (o) {
                case 'n': m.rounds = atoi(optarg); break;
                case 'q': m.quiet_ms = atoi(optarg); break;
                case 'p': m.pause_ms = atoi(optarg); break;
                default: return 2;
                }
        if (m.rounds < 1 || m.pause_ms < 0)
                return 2;
        m.stat = open("/proc/stat", O_RDONLY | O_CLOEXEC);
        split(&m, argv + optind);
        silence(&m);
        (void) setpriority(PRIO_PROCESS, 0, -15);
        for (int round = -WARM_UP; round < m.rounds; round++)
                run_round(&m, round);
        report(&m);
        return 0;
}
