/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berthctl logs, by way of journalctl. */

#include "cli/ctl_journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/errno_text.h"
#include "base/str.h"
#include "cli/ctl.h"
#include "sys/cgroupfs.h"
#include "sys/process.h"
#include "sys/resolve.h"

enum { LOOK_MS = 100 };

#define KEPT    "/var/log/journal"
#define RUNTIME "/run/log/journal"

/* --- where it is --- */

static int open_root(int proc, const struct container *m) {
        char path[64];

        snprintf(path, sizeof path, "%d/root", (int) m->is.leader);
        return openat(proc, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static bool is_known(const struct container *m) {
        char path[300];

        snprintf(path, sizeof path, "/run/systemd/machines/%s", m->name);
        return m->state == CONTAINER_RUNNING && m->is.mode && streq(m->is.mode, "boot") && access(path, F_OK) == 0;
}

bool journal_is_there(int proc, const struct container *m) {
        static const char *const places[] = { KEPT, RUNTIME };
        CLEAN_FD int root = is_known(m) ? open_root(proc, m) : -1;

        for (size_t i = 0; root >= 0 && i < ELEMENTS(places); i++) {
                CLEAN_FD int fd = resolve_in_root(root, places[i], O_PATH | O_DIRECTORY);

                if (fd >= 0)
                        return true;
        }
        return false;
}

/* Is something in this directory? journald makes one there before its files. */
static bool is_used(int dir) {
        int fd = dir < 0 ? -1 : openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        CLEAN_DIR DIR *d = fd < 0 ? NULL : fdopendir(fd);
        bool used = false;

        for (struct dirent *entry; d && !used && (entry = readdir(d));)
                used = !streq(entry->d_name, ".") && !streq(entry->d_name, "..");
        return used;
}

static int open_place(int proc, const struct container *m, const char *place) {
        CLEAN_FD int root = open_root(proc, m);

        return root < 0 ? -1 : resolve_in_root(root, place, O_PATH | O_DIRECTORY);
}

static bool has_begun(int proc, const struct container *m) {
        CLEAN_FD int kept = is_known(m) ? open_place(proc, m, KEPT) : -1;
        CLEAN_FD int runtime = is_known(m) ? open_place(proc, m, RUNTIME) : -1;

        return is_used(kept) || is_used(runtime);
}

void journal_find_service(int proc, const struct container *m, char *ret, size_t size) {
        const char *suffix = ".service";
        char path[4096], *state;

        *ret = '\0';
        if (m->state != CONTAINER_RUNNING || cgroupfs_of(proc, m->is.supervisor, path, sizeof path) < 0)
                return;
        for (char *part = strtok_r(path, "/", &state); part; part = strtok_r(NULL, "/", &state)) {
                size_t n = strlen(part);

                if (n > strlen(suffix) && n < size && streq(part + n - strlen(suffix), suffix))
                        strcpy(ret, part);
        }
}

/* --- journalctl --- */

static _Noreturn void exec_journalctl(const struct journal_ask *ask, const char *which, const char *what) {
        const char *argv[12] = { "journalctl", "--no-pager", which, what, ask->lines ? "-n" : "--no-tail" };
        size_t n = 5;

        if (ask->lines)
                argv[n++] = ask->lines;
        if (ask->follow)
                argv[n++] = "-f";
        /* Else it follows one boot, and a restart in place is another. */
        if (ask->follow && streq(which, "-M"))
                argv[n++] = "--merge";
        execvp(argv[0], (char **) argv);
        ctl_say("cannot run journalctl: %s", errno_text(errno));
        _exit(EXIT_FAILURE);
}

static int start(const struct journal_ask *ask, const char *which, const char *what, struct process *ret,
                 struct err *e) {
        int k;

        fflush(NULL);
        k = process_clone(0, -1, ret);
        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot make a process");
        if (k == 0)
                exec_journalctl(ask, which, what);
        return 0;
}

/* It would follow for ever. */
static int end(const struct process *p, struct err *e) {
        int code, status, k = process_wait(p->pidfd, false, &code, &status);
        bool asked = k == -EAGAIN;

        if (asked) {
                (void) process_signal(p->pidfd, SIGTERM);
                k = process_wait(p->pidfd, true, &code, &status);
        }
        close(p->pidfd);
        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot wait for journalctl");
        return code == CLD_EXITED && !asked ? status : EXIT_SUCCESS;
}

/* Until it ends, or the container does, or its leader (-1: nobody waits for that): 1 for the last. */
static int wait_for_one(const struct journal_ask *ask, const struct process *p, int leader) {
        struct pollfd wait[] = { { .fd = p->pidfd, .events = POLLIN },
                                 { .fd = ask->conn, .events = POLLIN },
                                 { .fd = leader, .events = POLLIN } };

        while (poll(wait, ELEMENTS(wait), -1) < 0 && errno == EINTR)
                ;
        return !wait[0].revents && !wait[1].revents && wait[2].revents;
}

int journal_show_service(const struct journal_ask *ask, const char *service, struct err *e) {
        struct process p = { .pidfd = -1 };
        int k = start(ask, "-u", service, &p, e);

        if (k < 0)
                return k;
        (void) wait_for_one(ask, &p, -1);
        return end(&p, e);
}

/* --- through restarts in place --- */

/* After the leader's end: the next one, once its journal has begun. 0: the container has ended. */
static int wait_for_next(const struct journal_ask *ask, const char *name, pid_t last, struct arena *a,
                         struct container *ret) {
        for (;;) {
                struct pollfd wait = { .fd = ask->conn, .events = POLLIN };
                struct arena here = { 0 };
                struct err e;
                bool found;

                if (poll(&wait, 1, LOOK_MS) > 0)
                        return 0;
                found = container_find(name, &here, ret, &e) == 0 && ret->state == CONTAINER_RUNNING &&
                        ret->is.leader != last && has_begun(ask->proc, ret);
                arena_done(&here);
                if (found)
                        return container_find(name, a, ret, &e) == 0;
        }
}

/* A journal in memory goes with the start that wrote it: the next one is another. One on the disk is the same. */
static int follow_one(const struct journal_ask *ask, struct arena *a, struct container *m, struct err *e) {
        CLEAN_FD int runtime = open_place(ask->proc, m, RUNTIME);
        CLEAN_FD int leader = process_open(m->is.leader);
        struct process p = { .pidfd = -1 };
        pid_t last = m->is.leader;
        int k = start(ask, "-M", m->name, &p, e), again = 0;

        if (k < 0)
                return k;
        if (wait_for_one(ask, &p, leader)) {
                if (is_used(runtime))
                        again = wait_for_next(ask, m->name, last, a, m);
                else
                        (void) wait_for_one(ask, &p, -1);
        }
        k = end(&p, e);
        if (k < 0)
                return k;
        return again ? -EAGAIN : k;
}

int journal_show(const struct journal_ask *ask, const struct container *m, struct err *e) {
        struct journal_ask next = *ask;
        struct container now = *m;
        struct arena a = { 0 };
        struct process p = { .pidfd = -1 };
        int k;

        if (!ask->follow || ask->conn < 0) {
                k = start(ask, "-M", m->name, &p, e);
                if (k < 0)
                        return k;
                (void) wait_for_one(ask, &p, -1);
                return end(&p, e);
        }
        /* All of a journal that has just begun is news. */
        while ((k = follow_one(&next, &a, &now, e)) == -EAGAIN)
                next.lines = NULL;
        arena_done(&a);
        return k;
}
