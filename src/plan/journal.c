/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/mounts.h"

#include <stdarg.h>
#include <string.h>
#include <sys/mount.h>

#include "base/str.h"
#include "plan/idrange.h"
#include "plan/root.h"

/* The host's journalctl finds the journals of other machines in /var/log/journal, each in a directory called like the
 * machine's id (systemd-journald.service(8), FILES). It is either a link to the tree, or a directory of the host which
 * the container has mounted at the same place. */

#define TOP "var/log/journal"

static bool has_new_root(const struct spec *s, const struct facts *f) {
        return s->root.volatile_mode == VOLATILE_YES || (f->image.used && !plan_image_has_root(f));
}

/* An id that is made up may be another one the next time, unless systemd boots from a tree that keeps what is written
 * to it: where that has none, it takes the one that it is told, and writes it there (machine-id(5)). */
static bool keeps_its_id(const struct spec *s, const struct facts *f) {
        return s->exec.mode == EXEC_BOOT && f->tree.init.kind == INIT_SYSTEMD && f->tree.etc_writable &&
               !spec_root_spares_tree(&s->root) && !has_new_root(s, f);
}

bool plan_journal_id(const struct spec *s, const struct facts *f, uint8_t ret[16]) {
        bool of_tree = f->tree.has_machine_id && !has_new_root(s, f);
        bool known = of_tree || s->id.has_uuid || keeps_its_id(s, f);

        if (known)
                plan_machine_id(s, f, of_tree, ret);
        return known;
}

struct linking {
        const struct spec *spec;
        const struct facts *facts;
        struct arena *arena;
        struct plan *plan;
        struct err *err;
        bool guest, must; /* to the tree; asked for by name */
        bool tell;        /* somebody wants it: a line says why not */
        const char *at;   /* var/log/journal/ID */
};

/* What was asked for by name is refused; otherwise there is a line, unless nobody spoke of it. */
static int leave(struct linking *l, const char *hint, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int leave(struct linking *l, const char *hint, const char *fmt, ...) {
        const char *why;
        va_list ap;

        va_start(ap, fmt);
        why = arena_vprintf(l->arena, fmt, ap);
        va_end(ap);
        if (!l->must) {
                if (l->tell)
                        plan_note(l->arena, l->plan, "the journal is not linked: %s", why);
                return 0;
        }
        err_set(l->err, ERR_HOST, 0, "--link-journal=%s: %s", l->guest ? "guest" : "host", why);
        err_blame(l->err, "link-journal", NULL);
        return err_hint(l->err, "%s", hint);
}

static bool new_var(const struct linking *l) {
        return l->spec->root.volatile_mode == VOLATILE_STATE || has_new_root(l->spec, l->facts);
}

static bool is_covered(const struct spec *s) {
        return plan_binds_at(s, "var") || plan_binds_at(s, "var/log") || plan_binds_at(s, TOP);
}

/* What is written to the tree itself can be read there by the host, now and afterwards. */
static const char *why_not_in_tree(const struct linking *l) {
        const struct plan *p = l->plan;

        if (l->facts->image.used)
                return "the journal is inside of the image, where the host cannot read it";
        if (p->root.pivot)
                return "with --pivot-root= it is elsewhere in the tree";
        if (p->root.fresh || p->root.overlay || new_var(l) || (p->copy && !p->copy->keep_as))
                return "the journal does not get into the tree";
        if (p->root.read_only || !l->facts->tree.etc_writable)
                return "the tree is read-only";
        if (is_covered(l->spec))
                return "another directory is mounted over /var/log/journal";
        return NULL;
}

/* Makes room, where what is there says nothing. own: a link to here is as good as none. */
static int make_room(struct linking *l, const char *own, bool *ret_free) {
        const char *path = l->plan->journal.path, *to = l->facts->journal.leads_to;
        bool to_own = to && streq(to, own);

        *ret_free = true;
        switch (l->facts->journal.at) {
        case PLACE_EMPTY: return 0;
        case PLACE_LINK:
        case PLACE_LOST_LINK:
                l->plan->journal.replaced = to;
                if (l->guest && to_own) {
                        l->plan->journal.there = true;
                        l->plan->journal.replaced = NULL;
                        return 0;
                }
                if (to_own || l->facts->journal.at == PLACE_LOST_LINK)
                        return 0;
                *ret_free = false;
                return leave(l, "give one of them another machine id", "%s leads to %s: a machine with the same id",
                             path, to);
        case PLACE_DIR:
                l->plan->journal.there = !l->guest;
                if (!l->guest)
                        return 0;
                *ret_free = false;
                return leave(l, "--link-journal=host goes on with it; or move it away",
                             "the host has a journal in %s already", path);
        case PLACE_BARE_DIR:
                l->plan->journal.there = !l->guest;
                l->plan->journal.replaced = l->guest ? "" : NULL;
                return 0;
        case PLACE_OTHER: break;
        }
        *ret_free = false;
        return leave(l, "move it away", "%s is no directory", path);
}

static void add_link(struct linking *l, const char *own) {
        l->plan->journal.link = own;
        plan_add_fsop(l->arena, l->plan,
                      &(struct fsop){
                              .kind = FSOP_DIR,
                              .dst = l->at,
                              .slot = -1,
                              .flags = FSOP_MAKE_DIR | FSOP_PARENTS | FSOP_OF_JOURNAL,
                              .why = l->must ? "--link-journal=guest" : "--link-journal=try-guest",
                      });
}

/* Root inside could make set-user-ID files in it that others on the host can reach: on disk they belong to ids that
 * nobody has. */
static const struct fsop_owners *map_owners(struct linking *l) {
        const struct plan *p = l->plan;
        struct idmap_extent all = {
                .inside = IDRANGE_FOREIGN,
                .outside = p->ids.base,
                .count = p->ids.count < IDRANGE_SIZE ? p->ids.count : IDRANGE_SIZE,
        };
        struct fsop_owners *o;

        if (!p->ids.own)
                return NULL;
        l->plan->journal.owner = IDRANGE_FOREIGN;
        o = arena_new(l->arena, struct fsop_owners);
        *arena_push(l->arena, &o->uids) = all;
        *arena_push(l->arena, &o->gids) = all;
        return o;
}

static void add_directory(struct linking *l) {
        plan_add_fsop(l->arena, l->plan,
                      &(struct fsop){
                              .kind = FSOP_TREE,
                              .dst = l->at,
                              .host = l->plan->journal.path,
                              .slot = -1,
                              .set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
                              .flags = FSOP_MAKE_DIR | FSOP_PARENTS | FSOP_OF_JOURNAL,
                              .owners = map_owners(l),
                              .why = l->must ? "--link-journal=host"
                                     : l->spec->integration.link_journal == JOURNAL_TRY_HOST
                                             ? "--link-journal=try-host"
                                             : "the host keeps its journal (--link-journal=auto)",
                      });
}

/* All that both ways need. Returns 1 where it is there. */
static int check(struct linking *l) {
        const struct facts *f = l->facts;
        const char *why = l->guest ? why_not_in_tree(l) : NULL;
        bool fixed = !f->tree.etc_writable && !new_var(l);
        uint8_t id[16];

        if (why)
                return leave(l, "--link-journal=host keeps it on the host", "%s", why);
        if (!plan_journal_id(l->spec, f, id))
                return leave(l, "--uuid= gives it one; systemd-machine-id-setup --root= writes one to the tree",
                             "the container has no machine id yet");
        if (!f->journal.host_id)
                return leave(l, "systemd-machine-id-setup makes one", "the host has no machine id");
        if (f->journal.same_id)
                return leave(l, "empty etc/machine-id of the tree: it gets a new one when it boots",
                             "host and container have the same machine id");
        if (!f->journal.kept)
                return leave(l, "mkdir /var/log/journal", "the host keeps no journal: it has no /var/log/journal");
        if (f->journal.why)
                return leave(l, "see --dry-run", "%s", f->journal.why);
        if (!new_var(l) && f->journal.in_tree == AT_LINK)
                return leave(l, "a real directory is needed",
                             "/" TOP " of the tree is, or leads through, a symbolic link");
        if (!new_var(l) && (f->journal.in_tree == AT_FILE || f->journal.in_tree == AT_OTHER))
                return leave(l, "a real directory is needed", "/%s of the tree is no directory", l->at);
        if (fixed && f->journal.in_tree == AT_MISSING)
                return leave(l, "an empty one is needed, and not made in what is read-only", "the tree has no /%s",
                             l->at);
        if (plan_binds_at(l->spec, l->at))
                return leave(l, "one of both is enough", "/%s is mounted by another option", l->at);
        return 1;
}

static const char *id_text(struct arena *a, const uint8_t id[16]) {
        const char *text = "";

        for (int i = 0; i < 16; i++)
                text = arena_printf(a, "%s%02x", text, id[i]);
        return text;
}

static int link_it(struct linking *l) {
        const char *own = arena_printf(l->arena, "%s/%s", l->plan->root.path, l->at);
        bool is_free;
        int r;

        l->plan->journal.path = arena_printf(l->arena, "/%s", l->at);
        l->plan->journal.must = l->must;
        r = make_room(l, own, &is_free);
        if (!is_free) {
                l->plan->journal.path = NULL;
                return r;
        }
        if (l->guest)
                add_link(l, own);
        else
                add_directory(l);
        return 0;
}

int plan_journal(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        enum link_journal mode = s->integration.link_journal;
        struct linking l = {
                .spec = s,
                .facts = f,
                .arena = a,
                .plan = p,
                .err = e,
                .guest = mode == JOURNAL_GUEST || mode == JOURNAL_TRY_GUEST,
                .must = mode == JOURNAL_GUEST || mode == JOURNAL_HOST,
                .tell = mode != JOURNAL_AUTO,
        };
        uint8_t id[16] = { 0 };
        int r;

        if (mode == JOURNAL_NO)
                return 0;
        if (s->root.ephemeral)
                return leave(&l, "", "it goes with the copy");
        /* The directory that is there says that somebody wants it. The host's own is there in any case. */
        if (mode == JOURNAL_AUTO && f->journal.at != PLACE_DIR && f->journal.at != PLACE_BARE_DIR)
                return 0;
        l.tell = l.tell || !f->journal.same_id;
        (void) plan_journal_id(s, f, id);
        l.at = arena_printf(a, TOP "/%s", id_text(a, id));
        r = check(&l);
        return r > 0 ? link_it(&l) : r;
}
