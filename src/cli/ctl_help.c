/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is printed about the verbs, all of it from their rows. */

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/ctl.h"

enum { INDENT = 34 };

static void put_pair(FILE *f, const char *head, const char *text) {
        if (strlen(head) + 2 > INDENT)
                fprintf(f, "%s\n%*s%s\n", head, INDENT, "", text);
        else
                fprintf(f, "%-*s%s\n", INDENT, head, text);
}

void ctl_print_help(FILE *f) {
        char head[128];

        fputs("berthctl VERB [OPTION...] [WORD...]\n\nLook at running containers, and act on them.\n\nVerbs:\n", f);
        for (size_t i = 0; i < n_ctl_verbs; i++) {
                const struct ctl_verb *v = ctl_verbs[i];

                snprintf(head, sizeof head, "  %s%s%s", v->name, *v->synopsis ? " " : "", v->synopsis);
                put_pair(f, head, v->help);
        }
        fputs("\nOptions:\n", f);
        put_pair(f, "  -h --help", "Show this help, or with a verb that verb's options");
        put_pair(f, "     --version", "Show the version");
}

void ctl_print_verb_help(FILE *f, const struct ctl_verb *v) {
        bool some = v->options && v->options->name;
        char head[128];

        fprintf(f, "berthctl %s%s%s%s\n\n%s.\n%s", v->name, some ? " [OPTION...]" : "", *v->synopsis ? " " : "",
                v->synopsis, v->help, some ? "\nOptions:\n" : "");
        for (const struct ctl_option *o = v->options; o && o->name; o++) {
                char letter[3] = { o->letter ? '-' : ' ', o->letter ? o->letter : ' ', '\0' };

                snprintf(head, sizeof head, "  %s --%s%s%s", letter, o->name, o->metavar ? "=" : "",
                         str_or(o->metavar, ""));
                put_pair(f, head, o->help);
        }
}

static void describe_option(struct json *j, const struct ctl_option *o) {
        char letter[2] = { o->letter, '\0' };

        json_open(j, NULL, '{');
        json_string(j, "short", o->letter ? letter : NULL);
        json_string(j, "long", o->name);
        json_string(j, "metavar", o->metavar);
        json_string(j, "values", o->values);
        json_string(j, "help", o->help);
        json_close(j);
}

void ctl_print_introspect(FILE *f) {
        static const char *const words[] = {
                [CTL_NO_WORDS] = "none",
                [CTL_NAME] = "name",
                [CTL_NAMES] = "names",
                [CTL_NAME_COMMAND] = "name-command",
                [CTL_NAME_PATHS] = "name-paths",
                [CTL_COPY] = "copy",
                [CTL_VERB] = "verb",
        };
        struct json j = { .f = f };

        json_open(&j, NULL, '[');
        for (size_t i = 0; i < n_ctl_verbs; i++) {
                const struct ctl_verb *v = ctl_verbs[i];

                json_open(&j, NULL, '{');
                json_string(&j, "verb", v->name);
                json_string(&j, "synopsis", v->synopsis);
                json_string(&j, "words", words[v->words]);
                json_string(&j, "help", v->help);
                json_open(&j, "options", '[');
                for (const struct ctl_option *o = v->options; o && o->name; o++)
                        describe_option(&j, o);
                json_close(&j);
                json_close(&j);
        }
        json_close(&j);
}
