/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P as the main process of somebody's service: signs of life for its manager. sd_notify(3),
 * sd_watchdog_enabled(3). And whether an OS that starts or shuts down gets anywhere with it. */

#include "run/run.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "sys/cgroupstat.h"

/* A guest that makes progress while it boots or shuts down gets more time, as often as we look. */
enum { LOOK_MS = 10 * 1000, MORE_MS = 90 * 1000 };

static int ping(void *data, struct err *e) {
        struct run *r = data;
        uint64_t ms = r->facts->caller.watchdog_us / 2000;

        host_notify(r, "WATCHDOG=1");
        return loop_timer(&r->loop, ms > 0 ? ms : 1, ping, r);
}

/* Its PID 1 has said something, or its processes have worked for more than they need to wait. */
static bool has_moved(struct run *r) {
        enum { IDLE_USEC = 20 * 1000 };
        bool moved = r->service.stirred;
        uint64_t now;

        r->service.stirred = false;
        if (r->held.cgroup < 0 || cgroupstat_key(r->held.cgroup, "cpu.stat", "usage_usec", &now) < 0)
                return moved;
        moved = moved || now > r->service.cpu_usec + IDLE_USEC;
        r->service.cpu_usec = now;
        return moved;
}

/* Of the manager's patience, and while an OS shuts down also of our own. */
static int ask_for_time(void *data, struct err *e) {
        struct run *r = data;
        bool stops = r->life == LIFE_STOPPING;
        char text[64];

        if (stops ? ++r->service.looks > r->plan->life.most_stop_s * 1000 / LOOK_MS : r->told_ready)
                return 0;
        if (has_moved(r)) {
                snprintf(text, sizeof text, "EXTEND_TIMEOUT_USEC=%u", MORE_MS * 1000u);
                host_notify(r, text);
                if (stops)
                        host_life_wait_for_end(r, (uint64_t) r->plan->life.stop_timeout_s * 1000);
        }
        return loop_timer(&r->loop, LOOK_MS, ask_for_time, r);
}

void host_service_stopping(struct run *r) {
        if (r->plan->exec.mode != EXEC_BOOT)
                return;
        r->service.stirred = true;
        r->service.looks = 0;
        (void) ask_for_time(r, NULL);
}

/* Who was called will soon end: the manager shall know who goes on. Not for a unit that we have left; and a service
 * has been told already. */
void host_service_lasts(struct run *r) {
        char text[64];

        if (!r->plan->console.detached || r->plan->unit.supervisor || r->facts->caller.service)
                return;
        snprintf(text, sizeof text, "MAINPID=%d", (int) getpid());
        host_notify(r, text);
}

void host_service_started(struct run *r) {
        if (!r->facts->caller.notify || r->told_ready)
                return;
        r->service.stirred = true;
        (void) ask_for_time(r, NULL);
}

int host_service_watch(struct run *r, struct err *e) {
        int k = r->facts->caller.watchdog_us > 0 ? ping(r, e) : 0;

        return k < 0 ? err_set(e, ERR_BUG, -k, "the event loop is full") : 0;
}
