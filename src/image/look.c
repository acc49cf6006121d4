/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From an image to facts: before there is a plan, on mounts that nobody sees. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clean.h"
#include "base/errno_text.h"
#include "base/str.h"
#include "image/image.h"
#include "image/protect.h"
#include "sys/mounts.h"
#include "sys/resolve.h"

/* A flag of the image asks for it, and nobody by name: what cannot be done is only told. */
int image_grow_all(struct image *m, struct arena *a, struct err *e) {
        for (unsigned i = 0; i < m->n; i++) {
                const struct image_part *p = &m->parts[i];
                CLEAN_FD int mount = -1;
                int k;

                if (!p->part->growfs || p->read_only || m->peek)
                        continue;
                mount = image_mount_mended(m, i, a, e);
                if (mount < 0)
                        return mount;
                k = image_grow(p, mount);
                if (k < 0)
                        strv_add(a, &m->notes,
                                 arena_printf(a, "the %s partition of the image shall grow, and its %s does not: %s",
                                              role_name(p->role), p->part->fs, errno_text(-k)));
        }
        return 0;
}

static int open_empty(const struct image *m, struct err *e) {
        int root = mount_fresh("tmpfs", "size=64k,nr_inodes=16", 0), k = root;

        if (root >= 0 && mkdirat(root, "usr", 0755) < 0) {
                k = -errno;
                clean_fd(&root);
        }
        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot make a tmpfs for the root of %s", m->path) : root;
}

/* Without a root, usr lies in an empty one, as it will. A root that the first start is to fill has no place for it,
 * which the plan makes: to look, an empty one stands in for that, too. */
int image_open_os(struct image *m, struct arena *a, struct err *e) {
        bool alone = m->parts[0].role == ROLE_USR;
        int root = alone ? open_empty(m, e) : image_mount_mended(m, 0, a, e), usr;
        struct image_part *p;

        if (root < 0 || (!alone && (m->n < 2 || m->parts[1].role != ROLE_USR)))
                return root;
        p = &m->parts[!alone];
        usr = image_mount_mended(m, !alone, a, e);
        if (usr < 0) {
                clean_fd(&root);
                return usr;
        }
        if (a)
                p->spot = image_find_spot(root, p, a);
        if (p->spot == SPOT_MISSING) {
                clean_fd(&root);
                root = open_empty(m, e);
                if (root < 0) {
                        clean_fd(&usr);
                        return root;
                }
        }
        root = mount_join(root, usr, p->where);
        return root < 0 ? err_set(e, ERR_IMAGE, -root, "cannot mount the usr partition of %s on /%s of its root",
                                  m->path, p->where)
                        : root;
}

/* Whatever a start would mount can be. */
static int try_mounts(struct image *m, struct err *e) {
        int k = 0;

        for (unsigned i = 0; k >= 0 && i < m->n; i++) {
                CLEAN_FD int mount = image_mount(m, i, e);

                k = mount;
        }
        return k < 0 ? k : 0;
}

/* What is bound from the tree itself may lie in any partition. */
static bool has_own_sources(const struct spec *s) {
        for (size_t i = 0; i < s->mounts.n; i++) {
                const struct spec_mount *m = &s->mounts.items[i];

                if (m->source.in_tree)
                        return true;
                for (size_t k = 0; k < m->layers.n; k++)
                        if (m->layers.items[k].in_tree)
                                return true;
        }
        return false;
}

int image_look(const struct spec *s, const struct image_ask *ask, struct arena *a, struct facts *f, int *ret_root,
               struct image **ret, struct err *e) {
        bool dry = s->self.dry_run != DRY_RUN_NO;
        bool copy = s->root.ephemeral && s->root.volatile_mode == VOLATILE_NO && !s->root.read_only;
        const struct image_want want = {
                .path = f->tree.path,
                .policy = s->root.policy_said ? &s->root.policy : NULL,
                .file_systems = s->root.file_systems,
                .direct_io = s->root.direct_io,
                .protection = &s->root.protection,
                .ask = ask,
                .read_only = s->root.read_only || f->tree.vendor || spec_root_spares_tree(&s->root),
                .copy = copy,
                .lock = !s->host.no_lock && !dry,
                .no_fsck = s->root.no_fsck,
                .peek = dry,
        };
        bool whole = has_own_sources(s);
        int k = image_open(&want, a, ret, e);

        k = k < 0 ? k : protect_open(*ret, a, e);
        k = k < 0 ? k : image_fsck(*ret, false, a, e);
        k = k < 0 ? k : image_open_os(*ret, a, e);
        if (k < 0)
                return k;
        *ret_root = k;
        k = image_place(*ret, ret_root, whole, a, e);
        k = k < 0 ? k : image_fsck(*ret, true, a, e);
        k = k < 0 || !whole ? k : image_join_boot(*ret, ret_root, a, e);
        k = k < 0 || !dry ? k : try_mounts(*ret, e);
        k = k < 0 || s->root.no_grow ? k : image_grow_all(*ret, a, e);
        if (k < 0)
                return k;
        (void) blkid_end((*ret)->blkid);
        image_facts(*ret, a, f);
        /* A new file system has nothing mounted inside. */
        f->tree.submounts_known = true;
        return 0;
}
