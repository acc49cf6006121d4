/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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

        read_text(r->fd, text);
        *ret_leader = (pid_t) number_in(text, "\"leader\":");
        *ret_start = number_in(text, "\"leaderStart\":");
        return *ret_leader > 0 && *ret_start > 0;
}

/* RFC 8259 strings: quotes and backslashes are escaped, and so is all that is not printable ASCII: a path is bytes,
 * and each becomes one \u00NN. NULL where it does not fit. */
static const char *quote(const char *s, char *buf, size_t size) {
        size_t o = 0;

        if (!s)
                return "null";
        buf[o++] = '"';
        for (; *s && o + 8 < size; s++)
                if (*s == '"' || *s == '\\')
                        buf[o++] = '\\', buf[o++] = *s;
                else if ((unsigned char) *s < 0x20 || (unsigned char) *s >= 0x7f)
                        o += (size_t) sprintf(buf + o, "\\u%04x", (unsigned char) *s);
                else
                        buf[o++] = *s;
        if (*s)
                return NULL;
        buf[o++] = '"';
        buf[o] = '\0';
        return buf;
}

void record_begin(struct record *r) {
        char text[64];
        int n = snprintf(text, sizeof text, "{\"supervisor\":%d}\n", (int) getpid());

        if (pwrite(r->fd, text, (size_t) n, 0) == n)
                (void) !ftruncate(r->fd, n);
}

int record_write(struct record *r, const struct record_content *c, struct err *e) {
        char text[RECORD_MAX], machine_buf[512], root_buf[4096 * 6 + 16], cgroup_buf[4096 * 6 + 16];
        const char *machine = quote(c->machine, machine_buf, sizeof machine_buf);
        const char *root = quote(c->root, root_buf, sizeof root_buf),
                   *cgroup = quote(c->cgroup, cgroup_buf, sizeof cgroup_buf);
        int n;

        if (!machine || !root || !cgroup)
                return err_set(e, ERR_SYSTEM, ENAMETOOLONG, "cannot write the record of %s", r->name);
        n = snprintf(text, sizeof text,
                     "{\"version\":1,\"machine\":%s,\"leader\":%d,\"leaderStart\":%llu,\"supervisor\":%d,"
                     "\"mode\":\"%s\",\"uuid\":\"%s\",\"idBase\":%u,\"idCount\":%u,\"privateNetwork\":%s,"
                     "\"root\":%s,\"cgroup\":%s}\n",
                     machine, (int) c->leader, (unsigned long long) c->leader_start, (int) c->supervisor, c->mode,
                     c->uuid, c->id_base, c->id_count, c->private_net ? "true" : "false", root, cgroup);

        /* One write: a reader sees the old text or the new one. A reboot writes a text of nearly the same length. */
        if (n < 0 || n >= (int) sizeof text)
                return err_set(e, ERR_SYSTEM, ENAMETOOLONG, "cannot write the record of %s", r->name);
        if (pwrite(r->fd, text, (size_t) n, 0) != n || ftruncate(r->fd, n) < 0)
                return err_set(e, ERR_HOST, errno, "cannot write the record " TOP "/%s", r->name);
        return 0;
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
