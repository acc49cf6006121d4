/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Between the files of the guest. Process G: born by clone3() in new namespaces as a copy of the launcher; until the
 * pivot it still sees the host's tree (in its own mount namespace), afterwards only its own. It never opens a host
 * path: every source is an inherited descriptor (r->held.slots). It may fail at any step: it says so (FAIL) and ends;
 * it never falls back. */

#include <limits.h>

#include "run/run.h"
#include "sys/exec.h"

/* Before exec only these are open besides 0, 1, 2 and what is passed: from GUEST_FIRST_FD (behind passed ones) on,
 * GUEST_KEEP at most. Descriptor 3 is left free for the stub's job. */
enum { GUEST_FIRST_FD = 4, GUEST_KEEP = 6, GUEST_OPS = PLAN_OPS };

struct mounted {
        dev_t dev;
        ino_t ino; /* 0: nothing */
};

struct cover {
        int fd; /* O_PATH, -1 */
        struct mounted is;
};

struct guest {
        struct run *run;
        const struct plan *plan;
        int sock;
        int root;                                         /* the tree, attached, not yet our root */
        struct cover inaccessible_file, inaccessible_dir; /* sources of masks */
        int proc;                                         /* a proc of our own process namespace, O_PATH */
        int sys;                                          /* what is mounted on /sys, O_PATH, until the pivot */
        int master, slave;                                /* of the console */
        struct seeded seeded;
        uint64_t ns[NS_MAX_]; /* inode numbers of our namespaces, 0: not looked at yet */
        int pair;             /* between builder and guest, -1 */
        bool bounded;         /* the capability bounding set was compared with the plan */
        bool filtered;        /* the system call program is loaded */
        bool covers_wait;     /* until the host is being left: guest_covers() */
        bool from_top;        /* the working directory is the top of the tree */
        int leader;           /* in the builder: the guest, a pidfd, -1 */
        int host_root;        /* in the builder: what it leaves, O_PATH, -1 */
        struct exec_image *program;
        int stub;         /* the stub init, a sealed memfd, -1 */
        int lifeline;     /* ends when the launcher does, for the stub, -1 */
        bool joins;       /* it enters a container that runs already: guest_join.c */
        _Atomic int left; /* in the builder: what came of leaving the host, 0 is not known yet, 1 is done, or -errno */
        struct err err;
        /* By operation; only those of the plan are cleared at first. */
        int made[GUEST_OPS];               /* detached file systems of FSOP_FRESH, -1 */
        struct mounted mounted[GUEST_OPS]; /* what was attached (for the verification) */
};

/* What the guest has no room for in its own calls, and what exec needs in place. In a frame of the launcher, from
 * before the clone: the guest allocates nothing. Not cleared: most of it is never touched, and what is lies in few
 * pages, since builder and guest get a copy each of every page that they write to. */
struct guest_room {
        _Alignas(4096) struct guest guest;
        struct exec_image image;
        char path[PATH_MAX], login[PATH_MAX + 1], container[512], uuid[64];
        char *login_argv[2], *stub_env[3];
        int pass[LISTEN_FDS_MAX];
        char text[64 * 1024];              /* mountinfo */
        _Alignas(16) char stack[8 * 1024]; /* of the builder's thread */
};

/* guest.c */
struct guest_step {
        const char *name;
        int (*run)(struct guest *, struct err *);
};
int guest_wait_start(struct guest *g, struct err *e);
int guest_wait_trees(struct guest *g, struct err *e);
int guest_slot(struct guest *g, const struct fsop *op, struct err *e); /* the caller's to close */
int guest_give(struct guest *g, enum give what, int *fd, struct err *e);
_Noreturn void guest_go_on(struct guest *g); /* the steps of a guest that was built */
void guest_run_steps(struct guest *g, const struct guest_step *steps, size_t n); /* a failure ends the process */
int guest_die_with_launcher(struct guest *g, struct err *e);
int guest_undumpable(struct guest *g, struct err *e);

/* guest_build.c */
int guest_enter_lent(struct guest *g, struct err *e);
int guest_split(struct guest *g, struct err *e);
int guest_mount_of_guest(struct guest *g, struct err *e);
int guest_leave_host(struct guest *g, struct err *e);
int guest_await_left(struct guest *g, struct err *e);
int guest_lock(struct guest *g, struct err *e);
int guest_hand_over(struct guest *g, struct err *e);
int guest_check_built(struct guest *g, struct err *e);
int guest_wait_mounted(struct guest *g, struct err *e);
int guest_leave_directory(struct guest *g, struct err *e);
int guest_wait_maps(struct guest *g, struct err *e);
int guest_take_over(struct guest *g, struct err *e);
int guest_wait_checked(struct guest *g, struct err *e);

/* guest_mounts.c */
int guest_refuse_fresh(struct guest *g, const struct fsop *op, int code, struct err *e);
int guest_seed_fresh(struct guest *g, const struct fsop *op, int fs /* taken over */, struct err *e);
int guest_make_file_systems(struct guest *g, struct err *e);
int guest_attach_root(struct guest *g, struct err *e);
int guest_mounts(struct guest *g, struct err *e);
int guest_covers(struct guest *g, struct err *e);
int guest_late_mounts(struct guest *g, struct err *e);
int guest_pivot(struct guest *g, struct err *e);
int guest_share_mounts(struct guest *g, struct err *e);

/* guest_files.c: what an option writes into the tree itself */
int guest_write_file(struct guest *g, const struct fsop *op, struct err *e);
int guest_write_link(struct guest *g, const struct fsop *op, struct err *e);
int guest_remove(struct guest *g, const struct fsop *op, struct err *e);
/* The directory that dst is in, and its last part. Links inside the tree are followed there, never out of it. */
int guest_open_parent(int root, const char *dst, const char **ret_name, struct err *e);
/* Makes the directories that lead to dst, as far as they are missing. */
int guest_make_parents(int root, const char *dst, struct err *e);
/* A link to what is not there becomes its target, by its text: 1. Anything else stays as it is: 0. */
int guest_follow_lost(int root, char path[PATH_MAX]);
/* What failed was asked for by another name: a link to it. */
int guest_blame_link(const char *path, const char *target, struct err *e);
/* errno, with what helps: nothing is made at this path, which is in the directory dir. */
int guest_cannot_make(int dir, const char *what, const char *path, struct err *e);

/* guest_self.c */
int guest_become_root(struct guest *g, struct err *e);
int guest_keyring(struct guest *g, struct err *e);
int guest_session(struct guest *g, struct err *e);
int guest_cgroup(struct guest *g, struct err *e);
int guest_hostname(struct guest *g, struct err *e);
int guest_network(struct guest *g, struct err *e);
int guest_limits(struct guest *g, struct err *e);
int guest_signals(struct guest *g, struct err *e);
int guest_schedule(struct guest *g, struct err *e);
int guest_bounds(struct guest *g, struct err *e);
int guest_ids(struct guest *g, struct err *e);
int guest_label(struct guest *g, struct err *e);
int guest_capabilities(struct guest *g, struct err *e);
int guest_early_filter(struct guest *g, struct err *e);
int guest_filter(struct guest *g, struct err *e);

/* guest_exec.c */
int guest_home(struct guest *g, struct err *e);
int guest_program(struct guest *g, struct err *e);
int guest_console(struct guest *g, struct err *e);
int guest_stdio(struct guest *g, struct err *e);
int guest_descriptors(struct guest *g, struct err *e);
int guest_directory(struct guest *g, struct err *e);
int guest_stub(struct guest *g, struct err *e);
int guest_stub_job(struct guest *g, struct err *e);
int guest_exec(struct guest *g, struct err *e);

/* guest_verify.c */
int guest_look_at_self(struct guest *g, struct err *e);
int guest_verify(struct guest *g, struct err *e);
int guest_verify_built(struct guest *g, struct err *e); /* in the builder: the mounts, all but the late ones */
