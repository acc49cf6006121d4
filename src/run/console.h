/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The launcher's end of the container's console: the caller's terminal or pipes on one side, the master of a
 * pseudo terminal of the container's own devpts on the other. Lives in process P, in the host's namespaces.
 *
 * Order of use:
 *   console_take()    remember the terminal's settings (nothing changes yet)
 *   console_attach()  the guest gave its pty master: size is set, the terminal goes raw if the mode is interactive,
 *                     loop sources are added
 *   console_resize()  on SIGWINCH
 *   console_drain()   the payload is gone: pass on what is still in the pty
 *   console_drop()    restore the terminal exactly; can be called at any time, and twice
 *
 * In pipe mode the payload gets the caller's descriptors themselves; then attach is not called.
 *
 * Rules
 *   Input      interactive only. The end of input of a file or pipe reaches the payload as its terminal's end-of-file
 *              character (termios(3), VEOF), when it has read what came before.
 *   Hot keys   only from a terminal; their bytes reach the payload as well, unless hold_keys is set.
 *   Output     interactive, read-only: as it comes; a slow reader makes the payload wait. When it cannot be written
 *              any more (a closed pipe, a full disk) it is dropped, the payload goes on, and out_error says why.
 *              passive: the payload never waits; the last 8 to 16 KiB are written by console_drain().
 *              To a terminal that the payload does not control (read-only, passive) only text and colours are
 *              passed on.
 *   Hang-up    when everybody in the container closes the terminal, it stays usable: a login prompt may open it
 *              again. Only console_drain() and console_drop() end it.
 *   Escapes    none of ours without a background, but those that take back what the payload left behind: modes,
 *              colours, title, an unfinished sequence. None where it left nothing. */

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>

#include "base/err.h"
#include "base/loop.h"
#include "run/console_scan.h"
#include "spec/spec.h"

/* What the user asked for with a hot key (^] pressed, then). */
enum console_key { CONSOLE_KEY_KILL, CONSOLE_KEY_REBOOT, CONSOLE_KEY_POWEROFF, CONSOLE_KEY_DETACH };
typedef int (*console_key_fn)(void *data, enum console_key key, struct err *e);

struct console_want {
        enum console_mode mode; /* resolved: never DEFAULT or AUTOPIPE */
        const char *background; /* SGR parameters; NULL: no tint, no title, no query */
        console_key_fn on_key;
        /* Instead of stdout, a log: takes all of it, and never waits. */
        void (*write)(void *data, const char *s, size_t n);
        /* Instead of the master, which somebody else reads: what he has kept of it. -EAGAIN: nothing new; then
         * console_more() is called when there is. The master is for input and size. */
        ssize_t (*read)(void *data, char *buf, size_t size);
        bool hold_keys; /* the payload gets nothing of a hot key; and there is one to leave: ^] ^] d */
        void *data;
        int give_up; /* when this can be read, console_drain() waits no longer for a slow reader; 0: none */
        bool (*gives_up)(void *data); /* it can be read: is that so? NULL: always */
};

enum { CONSOLE_BUFFER = 16 * 1024, CONSOLE_COOKED = 8 * 1024 };

struct console_flow {
        char buf[CONSOLE_BUFFER];
        size_t start, end;
};

struct console {
        struct console_want want;
        struct loop *loop;
        int master;  /* -1: not attached. Owned. */
        int peer;    /* our own end of the slave, held since everybody else closed theirs; -1 */
        int in, out; /* what is read and written: descriptions of our own where they can be had, otherwise 0 and 1; -1
                      */
        bool taken;
        bool terminal_in, terminal_out, changed; /* changed: the terminal has settings of ours */
        struct termios saved_in, saved_out;
        int flags_in, flags_out; /* fcntl(F_GETFL) of 0 and 1 before we touched them, -1: untouched */
        struct sigaction saved_pipe;
        bool eof_in, eof_master;
        int eof_left;   /* end of input: looks still to be taken, see pass_eof() */
        char last_sent; /* the last byte that went to the payload, 0: none yet */
        unsigned retry_ms;
        int out_error;      /* errno since which output is dropped, 0: none */
        unsigned hot_count; /* ^] seen in a row */
        uint64_t hot_since_ms;
        struct console_flow to_guest, to_host;
        struct console_scan scan;
        char cooked[CONSOLE_COOKED]; /* output after scan, where that changes it */
        size_t cooked_start, cooked_end;
};

int console_take(struct console *c, const struct console_want *want, struct err *e);
int console_attach(struct console *c, struct loop *l, int master /* taken over */, struct err *e);
void console_resize(struct console *c);
void console_resume(struct console *c);             /* on SIGCONT: a shell has had the terminal meanwhile */
int console_more(struct console *c, struct err *e); /* want.read has more */
int console_replace(struct console *c, int master /* taken over */, struct err *e); /* after a restart in place */
int console_drain(struct console *c, struct err *e);
void console_drop(struct console *c);
