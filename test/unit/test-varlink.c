/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* base/varlink.c: one call, against services that do it well and badly. */

#include "base/varlink.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/msg.h"
#include "unit/tap.h"

enum way { WAY_WHOLE, WAY_PIECES, WAY_NO_NUL, WAY_HANG_UP, WAY_SILENT, WAY_GIVEN_UP, WAY_ENDLESS };

/* In a directory of our own. */
static char path[64];

static void say(int sock, const char *text, size_t n) {
        if (send(sock, text, n, MSG_NOSIGNAL) != (ssize_t) n)
                _exit(1);
}

/* Answers the first caller with what it got: the call, and the kind of descriptor that came with it. */
static void serve(int sock, enum way way) {
        char call[256] = "", answer[512];
        struct msg_fds fds = { 0 };
        struct stat st = { 0 };
        int n;

        sock = accept4(sock, NULL, NULL, SOCK_CLOEXEC);
        if (way == WAY_HANG_UP)
                _exit(0);
        if (msg_recv(sock, call, sizeof call, &fds, 0) <= 0)
                _exit(1);
        if (fds.n > 0)
                fstat(fds.fd[0], &st);
        n = snprintf(answer, sizeof answer, "%s %d%s", call, fds.n, S_ISDIR(st.st_mode) ? " directory" : "") + 1;
        if (way == WAY_WHOLE)
                say(sock, answer, (size_t) n);
        for (int i = 0; i < n && way == WAY_PIECES; i++) {
                say(sock, answer + i, 1);
                usleep(1000);
        }
        if (way == WAY_NO_NUL)
                say(sock, answer, (size_t) n - 1);
        while (way == WAY_ENDLESS)
                say(sock, call, 1);
        if (way == WAY_SILENT || way == WAY_GIVEN_UP)
                pause();
        _exit(0);
}

static bool at_once(void) {
        return true;
}

static ssize_t ask(enum way way, int fd, char answer[VARLINK_ANSWER_MAX]) {
        const struct varlink_call call = { path, "{\"method\":\"x\"}", fd, way == WAY_SILENT ? 200 : 10000,
                                           way == WAY_GIVEN_UP ? at_once : NULL };
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        CLEAN_FD int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ssize_t n;
        pid_t pid;

        memcpy(address.sun_path, path, sizeof path);
        unlink(path);
        if (bind(sock, (const struct sockaddr *) &address, sizeof address) < 0 || listen(sock, 1) < 0)
                return -EIO;
        fflush(stdout);
        pid = fork();
        if (pid == 0)
                serve(sock, way);
        n = varlink_ask(&call, answer);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return n;
}

int main(void) {
        static char answer[VARLINK_ANSWER_MAX];
        const struct varlink_call nobody = { path, "{}", -1, 1000, NULL };
        char base[] = "/tmp/test-varlink-XXXXXX";
        CLEAN_FD int dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct tap t = { 0 };

        alarm(60);
        if (!mkdtemp(base))
                return 99;
        snprintf(path, sizeof path, "%s/socket", base);
        OK_INT(&t, varlink_ask(&nobody, answer), -ENOENT, "nobody is there");
        OK_INT(&t, ask(WAY_WHOLE, -1, answer), strlen("{\"method\":\"x\"} 0"), "a call and its answer");
        OK_STR(&t, answer, "{\"method\":\"x\"} 0", "without a descriptor");
        ask(WAY_WHOLE, dir, answer);
        OK_STR(&t, answer, "{\"method\":\"x\"} 1 directory", "with one");
        answer[0] = '\0';
        ask(WAY_PIECES, -1, answer);
        OK_STR(&t, answer, "{\"method\":\"x\"} 0", "an answer that comes in pieces");
        OK_INT(&t, ask(WAY_NO_NUL, -1, answer), -EPROTO, "one that is not whole");
        OK(&t, ask(WAY_HANG_UP, -1, answer) < 0, "a service that hangs up");
        OK_INT(&t, ask(WAY_ENDLESS, -1, answer), -EPROTO, "one that goes on for ever");
        OK_INT(&t, ask(WAY_SILENT, -1, answer), -EAGAIN, "one that says nothing");
        OK_INT(&t, ask(WAY_GIVEN_UP, -1, answer), -EINTR, "one that is not waited for");
        unlink(path);
        rmdir(base);
        return tap_done(&t);
}
