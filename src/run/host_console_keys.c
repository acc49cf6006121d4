/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hot keys of the console, in process P or in a client that is attached. In P their bytes reach the payload as well,
 * and all of a key has to come within a second, as in systemd-nspawn(1). An attached client may go while the payload
 * stays: there they are held back, so that the payload never sees half of one. */

#include <poll.h>
#include <string.h>

#include "run/console_io.h"

enum { HOT_KEY = 0x1d /* ^] */, HOT_KEY_MS = 1000 };

/* One byte of input: is it the last of a hot key? */
static bool is_hot(struct console *c, unsigned char byte, uint64_t now, enum console_key *ret) {
        unsigned before = now - c->hot_since_ms <= HOT_KEY_MS ? c->hot_count : 0;

        if (byte == HOT_KEY) {
                if (before == 0)
                        c->hot_since_ms = now;
                c->hot_count = before + 1;
                if (c->hot_count < 3)
                        return false;
        } else
                c->hot_count = 0;
        if (byte == HOT_KEY || (before == 2 && (byte == 'r' || byte == 'p'))) {
                c->hot_count = 0;
                *ret = byte == 'r' ? CONSOLE_KEY_REBOOT : byte == 'p' ? CONSOLE_KEY_POWEROFF : CONSOLE_KEY_KILL;
                return true;
        }
        return false;
}

static int look_for_keys(struct console *c, const char *s, size_t n, struct err *e) {
        enum console_key key;
        uint64_t now = loop_now_ms();
        int r = 0;

        for (size_t i = 0; i < n && r == 0; i++)
                if (is_hot(c, (unsigned char) s[i], now, &key))
                        r = c->want.on_key(c->want.data, key, e);
        return r;
}

/* --- held back --- */

static bool ends_key(unsigned char byte, enum console_key *ret) {
        static const struct {
                unsigned char byte;
                enum console_key key;
        } ends[] = {
                { HOT_KEY, CONSOLE_KEY_KILL },
                { 'd', CONSOLE_KEY_DETACH },
                { 'p', CONSOLE_KEY_POWEROFF },
                { 'r', CONSOLE_KEY_REBOOT },
        };

        for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
                if (ends[i].byte == byte) {
                        *ret = ends[i].key;
                        return true;
                }
        return false;
}

static void release(struct console *c) {
        for (; c->hot_count > 0; c->hot_count--)
                c->to_guest.buf[c->to_guest.end++] = HOT_KEY;
}

/* Nothing came behind it: it was meant for the payload. Input that has come, but was not read yet, decides itself,
 * however late we are. */
static int give_up_key(void *data, struct err *e) {
        struct console *c = data;
        struct pollfd p = { .fd = c->in, .events = POLLIN };

        if (c->hot_count == 0 || poll(&p, 1, 0) > 0)
                return 0;
        if (sizeof c->to_guest.buf - c->to_guest.end < CONSOLE_HELD) {
                (void) loop_timer(c->loop, HOT_KEY_MS, give_up_key, c);
                return 0;
        }
        release(c);
        console_flush_in(c);
        return console_rearm(c, e);
}

/* The new bytes make room for those held; so what is written never overtakes what is read. */
static int hold_keys(struct console *c, size_t n, struct err *e) {
        struct console_flow *f = &c->to_guest;
        char *s = f->buf + f->end - n + CONSOLE_HELD;
        enum console_key key;
        int r = 0;

        f->end -= n;
        memmove(s, s - CONSOLE_HELD, n);
        for (size_t i = 0; i < n && r == 0; i++) {
                if (c->hot_count == CONSOLE_HELD && ends_key((unsigned char) s[i], &key)) {
                        c->hot_count = 0;
                        r = c->want.on_key(c->want.data, key, e);
                } else if (s[i] == HOT_KEY)
                        c->hot_count++;
                else {
                        char byte = s[i];

                        release(c);
                        f->buf[f->end++] = byte;
                }
        }
        (void) loop_timer(c->loop, c->hot_count > 0 ? HOT_KEY_MS : 0, give_up_key, c);
        return r;
}

int console_keys(struct console *c, size_t n, struct err *e) {
        if (!c->terminal_in || !c->want.on_key)
                return 0;
        if (c->want.hold_keys)
                return hold_keys(c, n, e);
        return look_for_keys(c, c->to_guest.buf + c->to_guest.end - n, n, e);
}

void console_keys_drop(struct console *c) {
        (void) loop_timer(c->loop, 0, give_up_key, c);
}
