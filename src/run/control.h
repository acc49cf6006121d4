/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a client (berthctl) and the supervisor of a running container say to each other, over a SOCK_SEQPACKET socket,
 * /run/berth/NAME/control. Only root, or the user who runs the supervisor, is listened to.
 *
 *      client                               supervisor
 *      | -- EXEC + block, 0, 1, 2 --------> |  a program in the container; with CONTROL_TTY the block alone
 *      | <------------- STARTED ----------- |  + the master of its terminal, with CONTROL_TTY
 *      | -- SIGNAL -----------------------> |  to that program
 *      | <------------- EXITED ------------ |
 *
 *      | -- SIGNAL, STOP, KILL ... -------> |  of a connection without EXEC: to the container
 *      | <------------- DONE -------------- |
 *
 *      | -- WAIT -------------------------> |
 *      | <------------- ENDED ------------- |  when the container has ended; end of file without it: the supervisor
 *                                              was killed
 *
 *      | -- ATTACH -----------------------> |  to the console of a detached container
 *      | <------------- STARTED ----------- |  + its master, for input and size; again after each restart in place
 *      | <------------- ENDED ------------- |
 *
 * What the console shows is in its log (state/record.h): the supervisor alone reads the master, into that.
 *
 * Each request may be answered by FAIL instead. A connection carries one EXEC; when it goes, what it started is
 * killed. A message that is malformed, or comes at the wrong time, ends the connection. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/msg.h"

enum { CONTROL_VERSION = 3 };

enum control_kind {
        CONTROL_NONE,
        CONTROL_EXEC,
        CONTROL_SIGNAL,
        CONTROL_STOP,
        CONTROL_KILL,
        CONTROL_POWEROFF,
        CONTROL_REBOOT,
        CONTROL_WAIT,
        CONTROL_ATTACH,
        CONTROL_REQUESTS_, /* those above are the client's, those below the supervisor's */
        CONTROL_STARTED,
        CONTROL_EXITED,
        CONTROL_DONE,
        CONTROL_ENDED,
        CONTROL_FAIL,
        CONTROL_KIND_MAX_,
};

/* Both ends may be of different builds: version and kind keep their places for ever. */
struct control_message {
        uint32_t version, kind;
        int32_t signal; /* SIGNAL */
        int32_t pid;    /* STARTED: as the host sees it */
        int32_t code;   /* EXITED: CLD_EXITED, CLD_KILLED or CLD_DUMPED */
        int32_t status; /* EXITED: exit status or signal; ENDED: exit status of the supervisor */
        struct err err; /* FAIL */
};

/* What EXEC asks for: a sealed memfd that the supervisor does not read itself. */
enum control_exec_flag {
        CONTROL_TTY = 1 << 0,   /* a terminal of its own instead of descriptors */
        CONTROL_LOGIN = 1 << 1, /* the user's shell as a login shell; argv is empty */
};
struct control_exec {
        unsigned flags;
        unsigned short rows, columns; /* of the terminal, 0: unknown */
        struct strv argv, env;        /* env: added to the payload's, NAME=VALUE */
        const char *user, *chdir;     /* NULL: the payload's user; its own working directory or the user's home */
};
enum { CONTROL_EXEC_MAX = 4 * 1024 * 1024 };

/* A descriptor or -errno. */
int control_exec_store(const struct control_exec *x);
/* -EBADMSG: malformed, or not sealed. Strings are copied. */
int control_exec_load(int fd, struct arena *a, struct control_exec *ret);

const char *control_name(unsigned kind);

/* Waits with flags 0; with MSG_DONTWAIT -EAGAIN instead. version is filled in. */
int control_send(int sock, const struct control_message *m, const struct msg_fds *fds, int flags);

/* 1; 0: end of file; -EAGAIN; -EPROTONOSUPPORT: the other end is of another version; -EBADMSG: malformed. Only with 1
 * there are descriptors. from_client: who may have sent it. */
int control_receive(int sock, int flags, bool from_client, struct control_message *ret, struct msg_fds *ret_fds);

/* Client: a connection to the supervisor of a machine. ERR_HOST; ERR_USAGE where no machine of that name runs. */
int control_connect(const char *machine, struct err *e);
