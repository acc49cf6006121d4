/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A datagram between launcher and guest. Input: a byte for the number of descriptors, a byte for the length (as long
 * as what follows, or cut and filled up to that of one of the messages), then the bytes of the datagram. */

#include <string.h>
#include <unistd.h>

#include "base/clean.h"
#include "fuzz/fuzz.h"
#include "run/protocol.h"
#include "stub/block.h"

/* The lowest number that is free: it moves when a descriptor is left open. */
static int lowest_free(void) {
        int fd = dup(STDERR_FILENO);

        MUST(fd >= 0);
        close(fd);
        return fd;
}

/* What is sent: how % 4 is for the length, how / 4 % 2 for the form. */
static size_t make(uint8_t how, const uint8_t *in, size_t size, uint8_t *out) {
        const size_t lengths[] = { size, offsetof(struct message, err), sizeof(struct message),
                                   sizeof(struct stub_report) };

        if (how / 4 % 2 && size >= 5) {
                struct message m = { .kind = (enum message_kind)(int8_t) in[0],
                                     .give = (enum give)(int8_t) in[1],
                                     .refuted = (enum refutable)(int8_t) in[2],
                                     .err = { .kind = (enum err_kind)(int8_t) in[3], .code = (int8_t) in[4] } };
                size_t room = sizeof m.err - offsetof(struct err, where);

                memcpy(m.err.where, in + 5, size - 5 < room ? size - 5 : room);
                memcpy(out, &m, sizeof m);
        } else
                memcpy(out, in, size);
        return lengths[how % ELEMENTS(lengths)];
}

static bool is_terminated(const char *s, size_t size) {
        return strnlen(s, size) < size;
}

static void check_message(const struct message *m, const struct msg_fds *fds) {
        char line[1200];

        MUST((unsigned) m->kind < MSG_KIND_MAX_);
        MUST((unsigned) m->give < GIVE_MAX_);
        MUST(message_name(m->kind));
        MUST(is_terminated(m->err.where, sizeof m->err.where));
        MUST(is_terminated(m->err.text, sizeof m->err.text));
        MUST(is_terminated(m->err.hint, sizeof m->err.hint));
        MUST(is_terminated(m->err.setting, sizeof m->err.setting));
        MUST(is_terminated(m->err.word, sizeof m->err.word));
        MUST(fds->n >= 0 && fds->n <= MSG_FDS);
        MUST(fds->n == 0 || m->kind == MSG_GIVE || m->kind == MSG_TREES);
        MUST(fds->n == 1 || m->kind != MSG_GIVE);
        if (m->kind == MSG_FAIL || m->kind == MSG_REPORT)
                MUST(m->err.kind > ERR_NONE && m->err.kind < ERR_KIND_MAX_ && m->err.code >= 0);
        MUST(!strpbrk(err_format(&m->err, true, line, sizeof line), "\n\r\x1b"));
        for (int s = START_NONE; s <= START_GONE; s++)
                MUST(!protocol_host_accepts((enum start_state) s, m->kind) ||
                     !protocol_guest_accepts((enum start_state) s, m->kind));
}

static void receive(int sock) {
        struct message m;
        struct msg_fds fds = { 0 };
        struct err e = { 0 };
        int r = protocol_receive(sock, 0, &m, &fds, &e);

        if (r < 0)
                MUST(e.kind != ERR_NONE && fds.n == 0);
        else if (r == 0)
                MUST(fds.n == 0);
        else
                check_message(&m, &fds);
        msg_fds_close(&fds);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static uint8_t bytes[64 * 1024];
        struct msg_fds out = { 0 };
        size_t length;
        int s[2], before, sent;

        if (size < 2 || size > sizeof bytes)
                return 0;
        before = lowest_free();
        memset(bytes, 0, sizeof bytes);
        length = make(data[1], data + 2, size - 2, bytes);
        for (out.n = 0; out.n < data[0] && out.n < MSG_FDS; out.n++)
                out.fd[out.n] = STDERR_FILENO;
        MUST(msg_pair(s) == 0);
        sent = msg_send(s[0], bytes, length, &out);
        close(s[0]);
        MUST(sent == 0);
        receive(s[1]);
        receive(s[1]);
        close(s[1]);
        MUST(lowest_free() == before);
        return 0;
}
