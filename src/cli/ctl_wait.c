/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berthctl wait: until containers have ended; their status is that of their supervisor. */

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clean.h"
#include "cli/ctl.h"
#include "cli/ctl_rows.h"
#include "cli/ctl_target.h"
#include "run/control.h"
#include "sys/process.h"

/* An ended process tells its status once it was reaped: whoever started it does that soon, or else init. */
enum { REAPED_MS = 5000, STEP_MS = 5 };

struct waited {
        struct target target;
        int sock; /* to the supervisor, -1: it does not listen */
};

static void waited_close(struct waited *w) {
        target_close(&w->target);
        clean_fd(&w->sock);
        w->sock = -1;
}

static int waited_open(struct ctl *c, const char *name, struct waited *w, struct err *e) {
        const struct control_message ask = { .kind = CONTROL_WAIT };
        int k = target_open(c, name, &w->target, e);

        if (k < 0)
                return k;
        w->sock = control_connect(name, NULL);
        if (w->sock >= 0 && control_send(w->sock, &ask, NULL, 0) < 0)
                clean_fd(&w->sock), w->sock = -1;
        return 0;
}

/* What the supervisor said last; one that was killed says nothing. */
static bool was_told(const struct waited *w, int *ret) {
        struct control_message m;
        struct msg_fds fds;

        if (w->sock < 0 || control_receive(w->sock, MSG_DONTWAIT, false, &m, &fds) != 1)
                return false;
        msg_fds_close(&fds);
        if (m.kind != CONTROL_ENDED)
                return false;
        *ret = m.status;
        return true;
}

static int status_of(const struct waited *w, int *ret, struct err *e) {
        int wait_status, k = -EAGAIN;

        if (was_told(w, ret))
                return 0;
        for (int waited = 0; k == -EAGAIN && waited < REAPED_MS; waited += STEP_MS) {
                k = process_left(w->target.fds.supervisor, &wait_status);
                if (k == -EAGAIN)
                        (void) poll(NULL, 0, STEP_MS);
        }
        if (k < 0) {
                err_set(e, ERR_HOST, 0, "%s has ended; its exit status is not known", w->target.is.name);
                return k == -EAGAIN ? err_hint(e, "the process that started its supervisor does not ask for it")
                                    : err_hint(e, "its supervisor was killed; the kernel tells more from 6.15 on");
        }
        *ret = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
        return 0;
}

/* Opened all at once, so that none that ends meanwhile is missed. */
static int run(struct ctl *c, struct err *e) {
        struct waited *w = arena_alloc(&c->arena, c->n_words * sizeof *w);
        int status = 0, k = 0;

        for (size_t i = 0; i < c->n_words; i++) {
                target_init(&w[i].target);
                w[i].sock = -1;
        }
        for (size_t i = 0; k == 0 && i < c->n_words; i++)
                k = waited_open(c, c->words[i], &w[i], e);
        for (size_t i = 0; k == 0 && i < c->n_words; i++) {
                (void) target_wait(&w[i].target, 1, -1);
                k = status_of(&w[i], &status, e);
        }
        for (size_t i = 0; i < c->n_words; i++)
                waited_close(&w[i]);
        return k < 0 ? k : status;
}

const struct ctl_verb ctl_wait = {
        .name = "wait",
        .synopsis = "NAME...",
        .words = CTL_NAMES,
        .min = 1,
        .help = "Wait until containers have ended; exit with the status of the last one named",
        .run = run,
};
