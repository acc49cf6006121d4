/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Verbs that talk to somebody: the service manager's sockets, the host's sockets and keys. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "inside.h"

static int connect_unix(const char *name, int type) {
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        size_t n = strlen(name);
        int fd;

        if (n == 0 || n >= sizeof a.sun_path)
                return -1;
        memcpy(a.sun_path, name, n);
        if (name[0] == '@')
                a.sun_path[0] = '\0';
        fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
        if (fd >= 0 &&
            connect(fd, (struct sockaddr *) &a, (socklen_t) (offsetof(struct sockaddr_un, sun_path) + n)) < 0) {
                int error = errno;

                close(fd);
                errno = error;
                return -1;
        }
        return fd;
}

/* notify TEXT...: one datagram, a line for each word. */
static int talk_notify(int argc, char **argv) {
        const char *path = getenv("NOTIFY_SOCKET");
        char text[4096] = "";
        int fd;

        for (int i = 0; i < argc; i++) {
                size_t n = strlen(text);

                snprintf(text + n, sizeof text - n, "%s\n", argv[i]);
        }
        fd = path ? connect_unix(path, SOCK_DGRAM) : (errno = ENOENT, -1);
        if (fd < 0)
                return tell("notify", -1);
        return tell("notify", send(fd, text, strlen(text), MSG_NOSIGNAL));
}

/* barrier TEXT...: like notify, and then BARRIER=1 with the end of a pipe, as sd_notify_barrier(3) does: done when the
 * other closes it, and so has read all that was said before. */
static int talk_barrier(int argc, char **argv) {
        const char *path = getenv("NOTIFY_SOCKET");
        char text[] = "BARRIER=1";
        int ends[2], fd = path ? connect_unix(path, SOCK_DGRAM) : (errno = ENOENT, -1);
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int))];
        } control = { 0 };
        struct iovec iov = { text, sizeof text - 1 };
        struct msghdr m = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
        };

        if (argc > 0 && talk_notify(argc, argv) != 0)
                return 1;
        if (fd < 0 || pipe2(ends, O_CLOEXEC) < 0)
                return tell("barrier", -1);
        control.header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
                                           .cmsg_type = SCM_RIGHTS,
                                           .cmsg_len = CMSG_LEN(sizeof(int)) };
        memcpy(CMSG_DATA(&control.header), &ends[1], sizeof(int));
        if (sendmsg(fd, &m, MSG_NOSIGNAL) < 0)
                return tell("barrier", -1);
        close(ends[1]);
        struct pollfd p = { .fd = ends[0], .events = 0 };
        if (poll(&p, 1, 5000) != 1) {
                errno = ETIMEDOUT;
                return tell("barrier", -1);
        }
        return tell("barrier", 0);
}

/* store NAME [stay]: a file in memory and a device, to be kept by the service manager. */
static int talk_store(int argc, char **argv) {
        const char *path = getenv("NOTIFY_SOCKET");
        int fd = path ? connect_unix(path, SOCK_DGRAM) : (errno = ENOENT, -1);
        int kept[] = { memfd_create("kept", MFD_CLOEXEC), open("/dev/null", O_RDWR | O_CLOEXEC) };
        char text[300];
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof kept)];
        } control = { 0 };
        struct iovec iov = { text, 0 };
        struct msghdr m = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
        };

        if (argc < 1 || argc > 2)
                return 2;
        if (fd < 0 || kept[0] < 0 || kept[1] < 0)
                return tell("store", -1);
        iov.iov_len = (size_t) snprintf(text, sizeof text, "FDSTORE=1\nFDNAME=%s", argv[0]);
        control.header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
                                           .cmsg_type = SCM_RIGHTS,
                                           .cmsg_len = CMSG_LEN(sizeof kept) };
        memcpy(CMSG_DATA(&control.header), kept, sizeof kept);
        if (tell("store", sendmsg(fd, &m, MSG_NOSIGNAL)) != 0)
                return 1;
        return argc == 2 ? pause() : 0;
}

/* What was passed by socket activation, and a word into each. */
static int talk_listen(int argc, char **argv) {
        const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID"), *names = getenv("LISTEN_FDNAMES");

        (void) argc;
        (void) argv;
        printf("fds %s\n", fds ? fds : "none");
        printf("pid %s\n", !pid ? "none" : atoi(pid) == getpid() ? "own" : pid);
        printf("names %s\n", names ? names : "none");
        for (int fd = 3; fds && fd < 3 + atoi(fds); fd++) {
                int listening = 0;
                socklen_t n = sizeof listening;

                printf("fd %d %s", fd,
                       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n) < 0 ? outcome(errno)
                       : listening                                                   ? "listening"
                                                                                     : "no");
                printf(" cloexec %d\n", fcntl(fd, F_GETFD) & FD_CLOEXEC);
        }
        return 0;
}

/* connect NAME: a socket by path, or @NAME in the abstract name space. */
static int talk_connect(int argc, char **argv) {
        return argc == 1 ? tell(argv[0], connect_unix(argv[0], SOCK_STREAM)) : 2;
}

static int talk_tcp(int argc, char **argv) {
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd;

        if (argc != 1)
                return 2;
        a.sin_port = htons((uint16_t) atoi(argv[0]));
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        return tell("tcp", fd < 0 ? -1 : connect(fd, (struct sockaddr *) &a, sizeof a));
}

/* key NAME: is a key of that name in the session's or the user's keyring? KEYCTL_SEARCH is 10. */
static int talk_key(int argc, char **argv) {
        static const struct {
                const char *name;
                long ring;
        } rings[] = { { "session", -3 }, { "user", -4 }, { "user-session", -5 } };

        if (argc != 1)
                return 2;
        for (size_t i = 0; i < sizeof rings / sizeof rings[0]; i++) {
                long key = syscall(SYS_keyctl, 10L, rings[i].ring, "user", argv[0], 0L);

                printf("%s %s\n", rings[i].name, key < 0 ? outcome(errno) : "FOUND");
        }
        return 0;
}

/* The session keyring's serial number and description: KEYCTL_GET_KEYRING_ID is 0, KEYCTL_DESCRIBE 6. */
static int talk_session(int argc, char **argv) {
        char text[256] = "";
        long id = syscall(SYS_keyctl, 0L, -3L, 0L);

        (void) argc;
        (void) argv;
        if (id < 0)
                return tell("session", -1);
        if (syscall(SYS_keyctl, 6L, id, text, sizeof text - 1) < 0)
                return tell("session", -1);
        printf("session %ld %s\n", id, text);
        return 0;
}

static const struct verb items[] = {
        { "notify", talk_notify, "TEXT...: to $NOTIFY_SOCKET" },
        { "barrier", talk_barrier, "[TEXT...]: the same, and wait until $NOTIFY_SOCKET was read" },
        { "store", talk_store, "NAME [stay]: a descriptor for $NOTIFY_SOCKET to keep" },
        { "listen", talk_listen, "what socket activation passed" },
        { "connect", talk_connect, "PATH|@NAME: can it be reached" },
        { "tcp", talk_tcp, "PORT: can it be reached on loopback" },
        { "key", talk_key, "NAME: can the key be found" },
        { "session", talk_session, "the session keyring" },
};
const struct verbs verbs_talk = { items, sizeof items / sizeof items[0] };
