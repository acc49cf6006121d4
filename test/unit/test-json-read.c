/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* base/json_read.c: what is JSON and what is not, and what comes out. */

#include "base/json_read.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clean.h"
#include "base/json.h"
#include "unit/tap.h"

static int parse(struct arena *a, const char *text, const struct json_value **ret) {
        *ret = NULL;
        return json_parse(a, text, strlen(text), ret);
}

static void test_valid(struct tap *t) {
        static const struct {
                const char *text;
                enum json_kind kind;
                const char *value;
        } cases[] = {
                { "null", JSON_NULL, NULL },
                { " true\n", JSON_TRUE, NULL },
                { "false", JSON_FALSE, NULL },
                { "0", JSON_NUMBER, "0" },
                { "-0.5e+10", JSON_NUMBER, "-0.5e+10" },
                { "18446744073709551615", JSON_NUMBER, "18446744073709551615" },
                { "\"\"", JSON_STRING, "" },
                { "\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", JSON_STRING, "a\"\\/\b\f\n\r\t" },
                { "\"\\u0041\\u00e4\\u20ac\\ud83d\\ude00\"", JSON_STRING, "A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
                { "\"\xc3\xa4\"", JSON_STRING, "\xc3\xa4" },
                { "[]", JSON_ARRAY, NULL },
                { "{ }", JSON_OBJECT, NULL },
                { "[[], {}, [1 , 2]]", JSON_ARRAY, NULL },
        };
        struct arena a = { 0 };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                const struct json_value *v;

                OK_INT(t, parse(&a, cases[i].text, &v), 0, "%s", cases[i].text);
                OK(t, v && v->kind == cases[i].kind, "its kind");
                OK_STR(t, v ? v->text : "none", cases[i].value, "its text");
        }
        arena_done(&a);
}

static void test_invalid(struct tap *t) {
        static const char *const cases[] = {
                "",
                " ",
                "nul",
                "nulll",
                "truefalse",
                "01",
                "-",
                "1.",
                ".5",
                "1e",
                "+1",
                "0x10",
                "\"",
                "\"a",
                "\"\\\"",
                "\"\\x\"",
                "\"\n\"",
                "\"\x01\"",
                "\"\xff\"",
                "\"\xc3\"",
                "\"\\u12\"",
                "\"\\u12g4\"",
                "\"\\ud800\"",
                "\"\\ud800\\u0041\"",
                "\"\\udc00\"",
                "\"\\u0000\"",
                "[",
                "[1",
                "[1,]",
                "[,1]",
                "[1 2]",
                "{",
                "{\"a\"}",
                "{\"a\":}",
                "{\"a\":1,}",
                "{a:1}",
                "{1:1}",
                "{\"a\" 1}",
                "[}",
                "{]",
                "1 1",
                "[] x",
                "'a'",
                "\"\\",
        };
        struct arena a = { 0 };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                const struct json_value *v;

                OK_INT(t, parse(&a, cases[i], &v), -EINVAL, "not JSON: case %zu", i);
                OK(t, !v, "nothing comes of it");
        }
        OK_INT(t, json_parse(&a, "1\0001", 3, &(const struct json_value *){ NULL }), -EINVAL, "a NUL inside");
        OK_INT(t, json_parse(&a, "12", 1, &(const struct json_value *){ NULL }), 0, "the length counts");
        arena_done(&a);
}

static void test_depth(struct tap *t) {
        char text[2 * 4096 + 1] = { 0 };
        const struct json_value *v;
        struct arena a = { 0 };

        memset(text, '[', JSON_DEPTH);
        memset(text + JSON_DEPTH, ']', JSON_DEPTH);
        OK_INT(t, parse(&a, text, &v), 0, "as deep as may be");
        memset(text, '[', 4096);
        memset(text + 4096, ']', 4096);
        OK_INT(t, parse(&a, text, &v), -E2BIG, "deeper");
        arena_done(&a);
}

static void test_members(struct tap *t) {
        const struct json_value *v, *list;
        struct arena a = { 0 };
        uint64_t n = 7;

        OK_INT(t,
               parse(&a,
                     "{\"s\":\"x\",\"n\":18446744073709551615,\"neg\":-1,\"big\":18446744073709551616,\"f\":1.5,"
                     "\"yes\":true,\"no\":false,\"l\":[1,\"two\",{}],\"s\":\"second\"}",
                     &v),
               0, "an object");
        OK_STR(t, json_member_string(v, "s"), "x", "a string: the first of that key");
        OK_STR(t, json_member_string(v, "n"), NULL, "a number is none");
        OK_STR(t, json_member_string(v, "none"), NULL, "nor is what is not there");
        OK(t, json_member_true(v, "yes") && !json_member_true(v, "no") && !json_member_true(v, "s"), "true");
        OK(t,
           json_member_uint(v, "neg", &n) == -EINVAL && json_member_uint(v, "f", &n) == -EINVAL &&
                   json_member_uint(v, "big", &n) < 0 && json_member_uint(v, "s", &n) == -EINVAL && n == 7,
           "what is no such number");
        OK(t, json_member_uint(v, "n", &n) == 0 && n == UINT64_MAX, "the largest one");
        list = json_member(v, "l");
        OK(t, list && list->first && list->first->next && list->first->next->next && !list->first->next->next->next,
           "three elements");
        OK(t, !json_member(list, "l") && !json_member(NULL, "l"), "members are an object's");
        arena_done(&a);
}

/* What our writer writes is what our reader reads. */
static void test_round(struct tap *t) {
        static const char odd[] = "q\"b\\n\nu\x01\xc3\xa4\xf0\x9f\x98\x80";
        CLEAN_FREE char *text = NULL;
        size_t size = 0;
        CLEAN_FILE FILE *f = open_memstream(&text, &size);
        struct json j = { .f = f };
        const struct json_value *v;
        struct arena a = { 0 };

        json_open(&j, NULL, '{');
        json_string(&j, odd, odd);
        json_int(&j, "i", -5);
        json_close(&j);
        fflush(f);
        OK_INT(t, json_parse(&a, text, size, &v), 0, "read again");
        OK_STR(t, json_member_string(v, odd), odd, "the same");
        arena_done(&a);
}

int main(void) {
        struct tap t = { 0 };

        test_valid(&t);
        test_invalid(&t);
        test_depth(&t);
        test_members(&t);
        test_round(&t);
        return tap_done(&t);
}
