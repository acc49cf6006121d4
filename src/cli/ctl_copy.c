/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/ctl_copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <inttypes.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/str.h"
#include "cli/ctl.h"
#include "sys/copydata.h"
#include "sys/mounts.h"
#include "sys/resolve.h"

enum { TEMPORARY = sizeof ".berthctl-0123456789abcdef" };

static int fail(const struct copy *c, int code, const char *what, struct err *e) {
        return err_set(e, ERR_HOST, code < 0 ? -code : code, "cannot %s %s", what, c->path);
}

static void leave_out(struct copy *c, const char *why) {
        ctl_say("%s %s: left out", c->path, why);
        c->left_out = true;
}

/* --- ids --- */

int copy_begin(struct copy *c, int proc, pid_t leader, struct err *e) {
        uint32_t uid, gid;
        int k = idmap_read(proc, leader, "uid_map", &c->users);

        k = k < 0 ? k : idmap_read(proc, leader, "gid_map", &c->groups);
        if (k < 0)
                return err_set(e, ERR_HOST, -k, "cannot read the id maps of %s", c->container);
        if (!c->inward)
                return 0;
        if (idmap_to_outside(&c->users, 0, &uid) < 0 || idmap_to_outside(&c->groups, 0, &gid) < 0)
                return err_set(e, ERR_HOST, 0, "%s has no root inside that could own files", c->container);
        /* Where owners are mapped, only ids of the container can make files. Capabilities are kept: credentials(7). */
        if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) < 0 && uid != 0)
                return err_set(e, ERR_HOST, errno, "cannot keep capabilities for other ids");
        (void) setfsgid(gid);
        (void) setfsuid(uid);
        if (setfsuid((uid_t) -1) != (int) uid || setfsgid((gid_t) -1) != (int) gid)
                return err_set(e, ERR_HOST, EPERM, "cannot act as root of %s", c->container);
        return 0;
}

/* The owner that a copy gets where it is not just ours: 1, or 0. */
static int owner_of(const struct copy *c, const struct stat *st, uid_t *ret_uid, gid_t *ret_gid) {
        const bool out = !c->inward;

        if (!c->archive)
                return 0;
        if (out) {
                /* Ids of nobody inside stay nobody's. */
                if (idmap_to_inside(&c->users, st->st_uid, ret_uid) < 0)
                        *ret_uid = 65534;
                if (idmap_to_inside(&c->groups, st->st_gid, ret_gid) < 0)
                        *ret_gid = 65534;
                return 1;
        }
        if (idmap_to_outside(&c->users, st->st_uid, ret_uid) < 0 ||
            idmap_to_outside(&c->groups, st->st_gid, ret_gid) < 0)
                return -ENOENT;
        return 1;
}

/* A set-user-ID program that a container made is not one on the host, and one of the host's root not one of the
 * container's unless it was asked for. */
static mode_t mode_of(const struct copy *c, const struct stat *st) {
        return st->st_mode & (c->archive && c->inward ? 07777 : 01777);
}

/* fd: what we have made ourselves. Owner first: that takes set-user-ID bits away. */
static int set_attributes(struct copy *c, int fd, const struct stat *st, struct err *e) {
        const struct timespec times[2] = { st->st_atim, st->st_mtim };
        uid_t uid;
        gid_t gid;
        int k = owner_of(c, st, &uid, &gid);

        if (k < 0) {
                err_set(e, ERR_HOST, 0, "%s belongs to user %u, group %u: %s has no such ids", c->path, st->st_uid,
                        st->st_gid, c->container);
                return err_hint(e, "without --archive it will belong to root inside");
        }
        if ((k > 0 && fchown(fd, uid, gid) < 0) || fchmod(fd, mode_of(c, st)) < 0)
                return fail(c, errno, "set the attributes of the copy of", e);
        return c->archive && futimens(fd, times) < 0 ? fail(c, errno, "set the times of the copy of", e) : 0;
}

/* Could the container's root write here? What belongs to nobody inside is the host's, bound into the container. */
int copy_check_target(const struct copy *c, int dir, struct err *e) {
        struct stat st;
        uint32_t id;

        if (fstat(dir, &st) < 0)
                return fail(c, errno, "look at the target of", e);
        if (!c->inward || st.st_mode & S_IWOTH ||
            (idmap_to_inside(&c->users, st.st_uid, &id) == 0 && idmap_to_inside(&c->groups, st.st_gid, &id) == 0))
                return 0;
        err_set(e, ERR_HOST, EPERM, "the target directory%s%s belongs to nobody in %s", *c->path ? " of " : "",
                c->path, c->container);
        return err_hint(e, "it is a directory of the host: change it there");
}

/* --- names --- */

static void make_name(char name[TEMPORARY]) {
        uint64_t number = 0;

        (void) getrandom(&number, sizeof number, 0);
        snprintf(name, TEMPORARY, ".berthctl-%016" PRIx64, number);
}

/* replace: what is there goes, unless it is a directory. */
static int put_in_place(struct copy *c, int target, const char *from, const char *to, bool replace, struct err *e) {
        unsigned flags = replace ? 0 : RENAME_NOREPLACE;
        int k = syscall(SYS_renameat2, target, from, target, to, flags) < 0 ? -errno : 0;

        if (k == 0)
                return 0;
        if (replace)
                (void) unlinkat(target, from, 0);
        return fail(c, k, "put into place the copy of", e);
}

/* --- kinds --- */

/* source is O_PATH and a regular file or directory: to open it does nothing else. */
static int reopen(int source, int flags) {
        char path[32];
        int fd;

        snprintf(path, sizeof path, "/proc/self/fd/%d", source);
        fd = open(path, flags | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static int copy_file(struct copy *c, int source, int target, const char *name, struct err *e) {
        CLEAN_FD int from = reopen(source, O_RDONLY), to = -1;
        char temporary[TEMPORARY];
        struct stat st;
        int k;

        if (from < 0 || fstat(from, &st) < 0)
                return fail(c, from < 0 ? from : -errno, "read", e);
        make_name(temporary);
        to = openat(target, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (to < 0)
                return fail(c, errno, "make a copy of", e);
        k = copydata(from, to);
        k = k < 0 ? fail(c, k, "copy", e) : set_attributes(c, to, &st, e);
        if (k < 0) {
                (void) unlinkat(target, temporary, 0);
                return k;
        }
        return put_in_place(c, target, temporary, name, true, e);
}

/* The link's own owner, by a descriptor of what we made. */
static int own_link(struct copy *c, int target, const char *name, const struct stat *st, struct err *e) {
        CLEAN_FD int fd = -1;
        struct stat made;
        uid_t uid;
        gid_t gid;
        int k = owner_of(c, st, &uid, &gid);

        if (k <= 0)
                return k < 0 ? fail(c, ENOENT, "find the owner in the container of", e) : 0;
        fd = openat(target, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &made) < 0)
                return fail(c, errno, "look at the copy of", e);
        if (!S_ISLNK(made.st_mode) || made.st_nlink != 1 || made.st_uid != (uid_t) setfsuid((uid_t) -1))
                return fail(c, EBUSY, "keep hold of the copy of", e);
        return fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0 ? fail(c, errno, "set the owner of the copy of", e) : 0;
}

static int copy_link(struct copy *c, int source, int target, const char *name, struct err *e) {
        char to[PATH_MAX], temporary[TEMPORARY];
        ssize_t n = readlinkat(source, "", to, sizeof to - 1);
        struct stat st;
        int k;

        if (n < 0 || fstat(source, &st) < 0)
                return fail(c, errno, "read the link", e);
        to[n] = '\0';
        make_name(temporary);
        if (symlinkat(to, target, temporary) < 0)
                return fail(c, errno, "make a copy of the link", e);
        k = own_link(c, target, temporary, &st, e);
        if (k < 0) {
                (void) unlinkat(target, temporary, 0);
                return k;
        }
        return put_in_place(c, target, temporary, name, true, e);
}

static int copy_below(struct copy *c, int source, int target, int depth, struct err *e);

/* A directory that was there is added to; its attributes stay. */
static int merge(struct copy *c, int source, int target, const char *name, int depth, struct err *e) {
        CLEAN_FD int dir = resolve_beneath(target, name, O_RDONLY | O_DIRECTORY);

        if (dir == -EXDEV)
                return fail(c, dir, "go into a mount point of the target for", e);
        return dir < 0 ? fail(c, dir, "open the target of", e) : copy_below(c, source, dir, depth, e);
}

static void remove_below(int dir) {
        int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        CLEAN_DIR DIR *entries = fd < 0 ? NULL : fdopendir(fd);

        for (struct dirent *d; entries && (d = readdir(entries));) {
                CLEAN_FD int below = -1;

                if (streq(d->d_name, ".") || streq(d->d_name, "..") || unlinkat(fd, d->d_name, 0) == 0)
                        continue;
                below = resolve_beneath(fd, d->d_name, O_RDONLY | O_DIRECTORY);
                if (below >= 0)
                        remove_below(below);
                (void) unlinkat(fd, d->d_name, AT_REMOVEDIR);
        }
}

/* Half a copy. In the container nothing is removed: it could have moved there what is not ours. */
static void clean_up(const struct copy *c, int dir, int target, const char *name) {
        if (c->inward) {
                ctl_say("what was copied before the failure is in %s of %s", name, c->container);
                return;
        }
        remove_below(dir);
        (void) unlinkat(target, name, AT_REMOVEDIR);
}

/* A new one appears with all that is in it, at its name at once. */
static int copy_new_directory(struct copy *c, int source, int target, const char *name, int depth, struct err *e) {
        char temporary[TEMPORARY];
        CLEAN_FD int dir = -1;
        struct stat st, made;
        int k;

        make_name(temporary);
        if (fstat(source, &st) < 0 || mkdirat(target, temporary, 0700) < 0)
                return fail(c, errno, "make a copy of the directory", e);
        dir = resolve_beneath(target, temporary, O_RDONLY | O_DIRECTORY);
        if (dir < 0 || fstat(dir, &made) < 0)
                return fail(c, dir < 0 ? dir : -errno, "open the copy of", e);
        /* Somebody could have put another in its place: one that is not his he cannot have made. */
        if (made.st_uid != (uid_t) setfsuid((uid_t) -1))
                return fail(c, EBUSY, "keep hold of the copy of", e);
        k = copy_below(c, source, dir, depth, e);
        k = k < 0 ? k : set_attributes(c, dir, &st, e);
        k = k < 0 ? k : put_in_place(c, target, temporary, name, false, e);
        if (k < 0)
                clean_up(c, dir, target, temporary);
        return k;
}

static int copy_directory(struct copy *c, int source, int target, const char *name, int depth, struct err *e) {
        struct stat st;

        if (depth == COPY_DEPTH)
                return fail(c, ELOOP, "go deeper than 200 directories at", e);
        if (fstatat(target, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? copy_new_directory(c, source, target, name, depth + 1, e)
                                       : fail(c, errno, "look at the target of", e);
        if (!S_ISDIR(st.st_mode))
                return fail(c, ENOTDIR, "replace what is no directory by", e);
        return merge(c, source, target, name, depth + 1, e);
}

static int copy_any(struct copy *c, int source, int target, const char *name, int depth, struct err *e) {
        struct stat st;

        if (fstat(source, &st) < 0)
                return fail(c, errno, "look at", e);
        switch (st.st_mode & S_IFMT) {
        case S_IFREG: return copy_file(c, source, target, name, e);
        case S_IFDIR: return copy_directory(c, source, target, name, depth, e);
        case S_IFLNK: return copy_link(c, source, target, name, e);
        case S_IFCHR:
        case S_IFBLK: leave_out(c, "is a device"); return 0;
        case S_IFIFO: leave_out(c, "is a pipe"); return 0;
        default: leave_out(c, "is a socket"); return 0;
        }
}

/* A directory that is mounted there: /proc, a volume ... A file that is mounted over another is as good as any. */
static bool is_mount_point(int dir, int entry) {
        uint64_t x, y;
        struct stat st;
        bool unique;

        return fstat(entry, &st) == 0 && S_ISDIR(st.st_mode) && mount_id(dir, &x, &unique) == 0 &&
               mount_id(entry, &y, &unique) == 0 && x != y;
}

static int copy_named(struct copy *c, int dir, const char *name, int target, int depth, struct err *e) {
        size_t n = strlen(c->path);
        CLEAN_FD int source = -1;
        int k;

        if (n + strlen(name) + 2 > sizeof c->path)
                return err_set(e, ERR_HOST, ENAMETOOLONG, "cannot copy what is in %.100s...", c->path);
        sprintf(c->path + n, "/%s", name);
        /* The link itself: O_NOFOLLOW with O_PATH; RESOLVE_NO_SYMLINKS would refuse it. */
        source = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (source < 0 && errno == ENOENT)
                k = 0;
        else if (source < 0)
                k = fail(c, errno, "look at", e);
        else if (is_mount_point(dir, source)) {
                leave_out(c, "is another file system");
                k = 0;
        } else
                k = copy_any(c, source, target, name, depth, e);
        c->path[n] = '\0';
        return k;
}

static int copy_below(struct copy *c, int source, int target, int depth, struct err *e) {
        int fd = reopen(source, O_RDONLY | O_DIRECTORY), k;
        CLEAN_DIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);

        if (!dir)
                return fail(c, fd < 0 ? fd : errno, "read the directory", e);
        k = copy_check_target(c, target, e);
        for (struct dirent *d; k == 0 && (errno = 0, d = readdir(dir));)
                if (!streq(d->d_name, ".") && !streq(d->d_name, ".."))
                        k = copy_named(c, fd, d->d_name, target, depth, e);
        return k < 0 || errno == 0 ? k : fail(c, errno, "read the directory", e);
}

int copy_entry(struct copy *c, int source, int target, const char *name, struct err *e) {
        int k = copy_check_target(c, target, e);

        return k < 0 ? k : copy_any(c, source, target, name, 0, e);
}
