/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P: programs that are started in a running container. P is asked, a joiner (guest_join.c) makes the program
 * and ends, and P is its parent: it waits for both, passes signals on, and kills what nobody asks for any more.
 *
 * The container may kill or stop whatever is inside of it at any moment, and a joiner may have to wait for a file
 * system of the container. So nothing here waits for either of them, and no word of theirs is needed to know what was
 * born: the kernel writes its number to memory that P shares with the joiner. A child that P did not know of would
 * never be reaped, and the end of the container waits for that (pid_namespaces(7)). */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"
#include "base/str.h"
#include "run/guest_join.h"
#include "run/host_control.h"
#include "sys/cgroupfs.h"
#include "sys/resolve.h"

static pid_t *born_of(const struct control_client *c) {
        return &c->control->born[c - c->control->clients];
}

static void forget(struct control_client *c, int *fd) {
        if (*fd < 0)
                return;
        loop_forget(&c->control->run->loop, *fd);
        close(TAKE_FD(*fd));
}

/* --- the end --- */

/* The joiner's words, or those of the program before it was one. */
static void read_words(struct control_client *c) {
        struct message m;
        struct msg_fds fds;

        while (c->sock >= 0) {
                int k = protocol_receive(c->sock, MSG_DONTWAIT, &m, &fds, NULL);

                if (k == -EAGAIN)
                        return;
                if (k <= 0) {
                        forget(c, &c->sock);
                        return;
                }
                if (m.kind == MSG_GIVE && m.give == GIVE_CONSOLE && c->terminal < 0)
                        c->terminal = TAKE_FD(fds.fd[0]);
                msg_fds_close(&fds);
                if (m.kind == MSG_FAIL && !c->told) {
                        c->told = true;
                        control_tell_fail(c, &m.err);
                }
        }
}

/* Both have to be known: that the socket closed on exec, and which process it is. */
static void tell_started(struct control_client *c) {
        const struct msg_fds fds = { .n = c->terminal >= 0 ? 1 : 0, .fd = { c->terminal } };

        if (c->told || c->sock >= 0 || c->program.pid == 0)
                return;
        c->told = true;
        control_tell(c, &(struct control_message){ .kind = CONTROL_STARTED, .pid = c->program.pid }, &fds);
        forget(c, &c->terminal);
}

static void finish(struct control_client *c) {
        forget(c, &c->sock);
        forget(c, &c->terminal);
        if (!c->told && c->conn >= 0) {
                struct err e;

                err_set(&e, ERR_HOST, c->signal ? EINTR : ECHILD,
                        "the start of a program in %s was ended from outside", c->control->run->plan->machine);
                control_tell_fail(c, &e);
        }
        control_let_go(c);
}

static int on_program(void *data, short revents, struct err *e) {
        struct control_client *c = data;
        struct control_message m = { .kind = CONTROL_EXITED };
        int k = c->program.pid == 0 ? -EAGAIN : process_wait(c->program.pidfd, false, &m.code, &m.status);

        if (k == -EAGAIN)
                return 0;
        read_words(c);
        forget(c, &c->sock);
        tell_started(c);
        log_debug(LOG_LIFE, "program %d ended, code %d, status %d", (int) c->program.pid, m.code, m.status);
        forget(c, &c->program.pidfd);
        c->program.pid = 0;
        if (k == 0)
                control_tell(c, &m, NULL);
        finish(c);
        return 0;
}

static int on_words(void *data, short revents, struct err *e) {
        struct control_client *c = data;

        read_words(c);
        tell_started(c);
        return 0;
}

/* What the joiner made, if it came to that. Only a child of ours is believed in. */
static void adopt(struct control_client *c) {
        pid_t pid = *born_of(c);
        siginfo_t unused;
        int fd;

        if (pid <= 0 || waitid(P_PID, (id_t) pid, &unused, WEXITED | WNOHANG | WNOWAIT) < 0)
                return;
        fd = process_open(pid);
        if (fd < 0) {
                /* Without a descriptor it cannot be watched: the number is its own until it is reaped. */
                (void) kill(pid, SIGKILL);
                (void) waitpid(pid, NULL, 0);
                return;
        }
        c->program = (struct process){ .pid = pid, .pidfd = fd };
        if (c->conn < 0)
                c->signal = SIGKILL;
        if (c->signal)
                (void) process_signal(fd, c->signal);
        if (loop_watch(&c->control->run->loop, fd, POLLIN, on_program, c) < 0) {
                int code, status;

                /* Nobody would see its end: the client is told that there is none. */
                (void) process_signal(fd, SIGKILL);
                (void) process_wait(fd, true, &code, &status);
                forget(c, &c->program.pidfd);
                c->program.pid = 0;
        }
}

static int on_joiner(void *data, short revents, struct err *e) {
        struct control_client *c = data;
        int code, status;
        int k = c->joiner.pid == 0 ? -EAGAIN : process_wait(c->joiner.pidfd, false, &code, &status);

        if (k == -EAGAIN)
                return 0;
        log_debug(LOG_LIFE, "joiner %d ended, code %d, status %d", (int) c->joiner.pid, code, status);
        forget(c, &c->joiner.pidfd);
        c->joiner.pid = 0;
        adopt(c);
        read_words(c);
        tell_started(c);
        if (c->program.pid == 0)
                finish(c);
        return 0;
}

void control_exec_signal(struct control_client *c, int sig) {
        c->signal = sig;
        if (c->program.pid > 0)
                (void) process_signal(c->program.pidfd, sig);
        else if (c->joiner.pid > 0 && (sig == SIGTERM || sig == SIGINT || sig == SIGHUP || sig == SIGQUIT))
                (void) process_signal(c->joiner.pidfd, SIGKILL);
}

void control_exec_kill(struct control_client *c) {
        if (c->program.pid > 0)
                (void) process_signal(c->program.pidfd, SIGKILL);
        if (c->joiner.pid > 0)
                (void) process_signal(c->joiner.pidfd, SIGKILL);
}

void control_exec_end(struct control_client *c) {
        struct control_message m = { .kind = CONTROL_EXITED };

        if (c->joiner.pid > 0) {
                int code, status;

                (void) process_signal(c->joiner.pidfd, SIGKILL);
                (void) process_wait(c->joiner.pidfd, true, &code, &status);
                forget(c, &c->joiner.pidfd);
                c->joiner.pid = 0;
                adopt(c);
        }
        if (c->program.pid > 0) {
                (void) process_signal(c->program.pidfd, SIGKILL);
                if (process_wait(c->program.pidfd, true, &m.code, &m.status) == 0) {
                        tell_started(c);
                        control_tell(c, &m, NULL);
                }
                forget(c, &c->program.pidfd);
                c->program.pid = 0;
        }
        if (c->exec)
                finish(c);
}

/* --- the start --- */

/* The cgroup of the payload's PID 1, which for an init that manages cgroups is one of its own: the container's has no
 * processes then (cgroups(7), no internal processes). Returns a descriptor, or -1 for ours. */
static int open_cgroup(const struct run *r) {
        const struct plan *p = r->plan;
        char path[4200], ours[300], *at;
        int own = -ENOENT;

        if (r->held.cgroup < 0)
                return -1;
        snprintf(ours, sizeof ours, "/%s/%s%s", p->cgroup.name, str_or(p->cgroup.inner, ""),
                 p->cgroup.inner ? "/" : "");
        at = cgroupfs_of(r->opened->proc, r->held.guest.pid, path, sizeof path) == 0 ? strstr(path, ours) : NULL;
        if (at)
                own = resolve_beneath(r->held.cgroup, at + strlen(ours), O_RDONLY | O_DIRECTORY);
        return own >= 0 ? own : fcntl(r->held.cgroup, F_DUPFD_CLOEXEC, 3);
}

static int check_state(const struct run *r, struct err *e) {
        if (r->held.guest.pid <= 0 || r->life == LIFE_KILLED)
                return err_set(e, ERR_BUSY, ESRCH, "%s is ending", r->plan->machine);
        if (r->held.cgroup >= 0 && cgroupfs_frozen(r->held.cgroup) > 0) {
                err_set(e, ERR_BUSY, 0, "%s is paused", r->plan->machine);
                return err_hint(e, "berthctl resume %s", r->plan->machine);
        }
        return 0;
}

static int share_memory(struct control *control, struct err *e) {
        void *p = control->born;

        if (p)
                return 0;
        p = mmap(NULL, CONTROL_CLIENTS * sizeof *control->born, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                 0);
        if (p == MAP_FAILED)
                return err_set(e, ERR_SYSTEM, errno, "cannot share memory with a joiner");
        control->born = p;
        return 0;
}

static int clone_joiner(struct control_client *c, const struct msg_fds *fds, int theirs, struct err *e) {
        struct run *r = c->control->run;
        CLEAN_FD int cgroup = open_cgroup(r);
        struct join job = {
                .block = fds->fd[0],
                .stdio = { -1, -1, -1 },
                .sock = theirs,
                .born = born_of(c),
                .shared = c->control->born,
                .shared_size = CONTROL_CLIENTS * sizeof *c->control->born,
        };
        int k;

        for (int i = 0; fds->n == 4 && i < 3; i++)
                job.stdio[i] = fds->fd[1 + i];
        *job.born = 0;
        k = process_clone(0, cgroup, &c->joiner);
        if (k == 0)
                join_main(r, &job);
        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot make a process in the cgroup of %s", r->plan->machine) : 0;
}

int control_exec(struct control_client *c, const struct msg_fds *fds, struct err *e) {
        struct run *r = c->control->run;
        CLEAN_FD int theirs = -1;
        int pair[2], k = check_state(r, e);

        k = k < 0 ? k : share_memory(c->control, e);
        if (k < 0)
                return k;
        k = msg_pair(pair);
        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot make a socket pair");
        c->sock = pair[0];
        theirs = pair[1];
        c->exec = true;
        k = clone_joiner(c, fds, theirs, e);
        if (k < 0)
                forget(c, &c->sock);
        if (k == 0 && (loop_watch(&r->loop, c->sock, POLLIN, on_words, c) < 0 ||
                       loop_watch(&r->loop, c->joiner.pidfd, POLLIN, on_joiner, c) < 0))
                k = err_set(e, ERR_BUG, ENOSPC, "the event loop is full");
        return k;
}
