/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth --inspect: what a disk image holds, what the policy says to it, and whether and how it would start. Changes
 * nothing; without root only what needs no mount is shown. */

#include "cli/berth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/binary.h"
#include "base/clean.h"
#include "base/json.h"
#include "base/pick.h"
#include "base/str.h"
#include "image/image.h"
#include "image/mapper.h"
#include "image/protect.h"
#include "image/verity.h"
#include "probe/host_text.h"
#include "probe/tree.h"
#include "sys/dm.h"

static const char tables[][5] = { "none", "gpt", "mbr" };

/* What a look into the root shows: all of it may be missing. */
struct inside {
        const char *os, *init, *why_not;
        bool seen;
};

enum answer { ANSWER_NO, ANSWER_YES, ANSWER_PERHAPS };

struct inspected {
        const struct image *image;
        struct image_verdict verdict;
        struct inside in;
        struct strv notes;
        const char *unless; /* ANSWER_PERHAPS: why */
};

static enum answer answer(const struct inspected *i) {
        return i->verdict.first.kind != ERR_NONE ? ANSWER_NO : i->unless ? ANSWER_PERHAPS : ANSWER_YES;
}

static bool is_encrypted(const struct image *m) {
        for (unsigned i = 0; i < m->n; i++)
                if (m->parts[i].protection == PROTECTION_LUKS)
                        return true;
        return false;
}

/* What cannot be mounted does not start, either. */
static void look_inside(struct image *m, struct arena *a, struct inside *ret, struct err *verdict) {
        CLEAN_FD int root = -1;
        struct tree_init init = { .kind = INIT_NONE };
        struct err e = { .kind = ERR_NONE };
        char *text;

        if (geteuid() != 0) {
                ret->why_not = "only root can mount it to look";
                return;
        }
        if (is_encrypted(m) && !m->protection->key_file) {
                int k = dm_knows("crypt");

                if (k < 0)
                        (void) mapper_explain(k, "crypt", m->path, verdict);
                ret->why_not = "it is encrypted, and nobody is asked for a passphrase here";
                return;
        }
        root = protect_open(m, a, &e);
        root = root < 0 ? root : image_open_os(m, a, &e);
        if (root < 0) {
                /* What fsck may mend is for the try to judge, which knows whether a start would write. */
                if (!image_fsck_why(m, true, a))
                        *verdict = e;
                return;
        }
        ret->seen = true;
        if (tree_read(root, "etc/os-release", TREE_FILE_MAX, a, &text) >= 0 ||
            tree_read(root, "usr/lib/os-release", TREE_FILE_MAX, a, &text) >= 0)
                ret->os = str_or(os_release_field(text, "PRETTY_NAME", a), os_release_field(text, "ID", a));
        if (tree_init(root, a, &init, NULL) == 0 && init.kind != INIT_NONE)
                ret->init = arena_printf(a, "%s (%s)", init.path, init_kind_name(init.kind));
}

static const char *human(uint64_t bytes, char buf[32]) {
        static const char units[] = "BKMGTPE";
        unsigned u = 0;
        uint64_t whole = bytes;

        for (; whole >= 10240 && u < 6; u++)
                whole /= 1024;
        snprintf(buf, 32, "%llu%c", (unsigned long long) whole, units[u]);
        return buf;
}

static const char *type_of(const struct dissected_part *p) {
        return *p->fs ? p->fs : *p->other ? p->other : "-";
}

/* Is the partition one that a start mounts? */
static bool is_used(const struct image *m, const struct dissected_part *p) {
        for (unsigned i = 0; i < m->n; i++)
                if (m->parts[i].part == p && *p->fs)
                        return true;
        return false;
}

/* What it is used as, or would be. */
static enum part_role role_of(const struct image *m, const struct dissected_part *p) {
        const char *arch;
        enum part_fit fit;

        for (size_t i = 0; i < ROLE_MAX_; i++)
                if (m->choice.part[i] == p - m->found->parts)
                        return (enum part_role) i;
        return role_of_type(p->type, &fit, &arch);
}

/* What is said against it, if it is the one of its role that counts; NULL. */
static const struct err *objection_to(const struct inspected *i, const struct dissected_part *p) {
        for (size_t role = 0; role < ROLE_MAX_; role++)
                if (i->image->choice.part[role] == p - i->image->found->parts &&
                    i->verdict.role[role].kind != ERR_NONE)
                        return &i->verdict.role[role];
        return NULL;
}

static const char *arch_of(const struct dissected_part *p) {
        enum part_fit fit;
        const char *arch;

        (void) role_of_type(p->type, &fit, &arch);
        return arch;
}

static const char *protection_of(const struct image *m, const struct dissected_part *p) {
        for (unsigned i = 0; i < m->n; i++)
                if (m->parts[i].part == p)
                        return protection_name(m, &m->parts[i]);
        return NULL;
}

static void print_part(const struct inspected *i, const struct dissected_part *p) {
        const struct image *m = i->image;
        char size[32], label[512];

        printf("  %3u  %-16s %-9s %8s  %-11s %s%s%s%s", p->number, role_name(role_of(m, p)), str_or(arch_of(p), ""),
               human(p->size, size), type_of(p),
               objection_to(i, p) ? "refused"
               : is_used(m, p)    ? "used"
                                  : "left",
               p->no_auto ? ", no-auto" : "", p->read_only ? ", read-only" : "", p->growfs ? ", growfs" : "");
        if (protection_of(m, p))
                printf(", %s", protection_of(m, p));
        if (*p->label)
                printf("  \"%s\"", str_escape(p->label, label, sizeof label));
        putchar('\n');
}

static const char sources[][24] = {
        [HASH_NONE] = "unknown", [HASH_SAID] = "--root-hash=",         [HASH_ATTRIBUTE] = "attribute of the file",
        [HASH_FILE] = "file",    [HASH_SIGNATURE] = "signature in it", [HASH_GUESSED] = "UUIDs of the partitions",
};

static const char *root_hash_of(const struct image *m, char buf[2 * HASH_MAX + 1]) {
        return m->verity->source == HASH_NONE ? NULL : binary_to_hex(m->verity->hash.bytes, m->verity->hash.size, buf);
}

static void print_verity(const struct image *m) {
        const struct verity *v = m->verity;
        char hash[2 * HASH_MAX + 1];

        if (!root_hash_of(m, hash))
                return;
        printf("%-10s %s (%s)%s\n", v->role == ROLE_USR ? "usr hash" : "root hash", hash, sources[v->source],
               v->found ? "" : ", no hash data");
        if (v->sig_size)
                printf("%-10s %u bytes%s%s%s\n", "signature", v->sig_size, *v->fingerprint ? ", certificate " : "",
                       v->fingerprint, v->checked ? ", good" : "");
}

/* Where there is more than one, "starts" tells only the first. */
static void print_objections(const struct inspected *i) {
        char line[1024], rule[POLICY_RULE_MAX];

        for (size_t role = 0; role < ROLE_MAX_; role++) {
                struct err of = i->verdict.role[role];

                *of.hint = '\0';
                if (of.kind != ERR_NONE)
                        printf("%-10s %s: %s\n", "refused by",
                               policy_rule(i->image->policy, (enum part_role) role, rule),
                               err_format(&of, false, line, sizeof line));
        }
}

static void print_text(const struct inspected *i) {
        const struct image *m = i->image;
        char buf[1024], path[4096];

        printf("%-10s %s\n", "image", str_escape(m->path, path, sizeof path));
        printf("%-10s %s\n", "size", human(m->size, buf));
        if (m->found->table == TABLE_BARE)
                printf("%-10s none: %s%s%s\n", "table", *m->found->parts[0].fs ? m->found->parts[0].fs : "unknown",
                       protection_of(m, &m->found->parts[0]) ? ", " : "",
                       str_or(protection_of(m, &m->found->parts[0]), ""));
        else
                printf("%-10s %s, %u partitions, sectors of %u bytes%s\n", "table", tables[m->found->table],
                       m->found->n, m->found->sector, m->found->from_backup ? ", from its copy at the end" : "");
        for (unsigned k = 0; m->found->table != TABLE_BARE && k < m->found->n; k++)
                print_part(i, &m->found->parts[k]);
        print_verity(m);
        if (i->in.os)
                printf("%-10s %s\n", "os", str_escape(i->in.os, buf, sizeof buf));
        if (i->in.init)
                printf("%-10s %s\n", "init", i->in.init);
        else if (i->in.seen)
                printf("%-10s none: not with --boot\n", "init");
        if (i->in.why_not)
                printf("%-10s %s\n", "not seen", i->in.why_not);
        print_objections(i);
        for (size_t k = 0; k < i->notes.n; k++)
                printf("%-10s %s\n", "note", str_escape(i->notes.items[k], buf, sizeof buf));
        if (answer(i) == ANSWER_NO)
                printf("%-10s no: %s\n", "starts", err_format(&i->verdict.first, false, buf, sizeof buf));
        else
                printf("%-10s %s%s%s%s\n", "starts", i->unless ? "perhaps" : "yes", m->read_only ? ", read-only" : "",
                       i->unless ? ": " : "", str_or(i->unless, ""));
}

static const char *format(const struct err *e, char buf[1024]) {
        return e && e->kind != ERR_NONE ? err_format(e, false, buf, 1024) : NULL;
}

static void put_part(struct json *j, const struct inspected *i, const struct dissected_part *p) {
        const struct image *m = i->image;
        char line[1024];

        json_open(j, NULL, '{');
        json_uint(j, "number", p->number);
        json_string(j, "role", role_name(role_of(m, p)));
        json_string(j, "architecture", arch_of(p));
        json_string(j, "type", p->type);
        json_string(j, "uuid", *p->uuid ? p->uuid : NULL);
        json_string(j, "label", *p->label ? p->label : NULL);
        json_uint(j, "start", p->start);
        json_uint(j, "size", p->size);
        json_string(j, "fileSystem", *p->fs || *p->other ? type_of(p) : NULL);
        json_bool(j, "used", is_used(m, p));
        json_string(j, "protection", protection_of(m, p));
        json_bool(j, "noAuto", p->no_auto);
        json_bool(j, "readOnly", p->read_only);
        json_bool(j, "growFileSystem", p->growfs);
        json_bool(j, "leftClean", !p->unclean);
        json_bool(j, "allowed", !objection_to(i, p));
        json_string(j, "whyNot", format(objection_to(i, p), line));
        json_close(j);
}

/* By role, for a partition that is missing is none. */
static void put_objections(struct json *j, const struct inspected *i) {
        const struct image *m = i->image;
        char line[1024], rule[POLICY_RULE_MAX];

        json_open(j, "objections", '[');
        for (size_t role = 0; role < ROLE_MAX_; role++) {
                int part = m->choice.part[role];

                if (i->verdict.role[role].kind == ERR_NONE)
                        continue;
                json_open(j, NULL, '{');
                json_string(j, "role", role_name((enum part_role) role));
                if (part < 0)
                        json_null(j, "partition");
                else
                        json_uint(j, "partition", m->found->parts[part].number);
                json_string(j, "rule", policy_rule(m->policy, (enum part_role) role, rule));
                json_string(j, "whyNot", format(&i->verdict.role[role], line));
                json_close(j);
        }
        json_close(j);
}

static void put_verity(struct json *j, const struct image *m) {
        const struct verity *v = m->verity;
        char hash[2 * HASH_MAX + 1];

        if (!root_hash_of(m, hash))
                return;
        json_open(j, "verity", '{');
        json_string(j, "role", role_name(v->role));
        json_string(j, "rootHash", hash);
        json_string(j, "source", sources[v->source]);
        json_bool(j, "hashData", v->found);
        json_bool(j, "signature", v->sig_size > 0);
        json_string(j, "certificateFingerprint", *v->fingerprint ? v->fingerprint : NULL);
        json_bool(j, "signatureGood", v->checked);
        json_close(j);
}

static void print_json(const struct inspected *i) {
        struct json j = { .f = stdout };
        const struct image *m = i->image;
        char buf[1024];

        json_open(&j, NULL, '{');
        json_string(&j, "path", m->path);
        json_uint(&j, "size", m->size);
        json_string(&j, "table", tables[m->found->table]);
        json_uint(&j, "sectorSize", m->found->sector);
        json_bool(&j, "fromBackup", m->found->from_backup);
        json_open(&j, "partitions", '[');
        for (unsigned k = 0; k < m->found->n; k++)
                put_part(&j, i, &m->found->parts[k]);
        json_close(&j);
        put_verity(&j, m);
        json_string(&j, "os", i->in.os);
        json_string(&j, "init", i->in.init);
        json_string(&j, "notSeen", i->in.why_not);
        put_objections(&j, i);
        json_open(&j, "notes", '[');
        for (size_t k = 0; k < i->notes.n; k++)
                json_string(&j, NULL, i->notes.items[k]);
        json_close(&j);
        if (answer(i) == ANSWER_PERHAPS)
                json_null(&j, "starts");
        else
                json_bool(&j, "starts", answer(i) == ANSWER_YES);
        json_string(&j, "unless", answer(i) == ANSWER_PERHAPS ? i->unless : NULL);
        json_bool(&j, "readOnly", m->read_only);
        json_string(&j, "whyNot", format(&i->verdict.first, buf));
        json_close(&j);
}

/* What can be known is what a start would find out, so that is done. */
static void judge(struct inspected *i, struct image *m, struct inspect_try *t, struct arena *a) {
        struct err *verdict = &i->verdict.first;
        struct err e = { .kind = ERR_NONE };

        if (verdict->kind == ERR_NONE)
                look_inside(m, a, &i->in, verdict);
        i->unless = i->in.why_not;
        i->notes = m->notes;
        if (verdict->kind != ERR_NONE || i->unless)
                return;
        if (t->try(t->arg, t, &e) < 0)
                *verdict = e;
        else {
                i->unless = t->unless;
                i->notes = t->notes;
        }
}

int berth_inspect(const struct spec *s, struct inspect_try *t, struct arena *a, int *ret_status, struct err *e) {
        static const struct pick newest = { ".raw", .files = true };
        const char *path = s->root.inspect;
        const int picked = pick_version(path, &newest, a, &path);
        const struct image_want want = {
                .path = path,
                .policy = s->root.policy_said ? &s->root.policy : NULL,
                .file_systems = s->root.file_systems,
                .protection = &s->root.protection,
                .read_only = s->root.read_only,
                .no_fsck = s->root.no_fsck,
                .peek = true,
        };
        struct inspected *i = arena_new(a, struct inspected);
        const bool json = s->self.json; /* the try has a spec of its own */
        struct image *m;
        int k = picked < 0 ? err_set(e, ERR_USAGE, -picked, "no version of an image in %s", path)
                           : image_inspect(&want, a, &m, &i->verdict, e);

        if (k < 0)
                return k;
        i->image = m;
        judge(i, m, t, a);
        (json ? print_json : print_text)(i);
        image_close(m);
        *ret_status = answer(i) == ANSWER_NO ? EXIT_FAILURE : EXIT_SUCCESS;
        return 0;
}
