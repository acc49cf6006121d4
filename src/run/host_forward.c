/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P: the host's systemd-journal-remote, which writes down what the container's journald sends to a socket
 * (--forward-journal=). It is our child from before the guest is born until that is gone. The socket is ours, and the
 * program gets it as a service gets one from its manager (sd_listen_fds(3)); so nothing of the journal is lost that is
 * sent before the program reads. */

#include "run/run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/parse.h"
#include "base/str.h"

enum { READY_MS = 20 * 1000, END_MS = 5 * 1000, LOOK_MS = 2, LOOKS = 2500, BACKLOG = 16, FIRST_FD = 3 };

/* mode: what is in the directory above is root's alone; inside, the payload's journald is somebody else. */
static int listen_at(const char *path, int type, mode_t mode) {
        CLEAN_FD int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        if (fd < 0)
                return -errno;
        if (snprintf(address.sun_path, sizeof address.sun_path, "%s", path) >= (int) sizeof address.sun_path)
                return -ENAMETOOLONG;
        (void) unlink(path); /* of a run that was killed */
        if (bind(fd, (const struct sockaddr *) &address, sizeof address) < 0 || chmod(path, mode) < 0 ||
            (type == SOCK_STREAM && listen(fd, BACKLOG) < 0))
                return -errno;
        return TAKE_FD(fd);
}

static int spawn(struct run *r, int sock) {
        const struct plan *p = r->plan;
        const char *argv[8] = { "systemd-journal-remote" };
        char number[32] = "LISTEN_PID=", notify[160];
        char *env[] = { number, notify, (char *) "LISTEN_FDS=1", (char *) "SYSTEMD_LOG_LEVEL=err", NULL };
        const struct process_spawn want = {
                .path = p->forward.program,
                .argv = (char *const *) argv,
                .env = env,
                .fd = FIRST_FD,
                .keep_stderr = true,
                .number = number + strlen(number),
                .dies_with_us = true,
        };
        pid_t pid;

        snprintf(notify, sizeof notify, "NOTIFY_SOCKET=%s", p->forward.ready);
        for (size_t i = 0; i < p->forward.args.n && i + 2 < ELEMENTS(argv); i++)
                argv[i + 1] = p->forward.args.items[i];
        pid = process_spawn(&want, sock);
        if (pid < 0)
                return pid;
        r->held.receiver.pid = pid;
        r->held.receiver.pidfd = process_open(pid);
        return r->held.receiver.pidfd < 0 ? r->held.receiver.pidfd : 0;
}

int host_forward_take(struct run *r, struct err *e) {
        const struct plan *p = r->plan;
        CLEAN_FD int sock = -1;
        int k;

        if (!p->forward.program)
                return 0;
        r->held.receiver_ready = listen_at(p->forward.ready, SOCK_DGRAM, 0600);
        if (r->held.receiver_ready < 0)
                return err_set(e, ERR_HOST, -r->held.receiver_ready, "cannot make the socket %s", p->forward.ready);
        sock = listen_at(p->forward.socket, SOCK_STREAM, 0666);
        if (sock < 0)
                return err_set(e, ERR_HOST, -sock, "cannot make the socket %s", p->forward.socket);
        k = spawn(r, sock);
        if (k == 0)
                return 0;
        err_set(e, ERR_HOST, -k, "cannot run %s", p->forward.program);
        return err_blame(e, "forward-journal", NULL);
}

/* What it could not do it has said itself. */
static int has_ended(struct run *r, struct err *e) {
        int code = 0, status = 0;

        if (process_wait(r->held.receiver.pidfd, true, &code, &status) == 0)
                r->held.receiver.pid = 0;
        err_set(e, ERR_HOST, 0, "--forward-journal=: %s does not start (%s %d)", r->plan->forward.program,
                code == CLD_EXITED ? "exit status" : "signal", status);
        err_blame(e, "forward-journal", NULL);
        return err_hint(e, r->plan->forward.args.n > 2
                                   ? "not all of them know limits; and it must be able to write there"
                                   : "it must be able to write there");
}

static bool is_ready(int sock) {
        char text[256];
        ssize_t n = recv(sock, text, sizeof text - 1, MSG_DONTWAIT);

        if (n <= 0)
                return false;
        text[n] = '\0';
        return strstr(text, "READY=1");
}

/* Late: until then it starts beside the guest. A wrong place for the journal ends the start. */
int host_forward_await(struct run *r, struct err *e) {
        struct pollfd fds[] = {
                { .fd = r->held.receiver_ready, .events = POLLIN },
                { .fd = r->held.receiver.pidfd, .events = POLLIN },
        };
        int k = r->held.receiver_ready < 0 ? 0 : 1;

        while (k > 0) {
                do
                        k = poll(fds, ELEMENTS(fds), READY_MS);
                while (k < 0 && errno == EINTR);
                if (k > 0 && fds[0].revents && is_ready(r->held.receiver_ready))
                        break;
                if (k > 0 && fds[1].revents)
                        return has_ended(r, e);
        }
        if (k == 0 && r->held.receiver_ready >= 0)
                return err_set(e, ERR_HOST, ETIMEDOUT, "%s does not get ready", r->plan->forward.program);
        clean_fd(&r->held.receiver_ready);
        r->held.receiver_ready = -1;
        return 0;
}

/* The container goes on without. */
static int on_end(void *data, short revents, struct err *e) {
        struct run *r = data;
        int code, status;

        loop_forget(&r->loop, r->held.receiver.pidfd);
        if (process_wait(r->held.receiver.pidfd, false, &code, &status) < 0)
                return 0;
        r->held.receiver.pid = 0;
        dprintf(STDERR_FILENO, "berth: %s has ended (%s %d): the journal of %s is not forwarded any more\n",
                r->plan->forward.program, code == CLD_EXITED ? "exit status" : "signal", status, r->plan->machine);
        return 0;
}

int host_forward_watch(struct run *r, struct err *e) {
        int k = r->held.receiver.pid > 0 ? loop_watch(&r->loop, r->held.receiver.pidfd, POLLIN, on_end, r) : 0;

        return k < 0 ? err_set(e, ERR_BUG, -k, "the event loop is full") : 0;
}

/* Is this a connection to our socket, or the socket itself and somebody waits there? */
static bool is_work(const struct run *r, int fd) {
        struct sockaddr_un name = { 0 };
        struct pollfd caller = { .fd = fd, .events = POLLIN };
        socklen_t size = sizeof name - 1, n = sizeof(int);
        int listens = 0;

        if (getsockname(fd, (struct sockaddr *) &name, &size) < 0 || name.sun_family != AF_UNIX ||
            !streq(name.sun_path, r->plan->forward.socket))
                return false;
        return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) < 0 || !listens || poll(&caller, 1, 0) > 0;
}

static bool has_work(const struct run *r) {
        CLEAN_DIR DIR *dir = NULL;
        char path[32];
        bool work = false;
        int fd;

        snprintf(path, sizeof path, "%d/fd", (int) r->held.receiver.pid);
        fd = openat(r->opened->proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        dir = fd < 0 ? NULL : fdopendir(fd);
        for (struct dirent *d; dir && !work && (d = readdir(dir));) {
                CLEAN_FD int theirs = -1;
                uint64_t number;

                if (parse_u64(d->d_name, FIRST_FD, INT32_MAX, &number) < 0)
                        continue;
                theirs = process_borrow(r->held.receiver.pidfd, (int) number);
                work = theirs >= 0 && is_work(r, theirs);
        }
        return work;
}

/* Asked to end, it reads nothing more. The container is gone, so what there is to read comes to an end, and with it
 * the connections. Then it finishes its file. */
static void end_receiver(struct run *r) {
        struct pollfd end = { .fd = r->held.receiver.pidfd, .events = POLLIN };
        int code, status;

        for (int i = 0; i < LOOKS && has_work(r); i++)
                if (poll(&end, 1, LOOK_MS) > 0)
                        break;
        (void) process_signal(r->held.receiver.pidfd, SIGTERM);
        while (poll(&end, 1, END_MS) < 0 && errno == EINTR)
                ;
        (void) process_signal(r->held.receiver.pidfd, SIGKILL);
        (void) process_wait(r->held.receiver.pidfd, true, &code, &status);
        r->held.receiver.pid = 0;
}

void host_forward_drop(struct run *r) {
        if (!r->plan->forward.program)
                return;
        if (r->held.receiver.pid > 0 && r->held.receiver.pidfd >= 0)
                end_receiver(r);
        clean_fd(&r->held.receiver.pidfd);
        clean_fd(&r->held.receiver_ready);
        r->held.receiver.pidfd = r->held.receiver_ready = -1;
        (void) unlink(r->plan->forward.socket);
        (void) unlink(r->plan->forward.ready);
}
