/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Setters that any row can use: what they fill is given by .at and .value. */

#include "conf/setting.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/str.h"

#define FIELD(s, type) ((type *) ((char *) (s)->spec + (s)->said->row->at))

int set_nothing(const struct saying *s, struct err *e) {
        return SET_NOTHING;
}

int set_bool(const struct saying *s, struct err *e) {
        bool v;

        if (parse_bool(s->said->value, &v) < 0)
                return bad_value(s, e, "not a boolean");
        *FIELD(s, bool) = s->said->row->value ? !v : v;
        return SET_OK;
}

int set_tristate(const struct saying *s, struct err *e) {
        bool v;

        if (parse_bool(s->said->value, &v) < 0)
                return bad_value(s, e, "not a boolean");
        *FIELD(s, enum tristate) = v ? YES : NO;
        return SET_OK;
}

int set_string(const struct saying *s, struct err *e) {
        *FIELD(s, const char *) = s->said->value;
        return SET_OK;
}

int set_path(const struct saying *s, struct err *e) {
        if (!*s->said->value)
                return bad_value(s, e, "no path");
        if (strlen(s->said->value) >= PATH_MAX)
                return bad_value(s, e, "the path is too long");
        return set_string(s, e);
}

const char *path_from_here(const struct saying *s, const char *path) {
        char here[PATH_MAX];

        if (*path == '/')
                return path;
        return getcwd(here, sizeof here) ? arena_printf(s->arena, "%s/%s", here[1] ? here : "", path) : NULL;
}

int set_path_from_here(const struct saying *s, struct err *e) {
        const char **at = (const char **) ((char *) s->spec + s->said->row->at);
        int r = set_path(s, e);

        if (r < 0)
                return r;
        *at = path_from_here(s, s->said->value);
        return *at && strlen(*at) < PATH_MAX ? r : bad_value(s, e, "the directory that it is relative to is gone");
}

const char *choice_meant(const struct statement *st) {
        char buf[NTH_BUF];
        const char *name;
        bool v;

        if (parse_bool(st->value, &v) < 0)
                return st->value;
        for (unsigned i = 0; (name = setting_nth(st->row, i, buf)); i++)
                if (v ? streq(name, "auto") : streq(name, "off"))
                        return v ? "auto" : "off";
        return v ? "auto" : "no";
}

int set_choice(const struct saying *s, struct err *e) {
        const struct setting *row = s->said->row;
        const char *name, *value = choice_meant(s->said);
        char buf[NTH_BUF];

        for (unsigned i = 0; (name = setting_nth(row, i, buf)); i++)
                if (streq(name, value)) {
                        *FIELD(s, int) = row->value + (int) i;
                        return SET_OK;
                }
        return bad_value(s, e, "no such mode");
}

int set_hostname(const struct saying *s, struct err *e) {
        if (!is_hostname(s->said->value))
                return bad_value(s, e, "not a valid name");
        return set_string(s, e);
}

int set_uuid(const struct saying *s, struct err *e) {
        static const uint8_t zero[16];
        uint8_t v[16];

        if (parse_uuid(s->said->value, v) < 0)
                return bad_value(s, e, "not a UUID");
        if (memcmp(v, zero, sizeof v) == 0)
                return bad_value(s, e, "the UUID is all zeros");
        memcpy(s->spec->id.uuid, v, sizeof v);
        s->spec->id.has_uuid = true;
        return SET_OK;
}
