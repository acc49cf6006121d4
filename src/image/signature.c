/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/signature.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/binary.h"

enum { DEPTH = 16, HASH_MIN = 16 };

struct reader {
        const char *at, *end;
};

/* Characters between two places of the text. */
struct span {
        const char *at;
        size_t n;
};

static bool is_blank(char c) {
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static char next(struct reader *r) {
        while (r->at < r->end && is_blank(*r->at))
                r->at++;
        return r->at < r->end ? *r->at : '\0';
}

static bool take(struct reader *r, char c) {
        if (next(r) != c)
                return false;
        r->at++;
        return true;
}

/* What is between the quotes, as written: nothing that is looked for has to be escaped. */
static bool take_string(struct reader *r, struct span *ret) {
        if (!take(r, '"'))
                return false;
        ret->at = r->at;
        for (; r->at < r->end && *r->at != '"'; r->at++)
                if ((unsigned char) *r->at < ' ' || (*r->at == '\\' && ++r->at == r->end))
                        return false;
        ret->n = (size_t) (r->at - ret->at);
        return r->at++ < r->end;
}

/* A value of a member that nobody asks for: nested ones are counted, not checked. */
static bool skip(struct reader *r) {
        struct span s;
        int depth = 0;

        do {
                char c = next(r);

                if (c == '"') {
                        if (!take_string(r, &s))
                                return false;
                        continue;
                }
                if (c == '\0' || (depth == 0 && strchr(",:]}", c)))
                        return false;
                depth += (c == '{' || c == '[') - (c == '}' || c == ']');
                r->at++;
                /* A word or a number. */
                while (depth == 0 && r->at < r->end && !strchr(",]}", *r->at) && !is_blank(*r->at))
                        r->at++;
                if (depth > DEPTH)
                        return false;
        } while (depth > 0);
        return true;
}

static bool is_named(const struct span *s, const char *name) {
        return s->n == strlen(name) && memcmp(s->at, name, s->n) == 0;
}

static int bad(struct signature *ret, const char *what) {
        snprintf(ret->why, sizeof ret->why, "%s", what);
        return -EINVAL;
}

static int take_member(const struct span *name, const struct span *value, struct signature *ret) {
        uint8_t digest[32];
        ssize_t n;

        if (is_named(name, "rootHash")) {
                n = binary_from_hex(value->at, value->n, ret->hash.bytes, sizeof ret->hash.bytes);
                if (n < HASH_MIN || ret->hash.size)
                        return bad(ret, "its root hash is none");
                ret->hash.size = (unsigned) n;
        } else if (is_named(name, "certificateFingerprint")) {
                if (binary_from_hex(value->at, value->n, digest, sizeof digest) != sizeof digest)
                        return bad(ret, "the fingerprint of its certificate is none");
                binary_to_hex(digest, sizeof digest, ret->fingerprint);
        } else if (is_named(name, "signature")) {
                n = binary_from_base64(value->at, value->n, ret->bytes, sizeof ret->bytes);
                if (n <= 0 || ret->size)
                        return bad(ret, n == -ERANGE ? "it is too long" : "it is not in base64");
                ret->size = (unsigned) n;
        }
        return 0;
}

static bool is_wanted(const struct span *name) {
        return is_named(name, "rootHash") || is_named(name, "certificateFingerprint") || is_named(name, "signature");
}

static int parse_object(struct reader *r, struct signature *ret) {
        struct span name, value;

        if (!take(r, '{'))
                return bad(ret, "it is no JSON object");
        if (take(r, '}'))
                return 0;
        do {
                if (!take_string(r, &name) || !take(r, ':'))
                        return bad(ret, "it is not well-formed JSON");
                if (!is_wanted(&name)) {
                        if (!skip(r))
                                return bad(ret, "it is not well-formed JSON");
                        continue;
                }
                if (!take_string(r, &value))
                        return bad(ret, "what it says is no string");
                if (take_member(&name, &value, ret) < 0)
                        return -EINVAL;
        } while (take(r, ','));
        return take(r, '}') ? 0 : bad(ret, "it is not well-formed JSON");
}

int signature_parse(const char *text, size_t n, struct signature *ret) {
        struct reader r = { .at = text };

        memset(ret, 0, sizeof *ret);
        while (n > 0 && text[n - 1] == '\0')
                n--;
        r.end = text + n;
        if (n == 0)
                return bad(ret, "it is empty");
        if (memchr(text, '\0', n))
                return bad(ret, "there is something behind it");
        if (parse_object(&r, ret) < 0)
                return -EINVAL;
        if (next(&r) != '\0')
                return bad(ret, "there is something behind it");
        if (!ret->hash.size || !ret->size)
                return bad(ret, "it has no root hash, or no signature");
        return 0;
}

int root_hash_parse(const char *text, size_t n, struct root_hash *ret) {
        struct root_hash h = { 0 };
        ssize_t k;

        while (n > 0 && (is_blank(text[n - 1]) || text[n - 1] == '\0'))
                n--;
        for (; n > 0 && is_blank(*text); n--)
                text++;
        k = binary_from_hex(text, n, h.bytes, sizeof h.bytes);
        if (k < HASH_MIN)
                return -EINVAL;
        h.size = (unsigned) k;
        *ret = h;
        return 0;
}
