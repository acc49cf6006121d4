/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/ids.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>

#include "plan/idmaps.h"
#include "plan/idrange.h"
#include "plan/mounts.h"

#define BIT(n) (UINT64_C(1) << (n))

static uint32_t range_of(uint32_t id) {
        return id & ~(uint32_t) (IDRANGE_SIZE - 1);
}

static bool is_foreign(const struct facts *f) {
        return range_of(f->tree.uid) == IDRANGE_FOREIGN && range_of(f->tree.gid) == IDRANGE_FOREIGN;
}

/* The mark of a change that was broken off. */
static bool is_busy(const struct facts *f) {
        return range_of(f->tree.uid) == IDRANGE_BUSY && range_of(f->tree.gid) == IDRANGE_BUSY;
}

static int refuse_managed(const struct facts *f, struct err *e) {
        switch (f->host.id_service) {
        case ID_SERVICE_MISSING:
                err_set(e, ERR_HOST, 0,
                        "--private-users=managed: systemd-nsresourced is not there (no " ID_SERVICE ")");
                break;
        case ID_SERVICE_SILENT:
                err_set(e, ERR_HOST, 0, "--private-users=managed: systemd-nsresourced does not answer at " ID_SERVICE);
                break;
        case ID_SERVICE_OTHER:
                err_set(e, ERR_HOST, 0,
                        "--private-users=managed: what answers at " ID_SERVICE " is not systemd-nsresourced");
                break;
        case ID_SERVICE_OLD:
                /* Before, a user namespace was lost to it where one made inside lived longest, and every container has
                 * such a one. */
                err_set(e, ERR_HOST, 0,
                        "--private-users=managed: systemd-nsresourced is of a systemd before 260, and does not take "
                        "all ids back that it lends");
                break;
        case ID_SERVICE_ANSWERS: return 0;
        }
        err_blame(e, "private-users", NULL);
        return err_hint(e, "--private-users=pick finds a range of ids without it");
}

/* The kernel keeps such a user namespace from leaving files behind that belong to its ids, wherever they outlive it:
 * others get these ids next. */
static int check_lent(const struct spec *s, const struct facts *f, struct err *e) {
        if (s->ids.ownership == OWNERSHIP_CHOWN) {
                err_set(e, ERR_USAGE, 0,
                        "--private-users-ownership=chown: the ids of --private-users=managed are lent "
                        "for one run, and the next one gets others");
                err_blame(e, "private-users-ownership", NULL);
                return err_hint(e, "auto maps the owners in the tree, and changes nothing in it");
        }
        if (s->ids.ownership == OWNERSHIP_OFF || !idrange_of_owner(f->tree.uid, f->tree.gid))
                return 0;
        err_set(e, ERR_IMAGE, 0,
                "--private-users=managed: %s belongs to a container's ids (from %u on), which may be lent to others",
                f->tree.path, f->tree.uid);
        err_blame(e, "private-users", NULL);
        return err_hint(e, "--private-users=pick goes on with them");
}

/* Which ids are lent is known once the service was asked, which changes something: that is for the launch. Until then
 * a range of containers stands for them. */
static int choose_lent(const struct spec *s, const struct facts *f, struct plan *p, struct err *e) {
        int k = refuse_managed(f, e);

        p->ids.count = PLAN_ID_COUNT;
        p->ids.lent = true;
        p->ids.unknown = f->lent.n == 0;
        p->ids.base = p->ids.unknown ? IDRANGE_MIN : f->lent.items[0].outside;
        p->ids.further = s->ids.delegate;
        return k < 0 ? k : check_lent(s, f, e);
}

static bool is_picked(const struct spec *s) {
        return s->ids.mode == USERS_PICK || s->ids.mode == USERS_DEFAULT;
}

/* Which ids, and what they are called in the tree. */
static int choose_range(const struct spec *s, const struct facts *f, struct plan *p, struct err *e) {
        p->ids.count = PLAN_ID_COUNT;
        if (is_picked(s)) {
                p->ids.picked = true;
                p->ids.base = f->tree.range_base;
        } else if (s->ids.mode == USERS_RANGE) {
                p->ids.base = s->ids.base;
                p->ids.count = s->ids.count;
        } else if (range_of(f->tree.uid) != range_of(f->tree.gid)) {
                err_set(e, ERR_IMAGE, 0, "--private-users=yes: user %u and group %u, which own %s, are of two ranges",
                        f->tree.uid, f->tree.gid, f->tree.path);
                err_hint(e, "--private-users=pick finds ids for it");
                return err_blame(e, "private-users", NULL);
        } else if (is_busy(f)) {
                err_set(e, ERR_IMAGE, 0,
                        "--private-users=yes: the owners in %s are half of one range, half of another", f->tree.path);
                err_hint(e, "--private-users=pick --private-users-ownership=chown completes the change");
                return err_blame(e, "private-users", NULL);
        } else
                p->ids.base = range_of(f->tree.uid);
        return 0;
}

/* The one way to change the owners in a tree for good, and only ever by name. */
static int choose_chown(const struct facts *f, struct plan *p, struct err *e) {
        const char *why = f->image.used       ? "the owners in an image are mapped"
                          : f->tree.vendor    ? "it is below /usr, and not written to"
                          : f->tree.host_root ? "it is the host's own root directory"
                          : f->tree.read_only ? "its file system is read-only"
                          : p->ids.base % IDRANGE_SIZE || p->ids.count != IDRANGE_SIZE
                                  ? "that takes 65536 ids, from a multiple of it on"
                          : range_of(f->tree.uid) != range_of(f->tree.gid) ? "its user and group are of two ranges"
                                                                           : NULL;

        p->ids.tree_base = p->ids.base;
        p->ids.resumed = is_busy(f);
        p->ids.chown_from = range_of(f->tree.uid);
        p->ids.chown = p->ids.chown_from != p->ids.base;
        if (!why)
                return 0;
        err_set(e, ERR_USAGE, 0, "--private-users-ownership=chown: cannot change the owners in %s: %s", f->tree.path,
                why);
        if (f->image.used)
                err_hint(e, "auto does that, and changes nothing in it");
        return err_blame(e, "private-users-ownership", NULL);
}

static int choose_owners(const struct spec *s, const struct facts *f, struct plan *p, struct err *e) {
        bool shifted = p->ids.picked ? f->tree.range_is_owner
                                     : p->ids.base > 0 && f->tree.uid == p->ids.base && f->tree.gid == p->ids.base;

        if (s->ids.ownership == OWNERSHIP_CHOWN)
                return choose_chown(f, p, e);
        if (is_busy(f)) {
                err_set(e, ERR_IMAGE, 0,
                        "a change of the owners in %s was broken off: half of them are of another range",
                        f->tree.path);
                return err_hint(e, "--private-users-ownership=chown completes it");
        }
        if (s->ids.ownership == OWNERSHIP_MAP && shifted) {
                err_set(e, ERR_IMAGE, 0, "--private-users-ownership=map: the owners in %s are shifted already",
                        f->tree.path);
                err_blame(e, "private-users-ownership", NULL);
                return err_hint(e, "--private-users-ownership=auto takes them as they are");
        }
        if (s->ids.ownership == OWNERSHIP_FOREIGN && !is_foreign(f)) {
                err_set(e, ERR_IMAGE, 0, "--private-users-ownership=foreign: %s does not belong to the ids from %u on",
                        f->tree.path, IDRANGE_FOREIGN);
                err_blame(e, "private-users-ownership", NULL);
                return err_hint(e, "--private-users-ownership=auto finds out whose it is");
        }
        p->ids.tree_base = s->ids.ownership == OWNERSHIP_OFF || shifted         ? p->ids.base
                           : s->ids.ownership != OWNERSHIP_MAP && is_foreign(f) ? IDRANGE_FOREIGN
                                                                                : 0;
        p->ids.map_root = p->ids.tree_base != p->ids.base || (s->ids.maps.n > 0 && s->ids.ownership != OWNERSHIP_OFF);
        return 0;
}

static const char *find_missing(const struct spec *s, const struct facts *f, const struct plan *p) {
        if (!f->host.can_userns)
                return "no user namespace can be made here";
        if (~f->host.caps & (BIT(CAP_SETUID) | BIT(CAP_SETGID)))
                return "berth lacks cap_setuid or cap_setgid, which mapping ids takes";
        if (!f->host.first_userns)
                return "berth itself runs in a user namespace";
        if (!f->host.can_mount_in_userns)
                return "a fresh proc cannot be mounted here in a user namespace (parts of the visible one are "
                       "covered)";
        if (p->ids.picked && !p->ids.base)
                return "no range of 65536 ids is free";
        if (p->ids.map_root && !f->tree.can_idmap)
                return "owners cannot be mapped on its file system";
        if (f->tree.layer_why)
                return f->tree.layer_why;
        if (s->host.api_vfs == API_VFS_WRITABLE)
                return "--api-vfs=writable needs root's own rights";
        return NULL;
}

static int check_busy(const struct spec *s, const struct facts *f, const struct plan *p, struct err *e) {
        if (s->ids.ownership == OWNERSHIP_CHOWN || !p->ids.picked || f->tree.range_is_owner ||
            f->tree.uid != f->tree.gid || !idrange_valid(f->tree.uid))
                return 0;
        err_set(e, ERR_BUSY, EBUSY, "the user ids that own %s (from %u on) are in use by another container",
                f->tree.path, f->tree.uid);
        return err_hint(e, "stop that one, or give a copy of the tree a range of its own");
}

static void note_reach(const struct facts *f, struct arena *a, struct plan *p) {
        if (p->ids.base == 0)
                plan_note(a, p,
                          "user ids inside are those outside: root's files of the host are root's inside, where it "
                          "can reach them");
        if (f->tree.reachable && p->ids.map_root)
                plan_note(a, p,
                          "others on this host can reach %s: a set-user-ID program that root makes inside is "
                          "root's for them (a directory above it with mode 0700 keeps them out)",
                          f->tree.path);
}

/* As systemd-nspawn, but not without a word. */
static void note_strangers(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p) {
        uint32_t base = p->ids.tree_base;
        const char *remedy = f->tree.uid == 0 ? "--private-users-ownership=map gives it to root inside"
                             : is_foreign(f)  ? "--private-users-ownership=auto gives it to root inside"
                                              : "--private-users=yes has the ids of its owner";

        if (p->ids.chown || s->ids.maps.n > 0 || (f->tree.uid >= base && f->tree.uid - base < p->ids.count))
                return;
        plan_note(a, p, "%s belongs to user %u, who is nobody inside; %s", f->tree.path, f->tree.uid, remedy);
}

static int refuse(const struct spec *s, const struct facts *f, const struct plan *p, const char *missing,
                  struct err *e) {
        bool map = s->ids.ownership == OWNERSHIP_MAP || s->ids.ownership == OWNERSHIP_FOREIGN;
        bool may_chown = !map && !p->ids.lent && !f->tree.can_idmap && p->ids.map_root;

        err_set(e, ERR_HOST, 0, "cannot give %s user ids of its own: %s", f->tree.path, missing);
        err_blame(e, map ? "private-users-ownership" : "private-users", NULL);
        return err_hint(e, may_chown ? "--private-users-ownership=chown changes them in the tree itself, for good"
                                     : "--private-users=no runs it without: root inside is then root outside");
}

int plan_ids(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        bool said = s->ids.mode >= USERS_PICK || s->ids.ownership == OWNERSHIP_MAP ||
                    s->ids.ownership == OWNERSHIP_FOREIGN || s->ids.ownership == OWNERSHIP_CHOWN;
        const char *missing;
        int r;

        if (s->ids.mode == USERS_NO) {
                if (is_busy(f))
                        plan_note(a, p,
                                  "a change of the owners in %s was broken off: half of them are of another range",
                                  f->tree.path);
                return 0;
        }
        r = s->ids.mode == USERS_MANAGED ? choose_lent(s, f, p, e) : choose_range(s, f, p, e);
        r = r < 0 ? r : choose_owners(s, f, p, e);
        r = r < 0 ? r : plan_idmaps(s, f, a, p, e);
        if (r < 0)
                return r;
        missing = find_missing(s, f, p);
        r = missing ? 0 : check_busy(s, f, p, e);
        if (r < 0)
                return r;
        if (!missing) {
                p->ids.own = true;
                p->namespaces |= CLONE_NEWUSER;
                p->ids.single = f->host.no_nested;
                if (p->ids.single)
                        plan_note(
                                a, p,
                                "no user namespace can be made in another one here "
                                "(kernel.unprivileged_userns_clone): "
                                "root inside can change the sizes of /run, /dev/shm and other file systems in memory");
                note_reach(f, a, p);
                note_strangers(s, f, a, p);
                return 0;
        }
        if (said && !(s->ids.may_lack && !f->host.can_userns))
                return refuse(s, f, p, missing, e);
        p->ids = (__typeof__(p->ids)){ 0 };
        plan_note(a, p, "root inside is root outside: %s", missing);
        return 0;
}

/* Names of sockets of the host in /run/systemd. */
static const char lenders[][29] = { "io.systemd.NamespaceResource", "io.systemd.MountFileSystem" };

static size_t count_lenders(const struct facts *f, const struct plan *p) {
        return p->ids.further == 0 ? 0 : f->host.mount_service ? 2 : 1;
}

void plan_seed_lenders(const struct facts *f, const struct plan *p, struct arena *a, struct seed_list *seeds) {
        for (size_t i = 0; i < count_lenders(f, p); i++)
                *arena_push(a, seeds) =
                        (struct seed){ .kind = SEED_FILE, .path = lenders[i], .mode = 0444, .text = "" };
}

void plan_bind_lenders(const struct facts *f, struct arena *a, struct plan *p) {
        for (size_t i = 0; i < count_lenders(f, p); i++)
                plan_add_fsop(a, p,
                              &(struct fsop){
                                      .kind = FSOP_TREE,
                                      .dst = arena_printf(a, "run/host/%s", lenders[i]),
                                      .host = arena_printf(a, "/run/systemd/%s", lenders[i]),
                                      .set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
                                      .slot = -1,
                                      .why = "--private-users-delegate=",
                              });
}
