/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/varlink.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/loop.h"

enum { SLICE_MS = 100 };

/* What is left of the time, for one call; no more of it than a slice where somebody may give up. */
static int set_patience(int sock, uint64_t until, bool sliced) {
        uint64_t now = loop_now_ms(), most = sliced ? SLICE_MS : UINT32_MAX, all = now < until ? until - now : 0;
        uint64_t left = all < most ? all : most;
        const struct timeval t = { .tv_sec = (time_t) (left / 1000), .tv_usec = (suseconds_t) (left % 1000 * 1000) };

        if (left == 0)
                return -EAGAIN;
        if (setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) < 0 ||
            setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t) < 0)
                return -errno;
        return 0;
}

static int dial(const char *path, uint64_t until) {
        CLEAN_FD int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int k = sock < 0 ? -errno : set_patience(sock, until, false);

        snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
        if (k == 0 && connect(sock, (const struct sockaddr *) &address, sizeof address) < 0)
                k = -errno;
        return k < 0 ? k : TAKE_FD(sock);
}

static int say(int sock, const struct varlink_call *c) {
        union {
                struct cmsghdr header;
                char room[CMSG_SPACE(sizeof(int))];
        } control = { 0 };
        struct iovec data = { .iov_base = (void *) (uintptr_t) c->text, .iov_len = strlen(c->text) + 1 };
        struct msghdr m = { .msg_iov = &data, .msg_iovlen = 1 };
        ssize_t n;

        if (c->fd >= 0) {
                m.msg_control = &control;
                m.msg_controllen = sizeof control;
                control.header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
                                                   .cmsg_type = SCM_RIGHTS,
                                                   .cmsg_len = CMSG_LEN(sizeof(int)) };
                memcpy(CMSG_DATA(&control.header), &c->fd, sizeof c->fd);
        }
        n = sendmsg(sock, &m, MSG_NOSIGNAL);
        if (n < 0)
                return errno == EPIPE ? -ECONNRESET : -errno;
        return (size_t) n == data.iov_len ? 0 : -EAGAIN;
}

static ssize_t hear(const struct varlink_call *c, int sock, char answer[VARLINK_ANSWER_MAX], uint64_t until) {
        size_t have = 0;

        while (have < VARLINK_ANSWER_MAX) {
                int k = c->give_up && c->give_up() ? -EINTR : set_patience(sock, until, c->give_up);
                ssize_t more = k < 0 ? k : recv(sock, answer + have, VARLINK_ANSWER_MAX - have, 0);
                const char *end;

                if (more < 0 && k == 0 && errno == EAGAIN)
                        continue;
                if (more < 0)
                        return k < 0 ? k : -errno;
                if (more == 0)
                        break;
                end = memchr(answer + have, '\0', (size_t) more);
                if (end)
                        return end - answer;
                have += (size_t) more;
        }
        return -EPROTO;
}

ssize_t varlink_ask(const struct varlink_call *c, char answer[VARLINK_ANSWER_MAX]) {
        uint64_t until = loop_now_ms() + c->patience_ms;
        CLEAN_FD int sock = dial(c->path, until);
        int k = sock < 0 ? sock : say(sock, c);

        return k < 0 ? k : hear(c, sock, answer, until);
}
