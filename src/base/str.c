/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/str.h"

#include <stdarg.h>

const char *str_env(char *const *env, const char *name) {
        for (; env && *env; env++) {
                const char *rest = str_after(*env, name);

                if (rest && *rest == '=')
                        return rest + 1;
        }
        return NULL;
}

size_t str_put(char *buf, size_t size, size_t at, const char *s, size_t n) {
        size_t room = at < size ? size - at - 1 : 0;

        if (at < size) {
                memcpy(buf + at, s, n < room ? n : room);
                buf[at + (n < room ? n : room)] = '\0';
        }
        return at + n;
}

size_t str_join(char *buf, size_t size, ...) {
        size_t at = 0;
        va_list ap;

        va_start(ap, size);
        for (const char *s; (s = va_arg(ap, const char *));)
                at = str_put(buf, size, at, s, strlen(s));
        va_end(ap);
        return at;
}

char *str_number(uint64_t n, char buf[STR_NUMBER]) {
        char *at = buf + STR_NUMBER - 1;

        *at = '\0';
        do
                *--at = (char) ('0' + n % 10);
        while (n /= 10);
        return at;
}

char *str_uuid(const uint8_t id[16], char buf[STR_UUID]) {
        static const char digits[] = "0123456789abcdef";
        char *o = buf;

        for (int i = 0; i < 16; i++) {
                if (i == 4 || i == 6 || i == 8 || i == 10)
                        *o++ = '-';
                *o++ = digits[id[i] >> 4];
                *o++ = digits[id[i] & 0xf];
        }
        *o = '\0';
        return buf;
}

size_t str_utf8(const char *s, uint32_t *ret) {
        static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
        const unsigned char *p = (const unsigned char *) s;
        uint32_t c = p[0];
        size_t n = c < 0x80                ? 1
                   : c >= 0xf0 && c < 0xf5 ? 4
                   : c >= 0xe0 && c < 0xf0 ? 3
                   : c >= 0xc2 && c < 0xe0 ? 2
                                           : 0;

        if (n > 1)
                c &= 0xffu >> (n + 1);
        for (size_t i = 1; i < n; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (p[i] & 0x3f);
        }
        if (n > 1 && (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)))
                return 0;
        *ret = c;
        return n;
}

/* Length of the printable UTF-8 sequence at s, or 0. C1 controls (U+0080..U+009F) count as not printable: terminals
 * obey them. */
static size_t printable(const char *s) {
        uint32_t c = 0;
        size_t n = str_utf8(s, &c);

        return c < 0x20 || (c >= 0x7f && c < 0xa0) ? 0 : n;
}

char *str_escape(const char *s, char *buf, size_t size) {
        static const char hex[] = "0123456789abcdef";
        const unsigned char *p = (const unsigned char *) s;
        size_t o = 0;

        if (size == 0)
                return buf;
        while (*p) {
                size_t n = printable((const char *) p);

                if (o + (n ? n : 4) >= size)
                        break;
                if (n) {
                        memcpy(buf + o, p, n);
                        o += n, p += n;
                        continue;
                }
                buf[o++] = '\\', buf[o++] = 'x';
                buf[o++] = hex[*p >> 4], buf[o++] = hex[*p & 15];
                p++;
        }
        buf[o] = '\0';
        return buf;
}
