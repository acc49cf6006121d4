/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P: the control socket of a running container. Clients are root's, but they may be slow, of another version,
 * or gone at any moment: nothing here waits for one, and there is room for so many. */

#include "run/host_control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/errno_text.h"
#include "base/log.h"

enum { BACKLOG = 128 };

bool control_is_free(const struct control_client *c) {
        return c->conn < 0 && c->joiner.pid == 0 && c->program.pid == 0;
}

static void close_conn(struct control_client *c) {
        if (c->conn < 0)
                return;
        loop_forget(&c->control->run->loop, c->conn);
        close(TAKE_FD(c->conn));
}

void control_let_go(struct control_client *c) {
        control_exec_kill(c);
        close_conn(c);
        c->waits = c->attached = false;
}

void control_tell(struct control_client *c, const struct control_message *m, const struct msg_fds *fds) {
        if (c->conn >= 0 && control_send(c->conn, m, fds, MSG_DONTWAIT) < 0)
                control_let_go(c);
}

void control_tell_fail(struct control_client *c, const struct err *failure) {
        control_tell(c, &(struct control_message){ .kind = CONTROL_FAIL, .err = *failure }, NULL);
}

static void tell_done(struct control_client *c) {
        control_tell(c, &(struct control_message){ .kind = CONTROL_DONE }, NULL);
}

/* --- requests --- */

static int request_exec(struct control_client *c, const struct control_message *m, const struct msg_fds *fds,
                        struct err *e) {
        return control_exec(c, fds, e);
}

static int request_signal(struct control_client *c, const struct control_message *m, const struct msg_fds *fds,
                          struct err *e) {
        const struct run *r = c->control->run;
        int k;

        if (m->signal <= 0 || m->signal >= NSIG)
                return err_set(e, ERR_USAGE, EINVAL, "%d is no signal", m->signal);
        if (c->exec) {
                control_exec_signal(c, m->signal);
                return 0;
        }
        k = r->held.guest.pid > 0 ? process_signal(r->held.guest.pidfd, m->signal) : -ESRCH;
        if (k < 0)
                return err_set(e, ERR_HOST, -k, "cannot send the signal to %s", r->plan->machine);
        tell_done(c);
        return 0;
}

static int request_event(struct control_client *c, const struct control_message *m, const struct msg_fds *fds,
                         struct err *e) {
        static const enum life_event events[] = {
                [CONTROL_STOP] = EVENT_SIGNAL,
                [CONTROL_KILL] = EVENT_KEY_KILL,
                [CONTROL_POWEROFF] = EVENT_KEY_POWEROFF,
                [CONTROL_REBOOT] = EVENT_KEY_REBOOT,
        };
        struct run *r = c->control->run;
        int k = 0;

        /* To be asked twice means no more than once: that is what sets it apart from a signal. */
        if (m->kind != CONTROL_STOP || r->life == LIFE_RUNNING)
                k = host_life_event(r, events[m->kind], m->kind == CONTROL_STOP ? SIGTERM : 0, e);
        if (k == 0)
                tell_done(c);
        return k;
}

static int request_wait(struct control_client *c, const struct control_message *m, const struct msg_fds *fds,
                        struct err *e) {
        c->waits = true;
        return 0;
}

static void tell_console(struct control_client *c) {
        const struct msg_fds fds = { .n = 1, .fd = { c->control->run->console->master } };

        control_tell(c, &(struct control_message){ .kind = CONTROL_STARTED }, &fds);
}

/* What it shows is read from its log, by any number of clients at their own pace. */
static int request_attach(struct control_client *c, const struct control_message *m, const struct msg_fds *fds,
                          struct err *e) {
        const struct run *r = c->control->run;

        if (!r->plan->console.detached) {
                err_set(e, ERR_USAGE, 0, "%s runs in the foreground: its console is where berth was started",
                        r->plan->machine);
                return err_hint(e, "berthctl shell %s opens a shell in it", r->plan->machine);
        }
        c->waits = c->attached = true;
        tell_console(c);
        return 0;
}

/* running: only while the payload runs; otherwise also during a start, which a signal to the supervisor ends as well.
 * with_exec: also on a connection that has had EXEC. */
/* clang-format off */
static const struct {
        int (*run)(struct control_client *, const struct control_message *, const struct msg_fds *, struct err *);
        bool running, with_exec;
} requests[CONTROL_REQUESTS_] = {
        [CONTROL_EXEC] = { request_exec, true, false },
        [CONTROL_SIGNAL] = { request_signal, true, true },
        [CONTROL_STOP] = { request_event, true, false },
        [CONTROL_KILL] = { request_event, true, false },
        [CONTROL_POWEROFF] = { request_event, true, false },
        [CONTROL_REBOOT] = { request_event, true, false },
        [CONTROL_WAIT] = { request_wait, false, false },
        [CONTROL_ATTACH] = { request_attach, true, false },
};
/* clang-format on */

static int answer(struct control_client *c, const struct control_message *m, const struct msg_fds *fds,
                  struct err *e) {
        const struct run *r = c->control->run;

        log_debug(LOG_LIFE, "a client asks for %s", control_name(m->kind));
        if (c->exec && !requests[m->kind].with_exec)
                return err_set(e, ERR_USAGE, EBADMSG, "%s at the wrong time", control_name(m->kind));
        if (requests[m->kind].running && r->life == LIFE_STARTING) {
                err_set(e, ERR_BUSY, EAGAIN, "%s is still starting", r->plan->machine);
                return err_hint(e, "try again in a moment");
        }
        return requests[m->kind].run(c, m, fds, e);
}

static int on_client(void *data, short revents, struct err *e) {
        struct control_client *c = data;
        struct err failure = { .kind = ERR_NONE };
        struct control_message m;
        struct msg_fds fds;
        int k;

        if (c->conn < 0)
                return 0;
        k = control_receive(c->conn, MSG_DONTWAIT, true, &m, &fds);
        if (k == -EAGAIN)
                return 0;
        if (k == -EPROTONOSUPPORT)
                err_set(&failure, ERR_HOST, 0, "the supervisor of %s is of another version of berth",
                        c->control->run->plan->machine);
        if (k > 0) {
                k = answer(c, &m, &fds, &failure);
                msg_fds_close(&fds);
                if (k >= 0)
                        return 0;
        }
        /* A request that fails is the client's matter, and never the container's. */
        if (failure.kind != ERR_NONE)
                control_tell_fail(c, &failure);
        control_let_go(c);
        return 0;
}

/* --- connections --- */

static bool is_trusted(int conn) {
        struct ucred who;
        socklen_t size = sizeof who;

        return getsockopt(conn, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 && size == sizeof who &&
               (who.uid == 0 || who.uid == geteuid());
}

static struct control_client *find_place(struct control *control) {
        for (int i = 0; i < CONTROL_CLIENTS; i++)
                if (control_is_free(&control->clients[i]))
                        return &control->clients[i];
        return NULL;
}

static void init_client(struct control *control, struct control_client *c) {
        *c = (struct control_client){ .control = control,
                                      .conn = -1,
                                      .joiner = { .pidfd = -1 },
                                      .program = { .pidfd = -1 },
                                      .sock = -1,
                                      .terminal = -1 };
}

static int on_listener(void *data, short revents, struct err *e) {
        struct control *control = data;
        CLEAN_FD int conn = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        struct control_client *c;

        if (conn < 0 || !is_trusted(conn))
                return 0;
        c = find_place(control);
        if (!c) {
                struct control_message m = { .kind = CONTROL_FAIL };

                err_set(&m.err, ERR_BUSY, EUSERS, "%s serves %d clients already", control->run->plan->machine,
                        CONTROL_CLIENTS);
                (void) control_send(conn, &m, NULL, MSG_DONTWAIT);
                return 0;
        }
        init_client(control, c);
        c->conn = TAKE_FD(conn);
        if (loop_watch(&control->run->loop, c->conn, POLLIN, on_client, c) < 0)
                control_let_go(c);
        return 0;
}

/* --- life --- */

/* The directory is ours: it holds the record that we have locked. What a killed supervisor left there is in the way.
 */
static int open_listener(const char *machine) {
        CLEAN_FD int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct sockaddr_un at = { .sun_family = AF_UNIX };
        int k;

        if (sock < 0)
                return -errno;
        k = record_control_path(machine, at.sun_path, sizeof at.sun_path);
        if (k < 0)
                return k;
        if (bind(sock, (const struct sockaddr *) &at, sizeof at) < 0 &&
            (errno != EADDRINUSE || unlink(at.sun_path) < 0 ||
             bind(sock, (const struct sockaddr *) &at, sizeof at) < 0))
                return -errno;
        /* Our umask is 0; only the directory's mode stands before it. */
        if (chmod(at.sun_path, 0600) < 0 || listen(sock, BACKLOG) < 0) {
                k = -errno;
                (void) unlink(at.sun_path);
                return k;
        }
        return TAKE_FD(sock);
}

void host_control_init(struct control *control, struct run *r) {
        *control = (struct control){ .run = r, .listener = -1 };
        for (int i = 0; i < CONTROL_CLIENTS; i++)
                init_client(control, &control->clients[i]);
}

int host_control_watch(struct run *r, struct err *e) {
        struct control *control = r->control;
        int k = 0;

        if (control->listener < 0)
                control->listener = open_listener(r->plan->machine);
        if (control->listener < 0) {
                if (!r->quiet)
                        dprintf(STDERR_FILENO, "berth: %s cannot be controlled by berthctl: %s\n", r->plan->machine,
                                errno_text(-control->listener));
                control->listener = -1;
                return 0;
        }
        k = loop_watch(&r->loop, control->listener, POLLIN, on_listener, control);
        for (int i = 0; k == 0 && i < CONTROL_CLIENTS; i++)
                if (control->clients[i].conn >= 0)
                        k = loop_watch(&r->loop, control->clients[i].conn, POLLIN, on_client, &control->clients[i]);
        return k < 0 ? err_set(e, ERR_BUG, -k, "the event loop is full") : 0;
}

void host_control_end_start(struct run *r) {
        if (!r->control)
                return;
        for (int i = 0; i < CONTROL_CLIENTS; i++)
                control_exec_end(&r->control->clients[i]);
}

void host_control_new_console(struct run *r) {
        for (int i = 0; r->plan->console.detached && i < CONTROL_CLIENTS; i++)
                if (r->control->clients[i].attached)
                        tell_console(&r->control->clients[i]);
}

void host_control_close(struct run *r) {
        char path[128];

        if (!r->control || r->control->listener < 0 || record_control_path(r->plan->machine, path, sizeof path) < 0)
                return;
        /* Twice: nobody comes back to clean up after a passing failure. */
        if (unlink(path) < 0)
                (void) unlink(path);
        close(TAKE_FD(r->control->listener));
}

void host_control_end(struct run *r, int status) {
        struct control *control = r->control;

        if (!control)
                return;
        for (int i = 0; i < CONTROL_CLIENTS; i++) {
                struct control_client *c = &control->clients[i];

                if (c->waits)
                        control_tell(c, &(struct control_message){ .kind = CONTROL_ENDED, .status = status }, NULL);
                control_let_go(c);
        }
        if (control->born)
                munmap(control->born, CONTROL_CLIENTS * sizeof *control->born);
        r->control = NULL;
}
