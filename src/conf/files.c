/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finding and reading .nspawn files. The administrator's directories are trusted, and links in them are followed: some
 * distributions build /etc of links. A file beside the tree is the work of whoever made the tree: no link, no fifo, no
 * device, nothing large; and the open never blocks. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/errno_text.h"
#include "base/file.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/str.h"
#include "conf/nspawn.h"
#include "conf/setting.h"

enum { OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY };

/* Fills f->text. Returns -errno, -EINVAL where it is no regular file. */
static int load(struct arena *a, int fd, struct nspawn_file *f) {
        struct stat st;
        ssize_t n;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        if (st.st_size > NSPAWN_FILE_MAX)
                return -EFBIG;
        /* It may grow or shrink meanwhile: what counts is what is read. */
        f->text = arena_alloc(a, (size_t) st.st_size + 1);
        n = file_read(fd, f->text, (size_t) st.st_size);
        if (n < 0)
                return (int) n;
        f->text[n] = '\0';
        f->size = (size_t) n;
        return 0;
}

/* A trusted file that cannot be read ends the start: it may hold what keeps the payload in. */
static int unreadable(struct conf *c, const struct nspawn_file *f, int code, struct err *e) {
        const char *why = code == -EINVAL  ? "not a regular file"
                          : code == -EFBIG ? "larger than 1 MiB"
                          : code == -ELOOP ? "a symbolic link"
                                           : errno_text(-code);

        if (!f->trusted) {
                conf_warn(c, "%s is ignored: %s", f->path, why);
                return 0;
        }
        err_set(e, ERR_CONFIG, 0, "cannot read settings file %.200s: %s", f->path, why);
        return err_hint(e, "--settings=no starts without it");
}

static int parse_open(struct conf *c, int fd, struct nspawn_file *f, struct err *e) {
        int r = load(&c->draft->arena, fd, f);

        if (r < 0)
                return unreadable(c, f, r, e);
        log_debug(LOG_CONF, "settings file %s (%s)", f->path, f->trusted ? "trusted" : "not trusted");
        return nspawn_parse(c, f, e);
}

/* 1: found and read; 0: there is none. */
static int admin_file(struct conf *c, const char *dir, const char *name, struct err *e) {
        struct nspawn_file f = {
                .path = arena_printf(&c->draft->arena, "%s/%s.nspawn", dir, name),
                .origin = ORIGIN_ADMIN_FILE,
                .trusted = true,
        };
        CLEAN_FD int fd = open(f.path, OPEN_FLAGS);
        int r;

        if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
                return 0;
        r = fd < 0 ? unreadable(c, &f, -errno, e) : parse_open(c, fd, &f, e);
        return r < 0 ? r : 1;
}

static int file_beside(struct conf *c, const struct conf_lookup *l, struct err *e) {
        const char *name = arena_printf(&c->draft->arena, "%s.nspawn", l->name);
        struct nspawn_file f = {
                .path = l->beside_path ? arena_printf(&c->draft->arena, "%s/%s", l->beside_path, name) : name,
                .origin = ORIGIN_IMAGE_FILE,
                .trusted = c->draft->spec.self.settings == SETTINGS_TRUSTED,
        };
        CLEAN_FD int fd = openat(l->beside, name, OPEN_FLAGS | O_NOFOLLOW);

        if (fd < 0)
                return errno == ENOENT ? 0 : unreadable(c, &f, -errno, e);
        return parse_open(c, fd, &f, e);
}

int conf_files(struct conf *c, const struct conf_lookup *l, struct err *e) {
        static const char *const system_dirs[] = { "/etc/systemd/nspawn", "/run/systemd/nspawn", NULL };
        size_t said = c->all.n;
        int found = 0, r = 0;

        if (c->draft->spec.self.settings == SETTINGS_NO)
                return 0;
        /* The name becomes part of paths. */
        if (!is_hostname(l->name))
                return err_set(e, ERR_BUG, 0, "settings files are looked for under a bad name");
        for (const char *const *dir = l->admin_dirs ? l->admin_dirs : system_dirs; *dir && found == 0; dir++)
                found = admin_file(c, *dir, l->name, e);
        if (found == 0 && l->beside >= 0)
                r = file_beside(c, l, e);
        if (found < 0 || r < 0)
                return found < 0 ? found : r;
        return c->all.n == said ? 0 : conf_fill(c, e);
}
