/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A host without a service manager, or a container that is to have nothing of it: nothing is spawned, nothing opened.
 */

#include "host/host.h"

static int begin(struct manager *m, const struct plan *p, struct err *e) {
        return 0;
}

static int ask(struct manager *m, const struct plan *p, const struct process *leader, struct err *e) {
        return err_set(e, ERR_BUG, 0, "there is no service manager to ask");
}

static int leave(struct manager *m, bool again, struct err *e) {
        return 0;
}

static int resume(struct manager *m, const struct plan *p, const struct process *leader, bool announced,
                  struct err *e) {
        return ask(m, p, leader, e);
}

static int receive(struct manager *m, struct manager_report *ret, struct err *e) {
        *ret = (struct manager_report){ .event = MANAGER_NOTHING };
        return 0;
}

static void end(struct manager *m) {
}

struct manager manager_none(void) {
        static const struct manager_ops ops = {
                .begin = begin,
                .place = ask,
                .announce = ask,
                .leave = leave,
                .resume = resume,
                .receive = receive,
                .end = end,
        };

        return (struct manager){ .ops = &ops, .fd = -1 };
}
