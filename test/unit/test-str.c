/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* base/str.c: what a terminal must never see, and what is UTF-8. */

#include "base/str.h"

#include "base/clean.h"
#include "unit/tap.h"

static void test_parts(struct tap *t) {
        char one[] = "PATHS=no", two[] = "PATH=", three[] = "PATH=later", four[] = "LAST";
        char *env[] = { one, two, three, four, NULL };
        static const uint8_t id[16] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                        0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10 };
        char text[STR_UUID];

        OK_STR(t, str_after("name=value", "name="), "value", "what is behind a prefix");
        OK_STR(t, str_after("name", "name"), "", "nothing is behind it");
        OK_STR(t, str_after("nam", "name"), NULL, "shorter than the prefix");
        OK_STR(t, str_after("x", ""), "x", "an empty prefix");
        OK_STR(t, str_env(env, "PATH"), "", "the first of two variables, which is empty");
        OK_STR(t, str_env(env, "LAST"), NULL, "no value at all");
        OK_STR(t, str_env(env, "PAT"), NULL, "part of a name");
        OK_STR(t, str_env(NULL, "PATH"), NULL, "no environment");
        OK_STR(t, str_uuid(id, text), "01234567-89ab-cdef-fedc-ba9876543210", "a UUID");
}

static void test_escape(struct tap *t) {
        static const struct {
                const char *in, *out, *what;
        } cases[] = {
                { "", "", "nothing" },
                { "plain text, ~ too", "plain text, ~ too", "ASCII" },
                { "back\\slash", "back\\slash", "a backslash stays" },
                { "a\nb\tc\rd", "a\\x0ab\\x09c\\x0dd", "control characters" },
                { "\x1b[31mred\x07", "\\x1b[31mred\\x07", "an escape sequence" },
                { "\x7f", "\\x7f", "DEL" },
                { "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb3", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb3",
                  "UTF-8 of 2, 3 and 4 bytes" },
                { "\xc2\23331m", "\\xc2\\x9b31m", "C1: CSI" },
                { "\xc2\x80\xc2\x9f", "\\xc2\\x80\\xc2\\x9f", "C1: first and last" },
                { "\xc2\xa0", "\xc2\xa0", "behind C1: a no-break space" },
                { "\23331m", "\\x9b31m", "CSI as a single byte" },
                { "\xc3", "\\xc3", "cut off at the end" },
                { "\xe2\x82", "\\xe2\\x82", "cut off at the end, three bytes" },
                { "\303a", "\\xc3a", "cut off in the middle" },
                { "\xc0\xaf", "\\xc0\\xaf", "overlong slash" },
                { "\xe0\x80\xaf", "\\xe0\\x80\\xaf", "overlong slash of three bytes" },
                { "\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf", "overlong slash of four bytes" },
                { "\xc1\xbf", "\\xc1\\xbf", "overlong DEL" },
                { "\xed\xa0\x80", "\\xed\\xa0\\x80", "surrogate" },
                { "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "above the last character" },
                { "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf", "the last character" },
                { "\xfe\xff\x80", "\\xfe\\xff\\x80", "bytes that are never UTF-8" },
        };
        char buf[128];

        for (size_t i = 0; i < ELEMENTS(cases); i++)
                OK_STR(t, str_escape(cases[i].in, buf, sizeof buf), cases[i].out, "%s", cases[i].what);
}

/* Never behind the end, always terminated, and no half of anything. */
static void test_sizes(struct tap *t) {
        static const char in[] = "a\n\xe2\x82\254b";
        static const char *const out[] = {
                "", "", "a", "a", "a", "a", "a\\x0a", "a\\x0a", "a\\x0a", "a\\x0a\xe2\x82\254", "a\\x0a\xe2\x82\254b",
        };
        char buf[32];

        for (size_t size = 1; size < ELEMENTS(out); size++) {
                memset(buf, 'X', sizeof buf);
                OK_STR(t, str_escape(in, buf, size), out[size], "in %zu bytes", size);
                OK(t, buf[size] == 'X', "and not one more");
        }
        memset(buf, 'X', sizeof buf);
        str_escape(in, buf, 0);
        OK(t, buf[0] == 'X', "no room at all: nothing is written");
}

static void test_utf8(struct tap *t) {
        uint32_t c = 1;
        bool good = true;

        OK(t, str_utf8("", &c) == 1 && c == 0, "NUL is a character");
        for (uint32_t want = 1; want <= 0x10ffff; want++) {
                bool surrogate = want >= 0xd800 && want < 0xe000;
                char s[5] = "";
                size_t n = want < 0x80 ? 1 : want < 0x800 ? 2 : want < 0x10000 ? 3 : 4;

                for (size_t i = n - 1, rest = want; i > 0; i--, rest >>= 6)
                        s[i] = (char) (0x80 | (rest & 0x3f));
                s[0] = (char) (n == 1 ? want : (0xf00u >> n & 0xff) | want >> (6 * (n - 1)));
                good = good && (surrogate ? str_utf8(s, &c) == 0 : str_utf8(s, &c) == n && c == want);
        }
        OK(t, good, "each character there is, and no surrogate");
        for (int b = 0x80; b < 0x100; b++)
                good = good && str_utf8((char[]){ (char) b, 0 }, &c) == 0;
        OK(t, good, "no lone byte above ASCII");
}

static void test_small(struct tap *t) {
        OK(t, streq("a", "a") && !streq("a", "b") && !streq("a", "aa"), "equal or not");
        OK_STR(t, str_after("prefix-rest", "prefix-"), "rest", "the rest behind a prefix");
        OK_STR(t, str_after("x", ""), "x", "an empty prefix");
        OK(t, !str_after("pre", "prefix"), "shorter than the prefix");
        OK(t, str_is_below("usr/lib", "usr") && str_is_below("usr", "usr") && str_is_below("/dev/x", "/dev"),
           "a path below another, or the same");
        OK(t, !str_is_below("usrlocal", "usr") && !str_is_below("us", "usr") && !str_is_below("", "usr"),
           "the same letters are not enough");
        OK_STR(t, str_or(NULL, "b"), "b", "or the other");
        OK_STR(t, str_or("a", "b"), "a", "or not");
}

static void test_join(struct tap *t) {
        char buf[8], number[STR_NUMBER];

        OK_INT(t, str_join(buf, sizeof buf, "ab", "", "cd", NULL), 4, "length of all");
        OK_STR(t, buf, "abcd", "one behind the other");
        OK_INT(t, str_join(buf, sizeof buf, "abcd", "efgh", "i", NULL), 9, "length of what does not fit");
        OK_STR(t, buf, "abcdefg", "cut off, with a NUL");
        strcpy(buf, "abcdef");
        OK_INT(t, str_put(buf, sizeof buf, 2, "xyz", 2), 4, "a part of a text");
        OK_STR(t, buf, "abxy", "at its place");
        OK_INT(t, str_put(buf, sizeof buf, 7, "z", 1), 8, "at the end");
        buf[2] = '\0';
        OK_INT(t, str_put(buf, sizeof buf, 9, "z", 1), 10, "behind the end");
        OK_STR(t, buf, "ab", "untouched");
        OK_STR(t, str_number(0, number), "0", "zero");
        OK_STR(t, str_number(4294967295u, number), "4294967295", "32 bits");
        OK_STR(t, str_number(UINT64_MAX, number), "18446744073709551615", "64 bits");
}

int main(void) {
        struct tap t = { 0 };

        test_parts(&t);
        test_escape(&t);
        test_sizes(&t);
        test_utf8(&t);
        test_small(&t);
        test_join(&t);
        return tap_done(&t);
}
