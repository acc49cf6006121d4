/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process G: the table of steps from birth to exec. See guest.h for what it may assume. */

#include "run/guest.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"

/* Wait for one message. End of file means that the launcher died: then so do we, silently. */
static int wait_for(struct guest *g, enum message_kind want, struct message *ret, struct msg_fds *ret_fds,
                    struct err *e) {
        int k = protocol_receive(g->sock, 0, ret, ret_fds, e);

        if (k == 0)
                _exit(EXIT_FAILURE);
        if (k < 0)
                return k;
        if (ret->kind != want || !protocol_guest_accepts(g->run->start, want))
                return err_set(e, ERR_BUG, EBADMSG, "the launcher sent %s, expected %s", message_name(ret->kind),
                               message_name(want));
        return 0;
}

static int wait_plain(struct guest *g, enum message_kind want, enum start_state then, struct err *e) {
        struct message m;
        struct msg_fds fds;
        int k = wait_for(g, want, &m, &fds, e);

        g->run->start = then;
        return k;
}

/* The payload dies with the launcher. prctl(2): the setting is lost when credentials change, so it is made again then.
 * If the launcher is already dead, its end of the socket is closed, and waiting ends. */
int guest_die_with_launcher(struct guest *g, struct err *e) {
        return prctl(PR_SET_PDEATHSIG, SIGKILL) < 0
                       ? err_set(e, ERR_SYSTEM, errno, "cannot ask to die with the launcher")
                       : 0;
}

/* What the copy of the launcher has and we must not: its locks would outlive it, and its end of the socket would hide
 * its death. */
static int close_launchers(struct guest *g, struct err *e) {
        struct held *h = &g->run->held;
        const int fds[] = {
                h->record.fd,     h->tree_lock.fd,       h->range_lock.fd,    h->signals,  g->run->opened->root,
                h->sock,          h->lifeline,           h->cgroup,           h->own_net,  g->run->manager->fd,
                h->upper_lock.fd, h->original,           h->original_whole,   h->copy_dir, h->memory,
                h->limited,       g->run->opened->whole, g->run->opened->lent
        };

        for (size_t i = 0; i < ELEMENTS(fds); i++)
                if (fds[i] >= 0 && close(fds[i]) < 0)
                        return err_set(e, ERR_SYSTEM, errno, "cannot close what is the launcher's");
        image_forget(g->run->image);
        /* These come again, with their owners mapped, by TREES. */
        host_drop_slots(g->run);
        return 0;
}

/* Not before START: the launcher writes our id maps and opens our user namespace through proc. Until exec no process
 * of the container may look into this one (its memory and descriptors are the launcher's). */
int guest_undumpable(struct guest *g, struct err *e) {
        return prctl(PR_SET_DUMPABLE, 0) < 0 ? err_set(e, ERR_SYSTEM, errno, "cannot make the guest undumpable") : 0;
}

int guest_wait_start(struct guest *g, struct err *e) {
        msg_watch(g->sock);
        return wait_plain(g, MSG_START, START_SENT, e);
}

/* All at once, or one after the other in the order of the plan, as the plan says. */
static int take_trees(struct guest *g, struct err *e) {
        struct message m;
        struct msg_fds fds;
        int k;

        msg_watch(g->sock);
        k = wait_for(g, MSG_TREES, &m, &fds, e);

        for (int i = 0; k == 0 && i < fds.n; i++) {
                int slot = m.slots[i];

                if (slot == SLOT_ROOT)
                        g->run->held.root = fds.fd[i];
                else if (slot >= 0 && slot < PLAN_SLOTS)
                        g->run->held.slots[slot] = fds.fd[i];
                else
                        k = err_set(e, ERR_BUG, EBADMSG, "the launcher sent a descriptor for slot %d", slot);
        }
        return k;
}

int guest_wait_trees(struct guest *g, struct err *e) {
        int k = 0;

        while (k == 0 && g->run->held.root < 0)
                k = take_trees(g, e);
        return k;
}

int guest_slot(struct guest *g, const struct fsop *op, struct err *e) {
        int k = 0;

        while (k == 0 && g->plan->one_by_one && fsop_of_launcher(op) && g->run->held.slots[op->slot] < 0)
                k = take_trees(g, e);
        return k < 0 ? k : TAKE_FD(g->run->held.slots[op->slot]);
}

static int wait_placed(struct guest *g, struct err *e) {
        struct message m;
        struct msg_fds fds;
        int k = wait_for(g, MSG_PLACED, &m, &fds, e);

        memcpy(g->run->host_ns, m.ns, sizeof m.ns);
        g->run->start = START_PLACED;
        return k;
}

static int ready(struct guest *g, struct err *e) {
        int k = protocol_send(g->sock, MSG_READY, e);

        if (k < 0)
                return k;
        g->run->start = START_READY;
        return wait_plain(g, MSG_GO, START_GONE, e);
}

int guest_give(struct guest *g, enum give what, int *fd, struct err *e) {
        const struct msg_fds fds = { .n = 1, .fd = { *fd } };
        int k = *fd < 0 ? 0 : protocol_send_fds(g->sock, &(struct message){ .kind = MSG_GIVE, .give = what }, &fds, e);

        clean_fd(fd);
        *fd = -1;
        return k;
}

static int give_seeded(struct guest *g, struct err *e) {
        int k = guest_give(g, GIVE_NOTIFY, &g->seeded.notify, e);

        return k < 0 ? k : guest_give(g, GIVE_KMSG, &g->seeded.kmsg, e);
}

static int give_console(struct guest *g, struct err *e) {
        return guest_give(g, GIVE_CONSOLE, &g->master, e);
}

/* What depends on nothing comes first, while the launcher writes the id maps; our own file systems are made while the
 * launcher opens the sources. The order is forced by the kernel in these places: a fresh proc or sysfs needs a full
 * instance still visible: made before the host is left; a cgroup namespace must be made after the guest is in its
 * final cgroup: placed before it; in a tree with mapped owners only we can create files: all writing to the tree is
 * here; descriptors are closed before the working directory is entered; the stub's job is stored before the payload's
 * limits hold; without no_new_privs the system call program is loaded before CAP_SYS_ADMIN goes: see
 * guest_capabilities(). */

/* Without a user namespace one process does it all. */
static const struct guest_step whole[] = {
        { "die with launcher", guest_die_with_launcher },
        { "launcher's own", close_launchers },
        { "signals", guest_signals },
        { "scheduling", guest_schedule },
        { "hostname", guest_hostname },
        { "network", guest_network },
        { "start", guest_wait_start },
        { "undumpable", guest_undumpable },
        { "become root", guest_become_root },
        { "session", guest_session },
        { "file systems", guest_make_file_systems },
        { "trees", guest_wait_trees },
        { "root", guest_attach_root },
        { "mounts", guest_mounts },
        { "pivot", guest_pivot },
        { "give", give_seeded },
        { "bounds", guest_bounds },
};

/* With one, the builder makes the mounts, in a mount namespace that the guest does not own ... */
static const struct guest_step builder[] = {
        { "lent ids", guest_enter_lent },
        { "die with launcher", guest_die_with_launcher },
        { "launcher's own", close_launchers },
        { "start", guest_wait_start },
        { "become root", guest_become_root },
        { "guest", guest_split },
        { "undumpable", guest_undumpable },
        { "file systems", guest_make_file_systems },
        { "file systems of the guest", guest_mount_of_guest },
        { "trees", guest_wait_trees },
        { "root", guest_attach_root },
        { "mounts", guest_mounts },
        { "leave the host", guest_leave_host },
        { "covers", guest_covers },
        { "host left", guest_await_left },
        { "lock", guest_lock },
        { "give", give_seeded },
        { "hand over", guest_hand_over },
        { "check", guest_check_built },
        { "mounted", guest_wait_mounted },
};

/* ... and the guest does meanwhile all that needs no tree. The builder joins its namespaces, for which it must be
 * dumpable until then (ptrace(2), access mode checks); there is nobody else inside yet. */
static const struct guest_step built[] = {
        { "die with launcher", guest_die_with_launcher },
        { "leave directory", guest_leave_directory },
        { "hostname", guest_hostname },
        { "maps", guest_wait_maps },
        { "become root", guest_become_root },
        { "signals", guest_signals },
        { "scheduling", guest_schedule },
        { "session", guest_session },
        { "network", guest_network },
        { "bounds", guest_bounds },
        { "look at self", guest_look_at_self },
        { "early filter", guest_early_filter },
        { "take over", guest_take_over },
        { "undumpable", guest_undumpable },
};

static const struct guest_step rest[] = {
        { "console", guest_console },
        { "give", give_console },
        { "placed", wait_placed },
        { "cgroup", guest_cgroup },
        { "late mounts", guest_late_mounts },
        { "propagation", guest_share_mounts },
        { "home", guest_home },
        { "program", guest_program },
        { "stub", guest_stub },
        { "stdio", guest_stdio },
        { "descriptors", guest_descriptors },
        { "directory", guest_directory },
        { "stub's job", guest_stub_job },
        { "limits", guest_limits },
        { "label", guest_label },
        { "ids", guest_ids },
        { "die with launcher again", guest_die_with_launcher },
        { "capabilities", guest_capabilities },
        { "checked", guest_wait_checked },
        { "verification", guest_verify },
        { "ready", ready },
        { "filter", guest_filter },
        { "exec", guest_exec },
};

void guest_run_steps(struct guest *g, const struct guest_step *steps, size_t n) {
        for (size_t i = 0; i < n; i++) {
                int k = steps[i].run(g, &g->err);

                log_debug(LOG_STEP, "guest: %s: %d", steps[i].name, k);
                if (k == 0)
                        continue;
                if (g->err.kind == ERR_NONE)
                        err_set(&g->err, ERR_BUG, 0, "the step \"%s\" of the guest failed without a word",
                                steps[i].name);
                protocol_send_fail(g->sock, &g->err, g->run->refuted);
                _exit(EXIT_FAILURE);
        }
}

_Noreturn void guest_go_on(struct guest *g) {
        guest_run_steps(g, built, ELEMENTS(built));
        guest_run_steps(g, rest, ELEMENTS(rest));
        _exit(EXIT_FAILURE); /* the last step is exec */
}

static void guest_init(struct guest *g, struct run *r) {
        memset(g, 0, offsetof(struct guest, made));
        memset(g->mounted, 0, r->plan->fsops.n * sizeof g->mounted[0]);
        for (size_t i = 0; i < r->plan->fsops.n; i++)
                g->made[i] = -1;
        g->run = r;
        g->plan = r->plan;
        g->sock = r->held.sock_guest;
        g->lifeline = r->held.lifeline_guest;
        g->root = g->proc = g->sys = g->master = g->slave = g->stub = g->pair = g->leader = g->host_root = -1;
        g->inaccessible_file.fd = g->inaccessible_dir.fd = -1;
        g->seeded = (struct seeded){ -1, -1 };
}

_Noreturn void guest_main(struct run *r) {
        struct guest *g = &r->room->guest;

        guest_init(g, r);
        if (r->plan->ids.own) {
                guest_run_steps(g, builder, ELEMENTS(builder));
                _exit(EXIT_SUCCESS);
        }
        guest_run_steps(g, whole, ELEMENTS(whole));
        guest_run_steps(g, rest, ELEMENTS(rest));
        _exit(EXIT_FAILURE);
}
