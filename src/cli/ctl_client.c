/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/ctl_client.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include "base/clean.h"

int client_signals(struct err *e) {
        static const int ends[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
        sigset_t set;
        int fd = -1;

        sigemptyset(&set);
        sigaddset(&set, SIGWINCH);
        sigaddset(&set, SIGCONT);
        /* What the caller ignores (nohup(1), a shell's "&") is not for us. */
        for (size_t i = 0; i < ELEMENTS(ends); i++) {
                struct sigaction now;

                if (sigaction(ends[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
                        sigaddset(&set, ends[i]);
        }
        if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
                fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        return fd < 0 ? err_set(e, ERR_SYSTEM, errno, "cannot watch signals") : fd;
}

int client_receive(int conn, const char *machine, struct control_message *ret, struct msg_fds *ret_fds,
                   struct err *e) {
        int k = control_receive(conn, MSG_DONTWAIT, false, ret, ret_fds);

        if (k == -EAGAIN)
                return 0;
        if (k == 0)
                return err_set(e, ERR_HOST, 0, "the supervisor of %s has ended", machine);
        if (k == -EPROTONOSUPPORT)
                return err_set(e, ERR_HOST, 0, "the supervisor of %s is of another version of berth", machine);
        if (k < 0)
                return err_set(e, ERR_BUG, -k, "the supervisor of %s sent nonsense", machine);
        if (ret->kind != CONTROL_FAIL)
                return 1;
        *e = ret->err;
        return e->code > 0 ? -e->code : -EINVAL;
}

int client_unexpected(const char *machine, const struct control_message *m, struct err *e) {
        return err_set(e, ERR_BUG, EBADMSG, "the supervisor of %s sent %s", machine, control_name(m->kind));
}
