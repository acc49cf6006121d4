/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command line. Options come first; the first other word, or what follows "--", begins the command.
 * Long options may be shortened as long as they stay unique among systemd-nspawn's own: berth's additions never take
 * a short form away from a caller who uses it. */

#include "conf/setting.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "base/parse.h"
#include "base/str.h"

struct words {
        struct conf *conf;
        int argc, at;
        char **argv;
        bool acted; /* an action option was met: *action holds it */
        enum conf_action action;
};

enum face conf_face(const char *argv0) {
        const char *slash = argv0 ? strrchr(argv0, '/') : NULL;

        return argv0 && streq(slash ? slash + 1 : argv0, "systemd-nspawn") ? FACE_STRICT : FACE_BERTH;
}

/* Levenshtein's distance between the first n (at most 40) characters of a and all of b. */
static size_t distance(const char *a, size_t n, const char *b) {
        size_t row[41], m = strlen(b);

        for (size_t i = 0; i <= n; i++)
                row[i] = i;
        for (size_t j = 1; j <= m; j++) {
                size_t diagonal = row[0];

                row[0] = j;
                for (size_t i = 1; i <= n; i++) {
                        size_t best = diagonal + (a[i - 1] != b[j - 1]);

                        diagonal = row[i];
                        if (row[i] + 1 < best)
                                best = row[i] + 1;
                        if (row[i - 1] + 1 < best)
                                best = row[i - 1] + 1;
                        row[i] = best;
                }
        }
        return row[n];
}

static const char *near_miss(const char *name, size_t n) {
        size_t best = n < 4 ? 1 : n < 6 ? 2 : n / 3;
        const char *found = NULL;

        for (size_t i = 0; n <= 40 && i < n_settings; i++) {
                const struct setting *s = &settings[i];
                size_t d;

                if (!*s->name || s->flags & SETTING_HIDDEN)
                        continue;
                d = distance(name, n, s->name);
                if (d < best || (d == best && !found)) {
                        best = d;
                        found = s->name;
                }
        }
        return found;
}

static int unknown_option(const char *name, size_t n, struct err *e) {
        const char *near = near_miss(name, n);
        int r = err_set(e, ERR_USAGE, 0, "unknown option --%.*s", n > 60 ? 60 : (int) n, name);

        if (near)
                err_hint(e, "did you mean --%s? see --help", near);
        else
                err_hint(e, "see --help; what belongs to the command goes behind --");
        return r;
}

/* Those of systemd-nspawn alone, where it has any: only by them a short form is ambiguous. */
static void list_options(const char *name, size_t n, unsigned unless, char *list, size_t size) {
        for (size_t i = 0; i < n_settings; i++) {
                const struct setting *s = &settings[i];
                size_t used = strlen(list);

                if (*s->name && !(s->flags & (unless | SETTING_HIDDEN)) && strncmp(s->name, name, n) == 0)
                        snprintf(list + used, size - used, "%s--%s", used ? ", " : "", s->name);
        }
}

static int ambiguous_option(const char *name, size_t n, struct err *e) {
        char list[200] = "";
        int r;

        list_options(name, n, SETTING_OWN, list, sizeof list);
        if (!*list)
                list_options(name, n, 0, list, sizeof list);
        r = err_set(e, ERR_USAGE, 0, "option --%.*s is ambiguous", n > 60 ? 60 : (int) n, name);
        err_hint(e, "it could be %s", list);
        return r;
}

/* The row of a long option, maybe shortened. */
static int find_long(const char *name, size_t n, const struct setting **ret, struct err *e) {
        const struct setting *found[2] = { NULL, NULL }; /* of systemd-nspawn, of berth */
        unsigned hits[2] = { 0, 0 };

        for (size_t i = 0; i < n_settings; i++) {
                const struct setting *s = &settings[i];
                bool own = s->flags & SETTING_OWN;

                if (!*s->name || strncmp(s->name, name, n) != 0)
                        continue;
                if (s->name[n] == '\0') {
                        *ret = s;
                        return 0;
                }
                hits[own]++;
                found[own] = s;
        }
        for (int own = 0; own < 2; own++) {
                if (n == 0 || hits[own] > 1)
                        return n == 0 ? unknown_option(name, n, e) : ambiguous_option(name, n, e);
                if (hits[own] == 1) {
                        *ret = found[own];
                        return 0;
                }
        }
        return unknown_option(name, n, e);
}

static int act(struct words *w, const struct setting *row, const char *value, const char *as, struct err *e) {
        if (value && !(row->value == CONF_HELP && streq(value, "differences"))) {
                int r = err_set(e, ERR_USAGE, 0, "%s takes no value %.60s", as, value);

                return *row->allowed ? err_hint(e, "allowed: %s", row->allowed) : r;
        }
        w->acted = true;
        w->action = value ? CONF_DIFFERENCES : (enum conf_action) row->value;
        return 0;
}

static int needs_value(const struct setting *row, const char *as, struct err *e) {
        int r = err_set(e, ERR_USAGE, 0, "%s= needs a value", as);

        return *row->allowed ? err_hint(e, "allowed: %s", row->allowed) : r;
}

/* One option is complete. value NULL: none was written. */
static int say(struct words *w, const struct setting *row, const char *value, const char *as, struct err *e) {
        bool undo;
        struct statement st = {
                .row = row,
                .value = value ? value : row->fallback,
                .as = as,
                .origin = ORIGIN_ARGV,
                .trusted = true,
                .bare = !value,
        };

        if (row->flags & SETTING_ACTION)
                return act(w, row, value, as, e);
        if (value && !*value && !(row->flags & SETTING_EMPTY_OK))
                return needs_value(row, as, e);
        if (value && row->arg == ARG_NONE && (!(row->flags & SETTING_UNDO) || parse_bool(value, &undo) < 0)) {
                int r = err_set(e, ERR_USAGE, 0, "%s takes no value %.60s", as, value);

                return row->flags & SETTING_UNDO ? err_hint(e, "allowed: yes, no") : r;
        }
        if (value && row->nth && streq(value, "help")) {
                w->conf->listed = row;
                w->acted = true;
                w->action = CONF_LIST;
                return 0;
        }
        return conf_say(w->conf, &st, e);
}

/* The word after an option that is its value, or NULL. */
static const char *next_word(struct words *w) {
        return w->at < w->argc ? w->argv[w->at++] : NULL;
}

static int long_option(struct words *w, const char *word, struct err *e) {
        size_t n = strcspn(word, "=");
        const char *value = word[n] ? word + n + 1 : NULL, *as;
        const struct setting *row = NULL;
        int r = find_long(word, n, &row, e);

        if (r < 0)
                return r;
        as = arena_printf(&w->conf->draft->arena, "--%s", row->name);
        if (!value && row->arg == ARG_REQUIRED) {
                value = next_word(w);
                if (!value)
                        return needs_value(row, as, e);
        }
        /* What --user was called --uid later: it still takes a following word, as it always did. */
        if (!value && row->flags & SETTING_USER_WORD && w->at < w->argc && w->argv[w->at][0] != '-')
                value = next_word(w);
        return say(w, row, value, as, e);
}

/* "-qbD DIR": flags, the last may take the rest of the word or the next word. */
static int short_options(struct words *w, const char *letters, struct err *e) {
        for (; *letters && !w->acted; letters++) {
                const struct setting *row = setting_by_letter(*letters);
                const char *value = NULL, *as;
                int r;

                if (!row) {
                        r = err_set(e, ERR_USAGE, 0, "unknown option -%c", *letters);
                        err_hint(e, "see --help; what belongs to the command goes behind --");
                        return r;
                }
                as = *row->name ? arena_printf(&w->conf->draft->arena, "--%s", row->name)
                                : arena_printf(&w->conf->draft->arena, "-%c", row->letter);
                if (row->arg == ARG_REQUIRED) {
                        value = letters[1] ? letters + 1 : next_word(w);
                        if (!value)
                                return needs_value(row, as, e);
                }
                r = say(w, row, value, as, e);
                if (r < 0 || row->arg == ARG_REQUIRED)
                        return r;
        }
        return 0;
}

static int command_words(struct words *w, struct err *e) {
        for (; w->at < w->argc; w->at++) {
                struct statement st = {
                        .row = &setting_parameters,
                        .value = w->argv[w->at],
                        .as = "command",
                        .origin = ORIGIN_ARGV,
                        .trusted = true,
                };
                int r = conf_say(w->conf, &st, e);

                if (r < 0)
                        return r;
        }
        return 0;
}

int conf_argv(struct conf *c, int argc, char **argv, enum conf_action *ret, struct err *e) {
        struct words w = { .conf = c, .argc = argc, .at = 1, .argv = argv };
        int r = 0;

        while (r == 0 && !w.acted && w.at < argc && argv[w.at][0] == '-' && argv[w.at][1]) {
                const char *word = argv[w.at++];

                if (streq(word, "--"))
                        break;
                r = word[1] == '-' ? long_option(&w, word + 2, e) : short_options(&w, word + 1, e);
        }
        if (r == 0 && !w.acted)
                r = command_words(&w, e);
        if (r == 0 && !w.acted)
                r = conf_fill(c, e);
        if (r < 0)
                return r;
        *ret = w.acted ? w.action : CONF_RUN;
        return 0;
}
