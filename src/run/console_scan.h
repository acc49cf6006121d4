/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a payload does to a terminal by escape sequences (ECMA-48, XTerm Control Sequences). Pure: bytes in, bytes out.
 *
 * Three uses, by the fields that the caller sets:
 *   neither      watch: keep account of the modes that differ from a fresh terminal's, so that they can be taken back
 *   filter       also keep away everything but text, colours and the erasing of a line: for output that is a log to
 *                its reader, whose terminal must not be steered and must not answer into his shell
 *   tint         also repeat these colours behind each sequence that resets them */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCAN_SEQUENCE = 64 };

enum scan_state { SCAN_TEXT, SCAN_ESCAPE, SCAN_CHARSET, SCAN_CSI, SCAN_OSC, SCAN_STRING, SCAN_STRING_ESCAPE };

struct console_scan {
        bool filter;
        const char *tint; /* parameters of SGR; NULL: none */
        enum scan_state state;
        char sequence[SCAN_SEQUENCE + 1]; /* what came since the escape, without it; cut off */
        unsigned n;
        bool cut;
        unsigned kitty;           /* keyboard modes pushed */
        uint64_t changed;         /* bit N: row N of the table in host_console_scan.c differs */
        unsigned char lead, left; /* filter: UTF-8 sequence begun, bytes to come */
};

/* Look at n bytes. With filter or tint the result is written to out, which has console_scan_room() bytes, and its
 * length returned; otherwise out is not used, and 0 returned. */
size_t console_scan(struct console_scan *s, const char *in, size_t n, char *out);

/* What n bytes can become at most. */
size_t console_scan_room(const struct console_scan *s, size_t n);

/* The shortest text that takes back what differs, "" where nothing does. Then nothing differs any more. Returns its
 * length; 1024 bytes are always enough. */
size_t console_scan_reset(struct console_scan *s, char *out, size_t size);

/* Parameters of SGR as --background= takes them: digits, ; and :. */
bool console_is_sgr(const char *s);
