/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the launcher (process P) and berth-agent (process A) say to each other, over one SOCK_SEQPACKET pair. It is
 * descriptor 3 of A.
 *
 *      P                                    A
 *      | (spawned)                          |  connects to the bus
 *      | --- PLACE + pidfd of the guest --> |  StartTransientUnit
 *      | <-- PLACED, or FAILED ------------ |
 *      | --- ANNOUNCE ---------------------> |  registers the machine
 *      | <-- ANNOUNCED, or FAILED --------- |
 *      | <-- STOP ------------------------- |  at any time: the manager asks for the container's end
 *      | --- LEAVE ------------------------> |  unregisters, ends the unit
 *      | <-- LEFT ------------------------- |
 *
 * NOTE may come from A at any time: a line for the user. A restart in place begins again with PLACE. At the end of
 * berth LEFT may come as soon as manager and machined have been asked: A stays for their answers. When P is gone (end
 * of file), A does what LEAVE asks for, and ends. When A is gone, P spawns another one, which begins with ADOPT
 * where there is a unit, and with an ANNOUNCE where the machine was registered: machined takes who did that for the
 * machine's supervisor. What the table in agent_wire.c does not allow is a bug. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "run/manager.h"

enum { AGENT_FD = 3, AGENT_TEXT = 48 * 1024, AGENT_STRINGS = 512 };

enum agent_kind {
        AGENT_NONE,
        AGENT_PLACE,
        AGENT_ADOPT,
        AGENT_ANNOUNCE,
        AGENT_LEAVE,
        AGENT_PLACED,
        AGENT_ANNOUNCED,
        AGENT_LEFT,
        AGENT_STOP,
        AGENT_NOTE,
        AGENT_FAILED,
        AGENT_KIND_MAX_,
};
enum agent_state {
        AGENT_IDLE,
        AGENT_PLACING,
        AGENT_HELD, /* there is something to leave */
        AGENT_ANNOUNCING,
        AGENT_LEAVING,
        AGENT_STATE_MAX_,
};

/* Strings of PLACE and ADOPT: unit, description, slice, then the properties, each behind a letter: d for a default
 * that an older manager may lack, u for what the user said. Strings of ANNOUNCE: machine, service, root directory. */
enum { PLACE_UNIT, PLACE_DESCRIPTION, PLACE_SLICE, PLACE_PROPERTIES };
enum { ANNOUNCE_MACHINE, ANNOUNCE_SERVICE, ANNOUNCE_ROOT, ANNOUNCE_STRINGS };

struct agent_head {
        uint32_t version;
        enum agent_kind kind;
        enum manager_work work; /* FAILED */
        int leader;             /* PLACE, ANNOUNCE: the guest's number as P sees it */
        int supervisor;         /* PLACE, ADOPT: P's own, where it gets a scope too, with A; 0 */
        int again;              /* ANNOUNCE: an earlier agent's is there, maybe; LEAVE: LEFT when all is gone */
        uint8_t uuid[16];       /* ANNOUNCE */
        struct err err;         /* FAILED, NOTE */
};

struct agent_message {
        struct agent_head head;
        char text[AGENT_TEXT]; /* the strings, each with its NUL */
        size_t used;
        const char *strings[AGENT_STRINGS + 1]; /* filled by agent_receive(); ended by NULL */
        size_t n;
};

/* Arguments of "berth-agent service", which has a socket for the service's input in place of that pair. */
enum {
        SERVICE_MACHINE,
        SERVICE_SLICE,
        SERVICE_STOP_SECONDS,
        SERVICE_PROGRAM,
        SERVICE_ARGV0, /* of the program */
        SERVICE_WORDS,
};

/* Of our own environment what leads to a bus, and to our traces. */
enum { AGENT_VARIABLES = 8 };
void agent_environment(const char *ret[AGENT_VARIABLES]);

/* May this be said now? Moves *state on. */
bool agent_step(enum agent_state *state, enum agent_kind kind, enum manager_work work);
bool agent_from_launcher(enum agent_kind kind);
const char *agent_kind_name(enum agent_kind kind);

void agent_message_init(struct agent_message *m, enum agent_kind kind);
int agent_add(struct agent_message *m, const char *s); /* -E2BIG */

/* fd -1: none goes along. Never waits: a full socket is -EAGAIN. */
int agent_send(int sock, const struct agent_message *m, int fd);

/* 1, or 0 at end of file, or -EAGAIN; anything malformed is -EBADMSG, and then no descriptor is left open. *ret_fd is
 * the receiver's; -1: none. */
int agent_receive(int sock, struct agent_message *ret, int *ret_fd);
