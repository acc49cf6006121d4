/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Setters for what is passed to the payload: credentials, users of the host. */

#include "conf/setting.h"

#include <limits.h>
#include <string.h>

#include "base/binary.h"
#include "base/clean.h"
#include "base/parse.h"
#include "base/str.h"

/* n digits of a base; -1 where there are fewer. */
static long digits(const char *s, int n, int base) {
        long v = 0;

        for (; n > 0; n--, s++) {
                int d = binary_hex_digit(*s);

                if (d < 0 || d >= base)
                        return -1;
                v = v * base + d;
        }
        return v;
}

static char *put_utf8(char *to, unsigned long c) {
        if (c < 0x80)
                *to++ = (char) c;
        else if (c < 0x800)
                *to++ = (char) (0xc0 | c >> 6), *to++ = (char) (0x80 | (c & 0x3f));
        else if (c < 0x10000)
                *to++ = (char) (0xe0 | c >> 12), *to++ = (char) (0x80 | (c >> 6 & 0x3f)),
                *to++ = (char) (0x80 | (c & 0x3f));
        else
                *to++ = (char) (0xf0 | c >> 18), *to++ = (char) (0x80 | (c >> 12 & 0x3f)),
                *to++ = (char) (0x80 | (c >> 6 & 0x3f)), *to++ = (char) (0x80 | (c & 0x3f));
        return to;
}

/* What is behind a backslash. Returns its length, 0 where there is no such escape. */
static int unescape_one(const char *s, char **to) {
        static const char from[] = "abfnrtvs\\\"'", into[] = "\a\b\f\n\r\t\v \\\"'";
        const char *simple = *s ? strchr(from, *s) : NULL;
        int n = *s == 'x' ? 2 : *s == 'u' ? 4 : *s == 'U' ? 8 : 3;
        long v = *s >= '0' && *s <= '3'                ? digits(s, 3, 8)
                 : *s == 'x' || *s == 'u' || *s == 'U' ? digits(s + 1, n, 16)
                                                       : -1;

        if (simple) {
                *(*to)++ = into[simple - from];
                return 1;
        }
        if (v < 0 || v > 0x10ffff || (n > 3 && v >= 0xd800 && v < 0xe000))
                return 0;
        if (n > 3)
                *to = put_utf8(*to, (unsigned long) v);
        else
                *(*to)++ = (char) v;
        return n == 3 ? 3 : n + 1;
}

/* As in C; bytes of value 0 are no end. */
static int unescape(struct arena *a, const char *s, struct credential *ret) {
        char *data = arena_alloc(a, strlen(s) + 1), *to = data;

        while (*s) {
                int n = 1;

                if (*s == '\\') {
                        n = unescape_one(++s, &to);
                        if (n == 0)
                                return -1;
                } else
                        *to++ = *s;
                s += n;
        }
        ret->data = data;
        ret->size = (size_t) (to - data);
        return 0;
}

/* n characters that are a file name. */
static bool is_id(const char *v, size_t n) {
        if (n == 0 || n > NAME_MAX || *v == '.')
                return false;
        for (size_t i = 0; i < n; i++)
                if (v[i] <= ' ' || v[i] > '~' || v[i] == '/' || v[i] == ':')
                        return false;
        return true;
}

/* ID:... */
static int split_id(const struct saying *s, struct credential *ret, struct err *e) {
        const char *v = s->said->value;
        size_t n = strcspn(v, ":");

        if (!v[n])
                return bad_value(s, e, "not ID:VALUE");
        if (!is_id(v, n))
                return bad_value(s, e, "not a valid ID");
        *ret = (struct credential){ .id = arena_strndup(s->arena, v, n), .written = v + n + 1 };
        for (size_t i = 0; i < s->spec->credentials.n; i++)
                if (streq(s->spec->credentials.items[i].id, ret->id))
                        return bad_value(s, e, "a second credential of the name %s", ret->id);
        return 0;
}

int set_credential(const struct saying *s, struct err *e) {
        struct credential c;
        int r = split_id(s, &c, e);

        if (r < 0)
                return r;
        if (unescape(s->arena, c.written, &c) < 0)
                return bad_value(s, e, "a backslash with nothing that it could mean");
        if (c.size > CREDENTIAL_MAX)
                return bad_value(s, e, "the credential is too long");
        *arena_push(s->arena, &s->spec->credentials) = c;
        return SET_OK;
}

int set_credential_source(const struct saying *s, struct err *e) {
        struct credential c;
        int r = split_id(s, &c, e);

        if (r < 0)
                return r;
        c.source = TAKE_PTR(c.written);
        if (!*c.source || strlen(c.source) >= PATH_MAX)
                return bad_value(s, e, "no path");
        if (!strchr(c.source, '/') && !is_id(c.source, strlen(c.source)))
                return bad_value(s, e, "no path, and not a valid ID");
        if (strchr(c.source, '/'))
                c.source = path_from_here(s, c.source);
        if (!c.source)
                return bad_value(s, e, "the directory that it is relative to is gone");
        *arena_push(s->arena, &s->spec->credentials) = c;
        return SET_OK;
}

int set_bind_user(const struct saying *s, struct err *e) {
        struct strv *list = (struct strv *) ((char *) s->spec + s->said->row->at);

        if (!is_user_name(s->said->value))
                return bad_value(s, e, "not a valid name");
        if (!strv_has(list, s->said->value))
                strv_add(s->arena, list, s->said->value);
        return SET_OK;
}

/* What programs that keep users in lines of text can keep, too. */
static bool is_shell(const char *v) {
        uint32_t c;

        if (!is_plain_absolute(v) || !v[1])
                return false;
        for (size_t n; *v; v += n) {
                n = str_utf8(v, &c);
                if (n == 0 || c < ' ' || c == 0x7f || c == ':')
                        return false;
        }
        return true;
}

int set_bind_user_shell(const struct saying *s, struct err *e) {
        struct spec_bind_users *b = &s->spec->bind_users;
        bool own;

        b->shell = NULL;
        if (parse_bool(s->said->value, &own) == 0)
                b->own_shell = own;
        else if (is_shell(s->said->value))
                b->shell = s->said->value;
        else
                return bad_value(s, e, "no boolean, and not the path of a shell");
        return SET_OK;
}
