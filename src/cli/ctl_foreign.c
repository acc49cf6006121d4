/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Machines that are not berth's, by way of berth-agent: berthctl itself speaks to no bus. It is asked only where there
 * is one: machined keeps a file for each. */

#include "cli/ctl_foreign.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/parse.h"
#include "base/str.h"
#include "cli/ctl_target.h"
#include "host/agent.h"
#include "probe/probe.h"
#include "sys/process.h"

#define MACHINES "/run/systemd/machines"

enum { PATIENCE_MS = 2000, TEXT_MAX = 1024 * 1024, FIELDS = 5 };

static bool is_own(const struct container_list *own, const char *name) {
        for (size_t i = 0; i < own->n; i++)
                if (own->items[i].state != CONTAINER_DEAD && streq(own->items[i].name, name))
                        return true;
        return false;
}

static bool has_foreign(const struct container_list *own) {
        CLEAN_DIR DIR *dir = opendir(MACHINES);
        bool found = false;

        for (struct dirent *d; dir && !found && (d = readdir(dir));)
                found = is_hostname(d->d_name) && !is_own(own, d->d_name);
        return found;
}

/* All that comes until the end, in time. -1: not so. */
static ssize_t read_all(int fd, char *text, size_t size) {
        int64_t end = ctl_now_ms() + PATIENCE_MS;
        size_t n = 0;

        for (;;) {
                struct pollfd p = { .fd = fd, .events = POLLIN };
                int64_t left = end - ctl_now_ms();
                ssize_t k;

                if (left <= 0 || n == size || poll(&p, 1, (int) left) == 0)
                        return -1;
                k = read(fd, text + n, size - n);
                if (k < 0 && errno != EINTR)
                        return -1;
                if (k == 0)
                        return (ssize_t) n;
                n += k > 0 ? (size_t) k : 0;
        }
}

static ssize_t ask_agent(struct ctl *c, const char *agent, char *text, size_t size) {
        char *const argv[] = { (char *) "berth-agent", (char *) "list", NULL };
        const char *bus = str_env(c->env, "DBUS_SYSTEM_BUS_ADDRESS");
        char *const env[] = { bus ? arena_printf(&c->arena, "DBUS_SYSTEM_BUS_ADDRESS=%s", bus) : NULL, NULL };
        const struct process_spawn want = { .path = agent, .argv = argv, .env = env, .fd = AGENT_FD };
        CLEAN_FD int ours = -1, theirs = -1;
        int ends[2], status = 0;
        ssize_t n;
        pid_t pid;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -1;
        ours = ends[0];
        theirs = ends[1];
        pid = process_spawn(&want, theirs);
        if (pid < 0)
                return -1;
        close(TAKE_FD(theirs));
        n = read_all(ours, text, size);
        /* It is our child, and not reaped yet: the number is its own. */
        if (n < 0)
                (void) kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        return n < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0 ? -1 : n;
}

static void add_line(struct ctl *c, char *line, const struct container_list *own, struct foreign_list *ret) {
        char *field[FIELDS] = { NULL };
        size_t i = 0;
        struct foreign *f;

        while (i < FIELDS && line)
                field[i++] = strsep(&line, "\t");
        if (i < FIELDS || !is_hostname(field[0]) || is_own(own, field[0]))
                return;
        f = arena_push(&c->arena, ret);
        *f = (struct foreign){
                .name = field[0],
                .class = field[1],
                .service = field[2],
                .leader = (pid_t) strtol(field[3], NULL, 10),
                .root = field[4],
        };
        for (; f > ret->items && strcmp(f[-1].name, f->name) > 0; f--) {
                const struct foreign moved = *f;

                *f = f[-1];
                f[-1] = moved;
        }
}

void foreign_list(struct ctl *c, const struct container_list *own, struct foreign_list *ret) {
        const char *agent;
        char *text, *line;
        ssize_t n = -1;

        *ret = (struct foreign_list){ 0 };
        if (!has_foreign(own))
                return;
        agent = probe_agent(&c->arena);
        text = arena_alloc(&c->arena, TEXT_MAX + 1);
        if (agent)
                n = ask_agent(c, agent, text, TEXT_MAX);
        if (n < 0) {
                ctl_say("machines that are not berth's are not shown: %s",
                        agent ? "systemd-machined does not answer" : "berth-agent is not installed");
                return;
        }
        text[n] = '\0';
        while ((line = strsep(&text, "\n")))
                add_line(c, line, own, ret);
}
