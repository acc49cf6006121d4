/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An image of our own, to be thrown away: a file that never has a name, so that nothing has to be removed. */

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clean.h"
#include "image/image.h"
#include "sys/copydata.h"

/* Where the image lies. */
static int open_beside(const struct image *m) {
        const char *slash = strrchr(m->path, '/');
        char dir[4096] = ".";
        int fd;

        if (slash && (size_t) (slash - m->path) >= sizeof dir)
                return -ENAMETOOLONG;
        if (slash) {
                memcpy(dir, m->path, (size_t) (slash - m->path));
                dir[slash - m->path] = '\0';
        }
        fd = open(*dir ? dir : "/", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        return fd < 0 ? -errno : fd;
}

static void use_copy(struct image *m, int *fd) {
        clean_fd(&m->file);
        m->file = TAKE_FD(*fd);
        m->copied = true;
        m->block = m->read_only = false;
        for (unsigned i = 0; i < m->n; i++) {
                struct image_part *p = &m->parts[i];

                /* Nothing is written to what is verified, and a copy would need to be verified anew. */
                if (p->protection == PROTECTION_VERITY)
                        continue;
                clean_fd(&p->loop);
                clean_fd(&p->mount);
                p->loop = p->mount = -1;
                p->opened = false;
                p->read_only = p->fixed;
        }
}

int image_share(struct image *m) {
        CLEAN_FD int fd = m->block ? -1 : open_beside(m);

        if (fd < 0 || ioctl(fd, FICLONE, m->file) < 0)
                return 0;
        use_copy(m, &fd);
        return 1;
}

struct telling {
        int (*tell)(void *arg, uint64_t files, uint64_t bytes);
        void *arg;
};

static int tell_bytes(void *arg, uint64_t bytes) {
        const struct telling *t = arg;

        return t->tell(t->arg, 1, bytes);
}

int image_copy(struct image *m, int (*tell)(void *arg, uint64_t files, uint64_t bytes), void *arg, struct err *e) {
        struct telling telling = { tell, arg };
        bool encrypted = false;
        /* Beside a block device there is no room. */
        CLEAN_FD int fd = m->block ? -1 : open_beside(m);
        int k;

        /* Its key is not kept for a second opening. */
        for (unsigned i = 0; i < m->n; i++)
                encrypted = encrypted || m->parts[i].protection == PROTECTION_LUKS;
        if (encrypted) {
                err_set(e, ERR_HOST, 0, "%s is encrypted: a full copy of it is not made", m->path);
                return err_hint(e, "--ephemeral needs overlayfs for it, or a file system that shares blocks");
        }
        if (fd < 0)
                fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (fd < 0)
                return err_set(e, ERR_HOST, errno, "cannot make a copy of %s, beside it or in /var/tmp", m->path);
        k = copydata_telling(m->file, fd, tell_bytes, &telling);
        (void) tell(arg, 0, 0);
        if (k < 0)
                return err_set(e, k == -EINTR ? ERR_SYSTEM : ERR_HOST, -k, "the copy of %s was not completed",
                               m->path);
        use_copy(m, &fd);
        return 0;
}
