/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process G, before the pivot: files of the tree itself that an option asked to write. Only here does berth change a
 * tree. */

#include "run/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clean.h"
#include "sys/resolve.h"

int guest_open_parent(int root, const char *dst, const char **ret_name, struct err *e) {
        const char *slash = strrchr(dst, '/');
        char dir[PATH_MAX];
        int fd;

        if (!slash) {
                *ret_name = dst;
                fd = fcntl(root, F_DUPFD_CLOEXEC, 3);
                return fd < 0 ? err_set(e, ERR_SYSTEM, errno, "cannot open the root of the tree") : fd;
        }
        if ((size_t) (slash - dst) >= sizeof dir)
                return err_set(e, ERR_IMAGE, ENAMETOOLONG, "cannot open the directory of /%s", dst);
        memcpy(dir, dst, (size_t) (slash - dst));
        dir[slash - dst] = '\0';
        fd = resolve_in_root(root, *dir ? dir : "/", O_PATH | O_DIRECTORY);
        if (fd < 0)
                return err_set(e, ERR_IMAGE, -fd, "cannot open /%s of the tree", dir);
        *ret_name = slash + 1;
        return fd;
}

/* A new name in a directory of the tree cannot be made. */
int guest_cannot_make(int dir, const char *what, const char *path, struct err *e) {
        int code = errno;
        struct statfs sf;
        struct stat st;

        err_set(e, ERR_IMAGE, code, "cannot make the %s /%s in the tree", what, path);
        if (code == EROFS && fstat(dir, &st) == 0 && (st.st_mode & 07777) == 0)
                return err_hint(e, "it is in what is hidden here: only that as a whole can be covered");
        if (fstatfs(dir, &sf) == 0 && (sf.f_type == PROC_SUPER_MAGIC || sf.f_type == SYSFS_MAGIC))
                return err_hint(e, "it is in proc or sysfs: only what is there can be covered");
        return err_hint(e, "make it yourself: something empty of that kind%s",
                        code == EROFS ? "; with --volatile=overlay it is made in memory" : "");
}

/* path without the part behind its last slash, and text there. */
static int replace_last(char path[PATH_MAX], const char *text) {
        char *slash = strrchr(path, '/'), *at = *text == '/' || !slash ? path : slash + 1;

        return (size_t) snprintf(at, (size_t) (path + PATH_MAX - at), "%s", text) >= (size_t) (path + PATH_MAX - at)
                       ? -ENAMETOOLONG
                       : 0;
}

/* Where path is a link to what is not there, it becomes the target: what is to be made is made there. Returns 1 where
 * it has changed. */
int guest_follow_lost(int root, char path[PATH_MAX]) {
        enum { LINKS_MAX = 8 };

        for (int links = 0; links < LINKS_MAX; links++) {
                CLEAN_FD int fd = resolve_in_root(root, path, O_PATH | O_NOFOLLOW);
                char text[PATH_MAX];
                ssize_t n = fd < 0 ? -1 : readlinkat(fd, "", text, sizeof text - 1);
                int k;

                if (n < 0)
                        return links > 0;
                text[n] = '\0';
                k = replace_last(path, text);
                if (k < 0)
                        return k;
        }
        return -ELOOP;
}

int guest_blame_link(const char *path, const char *target, struct err *e) {
        const struct err was = *e;

        err_set(e, was.kind, was.code, "cannot make %s, where the link /%s of the tree leads to", target, path);
        memcpy(e->hint, was.hint, sizeof e->hint);
        return was.code > 0 ? -was.code : -EINVAL;
}

static int make_parents(int root, const char *dst, int depth, struct err *e);

/* Links are followed by their text, so one may hold the next: depth bounds that. */
static int make_directory(int root, const char *path, int depth, struct err *e) {
        const char *name;
        int k = depth == 0 ? err_set(e, ERR_IMAGE, ELOOP, "cannot make the directory /%s in the tree", path)
                           : make_parents(root, path, depth - 1, e);
        CLEAN_FD int dir = k < 0 ? k : guest_open_parent(root, path, &name, e);

        if (dir < 0)
                return dir;
        return mkdirat(dir, name, 0755) < 0 && errno != EEXIST ? guest_cannot_make(dir, "directory", path, e) : 0;
}

/* path, which is name in the directory at, is not there. */
static int make_part(int root, const char *path, int at, const char *name, int depth, struct err *e) {
        char target[PATH_MAX];
        int k;

        snprintf(target, sizeof target, "%s", path);
        k = guest_follow_lost(root, target);
        if (k < 0)
                return err_set(e, ERR_IMAGE, -k, "cannot follow the link /%s of the tree", path);
        if (k > 0) {
                k = make_directory(root, target, depth, e);
                return k < 0 ? guest_blame_link(path, target, e) : 0;
        }
        return mkdirat(at, name, 0755) < 0 && errno != EEXIST ? guest_cannot_make(at, "directory", path, e) : 0;
}

/* One part after the other: a link on the way is followed inside, and what it leads to is made too. */
static int make_parents(int root, const char *dst, int depth, struct err *e) {
        CLEAN_FD int at = fcntl(root, F_DUPFD_CLOEXEC, 3);
        char path[PATH_MAX];
        size_t n = 0;

        for (const char *part = dst, *slash; at >= 0 && (slash = strchr(part, '/')); part = slash + 1) {
                int next;

                if ((size_t) (slash - dst) >= sizeof path)
                        return err_set(e, ERR_IMAGE, ENAMETOOLONG, "cannot make the directories of /%s", dst);
                memcpy(path, dst, (size_t) (slash - dst));
                path[slash - dst] = '\0';
                next = resolve_in_root(root, *path ? path : "/", O_PATH | O_DIRECTORY);
                if (next == -ENOENT) {
                        int k = make_part(root, path, at, path + n, depth, e);

                        if (k < 0)
                                return k;
                        next = resolve_in_root(root, path, O_PATH | O_DIRECTORY);
                }
                if (next < 0)
                        return err_set(e, ERR_IMAGE, -next, "cannot open the directory /%s of the tree", path);
                close(at);
                at = next;
                n = (size_t) (slash + 1 - dst);
        }
        return at < 0 ? err_set(e, ERR_SYSTEM, errno, "cannot open the root of the tree") : 0;
}

int guest_make_parents(int root, const char *dst, struct err *e) {
        enum { DEPTH_MAX = 4 };

        return make_parents(root, dst, DEPTH_MAX, e);
}

static enum file_kind kind_at(int dir, const char *name) {
        struct stat st;

        return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? AT_MISSING
               : S_ISREG(st.st_mode)                            ? AT_FILE
               : S_ISLNK(st.st_mode)                            ? AT_LINK
               : S_ISDIR(st.st_mode)                            ? AT_DIR
                                                                : AT_OTHER;
}

static int copy_to(int from, int to, struct err *e, const struct fsop *op) {
        ssize_t n;

        if (!op->host) {
                n = (ssize_t) strlen(op->src);
                if (write(to, op->src, (size_t) n) != n || fchmod(to, 0644) < 0)
                        return err_set(e, ERR_IMAGE, errno, "cannot write /%s of the tree", op->dst);
                return 0;
        }
        if (lseek(from, 0, SEEK_SET) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot read %s", op->host);
        do
                n = sendfile(to, from, NULL, 1 << 20);
        while (n > 0);
        if (n < 0 || fchmod(to, 0644) < 0)
                return err_set(e, ERR_IMAGE, errno, "cannot write /%s of the tree", op->dst);
        return 0;
}

/* A name for a moment, of nobody else's in the tree. */
struct temporary {
        char name[32];
};

static int make_name(struct temporary *ret, const struct fsop *op, struct err *e) {
        uint64_t random;

        if (getrandom(&random, sizeof random, 0) != sizeof random)
                return err_set(e, ERR_SYSTEM, errno, "cannot get random numbers for /%s", op->dst);
        snprintf(ret->name, sizeof ret->name, ".berth-%016llx", (unsigned long long) random);
        return 0;
}

static int rename_over(int dir, const struct temporary *from, const char *name, const struct fsop *op, struct err *e) {
        int k;

        if (renameat(dir, from->name, dir, name) == 0)
                return 0;
        k = err_set(e, ERR_IMAGE, errno, "cannot replace /%s of the tree", op->dst);
        (void) unlinkat(dir, from->name, 0);
        return k;
}

/* Without a name while it is filled: then nothing is left of it, whatever happens. A file system that has no such
 * files (open(2), O_TMPFILE) gives it one. */
static int open_new(int dir, struct temporary *name, bool *ret_named) {
        int fd = openat(dir, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0644);

        *ret_named = fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR);
        if (*ret_named)
                fd = openat(dir, name->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        return fd < 0 ? -errno : fd;
}

/* linkat(2): by proc, since AT_EMPTY_PATH wants CAP_DAC_READ_SEARCH over the host. */
static int give_name(struct guest *g, int fd, int dir, const struct temporary *name) {
        char path[32];

        snprintf(path, sizeof path, "self/fd/%d", fd);
        return linkat(g->run->opened->proc, path, dir, name->name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

/* A new file, renamed over the old one: whoever reads sees the old or the new one, and what was there, be it a link, a
 * FIFO or a hard link to something else, is replaced and never written through. */
static int replace_file(struct guest *g, const struct fsop *op, int dir, const char *name, struct err *e) {
        struct temporary temporary;
        int k = make_name(&temporary, op, e);
        CLEAN_FD int fd = -1, source = k < 0 || !op->host ? -1 : guest_slot(g, op, e);
        bool named;

        if (k < 0 || (source < 0 && op->host))
                return k < 0 ? k : source;
        fd = open_new(dir, &temporary, &named);
        if (fd < 0)
                return err_set(e, ERR_IMAGE, -fd, "cannot write /%s of the tree (%s)", op->dst, op->why);
        k = copy_to(source, fd, e, op);
        if (k == 0 && !named) {
                k = give_name(g, fd, dir, &temporary);
                return k < 0 ? err_set(e, ERR_IMAGE, -k, "cannot write /%s of the tree (%s)", op->dst, op->why)
                             : rename_over(dir, &temporary, name, op, e);
        }
        if (k == 0)
                return rename_over(dir, &temporary, name, op, e);
        if (named)
                (void) unlinkat(dir, temporary.name, 0);
        return k;
}

int guest_write_file(struct guest *g, const struct fsop *op, struct err *e) {
        const char *name;
        CLEAN_FD int dir = guest_open_parent(g->root, op->dst, &name, e);
        enum file_kind kind;

        if (dir < 0)
                return dir == -ENOENT && op->flags & FSOP_OPTIONAL ? 0 : dir;
        kind = kind_at(dir, name);
        /* Copying leaves a link alone, as upstream; replacing is a mode of its own. */
        if (kind == AT_LINK && !(op->flags & FSOP_REPLACE))
                return 0;
        if (kind == AT_DIR || (kind == AT_OTHER && !(op->flags & FSOP_REPLACE))) {
                err_set(e, ERR_IMAGE, 0, "/%s of the tree is no regular file (%s)", op->dst, op->why);
                return err_hint(e, "remove it, or leave it as it is with the mode \"off\"");
        }
        return replace_file(g, op, dir, name, e);
}

int guest_write_link(struct guest *g, const struct fsop *op, struct err *e) {
        struct temporary temporary;
        const char *name;
        CLEAN_FD int dir = guest_open_parent(g->root, op->dst, &name, e);
        int k = dir < 0 ? dir : make_name(&temporary, op, e);

        if (k < 0)
                return k;
        if (symlinkat(op->src, dir, temporary.name) < 0)
                return err_set(e, ERR_IMAGE, errno, "cannot make the link /%s of the tree", op->dst);
        return rename_over(dir, &temporary, name, op, e);
}

int guest_remove(struct guest *g, const struct fsop *op, struct err *e) {
        const char *name;
        CLEAN_FD int dir = guest_open_parent(g->root, op->dst, &name, e);

        if (dir < 0)
                return dir == -ENOENT && op->flags & FSOP_OPTIONAL ? 0 : dir;
        if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
                return err_set(e, ERR_IMAGE, errno, "cannot remove /%s of the tree", op->dst);
        return 0;
}
