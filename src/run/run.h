/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Makes a plan happen: takes host resources, launches one guest, supervises it, drops what it took. */

#include "image/image.h"
#include "image/stack.h"
#include "plan/plan.h"
#include "probe/probe.h"
#include "run/console.h"
#include "run/manager.h"
#include "run/protocol.h"
#include "state/lock.h"
#include "state/record.h"
#include "sys/process.h"

/* Every live thing, and nothing else. */
struct held {
        struct record record;
        struct lock tree_lock, upper_lock, range_lock;
        bool cgroup_made;
        int cgroup;             /* the guest's cgroup, -1 */
        int limited;            /* the one above it that has the limits, -1: none */
        int uppers[PLAN_SLOTS]; /* by slots: upper layers of overlays, locked */
        int slots[PLAN_SLOTS];  /* detached mounts and files for the guest */
        int root;               /* the tree, detached */
        int userns;
        int original, copy_dir; /* while there is a copy: the tree it was made of, the directory it is in; -1 */
        int original_whole;     /* and the whole of that, with --pivot-root=; -1 */
        bool copy_made;         /* and is to be removed */
        bool copy_kept;         /* or is there to stay: --template= */
        int journal;            /* the host's directory of the container's journal, locked, -1 */
        bool journal_made;      /* it, or the link, is ours */
        bool tunnel;            /* the directory for machined */
        int memory;             /* what an overlay that outlives reboots is written to, -1 */
        int own_net;            /* the host's network namespace while we are in another */
        int sock;               /* our end; the guest's end is sock_guest until the clone */
        int sock_guest;
        int lifeline, lifeline_guest; /* a pipe to the stub init: it sees when we are gone */
        struct process builder;       /* with a user namespace: makes the mounts, and ends; pid 0: none */
        struct process guest;         /* pid 0: none */
        struct process receiver;      /* of the payload's journal; pid 0: none */
        struct process stirrer;       /* see host_manager.c; pid 0: none */
        int receiver_ready;           /* until it has said so, -1 */
        int signals;                  /* signalfd(2) */
        int notify, kmsg;             /* given by the guest */
        int log;                      /* of a detached container's console, -1 */
        size_t log_size;
};

enum life_state { LIFE_STARTING, LIFE_RUNNING, LIFE_STOPPING, LIFE_KILLED, LIFE_MAX_ };
enum life_event {
        EVENT_SIGNAL,
        EVENT_STOP,
        EVENT_TIMEOUT,
        EVENT_KEY_KILL,
        EVENT_KEY_REBOOT,
        EVENT_KEY_POWEROFF,
        EVENT_MAX_
};

/* What takes its time: much is bytes, nothing, or the number of all files. No files: it ended. */
enum progress { PROGRESS_COPY, PROGRESS_LOOK, PROGRESS_OWNERS };

/* What comes to the console of a detached container, as lines: the one that is not finished is in struct run. */
enum { HOST_LINE = 4096 };
struct console_lines {
        int fd;       /* to the host's journald, -1: nobody wants them */
        pid_t leader; /* whose they are */
        enum { LINE_TEXT, LINE_ESCAPE, LINE_SEQUENCE, LINE_STRING } state;
        unsigned lost;
        size_t n;
};

struct guest_room;
struct control;
struct run {
        const struct plan *plan;
        const struct facts *facts;
        const struct credential_list *credentials;
        struct opened *opened;
        struct image *image; /* NULL: the tree is a directory */
        struct stack *stack; /* NULL: it is no mount stack */
        struct held held;
        struct manager *manager;
        struct console *console; /* NULL in pipe mode */
        struct control *control; /* clients of the control socket */
        struct console_lines lines;
        enum start_state start;
        enum life_state life;
        enum refutable refuted; /* the fact that a failed step found wrong */
        void (*progress)(enum progress of, uint64_t files, uint64_t much); /* NULL */
        bool quiet, again;                                                 /* again: this is a restart in place */
        bool no_journal;                                                   /* nor is its journal linked any more */
        bool console_attached, told_ready;
        bool insisted;              /* somebody has asked for the end by a signal */
        bool locked;                /* the builder has its mounts back (plan.ids.single) */
        bool announced, went;       /* the record is written; GO was sent */
        bool told_why;              /* the guest said itself why it failed */
        int status;                 /* of the ended payload, as an exit status of ours */
        int ended_by;               /* the signal that did it, unasked; 0: none */
        int asked_by;               /* the signal that asked it to end */
        unsigned asked;             /* how often was looked whether it heard that */
        unsigned limits_as_planned; /* a bit for each that the guest inherits as it shall be */
        int busy_cpu;               /* where the guest was born, behind the builder; -1: unknown */
        struct {
                bool asked, placed;       /* something was asked for; the guest is where it belongs */
                bool placing, announcing; /* answers that are waited for */
                bool running;             /* our READY=1 waits for them */
                bool held;                /* the guest stays at the top of its unit until it is registered */
                unsigned resumed;         /* how often who speaks for us to the manager was started again, */
                uint64_t resumed_ms;      /* since when */
        } unit;
        struct {
                bool stirred;      /* PID 1 has said something */
                uint64_t cpu_usec; /* what its cgroup had used when we looked last */
                unsigned looks;    /* since it was asked to end */
        } service;
        bool reboot;
        int *caller, stderr_then;  /* who waits for a detached start, see struct run_want */
        struct process *stirrer;   /* see struct run_want */
        struct guest_room *room;   /* the guest's, see guest.h */
        uint64_t host_ns[NS_MAX_]; /* inode numbers of the launcher's namespaces; for the guest, by PLACED */
        char *cgroup;              /* the guest's, a path of the host, in cgroup_room; NULL: the caller's */
        /* From here on nothing is cleared at first: what is above is written to by all three processes after they have
         * parted, and each page of that is copied for each of them. */
        struct loop loop;
        char cgroup_room[4200], line[HOST_LINE];
};

struct run_want {
        const struct plan *plan;
        const struct facts *facts;
        const struct credential_list *credentials;
        struct opened *opened;
        struct image *image;
        struct stack *stack;
        struct manager *manager;
        struct process *stirrer; /* of host_stir_cgroups(), maybe: taken over */
        struct guest_room *room; /* the memory that the guest has, see guest.h */
        void (*progress)(enum progress of, uint64_t files, uint64_t much); /* NULL: nobody looks */
        bool quiet;
        int *caller; /* NULL, or the socket to who waits until it is ready: then told the machine's name, closed, -1 */
        int stderr_then; /* what is stderr from that moment on, -1: nothing. The caller's to close */
};

/* From plan to exit status (>= 0). On failure -errno and e; *ret_refuted tells whether another plan may succeed.
 * Nothing is left on the host either way. */
int run_plan(const struct run_want *want, int *ret_status, enum refutable *ret_refuted, struct err *e);

/* An operation of the journal's failed: is that a reason to go on without? */
static inline bool run_spares_journal(const struct run *r, const struct fsop *op) {
        return op->flags & FSOP_OF_JOURNAL && (!r->plan->journal.must || r->again);
}
/* Is it left out? */
static inline bool run_leaves_out(const struct run *r, const struct fsop *op) {
        return r->no_journal && op->flags & FSOP_OF_JOURNAL;
}

/* host_manager.c: what the kernel waits for before a process goes to another cgroup is waited for from now on. The
 * sooner the better, but not before we know our own cgroup: until it is over, Linux before 6.7 tells nobody. */
void host_stir_cgroups(const struct opened *o, struct process *ret);

/* run.c: the guest that a builder told of, where nobody has read it yet */
void host_find_leader(struct run *r);

/* host_take.c */
void held_init(struct held *h);
void close_held(int *fd);             /* one of its descriptors; twice is fine */
void kill_process(struct process *p); /* and reap it; likewise */
int host_take(struct run *r, struct err *e);
void host_drop(struct run *r);
void host_drop_start(struct run *r); /* what belongs to one start only: before the next one */
int host_start_guest(struct run *r, struct err *e);

/* host_cgroup.c */
int host_cgroup_take(struct run *r, struct err *e);
void host_cgroup_drop(struct run *r);
int host_hold_cgroup(struct run *r, int cgroup /* taken over */, struct err *e);
int host_fit_cgroup(struct run *r, struct err *e);                     /* limits, owner, devices of r->held.cgroup */
int host_check_limits(const struct run *r, int cgroup, struct err *e); /* of a cgroup that another made */
int host_set_limits(struct run *r, int unit, struct err *e); /* when nothing is at the top of the unit any more */

/* host_slots.c */
int host_take_root(struct run *r, struct err *e);
int host_take_slots(struct run *r, struct err *e);
int host_send_slots(struct run *r, struct err *e);
void host_drop_slots(struct run *r);

struct mapping {
        int mount, userns;
        bool recursive;
};
int host_map_owners(struct run *r, const struct mapping *m, const char *what, struct err *e);

/* host_credentials.c: into a new file system */
bool host_has_secrets(const struct fsop *op);
int host_fill_secrets(struct run *r, const struct fsop *op, int fs, struct err *e);

/* host_copy.c: the tree as a copy */
int host_copy_take(struct run *r, struct err *e);
void host_copy_drop(struct run *r);

/* host_owners.c: the tree as one of another range */
int host_owners_take(struct run *r, struct err *e);

/* host_journal.c: where the host finds the container's journal */
int host_tunnel_take(struct run *r, struct err *e); /* host_tunnel.c */
void host_tunnel_drop(struct run *r);
int host_journal_take(struct run *r, struct err *e);
void host_journal_drop(struct run *r);

/* host_forward.c: who writes down what the payload's journald sends */
int host_forward_take(struct run *r, struct err *e);
int host_forward_await(struct run *r, struct err *e);
int host_forward_watch(struct run *r, struct err *e); /* a new loop */
void host_forward_drop(struct run *r);

/* host_overlay.c: a mount descriptor. top: a mount that is the first lower layer, taken over; -1: opened as planned */
/* What two overlays write to one directory is lost, and the kernel only warns. */
int host_lock_upper(struct run *r, const struct fsop *op, struct err *e);
int host_make_overlay(struct run *r, const struct overlay *o, int top, uint64_t attrs, struct err *e);
void host_drop_overlays(struct run *r); /* what the kernel has made beside upper layers of users */

/* Shall the guest have a namespace of its own of that kind? */
static inline bool run_owns_ns(const struct plan *p, enum namespace_kind kind) {
        return kind == NS_NET ? p->private_net : kind == NS_USER ? p->ids.own : true;
}

/* host_life.c: until the guest is gone */
int host_supervise(struct run *r, struct err *e);
/* As if a signal or a key had come. */
int host_life_event(struct run *r, enum life_event event, int sig, struct err *e);
void host_life_wait_for_end(struct run *r, uint64_t patience_ms); /* and no longer, from now on */

/* host_control.c */
void host_control_init(struct control *control, struct run *r);
int host_control_watch(struct run *r, struct err *e);
void host_control_new_console(struct run *r);     /* for who is attached */
void host_control_end_start(struct run *r);       /* what was started by clients ends with the start */
void host_control_close(struct run *r);           /* before the name is given up */
void host_control_end(struct run *r, int status); /* after that: who waited for it is told; frees all */

int host_write_record(struct run *r, struct err *e);
int host_send_placed(struct run *r, struct err *e);
int host_let_go(struct run *r, struct err *e);
void host_unit_settled(struct run *r); /* on with what waited for the registration */

/* host_manager.c: the guest's place in a unit, and its registration */
int host_manager_take(struct run *r, struct err *e);
void host_manager_drop(struct run *r);
int host_supervisor_place(struct run *r, struct err *e);
void host_supervisor_drop(struct run *r);
int host_unit_ask(struct run *r, struct err *e);   /* once the guest is known */
int host_unit_watch(struct run *r, struct err *e); /* the trees are sent: PLACED is next */
void host_unit_leave(struct run *r);

/* host_console_log.c */
int host_log_take(struct run *r, struct err *e);
void host_log_drop(struct run *r);
void host_log_write(struct run *r, const char *s, size_t n);

/* host_console_journal.c */
int host_lines_take(struct run *r, struct err *e);
void host_lines_drop(struct run *r);
void host_lines_write(struct run *r, const char *s, size_t n);

/* host_detach.c */
void host_caller_ready(struct run *r);
int host_caller_watch(struct run *r, struct err *e);

/* host_notify.c */
void notify_send(const char *path, const char *text, const int *fds, size_t n_fds); /* path NULL: nobody to tell */
void host_notify(const struct run *r, const char *text);
int host_notify_watch(struct run *r, struct err *e);
void host_notify_drain(struct run *r);

/* host_service.c: what our own service manager wants to hear from time to time */
int host_service_watch(struct run *r, struct err *e);
void host_service_lasts(struct run *r);
void host_service_started(struct run *r);
void host_service_stopping(struct run *r); /* the payload was asked to end */

/* seed.c, for both processes: fills a file system that is still detached. notify and kmsg (may be NULL) get
 * descriptors. */
struct seeded {
        int notify, kmsg;
};
int seed_all(int fs, const struct seed_list *seeds, struct seeded *ret, struct err *e);

/* guest.c */
_Noreturn void guest_main(struct run *r);
