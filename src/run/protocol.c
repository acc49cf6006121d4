/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/protocol.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"
#include "base/msg.h"
#include "stub/block.h"

#define IN(state) (1u << (state))

/* Which message may come in which states: everything else is refused. */
static const unsigned host_table[MSG_KIND_MAX_] = {
        [MSG_GIVE] = IN(START_SENT) | IN(START_TREES) | IN(START_PLACED),
        [MSG_READY] = IN(START_PLACED),
        [MSG_FAIL] = IN(START_NONE) | IN(START_SENT) | IN(START_TREES) | IN(START_PLACED) | IN(START_READY) |
                     IN(START_GONE),
        [MSG_REPORT] = IN(START_GONE),
};
static const unsigned guest_table[MSG_KIND_MAX_] = {
        [MSG_START] = IN(START_NONE),
        [MSG_TREES] = IN(START_SENT),
        [MSG_PLACED] = IN(START_TREES),
        [MSG_GO] = IN(START_READY),
};

static bool in_table(const unsigned table[MSG_KIND_MAX_], enum start_state s, enum message_kind k) {
        return (unsigned) k < MSG_KIND_MAX_ && table[k] & IN(s);
}

bool protocol_host_accepts(enum start_state s, enum message_kind k) {
        return in_table(host_table, s, k);
}

bool protocol_guest_accepts(enum start_state s, enum message_kind k) {
        return in_table(guest_table, s, k);
}

const char *message_name(enum message_kind k) {
        static const char names[MSG_KIND_MAX_][8] = {
                [MSG_NONE] = "nothing",  [MSG_START] = "START", [MSG_TREES] = "TREES",
                [MSG_PLACED] = "PLACED", [MSG_GO] = "GO",       [MSG_GIVE] = "GIVE",
                [MSG_READY] = "READY",   [MSG_FAIL] = "FAIL",   [MSG_REPORT] = "REPORT",
        };

        return (unsigned) k < MSG_KIND_MAX_ ? names[k] : "unknown";
}

const char *namespace_name(enum namespace_kind k) {
        static const char names[NS_MAX_][7] = { "mnt", "pid", "uts", "ipc", "cgroup", "net", "user" };

        return names[k];
}

int protocol_send_fds(int sock, const struct message *m, const struct msg_fds *fds, struct err *e) {
        /* Only FAIL has an error to carry. */
        size_t size = m->kind == MSG_FAIL ? sizeof *m : offsetof(struct message, err);
        int r = msg_send(sock, m, size, fds);

        log_debug(LOG_MSG, "sent %s (%d)", message_name(m->kind), r);
        if (r == -EPIPE || r == -ECONNRESET)
                return err_set(e, ERR_SYSTEM, -r, "the guest died during its start, before %s", message_name(m->kind));
        return r < 0 ? err_set(e, ERR_SYSTEM, -r, "cannot send %s", message_name(m->kind)) : 0;
}

int protocol_send(int sock, enum message_kind k, struct err *e) {
        return protocol_send_fds(sock, &(struct message){ .kind = k }, NULL, e);
}

void protocol_send_fail(int sock, const struct err *failure, enum refutable refuted) {
        (void) protocol_send_fds(sock, &(struct message){ .kind = MSG_FAIL, .err = *failure, .refuted = refuted },
                                 NULL, NULL);
}

/* What came is data of another process: checked like any input. */
static bool well_formed(const struct message *m, ssize_t n, const struct msg_fds *fds) {
        size_t want = m->kind == MSG_FAIL ? sizeof *m : offsetof(struct message, err);

        if ((size_t) n < offsetof(struct message, err) || (size_t) n != want || (unsigned) m->kind >= MSG_REPORT ||
            (unsigned) m->give >= GIVE_MAX_ || (unsigned) m->refuted >= REFUTED_MAX_)
                return false;
        if (m->kind == MSG_FAIL && (m->err.kind <= ERR_NONE || m->err.kind >= ERR_KIND_MAX_ || m->err.code < 0))
                return false;
        return m->kind == MSG_TREES ? fds->n > 0 : fds->n == (m->kind == MSG_GIVE ? 1 : 0);
}

static int check(struct message *m, ssize_t n, struct msg_fds *fds, struct err *e) {
        if (!well_formed(m, n, fds)) {
                msg_fds_close(fds);
                return err_set(e, ERR_BUG, EBADMSG, "a message between launcher and guest is malformed");
        }
        err_terminate(&m->err);
        return 1;
}

/* The stub init is another program: its report has a layout of its own (stub/block.h). */
static bool take_report(struct message *m, ssize_t n) {
        static const char steps[][19] = {
                [STUB_STEP_LIFELINE] = "watch the launcher",  [STUB_STEP_FORK] = "fork",
                [STUB_STEP_SESSION] = "make a session",       [STUB_STEP_TERMINAL] = "take the terminal",
                [STUB_STEP_DESCRIPTORS] = "pass descriptors", [STUB_STEP_SIGNALS] = "reset signals",
        };
        struct stub_report report;

        memcpy(&report, m, sizeof report);
        if (n != sizeof report || report.magic != STUB_MAGIC || report.code < 0)
                return false;
        *m = (struct message){ .kind = MSG_REPORT };
        if (report.step == STUB_STEP_EXEC)
                err_set(&m->err, ERR_PAYLOAD, report.code, "cannot execute the payload");
        else
                err_set(&m->err, ERR_SYSTEM, report.code, "the stub init cannot %s",
                        report.step < ELEMENTS(steps) && *steps[report.step] ? steps[report.step] : "start");
        return true;
}

int protocol_receive(int sock, int flags, struct message *ret, struct msg_fds *ret_fds, struct err *e) {
        ssize_t n;
        int r;

        *ret = (struct message){ 0 };
        n = msg_recv(sock, ret, sizeof *ret, ret_fds, flags);
        /* Said once where the other side ended with messages unread; what it sent before is still to be had (unix(7)).
         */
        if (n == -ECONNRESET)
                n = msg_recv(sock, ret, sizeof *ret, ret_fds, flags);
        if (n == -EAGAIN)
                return -EAGAIN;
        if (n < 0)
                return err_set(e, ERR_SYSTEM, (int) -n, "cannot receive a message");
        if (n == 0 && ret_fds->n == 0)
                return 0;
        r = ret_fds->n == 0 && take_report(ret, n) ? 1 : check(ret, n, ret_fds, e);
        log_debug(LOG_MSG, "received %s (%d)", message_name(ret->kind), r);
        return r;
}
