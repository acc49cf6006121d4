/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/console_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"

/* What can be left behind, each with the sequence that takes it back. Rows with a number are DEC private modes, which
 * the payload sets and resets with CSI ? NUMBER h and l; the others are found by what their names say. soft: DECSTR
 * takes them back too. The order is the order of taking back: out of the alternate screen first, since what follows
 * counts for the screen it is sent to. */
enum row_name {
        TITLE,
        LINK,
        PALETTE,
        FOREGROUND,
        BACKGROUND,
        CURSOR_COLOUR,
        POINTER_KEYS,
        KITTY,
        INSERT,
        NEW_LINE,
        KEYPAD,
        MARGINS,
        CHARSET,
        SHIFT_OUT,
        CURSOR_STYLE,
        COLOURS,
        FIRST_MODE
};

static const struct row {
        unsigned mode;
        bool on, soft;
        char undo[13];
} rows[] = {
        [TITLE] = { .undo = "\033]2;\033\\" },
        [LINK] = { .undo = "\033]8;;\033\\" },
        [PALETTE] = { .undo = "\033]104\033\\" },
        [FOREGROUND] = { .undo = "\033]110\033\\" },
        [BACKGROUND] = { .undo = "\033]111\033\\" },
        [CURSOR_COLOUR] = { .undo = "\033]112\033\\" },
        [POINTER_KEYS] = { .undo = "\033[>4m" },
        [KITTY] = { .undo = "\033[<99u" },
        [INSERT] = { .undo = "\033[4l", .soft = true },
        [NEW_LINE] = { .undo = "\033[20l" },
        [KEYPAD] = { .undo = "\033>", .soft = true },
        [MARGINS] = { .undo = "\0337\033[r\0338", .soft = true }, /* it moves the cursor: keep its place */
        [CHARSET] = { .undo = "\033(B", .soft = true },
        [SHIFT_OUT] = { .undo = "\017", .soft = true },
        [CURSOR_STYLE] = { .undo = "\033[0 q" },
        [COLOURS] = { .undo = "\033[0m", .soft = true },
        /* alternate screen */
        { 1049 },
        { 1047 },
        { 47 },
        /* keys: cursor keys, keypad, brackets around pasted text, focus */
        { 1, .soft = true },
        { 66, .soft = true },
        { 2004 },
        { 1004 },
        /* mouse: what is told, and how */
        { 9 },
        { 1000 },
        { 1001 },
        { 1002 },
        { 1003 },
        { 1005 },
        { 1006 },
        { 1015 },
        { 1016 },
        /* display: reverse, origin, wrap, cursor, left and right margins, held output */
        { 5 },
        { 6, .soft = true },
        { 7, .on = true },
        { 25, .on = true, .soft = true },
        { 69 },
        { 2026 },
};
_Static_assert(ELEMENTS(rows) <= 64, "one bit each");

static void set_row(struct console_scan *s, unsigned row, bool differs) {
        uint64_t bit = UINT64_C(1) << row;

        s->changed = differs ? s->changed | bit : s->changed & ~bit;
}

/* Up to 16 numbers; a part behind a colon belongs to its number. Returns how many there are, 0 where there is nothing.
 */
static unsigned parse_numbers(const char *s, unsigned ret[16]) {
        unsigned n = 0;

        while (*s && n < 16) {
                char *end;
                unsigned long v = strtoul(s, &end, 10);

                ret[n++] = v > 99999 ? 99999 : (unsigned) v;
                end += strcspn(end, ";");
                if (!*end)
                        break;
                s = end + 1;
                if (!*s && n < 16)
                        ret[n++] = 0;
        }
        return n;
}

static void do_private_modes(struct console_scan *s, const unsigned *numbers, unsigned n, bool on) {
        for (unsigned i = 0; i < n; i++)
                for (unsigned r = FIRST_MODE; r < ELEMENTS(rows); r++)
                        if (rows[r].mode == numbers[i])
                                set_row(s, r, on != rows[r].on);
}

static void do_modes(struct console_scan *s, const unsigned *numbers, unsigned n, bool on) {
        for (unsigned i = 0; i < n; i++) {
                if (numbers[i] == 4)
                        set_row(s, INSERT, on);
                if (numbers[i] == 20)
                        set_row(s, NEW_LINE, on);
        }
}

/* Returns whether it took the colours back, to whatever they are without any. */
static bool do_colours(struct console_scan *s, const unsigned *numbers, unsigned n) {
        bool reset = n == 0;

        if (n == 0)
                set_row(s, COLOURS, false);
        for (unsigned i = 0; i < n; i++) {
                reset = reset || numbers[i] == 0 || numbers[i] == 39 || numbers[i] == 49;
                set_row(s, COLOURS, numbers[i] != 0);
                if (numbers[i] == 38 || numbers[i] == 48) /* a colour follows, which may have a 0 in it */
                        return reset;
        }
        return reset;
}

static void soft_reset(struct console_scan *s) {
        for (unsigned r = 0; r < ELEMENTS(rows); r++)
                if (rows[r].soft)
                        set_row(s, r, false);
}

static void do_kitty(struct console_scan *s, char mark, const unsigned *numbers, unsigned n) {
        unsigned pop = n > 0 && numbers[0] > 0 ? numbers[0] : 1;

        if (mark == '<')
                s->kitty -= pop < s->kitty ? pop : s->kitty;
        else if (mark == '>' || mark == '=')
                s->kitty += s->kitty < 99;
        set_row(s, KITTY, s->kitty > 0);
}

/* A whole CSI sequence: [MARK] NUMBERS [INTERMEDIATE] FINAL. Returns whether it took the colours back. */
static bool do_csi(struct console_scan *s, char final) {
        char mark = s->sequence[0] >= '<' && s->sequence[0] <= '?' ? s->sequence[0] : 0, between = 0;
        size_t digits = strspn(s->sequence + !!mark, "0123456789;:");
        unsigned numbers[16], n;

        between = s->sequence[!!mark + digits];
        s->sequence[!!mark + digits] = '\0';
        n = parse_numbers(s->sequence + !!mark, numbers);
        if (mark == '?' && !between && (final == 'h' || final == 'l'))
                do_private_modes(s, numbers, n, final == 'h');
        else if (!mark && !between && (final == 'h' || final == 'l'))
                do_modes(s, numbers, n, final == 'h');
        else if (!mark && !between && final == 'm')
                return do_colours(s, numbers, n);
        else if (!mark && !between && final == 'r')
                set_row(s, MARGINS, n > 0);
        else if (mark == '>' && !between && final == 'm')
                set_row(s, POINTER_KEYS, n > 1 && numbers[1] > 0);
        else if (mark && mark != '?' && !between && final == 'u')
                do_kitty(s, mark, numbers, n);
        else if (!mark && between == ' ' && final == 'q')
                set_row(s, CURSOR_STYLE, n > 0 && numbers[0] > 0);
        else if (!mark && between == '!' && final == 'p') {
                soft_reset(s);
                return true;
        }
        return false;
}

/* An OSC string: NUMBER ; TEXT. A text of "?" asks, and changes nothing. */
static void do_osc(struct console_scan *s) {
        static const struct {
                char number[4];
                enum row_name row;
                bool differs;
        } known[] = {
                { "0", TITLE, true },
                { "1", TITLE, true },
                { "2", TITLE, true },
                { "4", PALETTE, true },
                { "104", PALETTE, false },
                { "10", FOREGROUND, true },
                { "110", FOREGROUND, false },
                { "11", BACKGROUND, true },
                { "111", BACKGROUND, false },
                { "12", CURSOR_COLOUR, true },
                { "112", CURSOR_COLOUR, false },
        };
        size_t n = strcspn(s->sequence, ";");
        const char *text = s->sequence[n] ? s->sequence + n + 1 : "";

        if (n == 1 && s->sequence[0] == '8') /* 8 ; PARAMETERS ; ADDRESS: a link, which an empty address ends */
                set_row(s, LINK, strchr(text, ';') && strchr(text, ';')[1]);
        for (size_t i = 0; i < ELEMENTS(known); i++)
                if (strlen(known[i].number) == n && memcmp(known[i].number, s->sequence, n) == 0)
                        if (strcmp(text, "?") != 0) /* and an empty title is none */
                                set_row(s, known[i].row, known[i].differs && (known[i].row != TITLE || *text));
}

static void begin(struct console_scan *s, enum scan_state state) {
        s->state = state;
        s->n = 0;
        s->cut = false;
        s->sequence[0] = '\0';
}

static void keep(struct console_scan *s, char c) {
        if (s->n < SCAN_SEQUENCE) {
                s->sequence[s->n++] = c;
                s->sequence[s->n] = '\0';
        } else
                s->cut = true;
}

/* The byte behind an escape. Returns whether the colours went back. */
static bool do_escape(struct console_scan *s, char c) {
        s->state = SCAN_TEXT;
        switch (c) {
        case '[': begin(s, SCAN_CSI); return false;
        case ']': begin(s, SCAN_OSC); return false;
        case 'P':
        case 'X':
        case '^':
        case '_': begin(s, SCAN_STRING); return false;
        case '(': begin(s, SCAN_CHARSET); return false;
        case '=':
        case '>': set_row(s, KEYPAD, c == '='); return false;
        case 'c':
                s->changed = 0;
                s->kitty = 0;
                return true;
        default:
                if (c >= 0x20 && c <= 0x2f) /* a sequence of more bytes: its last one is above */
                        s->state = SCAN_ESCAPE;
                return false;
        }
}

/* What came is a string: up to BEL or ESC \. An escape that no backslash follows begins something new. */
static bool do_string(struct console_scan *s, char c) {
        if (s->state == SCAN_STRING_ESCAPE && c != '\\') {
                begin(s, SCAN_ESCAPE);
                return do_escape(s, c);
        }
        if (c == '\033') {
                if (s->state == SCAN_OSC)
                        do_osc(s);
                s->state = SCAN_STRING_ESCAPE;
        } else if (c == '\a' || s->state == SCAN_STRING_ESCAPE) {
                if (s->state == SCAN_OSC)
                        do_osc(s);
                s->state = SCAN_TEXT;
        } else
                keep(s, c);
        return false;
}

/* One byte of anything but plain text. Returns whether the colours went back. */
static bool step(struct console_scan *s, char c) {
        if (c == '\030' || c == '\032') { /* CAN and SUB end every sequence */
                s->state = SCAN_TEXT;
                return false;
        }
        switch (s->state) {
        case SCAN_TEXT:
                if (c == '\033')
                        begin(s, SCAN_ESCAPE);
                else if (c == '\016' || c == '\017')
                        set_row(s, SHIFT_OUT, c == '\016');
                return false;
        case SCAN_ESCAPE: return c == '\033' ? false : do_escape(s, c);
        case SCAN_CHARSET:
                set_row(s, CHARSET, c != 'B');
                s->state = SCAN_TEXT;
                return false;
        case SCAN_CSI:
                if (c == '\033') {
                        begin(s, SCAN_ESCAPE);
                        return false;
                }
                if (c < 0x40)
                        return c >= 0x20 ? (keep(s, c), false) : false;
                s->state = SCAN_TEXT;
                return do_csi(s, c);
        case SCAN_OSC:
        case SCAN_STRING:
        case SCAN_STRING_ESCAPE: return do_string(s, c);
        }
        return false;
}

/* Length of what needs no look: text without ESC, SO and SI. */
static size_t plain(const char *in, size_t n) {
        static const char special[] = { '\033', '\016', '\017' };

        for (size_t i = 0; i < sizeof special; i++) {
                const char *p = memchr(in, special[i], n);

                n = p ? (size_t) (p - in) : n;
        }
        return n;
}

static void watch(struct console_scan *s, const char *in, size_t n) {
        while (n > 0) {
                size_t skip = s->state == SCAN_TEXT ? plain(in, n) : 0;

                if (skip == 0) {
                        step(s, *in);
                        skip = 1;
                }
                in += skip;
                n -= skip;
        }
}

static size_t put_tint(const struct console_scan *s, char *out) {
        return s->tint ? (size_t) sprintf(out, "\033[%.*sm", SCAN_SEQUENCE, s->tint) : 0;
}

static size_t tint(struct console_scan *s, const char *in, size_t n, char *out) {
        size_t o = 0;

        for (size_t i = 0; i < n; i++) {
                out[o++] = in[i];
                if (step(s, in[i]))
                        o += put_tint(s, out + o);
        }
        return o;
}

/* Text as a reader wants it: no control characters but those that move within and between lines, and no C1 controls,
 * which some terminals obey as bytes and some as UTF-8 (C2 80 to C2 9F). */
static size_t filter_text(struct console_scan *s, unsigned char c, char *out) {
        if (s->left > 0 && (c & 0xc0) == 0x80) {
                size_t o = 0;

                if (s->lead == 0xc2 && c < 0xa0) {
                        s->left = s->lead = 0;
                        return 0;
                }
                if (s->lead)
                        out[o++] = (char) s->lead;
                out[o++] = (char) c;
                s->lead = 0;
                s->left--;
                return o;
        }
        s->left = c >= 0xf0 && c < 0xf5 ? 3 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xc2 && c < 0xe0 ? 1 : 0;
        s->lead = s->left > 0 ? c : 0;
        if (s->left > 0 || c >= 0x7f || (c < 0x20 && !memchr("\a\b\t\n\r", c, 5)))
                return 0;
        *out = (char) c;
        return 1;
}

static size_t filter(struct console_scan *s, const char *in, size_t n, char *out) {
        size_t o = 0;

        for (size_t i = 0; i < n; i++) {
                bool was_csi = s->state == SCAN_CSI, was_text = s->state == SCAN_TEXT, reset;
                char text[SCAN_SEQUENCE + 1];

                if (was_csi)
                        memcpy(text, s->sequence, sizeof text);
                reset = step(s, in[i]);
                if (was_text && s->state == SCAN_TEXT)
                        o += filter_text(s, (unsigned char) in[i], out + o);
                else if (was_csi && s->state == SCAN_TEXT && !s->cut && (in[i] == 'm' || in[i] == 'K') &&
                         text[strspn(text, "0123456789;:")] == '\0')
                        o += (size_t) sprintf(out + o, "\033[%s%c", text, in[i]);
                if (reset)
                        o += put_tint(s, out + o);
                s->changed &= UINT64_C(1) << COLOURS; /* all else stayed here */
        }
        return o;
}

size_t console_scan_room(const struct console_scan *s, size_t n) {
        /* A filter holds a sequence back until it is whole; and the shortest one to reset colours has two bytes. */
        size_t held = SCAN_SEQUENCE + 4;

        return n + held + (s->tint ? (n / 2 + 1) * (strlen(s->tint) + 3) : 0);
}

size_t console_scan(struct console_scan *s, const char *in, size_t n, char *out) {
        if (s->filter)
                return filter(s, in, n, out);
        if (s->tint)
                return tint(s, in, n, out);
        watch(s, in, n);
        return 0;
}

static size_t add(char *out, size_t size, size_t o, const char *s) {
        size_t n = strlen(s);

        if (o + n >= size)
                return o;
        memcpy(out + o, s, n + 1);
        return o + n;
}

size_t console_scan_reset(struct console_scan *s, char *out, size_t size) {
        char mode[16];
        size_t o = 0;

        if (size > 0)
                *out = '\0';
        /* A sequence without its end would swallow what follows. A filter has not passed it on. */
        if (s->filter)
                s->state = SCAN_TEXT;
        if (s->state == SCAN_CSI || s->state == SCAN_ESCAPE || s->state == SCAN_CHARSET)
                o = add(out, size, o, "\030");
        else if (s->state != SCAN_TEXT) {
                if (s->state == SCAN_OSC)
                        do_osc(s);
                o = add(out, size, o, "\033\\");
        }
        for (unsigned i = 0; i < ELEMENTS(rows); i++) {
                unsigned r = i < ELEMENTS(rows) - FIRST_MODE ? i + FIRST_MODE : i - (ELEMENTS(rows) - FIRST_MODE);

                if (!(s->changed & UINT64_C(1) << r))
                        continue;
                snprintf(mode, sizeof mode, "\033[?%u%c", rows[r].mode, rows[r].on ? 'h' : 'l');
                o = add(out, size, o, r >= FIRST_MODE ? mode : rows[r].undo);
        }
        s->state = SCAN_TEXT;
        s->changed = 0;
        s->kitty = 0;
        return o;
}

bool console_is_sgr(const char *s) {
        return strlen(s) <= SCAN_SEQUENCE && s[strspn(s, "0123456789;:")] == '\0';
}
