/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/treeowners.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/str.h"
#include "sys/ownerattrs.h"
#include "sys/resolve.h"

/* Two descriptors for each level. */
enum { DEPTH = 200, EVERY = 64 };

/* LOOK comes first and changes nothing; NAME finds the path of one inode, for a message. */
enum pass { LOOK, NAME, CHANGE };

/* A file that has several names. */
struct inode {
        uint64_t dev, ino; /* ino 0: no entry */
        uint32_t names, seen;
};

struct walk {
        const struct treeowners *want;
        struct treeowners_found *found;
        enum pass pass;
        bool marked;   /* a change was broken off */
        uint32_t from; /* else: the only range there is; then: one that it may come from */
        uint64_t files, all;
        struct inode *inodes;
        size_t n_inodes, n_slots; /* a hash table, at most half full */
        uint64_t dev, ino;        /* NAME: of this one */
        char *room;
};

/* What was looked at. */
struct node {
        int fd; /* O_PATH */
        struct statx st;
};

static int stop(struct walk *w, enum treeowners_why why, int code) {
        w->found->why = why;
        return code;
}

static bool is_source(const struct walk *w, uint32_t range) {
        return range == w->from || (w->marked && w->want->is_range(range));
}

static int shift(const void *arg, uint32_t *id) {
        const struct walk *w = arg;
        uint32_t range = *id - *id % TREEOWNERS_SIZE;

        if (range != w->want->to && !is_source(w, range)) {
                w->found->id = *id;
                return -ERANGE;
        }
        *id = w->want->to + *id % TREEOWNERS_SIZE;
        return 0;
}

static uint64_t device(const struct statx *st) {
        return (uint64_t) st->stx_dev_major << 32 | st->stx_dev_minor;
}

static struct inode *find_inode(const struct walk *w, uint64_t dev, uint64_t ino) {
        size_t at = (size_t) ((ino ^ dev << 40) * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (w->n_slots - 1);

        while (w->inodes[at].ino && (w->inodes[at].ino != ino || w->inodes[at].dev != dev))
                at = (at + 1) & (w->n_slots - 1);
        return &w->inodes[at];
}

static int grow_inodes(struct walk *w) {
        struct walk old = *w;

        w->n_slots = old.n_slots ? old.n_slots * 2 : 1024;
        w->inodes = calloc(w->n_slots, sizeof *w->inodes);
        if (!w->inodes) {
                *w = old;
                return -ENOMEM;
        }
        for (size_t i = 0; i < old.n_slots; i++)
                if (old.inodes[i].ino)
                        *find_inode(w, old.inodes[i].dev, old.inodes[i].ino) = old.inodes[i];
        free(old.inodes);
        return 0;
}

/* A file with a name elsewhere is somebody else's too. */
static int count_name(struct walk *w, const struct statx *st) {
        struct inode *i;
        int k = w->n_inodes * 2 >= w->n_slots ? grow_inodes(w) : 0;

        if (k < 0)
                return k;
        i = find_inode(w, device(st), st->stx_ino);
        w->n_inodes += i->ino == 0;
        *i = (struct inode){ device(st), st->stx_ino, st->stx_nlink, i->seen + 1 };
        return 0;
}

static int check_names(struct walk *w, const struct statx *st) {
        const struct inode *i;

        if (S_ISDIR(st->stx_mode) || st->stx_nlink < 2)
                return 0;
        if (w->pass == LOOK)
                return count_name(w, st);
        i = w->n_slots ? find_inode(w, device(st), st->stx_ino) : NULL;
        /* A name that has come meanwhile is none of the tree's either. */
        return i && i->ino && i->names == st->stx_nlink ? 0 : stop(w, TREEOWNERS_LINKED, -EMLINK);
}

static int visit(struct walk *w, const struct node *n) {
        struct owner_change c = {
                .fd = n->fd,
                .uid = n->st.stx_uid,
                .gid = n->st.stx_gid,
                .mode = n->st.stx_mode,
                .resumed = w->marked,
                .only_look = w->pass == LOOK,
                .room = w->room,
                .shift = shift,
                .arg = w,
        };
        int k;

        if (w->pass == NAME)
                return device(&n->st) == w->dev && n->st.stx_ino == w->ino ? stop(w, TREEOWNERS_LINKED, -EMLINK) : 0;
        if (w->want->tell && w->files % EVERY == 0) {
                k = w->want->tell(w->want->arg, w->files, w->all);
                if (k < 0)
                        return k;
        }
        w->files++;
        if (n->st.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND))
                return stop(w, TREEOWNERS_FIXED, -EPERM);
        k = check_names(w, &n->st);
        k = k < 0 ? k : ownerattrs(&c);
        return k == -ERANGE ? stop(w, TREEOWNERS_STRANGER, k) : k;
}

static int look_at(int fd, struct statx *ret) {
        return statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, ret) < 0 ? -errno : 0;
}

/* The container has its own ones there. */
static bool is_covered(const char *name, int depth) {
        static const char own[][5] = { "dev", "proc", "run", "sys", "tmp" };

        for (size_t i = 0; i < ELEMENTS(own) && depth == 0; i++)
                if (streq(name, own[i]))
                        return true;
        return false;
}

/* The kernel's own, whose files belong to nobody's tree: a proc that somebody forgot in a chroot. */
static bool is_kernels(int dir, const char *name) {
        static const long types[] = {
                PROC_SUPER_MAGIC,
                SYSFS_MAGIC,
                DEVPTS_SUPER_MAGIC,
                CGROUP_SUPER_MAGIC,
                CGROUP2_SUPER_MAGIC,
                DEBUGFS_MAGIC,
                TRACEFS_MAGIC,
                SECURITYFS_MAGIC,
                PSTOREFS_MAGIC,
                BPF_FS_MAGIC,
                BINFMTFS_MAGIC,
                EFIVARFS_MAGIC,
                SELINUX_MAGIC,
                HUGETLBFS_MAGIC,
                NSFS_MAGIC,
                AUTOFS_SUPER_MAGIC,
                0x19800202 /* mqueue */,
                0x62656570 /* configfs */,
                0x65735543 /* fusectl */,
        };
        CLEAN_FD int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct statfs sf;

        if (fd < 0 || fstatfs(fd, &sf) < 0)
                return false;
        for (size_t i = 0; i < ELEMENTS(types); i++)
                if ((long) sf.f_type == types[i])
                        return true;
        return false;
}

static int walk_all(struct walk *w, int top, int depth);

static int walk_one(struct walk *w, int dir, const char *name, int depth) {
        CLEAN_FD int fd = resolve_beneath(dir, name, O_PATH | O_NOFOLLOW);
        struct node n = { .fd = fd };
        int k;

        if (fd == -ENOENT)
                return 0;
        if (fd == -EXDEV)
                return is_covered(name, depth) || is_kernels(dir, name) ? 0 : stop(w, TREEOWNERS_MOUNTED, -EBUSY);
        k = fd < 0 ? fd : look_at(fd, &n.st);
        if (k == 0 && S_ISDIR(n.st.stx_mode))
                k = depth == DEPTH ? stop(w, TREEOWNERS_DEEP, -ELOOP) : walk_all(w, fd, depth + 1);
        return k < 0 ? k : visit(w, &n);
}

static int walk_all(struct walk *w, int top, int depth) {
        char *path = w->found->path;
        int fd = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), k = 0;
        CLEAN_DIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        size_t n = strlen(path);

        if (!dir)
                return -errno;
        for (struct dirent *d; errno = 0, d = readdir(dir);) {
                size_t m = strlen(d->d_name);

                if (streq(d->d_name, ".") || streq(d->d_name, ".."))
                        continue;
                if (n + m + 2 > sizeof w->found->path)
                        return stop(w, TREEOWNERS_DEEP, -ENAMETOOLONG);
                memcpy(path + n + (n > 0), d->d_name, m + 1);
                if (n > 0)
                        path[n] = '/';
                k = walk_one(w, dirfd(dir), d->d_name, depth);
                if (k < 0)
                        return k;
                path[n] = '\0';
        }
        return -errno;
}

static int walk_again(struct walk *w, int top, enum pass pass) {
        w->pass = pass;
        w->files = 0;
        w->found->path[0] = '\0';
        return walk_all(w, top, 0);
}

/* All names of each file are in the tree: otherwise one of them is shown. */
static int check_inodes(struct walk *w, int top) {
        for (size_t i = 0; i < w->n_slots; i++)
                if (w->inodes[i].ino && w->inodes[i].seen != w->inodes[i].names) {
                        w->dev = w->inodes[i].dev;
                        w->ino = w->inodes[i].ino;
                        int k = walk_again(w, top, NAME);

                        return k < 0 ? k : stop(w, TREEOWNERS_LINKED, -EMLINK);
                }
        return 0;
}

/* All but its owner, which is a mark until the end. */
static int visit_top(struct walk *w, const struct node *top) {
        struct node n = *top;

        n.st.stx_uid = w->want->to + top->st.stx_uid % TREEOWNERS_SIZE;
        n.st.stx_gid = w->want->to + top->st.stx_gid % TREEOWNERS_SIZE;
        return visit(w, &n);
}

static int change_all(struct walk *w, struct node *top) {
        uint32_t uid = top->st.stx_uid % TREEOWNERS_SIZE, gid = top->st.stx_gid % TREEOWNERS_SIZE;
        int k = 0;

        if (!w->marked) {
                k = ownerattrs_remember(top->fd, w->from);
                if (k == 0 && fchownat(top->fd, "", TREEOWNERS_BUSY + uid, TREEOWNERS_BUSY + gid, AT_EMPTY_PATH) < 0)
                        k = -errno;
        }
        if (k < 0)
                return k;
        w->found->begun = true;
        k = walk_again(w, top->fd, CHANGE);
        if (k < 0)
                return k;
        k = visit_top(w, top);
        /* Last of all: it says that all is done. */
        if (k == 0 && fchownat(top->fd, "", w->want->to + uid, w->want->to + gid, AT_EMPTY_PATH) < 0)
                k = -errno;
        if (k == 0)
                ownerattrs_forget(top->fd);
        w->found->begun = k < 0;
        return k;
}

static int run(struct walk *w, struct node *top) {
        uint32_t range = top->st.stx_uid - top->st.stx_uid % TREEOWNERS_SIZE;
        int k;

        if (range != top->st.stx_gid - top->st.stx_gid % TREEOWNERS_SIZE) {
                w->found->id = top->st.stx_gid;
                return stop(w, TREEOWNERS_STRANGER, -ERANGE);
        }
        if (range == w->want->to)
                return 0;
        w->marked = range == TREEOWNERS_BUSY;
        w->from = w->marked ? ownerattrs_recall(top->fd, w->want->to) : range;
        k = walk_again(w, top->fd, LOOK);
        k = k < 0 ? k : visit_top(w, top);
        w->all = w->files;
        k = k < 0 ? k : check_inodes(w, top->fd);
        return k < 0 ? k : change_all(w, top);
}

int treeowners(int top, const struct treeowners *t, struct treeowners_found *ret) {
        struct walk w = { .want = t, .found = ret };
        struct node n = { .fd = top };
        int k;

        *ret = (struct treeowners_found){ .why = TREEOWNERS_FAILED };
        w.room = malloc(OWNERATTRS_ROOM);
        k = w.room ? look_at(top, &n.st) : -ENOMEM;
        k = k < 0 ? k : run(&w, &n);
        free(w.room);
        free(w.inodes);
        return k;
}
