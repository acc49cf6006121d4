/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P: sd_notify(3) in both directions: to our own service manager, and from the payload. */

#include "run/run.h"

#include <errno.h>
#include <linux/magic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"
#include "base/str.h"

enum { PAYLOAD_OF_STUB = 2 };

/* What the payload sent, while it is looked at. */
enum { NOTIFY_FDS = 253 }; /* SCM_MAX_FD of the kernel */
struct notice {
        char text[4096 + 1];
        pid_t sender;
        int fds[NOTIFY_FDS];
        size_t n_fds;
};

static void close_all(struct notice *n) {
        for (size_t i = 0; i < n->n_fds; i++)
                close(n->fds[i]);
        n->n_fds = 0;
}

void notify_send(const char *path, const char *text, const int *fds, size_t n_fds) {
        struct sockaddr_un to = { .sun_family = AF_UNIX };
        union {
                struct cmsghdr head;
                char room[CMSG_SPACE(sizeof(int) * NOTIFY_FDS)];
        } control;
        struct iovec iov = { (char *) text, strlen(text) };
        struct msghdr m = { .msg_name = &to, .msg_iov = &iov, .msg_iovlen = 1 };
        CLEAN_FD int sock = -1;
        size_t n = path ? strlen(path) : 0;

        if (n < 2 || n >= sizeof to.sun_path || (path[0] != '/' && path[0] != '@'))
                return;
        memcpy(to.sun_path, path, n);
        if (path[0] == '@')
                to.sun_path[0] = '\0';
        m.msg_namelen = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + n);
        if (n_fds > 0) {
                m.msg_control = &control;
                m.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
                control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int) * n_fds),
                                                 .cmsg_level = SOL_SOCKET,
                                                 .cmsg_type = SCM_RIGHTS };
                memcpy(CMSG_DATA(&control.head), fds, sizeof(int) * n_fds);
        }
        sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (sock >= 0)
                (void) sendmsg(sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void send_on(const struct run *r, const char *text, const int *fds, size_t n_fds) {
        if (r->facts->caller.notify)
                notify_send(getenv("NOTIFY_SOCKET"), text, fds, n_fds);
}

void host_notify(const struct run *r, const char *text) {
        send_on(r, text, NULL, 0);
}

/* Descriptors are closed when the message is dealt with: that is also what ends the wait of a BARRIER=1
 * (sd_notify_barrier(3)). */
static void read_control(struct msghdr *m, struct notice *to) {
        for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
                if (c->cmsg_level != SOL_SOCKET)
                        continue;
                if (c->cmsg_type == SCM_CREDENTIALS) {
                        struct ucred who;

                        memcpy(&who, CMSG_DATA(c), sizeof who);
                        to->sender = who.pid;
                }
                if (c->cmsg_type == SCM_RIGHTS) {
                        to->n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                        memcpy(to->fds, CMSG_DATA(c), to->n_fds * sizeof(int));
                }
        }
}

static bool has_line(const char *text, const char *line) {
        size_t n = strlen(line);

        for (const char *s = text; s; s = strchr(s, '\n') ? strchr(s, '\n') + 1 : NULL)
                if (strncmp(s, line, n) == 0 && (s[n] == '\n' || s[n] == '\0'))
                        return true;
        return false;
}

/* The value behind KEY= in one of the lines, cut to room. NULL where there is none. */
static const char *value_of(const char *text, const char *key, char *buf, size_t room) {
        for (const char *s = text; s; s = strchr(s, '\n') ? strchr(s, '\n') + 1 : NULL) {
                const char *value = str_after(s, key);

                if (!value)
                        continue;
                snprintf(buf, room, "%.*s", (int) strcspn(value, "\n"), value);
                return buf;
        }
        return NULL;
}

static void pass_status(const struct run *r, const char *text) {
        char line[512], clean[400], cut[400];

        if (!value_of(text, "STATUS=", cut, sizeof cut))
                return;
        snprintf(line, sizeof line, "STATUS=Container running: %s", str_escape(cut, clean, sizeof clean));
        host_notify(r, line);
}

/* What the manager can keep without asking anybody: reading from a file system that a process serves, or closing such
 * a file, waits for that process. */
static bool may_be_stored(int fd) {
        struct stat st;
        struct statfs fs;

        if (fstat(fd, &st) < 0)
                return false;
        if (S_ISSOCK(st.st_mode) || S_ISFIFO(st.st_mode))
                return true;
        return S_ISREG(st.st_mode) && fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

/* sd_pid_notify_with_fds(3): at most 255 characters, ASCII without control characters and colons. */
static const char *store_name(const char *text, char buf[256]) {
        const char *name = value_of(text, "FDNAME=", buf, 256);

        for (const char *c = name; c && *c; c++)
                if (*c < ' ' || *c > '~' || *c == ':')
                        return NULL;
        return name && *name ? name : NULL;
}

/* What the payload wants to find again after a restart: our own manager keeps it, and hands it back as LISTEN_FDS. It
 * is not watched meanwhile: the manager would ask the payload's own files for news. */
static void pass_store(const struct run *r, const struct notice *n) {
        char buf[256], line[320];
        const char *name = store_name(n->text, buf);
        int fds[NOTIFY_FDS];
        size_t n_fds = 0;

        if (name && has_line(n->text, "FDSTOREREMOVE=1")) {
                snprintf(line, sizeof line, "FDSTOREREMOVE=1\nFDNAME=%s", name);
                host_notify(r, line);
                return;
        }
        if (!has_line(n->text, "FDSTORE=1"))
                return;
        for (size_t i = 0; i < n->n_fds; i++)
                if (may_be_stored(n->fds[i]))
                        fds[n_fds++] = n->fds[i];
        snprintf(line, sizeof line, "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", str_or(name, "stored"));
        if (n_fds > 0)
                send_on(r, line, fds, n_fds);
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

static void on_believed(struct run *r, const struct notice *n) {
        r->service.stirred = true;
        if (has_line(n->text, "READY=1") && !r->told_ready) {
                r->told_ready = true;
                host_notify(r, "READY=1");
                host_caller_ready(r);
        }
        pass_status(r, n->text);
        pass_store(r, n);
}

/* One message; false: there is none. */
static bool read_notice(struct run *r) {
        struct notice notice = { .sender = 0 };
        union {
                struct cmsghdr head;
                char room[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int) * NOTIFY_FDS)];
        } control;
        struct iovec iov = { notice.text, sizeof notice.text - 1 };
        struct msghdr m = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
        };
        ssize_t n = recvmsg(r->held.notify, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

        if (n < 0)
                return false;
        notice.text[n] = '\0';
        read_control(&m, &notice);
        if (is_believed(r, notice.sender) && !(m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
                on_believed(r, &notice);
        else
                log_debug(LOG_LIFE, "notification from process %d ignored", (int) notice.sender);
        close_all(&notice);
        return true;
}

static int on_notify(void *data, short revents, struct err *e) {
        (void) read_notice(data);
        return 0;
}

/* The rest, when nothing more can come from who is believed; others could go on for ever. */
void host_notify_drain(struct run *r) {
        for (int i = 0; i < 64 && r->held.notify >= 0 && read_notice(r); i++)
                ;
}

int host_notify_watch(struct run *r, struct err *e) {
        int k = loop_watch(&r->loop, r->held.notify, POLLIN, on_notify, r);

        return k < 0 ? err_set(e, ERR_BUG, -k, "the event loop is full") : 0;
}
