/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P of a detached container whose payload keeps no journal: the lines of its console go to the host's journal,
 * too. By journald's own protocol (systemd.io, JOURNAL_NATIVE_PROTOCOL): a datagram of lines FIELD=VALUE. Nothing here
 * waits: what journald has no room for is counted, and the number follows with what comes next. */

#include "run/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clean.h"

#define JOURNALD "/run/systemd/journal/socket"

int host_lines_take(struct run *r, struct err *e) {
        if (!r->plan->console.journal)
                return 0;
        r->lines.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        return r->lines.fd < 0 ? err_set(e, ERR_SYSTEM, errno, "cannot make a socket") : 0;
}

/* By path each time: a journald that is started anew has another socket there. */
static bool send_line(struct run *r, const char *line, size_t n, int priority) {
        const struct plan *p = r->plan;
        const struct sockaddr_un journald = { .sun_family = AF_UNIX, .sun_path = JOURNALD };
        char text[HOST_LINE + 1024];
        int k = snprintf(text, sizeof text, "PRIORITY=%d\nSYSLOG_IDENTIFIER=%s\nMACHINE=%s\nLEADER=%d\n", priority,
                         p->machine, p->machine, (int) r->lines.leader);

        /* Where journalctl(1) looks for what is said of a unit by others. */
        if (p->unit.scope)
                k += snprintf(text + k, sizeof text - (size_t) k, "OBJECT_SYSTEMD_UNIT=%.250s\n", p->unit.name);
        k += snprintf(text + k, sizeof text - (size_t) k, "MESSAGE=%.*s\n", (int) n, line);
        return sendto(r->lines.fd, text, (size_t) k, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *) &journald,
                      sizeof journald) >= 0;
}

static void end_line(struct run *r) {
        struct console_lines *l = &r->lines;
        char note[80];
        int k;

        if (l->lost > 0) {
                k = snprintf(note, sizeof note, "%u lines of the console were lost here", l->lost);
                if (send_line(r, note, (size_t) k, 4))
                        l->lost = 0;
        }
        if (l->n > 0 && !send_line(r, r->line, l->n, 6))
                l->lost++;
        l->n = 0;
}

/* ECMA-48: what a terminal would do is no part of the text. */
static bool is_text(struct console_lines *l, unsigned char c) {
        switch (l->state) {
        case LINE_TEXT: l->state = c == 0x1b ? LINE_ESCAPE : LINE_TEXT; return c == '\t' || (c >= ' ' && c != 0x7f);
        case LINE_ESCAPE:
                l->state = c == '['                                                   ? LINE_SEQUENCE
                           : c == ']' || c == 'P' || c == '_' || c == '^' || c == 'X' ? LINE_STRING
                           : c >= ' ' && c < '0'                                      ? LINE_ESCAPE
                                                                                      : LINE_TEXT;
                return false;
        case LINE_SEQUENCE: l->state = c >= 0x40 && c < 0x7f ? LINE_TEXT : LINE_SEQUENCE; return false;
        case LINE_STRING: l->state = c == 0x07 ? LINE_TEXT : c == 0x1b ? LINE_ESCAPE : LINE_STRING; return false;
        }
        return false;
}

void host_lines_write(struct run *r, const char *s, size_t n) {
        struct console_lines *l = &r->lines;

        if (l->fd < 0)
                return;
        l->leader = r->held.guest.pid > 0 ? r->held.guest.pid : l->leader;
        for (size_t i = 0; i < n; i++) {
                if (s[i] == '\n' && l->state != LINE_SEQUENCE)
                        end_line(r);
                else if (is_text(l, (unsigned char) s[i]))
                        r->line[l->n++] = s[i];
                if (l->n == sizeof r->line)
                        end_line(r);
        }
}

void host_lines_drop(struct run *r) {
        if (r->lines.fd < 0)
                return;
        end_line(r);
        close(TAKE_FD(r->lines.fd));
}
