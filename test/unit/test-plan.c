/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What holds of every plan, whatever was asked for on whatever host: thousands of combinations, drawn by a fixed seed.
 * What single settings do is for the golden plans. */

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "base/clean.h"
#include "base/str.h"
#include "plan/facts-file.h"
#include "plan/plan.h"
#include "unit/tap.h"

enum { DRAWS = 20000, FIRST_SLOT = 6 };

struct draw {
        uint64_t state;
        struct draft draft;
        struct facts facts;
        const struct spec *spec;
};

/* Numbers below n (xorshift64*, Vigna 2016). */
static unsigned pick(struct draw *d, unsigned n) {
        d->state ^= d->state >> 12;
        d->state ^= d->state << 25;
        d->state ^= d->state >> 27;
        return (unsigned) ((d->state * 2685821657736338717ull) >> 40) % n;
}

/* True once in n times. */
static bool once(struct draw *d, unsigned n) {
        return pick(d, n) == 0;
}

static void draw_spec(struct draw *d) {
        struct spec *s = &d->draft.spec;

        s->exec.mode = (enum exec_mode) pick(d, 3);
        s->root.read_only = once(d, 4);
        s->ids.mode = (enum users_mode) pick(d, once(d, 4) ? 5 : 3);
        s->ids.base = once(d, 4) ? 0 : 200000;
        s->ids.count = once(d, 4) ? 1 : 65536;
        s->ids.may_lack = s->ids.mode == USERS_PICK && once(d, 2);
        s->ids.ownership = once(d, 8) ? OWNERSHIP_MAP : once(d, 8) ? OWNERSHIP_OFF : OWNERSHIP_AUTO;
        s->net.private = (enum tristate)((int) pick(d, 3) - 1);
        s->net.path = once(d, 6) ? "/run/netns/x" : NULL;
        s->host.api_vfs = (enum api_vfs) pick(d, 3);
        s->host.no_tmpfs_tmp = once(d, 4);
        s->host.no_lock = once(d, 4);
        s->host.keep_unit = once(d, 4);
        s->host.registered = (enum tristate)((int) pick(d, 6) > 1 ? UNSAID : once(d, 2));
        s->host.user_manager = once(d, 6);
        s->host.slice = once(d, 8) ? "web.slice" : NULL;
        s->sec.nesting = once(d, 3);
        s->sec.no_new_privileges = once(d, 4);
        s->sec.no_filter = once(d, 8);
        s->sec.caps_drop = once(d, 4) ? 1ull << pick(d, 41) | 1ull << CAP_SYS_ADMIN : 0;
        s->sec.caps_ambient = once(d, 8) ? 1ull << CAP_NET_RAW : 0;
        s->console.mode = (enum console_mode) pick(d, CONSOLE_MAX_);
        s->integration.resolv_conf = once(d, 2) ? RESOLV_AUTO : (enum resolv_conf) pick(d, RESOLV_MAX_);
        s->integration.timezone = once(d, 2) ? TIMEZONE_AUTO : (enum timezone_mode) pick(d, TIMEZONE_MAX_);
        s->exec.user = once(d, 4) ? "anna" : NULL;
        if (once(d, 2))
                strv_add(&d->draft.arena, &s->exec.argv, once(d, 2) ? "/bin/true" : "true");
        if (once(d, 3))
                strv_add(&d->draft.arena, &s->exec.env, once(d, 2) ? "PATH=/x" : "NEW=1");
}

static void draw_facts(struct draw *d) {
        struct facts *f = &d->facts;

        facts_usual(d->spec, &d->draft.arena, f);
        f->host.first_userns = !once(d, 6);
        f->host.can_userns = !once(d, 6);
        f->host.no_tty_group = once(d, 6);
        f->host.no_setgroups = once(d, 6);
        f->host.no_keyring = once(d, 6);
        f->host.can_mount_in_userns = !once(d, 6);
        f->host.can_mount_proc = !once(d, 6);
        f->host.can_mount_sysfs = !once(d, 6);
        f->host.can_mknod = !once(d, 3);
        f->host.can_idmap_tmpfs = !once(d, 3);
        f->host.can_restrict_devices = !once(d, 3);
        f->host.caps = once(d, 4) ? 0xa80425fb : f->host.caps;
        f->host.landlock_abi = (int) pick(d, 8);
        f->host.tun = once(d, 3) ? 0 : 0666;
        f->host.fuse = once(d, 3) ? 0 : 0666;
        f->host.localtime = once(d, 6) ? "" : f->host.localtime;
        f->host.os_release = once(d, 6) ? NULL : f->host.os_release;
        f->cgroup.found = !once(d, 4);
        f->cgroup.writable = f->cgroup.found && !once(d, 4);
        f->cgroup.unit = once(d, 4) ? "/system.slice/x.service" : NULL;
        f->cgroup.in_subgroup = f->cgroup.unit && once(d, 2);
        f->manager.found = !once(d, 4);
        f->manager.machined = !once(d, 4);
        f->manager.agent = once(d, 4) ? NULL : f->manager.agent;
        f->manager.why = once(d, 6) ? "it does not answer" : NULL;
        f->caller.terminal_in = once(d, 2);
        f->caller.terminal_out = once(d, 2);
        f->caller.listen_fds = once(d, 4) ? 2 : 0;
        f->tree.can_idmap = !once(d, 4);
        f->tree.range_is_owner = once(d, 4);
        f->tree.range_base = once(d, 8) ? 0 : f->tree.range_base;
        f->tree.etc_writable = !d->spec->root.read_only && !once(d, 4);
        f->tree.resolv_conf = (enum file_kind) pick(d, 5);
        f->tree.localtime = (enum file_kind) pick(d, 5);
        f->tree.submounts_known = once(d, 2);
        for (unsigned i = once(d, 3) ? pick(d, 4) : 0; i > 0; i--) {
                static const char *const paths[] = { "usr", "tmp/x", "home/anna", "etc" };
                struct submount *m = arena_push(&d->draft.arena, &f->tree.submounts);

                *m = (struct submount){ paths[i], once(d, 2) };
        }
}

/* --- what must hold: each returns NULL, or what does not -----------------------------------------------------------
 */

static bool is_below(const char *path, const char *top) {
        const char *rest = str_after(path, top);

        return rest && *rest == '/';
}

static const struct fsop *find_op(const struct plan *p, enum fsop_kind kind, const char *dst) {
        for (size_t i = 0; i < p->fsops.n; i++)
                if (p->fsops.items[i].kind == kind && streq(p->fsops.items[i].dst, dst))
                        return &p->fsops.items[i];
        return NULL;
}

static bool is_mount(const struct fsop *op) {
        return op->kind == FSOP_FRESH || op->kind == FSOP_TREE;
}

static const char *wrong_order(const struct plan *p) {
        for (size_t i = 0; i < p->fsops.n; i++)
                for (size_t k = i + 1; k < p->fsops.n; k++)
                        if (is_mount(&p->fsops.items[i]) && is_mount(&p->fsops.items[k]) &&
                            is_below(p->fsops.items[i].dst, p->fsops.items[k].dst))
                                return "a later mount covers an earlier one";
        return NULL;
}

static const char *wrong_slots(const struct plan *p) {
        bool taken[PLAN_SLOTS] = { false };

        if (p->n_slots > PLAN_SLOTS)
                return "more slots than there are";
        for (size_t i = 0; i < p->fsops.n; i++) {
                const struct fsop *op = &p->fsops.items[i];
                bool from_host = op->host || op->flags & FSOP_BY_HOST;

                if (op->slot >= p->n_slots)
                        return "a slot that is not there";
                if (from_host && (op->slot < FIRST_SLOT || taken[op->slot]))
                        return "the launcher's slots are not its own";
                if (!from_host && op->slot >= FIRST_SLOT)
                        return "a slot that nobody fills";
                if (from_host)
                        taken[op->slot] = true;
                if (op->flags & FSOP_IDMAP && (!p->ids.own || op->slot < 0))
                        return "owners are mapped without a map";
                if (!op->why || !*op->why)
                        return "an operation without a why";
        }
        return NULL;
}

/* The seeds of a file system are made in order: what a path is below comes first. */
static const char *wrong_seeds(const struct plan *p) {
        for (size_t i = 0; i < p->fsops.n; i++) {
                const struct fsop *op = &p->fsops.items[i];

                for (size_t k = 0; k < op->seeds.n; k++) {
                        const char *slash = strrchr(op->seeds.items[k].path, '/');
                        bool found = !slash;

                        for (size_t m = 0; m < k && !found; m++)
                                found = op->seeds.items[m].kind == SEED_DIR &&
                                        strlen(op->seeds.items[m].path) ==
                                                (size_t) (slash - op->seeds.items[k].path) &&
                                        str_after(op->seeds.items[k].path, op->seeds.items[m].path);
                        if (!found)
                                return "a seed without its directory";
                        if (op->seeds.items[k].kind == SEED_FILE && !op->seeds.items[k].text)
                                return "a file without content";
                        if (op->seeds.items[k].kind == SEED_NODE && p->ids.own && !(op->flags & FSOP_BY_HOST))
                                return "a device node made in a user namespace";
                }
        }
        return NULL;
}

static const char *wrong_nodes(const struct plan *p) {
        static const char *const nodes[] = { "null", "zero", "full", "random", "urandom", "tty" };
        const struct fsop *dev = find_op(p, FSOP_FRESH, "dev");

        for (size_t i = 0; dev && i < ELEMENTS(nodes); i++) {
                char dst[32];
                unsigned n;

                snprintf(dst, sizeof dst, "dev/%s", nodes[i]);
                n = find_op(p, FSOP_TREE, dst) != NULL;
                for (size_t k = 0; k < dev->seeds.n; k++)
                        n += dev->seeds.items[k].kind == SEED_NODE && streq(dev->seeds.items[k].path, nodes[i]);
                if (n != 1)
                        return "not just one node of a kind";
        }
        return dev ? NULL : "no /dev";
}

/* Nothing is silently weaker: only what was asked for by name takes masks away. */
static const char *wrong_masks(const struct draw *d, const struct plan *p) {
        static const char *const hidden[] = { "proc/kallsyms", "proc/kcore", "proc/keys", "proc/sysrq-trigger",
                                              "proc/timer_list" };
        bool open = d->spec->host.api_vfs == API_VFS_WRITABLE || (d->spec->sec.nesting && p->ids.own);
        const struct fsop *sys;

        for (size_t i = 0; i < ELEMENTS(hidden); i++)
                if (!open != (find_op(p, FSOP_HIDE, hidden[i]) != NULL))
                        return "a mask is missing, or is there too much";
        sys = find_op(p, FSOP_SELF, "proc/sys");
        if (!open && (!sys || !(sys->set & MOUNT_ATTR_RDONLY)))
                return "/proc/sys can be written to";
        if (!open && p->face == FACE_BERTH && !find_op(p, FSOP_HIDE, "sys/firmware"))
                return "a mask of berth's own is missing";
        for (size_t i = 0; i < p->fsops.n; i++)
                if (is_mount(&p->fsops.items[i]) && streq(p->fsops.items[i].dst, "sys") &&
                    !(p->fsops.items[i].set & MOUNT_ATTR_RDONLY || p->fsops.items[i].flags & FSOP_SEAL) &&
                    d->spec->host.api_vfs != API_VFS_WRITABLE)
                        return "/sys can be written to";
        for (size_t i = 0; i < p->fsops.n; i++)
                if (is_mount(&p->fsops.items[i]) && !streq(p->fsops.items[i].dst, "dev") &&
                    !is_below(p->fsops.items[i].dst, "dev") && !(p->fsops.items[i].set & MOUNT_ATTR_NODEV))
                        return "devices outside of /dev";
        return NULL;
}

static const char *wrong_caps(const struct draw *d, const struct plan *p) {
        const uint64_t may = SPEC_CAPS_DEFAULT | d->spec->sec.caps_add | (p->net_admin ? 1ull << CAP_NET_ADMIN : 0);

        if (p->sec.bounding & ~may || p->sec.bounding & d->spec->sec.caps_drop)
                return "capabilities that nobody gave";
        if (!p->ids.own && p->sec.bounding & ~d->facts.host.caps)
                return "capabilities that berth does not have";
        if (p->sec.effective & ~p->sec.permitted || p->sec.permitted & ~p->sec.bounding)
                return "sets that do not fit into each other";
        if (p->sec.inheritable != p->sec.ambient || p->sec.ambient & ~p->sec.permitted)
                return "inheritable capabilities";
        if (p->exec.uid != 0 && p->sec.permitted != p->sec.ambient)
                return "capabilities for a user";
        if (!p->ids.own && d->facts.host.first_userns && !p->cgroup.restrict_devices &&
            p->sec.bounding & 1ull << CAP_MKNOD)
                return "any device node can be made";
        if (!p->sec.no_filter && (!p->sec.filter.insns || p->sec.filter.n == 0))
                return "no system call program";
        if (p->sec.no_filter != d->spec->sec.no_filter)
                return "a program that was not asked for, or the other way round";
        if (!p->sec.no_filter && !p->sec.no_new_privileges && !(p->sec.effective & 1ull << CAP_SYS_ADMIN) &&
            !p->sec.filter_before_caps)
                return "the program cannot be loaded any more";
        return NULL;
}

static const char *wrong_namespaces(const struct draw *d, const struct plan *p) {
        const uint64_t always = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS;

        if ((p->namespaces & always) != always)
                return "a namespace is missing";
        if (!(p->namespaces & CLONE_NEWNET) == p->private_net || (p->private_net && p->netns_path))
                return "which network?";
        if (d->spec->net.private == YES && !p->private_net && !p->netns_path)
                return "no network of its own, though one was asked for";
        if (!(p->namespaces & CLONE_NEWUSER) == p->ids.own || p->root.idmap != p->ids.map_root)
                return "which users?";
        if (p->ids.picked && (!p->ids.own || p->ids.base == 0 || p->ids.count != PLAN_ID_COUNT))
                return "no range of ids";
        if (d->spec->ids.mode == USERS_NO && p->ids.own)
                return "users of its own, though none were asked for";
        if (d->spec->ids.mode >= USERS_PICK && !p->ids.own && !(d->spec->ids.may_lack && !d->facts.host.can_userns))
                return "no users of its own, though they were asked for";
        if (d->spec->ids.mode == USERS_DEFAULT && !p->ids.own && p->notes.n == 0)
                return "no users of its own, and no word about it";
        return NULL;
}

static const char *wrong_exec(const struct draw *d, const struct plan *p) {
        const struct strv *env = &p->exec.env;

        if (p->exec.argv.n == 0 && p->exec.candidates.n == 0)
                return "nothing to execute";
        if (p->exec.mode == EXEC_BOOT && !streq(p->exec.argv.items[0], d->facts.tree.init.path))
                return "another init";
        if (!p->exec.chdir || p->exec.chdir[0] != '/')
                return "no directory";
        for (size_t i = 0; i < env->n; i++) {
                size_t n = strcspn(env->items[i], "=");

                if (n == 0 || !env->items[i][n])
                        return "a variable that is none";
                for (size_t k = 0; k < i; k++)
                        if (strncmp(env->items[i], env->items[k], n + 1) == 0)
                                return "a variable twice";
        }
        if (p->console.mode == CONSOLE_DEFAULT || p->console.mode == CONSOLE_AUTOPIPE)
                return "a console that is not decided";
        if (p->sec.close_abstract && (p->private_net || p->face == FACE_STRICT))
                return "sockets closed that nobody wants closed";
        if (p->unit.scope ? !p->cgroup.name || p->cgroup.parent : !p->cgroup.name != !p->cgroup.parent)
                return "which cgroup?";
        if (p->cgroup.parent && !d->facts.cgroup.writable)
                return "a cgroup that cannot be made";
        if (!p->unit.scope != !p->unit.name || (p->unit.properties.n > 0 && !p->unit.scope))
                return "which unit?";
        if ((p->unit.scope || p->unit.announce != ANNOUNCE_NO) && !p->unit.agent)
                return "a unit without a program that makes it";
        if ((find_op(p, FSOP_FRESH, "sys/fs/cgroup") != NULL) != d->facts.cgroup.found)
                return "which cgroup file system?";
        return NULL;
}

/* A tree is written to only where an option says so. */
static const char *wrong_writes(const struct draw *d, const struct plan *p) {
        const struct spec *s = d->spec;

        for (size_t i = 0; i < p->fsops.n; i++) {
                const struct fsop *op = &p->fsops.items[i];
                bool said = streq(op->dst, "etc/resolv.conf") ? s->integration.resolv_conf != RESOLV_AUTO
                                                              : s->integration.timezone != TIMEZONE_AUTO;

                if (op->kind != FSOP_WRITE && op->kind != FSOP_LINK && op->kind != FSOP_REMOVE)
                        continue;
                if (!said)
                        return "the tree is written to, though nobody asked for it";
                if (p->root.read_only || !d->facts.tree.etc_writable)
                        return "a read-only tree is written to";
        }
        return NULL;
}

static const char *wrong_with(const struct draw *d, const struct plan *p) {
        const char *w = wrong_order(p);

        w = w ? w : wrong_slots(p);
        w = w ? w : wrong_seeds(p);
        w = w ? w : wrong_nodes(p);
        w = w ? w : wrong_masks(d, p);
        w = w ? w : wrong_caps(d, p);
        w = w ? w : wrong_namespaces(d, p);
        w = w ? w : wrong_exec(d, p);
        return w ? w : wrong_writes(d, p);
}

static const char *wrong_error(const struct err *e, const struct plan *p) {
        if (p)
                return "a plan in spite of an error";
        if (e->kind <= ERR_NONE || e->kind >= ERR_BUG)
                return "an error of no use";
        return e->text[0] ? NULL : "an error without a word";
}

static FILE *nowhere;

/* One draw. false: it did not come to a plan. */
static bool try_one(struct tap *t, unsigned number, unsigned *ret_wrong) {
        struct draw d = { .state = 0x9e3779b97f4a7c15ull * (number + 1) };
        const struct plan *p = NULL;
        struct err e = { 0 };
        const char *wrong;
        bool made = false;

        draft_init(&d.draft, (enum face) pick(&d, 2));
        draw_spec(&d);
        if (draft_seal(&d.draft, &d.spec, &e) == 0) {
                draw_facts(&d);
                made = plan_make(d.spec, &d.facts, &d.draft.arena, &p, &e) == 0;
                wrong = made ? wrong_with(&d, p) : wrong_error(&e, p);
                if (made) {
                        plan_print(p, d.spec, nowhere);
                        plan_print_json(p, d.spec, nowhere);
                }
        } else
                wrong = wrong_error(&e, NULL);
        if (wrong && ++*ret_wrong <= 20)
                OK(t, false, "draw %u: %s (%s)", number, wrong, e.text);
        draft_done(&d.draft);
        return made;
}

static void test_draws(struct tap *t) {
        unsigned made = 0, wrong = 0;

        for (unsigned i = 0; i < DRAWS; i++)
                made += try_one(t, i, &wrong);
        OK_INT(t, wrong, 0, "%d draws", DRAWS);
        OK(t, made > DRAWS / 5 && made < DRAWS, "of which %u come to a plan", made);
}

/* Just as many mounts inside as can be taken along, and one more. */
static void test_slots(struct tap *t) {
        for (int more = 0; more < 2; more++) {
                struct draw d = { .state = 1 };
                const struct plan *p = NULL;
                struct err e = { 0 };
                int others;

                draft_init(&d.draft, FACE_BERTH);
                draft_seal(&d.draft, &d.spec, &e);
                facts_usual(d.spec, &d.draft.arena, &d.facts);
                plan_make(d.spec, &d.facts, &d.draft.arena, &p, &e);
                others = p ? p->n_slots : PLAN_SLOTS;
                for (int i = others; i < PLAN_SLOTS + more; i++)
                        *arena_push(&d.draft.arena, &d.facts.tree.submounts) =
                                (struct submount){ arena_printf(&d.draft.arena, "m%d", i), true };
                p = NULL;
                OK_INT(t, plan_make(d.spec, &d.facts, &d.draft.arena, &p, &e), more ? -EINVAL : 0,
                       more ? "one mount too many" : "as many mounts as there is room for");
                OK(t, more ? !p && e.kind == ERR_HOST : p && p->n_slots == PLAN_SLOTS, "all slots");
                draft_done(&d.draft);
        }
}

/* Names from a tree or a caller cannot steer the terminal that a plan is printed on. */
static void test_text(struct tap *t) {
        static const char bad[] = "a\x1b]0;x\x07\n\xc2\x9b"
                                  "b\xff";
        struct draw d = { .state = 1 };
        CLEAN_FREE char *text = NULL;
        const struct plan *p = NULL;
        struct err e = { 0 };
        bool clean = true;
        size_t size;
        FILE *out;

        draft_init(&d.draft, FACE_BERTH);
        strv_add(&d.draft.arena, &d.draft.spec.exec.argv, bad);
        strv_add(&d.draft.arena, &d.draft.spec.exec.env, arena_printf(&d.draft.arena, "X=%s", bad));
        *arena_push(&d.draft.arena, &d.draft.spec.said) =
                (struct said){ .setting = "command", .value = bad, .origin = ORIGIN_ARGV, .where = bad };
        draft_seal(&d.draft, &d.spec, &e);
        facts_usual(d.spec, &d.draft.arena, &d.facts);
        d.facts.tree.path = d.facts.cgroup.mount = bad;
        d.facts.tree.submounts_known = true;
        *arena_push(&d.draft.arena, &d.facts.tree.submounts) = (struct submount){ bad, false };
        OK_INT(t, plan_make(d.spec, &d.facts, &d.draft.arena, &p, &e), 0, "odd names");
        for (int json = 0; p && json < 2; json++) {
                clean = true;
                out = open_memstream(&text, &size);
                (json ? plan_print_json : plan_print)(p, d.spec, out);
                fclose(out);
                for (size_t i = 0; i < size; i++) {
                        unsigned char c = (unsigned char) text[i];

                        clean = clean && (c == '\n' || (c >= 0x20 && c != 0x7f)) &&
                                !(c == 0xc2 && text[i + 1] == '\x9b');
                }
                OK(t, clean && size > 1000, "are printed without effect%s", json ? ", as JSON" : "");
                free(TAKE_PTR(text));
        }
        draft_done(&d.draft);
}

int main(void) {
        struct tap t = { 0 };

        nowhere = fopen("/dev/null", "we");
        if (!nowhere)
                return 99;
        test_draws(&t);
        test_slots(&t);
        test_text(&t);
        fclose(nowhere);
        return tap_done(&t);
}
