/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of settings itself: against systemd-nspawn's options, and against its own rules. */

#include <errno.h>

#include "base/clean.h"
#include "base/str.h"
#include "conf/setting.h"
#include "unit/tap.h"

static const char *const args[] = { "none", "required", "optional" };

static void spell(const struct setting *s, char buf[80]) {
        char letter[3] = { '-', s->letter, '\0' };

        snprintf(buf, 80, "%s%s%s%s", s->letter ? letter : "", s->letter && *s->name ? "," : "", *s->name ? "--" : "",
                 s->name);
}

static const struct setting *by_spelling(const char *text) {
        char buf[80];

        for (size_t i = 0; i < n_settings; i++) {
                spell(&settings[i], buf);
                if (streq(buf, text))
                        return &settings[i];
        }
        return NULL;
}

static void test_compat(struct tap *t) {
        CLEAN_FILE FILE *f = fopen(TEST_DIR "/compat/options.tsv", "re");
        char line[200], *arg;
        size_t theirs = 0, ours = 0;

        OK(t, f, "the list of systemd-nspawn's options can be read");
        while (f && fgets(line, sizeof line, f)) {
                const struct setting *s;

                line[strcspn(line, "\n")] = '\0';
                arg = strchr(line, '\t');
                if (*line == '#' || !arg)
                        continue;
                *arg++ = '\0';
                theirs++;
                s = by_spelling(line);
                OK(t, s && streq(args[s->arg], arg) && !(s->flags & SETTING_OWN), "%s, argument %s", line, arg);
        }
        for (size_t i = 0; i < n_settings; i++)
                ours += !(settings[i].flags & SETTING_OWN);
        OK_INT(t, ours, theirs, "nothing more is called theirs");
}

/* What a row must not say. NULL: it is fine. */
static const char *fault(const struct setting *s) {
        if (!*s->name && !s->letter)
                return "has no name";
        if (!*s->help)
                return "has no help";
        if (!s->set && !(s->flags & SETTING_ACTION))
                return "has no setter";
        if ((s->arg == ARG_NONE) != !*s->metavar)
                return "has a metavar without an argument, or none with one";
        if (s->arg != ARG_REQUIRED && !*s->fallback && !(s->flags & SETTING_ACTION))
                return "has no value for when none is written";
        if (s->flags & SETTING_UNDO && s->arg != ARG_NONE)
                return "takes a value, so it needs no =no";
        if (s->flags & SETTING_UNTRUSTED && s->flags & SETTING_ARGV_ONLY)
                return "is for the command line only, and for untrusted files";
        if (!*s->section != !*s->key || (*s->section && !setting_has_section(s->section)))
                return "has half a key, or a bad section";
        if (*s->key && s->flags & SETTING_ARGV_ONLY)
                return "has a key that no file may use";
        if (s->flags & SETTING_UNTRUSTED && strstr(s->metavar, "PATH") && !(s->flags & SETTING_LATER))
                return "takes a path from untrusted files";
        return NULL;
}

static void test_rows(struct tap *t) {
        for (size_t i = 0; i < n_settings; i++) {
                const struct setting *s = &settings[i];
                const char *wrong = fault(s);
                char buf[80];
                size_t same = 0;

                for (size_t k = 0; k < n_settings; k++)
                        same += (*s->name && streq(s->name, settings[k].name)) ||
                                (s->letter && s->letter == settings[k].letter) ||
                                (*s->key && streq(s->key, settings[k].key));
                spell(s, buf);
                OK(t, !wrong && same == 1, "%s %s", buf,
                   wrong       ? wrong
                   : same != 1 ? "is there twice"
                               : "is a good row");
        }
}

static void test_look_up(struct tap *t) {
        const char *rest;

        OK(t, setting_by_name("boot") == setting_by_letter('b'), "by name and by letter");
        OK(t, !setting_by_name("boo") && !setting_by_letter('\0') && !setting_by_letter('y'), "what is not there");
        OK(t, setting_by_key("Exec", "Boot", &rest) == setting_by_name("boot") && !rest, "by key");
        OK(t, !setting_by_key("Files", "Boot", &rest) && !setting_by_key("Exec", "boot", &rest), "in another section");
        OK(t, setting_by_key("Exec", "LimitNOFILE", &rest) == setting_by_name("rlimit") && streq(rest, "NOFILE"),
           "by a key with a name in it");
        OK(t, !setting_by_key("Exec", "Limit", &rest) && !setting_by_key("Exec", "LimitX", &rest), "a bad name in it");
        OK(t, setting_by_key("Exec", "Parameters", &rest) == &setting_parameters, "the key without an option");
}

int main(void) {
        struct tap t = { 0 };

        test_compat(&t);
        test_rows(&t);
        test_look_up(&t);
        return tap_done(&t);
}
