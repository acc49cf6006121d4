/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P: file systems with secrets: credentials, users' passwords. What they hold is not in the plan: the plan
 * names them. */

#include "run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/str.h"
#include "sys/mounts.h"

static const struct credential *find(const struct run *r, const char *id) {
        for (size_t i = 0; i < r->credentials->n; i++)
                if (streq(r->credentials->items[i].id, id))
                        return &r->credentials->items[i];
        return NULL;
}

/* Who has no secret has no file: a link to it leads nowhere. */
static int fill_one(struct run *r, const struct seed *s, int fs, uid_t owner) {
        const struct credential *c = s->kind == SEED_CREDENTIAL ? find(r, s->text) : NULL;
        CLEAN_FD int fd = -1;
        int k;

        if (s->kind == SEED_LINK)
                return symlinkat(s->text, fs, s->path) < 0 ||
                                       fchownat(fs, s->path, owner, owner, AT_SYMLINK_NOFOLLOW) < 0
                               ? -errno
                               : 0;
        if (s->kind == SEED_CREDENTIAL && !c)
                return 0;
        fd = openat(fs, s->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, s->mode);
        k = fd < 0 ? -errno : c ? file_write(fd, c->data, c->size) : file_write(fd, s->text, strlen(s->text));
        return k == 0 && fchown(fd, owner, owner) < 0 ? -errno : k;
}

bool host_has_secrets(const struct fsop *op) {
        for (size_t i = 0; i < op->seeds.n; i++)
                if (op->seeds.items[i].kind == SEED_CREDENTIAL)
                        return true;
        return false;
}

int host_fill_secrets(struct run *r, const struct fsop *op, int fs, struct err *e) {
        uid_t owner = r->plan->ids.own ? r->plan->ids.base : 0;
        int k = fchownat(fs, "", owner, owner, AT_EMPTY_PATH) < 0 ? -errno : 0;

        for (size_t i = 0; k == 0 && i < op->seeds.n; i++) {
                k = fill_one(r, &op->seeds.items[i], fs, owner);
                if (k < 0)
                        return err_set(e, ERR_HOST, -k, "cannot make /%s/%s", op->dst, op->seeds.items[i].path);
        }
        k = k < 0 ? k : mount_make_read_only(fs);
        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot make a place for secrets") : 0;
}
