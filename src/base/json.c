/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/json.h"

#include <assert.h>
#include <inttypes.h>

#include "base/str.h"

static void put_run(FILE *f, const char *from, const char *to) {
        if (to > from)
                fwrite(from, 1, (size_t) (to - from), f);
}

static void put_text(FILE *f, const char *s) {
        const char *plain = s; /* what is written as it is, up to s, at once */

        fputc('"', f);
        while (*s) {
                uint32_t c;
                size_t n = str_utf8(s, &c);
                bool control = c < 0x20 || (c >= 0x7f && c < 0xa0), quoted = c == '"' || c == '\\';

                if (n > 0 && !control && !quoted) {
                        s += n;
                        continue;
                }
                put_run(f, plain, s);
                if (n == 0)
                        fputs("\xef\xbf\xbd", f);
                else if (quoted)
                        fprintf(f, "\\%c", (int) c);
                else
                        fprintf(f, "\\u%04x", (unsigned) c);
                s += n > 0 ? n : 1;
                plain = s;
        }
        put_run(f, plain, s);
        fputc('"', f);
}

static void new_line(struct json *j) {
        fputc('\n', j->f);
        for (unsigned i = 0; i < j->depth; i++)
                fputs("  ", j->f);
}

/* What comes before any value. */
static void begin(struct json *j, const char *key) {
        if (j->depth > 0) {
                bool *filled = &j->filled[j->depth - 1];

                if (*filled)
                        fputc(',', j->f);
                *filled = true;
                new_line(j);
        }
        if (key) {
                put_text(j->f, key);
                fputs(": ", j->f);
        }
}

static void end(struct json *j) {
        if (j->depth == 0)
                fputc('\n', j->f);
}

void json_open(struct json *j, const char *key, char bracket) {
        assert(j->depth < JSON_DEPTH);
        begin(j, key);
        fputc(bracket, j->f);
        j->closers[j->depth] = bracket == '{' ? '}' : ']';
        j->filled[j->depth++] = false;
}

void json_close(struct json *j) {
        bool filled;

        assert(j->depth > 0);
        filled = j->filled[--j->depth];
        if (filled)
                new_line(j);
        fputc(j->closers[j->depth], j->f);
        end(j);
}

void json_string(struct json *j, const char *key, const char *value) {
        begin(j, key);
        if (value)
                put_text(j->f, value);
        else
                fputs("null", j->f);
        end(j);
}

void json_bool(struct json *j, const char *key, bool value) {
        begin(j, key);
        fputs(value ? "true" : "false", j->f);
        end(j);
}

void json_int(struct json *j, const char *key, int64_t value) {
        begin(j, key);
        fprintf(j->f, "%" PRId64, value);
        end(j);
}

void json_uint(struct json *j, const char *key, uint64_t value) {
        begin(j, key);
        fprintf(j->f, "%" PRIu64, value);
        end(j);
}

void json_null(struct json *j, const char *key) {
        json_string(j, key, NULL);
}
