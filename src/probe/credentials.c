/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/path_hint.h"
#include "base/str.h"
#include "plan/plan.h"

enum { PATIENCE_S = 30, PATIENCE_WORD_S = 90 };

/* A name without a slash is a credential that berth got itself (systemd.exec(5), LoadCredential=). */
static int open_source(const struct credential *c, char **env, struct arena *a, struct err *e) {
        const char *dir = NULL, *path = c->source;
        int fd;

        for (; *env && !dir; env++)
                dir = str_after(*env, "CREDENTIALS_DIRECTORY=");
        if (!strchr(path, '/')) {
                if (!dir || *dir != '/') {
                        err_set(e, ERR_USAGE, 0, "--load-credential=%s: berth itself has no credentials", c->id);
                        return err_hint(e, "a path has a slash in it: ./%s", path);
                }
                path = arena_printf(a, "%s/%s", dir, path);
        }
        fd = open(path, O_PATH | O_CLOEXEC);
        if (fd >= 0)
                return fd;
        err_set(e, ERR_HOST, errno, "--load-credential=%s: cannot open %s", c->id, path);
        return err_hint_path(e, path);
}

/* connect(2) takes a path only: it leads through the descriptor. */
static int connect_to(int fd) {
        CLEAN_FD int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        const struct timeval patience = { .tv_sec = PATIENCE_S };

        snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", fd);
        /* Who listens may neither take us nor say anything. */
        if (sock < 0 || setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0 ||
            setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0)
                return -errno;
        if (connect(sock, (const struct sockaddr *) &address, sizeof address) < 0)
                return errno == EAGAIN ? -ETIMEDOUT : -errno;
        return TAKE_FD(sock);
}

static int open_content(int fd) {
        char path[32];
        struct stat st;
        int content;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (S_ISSOCK(st.st_mode))
                return connect_to(fd);
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        /* Of a FIFO the writer may come later. */
        content = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        return content < 0 ? -errno : content;
}

static int read_content(int fd, struct arena *a, struct credential *c) {
        char *data = arena_alloc(a, CREDENTIAL_MAX + 1);
        const struct file_patience patience = { PATIENCE_S, PATIENCE_WORD_S };
        ssize_t n = file_read_awaited(fd, data, CREDENTIAL_MAX + 1, &patience);

        c->data = data;
        c->size = n > 0 ? (size_t) n : 0;
        return n < 0 ? (int) n : n > CREDENTIAL_MAX ? -EFBIG : 0;
}

static int cannot_read(const struct credential *c, int code, struct err *e) {
        err_set(e, ERR_HOST, code == ETIME ? ETIMEDOUT : code, "--load-credential=%s: cannot read %s", c->id,
                c->source);
        switch (code) {
        case ETIMEDOUT: return err_hint(e, "nothing came within %d seconds", PATIENCE_S);
        case ETIME:
                return err_hint(e, "it is open to be written to, but nothing came for %d seconds", PATIENCE_WORD_S);
        case EFBIG: return err_hint(e, "a credential has at most 1 MiB");
        case EISDIR: return err_hint(e, "name a file in it");
        case ECONNREFUSED: return err_hint(e, "nobody listens at that socket");
        default: return -code;
        }
}

static int load(struct credential *c, char **env, struct arena *a, struct err *e) {
        CLEAN_FD int source = open_source(c, env, a, e), content = -1;
        int k;

        if (source < 0)
                return source;
        content = open_content(source);
        k = content < 0 ? content : read_content(content, a, c);
        return k < 0 ? cannot_read(c, -k, e) : 0;
}

int probe_credentials(const struct spec *s, char **env, struct arena *a, struct credential_list *ret, struct err *e) {
        for (size_t i = 0; i < s->credentials.n; i++) {
                struct credential c = s->credentials.items[i];
                int k = c.source ? load(&c, env, a, e) : 0;

                if (k < 0)
                        return k;
                *arena_push(a, ret) = c;
        }
        /* systemd-journald(8), CREDENTIALS: no secret, but a way to tell it. */
        if (s->forward.to)
                *arena_push(a, ret) = (struct credential){
                        .id = FORWARD_CREDENTIAL,
                        .data = PLAN_JOURNAL_SOCKET,
                        .size = strlen(PLAN_JOURNAL_SOCKET),
                };
        return 0;
}
