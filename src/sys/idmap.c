/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/str.h"
#include "sys/process.h"
#include "sys/resolve.h"

static int write_map(int proc, pid_t pid, const char *name, const char *map) {
        char path[64], number[STR_NUMBER];
        ssize_t n = (ssize_t) strlen(map);
        CLEAN_FD int fd = -1;

        str_join(path, sizeof path, str_number((uint64_t) pid, number), "/", name, NULL);
        fd = resolve_beneath(proc, path, O_WRONLY);
        if (fd < 0)
                return fd;
        return write(fd, map, (size_t) n) == n ? 0 : errno ? -errno : -EIO;
}

static int write_maps(int proc, pid_t pid, const char *uids, const char *gids) {
        int r = write_map(proc, pid, "uid_map", uids);

        return r < 0 ? r : write_map(proc, pid, "gid_map", gids);
}

int idmap_write(int proc, pid_t pid, uint32_t base, uint32_t count) {
        char map[64];

        snprintf(map, sizeof map, "0 %u %u\n", base, count);
        return write_maps(proc, pid, map, map);
}

/* It never outlives who made it. */
static _Noreturn void hold(pid_t caller) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == caller)
                for (;;)
                        pause();
        _exit(EXIT_FAILURE);
}

int idmap_make_bare(int proc, uid_t owner, struct process *ret_holder) {
        pid_t caller = getpid();
        int fd, k = process_clone_owned(CLONE_NEWUSER, -1, owner, ret_holder);

        if (k < 0)
                return k;
        if (k == 0)
                hold(caller);
        fd = idmap_open(proc, ret_holder->pid);
        if (fd < 0)
                idmap_end_holder(ret_holder);
        return fd;
}

void idmap_end_holder(struct process *holder) {
        int code, status;

        (void) process_signal(holder->pidfd, SIGKILL);
        (void) process_wait(holder->pidfd, true, &code, &status);
        clean_fd(&holder->pidfd);
        *holder = (struct process){ .pidfd = -1 };
}

static int make(int proc, const char *uids, const char *gids) {
        struct process holder = { .pidfd = -1 };
        CLEAN_FD int fd = idmap_make_bare(proc, geteuid(), &holder);
        int k = fd < 0 ? fd : write_maps(proc, holder.pid, uids, gids);

        if (fd >= 0)
                idmap_end_holder(&holder);
        return k < 0 ? k : TAKE_FD(fd);
}

enum { MAP_TEXT = 4096 };

static int format_map(const struct idmap_extents *l, char text[MAP_TEXT]) {
        size_t n = 0;

        text[0] = '\0';
        for (size_t i = 0; i < l->n && n < MAP_TEXT; i++) {
                const struct idmap_extent *x = &l->items[i];
                char a[STR_NUMBER], b[STR_NUMBER], c[STR_NUMBER];

                n += str_join(text + n, MAP_TEXT - n, str_number(x->inside, a), " ", str_number(x->outside, b), " ",
                              str_number(x->count, c), "\n", NULL);
        }
        return n < MAP_TEXT ? 0 : -E2BIG;
}

int idmap_make_of(int proc, const struct idmap_extents *uids, const struct idmap_extents *gids) {
        char u[MAP_TEXT], g[MAP_TEXT];
        int k = format_map(uids, u);

        k = k < 0 ? k : format_map(gids, g);
        return k < 0 ? k : make(proc, u, g);
}

int idmap_write_of(int proc, pid_t pid, const struct idmap_extents *ids) {
        char map[MAP_TEXT];
        int k = format_map(ids, map);

        return k < 0 ? k : write_maps(proc, pid, map, map);
}

int idmap_open(int proc, pid_t pid) {
        char path[64], number[STR_NUMBER];
        int fd;

        /* A namespace file is a magic link: openat2 with our flags would refuse it. The name is made of a number, in a
         * proc file system of the host. */
        str_join(path, sizeof path, str_number((uint64_t) pid, number), "/ns/user", NULL);
        fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int idmap_is_initial(int proc) {
        unsigned inside, outside, count;
        char line[128];
        ssize_t n = file_read_at(proc, "self/uid_map", line, sizeof line);

        if (n < 0)
                return (int) n;
        return sscanf(line, "%u %u %u", &inside, &outside, &count) == 3 && inside == 0 && outside == 0 &&
               count == UINT32_MAX;
}

int idmap_has_group(int proc, uint32_t gid) {
        char text[4096];
        ssize_t n = file_read_at(proc, "self/gid_map", text, sizeof text);

        if (n < 0)
                return (int) n;
        for (const char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
                unsigned inside, outside, count;

                if (sscanf(line, "%u %u %u", &inside, &outside, &count) == 3 && gid >= inside && gid - inside < count)
                        return 1;
        }
        return 0;
}

void idmap_parse(const char *text, struct idmap_table *ret) {
        int used;

        for (ret->n = 0; ret->n < IDMAP_EXTENTS; text += used, ret->n++) {
                struct idmap_extent *x = &ret->extents[ret->n];

                if (sscanf(text, " %u %u %u%n", &x->inside, &x->outside, &x->count, &used) != 3)
                        return;
        }
}

int idmap_read(int proc, pid_t pid, const char *name, struct idmap_table *ret) {
        char path[64], text[IDMAP_EXTENTS * 40];
        CLEAN_FD int fd = -1;
        ssize_t n;

        snprintf(path, sizeof path, "%d/%s", (int) pid, name);
        fd = resolve_beneath(proc, path, O_RDONLY);
        if (fd < 0)
                return fd;
        n = file_read(fd, text, sizeof text - 1);
        if (n < 0)
                return (int) n;
        text[n] = '\0';
        idmap_parse(text, ret);
        return 0;
}

int idmap_to_inside(const struct idmap_table *t, uint32_t outside, uint32_t *ret) {
        for (size_t i = 0; i < t->n; i++)
                if (outside - t->extents[i].outside < t->extents[i].count && outside >= t->extents[i].outside) {
                        *ret = t->extents[i].inside + (outside - t->extents[i].outside);
                        return 0;
                }
        return -ENOENT;
}

int idmap_to_outside(const struct idmap_table *t, uint32_t inside, uint32_t *ret) {
        for (size_t i = 0; i < t->n; i++)
                if (inside - t->extents[i].inside < t->extents[i].count && inside >= t->extents[i].inside) {
                        *ret = t->extents[i].outside + (inside - t->extents[i].inside);
                        return 0;
                }
        return -ENOENT;
}
