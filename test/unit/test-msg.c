/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* base/msg.c: datagrams with descriptors, also such as no honest sender makes. */

#include "base/msg.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "unit/tap.h"

static int count_fds(void) {
        CLEAN_DIR DIR *d = opendir("/proc/self/fd");
        int n = 0;

        while (d && readdir(d))
                n++;
        return n;
}

/* n copies of one descriptor as the kernel lets anybody send them: its limit is 253. */
static void send_raw(int sock, size_t size, int n) {
        static union {
                struct cmsghdr head;
                char room[CMSG_SPACE(sizeof(int) * 253)];
        } control;
        static char data[4096];
        struct iovec iov = { data, size };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

        if (n > 0) {
                m.msg_control = &control;
                m.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t) n);
                control.head.cmsg_len = CMSG_LEN(sizeof(int) * (size_t) n);
                control.head.cmsg_level = SOL_SOCKET;
                control.head.cmsg_type = SCM_RIGHTS;
                for (int i = 0; i < n; i++)
                        memcpy(CMSG_DATA(&control.head) + sizeof(int) * (size_t) i, &(int){ STDOUT_FILENO },
                               sizeof(int));
        }
        if (sendmsg(sock, &m, 0) != (ssize_t) size)
                printf("# cannot send\n");
}

static void test_plain(struct tap *t, int s[2]) {
        struct msg_fds fds = { .n = 5 };
        char buf[16] = "";

        OK(t, fcntl(s[0], F_GETFD) & FD_CLOEXEC && fcntl(s[1], F_GETFD) & FD_CLOEXEC, "closed on execution");
        OK_INT(t, msg_recv(s[1], buf, sizeof buf, &fds, MSG_DONTWAIT), -EAGAIN, "nothing waits");
        OK_INT(t, fds.n, 0, "and no descriptor");
        OK_INT(t, msg_send(s[0], "one", 3, NULL), 0, "sent");
        OK_INT(t, msg_send(s[0], "two!", 4, NULL), 0, "and another");
        OK_INT(t, msg_recv(s[1], buf, sizeof buf, &fds, 0), 3, "one at a time");
        OK(t, memcmp(buf, "one", 3) == 0, "the first");
        OK_INT(t, msg_recv(s[1], buf, 4, &fds, 0), 4, "one that just fits");
        OK(t, memcmp(buf, "two!", 4) == 0, "the second");
        OK_INT(t, msg_send(s[1], "back", 4, NULL), 0, "the other way");
        OK_INT(t, msg_recv(s[0], buf, sizeof buf, &fds, 0), 4, "too");
}

static void test_fds(struct tap *t, int s[2]) {
        struct msg_fds out = { .n = 0 }, in;
        int before = count_fds();
        struct stat a, b;
        char buf[4];
        bool good = true;

        for (int i = 0; i < MSG_FDS; i++)
                out.fd[out.n++] = i % 2 ? STDOUT_FILENO : s[0];
        OK_INT(t, msg_send(s[0], "x", 1, &out), 0, "as many descriptors as promised");
        OK_INT(t, msg_recv(s[1], buf, sizeof buf, &in, 0), 1, "arrive");
        OK_INT(t, in.n, MSG_FDS, "all of them");
        for (int i = 0; i < in.n; i++)
                good = good && fstat(in.fd[i], &a) == 0 && fstat(out.fd[i], &b) == 0 && a.st_ino == b.st_ino &&
                       fcntl(in.fd[i], F_GETFD) & FD_CLOEXEC;
        OK(t, good, "in order, and closed on execution");
        msg_fds_close(&in);
        OK_INT(t, count_fds(), before, "and all are closed again");
        OK_INT(t, in.n, 0, "the list is empty");
        msg_fds_close(&in);
        out = (struct msg_fds){ .n = 1, .fd = { 9999 } };
        OK_INT(t, msg_send(s[0], "x", 1, &out), -EBADF, "a descriptor that is none");
        out.n = 0;
        OK_INT(t, msg_send(s[0], "x", 1, &out), 0, "an empty list");
        OK_INT(t, msg_recv(s[1], buf, sizeof buf, &in, 0), 1, "is a plain message");
        OK_INT(t, in.n, 0, "without descriptors");
}

static void test_bad(struct tap *t, int s[2]) {
        int before = count_fds();
        struct msg_fds in;
        char buf[4];

        send_raw(s[0], 5, 0);
        OK_INT(t, msg_recv(s[1], buf, sizeof buf, &in, 0), -EBADMSG, "one byte too long");
        send_raw(s[0], 5, 2);
        OK_INT(t, msg_recv(s[1], buf, sizeof buf, &in, 0), -EBADMSG, "too long, with descriptors");
        OK_INT(t, in.n, 0, "none of which is handed on");
        for (int n = MSG_FDS + 1; n <= 253; n += n < MSG_FDS + 4 ? 1 : 50) {
                send_raw(s[0], 1, n);
                OK_INT(t, msg_recv(s[1], buf, sizeof buf, &in, 0), -EBADMSG, "%d descriptors", n);
                OK_INT(t, in.n, 0, "none of which is handed on");
        }
        OK_INT(t, count_fds(), before, "nothing is left open");
}

static void test_end(struct tap *t) {
        struct msg_fds in;
        char buf[4];
        int s[2];

        if (msg_pair(s) < 0)
                return;
        msg_send(s[0], "x", 1, NULL);
        close(s[0]);
        OK_INT(t, msg_recv(s[1], buf, sizeof buf, &in, 0), 1, "what was sent before the end");
        OK_INT(t, msg_recv(s[1], buf, sizeof buf, &in, 0), 0, "then the end");
        OK_INT(t, msg_recv(s[1], buf, sizeof buf, &in, MSG_DONTWAIT), 0, "again");
        OK_INT(t, msg_send(s[1], "x", 1, NULL), -EPIPE, "sending there is an error, and no signal");
        close(s[1]);
}

int main(void) {
        struct tap t = { 0 };
        int s[2];

        alarm(60);
        OK_INT(&t, msg_pair(s), 0, "a pair");
        test_plain(&t, s);
        test_fds(&t, s);
        test_bad(&t, s);
        close(s[0]);
        close(s[1]);
        test_end(&t);
        return tap_done(&t);
}
