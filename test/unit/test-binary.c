/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/binary.h"
#include "base/clean.h"
#include "base/str.h"
#include "unit/tap.h"

static bool is_hex(const char *s, const char *bytes, size_t n) {
        uint8_t buf[8];

        return binary_from_hex(s, strlen(s), buf, sizeof buf) == (ssize_t) n && memcmp(buf, bytes, n) == 0;
}

static bool is_base64(const char *s, const char *bytes) {
        uint8_t buf[8];

        return binary_from_base64(s, strlen(s), buf, sizeof buf) == (ssize_t) strlen(bytes) &&
               memcmp(buf, bytes, strlen(bytes)) == 0;
}

static void test_hex(struct tap *t) {
        static const char *const bad[] = { "0", "0g", "g0", " 00", "00 ", "0x00", "000" };
        uint8_t buf[2];
        char text[9];

        OK(t, is_hex("", "", 0), "nothing is no byte");
        OK(t, is_hex("00ff", "\0\377", 2), "two bytes");
        OK(t, is_hex("AbCdEf", "\xab\xcd\xef", 3), "in any case");
        OK(t, is_hex("0123456789abcdef", "\x01\x23\x45\x67\x89\xab\xcd\xef", 8),
           "all digits, as much as there is room");
        OK(t, binary_from_hex("000000", 6, buf, 2) == -ERANGE, "too long");
        for (size_t i = 0; i < ELEMENTS(bad); i++)
                OK(t, binary_from_hex(bad[i], strlen(bad[i]), buf, 2) == -EINVAL, "\"%s\" is none", bad[i]);
        OK(t, streq(binary_to_hex((const uint8_t *) "\x00\x9a\xbc\xff", 4, text), "009abcff"), "and back");
}

static void test_base64(struct tap *t) {
        static const char *const bad[] = { "",     "Z",         "Zg",   "Zg=",      "Zg===",    "=",   "====",
                                           "Z===", "Zm9v Zm9v", "Zm9-", "Zm9=Zm9v", "Zg==Zg==", " g==" };
        uint8_t buf[8];

        /* RFC 4648, 10. */
        OK(t, is_base64("Zg==", "f"), "f");
        OK(t, is_base64("Zm8=", "fo"), "fo");
        OK(t, is_base64("Zm9v", "foo"), "foo");
        OK(t, is_base64("Zm9vYg==", "foob"), "foob");
        OK(t, is_base64("Zm9vYmE=", "fooba"), "fooba");
        OK(t, is_base64("Zm9vYmFy", "foobar"), "foobar");
        OK(t, is_base64("+/+/", "\xfb\xff\xbf"), "all digits");
        for (size_t i = 0; i < ELEMENTS(bad); i++)
                OK(t, binary_from_base64(bad[i], strlen(bad[i]), buf, sizeof buf) == -EINVAL, "\"%s\" is none",
                   bad[i]);
        OK(t, binary_from_base64("Zm9vYmFyZm9v", 12, buf, sizeof buf) == -ERANGE, "too long");
        OK(t, binary_from_base64("Zm9vYmFyZm8=", 12, buf, sizeof buf) == 8, "and just not");
}

int main(void) {
        struct tap t = { 0 };

        test_hex(&t);
        test_base64(&t);
        return tap_done(&t);
}
