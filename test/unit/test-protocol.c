/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* run/protocol.c: which message may come when, and that nothing malformed gets through. */

#include "run/protocol.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/str.h"
#include "stub/block.h"
#include "unit/tap.h"

enum { STATES = START_GONE + 1 };

/* Each message in each state, written out: a change of the tables must be made here too. h: the launcher accepts it,
 * g: the guest does, -: nobody. */
static const struct {
        enum message_kind kind;
        const char *name, *in[STATES];
} matrix[] = {
        /*                         NONE SENT TREES PLACED READY GONE */
        { MSG_NONE, "nothing", { "-", "-", "-", "-", "-", "-" } },
        { MSG_START, "START", { "g", "-", "-", "-", "-", "-" } },
        { MSG_TREES, "TREES", { "-", "g", "-", "-", "-", "-" } },
        { MSG_PLACED, "PLACED", { "-", "-", "g", "-", "-", "-" } },
        { MSG_GO, "GO", { "-", "-", "-", "-", "g", "-" } },
        { MSG_GIVE, "GIVE", { "-", "h", "h", "h", "-", "-" } },
        { MSG_READY, "READY", { "-", "-", "-", "h", "-", "-" } },
        { MSG_FAIL, "FAIL", { "h", "h", "h", "h", "h", "h" } },
        { MSG_REPORT, "REPORT", { "-", "-", "-", "-", "-", "h" } },
        { MSG_KIND_MAX_, "unknown", { "-", "-", "-", "-", "-", "-" } },
        { (enum message_kind) - 1, "unknown", { "-", "-", "-", "-", "-", "-" } },
        { (enum message_kind) 1000, "unknown", { "-", "-", "-", "-", "-", "-" } },
};

static void test_tables(struct tap *t) {
        for (size_t i = 0; i < ELEMENTS(matrix); i++) {
                OK_STR(t, message_name(matrix[i].kind), matrix[i].name, "name of message %d", (int) matrix[i].kind);
                for (int s = 0; s < STATES; s++) {
                        const char *want = matrix[i].in[s];
                        bool host = protocol_host_accepts((enum start_state) s, matrix[i].kind);
                        bool guest = protocol_guest_accepts((enum start_state) s, matrix[i].kind);

                        OK(t, host == streq(want, "h") && guest == streq(want, "g"), "%s in state %d: %s",
                           matrix[i].name, s, want);
                }
        }
        OK_INT(t, ELEMENTS(matrix), MSG_KIND_MAX_ + 3, "each message is in the table above");
}

static int count_fds(void) {
        CLEAN_DIR DIR *d = opendir("/proc/self/fd");
        int n = 0;

        while (d && readdir(d))
                n++;
        return n;
}

/* What arrives when these bytes and n descriptors are sent: the result of protocol_receive(). */
static int exchange(const void *data, size_t size, int n, struct message *m, struct msg_fds *in, struct err *e) {
        struct msg_fds out = { .n = n };
        int s[2], r = -1;

        for (int i = 0; i < n; i++)
                out.fd[i] = STDOUT_FILENO;
        if (msg_pair(s) < 0)
                return -1;
        memset(m, 0xaa, sizeof *m);
        *e = (struct err){ 0 };
        if (msg_send(s[0], data, size, &out) == 0)
                r = protocol_receive(s[1], MSG_DONTWAIT, m, in, e);
        close(s[0]);
        close(s[1]);
        return r;
}

static const size_t HEAD = offsetof(struct message, err);

static void test_good(struct tap *t) {
        static const struct {
                enum message_kind kind;
                int n;
        } cases[] = { { MSG_START, 0 }, { MSG_PLACED, 0 },      { MSG_GO, 0 },  { MSG_READY, 0 },
                      { MSG_TREES, 1 }, { MSG_TREES, MSG_FDS }, { MSG_GIVE, 1 } };
        struct msg_fds in;
        struct message m;
        struct err e;

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct message out = {
                        .kind = cases[i].kind, .give = GIVE_KMSG, .pid = 4711, .slots = { SLOT_ROOT, 3 }
                };

                OK_INT(t, exchange(&out, HEAD, cases[i].n, &m, &in, &e), 1, "%s with %d descriptors",
                       message_name(out.kind), cases[i].n);
                OK(t,
                   m.kind == out.kind && m.give == GIVE_KMSG && m.pid == 4711 && m.slots[0] == SLOT_ROOT &&
                           m.slots[1] == 3 && in.n == cases[i].n,
                   "as it was sent");
                msg_fds_close(&in);
        }
}

static void test_malformed(struct tap *t) {
        const struct err good = { .kind = ERR_HOST, .code = 1, .text = "x" };
        const struct {
                const char *what;
                struct message m;
                size_t size;
                int n;
        } cases[] = {
                { "one byte short", { .kind = MSG_READY }, HEAD - 1, 0 },
                { "one byte long", { .kind = MSG_READY }, HEAD + 1, 0 },
                { "one byte", { .kind = MSG_READY }, 1, 0 },
                { "READY as long as FAIL", { .kind = MSG_READY }, sizeof(struct message), 0 },
                { "FAIL as short as READY", { .kind = MSG_FAIL, .err = good }, HEAD, 0 },
                { "FAIL one byte short", { .kind = MSG_FAIL, .err = good }, sizeof(struct message) - 1, 0 },
                { "FAIL without an error", { .kind = MSG_FAIL }, sizeof(struct message), 0 },
                { "FAIL with an unknown kind",
                  { .kind = MSG_FAIL, .err.kind = ERR_KIND_MAX_ },
                  sizeof(struct message),
                  0 },
                { "FAIL with a negative kind",
                  { .kind = MSG_FAIL, .err.kind = (enum err_kind) - 1 },
                  sizeof(struct message),
                  0 },
                { "FAIL with a negative code",
                  { .kind = MSG_FAIL, .err = { .kind = ERR_HOST, .code = -1 } },
                  sizeof(struct message),
                  0 },
                { "FAIL with an unknown fact",
                  { .kind = MSG_FAIL, .err = good, .refuted = (enum refutable) 99 },
                  sizeof(struct message),
                  0 },
                { "FAIL with a descriptor", { .kind = MSG_FAIL, .err = good }, sizeof(struct message), 1 },
                { "an unknown message", { .kind = MSG_KIND_MAX_ }, HEAD, 0 },
                { "a negative message", { .kind = (enum message_kind) - 1 }, HEAD, 0 },
                { "REPORT that is none of the stub's", { .kind = MSG_REPORT }, HEAD, 0 },
                { "READY with a descriptor", { .kind = MSG_READY }, HEAD, 1 },
                { "GIVE without one", { .kind = MSG_GIVE }, HEAD, 0 },
                { "GIVE with two", { .kind = MSG_GIVE }, HEAD, 2 },
                { "GIVE of an unknown thing", { .kind = MSG_GIVE, .give = GIVE_MAX_ }, HEAD, 1 },
                { "GIVE of a negative thing", { .kind = MSG_GIVE, .give = (enum give) - 1 }, HEAD, 1 },
                { "TREES without descriptors", { .kind = MSG_TREES }, HEAD, 0 },
        };
        int before = count_fds();
        struct msg_fds in;
        struct message m;
        struct err e;

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                OK_INT(t, exchange(&cases[i].m, cases[i].size, cases[i].n, &m, &in, &e), -EBADMSG, "%s",
                       cases[i].what);
                OK_INT(t, e.kind, ERR_BUG, "is a bug");
                OK_INT(t, in.n, 0, "and hands no descriptor on");
        }
        OK_INT(t, count_fds(), before, "nothing is left open");
}

/* Nobody has promised that the texts are terminated. */
static void test_fail(struct tap *t) {
        struct message out = { .kind = MSG_FAIL, .refuted = REFUTED_SUBMOUNTS }, m;
        struct msg_fds in;
        struct err e;
        int s[2];

        memset(&out.err, 'x', sizeof out.err);
        out.err.kind = ERR_SYSTEM;
        out.err.code = 5;
        OK_INT(t, exchange(&out, sizeof out, 0, &m, &in, &e), 1, "FAIL with texts without an end");
        OK(t,
           strnlen(m.err.where, sizeof m.err.where) < sizeof m.err.where &&
                   strnlen(m.err.text, sizeof m.err.text) < sizeof m.err.text &&
                   strnlen(m.err.hint, sizeof m.err.hint) < sizeof m.err.hint &&
                   strnlen(m.err.setting, sizeof m.err.setting) < sizeof m.err.setting &&
                   strnlen(m.err.word, sizeof m.err.word) < sizeof m.err.word,
           "they end all the same");
        OK_INT(t, m.refuted, REFUTED_SUBMOUNTS, "the fact that was wrong");
        if (msg_pair(s) < 0)
                return;
        err_set_at(&e, "here", ERR_PAYLOAD, ENOENT, "cannot run it");
        protocol_send_fail(s[0], &e, REFUTED_MKNOD);
        OK_INT(t, protocol_receive(s[1], 0, &m, &in, NULL), 1, "FAIL as the guest sends it");
        OK(t, m.kind == MSG_FAIL && m.refuted == REFUTED_MKNOD && memcmp(&m.err, &e, sizeof e) == 0, "arrives whole");
        close(s[0]);
        close(s[1]);
}

static void test_report(struct tap *t) {
        struct stub_report out = { STUB_MAGIC, STUB_STEP_EXEC, ENOENT };
        char line[200];
        struct msg_fds in;
        struct message m;
        struct err e;

        OK_INT(t, exchange(&out, sizeof out, 0, &m, &in, &e), 1, "a report of the stub");
        OK(t, m.kind == MSG_REPORT && m.err.kind == ERR_PAYLOAD && m.err.code == ENOENT, "the payload was not found");
        for (uint32_t step = 0; step < 12; step++) {
                out.step = step == 11 ? UINT32_MAX : step;
                OK_INT(t, exchange(&out, sizeof out, 0, &m, &in, &e), 1, "step %u", out.step);
                err_format(&m.err, false, line, sizeof line);
                OK(t,
                   m.err.kind == (step == STUB_STEP_EXEC ? ERR_PAYLOAD : ERR_SYSTEM) && !strstr(line, "(null)") &&
                           strlen(line) > 20,
                   "%s", line);
        }
        OK_INT(t, exchange(&out, sizeof out, 1, &m, &in, &e), -EBADMSG, "a report with a descriptor");
        OK_INT(t, exchange(&out, sizeof out - 1, 0, &m, &in, &e), -EBADMSG, "one that is short");
        out.code = -2;
        OK_INT(t, exchange(&out, sizeof out, 0, &m, &in, &e), -EBADMSG, "a negative code");
        out.code = 2;
        out.magic++;
        OK_INT(t, exchange(&out, sizeof out, 0, &m, &in, &e), -EBADMSG, "another magic number");
}

static void test_ends(struct tap *t) {
        int before, s[2];
        struct msg_fds in = { 0 };
        struct message m;
        struct err e = { 0 };

        if (msg_pair(s) < 0)
                return;
        OK_INT(t, protocol_receive(s[1], MSG_DONTWAIT, &m, &in, &e), -EAGAIN, "nothing waits");
        protocol_send(s[0], MSG_GO, NULL);
        close(s[0]);
        OK_INT(t, protocol_receive(s[1], 0, &m, &in, &e), 1, "a message before the end");
        OK_INT(t, protocol_receive(s[1], 0, &m, &in, &e), 0, "the end");
        OK_INT(t, protocol_send(s[1], MSG_GO, &e), -EPIPE, "nobody is there");
        OK(t, e.kind == ERR_SYSTEM && strstr(e.text, "GO"), "which is told: %s", e.text);
        close(s[1]);
        before = count_fds();
        OK(t, exchange("", 0, 1, &m, &in, &e) <= 0 && in.n == 0, "an empty datagram with a descriptor");
        OK_INT(t, count_fds(), before, "leaves none open");
}

/* Who ends with messages unread is said to have reset the connection: what it sent before still counts. */
static void test_reset(struct tap *t) {
        struct msg_fds in = { 0 };
        struct message m;
        struct err e = { 0 };
        int s[2];

        if (msg_pair(s) < 0)
                return;
        protocol_send(s[1], MSG_GO, NULL);
        protocol_send(s[0], MSG_READY, NULL);
        close(s[0]);
        OK_INT(t, protocol_receive(s[1], 0, &m, &in, &e), 1, "the last word of one that did not listen");
        OK_INT(t, m.kind, MSG_READY, "is heard");
        OK_INT(t, protocol_receive(s[1], 0, &m, &in, &e), 0, "then the end");
        close(s[1]);
}

int main(void) {
        struct tap t = { 0 };

        alarm(60);
        test_tables(&t);
        test_good(&t);
        test_malformed(&t);
        test_fail(&t);
        test_report(&t);
        test_ends(&t);
        test_reset(&t);
        return tap_done(&t);
}
