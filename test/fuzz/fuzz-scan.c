/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a payload writes to the console. Input: a byte (bit 0: filter, bit 1: tint, the rest: how many bytes at a
 * time), then the output. */

#include <string.h>

#include "fuzz/fuzz.h"
#include "run/console_scan.h"

/* Everything at once, or in pieces. */
static size_t run(struct console_scan *s, const char *in, size_t n, size_t piece, char *out) {
        size_t o = 0;

        for (size_t i = 0; i < n; i += piece) {
                size_t k = n - i < piece ? n - i : piece, got = console_scan(s, in + i, k, out + o);

                MUST(got <= console_scan_room(s, k));
                o += got;
        }
        return o;
}

/* What the filter lets through: colours and the erasing of a line, and no other control sequence. */
static void check_filtered(const char *out, size_t n) {
        for (size_t i = 0; i < n; i++) {
                MUST((unsigned char) out[i] >= 0x20 || memchr("\a\b\t\n\r\033", out[i], 6));
                if (out[i] != '\033')
                        continue;
                MUST(i + 2 < n && out[i + 1] == '[');
                for (i += 2; i < n && memchr("0123456789;:", out[i], 12); i++)
                        ;
                MUST(i < n && (out[i] == 'm' || out[i] == 'K'));
        }
}

static void check_reset(struct console_scan *s) {
        struct console_scan again = *s;
        char text[1024];
        size_t n = console_scan_reset(s, text, sizeof text);

        MUST(n < sizeof text - 64 && strlen(text) == n);
        MUST(console_scan_reset(s, text + n, 1) == 0);
        /* It takes back all there is. */
        if (again.filter) /* the terminal has seen no half of anything */
                again.state = SCAN_TEXT;
        again.filter = false;
        again.tint = NULL;
        console_scan(&again, text, n, NULL);
        MUST(again.changed == 0 && again.state == SCAN_TEXT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct console_scan whole = { 0 }, parts;
        char *a, *b;
        size_t n, m;

        if (size < 2)
                return 0;
        whole.filter = data[0] & 1;
        whole.tint = data[0] & 2 ? "48;5;17" : NULL;
        parts = whole;
        a = malloc(console_scan_room(&whole, size));
        b = malloc(console_scan_room(&whole, size) + 64);
        MUST(a && b);
        n = run(&whole, (const char *) data + 1, size - 1, size, a);
        m = run(&parts, (const char *) data + 1, size - 1, (size_t) (data[0] >> 2) + 1, b);
        MUST(n == m && memcmp(a, b, n) == 0);
        MUST(whole.changed == parts.changed && whole.state == parts.state);
        if (whole.filter && !whole.tint)
                check_filtered(a, n);
        check_reset(&whole);
        free(a);
        free(b);
        return 0;
}
