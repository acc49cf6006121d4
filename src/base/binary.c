/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/binary.h"

#include <errno.h>
#include <string.h>

int binary_hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

ssize_t binary_from_hex(const char *s, size_t n, uint8_t *ret, size_t size) {
        if (n % 2)
                return -EINVAL;
        for (size_t i = 0; i < n; i++)
                if (binary_hex_digit(s[i]) < 0)
                        return -EINVAL;
        if (n / 2 > size)
                return -ERANGE;
        for (size_t i = 0; i < n / 2; i++)
                ret[i] = (uint8_t) (binary_hex_digit(s[2 * i]) << 4 | binary_hex_digit(s[2 * i + 1]));
        return (ssize_t) (n / 2);
}

static int base64_digit(char c) {
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const char *at = c ? strchr(digits, c) : NULL;

        return at ? (int) (at - digits) : -1;
}

ssize_t binary_from_base64(const char *s, size_t n, uint8_t *ret, size_t size) {
        size_t pad = n > 0 && s[n - 1] == '=' ? (n > 1 && s[n - 2] == '=' ? 2 : 1) : 0, bytes = n / 4 * 3 - pad;
        uint32_t bits = 0;
        size_t done = 0;

        if (n == 0 || n % 4)
                return -EINVAL;
        for (size_t i = 0; i < n - pad; i++)
                if (base64_digit(s[i]) < 0)
                        return -EINVAL;
        if (bytes > size)
                return -ERANGE;
        for (size_t i = 0; i < n; i++) {
                bits = bits << 6 | (i < n - pad ? (uint32_t) base64_digit(s[i]) : 0);
                for (int k = 2; i % 4 == 3 && k >= 0 && done < bytes; k--)
                        ret[done++] = (uint8_t) (bits >> 8 * k);
        }
        return (ssize_t) bytes;
}

char *binary_to_hex(const uint8_t *p, size_t n, char *ret) {
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < n; i++) {
                ret[2 * i] = digits[p[i] >> 4];
                ret[2 * i + 1] = digits[p[i] & 15];
        }
        ret[2 * n] = '\0';
        return ret;
}
