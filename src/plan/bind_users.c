/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/mounts.h"

#include <sys/mount.h>

#include "base/clean.h"
#include "base/str.h"
#include "plan/idmaps.h"

/* Users of the host inside (--bind-user=): entries in /run/host/userdb, which nss-systemd(8) reads there, and the home
 * directory, whose files belong to the user by its number inside. */

#define HOMES  "run/host/home"
#define USERDB "run/host/userdb"

/* JSON strings (RFC 8259) of names and paths. */
static const char *quote(struct arena *a, const char *s) {
        const char *text = "\"";

        for (; *s; s++)
                if ((unsigned char) *s < 0x20)
                        text = arena_printf(a, "%s\\u%04x", text, *s);
                else
                        text = arena_printf(a, "%s%s%c", text, *s == '"' || *s == '\\' ? "\\" : "", *s);
        return arena_printf(a, "%s\"", text);
}

static const char *user_entry(const struct spec *s, const struct bound_user *u, struct arena *a) {
        const struct spec_bind_users *b = &s->bind_users;
        const char *shell = b->shell ? b->shell : b->own_shell ? u->shell : NULL, *groups = "";

        for (size_t i = 0; i < b->groups.n; i++)
                groups = arena_printf(a, "%s%s%s", groups, i ? "," : "", quote(a, b->groups.items[i]));
        return arena_printf(a,
                            "{\"userName\":%s,\"uid\":%u,\"gid\":%u,\"disposition\":\"container\","
                            "\"homeDirectory\":%s%s%s%s%s%s,\"service\":\"io.systemd.NSpawn\"}\n",
                            quote(a, u->name), u->inside, u->inside,
                            quote(a, arena_printf(a, "/" HOMES "/%s", u->name)), shell ? ",\"shell\":" : "",
                            shell ? quote(a, shell) : "", *groups ? ",\"memberOf\":[" : "", groups,
                            *groups ? "]" : "");
}

static const char *group_entry(const struct bound_user *u, struct arena *a) {
        return arena_printf(a,
                            "{\"groupName\":%s,\"gid\":%u,\"disposition\":\"container\","
                            "\"service\":\"io.systemd.NSpawn\"}\n",
                            quote(a, u->name), u->inside);
}

static void add_seed(struct arena *a, struct fsop *op, enum seed_kind kind, const char *path, const char *text) {
        mode_t mode = kind == SEED_DIR ? 0755 : kind == SEED_CREDENTIAL ? 0600 : 0644;

        *arena_push(a, &op->seeds) = (struct seed){ .kind = kind, .path = path, .text = text, .mode = mode };
}

static void add_entries(const struct spec *s, const struct bound_user *u, struct arena *a, struct fsop *db) {
        const char *user = arena_printf(a, "%s.user", u->name), *group = arena_printf(a, "%s.group", u->name),
                   *secret = arena_printf(a, "%s.user-privileged", u->name);

        add_seed(a, db, SEED_FILE, user, user_entry(s, u, a));
        add_seed(a, db, SEED_FILE, group, group_entry(u, a));
        add_seed(a, db, SEED_CREDENTIAL, secret, arena_printf(a, PASSWORD_OF "%s", u->name));
        add_seed(a, db, SEED_LINK, arena_printf(a, "%u.user", u->inside), user);
        add_seed(a, db, SEED_LINK, arena_printf(a, "%u.group", u->inside), group);
        add_seed(a, db, SEED_LINK, arena_printf(a, "%u.user-privileged", u->inside), secret);
}

static void add_home(const struct bound_user *u, struct arena *a, struct plan *p) {
        struct fsop_owners *o = arena_new(a, struct fsop_owners);
        uint32_t seen = u->inside;

        /* check() has seen that it is there. */
        if (p->ids.own)
                (void) plan_id_outside(p, u->inside, &seen);
        *arena_push(a, &o->uids) = (struct idmap_extent){ .inside = u->uid, .outside = seen, .count = 1 };
        *arena_push(a, &o->gids) = (struct idmap_extent){ .inside = u->gid, .outside = seen, .count = 1 };
        plan_add_fsop(a, p,
                      &(struct fsop){
                              .kind = FSOP_TREE,
                              .dst = arena_printf(a, HOMES "/%s", u->name),
                              .host = u->home,
                              .slot = -1,
                              .set = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID,
                              .owners = o,
                              .why = "--bind-user=",
                      });
}

static struct fsop *find(struct plan *p, const char *dst) {
        for (size_t i = 0; i < p->fsops.n; i++)
                if (p->fsops.items[i].kind == FSOP_FRESH && streq(p->fsops.items[i].dst, dst))
                        return &p->fsops.items[i];
        return NULL;
}

static int check(const struct bound_user *u, const struct plan *p, struct err *e) {
        uint32_t seen;

        if (p->ids.own && plan_id_outside(p, u->inside, &seen) == 0) {
                err_set(e, ERR_USAGE, 0, "--bind-user=%s: the container has no id %u for this user", u->name,
                        u->inside);
                return err_hint(e, "--private-users=pick gives it 65536 of them");
        }
        if (p->ids.own && plan_has_host_id(p, u->uid)) {
                err_set(e, ERR_USAGE, 0, "--bind-user=%s: the user's number %u is one of the container's own", u->name,
                        u->uid);
                return err_hint(e,
                                "--private-users=pick has others; a user whose number is inside needs --bind= only");
        }
        return 0;
}

int plan_bind_users(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        struct fsop *host = find(p, "run/host"), db = {
                .kind = FSOP_FRESH,
                .dst = USERDB,
                .src = "tmpfs",
                .options = "mode=0755,size=4m,nr_inodes=1k",
                .slot = -1,
                .set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
                .flags = FSOP_BY_HOST | FSOP_SEAL,
                .why = "--bind-user=",
        };

        if (f->bound_users.n == 0)
                return 0;
        if (!host)
                return err_set(e, ERR_BUG, 0, "--bind-user= finds no /run/host");
        add_seed(a, host, SEED_DIR, "home", NULL);
        add_seed(a, host, SEED_DIR, "userdb", NULL);
        for (size_t i = 0; i < f->bound_users.n; i++) {
                const struct bound_user *u = &f->bound_users.items[i];
                int r = check(u, p, e);

                if (r < 0)
                        return r;
                add_seed(a, host, SEED_DIR, arena_printf(a, "home/%s", u->name), NULL);
                add_entries(s, u, a, &db);
        }
        plan_add_fsop(a, p, &db);
        for (size_t i = 0; i < f->bound_users.n; i++)
                add_home(&f->bound_users.items[i], a, p);
        return 0;
}
