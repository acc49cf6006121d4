/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/msg.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

/* Some times what a processor of a virtual machine needs to wake up. */
enum { MOMENT_NS = 300 * 1000 };

int msg_pair(int ret[2]) {
        return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) < 0 ? -errno : 0;
}

union control {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int) * MSG_FDS)];
};

void msg_fds_close(struct msg_fds *fds) {
        while (fds->n > 0)
                close(fds->fd[--fds->n]);
}

int msg_send(int sock, const void *data, size_t size, const struct msg_fds *fds) {
        return msg_send_flags(sock, data, size, fds, 0);
}

int msg_send_flags(int sock, const void *data, size_t size, const struct msg_fds *fds, int flags) {
        union control control = { 0 };
        struct iovec iov = { (void *) data, size };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
        ssize_t n;

        if (fds && fds->n > 0) {
                size_t bytes = (size_t) fds->n * sizeof fds->fd[0];

                m.msg_control = &control;
                m.msg_controllen = CMSG_SPACE(bytes);
                control.head.cmsg_level = SOL_SOCKET;
                control.head.cmsg_type = SCM_RIGHTS;
                control.head.cmsg_len = CMSG_LEN(bytes);
                memcpy(CMSG_DATA(&control.head), fds->fd, bytes);
        }
        do
                n = sendmsg(sock, &m, MSG_NOSIGNAL | flags);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        return (size_t) n == size ? 0 : -EMSGSIZE;
}

static int take_fds(struct msghdr *m, struct msg_fds *ret) {
        int r = m->msg_flags & MSG_TRUNC ? -EBADMSG : 0;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
                size_t n;

                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;
                n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                for (size_t i = 0; i < n; i++) {
                        int fd;

                        memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
                        if (ret->n < MSG_FDS)
                                ret->fd[ret->n++] = fd;
                        else {
                                close(fd);
                                r = -EBADMSG;
                        }
                }
        }
        /* Cut off though there was room: the kernel could not install them all (unix(7), BUGS). */
        if (r == 0 && m->msg_flags & MSG_CTRUNC)
                r = ret->n < MSG_FDS ? -EMFILE : -EBADMSG;
        if (r < 0)
                msg_fds_close(ret);
        return r;
}

ssize_t msg_recv(int sock, void *data, size_t size, struct msg_fds *ret_fds, int flags) {
        union control control;
        struct iovec iov = { data, size };
        struct msghdr m = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
        };
        ssize_t n;
        int r;

        ret_fds->n = 0;
        do
                n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC | flags);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        r = take_fds(&m, ret_fds);
        return r < 0 ? r : n;
}

void msg_watch(int sock) {
        struct pollfd p = { .fd = sock, .events = POLLIN };
        uint64_t end;

        if (poll(&p, 1, 0) != 0)
                return;
        end = clock_ns(CLOCK_MONOTONIC) + MOMENT_NS;
        do
                (void) sched_yield();
        while (poll(&p, 1, 0) == 0 && clock_ns(CLOCK_MONOTONIC) < end);
}
