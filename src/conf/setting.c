/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looking up rows of the table. */

#include "conf/setting.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"

const struct setting *setting_by_name(const char *name) {
        for (size_t i = 0; i < n_settings; i++)
                if (*name && streq(settings[i].name, name))
                        return &settings[i];
        return NULL;
}

const struct setting *setting_by_letter(char letter) {
        for (size_t i = 0; letter && i < n_settings; i++)
                if (settings[i].letter == letter)
                        return &settings[i];
        return NULL;
}

/* "Limit*" stands for "LimitCPU" and so on; the names behind are the setter's. */
static bool key_is(const struct setting *s, const char *section, const char *key, const char **ret_rest) {
        size_t n;
        int resource;

        if (!*s->key || !streq(s->section, section))
                return false;
        n = strlen(s->key);
        *ret_rest = NULL;
        if (s->key[n - 1] != '*')
                return streq(s->key, key);
        *ret_rest = key + n - 1;
        return strncmp(s->key, key, n - 1) == 0 && parse_rlimit_name(key, strlen(key), &resource) == 0;
}

const struct setting *setting_by_key(const char *section, const char *key, const char **ret_rest) {
        for (size_t i = 0; i < n_settings; i++)
                if (key_is(&settings[i], section, key, ret_rest))
                        return &settings[i];
        return key_is(&setting_parameters, section, key, ret_rest) ? &setting_parameters : NULL;
}

bool setting_has_section(const char *section) {
        return streq(section, "Exec") || streq(section, "Files") || streq(section, "Network");
}

const char *setting_spelling(const struct setting *row, char buf[64]) {
        if (*row->name)
                snprintf(buf, 64, "--%s", row->name);
        else
                snprintf(buf, 64, "-%c", row->letter);
        return buf;
}

int setting_apply(const struct saying *s, struct err *e) {
#define SETTER_CASE(name, function)                                                                                   \
        case SETTER_##name: return function(s, e);
        switch (s->said->row->set) {
                SETTERS(SETTER_CASE)
        case SETTER_NONE: break;
        }
        return SET_NOTHING;
}

const char *setting_nth(const struct setting *row, unsigned i, char buf[NTH_BUF]) {
#define LIST_CASE(name, function)                                                                                     \
        case NTH_##name: return function(i, buf);
        switch (row->nth) {
                LISTS(LIST_CASE)
        case NTH_NONE: break;
        }
        return NULL;
}
