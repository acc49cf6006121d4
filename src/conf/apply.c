/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Precedence and trust, decided once.
 *
 * A source only records statements here. conf_fill() then makes the spec anew: for each topic the source with the
 * highest precedence that says anything of it is heard, and only that one. So a file can fill in what the command
 * line leaves open, --settings=override turns that around, and nothing ever has to be undone. */

#include "conf/setting.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/str.h"

void conf_init(struct conf *c, struct draft *d, char **env) {
        *c = (struct conf){ .draft = d, .environ = env };
}

void conf_warn(struct conf *c, const char *fmt, ...) {
        const char *line;
        va_list ap;

        va_start(ap, fmt);
        line = arena_vprintf(&c->draft->arena, fmt, ap);
        va_end(ap);
        /* A key with several words is said once. */
        if (!strv_has(&c->draft->warnings, line))
                strv_add(&c->draft->arena, &c->draft->warnings, line);
}

static bool from_file(const struct statement *st) {
        return st->origin == ORIGIN_ADMIN_FILE || st->origin == ORIGIN_IMAGE_FILE;
}

/* LimitCPU=10 comes to the setter as CPU=10. */
static const char *as_written(const struct statement *st) {
        const char *key = st->row->key;
        bool joined = from_file(st) && *key && key[strlen(key) - 1] == '*';

        return joined ? st->value + strcspn(st->value, "=") + 1 : st->value;
}

int bad_value(const struct saying *s, struct err *e, const char *fmt, ...) {
        const struct statement *st = s->said;
        bool shown = !st->bare && !(st->row->flags & SETTING_SECRET);
        char cause[160];
        va_list ap;
        int r;

        va_start(ap, fmt);
        vsnprintf(cause, sizeof cause, fmt, ap);
        va_end(ap);
        r = err_set(e, from_file(st) ? ERR_CONFIG : ERR_USAGE, 0, "%s%s%s%s%.100s%s %s", str_or(st->where, ""),
                    st->where ? ": " : "", st->as, shown ? "=" : "", shown ? as_written(st) : "", st->bare ? "" : ":",
                    cause);
        if (*st->row->allowed && !st->bare)
                err_hint(e, "allowed: %s", st->row->allowed);
        return r;
}

static int refuse_later(const struct saying *s, struct err *e) {
        const struct statement *st = s->said;
        bool shown = !st->bare && !(st->row->flags & SETTING_SECRET);
        int r;

        r = err_set(e, from_file(st) ? ERR_CONFIG : ERR_USAGE, 0, "%s%s%s%s%.100s is not supported by this build yet",
                    str_or(st->where, ""), st->where ? ": " : "", st->as, shown ? "=" : "",
                    shown ? as_written(st) : "");
        if (from_file(st))
                return err_hint(e, "--settings=no starts without the file");
        return st->row->group == GROUP_NETWORK
                       ? err_hint(e, "--private-network has a loopback interface only; --private-network=no is in the "
                                     "host's network")
                       : r;
}

/* What these ask for must be done or refused; the rest may be left out with a warning. */
static bool must_honour(const struct conf *c, const struct statement *st) {
        return !from_file(st) || st->trusted || c->draft->spec.self.settings == SETTINGS_OVERRIDE;
}

static int call_setter(struct conf *c, struct spec *spec, const struct statement *st, struct err *e) {
        struct saying s = { spec, &c->draft->arena, st, c->environ };
        int r = setting_apply(&s, e);

        if (r == SET_OK && st->row->flags & SETTING_LATER)
                r = SET_LATER;
        if (r == SET_LATER)
                refuse_later(&s, e);
        return r;
}

/* Only what the file's author could do anyway may come from a file that lies beside the image. */
static bool may_say(const struct statement *st) {
        if (st->trusted)
                return !(from_file(st) && st->row->flags & SETTING_ARGV_ONLY);
        return st->row->flags & SETTING_UNTRUSTED;
}

static void warn_untrusted(struct conf *c, const struct statement *st) {
        conf_warn(c,
                  "%s: %s= is ignored: the file lies beside the image and is not trusted with it "
                  "(--settings=trusted if you trust it)",
                  st->where, st->as);
}

int conf_say(struct conf *c, const struct statement *st, struct err *e) {
        struct spec scratch = spec_default(c->draft->spec.self.face);
        struct err own = { 0 };
        int r;

        if (!may_say(st)) {
                warn_untrusted(c, st);
                return 0;
        }
        r = call_setter(c, &scratch, st, &own);
        if (r == SET_LATER && !from_file(st))
                r = -EINVAL;
        /* What a file asks for and this build lacks is refused when it turns out to be heard (conf_fill()). */
        if (r == SET_OK || r == SET_NOTHING || (r == SET_LATER && must_honour(c, st))) {
                *arena_push(&c->draft->arena, &c->all) = *st;
                return 0;
        }
        if (r == SET_UNTRUSTED)
                warn_untrusted(c, st);
        else if (!from_file(st)) {
                if (e)
                        *e = own;
                return -EINVAL;
        } else if (r == SET_LATER)
                conf_warn(c, "%s: %s= is not supported by this build yet, and ignored", st->where, st->as);
        else
                conf_warn(c, "%s%s%s%s, ignored", own.text, own.hint[0] ? " (" : "", own.hint, own.hint[0] ? ")" : "");
        return 0;
}

/* Topics are numbered: the shared ones, then one for each limit, then one for each row. */
static size_t topic_count(void) {
        return TOPIC_MAX_ + RLIM_NLIMITS + n_settings;
}

static size_t topic_of(const struct statement *st) {
        int resource;

        if (st->row->topic == TOPIC_RLIMIT)
                return parse_rlimit_name(st->value, strcspn(st->value, "="), &resource) == 0
                               ? (size_t) TOPIC_MAX_ + (size_t) resource
                               : TOPIC_RLIMIT;
        if (st->row->topic != TOPIC_OWN)
                return st->row->topic;
        return TOPIC_MAX_ + RLIM_NLIMITS + (size_t) (st->row - settings);
}

void conf_take_back(struct conf *c, const struct statement *st) {
        for (size_t i = 0; i < c->all.n; i++) {
                struct statement *said = &c->all.items[i];

                if (said->row == st->row && said->origin == st->origin && topic_of(said) == topic_of(st))
                        said->taken_back = true;
        }
}

/* --settings=override lets files win, but an untrusted one must not loosen what the caller has tightened. */
static unsigned rank(const struct statement *st, enum settings_mode mode) {
        bool raised = mode == SETTINGS_OVERRIDE && from_file(st) && (st->trusted || !(st->row->flags & SETTING_GUARD));

        return st->origin + (raised ? ORIGIN_MAX_ : 0);
}

static void note_said(struct conf *c, const struct statement *st) {
        struct said_list *list = &c->draft->spec.said;
        struct said *said;

        /* The words of a command are one thing, shown by its first. */
        if (st->row == &setting_parameters && c->draft->spec.exec.argv.n > 1)
                return;
        said = arena_push(&c->draft->arena, list);
        said->setting = st->row == &setting_parameters ? SAID_COMMAND
                        : *st->row->name               ? st->row->name
                                                       : setting_spelling(st->row, (char[64]){ 0 });
        said->setting = arena_strdup(&c->draft->arena, said->setting);
        said->value = st->bare ? NULL : st->row->flags & SETTING_SECRET ? "(not shown)" : st->value;
        said->origin = st->origin;
        said->where = st->where;
}

static int hear(struct conf *c, const struct statement *st, struct err *e) {
        struct err own = { .kind = ERR_NONE };
        int r = call_setter(c, &c->draft->spec, st, &own);

        if (r == SET_CLASH && from_file(st)) {
                conf_warn(c, "%s, ignored", own.text);
                return 0;
        }
        if (r < 0 || r == SET_LATER || r == SET_CLASH) {
                if (e)
                        *e = own;
                return -EINVAL;
        }
        note_said(c, st);
        return 0;
}

int conf_fill(struct conf *c, struct err *e) {
        struct draft *d = c->draft;
        enum settings_mode mode = d->spec.self.settings;
        uint8_t *best = arena_alloc(&d->arena, topic_count());
        int r;

        d->spec = spec_default(d->spec.self.face);
        for (size_t i = 0; i < c->all.n; i++) {
                const struct statement *st = &c->all.items[i];
                size_t t = topic_of(st);

                if (!st->taken_back && rank(st, mode) > best[t])
                        best[t] = (uint8_t) rank(st, mode);
        }
        for (size_t i = 0; i < c->all.n; i++) {
                const struct statement *st = &c->all.items[i];

                if (st->taken_back)
                        continue;
                if (rank(st, mode) < best[topic_of(st)]) {
                        log_debug(LOG_CONF, "%s=%s (%s) is not heard: said with more right elsewhere", st->as,
                                  st->value, origin_name(st->origin));
                        continue;
                }
                r = hear(c, st, e);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Nobody is asked for anything. */
int conf_as_dry_run(struct conf *c, struct err *e) {
        static const char more[][16] = { "dry-run", "no-ask-password" };
        int k = 0;

        for (size_t i = 0; i < c->all.n; i++) {
                struct statement *st = &c->all.items[i];

                if (streq(st->row->name, "inspect"))
                        st->row = setting_by_name("image");
                st->taken_back = st->taken_back || streq(st->row->name, "json");
        }
        for (size_t i = 0; k == 0 && i < ELEMENTS(more); i++) {
                const struct setting *row = setting_by_name(more[i]);
                const struct statement st = {
                        .row = row, .value = row->fallback, .as = more[i], .origin = ORIGIN_ARGV, .trusted = true
                };

                k = conf_say(c, &st, e);
        }
        return k < 0 ? k : conf_fill(c, e);
}
