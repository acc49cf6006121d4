/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the verbs share that talk to a supervisor for as long as a program or a console lives (run/control.h). */

#include "run/control.h"

/* A signalfd, non-blocking, for window changes, continuation, and those requests to end that the caller does not
 * ignore. */
int client_signals(struct err *e);

/* One message that is there. 1: *ret and *ret_fds; 0: none now. What is wrong with it, the supervisor's end, and what
 * it refuses (FAIL) are errors. */
int client_receive(int conn, const char *machine, struct control_message *ret, struct msg_fds *ret_fds, struct err *e);

/* A message that has no place here. */
int client_unexpected(const char *machine, const struct control_message *m, struct err *e);
