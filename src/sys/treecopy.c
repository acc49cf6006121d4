/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/treecopy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/str.h"
#include "sys/copydata.h"
#include "sys/mounts.h"

/* Two descriptors for each level. Who waits is told after so many files, and so many bytes. */
enum { DEPTH = TREECOPY_DEPTH, EVERY = 64, MUCH = 32 * 1024 * 1024, ATTRIBUTE = 64 * 1024, NAMES = 64 * 1024 };
enum { SELF = 32 };

/* A file with several names that was met once. */
struct link {
        dev_t dev;
        ino_t ino;
        char *path; /* in the copy */
};

struct copying {
        const struct treecopy *want;
        int top;                     /* of the copy */
        uint64_t files, bytes, told; /* told: the bytes that somebody was told of last */
        struct link *links;
        size_t n_links, n_slots; /* a hash table, at most half full */
        char path[4096];         /* of what is just copied, relative to the top */
        char value[ATTRIBUTE], names[NAMES];
};

struct pair {
        int from, to;
        int depth;
        long mount; /* the mount that from is on */
};

static struct link *find_link(struct copying *c, const struct stat *st) {
        size_t at = ((size_t) st->st_ino * 2654435761u) & (c->n_slots - 1);

        while (c->links[at].path && (c->links[at].ino != st->st_ino || c->links[at].dev != st->st_dev))
                at = (at + 1) & (c->n_slots - 1);
        return &c->links[at];
}

static int grow_links(struct copying *c) {
        struct copying old = { .links = c->links, .n_slots = c->n_slots };
        size_t n = old.n_slots ? old.n_slots * 2 : 1024;
        struct link *links = calloc(n, sizeof *links);

        if (!links)
                return -ENOMEM;
        c->links = links;
        c->n_slots = n;
        for (size_t i = 0; i < old.n_slots; i++)
                if (old.links[i].path)
                        *find_link(c, &(struct stat){ .st_dev = old.links[i].dev, .st_ino = old.links[i].ino }) =
                                old.links[i];
        free(old.links);
        return 0;
}

static void free_links(struct copying *c) {
        for (size_t i = 0; i < c->n_slots; i++)
                free(c->links[i].path);
        free(c->links);
}

/* 1: it is a further name of a file that was copied, and done. */
static int link_again(struct copying *c, const struct stat *st) {
        struct link *l;
        int k = c->n_links * 2 >= c->n_slots ? grow_links(c) : 0;

        if (k < 0)
                return k;
        l = find_link(c, st);
        if (l->path)
                return linkat(c->top, l->path, c->top, c->path, 0) < 0 ? -errno : 1;
        *l = (struct link){ st->st_dev, st->st_ino, strdup(c->path) };
        c->n_links++;
        return l->path ? 0 : -ENOMEM;
}

/* What says who may do what must come along; what programs and file systems note for themselves may have no place
 * there. */
static bool may_lack(const char *name) {
        return str_after(name, "user.") || str_after(name, "trusted.") || str_after(name, "btrfs.");
}

/* XFS lists its ACLs by a name of its own, too. */
static bool is_twice(const char *name) {
        return str_after(name, "trusted.SGI_ACL_");
}

/* By paths, since some files must not be opened: a device, say. */
static void name_self(int fd, char path[SELF]) {
        snprintf(path, SELF, "/proc/self/fd/%d", fd);
}

static int copy_attribute(struct copying *c, const char *from, const char *to, const char *name) {
        ssize_t size = getxattr(from, name, c->value, sizeof c->value);

        if (size < 0 && errno == ENODATA)
                return 0;
        if (size >= 0 && setxattr(to, name, c->value, (size_t) size, 0) == 0)
                return 0;
        return errno == EOPNOTSUPP && may_lack(name) ? 0 : -errno;
}

static int copy_attributes(struct copying *c, int from_fd, int to_fd) {
        char from[SELF], to[SELF];
        ssize_t n;
        int k = 0;

        name_self(from_fd, from);
        name_self(to_fd, to);
        n = listxattr(from, c->names, sizeof c->names);
        if (n < 0)
                return errno == EOPNOTSUPP ? 0 : -errno;
        for (const char *name = c->names; k == 0 && name < c->names + n; name += strlen(name) + 1)
                k = is_twice(name) ? 0 : copy_attribute(c, from, to, name);
        return k;
}

/* What a directory hands down to all that is made in it (acl(5)) would be more than the originals have. */
static int drop_inherited(int to) {
        static const char names[][25] = { "system.posix_acl_default", "system.posix_acl_access" };

        for (size_t i = 0; i < ELEMENTS(names); i++)
                if (fremovexattr(to, names[i]) < 0 && errno != ENODATA && errno != EOPNOTSUPP)
                        return -errno;
        return 0;
}

/* A new owner takes capabilities and set-user-ID bits away: so those come after it, and times last. */
static int finish(struct copying *c, int from, int to, const struct stat *st) {
        const struct timespec times[2] = { st->st_atim, st->st_mtim };
        int k = fchown(to, st->st_uid, st->st_gid) < 0 ? -errno : 0;

        k = k < 0 ? k : copy_attributes(c, from, to);
        if (k == 0 && (fchmod(to, st->st_mode & 07777) < 0 || futimens(to, times) < 0))
                k = -errno;
        return k;
}

/* The same for what is not opened. Nobody else is in the copy, so the name there is what was made a moment ago. */
static int finish_closed(struct copying *c, int from, const struct pair *p, const char *name, const struct stat *st) {
        const struct timespec times[2] = { st->st_atim, st->st_mtim };
        CLEAN_FD int to = openat(p->to, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        int k;

        if (to < 0 || fchownat(to, "", st->st_uid, st->st_gid, AT_EMPTY_PATH) < 0)
                return -errno;
        k = copy_attributes(c, from, to);
        if (k == 0 && !S_ISLNK(st->st_mode) && fchmodat(p->to, name, st->st_mode & 07777, 0) < 0)
                k = -errno;
        if (k == 0 && utimensat(p->to, name, times, AT_SYMLINK_NOFOLLOW) < 0)
                k = -errno;
        return k;
}

static int tell(const struct copying *c, uint64_t more) {
        return c->want->tell ? c->want->tell(c->want->arg, c->files, c->bytes + more) : 0;
}

static int tell_of_bytes(void *arg, uint64_t bytes) {
        struct copying *c = arg;

        if (c->bytes + bytes - c->told < MUCH)
                return 0;
        c->told = c->bytes + bytes;
        return tell(c, bytes);
}

static int count(struct copying *c, uint64_t bytes) {
        c->bytes += bytes;
        c->files++;
        return c->files % EVERY == 0 ? tell(c, 0) : 0;
}

static int copy_file(struct copying *c, const struct pair *p, const char *name) {
        /* It may be another file by now, or a link: what was opened counts. */
        CLEAN_FD int from = openat(p->from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), to = -1;
        struct stat st;
        int k;

        if (from < 0)
                return errno == ENOENT ? 0 : errno == ELOOP ? -EAGAIN : -errno;
        if (fstat(from, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EAGAIN;
        k = st.st_nlink > 1 ? link_again(c, &st) : 0;
        if (k != 0)
                return k < 0 ? k : 0;
        to = openat(p->to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (to < 0)
                return -errno;
        k = !c->want->share ? copydata_telling(from, to, tell_of_bytes, c) : ioctl(to, FICLONE, from) < 0 ? -errno : 0;
        k = k < 0 ? k : finish(c, from, to, &st);
        return k < 0 ? k : count(c, (uint64_t) st.st_size);
}

static int make_link(int from, int dir, const char *name) {
        char target[4096];
        ssize_t n = readlinkat(from, "", target, sizeof target - 1);

        if (n < 0)
                return -errno;
        target[n] = '\0';
        return symlinkat(target, dir, name) < 0 ? -errno : 0;
}

/* A link, a FIFO, a socket, a device. */
static int copy_closed(struct copying *c, const struct pair *p, const char *name) {
        CLEAN_FD int from = openat(p->from, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;
        int k;

        if (from < 0)
                return errno == ENOENT ? 0 : -errno;
        if (fstat(from, &st) < 0)
                return -errno;
        if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
                return -EAGAIN;
        k = st.st_nlink > 1 ? link_again(c, &st) : 0;
        if (k != 0)
                return k < 0 ? k : 0;
        if (S_ISLNK(st.st_mode))
                k = make_link(from, p->to, name);
        else
                k = mknodat(p->to, name, (st.st_mode & S_IFMT) | 0600, st.st_rdev) < 0 ? -errno : 0;
        return k < 0 ? k : finish_closed(c, from, p, name, &st);
}

static int copy_all(struct copying *c, const struct pair *p);

static int copy_dir(struct copying *c, const struct pair *p, const char *name) {
        CLEAN_FD int from = openat(p->from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), to = -1;
        struct stat st;
        long mount;
        int k;

        if (from < 0)
                return errno == ENOENT ? 0 : -errno;
        k = fstat(from, &st) < 0 ? -errno : mount_number(from, &mount);
        if (k == 0 && mkdirat(p->to, name, 0700) < 0)
                k = -errno;
        if (k < 0)
                return k;
        to = openat(p->to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (to < 0)
                return -errno;
        if (p->depth == DEPTH)
                return -ELOOP;
        if (mount == p->mount)
                k = copy_all(c, &(struct pair){ from, to, p->depth + 1, mount });
        return k < 0 ? k : finish(c, from, to, &st);
}

static int copy_one(struct copying *c, const struct pair *p, const char *name) {
        struct stat st;

        if (fstatat(p->from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (S_ISDIR(st.st_mode))
                return copy_dir(c, p, name);
        return S_ISREG(st.st_mode) ? copy_file(c, p, name) : copy_closed(c, p, name);
}

static int copy_all(struct copying *c, const struct pair *p) {
        int fd = fcntl(p->from, F_DUPFD_CLOEXEC, 3), k = 0;
        CLEAN_DIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        size_t n = strlen(c->path);

        if (!dir)
                return -errno;
        for (struct dirent *d; k == 0 && (errno = 0, d = readdir(dir));) {
                size_t m = strlen(d->d_name);

                if (streq(d->d_name, ".") || streq(d->d_name, ".."))
                        continue;
                if (n + m + 2 > sizeof c->path)
                        return -ENAMETOOLONG;
                memcpy(c->path + n + (n > 0), d->d_name, m + 1);
                if (n > 0)
                        c->path[n] = '/';
                k = copy_one(c, p, d->d_name);
                if (k == 0)
                        c->path[n] = '\0';
        }
        return k < 0 ? k : -errno;
}

int treecopy(int from, int to, const struct treecopy *t) {
        CLEAN_FREE struct copying *c = calloc(1, sizeof *c);
        struct pair p = { .from = from, .to = to };
        struct stat st;
        int k;

        if (!c)
                return -ENOMEM;
        c->want = t;
        c->top = to;
        k = fstat(from, &st) < 0 ? -errno : mount_number(from, &p.mount);
        k = k < 0 ? k : drop_inherited(to);
        k = k < 0 ? k : copy_all(c, &p);
        k = k < 0 ? k : finish(c, from, to, &st);
        if (k < 0 && t->failed)
                snprintf(t->failed, t->failed_size, "%s", c->path);
        free_links(c);
        return k;
}
