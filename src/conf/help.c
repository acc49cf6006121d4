/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is printed about the options themselves, all of it from the table. */

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "conf/setting.h"

enum { WIDTH = 100, INDENT = 34 };

static const char groups[GROUP_MAX_][17] = {
        [GROUP_NONE] = "",
        [GROUP_IMAGE] = "Image",
        [GROUP_EXECUTION] = "Execution",
        [GROUP_IDENTITY] = "System Identity",
        [GROUP_PROPERTIES] = "Properties",
        [GROUP_USERS] = "User Namespacing",
        [GROUP_NETWORK] = "Networking",
        [GROUP_SECURITY] = "Security",
        [GROUP_RESOURCES] = "Resources",
        [GROUP_INTEGRATION] = "Integration",
        [GROUP_MOUNTS] = "Mounts",
        [GROUP_CONSOLE] = "Input/Output",
        [GROUP_CREDENTIALS] = "Credentials",
        [GROUP_OTHER] = "Other",
};

/* Words of text, wrapped, each new line indented. column: where the first line has come to. */
static void put_wrapped(FILE *f, const char *text, size_t column, size_t indent) {
        while (*text) {
                size_t n = strcspn(text, " ");

                if (column > indent && column + n + 1 > WIDTH) {
                        fprintf(f, "\n%*s", (int) indent, "");
                        column = indent;
                } else if (column > indent) {
                        fputc(' ', f);
                        column++;
                }
                fprintf(f, "%.*s", (int) n, text);
                column += n;
                text += n;
                text += strspn(text, " ");
        }
        fputc('\n', f);
}

static void put_option(FILE *f, const struct setting *s) {
        char head[128];
        char letter[4] = { '-', s->letter, '\0' };
        const char *open = s->arg == ARG_OPTIONAL ? "[=" : s->arg == ARG_REQUIRED ? "=" : "";
        size_t n;

        snprintf(head, sizeof head, "  %s%s%s%s%s%s", s->letter ? letter : "  ", *s->name ? " --" : "", s->name, open,
                 s->metavar, s->arg == ARG_OPTIONAL ? "]" : "");
        n = strlen(head);
        fputs(head, f);
        if (n + 2 > INDENT) {
                fputc('\n', f);
                n = 0;
        }
        fprintf(f, "%*s", INDENT - (int) n, "");
        snprintf(head, sizeof head, "%s%s", s->help, s->flags & SETTING_LATER ? " (not supported yet)" : "");
        put_wrapped(f, head, INDENT, INDENT);
}

static void print_help(FILE *f, enum face face) {
        const char *name = face == FACE_STRICT ? "systemd-nspawn" : "berth";

        fprintf(f, "%s [OPTION...] [COMMAND [ARGUMENT...]]\n\nStart a command or an OS in a container.\n", name);
        for (int g = 0; g < GROUP_MAX_; g++) {
                fprintf(f, "%s%s%s", *groups[g] ? "\n" : "", groups[g], *groups[g] ? ":\n" : "\n");
                for (size_t i = 0; i < n_settings; i++)
                        if ((int) settings[i].group == g && !(settings[i].flags & SETTING_HIDDEN))
                                put_option(f, &settings[i]);
        }
        fputs("\nOptions without a value that a settings file can set too also take =no, to undo what the file "
              "says.\n",
              f);
}

/* Callers look at the second or third word of the first line for the version they know. */
void conf_print_version(FILE *f, enum face face) {
        if (face == FACE_STRICT)
                fprintf(f, "systemd 262 (262-berth-%s)\n", BERTH_VERSION);
        else
                fprintf(f, "berth %s\n", BERTH_VERSION);
}

static void print_differences(FILE *f) {
        fputs("What berth does differently from systemd-nspawn when nothing else is said.\n\n"
              "By its own name, and by the name systemd-nspawn:\n\n",
              f);
        for (size_t i = 0; i < n_differences; i++) {
                const struct difference *d = &differences[i];

                fputs(d->what, f);
                if (*d->setting)
                        fprintf(f, " (see --%s)", d->setting);
                fputs("\n    berth:", f);
                put_wrapped(f, d->berth, 10, 8);
                fputs("    systemd-nspawn:", f);
                put_wrapped(f, d->other, 19, 8);
        }
        fputs("\nBy both names:\n\n", f);
        for (size_t i = 0; i < n_differences_always; i++) {
                fputs("  - ", f);
                put_wrapped(f, differences_always[i].text, 4, 4);
        }
}

static void print_list(FILE *f, const struct setting *row) {
        char buf[NTH_BUF];
        const char *name;

        for (unsigned i = 0; (name = setting_nth(row, i, buf)); i++)
                fprintf(f, "%s\n", name);
}

static const char *differs(const struct setting *s) {
        for (size_t i = 0; *s->name && i < n_differences; i++)
                if (streq(differences[i].setting, s->name))
                        return differences[i].berth;
        for (size_t i = 0; *s->name && i < n_differences_always; i++)
                if (streq(differences_always[i].setting, s->name))
                        return differences_always[i].text;
        return NULL;
}

static void describe(struct json *j, const struct setting *s) {
        static const char args[][9] = { "none", "required", "optional" };
        char letter[2] = { s->letter, '\0' }, buf[NTH_BUF];
        const char *name;

        json_open(j, NULL, '{');
        json_string(j, "short", s->letter ? letter : NULL);
        json_string(j, "long", str_or_null(s->name));
        json_string(j, "argument", args[s->arg]);
        json_string(j, "metavar", str_or_null(s->metavar));
        json_string(j, "group", *groups[s->group] ? groups[s->group] : NULL);
        json_string(j, "help", s->help);
        json_string(j, "allowed", str_or_null(s->allowed));
        json_string(j, "section", str_or_null(s->section));
        json_string(j, "key", str_or_null(s->key));
        json_bool(j, "untrusted", s->flags & SETTING_UNTRUSTED);
        json_bool(j, "undo", s->flags & SETTING_UNDO);
        json_bool(j, "own", s->flags & SETTING_OWN);
        json_bool(j, "hidden", s->flags & SETTING_HIDDEN);
        json_bool(j, "supported", !(s->flags & SETTING_LATER));
        json_string(j, "differs", differs(s));
        json_open(j, "values", '[');
        for (unsigned i = 0; (name = setting_nth(s, i, buf)); i++)
                json_string(j, NULL, name);
        json_close(j);
        json_close(j);
}

static void print_introspect(FILE *f) {
        struct json j = { .f = f };

        json_open(&j, NULL, '[');
        for (size_t i = 0; i < n_settings; i++)
                describe(&j, &settings[i]);
        json_close(&j);
}

void conf_print(FILE *f, const struct conf *c, enum conf_action action) {
        enum face face = c->draft->spec.self.face;

        switch (action) {
        case CONF_HELP: print_help(f, face); break;
        case CONF_VERSION: conf_print_version(f, face); break;
        case CONF_DIFFERENCES: print_differences(f); break;
        case CONF_INTROSPECT: print_introspect(f); break;
        case CONF_LIST: print_list(f, c->listed); break;
        case CONF_RUN: break;
        }
}
