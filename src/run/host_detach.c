/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P of a detached container, as long as its caller waits: who is told when it is ready, and may give up. */

#include "base/errno_text.h"
#include "run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"

/* From here on the caller does not listen. What there is to say is said by the exit status, and to the journal where
 * we are a service. */
static void let_go(struct run *r) {
        CLEAN_FD int null = r->stderr_then < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;
        int then = null >= 0 ? null : r->stderr_then;

        if (then >= 0)
                (void) dup2(then, STDERR_FILENO);
        loop_forget(&r->loop, *r->caller);
        close(*r->caller);
        *r->caller = -1;
}

void host_caller_ready(struct run *r) {
        const char *name = r->plan->machine;

        if (!r->caller || *r->caller < 0)
                return;
        /* Twice: one that waits must not miss it by a passing failure. */
        if (send(*r->caller, name, strlen(name), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
            send(*r->caller, name, strlen(name), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
                log_debug(LOG_LIFE, "the caller is gone: %s", errno_text(errno));
        let_go(r);
}

/* It says nothing: it was killed, or interrupted in a way that it could not pass on. What it began ends. */
static int on_caller(void *data, short revents, struct err *e) {
        struct run *r = data;

        let_go(r);
        return host_life_event(r, EVENT_SIGNAL, SIGTERM, e);
}

int host_caller_watch(struct run *r, struct err *e) {
        int k = !r->caller || *r->caller < 0 ? 0 : loop_watch(&r->loop, *r->caller, POLLIN, on_caller, r);

        return k < 0 ? err_set(e, ERR_BUG, -k, "the event loop is full") : 0;
}
