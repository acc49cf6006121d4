/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P: the guest's place in a unit of the host's service manager, and its registration as a machine. All of it
 * goes on beside the launch: P asks and sleeps in its loop like at any other time; only the guest waits, at PLACED.
 *
 * Whoever does not answer in time is done without: a unit that was only a default is left out of the next plan
 * (REFUTED_MANAGER), a registration that was only a default is missing, with one line. */

#include "run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"
#include "base/str.h"
#include "sys/cgroupfs.h"

/* A manager that starts two hundred units at once is slow, not dead. */
enum { ANSWER_MS = 10 * 1000, LEAVE_MS = 5 * 1000 };

/* For how long the guest is held at the top of its unit: only names of processes depend on it. */
enum { HOLD_MS = 100 };

/* To move a process to another cgroup the kernel waits until no processor is in what it was in before (RCU), some
 * milliseconds, unless that has just been waited for. The manager will move the guest, so the wait begins now: by a
 * process that moves itself to where it is. Where that cannot be done, the start takes longer, and that is all. */
void host_stir_cgroups(const struct opened *o, struct process *ret) {
        int k = process_clone(0, -1, ret);

        if (k == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                /* It shall hold nothing whose end somebody waits for: neither locks nor pipes. */
                if (dup2(o->cgroup, STDIN_FILENO) == STDIN_FILENO && syscall(SYS_close_range, 1, ~0U, 0) == 0)
                        (void) cgroupfs_move(STDIN_FILENO, getpid());
                _exit(EXIT_SUCCESS);
        }
        if (k < 0)
                *ret = (struct process){ .pidfd = -1 };
}

/* A wait that is over helps the next move for a few milliseconds only. So a stirrer that has ended is followed by
 * another: it costs nothing where the first wait still counts, and is needed where it does not. A launcher that has
 * just moved itself has done the same. */
static void take_stirrer(struct run *r) {
        struct pollfd p = { .fd = r->stirrer->pidfd, .events = POLLIN };

        if (r->stirrer->pid > 0 && poll(&p, 1, 0) != 0)
                kill_process(r->stirrer);
        if (r->stirrer->pid <= 0 && !r->plan->cgroup.supervisor)
                host_stir_cgroups(r->opened, r->stirrer);
        r->held.stirrer = *r->stirrer;
        *r->stirrer = (struct process){ .pidfd = -1 };
}

/* Is the guest moved to its cgroup when it is there already? Otherwise it is born in it. */
static bool is_moved(const struct plan *p) {
        return p->unit.scope || p->unit.announce_first;
}

int host_manager_take(struct run *r, struct err *e) {
        int k;

        if (!r->plan->unit.scope && r->plan->unit.announce == ANNOUNCE_NO)
                return 0;
        if (is_moved(r->plan))
                take_stirrer(r);
        k = r->manager->ops->begin(r->manager, r->plan, e);
        if (k < 0)
                r->refuted = REFUTED_MANAGER;
        return k;
}

void host_manager_drop(struct run *r) {
        kill_process(&r->held.stirrer);
        r->manager->ops->end(r->manager);
}

static void enable_if_free(int unit) {
        if (cgroupfs_is_crowded(unit) == 0)
                cgroupfs_enable(unit);
}

/* In a unit that is delegated, its top is no place for processes (cgroups(7), "no internal processes"). Where the
 * guest is to be there for a moment, controllers come after that. */
int host_supervisor_place(struct run *r, struct err *e) {
        const struct plan *p = r->plan;
        CLEAN_FD int fd = -1;
        int k;

        if (!p->cgroup.supervisor)
                return 0;
        fd = cgroupfs_make(r->opened->cgroup, p->cgroup.supervisor);
        if (fd == -EEXIST)
                fd = openat(r->opened->cgroup, p->cgroup.supervisor, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        k = fd < 0 ? fd : cgroupfs_move(fd, getpid());
        if (k < 0)
                return err_set(e, ERR_HOST, -k, "cannot move to the cgroup %s/%s", p->cgroup.parent,
                               p->cgroup.supervisor);
        if (p->unit.announce_first)
                return 0;
        /* It would be in the way, and was started before the plan was made. */
        kill_process(r->stirrer);
        enable_if_free(r->opened->cgroup);
        return 0;
}

/* Nothing of ours stays in a unit that goes on without us; a unit with other processes at its top has no controllers
 * there that could be in the way. */
void host_supervisor_drop(struct run *r) {
        const struct plan *p = r->plan;

        if (!p->cgroup.supervisor || cgroupfs_move(r->opened->cgroup, getpid()) < 0)
                return;
        /* berth-agent is in there, and takes a moment to end. */
        for (int tries = 0; tries < 100; tries++) {
                if (unlinkat(r->opened->cgroup, p->cgroup.supervisor, AT_REMOVEDIR) == 0 || errno != EBUSY)
                        return;
                usleep(5 * 1000);
        }
}

static void note(const struct run *r, const char *text) {
        char line[sizeof((struct err *) 0)->text * 4];

        if (!r->quiet)
                dprintf(STDERR_FILENO, "berth: %s\n", str_escape(text, line, sizeof line));
}

static int let_in(struct run *r, struct err *e) {
        if (r->start != START_TREES || (is_moved(r->plan) && !r->unit.placed))
                return 0;
        return host_send_placed(r, e);
}

/* The guest is known for what it is, by the cgroup that it is in or about to go to. */
static int settle(struct run *r, struct err *e) {
        int k = host_write_record(r, e);

        if (k < 0 || r->plan->unit.announce == ANNOUNCE_NO)
                return k;
        k = r->manager->ops->announce(r->manager, r->plan, &r->held.guest, e);
        r->unit.asked = r->unit.announcing = k == 0;
        return k;
}

static int open_scope(struct run *r, struct err *e) {
        const struct plan *p = r->plan;
        char own[4096];
        size_t n;
        int fd;
        int k = cgroupfs_of(r->opened->proc, r->held.guest.pid, own, sizeof own);
        const char *name = k < 0 ? NULL : strrchr(own, '/');

        if (!name || !streq(name + 1, p->unit.name))
                return err_set(e, ERR_HOST, k < 0 ? -k : 0, "the service manager has not moved %s to %s", p->machine,
                               p->unit.name);
        r->cgroup = r->cgroup_room;
        n = (size_t) snprintf(r->cgroup, sizeof r->cgroup_room, "%s%s", p->cgroup.mount, own);
        fd = open(r->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return err_set(e, ERR_HOST, errno, "cannot open the cgroup %s", r->cgroup);
        if (n < sizeof r->cgroup_room)
                snprintf(r->cgroup + n, sizeof r->cgroup_room - n, "/%s", p->cgroup.name);
        return fd;
}

/* The scope is the manager's, what is below it is ours (systemd.resource-control(5), Delegate=). */
static int make_payload(struct run *r, int scope, struct err *e) {
        int k = cgroupfs_make(scope, r->plan->cgroup.name);

        if (k < 0)
                return err_set(e, ERR_HOST, -k, "cannot make the cgroup %s", r->cgroup);
        k = host_hold_cgroup(r, k, e);
        return k < 0 ? k : host_fit_cgroup(r, e);
}

static int open_unit(struct run *r, struct err *e) {
        int fd = openat(r->held.cgroup, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? err_set(e, ERR_SYSTEM, errno, "cannot open the cgroup above that of %s", r->plan->machine)
                      : fd;
}

/* A scope has the limits itself, above the payload's; in a unit of the caller's they are the payload's. */
static int enter_payload(struct run *r, struct err *e) {
        const struct plan *p = r->plan;
        CLEAN_FD int unit = open_unit(r, e);
        int k;

        if (unit < 0)
                return unit;
        k = cgroupfs_move(r->held.cgroup, r->held.guest.pid);
        if (k < 0) {
                r->refuted = p->unit.scope ? REFUTED_MANAGER : REFUTED_TOP;
                return err_set(e, ERR_HOST, -k, "cannot move %s to its cgroup", p->machine);
        }
        if (p->unit.scope)
                cgroupfs_enable(unit);
        else if (p->cgroup.supervisor)
                enable_if_free(unit);
        if (p->cgroup.n_limits == 0)
                return 0;
        return p->unit.scope ? host_check_limits(r, unit, e) : host_set_limits(r, unit, e);
}

static int give_up(void *data, struct err *e);

static int go_in(struct run *r, struct err *e) {
        int k = enter_payload(r, e);

        r->unit.held = false;
        if (k < 0)
                return k;
        r->unit.placed = true;
        k = let_in(r, e);
        k = k < 0 || r->announced ? k : settle(r, e);
        (void) loop_timer(&r->loop, r->unit.announcing ? ANSWER_MS : 0, give_up, r);
        return k < 0 ? k : host_let_go(r, e);
}

/* For machined's answer: it is on its way. */
static int hold(struct run *r, struct err *e) {
        r->unit.held = r->unit.announcing;
        if (!r->unit.held)
                return go_in(r, e);
        (void) loop_timer(&r->loop, HOLD_MS, give_up, r);
        return 0;
}

static int on_placed(struct run *r, struct err *e) {
        CLEAN_FD int scope = open_scope(r, e);
        int k = scope;

        kill_process(&r->held.stirrer); /* what it waited for is over */
        r->unit.placing = false;
        /* The answer is on its way while the cgroup is made. */
        k = k < 0 || !r->plan->unit.announce_first ? k : settle(r, e);
        k = k < 0 ? k : make_payload(r, scope, e);
        if (k < 0 && r->refuted == REFUTED_NOTHING)
                r->refuted = REFUTED_MANAGER;
        return k < 0 ? k : hold(r, e);
}

/* In a unit of the caller's nobody has to be asked: it is ours. */
static int place(struct run *r, struct err *e) {
        CLEAN_FD int unit = open_unit(r, e);
        int k;

        if (unit < 0)
                return unit;
        k = cgroupfs_move(unit, r->held.guest.pid);
        kill_process(&r->held.stirrer); /* now there is no other process of ours */
        if (k < 0) {
                r->refuted = REFUTED_TOP;
                return err_set(e, ERR_HOST, -k, "cannot move %s to the cgroup %s", r->plan->machine,
                               r->plan->cgroup.parent);
        }
        k = settle(r, e);
        return k < 0 ? k : hold(r, e);
}

static int on_announced(struct run *r, struct err *e) {
        r->unit.announcing = false;
        (void) loop_timer(&r->loop, 0, give_up, r);
        host_unit_settled(r);
        return r->unit.held ? go_in(r, e) : host_let_go(r, e);
}

/* What was only a default is done without. */
static int on_failed(struct run *r, const struct err *why, struct err *e) {
        char line[sizeof *why];

        if (r->unit.placing) {
                r->unit.placing = false;
                r->refuted = why->kind == ERR_BUSY   ? REFUTED_NAME
                             : why->kind == ERR_HOST ? REFUTED_MANAGER
                                                     : REFUTED_NOTHING;
        } else if (!r->unit.announcing)
                return 0;
        else if (r->plan->unit.announce == ANNOUNCE_TRY) {
                note(r, err_format(why, false, line, sizeof line));
                return on_announced(r, e);
        }
        if (e)
                *e = *why;
        return why->code > 0 ? -why->code : -EINVAL;
}

static int give_up(void *data, struct err *e) {
        struct run *r = data;
        struct err why;

        if (r->unit.held)
                return go_in(r, e);
        err_set(&why, ERR_HOST, ETIMEDOUT,
                r->unit.placing ? "the service manager makes no scope for %s"
                                : "systemd-machined does not register %s",
                r->plan->machine);
        /* The guest ends now, and so does whatever the manager may still do for it. */
        if (r->unit.placing)
                r->manager->ops->end(r->manager);
        return on_failed(r, &why, e);
}

/* Who has no luck with it stops trying. */
static bool may_resume(struct run *r) {
        enum { WINDOW_MS = 60 * 1000, MOST = 5 };
        uint64_t now = loop_now_ms();

        if (now - r->unit.resumed_ms > WINDOW_MS) {
                r->unit.resumed_ms = now;
                r->unit.resumed = 0;
        }
        return r->unit.resumed++ < MOST;
}

static int on_manager(void *data, short revents, struct err *e);

/* The guest is where it belongs; somebody has to hear what the host wants of it. */
static int resume(struct run *r, struct err *e) {
        bool announced = r->plan->unit.announce != ANNOUNCE_NO;
        int k = r->manager->ops->resume(r->manager, r->plan, &r->held.guest, announced, e);

        k = k < 0 ? k : loop_watch(&r->loop, r->manager->fd, POLLIN, on_manager, r);
        if (k < 0)
                r->manager->ops->end(r->manager);
        return k;
}

static int on_lost(struct run *r, const struct err *why, struct err *e) {
        struct err again = *why;
        char line[sizeof again];

        loop_forget(&r->loop, r->manager->fd);
        if (!r->unit.placing && r->unit.asked && may_resume(r) && resume(r, &again) == 0) {
                log_debug(LOG_LIFE, "berth-agent has ended, and was started again");
                return 0;
        }
        r->manager->ops->end(r->manager);
        r->unit.asked = false;
        if (!r->unit.placing && !r->unit.announcing) {
                note(r, err_format(&again, false, line, sizeof line));
                note(r, "the host can no longer ask the container to stop");
        }
        return on_failed(r, why, e);
}

static int on_manager(void *data, short revents, struct err *e) {
        struct run *r = data;
        struct manager_report report;
        int k = r->manager->ops->receive(r->manager, &report, e);

        if (k < 0)
                return k;
        switch (report.event) {
        case MANAGER_PLACED: return on_placed(r, e);
        case MANAGER_ANNOUNCED: return r->unit.announcing ? on_announced(r, e) : 0;
        case MANAGER_STOP: return host_life_event(r, EVENT_STOP, 0, e);
        case MANAGER_NOTE: note(r, report.err.text); return 0;
        case MANAGER_FAILED: return on_failed(r, &report.err, e);
        case MANAGER_LOST: return on_lost(r, &report.err, e);
        case MANAGER_LEFT:
        case MANAGER_NOTHING: break;
        }
        return 0;
}

int host_unit_ask(struct run *r, struct err *e) {
        int k;

        if (r->unit.asked || r->held.guest.pid <= 0)
                return 0;
        if (!r->plan->unit.scope)
                return r->plan->unit.announce_first ? place(r, e) : settle(r, e);
        k = r->manager->ops->place(r->manager, r->plan, &r->held.guest, e);
        if (k < 0)
                r->refuted = REFUTED_MANAGER;
        r->unit.asked = r->unit.placing = k == 0;
        return k;
}

int host_unit_watch(struct run *r, struct err *e) {
        bool wanted = r->plan->unit.scope || r->plan->unit.announce != ANNOUNCE_NO;
        int k;

        if (!wanted)
                return let_in(r, e);
        k = r->manager->fd < 0 ? 0 : loop_watch(&r->loop, r->manager->fd, POLLIN, on_manager, r);
        k = k < 0 ? k : loop_timer(&r->loop, ANSWER_MS, give_up, r);
        return k < 0 ? err_set(e, ERR_BUG, -k, "the event loop is full") : let_in(r, e);
}

/* Has the container ended for good, and berth with it? Then it is enough that the host has been asked: who comes next
 * comes behind. A service's end is the end of berth-agent too, which may have to see to it. */
static bool is_last(const struct run *r) {
        return r->plan->unit.scope && r->unit.placed && r->start == START_GONE && !r->reboot &&
               !r->facts->caller.service && !r->plan->console.detached;
}

/* What is left of the unit is the manager's to end; a new start of the same name must find none. */
void host_unit_leave(struct run *r) {
        struct manager_report report = { .event = MANAGER_NOTHING };
        struct pollfd wait = { .fd = r->manager->fd, .events = POLLIN };
        bool asked = r->unit.asked, again = !is_last(r);

        r->unit.asked = r->unit.placing = r->unit.announcing = r->unit.placed = r->unit.held = false;
        r->cgroup = NULL;
        if (!asked || r->manager->fd < 0 || r->manager->ops->leave(r->manager, again, NULL) < 0)
                return;
        while (report.event != MANAGER_LEFT && report.event != MANAGER_LOST)
                if (poll(&wait, 1, LEAVE_MS) <= 0 || r->manager->ops->receive(r->manager, &report, NULL) < 0)
                        break;
        log_debug(LOG_LIFE, "the unit is %s", report.event == MANAGER_LEFT ? "left" : "given up");
}
