/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P: a file system in memory, never swapped out, with the credentials. What they hold is not in the plan: the
 * plan names them. */

#include "run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/str.h"
#include "sys/mounts.h"

static const struct credential *find(const struct run *r, const char *id) {
        for (size_t i = 0; i < r->credentials->n; i++)
                if (streq(r->credentials->items[i].id, id))
                        return &r->credentials->items[i];
        return NULL;
}

static int write_all(int fd, const char *data, size_t size) {
        while (size > 0) {
                ssize_t n = write(fd, data, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                data += n;
                size -= (size_t) n;
        }
        return 0;
}

static int write_one(int fs, const struct seed *s, const struct credential *c, uid_t owner) {
        CLEAN_FD int fd = openat(fs, s->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, s->mode);
        int k = fd < 0 ? -errno : write_all(fd, c->data, c->size);

        return k == 0 && fchown(fd, owner, owner) < 0 ? -errno : k;
}

int host_fill_credentials(struct run *r, const struct fsop *op, int fs, struct err *e) {
        uid_t owner = r->plan->ids.own ? r->plan->ids.base : 0;
        int k = fchownat(fs, "", owner, owner, AT_EMPTY_PATH) < 0 ? -errno : 0;

        for (size_t i = 0; k == 0 && i < op->seeds.n; i++) {
                const struct seed *s = &op->seeds.items[i];
                const struct credential *c = find(r, s->path);

                k = c ? write_one(fs, s, c, owner) : -ENOENT;
                if (k < 0)
                        return err_set(e, ERR_HOST, -k, "cannot pass the credential %s", s->path);
        }
        k = k < 0 ? k : mount_make_read_only(fs);
        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot make a place for credentials") : 0;
}
