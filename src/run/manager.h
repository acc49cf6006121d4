/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the launcher asks of the host's service manager and of systemd-machined: a place for the guest, and that it is
 * known by name. run/ knows of no message bus: host/ implements this, cli/ chooses.
 *
 * Nothing here waits. What was asked for is answered by an event on .fd; how long to wait for it is for who asks. */

#include "plan/plan.h"
#include "sys/process.h"

enum manager_event {
        MANAGER_NOTHING,
        MANAGER_PLACED,    /* the guest is in the cgroup of its unit */
        MANAGER_ANNOUNCED, /* the machine is registered */
        MANAGER_LEFT,      /* neither is there any more, or they are going */
        MANAGER_STOP,      /* the host asks the container to end */
        MANAGER_NOTE,      /* .err.text is for the user */
        MANAGER_FAILED,    /* .work was not done, and why */
        MANAGER_LOST,      /* the way to the manager is gone: no more events */
};
enum manager_work { MANAGER_WORK_NONE, MANAGER_WORK_PLACE, MANAGER_WORK_ANNOUNCE, MANAGER_WORK_MAX_ };

struct manager_report {
        enum manager_event event;
        enum manager_work work;
        struct err err;
};

struct manager;
struct manager_ops {
        /* Early: what takes time begins, and goes on beside the launch. */
        int (*begin)(struct manager *m, const struct plan *p, struct err *e);
        int (*place)(struct manager *m, const struct plan *p, const struct process *leader, struct err *e);
        int (*announce)(struct manager *m, const struct plan *p, const struct process *leader, struct err *e);
        /* again: until all of it is gone. Otherwise it is enough that who asks for that name next comes behind. */
        int (*leave)(struct manager *m, bool again, struct err *e);
        /* After MANAGER_LOST: another way to what is there already. announced: the machine is registered anew, too. */
        int (*resume)(struct manager *m, const struct plan *p, const struct process *leader, bool announced,
                      struct err *e);
        /* One report; MANAGER_NOTHING where none waits. */
        int (*receive)(struct manager *m, struct manager_report *ret, struct err *e);
        void (*end)(struct manager *m); /* twice is fine */
};

struct manager {
        const struct manager_ops *ops;
        int fd;    /* readable when there is an event; -1: never */
        int state; /* of the implementation */
        pid_t pid; /* likewise, 0: none */
};
