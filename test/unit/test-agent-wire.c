/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What launcher and berth-agent say to each other: the table of states, and messages that are none. */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/msg.h"
#include "base/str.h"
#include "host/agent.h"
#include "unit/tap.h"

static void test_states(struct tap *t) {
        /* In the order of enum agent_state: what is allowed there. L: the launcher's, a: the agent's. */
        static const struct {
                enum agent_kind kind;
                bool in[AGENT_STATE_MAX_];
        } rows[] = {
                { AGENT_PLACE, { true, false, false, false, false } },
                { AGENT_ADOPT, { true, false, false, false, false } },
                { AGENT_ANNOUNCE, { true, false, true, false, false } },
                { AGENT_LEAVE, { false, true, true, true, false } },
                /* The last of these cross a LEAVE. */
                { AGENT_PLACED, { false, true, false, false, true } },
                { AGENT_ANNOUNCED, { false, false, false, true, true } },
                { AGENT_STOP, { false, true, true, true, true } },
                { AGENT_LEFT, { false, false, false, false, true } },
                { AGENT_NOTE, { true, true, true, true, true } },
                { AGENT_NONE, { false, false, false, false, false } },
                { AGENT_KIND_MAX_, { false, false, false, false, false } },
        };

        for (size_t i = 0; i < ELEMENTS(rows); i++)
                for (int s = 0; s < AGENT_STATE_MAX_; s++) {
                        enum agent_state state = (enum agent_state) s;

                        OK_INT(t, agent_step(&state, rows[i].kind, MANAGER_WORK_NONE), rows[i].in[s], "%s in state %d",
                               agent_kind_name(rows[i].kind), s);
                }
}

static void test_way(struct tap *t) {
        static const enum agent_kind kinds[] = { AGENT_PLACE, AGENT_PLACED, AGENT_ANNOUNCE, AGENT_ANNOUNCED,
                                                 AGENT_STOP,  AGENT_LEAVE,  AGENT_LEFT,     AGENT_PLACE };
        enum agent_state state = AGENT_IDLE;

        for (size_t i = 0; i < ELEMENTS(kinds); i++)
                OK(t, agent_step(&state, kinds[i], MANAGER_WORK_NONE), "%s", agent_kind_name(kinds[i]));
        OK_INT(t, state, AGENT_PLACING, "a restart begins again");
        OK(t, !agent_step(&state, AGENT_FAILED, MANAGER_WORK_ANNOUNCE), "what was not asked for cannot fail");
        OK(t, agent_step(&state, AGENT_FAILED, MANAGER_WORK_PLACE), "what was asked for can");
        OK_INT(t, state, AGENT_HELD, "and is left like any other");
        state = AGENT_IDLE;
        OK(t, agent_step(&state, AGENT_ADOPT, MANAGER_WORK_NONE), "another agent takes it over");
        OK(t, agent_step(&state, AGENT_STOP, MANAGER_WORK_NONE), "hears that it shall end");
        OK(t, agent_step(&state, AGENT_ANNOUNCE, MANAGER_WORK_NONE), "registers it anew");
        OK(t, agent_step(&state, AGENT_LEAVE, MANAGER_WORK_NONE), "and leaves it");
}

static void test_whole(struct tap *t) {
        struct agent_message out, in;
        int s[2], fd = -1;

        OK_INT(t, msg_pair(s), 0, "a pair");
        agent_message_init(&out, AGENT_PLACE);
        out.head.leader = 7;
        OK_INT(t, agent_add(&out, "a.scope") + agent_add(&out, "") + agent_add(&out, "b c"), 0, "three strings");
        OK_INT(t, agent_send(s[0], &out, s[0]), 0, "sent with a descriptor");
        OK_INT(t, agent_receive(s[1], &in, &fd), 1, "received");
        OK(t, in.head.kind == AGENT_PLACE && in.head.leader == 7 && in.n == 3, "as it was");
        OK(t, streq(in.strings[0], "a.scope") && !*in.strings[1] && streq(in.strings[2], "b c") && !in.strings[3],
           "with its strings");
        OK(t, fd >= 0, "and the descriptor");
        close(fd);
        OK_INT(t, agent_receive(s[1], &in, &fd), -EAGAIN, "nothing more");
        close(s[0]);
        OK_INT(t, agent_receive(s[1], &in, &fd), 0, "end of file");
        close(s[1]);
}

static void receives(struct tap *t, const struct agent_message *m, const char *what) {
        struct agent_message in;
        int s[2], fd;

        if (msg_pair(s) < 0)
                return;
        OK_INT(t, agent_send(s[0], m, s[0]), 0, "sent: %s", what);
        OK_INT(t, agent_receive(s[1], &in, &fd), -EBADMSG, "refused: %s", what);
        OK_INT(t, fd, -1, "without a descriptor: %s", what);
        close(s[0]);
        close(s[1]);
}

static void test_malformed(struct tap *t) {
        struct agent_message m;
        int s[2], fd;

        agent_message_init(&m, AGENT_LEAVE);
        m.head.version++;
        receives(t, &m, "another version");
        agent_message_init(&m, AGENT_KIND_MAX_);
        receives(t, &m, "an unknown kind");
        agent_message_init(&m, AGENT_PLACE);
        receives(t, &m, "a unit without a name");
        agent_message_init(&m, AGENT_ADOPT);
        receives(t, &m, "a unit without a name, taken over");
        agent_message_init(&m, AGENT_NOTE);
        m.head.err.kind = ERR_KIND_MAX_;
        receives(t, &m, "an unknown kind of error");
        agent_message_init(&m, AGENT_FAILED);
        m.head.work = MANAGER_WORK_PLACE;
        receives(t, &m, "a failure without an error");
        agent_message_init(&m, AGENT_ANNOUNCE);
        (void) (agent_add(&m, "a"), agent_add(&m, "b"), agent_add(&m, "c"));
        m.used--;
        receives(t, &m, "a string without an end");
        if (msg_pair(s) < 0)
                return;
        OK(t, send(s[0], "x", 1, 0) == 1, "one byte");
        OK_INT(t, agent_receive(s[1], &m, &fd), -EBADMSG, "is no message");
        close(s[0]);
        close(s[1]);
}

static void test_full(struct tap *t) {
        struct agent_message m;
        char text[4096];
        int k = 0, n = 0;

        memset(text, 'x', sizeof text - 1);
        text[sizeof text - 1] = '\0';
        agent_message_init(&m, AGENT_PLACE);
        while (k == 0 && n < 100)
                k = agent_add(&m, text), n++;
        OK_INT(t, k, -E2BIG, "there is an end to text");
        agent_message_init(&m, AGENT_PLACE);
        for (k = n = 0; k == 0 && n < 10000; n++)
                k = agent_add(&m, "");
        OK_INT(t, k, -E2BIG, "and to strings");
        OK_INT(t, n, AGENT_STRINGS + 1, "at their number");
}

/* A launcher that does not read must not stop the agent, nor the other way round. */
static void test_no_wait(struct tap *t) {
        struct agent_message m;
        int s[2], k = 0;

        if (msg_pair(s) < 0)
                return;
        agent_message_init(&m, AGENT_NOTE);
        for (int i = 0; k == 0 && i < 100000; i++)
                k = agent_send(s[0], &m, -1);
        OK_INT(t, k, -EAGAIN, "a full socket is said");
        close(s[0]);
        close(s[1]);
}

int main(void) {
        struct tap t = { 0 };

        test_states(&t);
        test_way(&t);
        test_whole(&t);
        test_malformed(&t);
        test_full(&t);
        test_no_wait(&t);
        return tap_done(&t);
}
