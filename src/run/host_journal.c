/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P: what leads from the host's /var/log/journal to the container's journal, as planned (plan/journal.c): a
 * link to the tree, or a directory that the container gets mounted. Only berth makes or removes it: nothing of the
 * tree is used but by descriptor. */

#include "run/run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/str.h"
#include "plan/idrange.h"
#include "state/leftover.h"
#include "sys/resolve.h"

/* What makes room was looked at a moment ago; a directory goes only while it is empty. */
static int remove_replaced(struct run *r) {
        const char *path = r->plan->journal.path, *replaced = r->plan->journal.replaced;

        if (!replaced)
                return 0;
        return (*replaced ? unlink(path) : rmdir(path)) < 0 && errno != ENOENT ? -errno : 0;
}

static int make_link(struct run *r, struct err *e) {
        const char *path = r->plan->journal.path, *to = r->plan->journal.link;
        int k = remove_replaced(r);

        if (k == 0 && symlink(to, path) < 0)
                k = -errno;
        if (k < 0)
                return err_set(e, ERR_HOST, -k, "cannot make the link %s to %s", path, to);
        r->held.journal_made = true;
        return 0;
}

static bool is_owned(uid_t uid, uint32_t first) {
        return uid >= first && uid - first < IDRANGE_SIZE;
}

/* What was written by a container that had no ids of its own, or by an administrator, belongs to it too. Nobody but
 * the host's root has made what has another owner. */
static int own_file(int dir, const char *name, uint32_t owner) {
        struct stat st;

        if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || is_owned(st.st_uid, owner))
                return 0;
        return fchownat(dir, name, owner, owner, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int own_all(int fd, uint32_t owner) {
        struct stat st;
        int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), k = 0;
        CLEAN_DIR DIR *dir = again < 0 ? NULL : fdopendir(again);

        if (!dir || fstat(fd, &st) < 0)
                return -errno;
        if (!is_owned(st.st_uid, owner) && fchown(fd, owner, owner) < 0)
                return -errno;
        for (struct dirent *d; k == 0 && (d = readdir(dir));)
                k = own_file(fd, d->d_name, owner);
        return k;
}

/* Two that write to one journal spoil it: machine ids are copied with trees. */
static int hold_directory(struct run *r, struct err *e) {
        const char *path = r->plan->journal.path;
        int k;

        r->held.journal = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (r->held.journal < 0)
                return err_set(e, ERR_HOST, errno, "cannot open %s", path);
        if (flock(r->held.journal, LOCK_EX | LOCK_NB) < 0)
                return err_set(e, ERR_BUSY, errno == EWOULDBLOCK ? EBUSY : errno,
                               "%s is written to by another container with this machine id", path);
        k = r->plan->journal.owner > 0 ? own_all(r->held.journal, r->plan->journal.owner) : 0;
        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot hand %s to the container", path) : 0;
}

static int make_directory(struct run *r, struct err *e) {
        const char *path = r->plan->journal.path;
        int k = remove_replaced(r);

        if (k == 0 && mkdir(path, 0755) < 0)
                k = -errno;
        if (k < 0 && k != -EEXIST)
                return err_set(e, ERR_HOST, -k, "cannot make the directory %s", path);
        r->held.journal_made = k == 0;
        return 0;
}

static int take(struct run *r, struct err *e) {
        const struct plan *p = r->plan;
        int k = p->journal.there ? 0 : leftover_note(p->machine, LEFTOVER_JOURNAL, p->journal.path, e);

        if (k == 0 && !p->journal.there)
                k = p->journal.link ? make_link(r, e) : make_directory(r, e);
        return k < 0 || p->journal.link ? k : hold_directory(r, e);
}

int host_journal_take(struct run *r, struct err *e) {
        int k = r->plan->journal.path ? take(r, e) : 0;

        if (k < 0 && !r->plan->journal.must)
                r->refuted = REFUTED_JOURNAL;
        return k < 0 ? err_blame(e, "link-journal", NULL) : 0;
}

/* A journal that never began is not worth a link. The tree may be hostile by now. */
static bool leads_to_nothing(const struct run *r) {
        CLEAN_FD int fd = resolve_plain(r->opened->root, r->plan->journal.path + 1, O_RDONLY | O_DIRECTORY);
        CLEAN_DIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        bool empty = true;

        if (dir)
                fd = -1;
        for (struct dirent *d; dir && empty && (d = readdir(dir));)
                empty = streq(d->d_name, ".") || streq(d->d_name, "..");
        return empty;
}

void host_journal_drop(struct run *r) {
        const struct plan *p = r->plan;

        if (r->held.journal_made && !p->journal.link)
                (void) rmdir(p->journal.path); /* what is in it stays */
        else if (r->held.journal_made && (!r->went || leads_to_nothing(r)))
                (void) unlink(p->journal.path);
        if (p->journal.path && !p->journal.there)
                leftover_forget(p->machine, LEFTOVER_JOURNAL);
        r->held.journal_made = false;
        clean_fd(&r->held.journal);
        r->held.journal = -1;
}
