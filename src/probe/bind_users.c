/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Users of the host that are brought inside (--bind-user=): by the host's files, since NSS is not for a static
 * program, with a number that the tree leaves free. */

#include "probe/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/str.h"
#include "probe/tree.h"
#include "probe/tree_passwd.h"

/* https://systemd.io/UIDS-GIDS: users of the host in a container. */
enum { FIRST_UID = 60514, LAST_UID = 60577 };

struct tables {
        struct span passwd, group; /* the host's */
        struct span tree_passwd, tree_group;
};

static int read_host(const char *path, struct arena *a, struct span *ret, struct err *e) {
        CLEAN_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        struct stat st;
        ssize_t n;
        char *text;

        if (fd < 0 || fstat(fd, &st) < 0)
                return err_set(e, ERR_HOST, errno, "--bind-user=: cannot read the host's %s", path);
        if (!S_ISREG(st.st_mode) || st.st_size >= 16 << 20)
                return err_set(e, ERR_HOST, 0, "--bind-user=: the host's %s is no regular file, or larger than 16 MiB",
                               path);
        text = arena_alloc(a, (size_t) st.st_size + 1);
        n = file_read(fd, text, (size_t) st.st_size);
        *ret = (struct span){ text, n > 0 ? (size_t) n : 0 };
        return n < 0 ? err_set(e, ERR_HOST, (int) -n, "--bind-user=: cannot read the host's %s", path) : 0;
}

static int read_tree(const struct opened *o, const char *path, struct arena *a, struct span *ret, struct err *e) {
        char *text = NULL;
        ssize_t n = tree_read(o->root, path, TREE_PASSWD_MAX, a, &text);

        *ret = (struct span){ n > 0 ? text : "", n > 0 ? (size_t) n : 0 };
        return n < 0 && n != -ENOENT && n != -ENOTDIR
                       ? err_set(e, ERR_IMAGE, (int) -n, "--bind-user=: cannot read the tree's %s", path)
                       : 0;
}

/* The name of the group of this number, or the other way round. */
static bool has_group(struct span text, const char *name, gid_t gid, bool both) {
        struct colon_line l;

        while (colon_next(&text, &l)) {
                uint32_t number;
                bool same = l.n > 2 && span_u32(l.field[2], &number) && number == gid,
                     named = span_is(l.field[0], name);

                if (both ? same && named : same || named)
                        return true;
        }
        return false;
}

static bool is_taken(const struct tables *t, const struct bound_user_list *known, uint32_t id) {
        struct passwd_entry p;

        for (size_t i = 0; i < known->n; i++)
                if (known->items[i].inside == id)
                        return true;
        return passwd_by_uid(t->tree_passwd, id, &p) == 1 || has_group(t->tree_group, "", id, false);
}

static int refuse(const char *name, const char *why, const char *hint, struct err *e) {
        int k = err_set(e, ERR_USAGE, 0, "--bind-user=%s: %s", name, why);

        err_blame(e, "bind-user", name);
        return hint ? err_hint(e, "%s", hint) : k;
}

static int look_up(const struct tables *t, const char *name, struct arena *a, struct bound_user_list *ret,
                   struct err *e) {
        struct passwd_entry p, other;
        struct bound_user *u;
        uint32_t inside = FIRST_UID;

        if (passwd_by_name(t->passwd, name, &p) != 1)
                return refuse(name, "the host's /etc/passwd has no such user", NULL, e);
        if (p.uid == 0 || p.uid == 65534)
                return refuse(name, "not for root and nobody", "every container has these itself", e);
        if (!has_group(t->group, name, p.gid, true))
                return refuse(name, "the user's first group is not one of the same name", NULL, e);
        if (p.home.n == 0 || p.home.s[0] != '/')
                return refuse(name, "the user has no home directory", NULL, e);
        for (size_t i = 0; i < ret->n; i++)
                if (streq(ret->items[i].name, name))
                        return refuse(name, "given twice", NULL, e);
        if (passwd_by_name(t->tree_passwd, name, &other) != 0 || has_group(t->tree_group, name, (gid_t) -1, false))
                return refuse(name, "the tree has a user or group of that name", NULL, e);
        while (inside <= LAST_UID && is_taken(t, ret, inside))
                inside++;
        if (inside > LAST_UID)
                return refuse(name, "the tree leaves no number from 60514 to 60577 free", NULL, e);
        u = arena_push(a, ret);
        *u = (struct bound_user){
                .name = arena_strdup(a, name),
                .uid = p.uid,
                .gid = p.gid,
                .inside = inside,
                .home = arena_strndup(a, p.home.s, p.home.n),
                .shell = p.shell.n > 0 ? arena_strndup(a, p.shell.s, p.shell.n) : NULL,
        };
        return 0;
}

int probe_bind_users(const struct spec *s, struct arena *a, struct facts *f, const struct opened *o, struct err *e) {
        struct tables t;
        int k = 0;

        f->bound_users = (struct bound_user_list){ 0 };
        if (s->bind_users.names.n == 0)
                return 0;
        k = read_host("/etc/passwd", a, &t.passwd, e);
        k = k < 0 ? k : read_host("/etc/group", a, &t.group, e);
        k = k < 0 ? k : read_tree(o, "etc/passwd", a, &t.tree_passwd, e);
        k = k < 0 ? k : read_tree(o, "etc/group", a, &t.tree_group, e);
        for (size_t i = 0; k == 0 && i < s->bind_users.names.n; i++)
                k = look_up(&t, s->bind_users.names.items[i], a, &f->bound_users, e);
        return k;
}

/* shadow(5): a password that cannot be given is none. */
static void add_password(struct span shadow, const char *name, struct arena *a, struct credential_list *ret) {
        struct colon_line l;
        const char *hash;

        while (colon_next(&shadow, &l)) {
                struct credential *c;

                if (!span_is(l.field[0], name) || l.n < 2 || l.field[1].n == 0 || strchr("!*", l.field[1].s[0]))
                        continue;
                hash = arena_strndup(a, l.field[1].s, l.field[1].n);
                if (hash[strcspn(hash, "\"\\")])
                        continue;
                c = arena_push(a, ret);
                c->id = arena_printf(a, PASSWORD_OF "%s", name);
                c->data = arena_printf(a, "{\"privileged\":{\"hashedPassword\":[\"%s\"]}}\n", hash);
                c->size = strlen(c->data);
                return;
        }
}

int probe_passwords(const struct spec *s, struct arena *a, struct credential_list *ret, struct err *e) {
        struct span shadow;
        int k = s->bind_users.names.n == 0 ? 0 : read_host("/etc/shadow", a, &shadow, e);

        for (size_t i = 0; k == 0 && i < s->bind_users.names.n; i++)
                add_password(shadow, s->bind_users.names.items[i], a, ret);
        return k;
}
