/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Messages over a SOCK_SEQPACKET pair: one datagram, some descriptors with it. All return -errno. */

#include <stddef.h>
#include <sys/types.h>

enum { MSG_FDS = 240 };

/* Sent ones stay the sender's; received ones are close-on-exec and the receiver's. */
struct msg_fds {
        int n;
        int fd[MSG_FDS];
};

int msg_pair(int ret[2]);
int msg_send(int sock, const void *data, size_t size, const struct msg_fds *fds /* NULL: none */);
/* flags as of sendmsg(2): with MSG_DONTWAIT, -EAGAIN where the other end does not read. */
int msg_send_flags(int sock, const void *data, size_t size, const struct msg_fds *fds, int flags);

/* Returns the length, 0 at end of file. A datagram that does not fit, or with more descriptors, is -EBADMSG, one
 * whose descriptors find no room in this process -EMFILE; then none are left open. flags as of recvmsg(2): with
 * MSG_DONTWAIT, -EAGAIN where nothing waits. */
ssize_t msg_recv(int sock, void *data, size_t size, struct msg_fds *ret_fds, int flags);

/* Returns when something is there to receive, and else after a moment. Does not sleep: in a virtual machine a
 * processor that fell asleep takes longer to wake up than most of what is waited for. Who has something to do goes
 * first. */
void msg_watch(int sock);

void msg_fds_close(struct msg_fds *fds);
