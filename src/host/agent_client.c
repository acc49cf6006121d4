/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P: the service manager by way of berth-agent. Nothing here waits, and nothing that the agent says is
 * believed before it was looked at. */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"
#include "base/msg.h"
#include "base/str.h"
#include "host/agent.h"
#include "host/host.h"

extern char **environ;

void agent_environment(const char *ret[AGENT_VARIABLES]) {
        static const char names[][26] = {
                "DBUS_SYSTEM_BUS_ADDRESS=",
                "DBUS_SESSION_BUS_ADDRESS=",
                "XDG_RUNTIME_DIR=",
                "BERTH_DEBUG=",
        };
        size_t n = 0;

        for (char **v = environ; v && *v; v++)
                for (size_t i = 0; i < ELEMENTS(names) && n + 1 < AGENT_VARIABLES; i++)
                        if (str_after(*v, names[i]))
                                ret[n++] = *v;
        ret[n] = NULL;
}

static int begin(struct manager *m, const struct plan *p, struct err *e) {
        char *const argv[] = { (char *) "berth-agent", (char *) (p->unit.user ? "user" : "system"), NULL };
        const char *env[AGENT_VARIABLES];
        struct process_spawn spawn = { .path = p->unit.agent, .argv = argv, .fd = AGENT_FD };
        CLEAN_FD int theirs = -1;
        int pair[2], k = msg_pair(pair);

        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot make a socket pair");
        theirs = pair[1];
        agent_environment(env);
        spawn.env = (char *const *) env;
        spawn.keep_stderr = log_on(LOG_MSG);
        k = process_spawn(&spawn, theirs);
        if (k < 0) {
                close(pair[0]);
                return err_set(e, ERR_HOST, -k, "cannot run %s", p->unit.agent);
        }
        m->fd = pair[0];
        m->pid = k;
        m->state = AGENT_IDLE;
        return 0;
}

static int say(struct manager *m, const struct agent_message *msg, int fd, struct err *e) {
        enum agent_state state = (enum agent_state) m->state;
        int k;

        if (m->fd < 0)
                return err_set(e, ERR_HOST, ENOTCONN, "berth-agent is gone");
        if (!agent_step(&state, msg->head.kind, MANAGER_WORK_NONE))
                return err_set(e, ERR_BUG, 0, "%s is not for now", agent_kind_name(msg->head.kind));
        k = agent_send(m->fd, msg, fd);
        if (k < 0)
                return err_set(e, ERR_HOST, -k, "cannot send %s to berth-agent", agent_kind_name(msg->head.kind));
        m->state = (int) state;
        return 0;
}

static int send_unit(struct manager *m, enum agent_kind kind, const struct plan *p, const struct process *leader,
                     struct err *e) {
        struct agent_message msg;
        int k;

        agent_message_init(&msg, kind);
        msg.head.leader = leader->pid;
        msg.head.supervisor = p->unit.supervisor ? getpid() : 0;
        k = agent_add(&msg, p->unit.name);
        k = k < 0 ? k : agent_add(&msg, p->unit.description);
        k = k < 0 ? k : agent_add(&msg, p->unit.slice);
        for (size_t i = 0; k == 0 && i < p->unit.properties.n; i++)
                k = agent_add(&msg, p->unit.properties.items[i]);
        if (k < 0)
                return err_set(e, ERR_USAGE, -k, "the properties of %s are too long", p->unit.name);
        return say(m, &msg, leader->pidfd, e);
}

static int place(struct manager *m, const struct plan *p, const struct process *leader, struct err *e) {
        return send_unit(m, AGENT_PLACE, p, leader, e);
}

static int send_machine(struct manager *m, const struct plan *p, const struct process *leader, bool again,
                        struct err *e) {
        struct agent_message msg;
        int k;

        agent_message_init(&msg, AGENT_ANNOUNCE);
        msg.head.leader = leader->pid;
        msg.head.again = again;
        memcpy(msg.head.uuid, p->id.uuid, sizeof msg.head.uuid);
        k = agent_add(&msg, p->machine);
        k = k < 0 ? k : agent_add(&msg, p->unit.service);
        /* Of an image the host has no directory (org.freedesktop.machine1(5), RootDirectory). */
        k = k < 0 ? k : agent_add(&msg, p->root.image ? "" : p->root.path);
        return k < 0 ? err_set(e, ERR_USAGE, -k, "the path of %s is too long", p->machine)
                     : say(m, &msg, leader->pidfd, e);
}

static int announce(struct manager *m, const struct plan *p, const struct process *leader, struct err *e) {
        return send_machine(m, p, leader, false, e);
}

static int leave(struct manager *m, bool again, struct err *e) {
        struct agent_message msg;

        agent_message_init(&msg, AGENT_LEAVE);
        msg.head.again = again;
        return say(m, &msg, -1, e);
}

/* It ends by itself when we are gone from its socket. To wait for that is of no use: who ends later than we do is the
 * host's init's to reap. */
static void end(struct manager *m) {
        clean_fd(&m->fd);
        m->fd = -1;
        if (m->pid > 0 && waitpid(m->pid, NULL, WNOHANG) != 0)
                m->pid = 0;
}

/* What has closed its socket without being asked to does nothing any more. It closes that a moment before it can be
 * waited for, and nobody would do so later. */
static void bury(struct manager *m) {
        if (m->pid <= 0)
                return;
        (void) kill(m->pid, SIGKILL);
        (void) waitpid(m->pid, NULL, 0);
        m->pid = 0;
}

static int resume(struct manager *m, const struct plan *p, const struct process *leader, bool announced,
                  struct err *e) {
        int k;

        end(m);
        k = begin(m, p, e);
        k = k < 0 || !p->unit.scope ? k : send_unit(m, AGENT_ADOPT, p, leader, e);
        k = k < 0 || !announced ? k : send_machine(m, p, leader, true, e);
        if (k < 0)
                end(m);
        return k;
}

static enum manager_event event_of(enum agent_kind kind) {
        static const enum manager_event events[AGENT_KIND_MAX_] = {
                [AGENT_PLACED] = MANAGER_PLACED, [AGENT_ANNOUNCED] = MANAGER_ANNOUNCED,
                [AGENT_LEFT] = MANAGER_LEFT,     [AGENT_STOP] = MANAGER_STOP,
                [AGENT_NOTE] = MANAGER_NOTE,     [AGENT_FAILED] = MANAGER_FAILED,
        };

        return events[kind];
}

static int receive(struct manager *m, struct manager_report *ret, struct err *e) {
        struct agent_message msg;
        enum agent_state state = (enum agent_state) m->state;
        int fd = -1, k = m->fd < 0 ? -EAGAIN : agent_receive(m->fd, &msg, &fd);

        *ret = (struct manager_report){ .event = MANAGER_NOTHING };
        clean_fd(&fd);
        if (k == -EAGAIN)
                return 0;
        if (k == 0) {
                bury(m);
                ret->event = MANAGER_LOST;
                err_set(&ret->err, ERR_HOST, 0, "berth-agent has ended");
                return 0;
        }
        if (k < 0)
                return err_set(e, ERR_BUG, -k, "cannot understand berth-agent");
        if (agent_from_launcher(msg.head.kind) || !agent_step(&state, msg.head.kind, msg.head.work))
                return err_set(e, ERR_BUG, EBADMSG, "berth-agent said %s at the wrong time",
                               agent_kind_name(msg.head.kind));
        /* An answer that crossed our LEAVE is none any more. */
        if (m->state == AGENT_LEAVING && state == AGENT_LEAVING && msg.head.kind != AGENT_NOTE)
                return 0;
        m->state = (int) state;
        *ret = (struct manager_report){ event_of(msg.head.kind), msg.head.work, msg.head.err };
        return 0;
}

struct manager manager_agent(void) {
        static const struct manager_ops ops = {
                .begin = begin,
                .place = place,
                .announce = announce,
                .leave = leave,
                .resume = resume,
                .receive = receive,
                .end = end,
        };

        return (struct manager){ .ops = &ops, .fd = -1 };
}
