/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* systemd-nsresourced: is it there, is it what answers, and what it lends. It speaks Varlink. */

#include "probe/probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/json_read.h"
#include "base/log.h"
#include "base/str.h"
#include "base/varlink.h"
#include "plan/idrange.h"
#include "sys/idmap.h"
#include "sys/process.h"

/* It is started by the first who asks, and each of its processes gives its programs to the kernel before it lends
 * anything: the kernel looks at each of them, which takes seconds on a slow machine. */
enum { PATIENCE_MS = 10 * 1000, LONG_PATIENCE_MS = 90 * 1000 };

enum { FIRST_VERSION = 260 };

#define INTERFACE "io.systemd.NamespaceResource"

static bool offers(const struct json_value *answer, const char *interface) {
        const struct json_value *list = json_member(json_member(answer, "parameters"), "interfaces");

        if (!list || list->kind != JSON_ARRAY)
                return false;
        for (const struct json_value *v = list->first; v; v = v->next)
                if (v->kind == JSON_STRING && streq(v->text, interface))
                        return true;
        return false;
}

/* "262 (262.1-1)"; what says nothing counts as old. */
static bool is_old(const struct json_value *answer) {
        const char *version = str_or(json_member_string(json_member(answer, "parameters"), "version"), "");

        return strtoul(version + strcspn(version, "0123456789"), NULL, 10) < FIRST_VERSION;
}

enum id_service probe_nsresourced(const char *path, struct arena *a) {
        const struct varlink_call call = {
                .path = path,
                .text = "{\"method\":\"org.varlink.service.GetInfo\"}",
                .fd = -1,
                .patience_ms = PATIENCE_MS,
        };
        char *answer = arena_alloc(a, VARLINK_ANSWER_MAX);
        ssize_t n = varlink_ask(&call, answer);
        const struct json_value *v;

        log_debug(LOG_PROBE, "%s: an answer of %zd bytes", path, n);
        if (n == -ENOENT || n == -ENOTDIR)
                return ID_SERVICE_MISSING;
        if (n < 0 && n != -EPROTO)
                return ID_SERVICE_SILENT;
        if (n < 0 || json_parse(a, answer, (size_t) n, &v) < 0)
                return ID_SERVICE_OTHER;
        if (!offers(v, INTERFACE))
                return ID_SERVICE_OTHER;
        return is_old(v) ? ID_SERVICE_OLD : ID_SERVICE_ANSWERS;
}

/* --- what it lends --- */

#define MANAGED "--private-users=managed: "

static const struct refusal {
        char error[76];
        enum err_kind kind;
        char text[107], hint[46];
} refusals[] = {
        { INTERFACE ".NameExists", ERR_BUSY, "it has a user namespace of this name already",
          "-M gives this one another name" },
        { INTERFACE ".UserNamespaceInterfaceNotSupported", ERR_HOST,
          "it cannot do that on this kernel, which wants BPF among its security modules (lsm=), and type information",
          "" },
        { INTERFACE ".DynamicRangeUnavailable", ERR_HOST, "no range of ids is free", "" },
        { INTERFACE ".NoDynamicRange", ERR_HOST, "this host has no ids for it to lend", "" },
        { INTERFACE ".TooManyDelegations", ERR_HOST, "not so many further ranges",
          "--private-users-delegate= asks for them" },
};

static int refuse(const struct facts *f, const struct json_value *answer, struct err *e) {
        const struct json_value *details = json_member(answer, "parameters");
        const char *error = str_or(json_member_string(answer, "error"), "no error that it names");
        const char *parameter = json_member_string(details, "parameter");
        uint64_t code;

        for (size_t i = 0; i < ELEMENTS(refusals); i++) {
                const struct refusal *r = &refusals[i];

                if (!streq(r->error, error))
                        continue;
                err_set(e, r->kind, 0, MANAGED "systemd-nsresourced lends no ids to %s: %s", f->tree.name, r->text);
                return err_hint(e, "%s",
                                str_or(str_or_null(r->hint), "--private-users=pick finds a range of ids without it"));
        }
        if (json_member_uint(details, "errno", &code) < 0 || code > 4095)
                code = 0;
        err_set(e, ERR_HOST, (int) code, MANAGED "systemd-nsresourced lends no ids to %s (%.100s%s%.50s)",
                f->tree.name, error, parameter ? ": " : "", str_or(parameter, ""));
        return err_hint(e, "its journal may say more; --private-users=pick finds a range of ids without it");
}

/* The name becomes part of a user's, which has at most 31 letters: "ns-NAME-65535". */
static bool fits(const char *name) {
        return strlen(name) <= 22 && name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                       "0123456789-_")] == '\0';
}

static int ask(const struct spec *s, const struct facts *f, int userns, struct arena *a, struct err *e) {
        const struct varlink_call call = {
                .path = ID_SERVICE,
                .text = arena_printf(a,
                                     "{\"method\":\"" INTERFACE ".AllocateUserRange\",\"parameters\":{\"name\":\"%s\","
                                     "\"size\":%d,\"userNamespaceFileDescriptor\":0%s%s}}",
                                     f->tree.name, IDRANGE_SIZE, fits(f->tree.name) ? "" : ",\"mangleName\":true",
                                     s->ids.delegate == 0
                                             ? ""
                                             : arena_printf(a, ",\"delegateContainerRanges\":%u", s->ids.delegate)),
                .fd = userns,
                .patience_ms = LONG_PATIENCE_MS,
                .give_up = process_shall_end,
        };
        char *text = arena_alloc(a, VARLINK_ANSWER_MAX);
        ssize_t n = varlink_ask(&call, text);
        const struct json_value *answer;

        if (n == -EINTR)
                return err_set(e, ERR_SYSTEM, EINTR, MANAGED "systemd-nsresourced was not waited for");
        if (n < 0) {
                err_set(e, ERR_HOST, (int) -n, MANAGED "systemd-nsresourced does not answer at " ID_SERVICE);
                return err_hint(e, "--private-users=pick finds a range of ids without it");
        }
        if (json_parse(a, text, (size_t) n, &answer) < 0)
                return err_set(e, ERR_HOST, 0, MANAGED "the answer of systemd-nsresourced is none");
        return json_member(answer, "error") ? refuse(f, answer, e) : 0;
}

static bool is_same(const struct idmap_extent *a, const struct idmap_extent *b) {
        return a->inside == b->inside && a->outside == b->outside && a->count == b->count;
}

/* The kernel's word. First the container's own, then the further ones, which are called the same inside. */
static bool is_as_asked(const struct spec *s, const struct idmap_table *uids, const struct idmap_table *gids) {
        bool good = uids->n == 1 + s->ids.delegate && gids->n == uids->n && uids->extents[0].inside == 0;

        for (size_t i = 0; good && i < uids->n; i++) {
                const struct idmap_extent *x = &uids->extents[i];

                good = is_same(x, &gids->extents[i]) && x->count == IDRANGE_SIZE && idrange_valid(x->outside) &&
                       (i == 0 || x->inside == x->outside);
        }
        return good;
}

static int note_maps(const struct spec *s, const struct opened *o, pid_t holder, struct arena *a, struct facts *f,
                     struct err *e) {
        struct idmap_table uids = { 0 }, gids = { 0 };
        int k = idmap_read(o->proc, holder, "uid_map", &uids);

        k = k < 0 ? k : idmap_read(o->proc, holder, "gid_map", &gids);
        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot read what ids systemd-nsresourced has lent");
        if (!is_as_asked(s, &uids, &gids))
                return err_set(e, ERR_HOST, 0, MANAGED "systemd-nsresourced has lent other ids than it was asked for");
        for (size_t i = 0; i < uids.n; i++)
                *arena_push(a, &f->lent) = uids.extents[i];
        return 0;
}

int probe_lend(const struct spec *s, struct arena *a, struct facts *f, struct opened *o, struct err *e) {
        struct process holder = { .pidfd = -1 };
        /* What the container uses up of what each user has is counted for the owner of its user namespace. That cannot
         * be its own root, whose id is not known yet; but it shall not be the host's. Nobody has rights by that. */
        uid_t owner = idrange_candidate(f->tree.name, 0, 0);
        int k;

        o->lent = idmap_make_bare(o->proc, owner, &holder);
        if (o->lent < 0) {
                k = o->lent;
                o->lent = -1;
                return err_set(e, ERR_HOST, -k, MANAGED "no user namespace can be made here");
        }
        k = ask(s, f, o->lent, a, e);
        k = k < 0 ? err_blame(e, "private-users", NULL) : note_maps(s, o, holder.pid, a, f, e);
        idmap_end_holder(&holder);
        return k;
}
