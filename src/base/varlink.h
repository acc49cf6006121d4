/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One call of a Varlink service on this host: JSON objects with a NUL behind each, over a stream socket. */

#include <stdbool.h>
#include <sys/types.h>

enum { VARLINK_ANSWER_MAX = 64 * 1024 };

struct varlink_call {
        const char *path; /* the service's socket */
        const char *text; /* the call, an object */
        int fd;           /* goes with it, and is number 0 to the service; -1: none */
        unsigned patience_ms;
        bool (*give_up)(void); /* asked ten times a second; NULL: never */
};

/* Returns the answer's length, without its NUL. What connect(2) says: nobody is there. -EAGAIN: no answer in time.
 * -EINTR: given up. -ECONNRESET, or -EPROTO: the service ended it before the answer was whole; -EPROTO too: it is
 * too long. */
ssize_t varlink_ask(const struct varlink_call *c, char answer[VARLINK_ANSWER_MAX]);
