/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A plan for people: --dry-run. One line a thing, what is not the case is not listed. */

#include "plan/plan.h"

#include <signal.h>
#include <string.h>

#include "base/clean.h"
#include "base/parse.h"
#include "base/str.h"
#include "plan/nodes.h"
#include "plan/words.h"
#include "sys/caps.h"

static void head(FILE *out, const char *name) {
        fprintf(out, "%-13s", name);
}

static void text(FILE *out, const char *s) {
        char clean[4096];

        fputs(str_escape(s, clean, sizeof clean), out);
}

static void line(FILE *out, const char *name, const char *value) {
        head(out, name);
        text(out, value);
        fputc('\n', out);
}

static void print_said(const struct spec *s, FILE *out) {
        for (size_t i = 0; i < s->said.n; i++) {
                const struct said *said = &s->said.items[i];

                head(out, i == 0 ? "settings" : "");
                /* The words of a command are no option. */
                fputs(said->setting[0] == '-' || streq(said->setting, SAID_COMMAND) ? "" : "--", out);
                text(out, said->setting);
                if (said->value) {
                        fputc(streq(said->setting, SAID_COMMAND) ? ' ' : '=', out);
                        text(out, said->value);
                }
                fprintf(out, "  (%s%s", origin_name(said->origin), said->where ? " " : "");
                text(out, str_or(said->where, ""));
                fputs(")\n", out);
        }
}

static void print_caps(FILE *out, const char *name, uint64_t set) {
        bool first = true;

        head(out, name);
        for (unsigned i = 0; i < 64; i++)
                if (set & UINT64_C(1) << i) {
                        fprintf(out, "%s%s", first ? "" : " ", str_or(caps_name(i), "unknown"));
                        first = false;
                }
        fputs(first ? "none\n" : "\n", out);
}

static void print_flags(FILE *out, const char *prefix, const char *const *words) {
        for (; *words; words++) {
                fprintf(out, "%s%s", prefix, *words);
                prefix = ",";
        }
}

static void print_layers(const struct overlay *o, FILE *out) {
        for (size_t i = 0; i < o->lower.n; i++) {
                const struct layer *l = &o->lower.items[i];

                fputs(i == 0 ? "  over " : ", ", out);
                text(out, l->host ? l->host : *l->inside ? l->inside : "the tree");
        }
        if (!o->memory && !o->upper.host && !o->upper.inside)
                return;
        fputs(", changes in ", out);
        if (o->memory)
                fputs("memory", out);
        else if (!o->upper.host)
                text(out, *o->upper.inside ? o->upper.inside : "the tree");
        else if (!streq(o->upper.host, "/"))
                text(out, o->upper.host);
        if (!o->memory && !streq(o->data, "data")) {
                fputc('/', out);
                text(out, o->data);
        }
        if (o->memory)
                fprintf(out, " (%s)", o->memory);
}

static void print_owners(const char *what, const struct idmap_extents *l, FILE *out) {
        for (size_t i = 0; i < l->n; i++)
                fprintf(out, "  %-7s   %s %u.. are %u.. of the host, %u of them\n", "", what, l->items[i].inside,
                        l->items[i].outside, l->items[i].count);
}

static void print_fsop(const struct fsop *op, FILE *out) {
        const char *words[PLAN_WORDS];

        fprintf(out, "  %-7s /", fsop_kind_name(op->kind));
        text(out, op->dst);
        if (op->kind == FSOP_FRESH)
                fprintf(out, "  %s", op->src);
        if (op->overlay)
                print_layers(op->overlay, out);
        if (op->host) {
                fputs("  from ", out);
                text(out, op->host);
        } else if (op->kind != FSOP_FRESH && op->src) {
                fputs(op->kind == FSOP_LINK ? "  to " : op->kind == FSOP_WRITE ? "  content " : "  from /", out);
                text(out, op->src);
        }
        plan_attr_words(op, words);
        print_flags(out, "  ", words);
        if (op->options)
                fprintf(out, "  %s", op->options);
        plan_flag_words(op, words);
        print_flags(out, "  [", words);
        fprintf(out, "%s  %s\n", words[0] ? "]" : "", op->why);
        if (op->owners) {
                print_owners("users", &op->owners->uids, out);
                print_owners("groups", &op->owners->gids, out);
        }
}

static void print_unit(const struct plan *p, FILE *out) {
        if (p->cgroup.name) {
                head(out, "cgroup");
                text(out, p->unit.scope ? p->unit.name : p->cgroup.parent);
                fputc('/', out);
                text(out, p->cgroup.name);
                fputc('\n', out);
        }
        if (p->cgroup.inner)
                line(out, "  payload in", p->cgroup.inner);
        if (p->cgroup.supervisor)
                line(out, "  berth", p->cgroup.supervisor);
        for (size_t i = 0; i < p->cgroup.n_nodes; i++) {
                const struct plan_node *d = &p->cgroup.nodes[i];
                char buf[4];

                head(out, i == 0 ? "  devices" : "");
                text(out, d->path);
                fprintf(out, " %s, %s %u:%u\n", plan_device_rights(d->rights, buf), d->block ? "block" : "character",
                        d->major, d->minor);
        }
        for (size_t i = 0; i < p->cgroup.n_limits && !p->unit.scope; i++) {
                head(out, i == 0 ? "  limits" : "");
                fprintf(out, "%s=%s\n", p->cgroup.limits[i].file, p->cgroup.limits[i].text);
        }
        if (p->unit.scope) {
                head(out, "unit");
                text(out, p->unit.name);
                fputs(" in ", out);
                text(out, p->unit.slice);
                fputs(p->unit.user ? ", made by the user's manager\n" : "\n", out);
        }
        for (size_t i = 0; i < p->unit.properties.n; i++)
                line(out, i == 0 ? "  properties" : "", p->unit.properties.items[i] + 1);
        if (p->unit.supervisor)
                line(out, "  berth",
                     p->unit.serve ? "a service of its own, or else in a scope" : "in a scope of its own");
        if (p->unit.announce != ANNOUNCE_NO) {
                head(out, "registered");
                text(out, p->unit.service);
                fputs(p->unit.announce == ANNOUNCE_MUST ? ", or no start" : ", where that can be had", out);
                fputs(p->unit.announce_first ? ", before it goes to its cgroup\n" : "\n", out);
        }
}

static void print_receiver(const struct plan *p, FILE *out) {
        if (!p->forward.program)
                return;
        head(out, "receiver");
        text(out, p->forward.program);
        for (size_t i = 0; i < p->forward.args.n; i++) {
                fputc(' ', out);
                text(out, p->forward.args.items[i]);
        }
        fputc('\n', out);
}

static void print_journal(const struct plan *p, FILE *out) {
        if (!p->journal.path)
                return;
        head(out, "journal");
        text(out, p->journal.path);
        fputs(p->journal.there ? "  is " : "  becomes ", out);
        fputs(p->journal.link ? "a link to " : "a directory of the host", out);
        text(out, str_or(p->journal.link, ""));
        if (p->journal.owner > 0)
                fprintf(out, ", for the ids from %u on", p->journal.owner);
        if (p->journal.replaced && *p->journal.replaced) {
                fputs(", instead of a link to ", out);
                text(out, p->journal.replaced);
        } else if (p->journal.replaced)
                fputs(", instead of an empty directory", out);
        fputc('\n', out);
}

static void print_where(const struct plan *p, FILE *out) {
        const char *words[PLAN_WORDS];

        line(out, "machine", p->machine);
        line(out, "face", face_name(p->face));
        head(out, "root");
        text(out, p->root.path);
        if (p->root.image)
                fprintf(out, " (image: %s)", p->root.image);
        fprintf(out, "  %s%s, lock: %s\n", p->root.read_only ? "read-only" : "writable",
                p->root.idmap ? ", owners mapped" : "", lock_name(p->root.lock));
        if (p->root.pivot) {
                head(out, "  directory");
                text(out, p->root.pivot);
                fputs("  (--pivot-root=)\n", out);
        }
        if (p->copy) {
                head(out, "  made by");
                fprintf(out, "%s of ", copy_method_name(p->copy->method));
                text(out, p->copy->from);
                fputs(p->copy->keep_as ? "\n" : ", removed at the end\n", out);
        }
        if (p->root.fresh)
                fprintf(out, "%-13s%s  %s%s\n", "  fresh", p->root.fresh->src, p->root.fresh->options,
                        p->root.fresh->flags & FSOP_IDMAP ? "  [owners-mapped]" : "");
        if (p->root.base) {
                head(out, "  from");
                text(out, p->root.base);
                fputc('\n', out);
        }
        if (p->root.overlay) {
                head(out, "  overlay");
                print_layers(p->root.overlay, out);
                fputc('\n', out);
        }
        head(out, "namespaces");
        plan_namespace_words(p, words);
        print_flags(out, "", words);
        fputc('\n', out);
        if (p->netns_path)
                line(out, "network", p->netns_path);
        if (p->ids.lent)
                line(out, "ids",
                     p->ids.unknown ? "lent by systemd-nsresourced at the start; these stand for them"
                                    : "lent by systemd-nsresourced");
        if (p->ids.further > 0)
                fprintf(out, "%-13sand %u further ranges, for the payload to hand on\n", "", p->ids.further);
        if (p->ids.own)
                fprintf(out, "%-13s0..%u inside are %u..%u outside\n", "ids", p->ids.count - 1, p->ids.base,
                        p->ids.base + p->ids.count - 1);
        for (size_t i = 0; i < p->ids.map.n && p->ids.map.n > 1; i++)
                fprintf(out, "%-13s%u.. are %u.. outside, %u of them\n", "", p->ids.map.items[i].inside,
                        p->ids.map.items[i].outside, p->ids.map.items[i].count);
        if (p->ids.map_root && p->ids.tree_base > 0)
                fprintf(out, "%-13s%u..%u\n", "  in tree", p->ids.tree_base, p->ids.tree_base + p->ids.count - 1);
        if (p->ids.chown && p->ids.resumed)
                line(out, "  in tree", "half done; the rest is changed to these");
        else if (p->ids.chown)
                fprintf(out, "%-13s%u..%u, changed to these for good\n", "  in tree", p->ids.chown_from,
                        p->ids.chown_from + p->ids.count - 1);
        print_unit(p, out);
        line(out, "host name", p->id.hostname);
        line(out, "uuid", p->id.uuid_text);
        print_journal(p, out);
        print_receiver(p, out);
        line(out, "console",
             p->console.journal    ? "detached, shown in the host's journal"
             : p->console.detached ? "detached"
                                   : console_mode_name(p->console.mode));
}

static void print_strings(FILE *out, const char *name, const struct strv *v) {
        for (size_t i = 0; i < v->n; i++)
                line(out, i == 0 ? name : "", v->items[i]);
}

static void print_exec(const struct plan *p, FILE *out) {
        char buf[32];

        line(out, "payload", exec_mode_name(p->exec.mode));
        print_strings(out, "first of", &p->exec.candidates);
        print_strings(out, "arguments", &p->exec.argv);
        print_strings(out, "environment", &p->exec.env);
        line(out, "directory", p->exec.chdir);
        fprintf(out, "%-13s%u, group %u, %zu more groups\n", "user", p->exec.uid, p->exec.gid, p->exec.n_groups);
        for (size_t i = 0; i < p->exec.n_groups; i++)
                fprintf(out, "%-13s%u\n", i == 0 ? "groups" : "", p->exec.groups[i]);
        if (p->exec.home)
                line(out, "home", p->exec.home);
        if (p->exec.listen_fds)
                fprintf(out, "%-13s%u passed on\n", "descriptors", p->exec.listen_fds);
        if (p->exec.personality != PERSONALITY_UNSAID)
                line(out, "personality", personality_name(p->exec.personality, buf));
}

static void print_limit(FILE *out, rlim_t value) {
        if (value == RLIM_INFINITY)
                fputs("infinity", out);
        else
                fprintf(out, "%llu", (unsigned long long) value);
}

static void print_security(const struct plan *p, FILE *out) {
        char cpus[PLAN_CPUS];

        print_caps(out, "capabilities", p->sec.bounding);
        if (p->sec.effective != p->sec.bounding)
                print_caps(out, "  effective", p->sec.effective);
        if (p->sec.ambient)
                print_caps(out, "  ambient", p->sec.ambient);
        if (p->sec.no_filter)
                line(out, "system calls", "all");
        else
                fprintf(out, "%-13s%s program of %u instructions\n", "system calls",
                        p->sec.filter.built ? "specially made" : "embedded", p->sec.filter.n);
        if (p->sec.selinux)
                line(out, "label", p->sec.selinux);
        if (p->sec.no_new_privileges)
                line(out, "privileges", "no new ones");
        if (p->sec.close_abstract)
                line(out, "landlock", "abstract sockets of the host are closed");
        for (int i = 0; i < RLIM_NLIMITS; i++) {
                fprintf(out, "%-13s%-10s ", i == 0 ? "limits" : "", rlimit_name(i));
                print_limit(out, p->limits.rlimit[i].rlim_cur);
                fputc(':', out);
                print_limit(out, p->limits.rlimit[i].rlim_max);
                fputc('\n', out);
        }
        if (p->limits.oom_said)
                fprintf(out, "%-13s%d\n", "oom score", p->limits.oom_score_adjust);
        if (p->limits.cpus_said)
                line(out, "CPUs", cpu_list(p->limits.cpus, cpus));
}

static void print_life(const struct plan *p, FILE *out) {
        const char *name;
        char buf[16];

        head(out, "stop signal");
        name = p->life.sig_stop ? parse_signal_name(p->life.sig_stop, buf) : "SIGKILL";
        if (name)
                fputs(name + strlen("SIG"), out);
        else
                fprintf(out, "%d", p->life.sig_stop);
        fprintf(out, ", killed after %u s%s\n", p->life.stop_timeout_s,
                p->exec.mode == EXEC_BOOT ? " without progress" : "");
        if (p->life.notify_ready)
                line(out, "ready", "when the payload says so");
        if (p->life.keep_unit)
                line(out, "a reboot", "ends with status 133");
}

void plan_print(const struct plan *p, const struct spec *s, FILE *out) {
        print_where(p, out);
        print_said(s, out);
        print_exec(p, out);
        print_security(p, out);
        print_life(p, out);
        print_strings(out, "notes", &p->notes);
        fputs("file systems\n", out);
        for (size_t i = 0; i < p->fsops.n; i++)
                print_fsop(&p->fsops.items[i], out);
}
