/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where in its tree the partitions of an image are mounted. A directory that is a link in there (/home to var/home) is
 * where that leads inside. It is followed before there is a plan, in a tree that has what is mounted before: so the
 * plan names real directories, and whoever only looks at an image says what a start would say. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/clean.h"
#include "base/str.h"
#include "image/image.h"
#include "sys/mounts.h"
#include "sys/resolve.h"

static enum spot spot_of(int fd, enum spot missing) {
        return fd >= 0 ? SPOT_THERE : fd == -ENOENT ? missing : SPOT_OTHER;
}

enum spot image_find_spot(int root, struct image_part *p, struct arena *a) {
        CLEAN_FD int plain = resolve_plain(root, p->name, O_PATH | O_DIRECTORY), fd = -1;
        const char *to;

        p->where = p->name;
        if (plain != -ELOOP)
                return spot_of(plain, SPOT_MISSING);
        to = resolve_by_text(root, p->name, a);
        if (!to)
                return SPOT_CIRCLE;
        p->where = to;
        fd = resolve_plain(root, *to ? to : ".", O_PATH | O_DIRECTORY);
        return spot_of(fd, SPOT_LOST);
}

static bool is_link(const struct image_part *p) {
        return !streq(p->where, p->name);
}

static bool is_below(const char *path, const char *dir) {
        const char *rest = *dir ? str_after(path, dir) : NULL;

        return rest && *rest == '/';
}

/* --- boot partitions --- */

static bool is_empty(int root, const char *path) {
        int fd = resolve_plain(root, path, O_RDONLY | O_DIRECTORY);
        CLEAN_DIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        unsigned n = 0;

        if (!dir) {
                clean_fd(&fd);
                return false;
        }
        for (struct dirent *d; (d = readdir(dir));)
                n += !streq(d->d_name, ".") && !streq(d->d_name, "..");
        return n == 0;
}

static void place_in_empty(int root, struct image_part *p, const char *name, struct arena *a) {
        p->name = name;
        p->spot = image_find_spot(root, p, a);
        if (p->spot == SPOT_THERE && !is_empty(root, p->where))
                p->spot = SPOT_OTHER;
        if (p->spot != SPOT_THERE)
                p->where = NULL;
}

static void leave_out(struct image *m, unsigned i, struct arena *a, const char *why) {
        strv_add(a, &m->notes,
                 arena_printf(a, "the %s partition of the image is left out: %s", role_name(m->parts[i].role), why));
        memmove(&m->parts[i], &m->parts[i + 1], (--m->n - i) * sizeof m->parts[i]);
}

/* Boot partitions are mounted where the tree has an empty directory for them, as upstream does, and where the kernel
 * has the file system: no container needs them to start. */
static void place_boot(struct image *m, int root, struct arena *a) {
        bool boot_taken = false;

        for (unsigned i = m->n; i-- > 1;) {
                struct image_part *p = &m->parts[i];

                if (!image_is_boot(p))
                        continue;
                p->spot = SPOT_MISSING;
                if (p->role == ROLE_ESP)
                        place_in_empty(root, p, "efi", a);
                if (p->spot != SPOT_THERE && !boot_taken)
                        place_in_empty(root, p, "boot", a);
                boot_taken = boot_taken || (p->where && streq(p->name, "boot"));
                if (!*p->part->fs)
                        leave_out(m, i, a,
                                  *p->part->other ? arena_printf(a, "there is %s in it", p->part->other)
                                                  : "there is no known file system in it");
                else if (!p->where)
                        leave_out(m, i, a, "there is no empty directory for it");
                else if (!mount_knows(p->part->fs))
                        leave_out(m, i, a, arena_printf(a, "this kernel has no %s", p->part->fs));
        }
}

/* --- the others --- */

/* What it is mounted in comes before it. */
static bool must_wait(const struct image *m, unsigned first, unsigned i) {
        for (unsigned k = first; k < m->n; k++)
                if (!image_is_boot(&m->parts[k]) && is_below(m->parts[i].where, m->parts[k].where))
                        return true;
        return false;
}

/* Of those from first on; m->n: none is left. */
static unsigned find_next(struct image *m, unsigned first, int root, struct arena *a) {
        unsigned i;

        for (i = first; i < m->n; i++)
                if (!image_is_boot(&m->parts[i]))
                        m->parts[i].spot = image_find_spot(root, &m->parts[i], a);
        for (i = first; i < m->n && (image_is_boot(&m->parts[i]) || must_wait(m, first, i));)
                i++;
        return i;
}

static void move_to(struct image *m, unsigned from, unsigned to) {
        struct image_part p = m->parts[from];

        memmove(&m->parts[to + 1], &m->parts[to], (from - to) * sizeof p);
        m->parts[to] = p;
}

/* Whether others lie in it is seen only when it is there. */
static bool others_may_need(const struct image *m, unsigned i) {
        for (unsigned k = i + 1; k < m->n; k++)
                if (!image_is_boot(&m->parts[k]) &&
                    (is_link(&m->parts[k]) || is_below(m->parts[k].where, m->parts[i].where)))
                        return true;
        return false;
}

/* Where it can be. */
static int join(struct image *m, unsigned i, int *root, struct arena *a, struct err *e) {
        const struct image_part *p = &m->parts[i];
        int mount;

        if (p->spot != SPOT_THERE || !*p->where)
                return 0;
        mount = image_mount_mended(m, i, a, e);
        if (mount < 0)
                return mount;
        *root = mount_join(*root, mount, p->where);
        return *root < 0 ? err_set(e, ERR_IMAGE, -*root, "cannot mount the %s partition of %s on /%s of its root",
                                   role_name(p->role), m->path, p->where)
                         : 0;
}

int image_place(struct image *m, int *root, bool join_all, struct arena *a, struct err *e) {
        unsigned first = m->n > 1 && m->parts[1].role == ROLE_USR ? 2 : 1;
        int k = 0;

        for (unsigned i; (i = find_next(m, first, *root, a)) < m->n; first++) {
                move_to(m, i, first);
                if (join_all || others_may_need(m, first))
                        k = join(m, first, root, a, e);
                if (k < 0)
                        return k;
        }
        place_boot(m, *root, a);
        return 0;
}

int image_join_boot(struct image *m, int *root, struct arena *a, struct err *e) {
        int k = 0;

        for (unsigned i = 1; k == 0 && i < m->n; i++)
                if (image_is_boot(&m->parts[i]))
                        k = join(m, i, root, a, e);
        return k;
}
