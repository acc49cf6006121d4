/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Between the host_control*.c files: who is connected to the supervisor, and what was started for them. */

#include "run/control.h"
#include "run/run.h"

enum { CONTROL_CLIENTS = 64 };

/* One connection, with at most one program. Its place is kept until the program is reaped, the client there or not. */
struct control_client {
        struct control *control;
        int conn;                       /* -1: nobody */
        bool waits;                     /* for the end of the container */
        bool attached;                  /* to the console */
        bool exec;                      /* EXEC came */
        struct process joiner, program; /* pid 0: none */
        int sock;                       /* what joiner and program say before exec, -1 */
        int terminal;                   /* the program's, until it is handed on, -1 */
        int signal;                     /* came before there was a program */
        bool told;                      /* STARTED or FAIL was sent */
};

struct control {
        struct run *run;
        int listener; /* -1 */
        struct control_client clients[CONTROL_CLIENTS];
        pid_t *born; /* CONTROL_CLIENTS, shared with joiners: the kernel writes the number of what they make */
};

/* host_control.c: to the client, without waiting. One that does not read is let go. */
void control_tell(struct control_client *c, const struct control_message *m, const struct msg_fds *fds);
void control_tell_fail(struct control_client *c, const struct err *failure);
/* The client has nothing to come any more: its place is free, or will be when its processes are reaped. */
void control_let_go(struct control_client *c);
bool control_is_free(const struct control_client *c);

/* host_control_exec.c */
int control_exec(struct control_client *c, const struct msg_fds *fds, struct err *e);
void control_exec_signal(struct control_client *c, int sig);
void control_exec_kill(struct control_client *c);
/* The start has ended, and so has everything that was in the container. */
void control_exec_end(struct control_client *c);
