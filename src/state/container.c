/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/container.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/json_read.h"
#include "base/parse.h"
#include "base/str.h"
#include "sys/process.h"

#define TOP "/run/berth"

const char *container_state_name(enum container_state s) {
        static const char names[][9] = {
                [CONTAINER_DEAD] = "dead",
                [CONTAINER_STARTING] = "starting",
                [CONTAINER_RUNNING] = "running",
                [CONTAINER_BROKEN] = "broken",
        };

        return names[s];
}

/* A path is bytes, and the record writes each that is not printable ASCII as one \u00NN: what was read as UTF-8
 * becomes bytes again. */
static char *to_bytes(struct arena *a, const char *s) {
        char *copy = s ? arena_strdup(a, s) : NULL, *o = copy;
        uint32_t c;
        size_t n;

        for (; s && *s; s += n) {
                n = str_utf8(s, &c);
                if (n == 0 || c > 0xff)
                        return NULL;
                *o++ = (char) c;
        }
        if (o)
                *o = '\0';
        return copy;
}

static pid_t pid_of(const struct json_value *v, const char *key) {
        uint64_t value;

        return json_member_uint(v, key, &value) == 0 && value <= INT32_MAX ? (pid_t) value : 0;
}

static uint64_t number_of(const struct json_value *v, const char *key) {
        uint64_t value;

        return json_member_uint(v, key, &value) == 0 ? value : 0;
}

int container_parse(struct arena *a, const char *text, size_t n, struct record_content *ret) {
        const struct json_value *v;
        int k = json_parse(a, text, n, &v);

        if (k < 0)
                return k;
        *ret = (struct record_content){
                .machine = to_bytes(a, json_member_string(v, "machine")),
                .root = to_bytes(a, json_member_string(v, "root")),
                .cgroup = to_bytes(a, json_member_string(v, "cgroup")),
                .uuid = to_bytes(a, json_member_string(v, "uuid")),
                .mode = to_bytes(a, json_member_string(v, "mode")),
                .leader = pid_of(v, "leader"),
                .supervisor = pid_of(v, "supervisor"),
                .leader_start = number_of(v, "leaderStart"),
                .id_base = (uint32_t) number_of(v, "idBase"),
                .id_count = (uint32_t) number_of(v, "idCount"),
                .private_net = json_member_true(v, "privateNetwork"),
        };
        if (ret->supervisor > 0 && ret->leader == 0 && !ret->machine)
                return 1;
        return ret->machine && ret->leader > 0 && ret->supervisor > 0 ? 0 : -EINVAL;
}

/* To share it for a moment tells, and whoever wants it for itself bears with that (record.c). /proc/locks would tell
 * as well, but every look at it waits for all processors (Linux, locks_start()). */
static bool is_held(int fd) {
        if (flock(fd, LOCK_SH | LOCK_NB) < 0)
                return errno == EWOULDBLOCK;
        (void) flock(fd, LOCK_UN);
        return false;
}

/* 0: not a container's directory, or gone meanwhile. */
static int load(int top, const char *name, struct arena *a, struct container *ret) {
        CLEAN_FD int fd = -1;
        char path[NAME_MAX + sizeof "/record"];
        struct stat st;
        char *text;
        ssize_t n;
        int k;

        snprintf(path, sizeof path, "%s/record", name);
        fd = openat(top, path, O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_nlink == 0)
                return 0;
        text = arena_alloc(a, (size_t) (st.st_size < RECORD_MAX ? st.st_size : RECORD_MAX) + 1);
        n = pread(fd, text, (size_t) (st.st_size < RECORD_MAX ? st.st_size : RECORD_MAX), 0);
        if (n < 0)
                return -errno;
        *ret = (struct container){ .name = arena_strdup(a, name) };
        k = n > 0 ? container_parse(a, text, (size_t) n, &ret->is) : 1;
        if (k == 0 && !streq(ret->is.machine, name))
                k = -EINVAL;
        if (k != 0)
                ret->is = (struct record_content){ 0 };
        ret->state = !is_held(fd) ? CONTAINER_DEAD
                     : k > 0      ? CONTAINER_STARTING
                     : k < 0      ? CONTAINER_BROKEN
                                  : CONTAINER_RUNNING;
        return 1;
}

/* -ENOENT: nothing was ever started here. */
static int open_top(struct err *e) {
        int fd = open(TOP, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;

        if (fd < 0 && errno == ENOENT)
                return -ENOENT;
        if (fd < 0) {
                int code = errno;

                err_set(e, ERR_HOST, code, "cannot read " TOP);
                return code == EACCES ? err_hint(e, "the records of containers are for root alone") : -code;
        }
        if (fstat(fd, &st) == 0 && st.st_uid == 0 && (st.st_mode & 022) == 0)
                return fd;
        close(fd);
        err_set(e, ERR_HOST, EPERM, TOP " is not root's alone: what is in it is not trusted");
        return err_hint(e, "it must belong to root and be writable by root alone");
}

static int by_name(const void *a, const void *b) {
        return strcmp(((const struct container *) a)->name, ((const struct container *) b)->name);
}

int container_list(struct arena *a, struct container_list *ret, struct err *e) {
        CLEAN_DIR DIR *dir = NULL;
        struct container c;
        int fd = open_top(e);

        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        dir = fdopendir(fd);
        if (!dir) {
                close(fd);
                return err_set(e, ERR_SYSTEM, errno, "cannot read " TOP);
        }
        for (struct dirent *d; (d = readdir(dir));) {
                int k = is_hostname(d->d_name) ? load(fd, d->d_name, a, &c) : 0;

                if (k < 0)
                        return err_set(e, ERR_HOST, -k, "cannot read the record " TOP "/%s", d->d_name);
                if (k > 0)
                        *arena_push(a, ret) = c;
        }
        if (ret->n > 1)
                qsort(ret->items, ret->n, sizeof *ret->items, by_name);
        return 0;
}

int container_find(const char *name, struct arena *a, struct container *ret, struct err *e) {
        CLEAN_FD int top = -1;
        char path[128];
        int k;

        if (!is_hostname(name))
                return err_set(e, ERR_USAGE, 0, "%s cannot be the name of a container", name);
        top = open_top(e);
        if (top < 0 && top != -ENOENT)
                return top;
        k = top < 0 ? 0 : load(top, name, a, ret);
        if (k < 0)
                return err_set(e, ERR_HOST, -k, "cannot read the record " TOP "/%s", name);
        if (k > 0)
                return 0;
        snprintf(path, sizeof path, "/run/systemd/machines/%s", name);
        if (access(path, F_OK) == 0) {
                err_set(e, ERR_HOST, 0, "%s is a machine of this host, but none of berth's", name);
                err_hint(e, "machinectl status shows it");
                return -ENOENT;
        }
        err_set(e, ERR_HOST, 0, "there is no container named %s", name);
        err_hint(e, "berthctl list shows those that run");
        return -ENOENT;
}

void container_open_init(struct container_open *o) {
        *o = (struct container_open){ .supervisor = -1, .leader = -1 };
}

void container_close(struct container_open *o) {
        clean_fd(&o->supervisor);
        clean_fd(&o->leader);
        container_open_init(o);
}

/* "lock: 1: FLOCK  ADVISORY  WRITE 4711 00:1a:815 0 EOF" (proc_pid_fdinfo(5)), whoever took it: it may have been
 * handed on, as over a fork. */
static bool is_locked(int proc, pid_t pid, const char *fd) {
        char path[NAME_MAX + 32], text[2048];
        ssize_t n;

        snprintf(path, sizeof path, "%d/fdinfo/%s", (int) pid, fd);
        n = file_read_at(proc, path, text, sizeof text);
        return n > 0 && strstr(text, "FLOCK  ADVISORY  WRITE ");
}

static bool holds(int proc, pid_t pid, const struct stat *record) {
        CLEAN_DIR DIR *dir = NULL;
        char path[32];
        int fd;

        snprintf(path, sizeof path, "%d/fd", (int) pid);
        fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        dir = fd < 0 ? NULL : fdopendir(fd);
        if (!dir) {
                clean_fd(&fd);
                return false;
        }
        for (struct dirent *d; (d = readdir(dir));) {
                struct stat st;

                if (fstatat(fd, d->d_name, &st, 0) == 0 && st.st_dev == record->st_dev &&
                    st.st_ino == record->st_ino && is_locked(proc, pid, d->d_name))
                        return true;
        }
        return false;
}

static bool is_alive(int pidfd) {
        struct pollfd p = { .fd = pidfd, .events = POLLIN };

        return poll(&p, 1, 0) == 0;
}

static int gone(const struct container *c, struct err *e) {
        err_set(e, ERR_HOST, 0, "%s has ended", c->name);
        err_hint(e, "its record is taken over by the next start of that name, and removed by berthctl gc");
        return -ESRCH;
}

/* Its supervisor was killed, and the kernel did not take the container along. */
static bool has_outlived(int proc, const struct container *c) {
        uint64_t start;

        return c->is.leader > 0 && process_start_time(proc, c->is.leader, &start) == 0 &&
               start == c->is.leader_start && process_is_leader(proc, c->is.leader);
}

static int dead(int proc, const struct container *c, struct err *e) {
        if (!has_outlived(proc, c))
                return gone(c, e);
        err_set(e, ERR_HOST, 0, "the supervisor of %s was killed, but process %d and what is below it still run",
                c->name, (int) c->is.leader);
        return err_hint(e, "berthctl gc ends them, and so does the next start of that name");
}

/* Whose lock it is is the kernel's word. */
static int check_supervisor(int proc, const struct container *c, struct err *e) {
        char path[sizeof TOP "//record" + sizeof((struct record *) NULL)->name];
        struct stat st;

        snprintf(path, sizeof path, TOP "/%s/record", c->name);
        if (lstat(path, &st) < 0)
                return gone(c, e);
        if (holds(proc, c->is.supervisor, &st))
                return 0;
        err_set(e, ERR_HOST, 0, "the record of %s names process %d, which does not hold it", c->name,
                (int) c->is.supervisor);
        return err_hint(e, "it was not written by berth: look at " TOP "/%s", c->name);
}

static int check_leader(int proc, const struct container *c, struct err *e) {
        uint64_t start;
        pid_t above;

        if (process_start_time(proc, c->is.leader, &start) < 0)
                return gone(c, e);
        if (start == c->is.leader_start && process_above(proc, c->is.leader, &above) == 0 && above == c->is.supervisor)
                return 0;
        err_set(e, ERR_HOST, 0, "the record of %s names process %d, which is not its leader", c->name,
                (int) c->is.leader);
        return err_hint(e, "try again if it restarts at this moment; otherwise look at " TOP "/%s", c->name);
}

/* Opened first, checked then, and still alive after that: so it was the same process all the time. */
int container_open(int proc, const struct container *c, struct container_open *ret, struct err *e) {
        CLEAN(container_close) struct container_open o;
        int k;

        container_open_init(&o);
        if (c->state == CONTAINER_DEAD)
                return dead(proc, c, e);
        if (c->state != CONTAINER_RUNNING)
                return err_set(e, ERR_BUSY, EAGAIN, "%s is %s", c->name, container_state_name(c->state));
        o.supervisor = process_open(c->is.supervisor);
        o.leader = o.supervisor < 0 ? -1 : process_open(c->is.leader);
        if (o.leader < 0)
                return gone(c, e);
        k = check_supervisor(proc, c, e);
        k = k < 0 ? k : check_leader(proc, c, e);
        if (k < 0)
                return k;
        if (!is_alive(o.supervisor) || !is_alive(o.leader))
                return gone(c, e);
        *ret = o;
        container_open_init(&o);
        return 0;
}
