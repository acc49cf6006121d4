/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A plan for machines: --dry-run=json. Keys are in lowerCamelCase and only ever added. */

#include "plan/plan.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/json.h"
#include "base/str.h"
#include "plan/nodes.h"
#include "plan/words.h"
#include "sys/caps.h"

static void put_words(struct json *j, const char *key, const char *const *words) {
        json_open(j, key, '[');
        for (; *words; words++)
                json_string(j, NULL, *words);
        json_close(j);
}

static void put_strings(struct json *j, const char *key, const struct strv *v) {
        json_open(j, key, '[');
        for (size_t i = 0; i < v->n; i++)
                json_string(j, NULL, v->items[i]);
        json_close(j);
}

static void put_caps(struct json *j, const char *key, uint64_t set) {
        json_open(j, key, '[');
        for (unsigned i = 0; i < 64; i++)
                if (set & UINT64_C(1) << i)
                        json_string(j, NULL, str_or(caps_name(i), "unknown"));
        json_close(j);
}

static void put_said(struct json *j, const struct spec *s) {
        json_open(j, "settings", '[');
        for (size_t i = 0; i < s->said.n; i++) {
                json_open(j, NULL, '{');
                json_string(j, "name", s->said.items[i].setting);
                json_string(j, "value", s->said.items[i].value);
                json_string(j, "origin", origin_name(s->said.items[i].origin));
                json_string(j, "where", s->said.items[i].where);
                json_close(j);
        }
        json_close(j);
}

static const char *seed_kind_name(enum seed_kind k) {
        static const char names[][11] = {
                [SEED_DIR] = "directory",
                [SEED_LINK] = "link",
                [SEED_FILE] = "file",
                [SEED_FIFO] = "fifo",
                [SEED_NODE] = "node",
                [SEED_SOCKET] = "socket",
                [SEED_CREDENTIAL] = "credential",
                [SEED_BOOT_ID] = "boot-id",
                [SEED_REGISTER] = "register",
                [SEED_NOTIFY] = "notify",
                [SEED_KMSG] = "kmsg",
        };

        return names[k];
}

static void put_seeds(struct json *j, const struct seed_list *seeds) {
        if (seeds->n == 0)
                return;
        json_open(j, "seeds", '[');
        for (size_t i = 0; i < seeds->n; i++) {
                json_open(j, NULL, '{');
                json_string(j, "kind", seed_kind_name(seeds->items[i].kind));
                json_string(j, "path", seeds->items[i].path);
                if (seeds->items[i].kind == SEED_LINK)
                        json_string(j, "target", seeds->items[i].text);
                if (seeds->items[i].kind == SEED_FILE)
                        json_string(j, "content", seeds->items[i].text);
                if (seeds->items[i].kind == SEED_NODE) {
                        json_string(j, "type", S_ISCHR(seeds->items[i].mode) ? "character" : "block");
                        json_uint(j, "major", major(seeds->items[i].dev));
                        json_uint(j, "minor", minor(seeds->items[i].dev));
                }
                json_uint(j, "mode", seeds->items[i].mode);
                json_close(j);
        }
        json_close(j);
}

static void put_layer(struct json *j, const char *key, const struct layer *l) {
        json_open(j, key, '{');
        json_string(j, "host", l->host);
        json_string(j, "inside", l->inside);
        json_bool(j, "ownersMapped", l->idmap);
        json_close(j);
}

static void put_overlay(struct json *j, const struct overlay *o) {
        if (!o)
                return;
        json_open(j, "overlay", '{');
        json_open(j, "lower", '[');
        for (size_t i = 0; i < o->lower.n; i++)
                put_layer(j, NULL, &o->lower.items[i]);
        json_close(j);
        json_string(j, "memory", o->memory);
        if (o->upper.host || o->upper.inside)
                put_layer(j, "upper", &o->upper);
        json_close(j);
}

static void put_extents(struct json *j, const char *key, const char *from, const struct idmap_extents *l) {
        json_open(j, key, '[');
        for (size_t i = 0; i < l->n; i++) {
                json_open(j, NULL, '{');
                json_uint(j, from, l->items[i].inside);
                json_uint(j, "host", l->items[i].outside);
                json_uint(j, "count", l->items[i].count);
                json_close(j);
        }
        json_close(j);
}

static void put_owners(struct json *j, const struct fsop_owners *o) {
        if (!o)
                return;
        json_open(j, "owners", '{');
        put_extents(j, "users", "fileSystem", &o->uids);
        put_extents(j, "groups", "fileSystem", &o->gids);
        json_close(j);
}

static void put_fsop(struct json *j, const char *key, const struct fsop *op) {
        const char *words[PLAN_WORDS];

        json_open(j, key, '{');
        json_string(j, "kind", fsop_kind_name(op->kind));
        json_string(j, "destination", op->dst);
        json_string(j, op->kind == FSOP_FRESH ? "type" : "source", op->src);
        json_string(j, "host", op->host);
        json_string(j, "options", op->options);
        plan_attr_words(op, words);
        put_words(j, "attributes", words);
        plan_flag_words(op, words);
        put_words(j, "flags", words);
        put_seeds(j, &op->seeds);
        put_overlay(j, op->overlay);
        put_owners(j, op->owners);
        json_string(j, "why", op->why);
        json_close(j);
}

static void put_unit(struct json *j, const struct plan *p) {
        json_open(j, "unit", '{');
        json_string(j, "name", p->unit.name);
        json_string(j, "slice", p->unit.slice);
        json_bool(j, "user", p->unit.user);
        json_bool(j, "supervisor", p->unit.supervisor);
        json_bool(j, "supervisorService", p->unit.serve);
        json_open(j, "properties", '[');
        for (size_t i = 0; i < p->unit.properties.n; i++)
                json_string(j, NULL, p->unit.properties.items[i] + 1);
        json_close(j);
        json_bool(j, "registered", p->unit.announce != ANNOUNCE_NO);
        json_bool(j, "registrationNeeded", p->unit.announce == ANNOUNCE_MUST);
        json_bool(j, "registeredFirst", p->unit.announce_first);
        json_string(j, "service", p->unit.service);
        json_close(j);
}

static void put_receiver(struct json *j, const struct plan *p) {
        if (!p->forward.program)
                return;
        json_open(j, "receiver", '{');
        json_string(j, "program", p->forward.program);
        put_strings(j, "arguments", &p->forward.args);
        json_close(j);
}

static void put_journal(struct json *j, const struct plan *p) {
        if (!p->journal.path)
                return;
        json_open(j, "journal", '{');
        json_string(j, "path", p->journal.path);
        json_string(j, "link", p->journal.link);
        json_string(j, "replaced", p->journal.replaced);
        json_uint(j, "owner", p->journal.owner);
        json_bool(j, "made", !p->journal.there);
        json_close(j);
}

static void put_root(struct json *j, const struct plan *p) {
        const char *words[PLAN_WORDS];

        json_open(j, "root", '{');
        json_string(j, "path", p->root.path);
        if (p->root.image)
                json_string(j, "image", p->root.image);
        if (p->root.pivot)
                json_string(j, "directory", p->root.pivot);
        json_bool(j, "readOnly", p->root.read_only);
        json_bool(j, "ownersMapped", p->root.idmap);
        json_string(j, "lock", lock_name(p->root.lock));
        if (p->copy) {
                json_open(j, "copy", '{');
                json_string(j, "method", copy_method_name(p->copy->method));
                json_string(j, "from", p->copy->from);
                json_string(j, "path", p->copy->path);
                json_bool(j, "kept", p->copy->keep_as);
                json_close(j);
        }
        if (p->root.fresh)
                put_fsop(j, "fresh", p->root.fresh);
        if (p->root.base)
                json_string(j, "base", p->root.base);
        put_overlay(j, p->root.overlay);
        json_close(j);
        plan_namespace_words(p, words);
        put_words(j, "namespaces", words);
        json_string(j, "networkNamespacePath", p->netns_path);
        json_open(j, "ids", '{');
        json_bool(j, "own", p->ids.own);
        if (p->ids.lent) {
                json_bool(j, "lent", true);
                json_bool(j, "known", !p->ids.unknown);
                json_uint(j, "furtherRanges", p->ids.further);
        }
        json_uint(j, "treeBase", p->ids.tree_base);
        json_uint(j, "base", p->ids.base);
        json_uint(j, "count", p->ids.count);
        json_bool(j, "chown", p->ids.chown);
        if (p->ids.map.n > 1)
                put_extents(j, "map", "inside", &p->ids.map);
        json_close(j);
        json_open(j, "cgroup", '{');
        json_string(j, "parent", p->cgroup.parent);
        json_string(j, "name", p->cgroup.name);
        json_string(j, "inner", p->cgroup.inner);
        json_string(j, "supervisor", p->cgroup.supervisor);
        json_open(j, "devices", '[');
        for (size_t i = 0; i < p->cgroup.n_nodes; i++) {
                const struct plan_node *d = &p->cgroup.nodes[i];
                char buf[4];

                json_open(j, NULL, '{');
                json_string(j, "path", d->path);
                json_string(j, "type", d->block ? "block" : "character");
                json_uint(j, "major", d->major);
                json_uint(j, "minor", d->minor);
                json_string(j, "rights", plan_device_rights(d->rights, buf));
                json_close(j);
        }
        json_close(j);
        json_open(j, "limits", '{');
        for (size_t i = 0; i < p->cgroup.n_limits; i++)
                json_string(j, p->cgroup.limits[i].file, p->cgroup.limits[i].text);
        json_close(j);
        json_close(j);
        put_unit(j, p);
}

static void put_exec(struct json *j, const struct plan *p) {
        char buf[32];

        json_open(j, "payload", '{');
        json_string(j, "mode", exec_mode_name(p->exec.mode));
        put_strings(j, "firstOf", &p->exec.candidates);
        put_strings(j, "arguments", &p->exec.argv);
        put_strings(j, "environment", &p->exec.env);
        json_string(j, "directory", p->exec.chdir);
        json_uint(j, "uid", p->exec.uid);
        json_uint(j, "gid", p->exec.gid);
        json_open(j, "groups", '[');
        for (size_t i = 0; i < p->exec.n_groups; i++)
                json_uint(j, NULL, p->exec.groups[i]);
        json_close(j);
        json_string(j, "makeHome", p->exec.home);
        json_uint(j, "listenFds", p->exec.listen_fds);
        if (p->exec.personality == PERSONALITY_UNSAID)
                json_null(j, "personality");
        else
                json_string(j, "personality", personality_name(p->exec.personality, buf));
        json_int(j, "stopSignal", p->life.sig_stop);
        json_bool(j, "notifyReady", p->life.notify_ready);
        json_bool(j, "keepUnit", p->life.keep_unit);
        json_close(j);
}

static void put_limit(struct json *j, const char *key, rlim_t value) {
        if (value == RLIM_INFINITY)
                json_null(j, key);
        else
                json_uint(j, key, value);
}

static void put_limits(struct json *j, const struct plan *p) {
        char cpus[PLAN_CPUS];

        json_string(j, "cpus", p->limits.cpus_said ? cpu_list(p->limits.cpus, cpus) : NULL);
        if (p->limits.oom_said)
                json_int(j, "oomScoreAdjust", p->limits.oom_score_adjust);
        else
                json_null(j, "oomScoreAdjust");
        json_open(j, "limits", '{');
        for (int i = 0; i < RLIM_NLIMITS; i++) {
                json_open(j, rlimit_name(i), '{');
                put_limit(j, "soft", p->limits.rlimit[i].rlim_cur);
                put_limit(j, "hard", p->limits.rlimit[i].rlim_max);
                json_close(j);
        }
        json_close(j);
}

static void put_security(struct json *j, const struct plan *p) {
        json_open(j, "security", '{');
        put_caps(j, "bounding", p->sec.bounding);
        put_caps(j, "effective", p->sec.effective);
        put_caps(j, "ambient", p->sec.ambient);
        json_string(j, "selinuxContext", p->sec.selinux);
        json_bool(j, "noNewPrivileges", p->sec.no_new_privileges);
        json_bool(j, "systemCallProgram", !p->sec.no_filter);
        json_bool(j, "systemCallProgramEmbedded", !p->sec.no_filter && !p->sec.filter.built);
        json_bool(j, "abstractSocketsClosed", p->sec.close_abstract);
        json_close(j);
}

void plan_print_json(const struct plan *p, const struct spec *s, FILE *out) {
        struct json j = { .f = out };

        json_open(&j, NULL, '{');
        json_string(&j, "machine", p->machine);
        json_string(&j, "face", face_name(p->face));
        json_string(&j, "hostname", p->id.hostname);
        json_string(&j, "uuid", p->id.uuid_text);
        json_string(&j, "console", console_mode_name(p->console.mode));
        json_bool(&j, "detached", p->console.detached);
        json_bool(&j, "consoleInJournal", p->console.journal);
        put_root(&j, p);
        put_journal(&j, p);
        put_receiver(&j, p);
        put_said(&j, s);
        put_exec(&j, p);
        put_security(&j, p);
        put_limits(&j, p);
        put_strings(&j, "notes", &p->notes);
        json_open(&j, "fileSystems", '[');
        for (size_t i = 0; i < p->fsops.n; i++)
                put_fsop(&j, NULL, &p->fsops.items[i]);
        json_close(&j);
        json_close(&j);
}
