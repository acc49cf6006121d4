/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/proctable.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/str.h"
#include "sys/process.h"

int proctable_parse(const char *line, struct proc_entry *ret) {
        uint64_t user, system, user_below, system_below, rss;
        /* The name may have anything in it, but what follows has no closing bracket. */
        const char *rest = strrchr(line, ')');
        struct proc_entry p = { 0 };

        if (!rest || sscanf(rest + 1,
                            " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                            " %*d %*d %" SCNu64 " %*d %" SCNu64 " %*u %" SCNu64,
                            &p.above, &user, &system, &user_below, &system_below, &p.threads, &p.start, &rss) != 8)
                return -EBADMSG;
        p.pid = (pid_t) strtol(line, NULL, 10);
        p.ticks = user + system + user_below + system_below;
        p.resident = rss * (uint64_t) sysconf(_SC_PAGESIZE);
        *ret = p;
        return 0;
}

int proctable_read_one(int proc, pid_t pid, struct proc_entry *ret) {
        char text[1024];
        ssize_t n = process_read(proc, pid, "stat", text, sizeof text);

        return n < 0 ? (int) n : proctable_parse(text, ret);
}

static void add(int proc, const char *name, struct arena *a, struct proc_table *ret) {
        char path[64];
        struct proc_entry p;
        struct stat st;

        if (proctable_read_one(proc, (pid_t) strtol(name, NULL, 10), &p) < 0)
                return;
        snprintf(path, sizeof path, "%d/ns/pid", (int) p.pid);
        p.ns = fstatat(proc, path, &st, 0) == 0 ? st.st_ino : 0;
        *arena_push(a, ret) = p;
}

static int by_pid(const void *a, const void *b) {
        const struct proc_entry *x = a, *y = b;

        return (x->pid > y->pid) - (x->pid < y->pid);
}

int proctable_read(int proc, struct arena *a, struct proc_table *ret) {
        CLEAN_FD int fd = openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        CLEAN_DIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);

        if (!dir)
                return -errno;
        fd = -1;
        for (struct dirent *d; (d = readdir(dir));)
                if (d->d_name[0] >= '1' && d->d_name[0] <= '9')
                        add(proc, d->d_name, a, ret);
        if (ret->n > 1)
                qsort(ret->items, ret->n, sizeof *ret->items, by_pid);
        return 0;
}

static struct proc_entry *find(const struct proc_table *t, pid_t pid) {
        struct proc_entry key = { .pid = pid };

        return t->n > 0 ? bsearch(&key, t->items, t->n, sizeof key, by_pid) : NULL;
}

/* Namespaces nest at most 32 deep, but chains of processes have no bound. A table that was not read in one moment may
 * even hold a circle. */
static bool is_below_member(const struct proc_table *t, const struct proc_entry *p, uint64_t ns) {
        for (size_t steps = 0; p && steps < t->n; steps++) {
                if (p->ns == ns)
                        return true;
                p = find(t, p->above);
        }
        return false;
}

size_t proctable_mark(struct proc_table *t, pid_t leader) {
        const struct proc_entry *top = find(t, leader), *self = find(t, getpid());
        /* In our own namespace there is no container, but all of the host. */
        bool some = top && self && top->ns != 0 && top->ns != self->ns;
        size_t n = 0;

        for (size_t i = 0; i < t->n; i++) {
                t->items[i].member = some && is_below_member(t, &t->items[i], top->ns);
                n += t->items[i].member;
        }
        return n;
}

int proctable_io(int proc, pid_t pid, uint64_t *ret_read, uint64_t *ret_written) {
        char text[1024], *at, *to;
        ssize_t n = process_read(proc, pid, "io", text, sizeof text);

        if (n < 0)
                return (int) n;
        at = strstr(text, "\nread_bytes: ");
        to = strstr(text, "\nwrite_bytes: ");
        if (!at || !to)
                return -EBADMSG;
        *ret_read = strtoull(at + strlen("\nread_bytes: "), NULL, 10);
        *ret_written = strtoull(to + strlen("\nwrite_bytes: "), NULL, 10);
        return 0;
}

const char *proctable_command(int proc, pid_t pid, struct arena *a) {
        char text[2048];
        ssize_t n = process_read(proc, pid, "cmdline", text, sizeof text);

        while (n > 0 && text[n - 1] == '\0')
                n--;
        if (n > 0) {
                for (ssize_t i = 0; i < n; i++)
                        if (text[i] == '\0')
                                text[i] = ' ';
                return arena_strndup(a, text, (size_t) n);
        }
        n = process_read(proc, pid, "comm", text, sizeof text);
        return n > 0 ? arena_printf(a, "[%.*s]", (int) strcspn(text, "\n"), text) : "?";
}
