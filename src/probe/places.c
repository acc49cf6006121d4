/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* For who only looks at a plan: does the tree have what its file systems are mounted on? A launch finds out itself, in
 * the guest, on the tree as it is then. */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clean.h"
#include "plan/plan.h"
#include "probe/probe.h"
#include "sys/resolve.h"

static int check(const struct fsop *op, const struct opened *o, struct err *e) {
        CLEAN_FD int fd = resolve_plain(o->root, op->dst, O_PATH);
        struct stat st;

        if (fd == -ELOOP) {
                err_set(e, ERR_IMAGE, ELOOP, "/%s of the tree is or leads through a symbolic link", op->dst);
                return err_hint(e, "a mount point must be a real one");
        }
        if (fd >= 0 && fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
                return err_set(e, ERR_IMAGE, 0, "/%s of the tree is no directory to mount on (%s)", op->dst, op->why);
        return 0;
}

/* Those in the tree's own top directory: what is in them is in file systems of the container's, or made. */
int probe_places(const struct plan *p, const struct opened *o, struct err *e) {
        const unsigned followed = FSOP_OF_USER | FSOP_FOLLOW | FSOP_ON_LINK | FSOP_OPTIONAL;
        int k = 0;

        for (size_t i = 0; k == 0 && i < p->fsops.n && !p->root.fresh; i++) {
                const struct fsop *op = &p->fsops.items[i];

                if (op->kind == FSOP_FRESH && !(op->flags & followed) && *op->dst && !strchr(op->dst, '/'))
                        k = check(op, o, e);
        }
        return k;
}
