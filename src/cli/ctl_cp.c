/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berthctl cp: which side is the container's, which directory the copies go to. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/parse.h"
#include "base/path_hint.h"
#include "base/str.h"
#include "cli/ctl.h"
#include "cli/ctl_copy.h"
#include "cli/ctl_rows.h"
#include "cli/ctl_view.h"
#include "sys/process.h"
#include "sys/resolve.h"

/* "NAME:PATH" is in a container; a path of the host that looks so is written with ./ in front. */
struct place {
        const char *container; /* NULL: the host */
        const char *path;
};

static struct place place_of(struct arena *a, const char *word) {
        const char *colon = strchr(word, ':');
        char *name = colon ? arena_strndup(a, word, (size_t) (colon - word)) : NULL;

        if (!name || !is_hostname(name))
                return (struct place){ .path = word };
        return (struct place){ .container = name, .path = colon + 1 };
}

/* Paths in the container begin at its root, written so or not, and never lead out of it. */
static int open_place(const struct place *p, int root, int flags) {
        int fd;

        if (p->container)
                return resolve_in_root(root, *p->path ? p->path : "/", flags);
        fd = open(p->path, flags | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* Of "a/b/" it is "b"; of "", "/", "." and ".." there is none. */
static const char *last_name(struct arena *a, const char *path) {
        size_t n = strlen(path), begin;

        while (n > 0 && path[n - 1] == '/')
                n--;
        for (begin = n; begin > 0 && path[begin - 1] != '/';)
                begin--;
        path = arena_strndup(a, path + begin, n - begin);
        return *path && !streq(path, ".") && !streq(path, "..") ? path : NULL;
}

struct target_place {
        int dir;
        const char *name; /* NULL: that of the source */
};

static int no_directory(const struct place *p, const char *above, int code, struct err *e) {
        err_set(e, ERR_HOST, -code, "cannot open the directory %s%s", above, p->path);
        return p->container ? code : err_hint_path(e, p->path);
}

/* A directory that is there takes the copies under their own names; otherwise the one above it, and a new name. */
static int open_target(struct ctl *c, const struct place *p, int root, struct target_place *ret, struct err *e) {
        struct place above = *p;
        const char *name = last_name(&c->arena, p->path);

        ret->dir = open_place(p, root, O_RDONLY | O_DIRECTORY);
        if (ret->dir >= 0)
                return 0;
        if ((ret->dir != -ENOENT && ret->dir != -ENOTDIR && ret->dir != -ELOOP) || !name ||
            p->path[strlen(p->path) - 1] == '/')
                return no_directory(p, "", ret->dir, e);
        above.path = arena_strndup(&c->arena, p->path, strlen(p->path) - strlen(name));
        if (!*above.path && !p->container)
                above.path = ".";
        ret->dir = open_place(&above, root, O_RDONLY | O_DIRECTORY);
        ret->name = name;
        return ret->dir < 0 ? no_directory(p, "above ", ret->dir, e) : 0;
}

static int copy_one(struct ctl *c, struct copy *copy, const struct place *from, int root,
                    const struct target_place *to, struct err *e) {
        CLEAN_FD int source = open_place(from, root, O_PATH);
        const char *name = to->name ? to->name : last_name(&c->arena, from->path);

        if (source < 0) {
                err_set(e, ERR_HOST, -source, "cannot open %s", from->path);
                return from->container ? source : err_hint_path(e, from->path);
        }
        if (!name) {
                err_set(e, ERR_USAGE, 0, "%s has no name of its own for the copy", from->path);
                return err_hint(e, "name the target: a path that is not there yet");
        }
        snprintf(copy->path, sizeof copy->path, "%s%s%s", from->container ? from->container : "",
                 from->container ? ":" : "", from->path);
        return copy_entry(copy, source, to->dir, name, e);
}

/* Which container, and which way. */
static int find_container(struct ctl *c, struct place *places, const char **ret, bool *ret_inward, struct err *e) {
        const struct place *target = &places[c->n_words - 1];

        for (size_t i = 0; i < c->n_words; i++) {
                places[i] = place_of(&c->arena, c->words[i]);
                if (!*places[i].path && !places[i].container)
                        return err_set(e, ERR_USAGE, 0, "a path is empty");
        }
        *ret_inward = target->container;
        *ret = *ret_inward ? target->container : places[0].container;
        for (size_t i = 0; i + 1 < c->n_words; i++) {
                const char *name = places[i].container;

                if (*ret_inward ? !name : name && streq(name, *ret))
                        continue;
                err_set(e, ERR_USAGE, 0, "one side is to be the host, the other one container");
                return err_hint(e, "in a container: NAME:PATH; a path with a colon on the host: ./PATH");
        }
        return 0;
}

/* All files are opened through the root that was opened while the leader was known to be the container's. */
static int open_root(struct ctl *c, const char *name, struct copy *copy, struct err *e) {
        CLEAN(target_close) struct target t;
        int root, k;

        target_init(&t);
        k = target_open(c, name, &t, e);
        if (k < 0)
                return k;
        root = view_open_root(c, &t);
        if (root < 0)
                return err_set(e, ERR_HOST, -root, "cannot open the root of %s", name);
        k = copy_begin(copy, c->proc, t.is.is.leader, e);
        if (k == 0 && process_signal(t.fds.leader, 0) < 0)
                k = err_set(e, ERR_HOST, ESRCH, "%s has ended", name);
        if (k == 0)
                return root;
        close(root);
        return k;
}

static int run(struct ctl *c, struct err *e) {
        struct place *places = arena_alloc(&c->arena, c->n_words * sizeof *places);
        struct target_place to = { .dir = -1 };
        struct copy copy = { .archive = ctl_is_set(c, "archive") };
        CLEAN_FD int root = -1, dir = -1;
        int k = find_container(c, places, &copy.container, &copy.inward, e);

        k = root = k < 0 ? k : open_root(c, copy.container, &copy, e);
        k = k < 0 ? k : open_target(c, &places[c->n_words - 1], root, &to, e);
        dir = to.dir;
        if (k == 0 && to.name && c->n_words > 2)
                k = err_set(e, ERR_USAGE, ENOTDIR, "several sources, and %s", places[c->n_words - 1].path);
        for (size_t i = 0; k >= 0 && i + 1 < c->n_words; i++)
                k = copy_one(c, &copy, &places[i], root, &to, e);
        return k < 0 ? k : copy.left_out ? 1 : 0;
}

static const struct ctl_option options[] = {
        { 'a', "archive", NULL, NULL, "Keep owners, by their numbers inside, and times" },
        CTL_END,
};

const struct ctl_verb ctl_cp = {
        .name = "cp",
        .synopsis = "SOURCE... TARGET",
        .words = CTL_COPY,
        .min = 2,
        .options = options,
        .help = "Copy files and directories to or from a container (NAME:PATH)",
        .run = run,
};
