/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/leftover.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/parse.h"
#include "base/str.h"
#include "state/lock.h"
#include "sys/treeremove.h"

enum { NOTE = 128 };

static void note_path(const char *name, enum leftover what, char buf[NOTE]) {
        static const char files[][8] = {
                [LEFTOVER_COPY] = "copy", [LEFTOVER_JOURNAL] = "journal", [LEFTOVER_TUNNEL] = "tunnel"
        };

        snprintf(buf, NOTE, "/run/berth/%.64s/%s", name, files[what]);
}

int leftover_note(const char *name, enum leftover what, const char *path, struct err *e) {
        size_t n = strlen(path);
        char note[NOTE];
        CLEAN_FD int fd = -1;

        note_path(name, what, note);
        fd = open(note, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 || write(fd, path, n) != (ssize_t) n)
                return err_set(e, ERR_HOST, errno, "cannot write %s", note);
        return 0;
}

void leftover_forget(const char *name, enum leftover what) {
        char note[NOTE];

        note_path(name, what, note);
        /* Twice: nobody comes back to clean up after a passing failure. */
        if (unlink(note) < 0)
                (void) unlink(note);
}

static int read_note(const char *name, enum leftover what, char *ret, unsigned size) {
        char note[NOTE];
        CLEAN_FD int fd = -1;
        ssize_t n;

        note_path(name, what, note);
        fd = open(note, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        n = read(fd, ret, size - 1);
        if (n < 0)
                return -errno;
        ret[n] = '\0';
        return n > 0;
}

/* A note only claims: what is removed is called like a copy, and in use by nobody. */
static int remove_copy(char *path, struct err *e) {
        char *slash = strrchr(path, '/');
        CLEAN_FD int dir = -1;
        struct lock lock;
        struct stat st;
        int k;

        if (*path != '/' || !slash[1] || !str_after(slash + 1, LEFTOVER_PREFIX))
                return err_set(e, ERR_HOST, 0, "%s is no copy of berth's", path);
        *slash = '\0';
        dir = open(*path ? path : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        *slash = '/';
        if (dir < 0 || fstatat(dir, slash + 1, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : err_set(e, ERR_HOST, errno, "cannot look at %s", path);
        lock_init(&lock);
        k = lock_tree(&lock, st.st_dev, st.st_ino, true, path, e);
        if (k < 0)
                return k;
        k = treeremove(dir, slash + 1);
        lock_drop(&lock);
        if (k == 0 || k == -ENOENT)
                return 0;
        err_set(e, ERR_HOST, -k, "cannot remove %s, left over from a run that was killed", path);
        return err_hint(e, "rm -r it");
}

/* Whatever has become of it meanwhile: a journal stays, and so does a link to one. */
static int remove_place(const char *path, struct err *e) {
        const char *id = str_after(path, "/var/log/journal/");
        struct stat st;

        if (!id || strlen(id) != 32 || strspn(id, "0123456789abcdef") != 32)
                return err_set(e, ERR_HOST, 0, "%s is no place of a journal", path);
        if (rmdir(path) < 0 && errno == ENOTDIR && stat(path, &st) < 0 && errno == ENOENT)
                (void) unlink(path);
        return 0;
}

static int remove_tunnel(const char *path, struct err *e) {
        const char *name = str_after(path, "/run/systemd/nspawn/propagate/");

        if (!name || !is_hostname(name))
                return err_set(e, ERR_HOST, 0, "%s is no directory for machined", path);
        return rmdir(path) < 0 && errno != ENOENT ? err_set(e, ERR_HOST, errno, "cannot remove %s", path) : 0;
}

int leftover_sweep(const char *name, enum leftover what, bool only_tell, char *ret_path, unsigned size,
                   struct err *e) {
        int k = read_note(name, what, ret_path, size);

        if (k < 0)
                return err_set(e, ERR_HOST, -k, "cannot read what the last run of %s left over", name);
        if (k == 0 || only_tell)
                return k;
        k = what == LEFTOVER_JOURNAL  ? remove_place(ret_path, e)
            : what == LEFTOVER_TUNNEL ? remove_tunnel(ret_path, e)
                                      : remove_copy(ret_path, e);
        if (k < 0)
                return k;
        leftover_forget(name, what);
        return 1;
}
