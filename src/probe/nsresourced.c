/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Is systemd-nsresourced there, and is it what answers? One call of the Varlink protocol: JSON objects with a NUL
 * behind each, over a stream socket. Nothing is asked for that would change anything. */

#include "probe/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/json_read.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/str.h"

enum { PATIENCE_MS = 2000, ANSWER_MAX = 64 * 1024 };

/* What is left of the time, for one call. */
static int set_patience(int sock, uint64_t until) {
        uint64_t now = loop_now_ms(), left = now < until ? until - now : 0;
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
        int k = sock < 0 ? -errno : set_patience(sock, until);

        snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
        if (k == 0 && connect(sock, (const struct sockaddr *) &address, sizeof address) < 0)
                k = -errno;
        return k < 0 ? k : TAKE_FD(sock);
}

/* The answer's length without its NUL. -EAGAIN: none in time; -EPROTO: it ends without one, or is too long. */
static ssize_t ask(int sock, const char *call, char answer[ANSWER_MAX], uint64_t until) {
        size_t have = 0, n = strlen(call) + 1;

        if (send(sock, call, n, MSG_NOSIGNAL) != (ssize_t) n)
                return -EAGAIN;
        while (have < ANSWER_MAX) {
                int k = set_patience(sock, until);
                ssize_t more = k < 0 ? k : recv(sock, answer + have, ANSWER_MAX - have, 0);
                const char *end;

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

static bool offers(const struct json_value *answer, const char *interface) {
        const struct json_value *list = json_member(json_member(answer, "parameters"), "interfaces");

        if (!list || list->kind != JSON_ARRAY)
                return false;
        for (const struct json_value *v = list->first; v; v = v->next)
                if (v->kind == JSON_STRING && streq(v->text, interface))
                        return true;
        return false;
}

enum id_service probe_nsresourced(const char *path, struct arena *a) {
        uint64_t until = loop_now_ms() + PATIENCE_MS;
        CLEAN_FD int sock = dial(path, until);
        char *answer = arena_alloc(a, ANSWER_MAX);
        const struct json_value *v;
        ssize_t n;

        if (sock < 0)
                return sock == -ENOENT || sock == -ENOTDIR ? ID_SERVICE_MISSING : ID_SERVICE_SILENT;
        n = ask(sock, "{\"method\":\"org.varlink.service.GetInfo\"}", answer, until);
        log_debug(LOG_PROBE, "%s: an answer of %zd bytes", path, n);
        if (n == -EAGAIN || n == -ECONNRESET)
                return ID_SERVICE_SILENT;
        if (n < 0 || json_parse(a, answer, (size_t) n, &v) < 0)
                return ID_SERVICE_OTHER;
        return offers(v, "io.systemd.NamespaceResource") ? ID_SERVICE_ANSWERS : ID_SERVICE_OTHER;
}
