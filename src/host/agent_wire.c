/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/agent.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"
#include "base/msg.h"

#define VERSION   0x62720003u
#define IN(state) (1u << (state))

/* What may be said in which states, and what state follows. */
static const struct {
        char name[10];
        bool from_launcher;
        unsigned states;
        enum agent_state next;
} kinds[AGENT_KIND_MAX_] = {
        [AGENT_NONE] = { "nothing" },
        [AGENT_PLACE] = { "PLACE", true, IN(AGENT_IDLE), AGENT_PLACING },
        [AGENT_ADOPT] = { "ADOPT", true, IN(AGENT_IDLE), AGENT_HELD },
        [AGENT_ANNOUNCE] = { "ANNOUNCE", true, IN(AGENT_IDLE) | IN(AGENT_HELD), AGENT_ANNOUNCING },
        [AGENT_LEAVE] = { "LEAVE", true, IN(AGENT_PLACING) | IN(AGENT_HELD) | IN(AGENT_ANNOUNCING), AGENT_LEAVING },
        [AGENT_PLACED] = { "PLACED", false, IN(AGENT_PLACING), AGENT_HELD },
        [AGENT_ANNOUNCED] = { "ANNOUNCED", false, IN(AGENT_ANNOUNCING), AGENT_HELD },
        [AGENT_LEFT] = { "LEFT", false, IN(AGENT_LEAVING), AGENT_IDLE },
        [AGENT_FAILED] = { "FAILED", false, IN(AGENT_PLACING) | IN(AGENT_ANNOUNCING), AGENT_HELD },
        [AGENT_STOP] = { "STOP", false, IN(AGENT_PLACING) | IN(AGENT_HELD) | IN(AGENT_ANNOUNCING), AGENT_STATE_MAX_ },
        [AGENT_NOTE] = { "NOTE", false, ~0u, AGENT_STATE_MAX_ },
};

/* LEAVE and an answer may cross: what P hears late is no news. */
static bool is_late(enum agent_state state, enum agent_kind kind) {
        return state == AGENT_LEAVING &&
               (kind == AGENT_PLACED || kind == AGENT_ANNOUNCED || kind == AGENT_FAILED || kind == AGENT_STOP);
}

bool agent_step(enum agent_state *state, enum agent_kind kind, enum manager_work work) {
        if (is_late(*state, kind))
                return true;
        if ((unsigned) kind >= AGENT_KIND_MAX_ || !(kinds[kind].states & IN(*state)))
                return false;
        if (kind == AGENT_FAILED && (work == MANAGER_WORK_PLACE) != (*state == AGENT_PLACING))
                return false;
        if (kinds[kind].next != AGENT_STATE_MAX_)
                *state = kinds[kind].next;
        return true;
}

bool agent_from_launcher(enum agent_kind kind) {
        return (unsigned) kind < AGENT_KIND_MAX_ && kinds[kind].from_launcher;
}

const char *agent_kind_name(enum agent_kind kind) {
        return (unsigned) kind < AGENT_KIND_MAX_ ? kinds[kind].name : "unknown";
}

void agent_message_init(struct agent_message *m, enum agent_kind kind) {
        m->head = (struct agent_head){ .version = VERSION, .kind = kind };
        m->used = m->n = 0;
}

int agent_add(struct agent_message *m, const char *s) {
        size_t n = strlen(s) + 1;

        if (n > sizeof m->text - m->used || m->n == AGENT_STRINGS)
                return -E2BIG;
        memcpy(m->text + m->used, s, n);
        m->used += n;
        m->n++;
        return 0;
}

static int send_parts(int sock, const struct agent_message *m, struct msghdr *h) {
        struct iovec parts[2] = { { (void *) &m->head, sizeof m->head }, { (void *) m->text, m->used } };
        ssize_t n;

        h->msg_iov = parts;
        h->msg_iovlen = m->used > 0 ? 2 : 1;
        do
                n = sendmsg(sock, h, MSG_NOSIGNAL | MSG_DONTWAIT);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : 0;
}

int agent_send(int sock, const struct agent_message *m, int fd) {
        union {
                struct cmsghdr head;
                char room[CMSG_SPACE(sizeof fd)];
        } control = { 0 };
        struct msghdr h = { 0 };
        int k;

        if (fd >= 0) {
                h.msg_control = &control;
                h.msg_controllen = sizeof control;
                control.head.cmsg_level = SOL_SOCKET;
                control.head.cmsg_type = SCM_RIGHTS;
                control.head.cmsg_len = CMSG_LEN(sizeof fd);
                memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
        }
        k = send_parts(sock, m, &h);
        log_debug(LOG_MSG, "agent: sent %s (%d)", agent_kind_name(m->head.kind), k);
        return k;
}

/* What came is data of another process: checked like any input. */
static bool well_formed(struct agent_message *m) {
        const struct agent_head *h = &m->head;

        if (h->version != VERSION || h->kind <= AGENT_NONE || h->kind >= AGENT_KIND_MAX_ ||
            (unsigned) h->work >= MANAGER_WORK_MAX_ || (unsigned) h->err.kind >= ERR_KIND_MAX_ || h->err.code < 0)
                return false;
        if (m->used > 0 && m->text[m->used - 1] != '\0')
                return false;
        for (size_t at = 0; at < m->used; at += strlen(m->text + at) + 1) {
                if (m->n == AGENT_STRINGS)
                        return false;
                m->strings[m->n++] = m->text + at;
        }
        m->strings[m->n] = NULL;
        if (h->kind == AGENT_FAILED && (h->work == MANAGER_WORK_NONE || h->err.kind == ERR_NONE))
                return false;
        switch (h->kind) {
        case AGENT_PLACE:
        case AGENT_ADOPT: return m->n >= (size_t) PLACE_PROPERTIES;
        case AGENT_ANNOUNCE: return m->n >= (size_t) ANNOUNCE_STRINGS;
        default: return true;
        }
}

int agent_receive(int sock, struct agent_message *ret, int *ret_fd) {
        struct {
                struct agent_head head;
                char text[AGENT_TEXT];
        } data;
        struct msg_fds fds;
        ssize_t n = msg_recv(sock, &data, sizeof data, &fds, MSG_DONTWAIT);

        *ret_fd = -1;
        if (n <= 0)
                return (int) n;
        memcpy(&ret->head, &data.head, sizeof ret->head);
        ret->n = 0;
        ret->used = (size_t) n > sizeof data.head ? (size_t) n - sizeof data.head : 0;
        memcpy(ret->text, data.text, ret->used);
        if ((size_t) n < sizeof data.head || fds.n > 1 || !well_formed(ret)) {
                msg_fds_close(&fds);
                return -EBADMSG;
        }
        err_terminate(&ret->head.err);
        *ret_fd = fds.n > 0 ? fds.fd[0] : -1;
        log_debug(LOG_MSG, "agent: received %s", agent_kind_name(ret->head.kind));
        return 1;
}
