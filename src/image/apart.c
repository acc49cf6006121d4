/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The numbers of an image are looked at in a process of its own, under a system call program that leaves it a few
 * calls on two descriptors, or three: what a partition holds it asks berth-blkid, by a socket. Whatever an image could
 * make of it, all that comes out is a struct dissected, and that is not believed either. */

#include "image/apart.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "sys/process.h"
#include "sys/seccomp.h"
#include "sys/seccomp_write.h"

/* -1: no descriptor. */
static int close_doors(int image, int out, int blkid) {
        const struct sock_filter program[] = {
                LOAD_NATIVE_CALL,       ALLOW(exit_group),     ALLOW_ON(pread64, image),         ALLOW_ON(write, out),
                ALLOW_ON(write, blkid), ALLOW_ON(read, blkid), RETURN(SECCOMP_RET_KILL_PROCESS),
        };

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -errno;
        return SECCOMP_SANITIZED ? 0 : seccomp_load(program, ELEMENTS(program), 0);
}

static _Noreturn void look(const struct disk *disk, const struct apart *what, int out, void *ret) {
        const char *p = ret;

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        /* A berth-blkid that is gone is an answer. */
        (void) signal(SIGPIPE, SIG_IGN);
        if (close_doors(disk->fd, out, disk->teller) < 0)
                _exit(EXIT_FAILURE);
        what->look(disk, what, ret);
        for (size_t done = 0; done < what->size;) {
                ssize_t k = write(out, p + done, what->size - done);

                if (k <= 0)
                        break;
                done += (size_t) k;
        }
        _exit(EXIT_SUCCESS);
}

int apart(int fd, uint64_t size, const struct apart *what, const char *path, void *ret, struct err *e) {
        const struct disk disk = {
                .fd = fd,
                .size = size,
                .tell = what->blkid ? blkid_ask : NULL,
                .teller = what->blkid ? what->blkid->sock : -1,
        };
        struct process p = { .pidfd = -1 };
        CLEAN_FD int from = -1, to = -1;
        int pair[2], k, code = 0, status = -1;
        ssize_t n;

        memset(ret, 0, what->size);
        if (pipe2(pair, O_CLOEXEC) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot make a pipe");
        from = pair[0];
        to = pair[1];
        k = process_clone(0, -1, &p);
        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot make a process to look at %s with", path);
        if (k == 0)
                look(&disk, what, to, ret);
        clean_fd(&to);
        to = -1;
        n = file_read(from, ret, what->size);
        k = process_wait(p.pidfd, true, &code, &status);
        clean_fd(&p.pidfd);
        if (k < 0 || n != (ssize_t) what->size || code != CLD_EXITED || status != EXIT_SUCCESS)
                return err_set(e, ERR_IMAGE, 0, "the process that looks at %s has ended without an answer", path);
        return 0;
}

static bool is_text(const char *s, size_t size) {
        return memchr(s, '\0', size);
}

/* What came through the pipe is only bytes. */
static bool holds_together(const struct dissected *d, uint64_t size) {
        if (d->n > DISSECT_PARTS || (unsigned) d->table > TABLE_MBR || !is_text(d->why, sizeof d->why) ||
            d->sector < 512 || d->sector > 4096 || d->sector & (d->sector - 1))
                return false;
        for (unsigned i = 0; i < d->n; i++) {
                const struct dissected_part *p = &d->parts[i];

                if (p->start > size || p->size > size - p->start || p->size == 0 ||
                    !is_text(p->type, sizeof p->type) || !is_text(p->uuid, sizeof p->uuid) ||
                    !is_text(p->label, sizeof p->label) || !is_text(p->fs, sizeof p->fs) ||
                    !is_text(p->other, sizeof p->other) || !superblock_is_known(p->fs))
                        return false;
        }
        return true;
}

static void look_at_all(const struct disk *d, const struct apart *what, void *ret) {
        struct dissected *found = ret;

        found->untold = dissect(d, found) == -EIO;
}

static int refuse(const struct dissected *d, const struct apart_image *m, struct err *e) {
        if (!d->untold)
                return err_set(e, ERR_IMAGE, 0, "%s is no disk image to start from: %s", m->path, d->why);
        err_set(e, ERR_HOST, 0, "%s: %s", m->path, d->why);
        return blkid_end(m->blkid) ? err_hint(e, "it cannot start: libblkid.so.1 has to be installed") : -EINVAL;
}

int dissect_apart(const struct apart_image *m, struct dissected *ret, struct err *e) {
        const struct apart what = { .look = look_at_all, .size = sizeof *ret, .blkid = m->blkid };
        int k = m->blkid->sock < 0 ? blkid_begin(m->path, m->blkid, e) : 0;

        if (k < 0)
                return k;
        blkid_give(m->blkid, m->fd);
        k = apart(m->fd, m->size, &what, m->path, ret, e);
        blkid_hang_up(m->blkid);
        if (k < 0)
                return k;
        if (*ret->why && *foreign_name(ret->foreign))
                return foreign_refuse(ret->foreign, m->path, e);
        if (*ret->why && is_text(ret->why, sizeof ret->why))
                return refuse(ret, m, e);
        if (!holds_together(ret, m->size))
                return err_set(e, ERR_IMAGE, 0, "what was found in %s does not hold together", m->path);
        return 0;
}
