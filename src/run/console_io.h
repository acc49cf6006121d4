/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the host_console*.c files share. */

#include "run/console.h"

/* host_console.c: which events the loop waits for follows from the buffers. Call after each change. */
int console_rearm(struct console *c, struct err *e);

/* host_console_keys.c: the last n bytes of to_guest are new. At most this many are held back. */
enum { CONSOLE_HELD = 2 };
int console_keys(struct console *c, size_t n, struct err *e);
void console_keys_drop(struct console *c);

/* host_console_io.c */

/* What to read or write instead of fd 0 or 1, so that O_NONBLOCK does not reach others who share it: a description of
 * our own for pipes and terminals; otherwise fd itself, made non-blocking with its flags kept in *ret_flags. */
int console_open_end(int fd, int access, int *ret_flags);

/* From the master into to_host: 1: that was all for now; 0: more may come at once (no room, or a full read); -EIO:
 * hung up. */
int console_pull(struct console *c);

/* To stdout what can be written without waiting. Sets out_error where nothing can any more. */
void console_flush_out(struct console *c);
bool console_has_output(const struct console *c);

/* To the payload what its terminal takes. */
void console_flush_in(struct console *c);

/* From stdin into to_guest. 0 at the end of it, -EAGAIN. */
ssize_t console_read_in(struct console *c);

/* Tell the payload the end of input. EOF_LATER: it has not read the rest yet; EOF_LINE: done, and taken for sure only
 * by who reads lines; EOF_DONE. */
enum console_eof { EOF_LATER, EOF_LINE, EOF_DONE };
enum console_eof console_send_eof(struct console *c, bool again);

size_t console_room(const struct console_flow *f);
