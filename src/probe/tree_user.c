/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Users of the tree by its own files. A user name never reaches NSS, and no program of the tree runs to look it up. */

#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "base/parse.h"
#include "base/str.h"
#include "probe/tree.h"
#include "probe/tree_passwd.h"

static const char PASSWD[] = "/etc/passwd", GROUP[] = "/etc/group";

/* A file that is not there is an empty one. */
static int read_table(int root, const char *path, struct arena *a, struct span *ret, struct err *e) {
        char *text;
        ssize_t n = tree_read(root, path, TREE_PASSWD_MAX, a, &text);

        if (n == -ENOENT || n == -ENOTDIR) {
                *ret = (struct span){ "", 0 };
                return 0;
        }
        if (n < 0)
                return err_set(e, ERR_IMAGE, (int) -n, "cannot read the tree's %s", path);
        *ret = (struct span){ text, (size_t) n };
        return 0;
}

static const char *absolute_or(struct arena *a, struct span s, const char *other) {
        return s.n > 0 && s.s[0] == '/' ? arena_strndup(a, s.s, s.n) : other;
}

static void take_entry(const struct passwd_entry *p, struct arena *a, struct tree_user *ret) {
        *ret = (struct tree_user){
                .uid = p->uid,
                .gid = p->gid,
                .name = arena_strndup(a, p->name.s, p->name.n),
                .home = absolute_or(a, p->home, "/"),
                .shell = absolute_or(a, p->shell, NULL),
        };
}

/* root is 0 whatever the tree says; its entry only adds a home and a shell. */
static void take_root(struct span passwd, struct arena *a, struct tree_user *ret) {
        struct passwd_entry p;

        *ret = (struct tree_user){ .name = "root", .home = "/root" };
        if (passwd_by_name(passwd, "root", &p) != 1 || p.uid != 0)
                return;
        ret->gid = p.gid;
        ret->home = absolute_or(a, p.home, "/root");
        ret->shell = absolute_or(a, p.shell, NULL);
}

static int take_number(struct span passwd, uid_t uid, struct arena *a, struct tree_user *ret) {
        struct passwd_entry p;

        if (passwd_by_uid(passwd, uid, &p) == 1)
                take_entry(&p, a, ret);
        else /* Its own number as the group: 0 would hand it what belongs to root's group. */
                *ret = (struct tree_user){ .uid = uid, .gid = (gid_t) uid, .home = "/" };
        return 0;
}

static int take_name(struct span passwd, const char *name, struct arena *a, struct tree_user *ret, struct err *e) {
        struct passwd_entry p;
        int r = passwd_by_name(passwd, name, &p);

        if (r < 0)
                return err_set(e, ERR_IMAGE, 0, "the entry of user %s in the tree's %s has no valid numbers", name,
                               PASSWD);
        if (r == 0) {
                err_set(e, ERR_PAYLOAD, 0, "the tree's %s has no user %s", PASSWD, name);
                return err_hint(e, "a number needs no entry");
        }
        take_entry(&p, a, ret);
        return 0;
}

static int take_groups(int root, struct arena *a, struct tree_user *u, struct err *e) {
        struct span group;
        gid_t *list;
        ssize_t n;
        int r;

        if (!u->name)
                return 0;
        r = read_table(root, GROUP, a, &group, e);
        if (r < 0)
                return r;
        list = arena_alloc(a, TREE_GROUPS_MAX * sizeof *list);
        n = passwd_groups(group, u->name, u->gid, list, TREE_GROUPS_MAX);
        if (n < 0)
                return err_set(e, ERR_IMAGE, 0, "user %s is in more than %d groups of the tree's %s", u->name,
                               TREE_GROUPS_MAX, GROUP);
        u->groups = list;
        u->n_groups = (size_t) n;
        return 0;
}

int tree_user(int root, const char *name, struct arena *a, struct tree_user *ret, struct err *e) {
        struct tree_user u = { 0 };
        struct span passwd;
        uid_t uid = 0;
        /* Digits are always a number: an entry named "1000" must not choose another one. */
        int number = parse_uid(name, &uid), r;

        if (number < 0 && !is_user_name(name)) /* which no number out of range is */
                return err_set(e, ERR_PAYLOAD, 0, "\"%s\" is neither a user name nor a user number", name);
        r = read_table(root, PASSWD, a, &passwd, e);
        if (r < 0)
                return r;
        if (number == 0 ? uid == 0 : streq(name, "root")) {
                take_root(passwd, a, &u);
                r = 0;
        } else if (number == 0)
                r = take_number(passwd, uid, a, &u);
        else
                r = take_name(passwd, name, a, &u, e);
        if (r >= 0)
                r = take_groups(root, a, &u, e);
        if (r >= 0)
                *ret = u;
        return r;
}
