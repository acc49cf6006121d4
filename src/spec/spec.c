/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/spec.h"

#include <linux/capability.h>
#include <string.h>

#include "base/clean.h"
#include "base/parse.h"
#include "base/str.h"

struct spec spec_default(enum face face) {
        return (struct spec){
                .self.face = face,
                .exec.personality = PERSONALITY_UNSAID,
                .root.direct_io = UNSAID,
                .root.protection.guess = UNSAID,
                .net.private = UNSAID,
                .host.registered = UNSAID,
        };
}

void draft_init(struct draft *d, enum face face) {
        *d = (struct draft){ .spec = spec_default(face) };
}

void draft_done(struct draft *d) {
        arena_done(&d->arena);
        *d = (struct draft){ 0 };
}

static bool has_env(const struct strv *env, const char *name, size_t n) {
        for (size_t i = 0; i < env->n; i++)
                if (strncmp(env->items[i], name, n) == 0 && env->items[i][n] == '=')
                        return true;
        return false;
}

/* The kernel gives words NAME=VALUE that it does not know to init as environment, others as arguments; a dash in NAME
 * counts as an underscore, and NAME.SUB=VALUE is for a module. Returns the word in the environment's form, or NULL. */
static const char *boot_variable(struct arena *a, const char *word) {
        size_t n = strcspn(word, "=");
        char *v;

        if (word[n] != '=')
                return NULL;
        v = arena_strdup(a, word);
        for (size_t i = 0; i < n; i++)
                if (v[i] == '-')
                        v[i] = '_';
        return is_env_name(v, n) ? v : NULL;
}

static void split_boot_words(struct draft *d) {
        struct spec_exec *x = &d->spec.exec;
        struct strv words = { 0 };

        for (size_t i = 0; i < x->argv.n; i++) {
                const char *v = boot_variable(&d->arena, x->argv.items[i]);

                if (!v)
                        strv_add(&d->arena, &words, x->argv.items[i]);
                else if (!has_env(&x->env, v, strcspn(v, "=")))
                        strv_add(&d->arena, &x->env, v);
        }
        x->argv = words;
}

/* Allow and deny lists may both be given; what is denied anywhere is denied. */
static void merge_families(struct draft *d) {
        struct spec_sec *s = &d->spec.sec;
        struct strv left = { 0 };

        if (s->families.n == 0) {
                if (s->families_none)
                        return;
                s->families_deny_list = true;
                s->families = s->families_denied;
                return;
        }
        for (size_t i = 0; i < s->families.n; i++)
                if (!strv_has(&s->families_denied, s->families.items[i]))
                        strv_add(&d->arena, &left, s->families.items[i]);
        s->families = left;
        s->families_deny_list = false;
        s->families_none = left.n == 0;
}

static int check_caps(const struct spec *s, struct err *e) {
        uint64_t may = SPEC_CAPS_DEFAULT | s->sec.caps_add | (s->net.private == YES ? 1ull << CAP_NET_ADMIN : 0);

        if (!s->sec.caps_ambient)
                return 0;
        if (s->exec.mode == EXEC_BOOT) {
                err_set(e, ERR_USAGE, 0, "--ambient-capability= does not go with --boot");
                err_blame(e, "ambient-capability", NULL);
                return err_hint(e, "an init has all its capabilities as it is");
        }
        if (s->sec.caps_ambient & ~(may & ~s->sec.caps_drop)) {
                err_set(e, ERR_USAGE, 0, "--ambient-capability= names a capability that the payload does not have");
                err_blame(e, "ambient-capability", NULL);
                return err_hint(e, "add it by --capability= and do not drop it");
        }
        return 0;
}

static int check_net(const struct spec *s, struct err *e) {
        if (s->host.api_vfs == API_VFS_WRITABLE && s->ids.mode >= USERS_PICK) {
                err_set(e, ERR_USAGE, 0, "--api-vfs=writable does not go with --private-users=");
                err_blame(e, "private-users", NULL);
                return err_hint(e, "the kernel's own files belong to the host's root");
        }
        if (s->host.api_vfs == API_VFS_NETWORK && s->net.private == NO && !s->net.path && s->ids.mode >= USERS_PICK) {
                err_set(e, ERR_USAGE, 0, "--api-vfs=network with --private-users= needs a network of its own");
                err_blame(e, "private-users", NULL);
                return err_hint(e, "add --private-network");
        }
        return 0;
}

static int check_image(const struct spec *s, struct err *e) {
        if (s->root.image && s->root.directory) {
                err_set(e, ERR_USAGE, 0, "--image= and --directory= exclude each other");
                return err_hint(e, "-i starts a disk image, -D a directory");
        }
        if (s->root.mstack && (s->root.image || s->root.directory || s->root.template))
                return err_set(e, ERR_USAGE, 0, "--mstack= and %s exclude each other",
                               s->root.image       ? "--image="
                               : s->root.directory ? "--directory="
                                                   : "--template=");
        if (s->self.json)
                return err_set(e, ERR_USAGE, 0, "--json goes with --inspect= alone");
        if (s->root.image && s->root.template) {
                err_set(e, ERR_USAGE, 0, "--image= and --template= exclude each other");
                return err_hint(e, "--ephemeral starts a copy of an image");
        }
        return 0;
}

/* A unit that is kept has its slice and its properties already. */
static int check_unit(struct draft *d, struct err *e) {
        const struct spec_host *h = &d->spec.host;

        if (!h->keep_unit || (!h->slice && h->properties.n == 0))
                return 0;
        if (d->spec.self.face == FACE_STRICT) {
                strv_add(&d->arena, &d->notes, "--slice= and --property= have no effect with --keep-unit");
                return 0;
        }
        err_set(e, ERR_USAGE, 0, "%s does not go with --keep-unit", h->slice ? "--slice=" : "--property=");
        return err_hint(e, "they are for a scope of the container's own; the unit that is kept has its own settings");
}

/* Its console is kept for later: the caller's own descriptors are not there for long. */
static int check_detach(const struct spec *s, struct err *e) {
        if (!s->self.detach)
                return 0;
        if (s->console.background && s->console.background[0]) {
                err_set(e, ERR_USAGE, 0, "--detach does not go with --background=");
                return err_hint(e, "there is no terminal to tint");
        }
        if (s->console.mode == CONSOLE_DEFAULT || s->console.mode == CONSOLE_INTERACTIVE)
                return 0;
        err_set(e, ERR_USAGE, 0, "--detach does not go with --console=%s", console_mode_name(s->console.mode));
        return err_hint(e, "a detached container has a console that berthctl attach and logs show");
}

bool spec_root_spares_tree(const struct spec_root *r) {
        return r->volatile_mode != VOLATILE_NO || r->overlay_upper || r->ephemeral;
}

bool spec_root_is_read_only(const struct spec_root *r) {
        return r->read_only && r->volatile_mode != VOLATILE_YES && r->volatile_mode != VOLATILE_OVERLAY;
}

static int check_volatile(struct spec *s, struct err *e) {
        if (s->root.volatile_mode == VOLATILE_STATE)
                s->root.read_only = true;
        if (s->root.ephemeral && s->root.overlay_upper) {
                err_set(e, ERR_USAGE, 0, "--overlay-upper= does not go with --ephemeral");
                return err_hint(e, "the one keeps what the other throws away");
        }
        if (s->root.ephemeral && s->root.template && (s->root.directory || s->id.machine)) {
                err_set(e, ERR_USAGE, 0, "--template= does not go with --ephemeral");
                return err_hint(e, "--ephemeral makes a copy anyway: -D names what it is made of");
        }
        if (s->root.volatile_mode == VOLATILE_NO || !s->root.overlay_upper)
                return 0;
        err_set(e, ERR_USAGE, 0, "--overlay-upper= does not go with --volatile=%s",
                volatile_mode_name(s->root.volatile_mode));
        return err_hint(e, "the one keeps what the other throws away");
}

static int check_ids(const struct spec *s, struct err *e) {
        if (s->ids.maps.n > 0 && s->ids.mode == USERS_NO) {
                err_set(e, ERR_USAGE, 0, "--private-users-map=: the container has no user ids of its own");
                err_blame(e, "private-users-map", NULL);
                return err_hint(e, "--private-users=pick gives it some");
        }
        if (s->ids.maps.n > 0 && s->ids.mode == USERS_MANAGED) {
                err_set(e, ERR_USAGE, 0, "--private-users-map= does not go with --private-users=managed");
                err_blame(e, "private-users-map", NULL);
                return err_hint(e, "systemd-nsresourced writes the maps itself");
        }
        if (s->ids.delegate > 0 && s->ids.mode != USERS_MANAGED) {
                err_set(e, ERR_USAGE, 0, "--private-users-delegate= does not go without --private-users=managed");
                err_blame(e, "private-users-delegate", NULL);
                return err_hint(e, "the ranges would be systemd-nsresourced's");
        }
        if (s->ids.maps.n == 0 || s->ids.ownership != OWNERSHIP_CHOWN)
                return 0;
        err_set(e, ERR_USAGE, 0, "--private-users-map= does not go with --private-users-ownership=chown");
        return err_hint(e, "the files of a tree can be given to one range only");
}

static int check_ownership(const struct spec *s, struct err *e) {
        const struct spec_root *r = &s->root;
        const char *other = r->overlay_upper                                        ? "--overlay-upper="
                            : r->volatile_mode != VOLATILE_NO                       ? "--volatile"
                            : r->read_only                                          ? "--read-only"
                            : s->ids.mode == USERS_NO && s->self.face == FACE_BERTH ? "--private-users=no"
                                                                                    : NULL;

        if (s->ids.ownership != OWNERSHIP_CHOWN || !other)
                return 0;
        err_set(e, ERR_USAGE, 0, "--private-users-ownership=chown does not go with %s", other);
        err_blame(e, "private-users-ownership", NULL);
        return err_hint(e, "it changes who owns the files of the tree, for good");
}

/* Nobody keeps the journal of what is thrown away. */
static int check_journal(const struct spec *s, struct err *e) {
        enum link_journal mode = s->integration.link_journal;

        if (!s->root.ephemeral || (mode != JOURNAL_GUEST && mode != JOURNAL_HOST))
                return 0;
        err_set(e, ERR_USAGE, 0, "--link-journal=%s does not go with --ephemeral", link_journal_name(mode));
        err_blame(e, "link-journal", NULL);
        return err_hint(e, "the journal of a throw-away copy goes with it");
}

static int check_forward(const struct draft *d, struct err *e) {
        const struct spec *s = &d->spec;

        for (size_t i = 0; i < FORWARD_LIMIT_MAX_ && !s->forward.to; i++)
                if (s->forward.limits[i].said) {
                        err_set(e, ERR_USAGE, 0, "--forward-journal-%s= does not go without --forward-journal=",
                                forward_limit_name((enum forward_limit) i));
                        return err_hint(e, "that names the file or directory");
                }
        for (size_t i = 0; i < s->credentials.n && s->forward.to; i++)
                if (streq(s->credentials.items[i].id, FORWARD_CREDENTIAL)) {
                        err_set(e, ERR_USAGE, 0,
                                "--forward-journal= does not go with a credential " FORWARD_CREDENTIAL);
                        return err_hint(e, "it sets that credential itself");
                }
        for (size_t i = 0; i < s->mounts.n && s->forward.to; i++)
                if (str_is_below(s->mounts.items[i].dst, FORWARD_PLACE)) {
                        err_set(e, ERR_USAGE, 0,
                                "%s/%.100s does not go with --forward-journal=", s->mounts.items[i].option,
                                s->mounts.items[i].dst);
                        err_blame(e, s->mounts.items[i].option, s->mounts.items[i].dst);
                        return err_hint(e, "it would cover what the payload sends its journal to");
                }
        return 0;
}

/* By their parts: what is above comes before what is below it. */
static int compare_paths(const char *a, const char *b) {
        for (; *a && *a == *b; a++, b++)
                ;
        return (*a == '/' ? 1 : (unsigned char) *a) - (*b == '/' ? 1 : (unsigned char) *b);
}

static int compare_mounts(const struct spec_mount *a, const struct spec_mount *b) {
        int r = compare_paths(a->dst, b->dst);

        return r ? r : (int) a->kind - (int) b->kind;
}

/* Of several for one place and of one kind the last is on top. */
static void sort_mounts(struct spec_mounts *m) {
        for (size_t i = 1; i < m->n; i++) {
                struct spec_mount moved = m->items[i];
                size_t k = i;

                for (; k > 0 && compare_mounts(&m->items[k - 1], &moved) > 0; k--)
                        m->items[k] = m->items[k - 1];
                m->items[k] = moved;
        }
}

static void resolve_face(struct spec *s) {
        bool strict = s->self.face == FACE_STRICT;

        if (s->net.private == UNSAID)
                s->net.private = !strict && s->exec.mode == EXEC_BOOT && !s->net.path ? YES : NO;
        if (s->ids.mode == USERS_DEFAULT && strict)
                s->ids.mode = USERS_NO;
        if (s->ids.ownership == OWNERSHIP_DEFAULT)
                s->ids.ownership =
                        s->ids.mode == USERS_OF_TREE || s->ids.mode == USERS_RANGE ? OWNERSHIP_OFF : OWNERSHIP_AUTO;
        if (s->console.mode == CONSOLE_PIPE)
                s->self.quiet = true;
}

int draft_seal(struct draft *d, const struct spec **ret, struct err *e) {
        struct spec *s = &d->spec;
        int r;

        resolve_face(s);
        if (s->exec.mode == EXEC_BOOT)
                split_boot_words(d);
        merge_families(d);
        sort_mounts(&s->mounts);
        r = check_caps(s, e);
        if (r == 0)
                r = check_net(s, e);
        if (r == 0)
                r = check_image(s, e);
        if (r == 0)
                r = check_unit(d, e);
        if (r == 0)
                r = check_detach(s, e);
        if (r == 0)
                r = check_volatile(s, e);
        if (r == 0)
                r = check_ownership(s, e);
        if (r == 0)
                r = check_ids(s, e);
        if (r == 0)
                r = check_journal(s, e);
        if (r == 0)
                r = check_forward(d, e);
        if (r < 0)
                return r;
        *ret = s;
        return 0;
}

/* Where one option was said several times, the line that has the word; otherwise the last, which is heard. */
const char *spec_error_source(const struct spec *s, const struct err *e) {
        const struct said *found = NULL;
        bool exact = false;

        for (size_t i = 0; e->setting[0] && i < s->said.n; i++) {
                const struct said *said = &s->said.items[i];
                bool has = e->word[0] && said->value && strcasestr(said->value, e->word);

                if (!streq(said->setting, e->setting) || (exact && !has))
                        continue;
                exact = has;
                found = said;
        }
        return found ? found->where : NULL;
}

#define NAME(names, i) ((size_t) (i) < ELEMENTS(names) && *(names)[i] ? (names)[i] : "unknown")

const char *face_name(enum face f) {
        static const char names[][7] = { [FACE_BERTH] = "berth", [FACE_STRICT] = "strict" };

        return NAME(names, f);
}

const char *origin_name(enum origin o) {
        static const char names[ORIGIN_MAX_][13] = {
                [ORIGIN_DEFAULT] = "default",       [ORIGIN_IMAGE_FILE] = "image file",
                [ORIGIN_ADMIN_FILE] = "admin file", [ORIGIN_ENVIRONMENT] = "environment",
                [ORIGIN_ARGV] = "command line",
        };

        return NAME(names, o);
}

const char *exec_mode_name(enum exec_mode m) {
        static const char names[][8] = {
                [EXEC_COMMAND] = "command",
                [EXEC_STUB] = "as-pid2",
                [EXEC_BOOT] = "boot",
        };

        return NAME(names, m);
}

const char *console_mode_name(enum console_mode m) {
        static const char names[CONSOLE_MAX_][12] = {
                [CONSOLE_DEFAULT] = "default",     [CONSOLE_INTERACTIVE] = "interactive",
                [CONSOLE_READ_ONLY] = "read-only", [CONSOLE_PASSIVE] = "passive",
                [CONSOLE_PIPE] = "pipe",           [CONSOLE_AUTOPIPE] = "autopipe",
        };

        return NAME(names, m);
}

const char *resolv_conf_name(enum resolv_conf m) {
        static const char names[RESOLV_MAX_][15] = {
                [RESOLV_AUTO] = "auto",
                [RESOLV_OFF] = "off",
                [RESOLV_DELETE] = "delete",
                [RESOLV_COPY_HOST] = "copy-host",
                [RESOLV_COPY_STATIC] = "copy-static",
                [RESOLV_COPY_UPLINK] = "copy-uplink",
                [RESOLV_COPY_STUB] = "copy-stub",
                [RESOLV_REPLACE_HOST] = "replace-host",
                [RESOLV_REPLACE_STATIC] = "replace-static",
                [RESOLV_REPLACE_UPLINK] = "replace-uplink",
                [RESOLV_REPLACE_STUB] = "replace-stub",
                [RESOLV_BIND_HOST] = "bind-host",
                [RESOLV_BIND_STATIC] = "bind-static",
                [RESOLV_BIND_UPLINK] = "bind-uplink",
                [RESOLV_BIND_STUB] = "bind-stub",
        };

        return NAME(names, m);
}

const char *volatile_mode_name(enum volatile_mode m) {
        static const char names[VOLATILE_MAX_][8] = {
                [VOLATILE_NO] = "no",
                [VOLATILE_YES] = "yes",
                [VOLATILE_STATE] = "state",
                [VOLATILE_OVERLAY] = "overlay",
        };

        return NAME(names, m);
}

const char *timezone_mode_name(enum timezone_mode m) {
        static const char names[TIMEZONE_MAX_][8] = {
                [TIMEZONE_AUTO] = "auto", [TIMEZONE_OFF] = "off",         [TIMEZONE_COPY] = "copy",
                [TIMEZONE_BIND] = "bind", [TIMEZONE_SYMLINK] = "symlink", [TIMEZONE_DELETE] = "delete",
        };

        return NAME(names, m);
}

const char *link_journal_name(enum link_journal m) {
        static const char names[JOURNAL_MAX_][10] = {
                [JOURNAL_AUTO] = "auto",           [JOURNAL_NO] = "no",     [JOURNAL_GUEST] = "guest",
                [JOURNAL_TRY_GUEST] = "try-guest", [JOURNAL_HOST] = "host", [JOURNAL_TRY_HOST] = "try-host",
        };

        return NAME(names, m);
}

const char *forward_limit_name(enum forward_limit l) {
        static const char names[FORWARD_LIMIT_MAX_][14] = {
                [FORWARD_MAX_USE] = "max-use",
                [FORWARD_KEEP_FREE] = "keep-free",
                [FORWARD_MAX_FILE_SIZE] = "max-file-size",
                [FORWARD_MAX_FILES] = "max-files",
        };

        return NAME(names, l);
}
