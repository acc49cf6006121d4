/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P, in the host's namespaces: what is taken from the host, as pairs of take and drop. A drop works after a
 * half-done take, and twice; drops run in reverse order. */

#include "run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"
#include "base/msg.h"
#include "base/signals.h"
#include "state/leftover.h"
#include "sys/idmap.h"
#include "sys/ns.h"

void held_init(struct held *h) {
        *h = (struct held){ .cgroup = -1,
                            .limited = -1,
                            .root = -1,
                            .userns = -1,
                            .own_net = -1,
                            .original = -1,
                            .original_whole = -1,
                            .copy_dir = -1,
                            .journal = -1,
                            .memory = -1,
                            .sock = -1,
                            .sock_guest = -1,
                            .lifeline = -1,
                            .lifeline_guest = -1,
                            .signals = -1,
                            .notify = -1,
                            .kmsg = -1,
                            .log = -1,
                            .builder = { .pidfd = -1 },
                            .guest = { .pidfd = -1 },
                            .receiver = { .pidfd = -1 },
                            .stirrer = { .pidfd = -1 },
                            .receiver_ready = -1 };
        record_init(&h->record);
        lock_init(&h->tree_lock);
        lock_init(&h->upper_lock);
        lock_init(&h->range_lock);
        for (int i = 0; i < PLAN_SLOTS; i++)
                h->slots[i] = h->uppers[i] = -1;
}

void close_held(int *fd) {
        clean_fd(fd);
        *fd = -1;
}

/* What a killed supervisor of the same name left running: nobody else can own it, for we hold the name. */
static int end_leftover(struct run *r, struct err *e) {
        pid_t leader;
        uint64_t start;

        if (!record_stale_leader(&r->held.record, &leader, &start) || !process_is_leader(r->opened->proc, leader))
                return 0;
        if (process_end(r->opened->proc, leader, start) < 0) {
                err_set(e, ERR_BUSY, EBUSY, "process %d of the last run of %s does not end", (int) leader,
                        r->plan->machine);
                return err_hint(e, "it may be stuck in the kernel: ps -o stat,wchan %d; another name does without it",
                                (int) leader);
        }
        return 0;
}

/* A supervisor that was killed a moment ago still has its name, and so does one whose container has just ended: who
 * was told so by the service manager may be quicker. */
static int take_record(struct run *r, struct err *e) {
        int k, pauses = 0;

        do
                k = record_take(&r->held.record, r->plan->machine, e);
        while (k > 0 && record_is_ending(&r->held.record, r->opened->proc) && lock_pause(&pauses, LOCK_PAUSES_KILLED));
        return k;
}

static int take_name(struct run *r, struct err *e) {
        int k = take_record(r, e);

        if (k < 0)
                return k;
        if (k == 0 && r->held.record.found) {
                char path[4200];

                for (enum leftover i = 0; k >= 0 && i < LEFTOVER_MAX_; i++)
                        k = leftover_sweep(r->plan->machine, i, false, path, sizeof path, e);
                if (k < 0)
                        return k;
        }
        if (k >= 0 && r->held.record.fd >= 0) {
                k = end_leftover(r, e);
                if (k >= 0)
                        record_begin(&r->held.record);
                return k;
        }
        r->refuted = REFUTED_NAME;
        err_set(e, ERR_BUSY, EBUSY, "a container named %s is running", r->plan->machine);
        return err_hint(e, "-M gives this one another name");
}

static void drop_name(struct run *r) {
        record_drop(&r->held.record);
}

/* A launcher that was killed leaves copies of its locks in a guest that is just dying: worth a moment. */
static int lock_patiently(struct lock *l, const struct stat *st, bool exclusive, const char *what, struct err *e) {
        int k, pauses = 0;

        do
                k = lock_tree(l, st->st_dev, st->st_ino, exclusive, what, e);
        while (k == -EBUSY && lock_pause(&pauses, LOCK_PAUSES));
        return k;
}

static int take_tree_lock(struct run *r, struct err *e) {
        const struct plan *p = r->plan;
        const struct stat st = { .st_dev = r->facts->tree.dev, .st_ino = r->facts->tree.ino };

        int k;

        /* A copy is locked once it is there, an image since it was opened. */
        if (p->root.lock == LOCK_NONE || p->copy || p->root.image)
                return 0;
        k = lock_patiently(&r->held.tree_lock, &st, p->root.lock == LOCK_EXCLUSIVE, p->root.path, e);
        if (k == -EBUSY && p->root.overlay && p->root.overlay->lasting)
                r->refuted = REFUTED_IDLE;
        return k;
}

static void drop_tree_lock(struct run *r) {
        lock_drop(&r->held.tree_lock);
}

/* What two overlays write to one directory is lost. */
static int take_upper_lock(struct run *r, struct err *e) {
        const struct overlay *o = r->plan->root.overlay;
        struct stat st;

        if (!o || !o->upper.host || r->plan->root.lock == LOCK_NONE)
                return 0;
        if (stat(o->upper.host, &st) < 0) {
                err_set(e, errno == ENOENT ? ERR_USAGE : ERR_HOST, errno, "cannot use %s for changes", o->upper.host);
                return err_hint(e, "--overlay-upper= wants a directory that is there");
        }
        return lock_patiently(&r->held.upper_lock, &st, true, o->upper.host, e);
}

static void drop_upper_lock(struct run *r) {
        lock_drop(&r->held.upper_lock);
}

/* Asked for once the name is ours, and before anything dear is made; that is not done here: see probe_correct(). */
static int check_lent(struct run *r, struct err *e) {
        if (!r->plan->ids.unknown)
                return 0;
        r->refuted = REFUTED_LENT;
        return err_set(e, ERR_BUG, EAGAIN, "systemd-nsresourced was not asked for ids yet");
}

/* Those who pick know by the lock, too, that what is lent is taken. */
static int take_range(struct run *r, struct err *e) {
        int k, pauses = 0;

        if (!r->plan->ids.picked && !r->plan->ids.lent)
                return 0;
        /* The last run of this name, if it was killed, had the same range. */
        do
                k = lock_range(&r->held.range_lock, r->plan->ids.base, e);
        while (k > 0 && r->held.record.found && lock_pause(&pauses, LOCK_PAUSES));
        if (k <= 0)
                return k;
        if (r->plan->ids.picked)
                r->refuted = REFUTED_RANGE;
        err_set(e, ERR_BUSY, EBUSY, "the user ids from %u on are in use by another container", r->plan->ids.base);
        return err_hint(e, "--private-users=pick finds some that are free");
}

static void drop_range(struct run *r) {
        lock_drop(&r->held.range_lock);
}

/* All signals become events but those that tell of a fault of ours, the tty's job control, and our children's ends
 * (there are pidfds for these). What is no request to us is read and dropped: nothing but a request may end us with
 * things held. */
static int take_signals(struct run *r, struct err *e) {
        static const int not_ours[] = { SIGSEGV, SIGBUS,  SIGILL,  SIGFPE,  SIGABRT, SIGTRAP,
                                        SIGSYS,  SIGTSTP, SIGTTIN, SIGTTOU, SIGCHLD };
        static const int requests[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
        sigset_t set;

        signals_all(&set);
        for (size_t i = 0; i < ELEMENTS(not_ours); i++)
                sigdelset(&set, not_ours[i]);
        for (size_t i = 0; i < ELEMENTS(requests); i++) {
                struct sigaction now;

                /* What the caller ignores (nohup(1), a shell's "&") is not for us; blocked, it would be queued all the
                 * same. */
                if (sigaction(requests[i], NULL, &now) < 0)
                        return err_set(e, ERR_SYSTEM, errno, "cannot look at signal %d", requests[i]);
                if (now.sa_handler == SIG_IGN)
                        sigdelset(&set, requests[i]);
        }
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot block signals");
        /* A reader of our output that goes away is an error to see, not a reason to die with things held. */
        signal(SIGPIPE, SIG_IGN);
        /* Ignored by the caller, it would let the kernel reap the guest behind our back (wait(2), NOTES). */
        signal(SIGCHLD, SIG_DFL);
        r->held.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        return r->held.signals < 0 ? err_set(e, ERR_SYSTEM, errno, "cannot watch signals") : 0;
}

static void drop_signals(struct run *r) {
        close_held(&r->held.signals);
}

/* A network namespace that exists already is entered while the sources are opened (a sysfs shows the network of who
 * mounts it) and the guest is made: the guest is born in it. */
static int take_network(struct run *r, struct err *e) {
        int k;

        if (!r->plan->netns_path)
                return 0;
        r->held.own_net = ns_open_own(r->opened->proc, "net");
        if (r->held.own_net < 0)
                return err_set(e, ERR_SYSTEM, -r->held.own_net, "cannot open the host's network namespace");
        k = ns_enter_path(r->plan->netns_path, CLONE_NEWNET);
        if (k == 0) {
                k = ns_loopback_up();
                return k < 0 ? err_set(e, ERR_HOST, -k, "cannot bring up the loopback interface of %s",
                                       r->plan->netns_path)
                             : 0;
        }
        err_set(e, ERR_HOST, -k, "cannot enter the network namespace %s", r->plan->netns_path);
        err_blame(e, "network-namespace-path", NULL);
        return k == -EINVAL ? err_hint(e, "it is none; ip netns add NAME makes /run/netns/NAME") : k;
}

static int leave_network(struct run *r, struct err *e) {
        int k = r->held.own_net < 0 ? 0 : ns_enter(r->held.own_net, CLONE_NEWNET);

        close_held(&r->held.own_net);
        return k < 0 ? err_set(e, ERR_SYSTEM, -k, "cannot return to the host's network namespace") : 0;
}

static void drop_network(struct run *r) {
        (void) leave_network(r, NULL);
}

static void drop_nothing(struct run *r) {
}

static int take_nothing(struct run *r, struct err *e) {
        return 0;
}

/* The guest goes to work while the sources are opened. */
static int send_start(struct run *r, struct err *e) {
        int k = protocol_send(r->held.sock, MSG_START, e);

        r->start = START_SENT;
        return k;
}

/* Where there is a builder, it makes a process before it mounts anything; a guest without one mounts at once. */
static int take_early_root(struct run *r, struct err *e) {
        return r->plan->ids.own ? 0 : host_take_root(r, e);
}

static int take_root(struct run *r, struct err *e) {
        return r->plan->ids.own ? host_take_root(r, e) : 0;
}

static int send_trees(struct run *r, struct err *e) {
        int k = host_send_slots(r, e);

        r->start = START_TREES;
        close_held(&r->held.userns);
        return k;
}

static int take_socket(struct run *r, struct err *e) {
        int pair[2], k = msg_pair(pair);

        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot make a socket pair");
        r->held.sock = pair[0];
        r->held.sock_guest = pair[1];
        if (r->plan->exec.mode != EXEC_STUB)
                return 0;
        if (pipe2(pair, O_CLOEXEC) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot make a pipe");
        r->held.lifeline_guest = pair[0];
        r->held.lifeline = pair[1];
        return 0;
}

static void drop_socket(struct run *r) {
        close_held(&r->held.sock);
        close_held(&r->held.sock_guest);
        close_held(&r->held.lifeline);
        close_held(&r->held.lifeline_guest);
}

/* With a user namespace, the first process is the builder: it owns what it mounts, and the guest, born from it into a
 * user namespace of its own, gets a copy that is locked (see guest_build.c). A user namespace that is there already
 * is entered by the builder itself. */
static int take_guest(struct run *r, struct err *e) {
        bool split = r->plan->ids.own;
        int cgroup = r->plan->unit.announce_first ? -1 : r->held.cgroup;
        int k;

        /* The C library looks for the kernel's clock when it is first asked: once, and not in each of the children. */
        (void) loop_now_ms();
        /* What the container uses up of what each user has is the container's, and not missing to the host's root. */
        k = !split ? process_clone(r->plan->namespaces, cgroup, &r->held.guest)
            : r->plan->ids.lent
                    ? process_clone(0, cgroup, &r->held.builder)
                    : process_clone_owned(CLONE_NEWUSER | CLONE_NEWNS, cgroup, r->plan->ids.base, &r->held.builder);

        if (k == 0)
                guest_main(r);
        close_held(&r->held.sock_guest);
        close_held(&r->held.lifeline_guest);
        /* The manager works beside us. */
        if (k > 0)
                return r->plan->unit.scope && !split ? host_unit_ask(r, e) : 0;
        /* In a chroot the kernel refuses it (user_namespaces(7)), outer filters do, and user.max_user_namespaces may
         * be 0. What else makes clone3() fail so is met again without it, and is the error then. */
        if (split && (k == -EPERM || k == -ENOSPC || k == -EUSERS))
                r->refuted = REFUTED_USERNS;
        err_set(e, ERR_HOST, -k, "cannot make the namespaces of %s", r->plan->machine);
        if (k == -EPERM)
                return err_hint(e, "berth needs CAP_SYS_ADMIN; in a container, check its system call filter");
        if (k == -ENOSPC || k == -EUSERS)
                return err_hint(e, "see /proc/sys/user/max_*_namespaces");
        if (k == -EAGAIN)
                return err_hint(e, "no more processes are allowed here: see ulimit -u and pids.max of the cgroup");
        return k;
}

/* The process that START is for. */
static pid_t first_pid(const struct run *r) {
        return r->plan->ids.own ? r->held.builder.pid : r->held.guest.pid;
}

void kill_process(struct process *p) {
        int code, status;

        if (p->pid > 0 && process_signal(p->pidfd, SIGKILL) == 0)
                (void) process_wait(p->pidfd, true, &code, &status);
        p->pid = 0;
        close_held(&p->pidfd);
}

static void drop_guest(struct run *r) {
        /* A guest that its builder had no time to tell of sees that both are gone, and ends; its cgroup is waited for.
         * Other children are not ours: who executes berth may have had some. */
        kill_process(&r->held.builder);
        host_find_leader(r);
        close_held(&r->held.sock);
        close_held(&r->held.lifeline);
        kill_process(&r->held.guest);
        close_held(&r->held.notify);
        close_held(&r->held.kmsg);
}

/* Through the host's proc, and with the launcher's rights: lowering the score takes CAP_SYS_RESOURCE. */
static int set_oom_score(struct run *r, struct err *e) {
        char path[64], text[16];
        CLEAN_FD int fd = -1;
        int n;

        if (!r->plan->limits.oom_said)
                return 0;
        snprintf(path, sizeof path, "%d/oom_score_adj", (int) first_pid(r));
        n = snprintf(text, sizeof text, "%d\n", r->plan->limits.oom_score_adjust);
        fd = openat(r->opened->proc, path, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, text, (size_t) n) != n) {
                err_set(e, ERR_HOST, errno, "cannot set --oom-score-adjust=%d", r->plan->limits.oom_score_adjust);
                err_blame(e, "oom-score-adjust", NULL);
                return err_hint(e, "lowering it needs CAP_SYS_RESOURCE");
        }
        return 0;
}

static int take_maps(struct run *r, struct err *e) {
        int k;

        if (!r->plan->ids.own)
                return 0;
        if (r->plan->ids.lent) {
                r->held.userns = fcntl(r->opened->lent, F_DUPFD_CLOEXEC, 3);
                return r->held.userns < 0
                               ? err_set(e, ERR_SYSTEM, errno, "cannot keep the user namespace that was lent")
                               : 0;
        }
        k = idmap_write_of(r->opened->proc, first_pid(r), &r->plan->ids.map);
        if (k < 0)
                return err_set(e, ERR_HOST, -k, "cannot map the user ids of %s", r->plan->machine);
        r->held.userns = idmap_open(r->opened->proc, first_pid(r));
        if (r->held.userns < 0)
                return err_set(e, ERR_SYSTEM, -r->held.userns, "cannot open the user namespace of %s",
                               r->plan->machine);
        return 0;
}

static void drop_maps(struct run *r) {
        close_held(&r->held.userns);
}

/* The guest sets its limits itself, but in a user namespace it cannot raise one: CAP_SYS_RESOURCE counts in the first
 * only (setrlimit(2)). So it inherits hard limits that leave it room; as far as we may raise them, which the plan says
 * nothing against. What is as it shall be already it need not set; of files it may have more than anybody may have
 * now. */
static int raise_limits(struct run *r, struct err *e) {
        r->limits_as_planned = 0;
        for (int i = 0; i < RLIM_NLIMITS && r->plan->ids.own; i++) {
                const struct rlimit *want = &r->plan->limits.rlimit[i];
                struct rlimit now;

                if (getrlimit(i, &now) < 0)
                        continue;
                if (now.rlim_cur == want->rlim_cur && now.rlim_max == want->rlim_max && i != RLIMIT_NOFILE)
                        r->limits_as_planned |= 1u << i;
                if (want->rlim_max > now.rlim_max) {
                        now.rlim_max = want->rlim_max;
                        (void) setrlimit(i, &now);
                }
        }
        return 0;
}

/* One step a line. The first one: from here on a signal is an event, and what is taken gets dropped. */
/* clang-format off */
static const struct {
        const char *name;
        int (*take)(struct run *, struct err *);
        void (*drop)(struct run *);
        bool per_start; /* taken anew for a restart in place */
} steps[] = {
        { "signals", take_signals, drop_signals, false },
        { "name", take_name, drop_name, false },
        { "lent ids", check_lent, drop_nothing, false },
        { "console log", host_log_take, host_log_drop, false },
        { "console lines", host_lines_take, host_lines_drop, false },
        { "tree lock", take_tree_lock, drop_tree_lock, false },
        { "upper lock", take_upper_lock, drop_upper_lock, false },
        { "copy", host_copy_take, host_copy_drop, false },
        { "journal", host_journal_take, host_journal_drop, false },
        { "journal receiver", host_forward_take, host_forward_drop, false },
        { "tunnel", host_tunnel_take, host_tunnel_drop, false },
        { "id range", take_range, drop_range, false },
        { "supervisor", host_supervisor_place, host_supervisor_drop, false },
        { "manager", host_manager_take, host_manager_drop, false },
        { "unit", take_nothing, host_unit_leave, true }, /* left once the guest is gone */
        { "overlay work", take_nothing, host_drop_overlays, true }, /* likewise */
        { "cgroup", host_cgroup_take, host_cgroup_drop, true },
        { "socket", take_socket, drop_socket, true },
        { "network", take_network, drop_network, true },
        { "limits", raise_limits, drop_nothing, true },
        { "guest", take_guest, drop_guest, true },
        { "oom score", set_oom_score, drop_nothing, true },
        { "id maps", take_maps, drop_maps, true },
        { "owners", host_owners_take, drop_nothing, true },
        { "early root", take_early_root, host_drop_slots, true },
        { "start", send_start, drop_nothing, true },
        { "root", take_root, host_drop_slots, true },
        { "sources", host_take_slots, host_drop_slots, true },
        { "trees", send_trees, drop_nothing, true },
        { "cgroup limits", host_fit_cgroup, drop_nothing, true },
        { "own network", leave_network, drop_nothing, true },
        { "journal received", host_forward_await, drop_nothing, true },
};
/* clang-format on */

static int take_steps(struct run *r, bool per_start, struct err *e) {
        for (size_t i = 0; i < ELEMENTS(steps); i++) {
                int k;

                if (steps[i].per_start != per_start)
                        continue;
                k = steps[i].take(r, e);
                log_debug(LOG_STEP, "take %s: %d", steps[i].name, k);
                if (k < 0)
                        return k;
        }
        return 0;
}

static void drop_steps(struct run *r, bool per_start) {
        for (size_t i = ELEMENTS(steps); i > 0; i--)
                if (steps[i - 1].per_start == per_start)
                        steps[i - 1].drop(r);
}

int host_take(struct run *r, struct err *e) {
        return take_steps(r, false, e);
}

int host_start_guest(struct run *r, struct err *e) {
        r->start = START_NONE;
        return take_steps(r, true, e);
}

void host_drop_start(struct run *r) {
        drop_steps(r, true);
}

void host_drop(struct run *r) {
        drop_steps(r, true);
        drop_steps(r, false);
}
