/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/str.h"

#define TREE_LOCKS  "/run/systemd/nspawn/locks"
#define RANGE_LOCKS "/run/systemd/nspawn-uid"

void lock_init(struct lock *l) {
        *l = (struct lock){ .fd = -1 };
}

bool lock_pause(int *pauses, int most) {
        if (*pauses == most)
                return false;
        *pauses += 1;
        usleep((useconds_t) *pauses * 1000);
        return true;
}

static int make_dirs(const char *path, mode_t mode) {
        char upper[64];

        for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                snprintf(upper, sizeof upper, "%.*s", (int) (slash - path), path);
                if (mkdir(upper, 0755) < 0 && errno != EEXIST)
                        return -errno;
        }
        return mkdir(path, mode) < 0 && errno != EEXIST ? -errno : 0;
}

int state_hint(struct err *e, int error) {
        if (error == -EROFS)
                err_hint(e, "locks and records are kept there: mount -t tmpfs tmpfs /run gives them a place");
        return error;
}

/* A directory of ours below /run: made if missing; refused where somebody else could have put it there. */
int state_open_dir(const char *path, mode_t mode, struct err *e) {
        CLEAN_FD int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;

        if (fd < 0 && errno == ENOENT) {
                int r = make_dirs(path, mode);

                if (r < 0)
                        return state_hint(e, err_set(e, ERR_HOST, -r, "cannot make %s", path));
                fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        }
        if (fd < 0 || fstat(fd, &st) < 0)
                return err_set(e, ERR_HOST, errno, "cannot open %s", path);
        if (st.st_uid != geteuid() || st.st_mode & 022) {
                err_set(e, ERR_HOST, 0, "%s belongs to user %u with mode %04o: not trusted for locks", path, st.st_uid,
                        st.st_mode & 07777);
                return err_hint(e, "it must belong to root and be writable by root alone");
        }
        return TAKE_FD(fd);
}

/* 1: somebody else has it. */
static int try_lock(struct lock *l, bool exclusive) {
        /* A holder removes the file before it lets go, so the lock may be on a file that is no longer there. */
        for (int tries = 0; tries < 64; tries++) {
                struct flock fl = { .l_type = exclusive ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET };
                CLEAN_FD int fd = open(l->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
                struct stat st;

                if (fd < 0)
                        return -errno;
                if (fcntl(fd, F_OFD_SETLK, &fl) < 0 && fcntl(fd, F_OFD_SETLK, &fl) < 0) {
                        /* The last of several sharers holds it exclusively for a moment, to remove the file. */
                        if (!exclusive && errno == EAGAIN && tries < 20) {
                                usleep(1000);
                                continue;
                        }
                        return errno == EAGAIN || errno == EACCES ? 1 : -errno;
                }
                l->exclusive = exclusive;
                if (fstat(fd, &st) < 0) {
                        l->fd = TAKE_FD(fd);
                        tries = -errno;
                        lock_drop(l);
                        return tries;
                }
                if (st.st_nlink == 0)
                        continue;
                l->fd = TAKE_FD(fd);
                return 0;
        }
        return 1;
}

static int take(struct lock *l, const char *dir, mode_t mode, bool exclusive, struct err *e) {
        CLEAN_FD int fd = state_open_dir(dir, mode, e);
        int r;

        if (fd < 0)
                return fd;
        r = try_lock(l, exclusive);
        return r >= 0 ? r : state_hint(e, err_set(e, ERR_HOST, -r, "cannot lock %s", l->path));
}

void lock_drop(struct lock *l) {
        if (l->fd >= 0) {
                struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

                /* Whoever shares the lock still needs the file: the last one removes it. Twice: nobody comes back for
                 * it. */
                if ((l->exclusive || fcntl(l->fd, F_OFD_SETLK, &fl) == 0) && unlink(l->path) < 0)
                        (void) unlink(l->path);
        }
        clean_fd(&l->fd);
        lock_init(l);
}

int lock_tree(struct lock *l, dev_t dev, ino_t ino, bool exclusive, const char *what, struct err *e) {
        int r;

        snprintf(l->path, sizeof l->path, TREE_LOCKS "/inode-%lu:%lu", (unsigned long) dev, (unsigned long) ino);
        r = take(l, TREE_LOCKS, 0700, exclusive, e);
        if (r <= 0)
                return r;
        err_set(e, ERR_BUSY, EBUSY, "Directory tree %s is currently busy", what);
        err_hint(e, exclusive ? "another container uses it; --read-only lets several share it"
                              : "another container writes to it, and must end first");
        return -EBUSY;
}

int lock_range(struct lock *l, uint32_t base, struct err *e) {
        snprintf(l->path, sizeof l->path, RANGE_LOCKS "/%u", base);
        return take(l, RANGE_LOCKS, 0755, true, e);
}

/* --- left-overs --- */

/* 1: nobody held it. To ask before it is tried keeps out of the way of who is about to take it. */
static int sweep_one(int dir, const char *name, bool only_tell) {
        struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        CLEAN_FD int fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return errno == ENOENT || errno == ELOOP ? 0 : -errno;
        if (!S_ISREG(st.st_mode) || fcntl(fd, F_OFD_GETLK, &fl) < 0 || fl.l_type != F_UNLCK)
                return 0;
        if (only_tell)
                return 1;
        fl = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
        if (fcntl(fd, F_OFD_SETLK, &fl) < 0)
                return 0;
        /* It is the lock of that name only as long as it has the name. */
        if (fstat(fd, &st) < 0 || st.st_nlink == 0)
                return 0;
        return unlinkat(dir, name, 0) < 0 ? -errno : 1;
}

/* inode-DEVICE:INODE of trees, BASE of ranges; other programs have locks of other names there. */
static bool is_ours(const char *path, const char *name) {
        const char *digits = strcmp(path, TREE_LOCKS) == 0 ? str_after(name, "inode-") : name;

        return digits && *digits && strspn(digits, "0123456789:") == strlen(digits);
}

static int sweep_dir(const char *path, bool only_tell, struct arena *a, struct strv *ret) {
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        CLEAN_DIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);

        if (!dir)
                return errno == ENOENT ? 0 : -errno;
        for (struct dirent *d; (d = readdir(dir));) {
                int k = is_ours(path, d->d_name) ? sweep_one(fd, d->d_name, only_tell) : 0;

                if (k < 0)
                        return k;
                if (k > 0)
                        strv_add(a, ret, arena_printf(a, "%s/%s", path, d->d_name));
        }
        return 0;
}

int lock_sweep(bool only_tell, struct arena *a, struct strv *ret, struct err *e) {
        static const char *const dirs[] = { TREE_LOCKS, RANGE_LOCKS };

        for (size_t i = 0; i < ELEMENTS(dirs); i++) {
                int k = sweep_dir(dirs[i], only_tell, a, ret);

                if (k < 0)
                        return err_set(e, ERR_HOST, -k, "cannot look through %s", dirs[i]);
        }
        return 0;
}
