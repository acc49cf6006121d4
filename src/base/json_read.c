/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/json_read.h"

#include <errno.h>
#include <string.h>

#include "base/binary.h"
#include "base/json.h"
#include "base/parse.h"
#include "base/str.h"

struct reader {
        const char *at, *end;
        struct arena *arena;
        unsigned depth;
};

static int read_value(struct reader *r, struct json_value *ret);

static void skip_blanks(struct reader *r) {
        while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
                r->at++;
}

static bool take(struct reader *r, char c) {
        skip_blanks(r);
        if (r->at >= r->end || *r->at != c)
                return false;
        r->at++;
        return true;
}

/* Four hexadecimal digits: -1 where they are not there. */
static int32_t read_hex(struct reader *r) {
        int32_t value = 0;

        if (r->end - r->at < 4)
                return -1;
        for (int i = 0; i < 4; i++) {
                int digit = binary_hex_digit(*r->at++);

                if (digit < 0)
                        return -1;
                value = value * 16 + digit;
        }
        return value;
}

static char *put_utf8(char *o, uint32_t c) {
        if (c < 0x80) {
                *o++ = (char) c;
                return o;
        }
        if (c >= 0x10000) {
                *o++ = (char) (0xf0 | c >> 18);
                *o++ = (char) (0x80 | (c >> 12 & 0x3f));
        } else if (c >= 0x800)
                *o++ = (char) (0xe0 | c >> 12);
        if (c >= 0x800)
                *o++ = (char) (0x80 | (c >> 6 & 0x3f));
        else
                *o++ = (char) (0xc0 | c >> 6);
        *o++ = (char) (0x80 | (c & 0x3f));
        return o;
}

/* Behind \u. A half of a surrogate pair without the other is no character, and NUL would cut the text off. */
static int read_unicode(struct reader *r, char **o) {
        int32_t c = read_hex(r), low;

        if (c <= 0 || (c >= 0xdc00 && c <= 0xdfff))
                return -EINVAL;
        if (c >= 0xd800 && c <= 0xdbff) {
                if (r->end - r->at < 6 || r->at[0] != '\\' || r->at[1] != 'u')
                        return -EINVAL;
                r->at += 2;
                low = read_hex(r);
                if (low < 0xdc00 || low > 0xdfff)
                        return -EINVAL;
                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        }
        *o = put_utf8(*o, (uint32_t) c);
        return 0;
}

static int read_escape(struct reader *r, char **o) {
        static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
        const char *found;

        if (r->at >= r->end)
                return -EINVAL;
        if (*r->at == 'u') {
                r->at++;
                return read_unicode(r, o);
        }
        found = *r->at ? strchr(from, *r->at) : NULL;
        if (!found)
                return -EINVAL;
        r->at++;
        *(*o)++ = to[found - from];
        return 0;
}

/* Where the string that begins at r->at ends: its closing quote, or NULL. */
static const char *string_end(const struct reader *r) {
        for (const char *p = r->at; p < r->end; p++)
                if (*p == '"')
                        return p;
                else if (*p == '\\')
                        p++;
        return NULL;
}

static int read_string(struct reader *r, const char **ret) {
        const char *end;
        char *text, *o;

        if (!take(r, '"'))
                return -EINVAL;
        end = string_end(r);
        if (!end)
                return -EINVAL;
        /* No escape is longer as text than as it is written. */
        text = o = arena_alloc(r->arena, (size_t) (end - r->at) + 1);
        while (r->at < end) {
                uint32_t c;
                size_t n;

                if (*r->at == '\\') {
                        r->at++;
                        if (read_escape(r, &o) < 0)
                                return -EINVAL;
                        continue;
                }
                n = str_utf8(r->at, &c);
                if (n == 0 || c < 0x20)
                        return -EINVAL;
                memcpy(o, r->at, n);
                o += n;
                r->at += n;
        }
        r->at++;
        *o = '\0';
        *ret = text;
        return 0;
}

static size_t digits(const char *s) {
        return strspn(s, "0123456789");
}

/* RFC 8259, 6: no zero in front, no sign but -, digits on both sides of the point. 0: not a number. */
static size_t number_length(const char *s) {
        const char *p = s + (*s == '-');
        size_t n = digits(p);

        if (n == 0 || (n > 1 && *p == '0'))
                return 0;
        p += n;
        if (*p == '.') {
                n = digits(p + 1);
                if (n == 0)
                        return 0;
                p += 1 + n;
        }
        if (*p == 'e' || *p == 'E') {
                p += 1 + (p[1] == '+' || p[1] == '-');
                n = digits(p);
                if (n == 0)
                        return 0;
                p += n;
        }
        return (size_t) (p - s);
}

static int read_word(struct reader *r, struct json_value *v) {
        static const struct {
                char word[6];
                enum json_kind kind;
        } words[] = { { "null", JSON_NULL }, { "false", JSON_FALSE }, { "true", JSON_TRUE } };
        size_t n;

        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
                if (str_after(r->at, words[i].word)) {
                        v->kind = words[i].kind;
                        r->at += strlen(words[i].word);
                        return 0;
                }
        n = number_length(r->at);
        if (n == 0)
                return -EINVAL;
        v->kind = JSON_NUMBER;
        v->text = arena_strndup(r->arena, r->at, n);
        r->at += n;
        return 0;
}

/* Behind the bracket. */
static int read_elements(struct reader *r, struct json_value *v) {
        char close = v->kind == JSON_OBJECT ? '}' : ']';
        struct json_value **last = &v->first;

        if (take(r, close))
                return 0;
        do {
                struct json_value *element = arena_new(r->arena, struct json_value);
                int k = v->kind == JSON_OBJECT ? read_string(r, &element->key) : 0;

                if (k == 0 && v->kind == JSON_OBJECT && !take(r, ':'))
                        k = -EINVAL;
                k = k < 0 ? k : read_value(r, element);
                if (k < 0)
                        return k;
                *last = element;
                last = &element->next;
        } while (take(r, ','));
        return take(r, close) ? 0 : -EINVAL;
}

static int read_value(struct reader *r, struct json_value *ret) {
        int k;

        skip_blanks(r);
        if (r->at < r->end && *r->at == '"') {
                ret->kind = JSON_STRING;
                return read_string(r, &ret->text);
        }
        if (r->at >= r->end || (*r->at != '{' && *r->at != '['))
                return read_word(r, ret);
        if (r->depth == JSON_DEPTH)
                return -E2BIG;
        r->depth++;
        ret->kind = *r->at++ == '{' ? JSON_OBJECT : JSON_ARRAY;
        k = read_elements(r, ret);
        r->depth--;
        return k;
}

int json_parse(struct arena *a, const char *text, size_t n, const struct json_value **ret) {
        /* A copy with a NUL behind it, so that nothing looks beyond the end; one inside is no JSON anyway. */
        char *copy = arena_strndup(a, text, n);
        struct reader r = { .at = copy, .end = copy + strlen(copy), .arena = a };
        struct json_value *v = arena_new(a, struct json_value);
        int k = strlen(copy) == n ? read_value(&r, v) : -EINVAL;

        if (k < 0)
                return k;
        skip_blanks(&r);
        if (r.at != r.end)
                return -EINVAL;
        *ret = v;
        return 0;
}

const struct json_value *json_member(const struct json_value *v, const char *key) {
        if (!v || v->kind != JSON_OBJECT)
                return NULL;
        for (v = v->first; v; v = v->next)
                if (streq(v->key, key))
                        return v;
        return NULL;
}

const char *json_member_string(const struct json_value *v, const char *key) {
        v = json_member(v, key);
        return v && v->kind == JSON_STRING ? v->text : NULL;
}

bool json_member_true(const struct json_value *v, const char *key) {
        v = json_member(v, key);
        return v && v->kind == JSON_TRUE;
}

int json_member_uint(const struct json_value *v, const char *key, uint64_t *ret) {
        v = json_member(v, key);
        return v && v->kind == JSON_NUMBER ? parse_u64(v->text, 0, UINT64_MAX, ret) : -EINVAL;
}
