/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the launcher (process P) and the guest (process G) say to each other, over one SOCK_SEQPACKET pair.
 *
 *      P                                    G
 *      |  (clone3)                          |  host name; waits
 *      |  id maps written                   |
 *      | ----------- START ---------------> |  makes its file systems, detached
 *      |  sources opened, idmapped          |  (both at the same time)
 *      | ----------- TREES (fds) ---------> |  attaches everything, pivot
 *      | <---------- GIVE (each fd) ------- |
 *      |  cgroup, network are in place      |
 *      | ----------- PLACED --------------> |  late mounts, limits, identity, verification
 *      |  writes the record, announces      |
 *      | ----------- GO ------------------> |
 *      | <---------- READY ---------------- |  takes GO, system call program, exec
 *      | <---------- end of file ---------- |  the socket closes on exec
 *
 * With a user namespace the builder (process B, see guest_build.c) has the guest's end first: START and TREES are for
 * it, and the first that it gives is G. That has the same end, gives the console, and is who PLACED and GO are for.
 *
 * The stub init of --as-pid2 keeps the socket until its payload runs, and says REPORT (struct stub_report) if it does
 * not. FAIL may come from G at any time. End of file after GO means that exec happened or that G died: its pidfd
 * tells. End of file before GO without FAIL is an error, never success. Whatever the tables do not allow is a bug: G
 * is killed and the start fails. G is a copy of P (fork-like clone3), so it has the plan, and needs only what came
 * later. */

#include <stddef.h>

#include "base/err.h"
#include "base/msg.h"
#include "plan/facts.h"

enum message_kind {
        MSG_NONE,
        MSG_START,
        MSG_TREES,
        MSG_PLACED,
        MSG_GO,
        MSG_GIVE,
        MSG_READY,
        MSG_FAIL,
        MSG_REPORT,
        MSG_KIND_MAX_,
};
/* GIVE_LOCK: a socket, with all mounts in a message: it gets them back locked. */
enum give { GIVE_LEADER, GIVE_CONSOLE, GIVE_NOTIFY, GIVE_KMSG, GIVE_LOCK, GIVE_MAX_ };

enum { SLOT_ROOT = -1 };

/* As in /proc/PID/ns. */
enum namespace_kind { NS_MNT, NS_PID, NS_UTS, NS_IPC, NS_CGROUP, NS_NET, NS_USER, NS_MAX_ };

struct message {
        enum message_kind kind;
        enum give give;         /* MSG_GIVE */
        int pid;                /* MSG_GIVE, GIVE_LEADER: the process that the pidfd is of, as the launcher sees it */
        int cpu;                /* ... and the processor that the builder was on when it made it; -1: unknown */
        enum refutable refuted; /* MSG_FAIL: the fact that was found wrong */
        short slots[MSG_FDS];   /* MSG_TREES: which slot each descriptor is for; SLOT_ROOT: the tree */
        uint64_t ns[NS_MAX_];   /* MSG_PLACED: the launcher's namespaces: the guest's shall be others */
        struct err err;         /* MSG_FAIL, and MSG_REPORT put into words */
};

/* How far the launcher has come with one start. */
enum start_state { START_NONE, START_SENT, START_TREES, START_PLACED, START_READY, START_GONE };

/* May P accept this now? May G? */
bool protocol_host_accepts(enum start_state s, enum message_kind k);
bool protocol_guest_accepts(enum start_state s, enum message_kind k);
const char *message_name(enum message_kind k);
const char *namespace_name(enum namespace_kind k);

int protocol_send(int sock, enum message_kind k, struct err *e);
int protocol_send_fds(int sock, const struct message *m, const struct msg_fds *fds, struct err *e);
void protocol_send_fail(int sock, const struct err *failure, enum refutable refuted);

/* Returns 1 and *ret, 0 at end of file. Anything malformed is ERR_BUG, and then no descriptor is left open. A GIVE has
 * one descriptor, TREES up to MSG_FDS, all others none. flags: MSG_DONTWAIT, then -EAGAIN, which
 * is no error, where nothing waits. */
int protocol_receive(int sock, int flags, struct message *ret, struct msg_fds *ret_fds, struct err *e);
