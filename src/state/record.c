/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/parse.h"
#include "base/str.h"
#include "state/lock.h"
#include "sys/process.h"

#define TOP "/run/berth"

void record_init(struct record *r) {
        *r = (struct record){ .fd = -1 };
}

/* What we made a moment ago goes again; a directory that others use is not empty. */
static int undo(int top, const char *name, int result) {
        (void) unlinkat(top, name, AT_REMOVEDIR);
        return result;
}

/* 1: a running container holds it. -EAGAIN: it was removed under our hands, or somebody looks whether it is held
 * (container.c), which takes a moment: try again. */
static int try_take(struct record *r, int top) {
        CLEAN_FD int dir = -1, fd = -1;
        struct stat st;

        r->found = mkdirat(top, r->name, 0700) < 0;
        if (r->found && errno != EEXIST)
                return -errno;
        dir = openat(top, r->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (dir < 0)
                return errno == ENOENT ? -EAGAIN : undo(top, r->name, -errno);
        fd = openat(dir, "record", O_RDWR | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
        if (fd < 0)
                return errno == ENOENT ? -EAGAIN : undo(top, r->name, -errno);
        if (flock(fd, LOCK_EX | LOCK_NB) < 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
                if (errno != EWOULDBLOCK)
                        return -errno;
                if (flock(fd, LOCK_SH | LOCK_NB) < 0)
                        return 1;
                (void) flock(fd, LOCK_UN);
                usleep(1000);
                return -EAGAIN;
        }
        if (fstat(fd, &st) < 0) {
                (void) unlinkat(dir, "record", 0);
                return undo(top, r->name, -errno);
        }
        if (st.st_nlink == 0)
                return -EAGAIN;
        r->fd = TAKE_FD(fd);
        r->size = st.st_size;
        return 0;
}

int record_take(struct record *r, const char *name, struct err *e) {
        CLEAN_FD int top = state_open_dir(TOP, 0700, e);
        int k = -EAGAIN;

        if (top < 0)
                return top;
        snprintf(r->name, sizeof r->name, "%s", name);
        for (int tries = 0; k == -EAGAIN && tries < 64; tries++)
                k = try_take(r, top);
        if (k == 0)
                return 0;
        if (k > 0)
                return 1;
        return state_hint(e, err_set(e, ERR_HOST, -k, "cannot make the record " TOP "/%s", name));
}

/* 0: no such number. */
static uint64_t number_in(const char *text, const char *key) {
        const char *at = strstr(text, key);

        return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static void read_text(int fd, char text[static RECORD_MAX + 1]) {
        ssize_t n = pread(fd, text, RECORD_MAX, 0);

        text[n > 0 ? n : 0] = '\0';
}

bool record_is_ending(const struct record *r, int proc) {
        char text[RECORD_MAX + 1], path[sizeof TOP "//record" + sizeof r->name];
        CLEAN_FD int fd = -1;
        pid_t supervisor, leader;

        snprintf(path, sizeof path, TOP "/%s/record", r->name);
        fd = open(path, O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT;
        read_text(fd, text);
        /* Taken this very moment, or by one that was killed there. */
        if (!*text)
                return true;
        supervisor = (pid_t) number_in(text, "\"supervisor\":");
        leader = (pid_t) number_in(text, "\"leader\":");
        return (supervisor > 0 && process_is_ending(proc, supervisor)) ||
               (leader > 0 && process_is_ending(proc, leader));
}

int record_stale_leader(const struct record *r, pid_t *ret_leader, uint64_t *ret_start) {
        char text[RECORD_MAX + 1];

        if (r->size == 0)
                return 0;
        read_text(r->fd, text);
        *ret_leader = (pid_t) number_in(text, "\"leader\":");
        *ret_start = number_in(text, "\"leaderStart\":");
        return *ret_leader > 0 && *ret_start > 0;
}

struct text {
        size_t n;
        bool full; /* something did not fit */
        char s[RECORD_MAX];
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *fmt, ...) {
        size_t room = sizeof t->s - t->n;
        va_list ap;
        int n;

        va_start(ap, fmt);
        n = vsnprintf(t->s + t->n, room, fmt, ap);
        va_end(ap);
        t->full |= n < 0 || (size_t) n >= room;
        t->n += t->full ? 0 : (size_t) n;
}

/* RFC 8259 strings: quotes and backslashes are escaped, and so is all that is not printable ASCII: a path is bytes,
 * and each becomes one \u00NN. */
static void put_string(struct text *t, const char *s) {
        put(t, s ? "\"" : "null");
        for (; s && *s; s++)
                if ((unsigned char) *s < 0x20 || (unsigned char) *s >= 0x7f)
                        put(t, "\\u%04x", (unsigned char) *s);
                else if (*s == '"' || *s == '\\')
                        put(t, "\\%c", *s);
                else if (t->n + 1 < sizeof t->s)
                        t->s[t->n++] = *s;
                else
                        t->full = true;
        put(t, s ? "\"" : "");
}

/* One write: a reader sees the old text or the new one. A reboot writes a text of nearly the same length. */
static int write_text(struct record *r, const char *text, size_t n) {
        ssize_t done = pwrite(r->fd, text, n, 0);

        if (done != (ssize_t) n)
                return done < 0 ? -errno : -ENOSPC;
        if (r->size > done && ftruncate(r->fd, done) < 0)
                return -errno;
        r->size = done;
        return 0;
}

void record_begin(struct record *r) {
        char text[64];

        (void) write_text(r, text, (size_t) snprintf(text, sizeof text, "{\"supervisor\":%d}\n", (int) getpid()));
}

int record_write(struct record *r, const struct record_content *c, struct err *e) {
        struct text t;
        int k;

        t.n = 0;
        t.full = false;
        put(&t, "{\"version\":1,\"machine\":");
        put_string(&t, c->machine);
        put(&t,
            ",\"leader\":%d,\"leaderStart\":%llu,\"supervisor\":%d,\"mode\":\"%s\",\"uuid\":\"%s\",\"idBase\":%u,"
            "\"idCount\":%u,\"privateNetwork\":%s,\"root\":",
            (int) c->leader, (unsigned long long) c->leader_start, (int) c->supervisor, c->mode, c->uuid, c->id_base,
            c->id_count, c->private_net ? "true" : "false");
        put_string(&t, c->root);
        put(&t, ",\"cgroup\":");
        put_string(&t, c->cgroup);
        put(&t, "}\n");
        if (t.full)
                return err_set(e, ERR_SYSTEM, ENAMETOOLONG, "cannot write the record of %s", r->name);
        k = write_text(r, t.s, t.n);
        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot write the record " TOP "/%s", r->name) : 0;
}

static int file_path(const char *name, const char *file, char *buf, size_t size) {
        int n;

        if (!is_hostname(name))
                return -EINVAL;
        n = snprintf(buf, size, TOP "/%s/%s", name, file);
        return n > 0 && (size_t) n < size ? n : -EINVAL;
}

int record_control_path(const char *name, char *buf, size_t size) {
        return file_path(name, "control", buf, size);
}

int record_log_path(const char *name, const char *log, char *buf, size_t size) {
        return file_path(name, log, buf, size);
}

void record_drop(struct record *r) {
        char dir[sizeof TOP + sizeof r->name], file[sizeof dir + sizeof "/record"];

        if (r->fd >= 0) {
                snprintf(dir, sizeof dir, TOP "/%s", r->name);
                snprintf(file, sizeof file, "%s/record", dir);
                /* Twice: nobody comes back to clean up after a passing failure. */
                if (unlink(file) < 0)
                        (void) unlink(file);
                if (rmdir(dir) < 0)
                        (void) rmdir(dir);
        }
        clean_fd(&r->fd);
        record_init(r);
}

void record_leave(struct record *r) {
        clean_fd(&r->fd);
        record_init(r);
}

void record_sweep(const struct record *r) {
        char path[sizeof TOP + sizeof r->name];
        CLEAN_DIR DIR *dir = NULL;

        snprintf(path, sizeof path, TOP "/%s", r->name);
        dir = r->fd < 0 ? NULL : opendir(path);
        if (!dir)
                return;
        for (struct dirent *d; (d = readdir(dir));)
                if (!streq(d->d_name, "record"))
                        (void) unlinkat(dirfd(dir), d->d_name, 0);
}
