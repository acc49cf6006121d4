/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P: sd_notify(3) in both directions: to our own service manager, and from the payload. */

#include "run/run.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"
#include "base/str.h"

enum { PAYLOAD_OF_STUB = 2 };

void host_notify(const struct run *r, const char *text) {
        const char *path = r->facts->caller.notify ? getenv("NOTIFY_SOCKET") : NULL;
        struct sockaddr_un to = { .sun_family = AF_UNIX };
        CLEAN_FD int sock = -1;
        size_t n = path ? strlen(path) : 0;

        if (n < 2 || n >= sizeof to.sun_path || (path[0] != '/' && path[0] != '@'))
                return;
        memcpy(to.sun_path, path, n);
        if (path[0] == '@')
                to.sun_path[0] = '\0';
        sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (sock >= 0)
                (void) sendto(sock, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *) &to,
                              (socklen_t) (offsetof(struct sockaddr_un, sun_path) + n));
}

/* Descriptors that come along are closed: closing is also what ends the wait of a BARRIER=1 (sd_notify_barrier(3)). */
static pid_t read_control(struct msghdr *m) {
        pid_t sender = 0;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
                if (c->cmsg_level != SOL_SOCKET)
                        continue;
                if (c->cmsg_type == SCM_CREDENTIALS) {
                        struct ucred who;

                        memcpy(&who, CMSG_DATA(c), sizeof who);
                        sender = who.pid;
                }
                for (size_t i = 0; c->cmsg_type == SCM_RIGHTS && i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
                        int fd;

                        memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
                        close(fd);
                }
        }
        return sender;
}

static bool has_line(const char *text, const char *line) {
        size_t n = strlen(line);

        for (const char *s = text; s; s = strchr(s, '\n') ? strchr(s, '\n') + 1 : NULL)
                if (strncmp(s, line, n) == 0 && (s[n] == '\n' || s[n] == '\0'))
                        return true;
        return false;
}

static void pass_status(const struct run *r, const char *text) {
        const char *status = str_after(text, "STATUS=");
        char line[512], clean[400], cut[400];

        if (!status) {
                status = strstr(text, "\nSTATUS=");
                status = status ? status + strlen("\nSTATUS=") : NULL;
        }
        if (!status)
                return;
        snprintf(cut, sizeof cut, "%.*s", (int) strcspn(status, "\n"), status);
        snprintf(line, sizeof line, "STATUS=Container running: %s", str_escape(cut, clean, sizeof clean));
        host_notify(r, line);
}

/* Only PID 1 of the payload is believed, and below the stub init the one process that the stub has started. Its
 * number inside is never another's: with it ends the container. */
static bool is_believed(const struct run *r, pid_t sender) {
        pid_t inside;

        if (sender == r->held.guest.pid)
                return true;
        return r->plan->exec.mode == EXEC_STUB &&
               process_inside(r->opened->proc, sender, r->held.guest.pid, &inside) == 0 && inside == PAYLOAD_OF_STUB;
}

static int on_notify(void *data, short revents, struct err *e) {
        struct run *r = data;
        char text[4096 + 1];
        union {
                struct cmsghdr head;
                char room[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int) * 253)];
        } control;
        struct iovec iov = { text, sizeof text - 1 };
        struct msghdr m = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
        };
        ssize_t n = recvmsg(r->held.notify, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        pid_t sender;

        if (n < 0)
                return 0;
        sender = read_control(&m);
        if (!is_believed(r, sender) || m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
                log_debug(LOG_LIFE, "notification from process %d ignored", (int) sender);
                return 0;
        }
        text[n] = '\0';
        if (has_line(text, "READY=1") && !r->told_ready) {
                r->told_ready = true;
                host_notify(r, "READY=1");
                host_caller_ready(r);
        }
        pass_status(r, text);
        return 0;
}

int host_notify_watch(struct run *r, struct err *e) {
        int k = loop_watch(&r->loop, r->held.notify, POLLIN, on_notify, r);

        return k < 0 ? err_set(e, ERR_BUG, -k, "the event loop is full") : 0;
}
