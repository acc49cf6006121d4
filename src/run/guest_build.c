/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Why two processes make a guest that has a user namespace.
 *
 * What root in a container may not undo (masks, read-only covers, nodev) must be locked, and the kernel locks mounts
 * only when a mount namespace is copied into one that another user namespace owns (mount_namespaces(7), restrictions).
 * So the builder, process B, in a user namespace of its own, makes all mounts; the guest, process G, is born from it
 * into one more user namespace (with the same ids), and copies the finished mount namespace: then all in it is locked.
 *
 * A sysfs shows the network of who mounts it, an mqueue the ipc namespace: for these B joins G's. A proc takes a
 * process namespace by name.
 *
 *      B                               G
 *      | -------- clone, id map -----> |  all it can do before it has a tree
 *      |  mounts, leaves the host      |
 *      | ---- what is where ---------> |  copies the mount namespace, mounts what comes late
 *      | ---- as planned, or not ----> |
 *      | <--------- hangs up --------- |  goes on
 *      ends
 */

#include "run/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/str.h"
#include "sys/cpus.h"
#include "sys/idmap.h"
#include "sys/mounts.h"
#include "sys/resolve.h"

/* Any but 1, and 2, which the payload of --as-pid2 gets. */
enum { CHILD_TID = 300 };

static int lost(struct err *e) {
        return err_set(e, ERR_SYSTEM, ECONNRESET, "builder and guest lost each other");
}

/* The guest goes its own way in here and does not come back. What the kernel makes for an ipc namespace (the root of
 * its mqueue) belongs to its maker: the builder is root of the container already. */
static _Noreturn void begin_guest(struct guest *g, int pair) {
        g->pair = pair;
        guest_go_on(g);
}

/* systemd-nsresourced lends ids with a user namespace that is there before us, and empty. */
int guest_enter_lent(struct guest *g, struct err *e) {
        if (!g->plan->ids.lent)
                return 0;
        if (setns(g->run->opened->lent, CLONE_NEWUSER) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot enter the user namespace that was lent");
        return unshare(CLONE_NEWNS) < 0 ? err_set(e, ERR_HOST, errno, "cannot make a mount namespace") : 0;
}

int guest_split(struct guest *g, struct err *e) {
        bool single = g->plan->ids.single;
        uint64_t namespaces = g->plan->namespaces & ~(uint64_t) (CLONE_NEWNS | (single ? CLONE_NEWUSER : 0));
        struct message give = { .kind = MSG_GIVE, .give = GIVE_LEADER, .cpu = cpus_here() };
        CLEAN_FD int theirs = -1;
        struct process guest;
        int pair[2], k;

        /* An init is born into a session of its own, but not as its leader, as the kernel's own first process is: then
         * no terminal that it opens becomes its controlling one, and what it starts on the console can have it. */
        if (g->plan->exec.mode == EXEC_BOOT && setsid() < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot make a session");
        /* For as long as the id map of the guest is to be written: through proc, by us, who have no rights over what
         * is root's. */
        if (prctl(PR_SET_DUMPABLE, 1) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot make the builder dumpable");
        k = msg_pair(pair);
        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot make a socket pair");
        g->pair = pair[0];
        theirs = pair[1];
        k = process_clone_sister(namespaces, &guest);
        if (k == 0) {
                close(pair[0]);
                begin_guest(g, TAKE_FD(theirs));
        }
        if (k < 0) {
                if (k == -EPERM || k == -ENOSPC || k == -EUSERS)
                        g->run->refuted = k == -EPERM && !single ? REFUTED_NESTED : REFUTED_USERNS;
                err_set(e, ERR_HOST, -k, "cannot make the namespaces of %s", g->plan->machine);
                return k == -ENOSPC || k == -EUSERS ? err_hint(e, "see /proc/sys/user/max_*_namespaces")
                       : k == -EAGAIN               ? err_hint(e, "see ulimit -u and pids.max of the cgroup")
                                                    : k;
        }
        give.pid = guest.pid;
        k = protocol_send_fds(g->sock, &give, &(struct msg_fds){ .n = 1, .fd = { guest.pidfd } }, e);
        g->leader = guest.pidfd;
        if (k < 0)
                return k;
        k = single ? 0 : idmap_write_of(g->run->opened->proc, guest.pid, &g->plan->ids.inner);
        if (k < 0)
                return err_set(e, ERR_HOST, -k, "cannot map the user ids of the guest");
        k = msg_send(g->pair, "", 1, NULL);
        return k < 0 ? lost(e) : 0;
}

/* It was born in the builder's, which is in the host's mounts: who leaves those last takes them apart. */
int guest_leave_directory(struct guest *g, struct err *e) {
        return fchdir(g->run->opened->proc) < 0 ? err_set(e, ERR_SYSTEM, errno, "cannot leave the working directory")
                                                : 0;
}

int guest_wait_maps(struct guest *g, struct err *e) {
        struct msg_fds fds;
        char go;

        msg_watch(g->pair);
        return msg_recv(g->pair, &go, sizeof go, &fds, 0) == 1 ? 0 : lost(e);
}

/* A process namespace is entered by being born in it. The child shares our table of descriptors, and puts its result
 * in the place of one that we keep for it. */
static int mount_by_child(const struct fsop *op) {
        CLEAN_FD int place = open("/", O_PATH | O_CLOEXEC);
        struct process child = { .pidfd = -1 };
        int k, code, status;

        if (place < 0)
                return -errno;
        k = process_clone_as(CHILD_TID, &child);
        if (k == 0) {
                int fs = mount_fresh(op->src, op->options, op->set);

                _exit(fs < 0 ? -fs : dup3(fs, place, O_CLOEXEC) < 0 ? errno : 0);
        }
        if (k < 0)
                return k;
        k = process_wait(child.pidfd, true, &code, &status);
        close(child.pidfd);
        if (k < 0)
                return k;
        return code == CLD_EXITED && status == 0 ? TAKE_FD(place) : code == CLD_EXITED ? -status : -ECHILD;
}

/* Before Linux 6.17 a proc shows the process namespace of its maker only. */
static int mount_proc(struct guest *g, const struct fsop *op) {
        CLEAN_FD int ns = process_pid_namespace(g->leader);
        int fs = ns < 0 ? -EINVAL : mount_fresh_proc(ns, op->set);

        if (fs != -EINVAL)
                return fs;
        return setns(g->leader, CLONE_NEWPID) < 0 ? -errno : mount_by_child(op);
}

int guest_mount_of_guest(struct guest *g, struct err *e) {
        if (setns(g->leader, CLONE_NEWIPC | (g->plan->private_net ? CLONE_NEWNET : 0)) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot join the namespaces of the guest");
        for (size_t i = 0; i < g->plan->fsops.n; i++) {
                const struct fsop *op = &g->plan->fsops.items[i];
                int fs, k;

                if (op->kind != FSOP_FRESH || !(op->flags & FSOP_OF_GUEST))
                        continue;
                fs = streq(op->src, "proc") ? mount_proc(g, op) : mount_fresh(op->src, op->options, op->set);
                k = fs < 0 ? guest_refuse_fresh(g, op, fs, e) : guest_seed_fresh(g, op, fs, e);
                if (k < 0)
                        return k;
        }
        close(TAKE_FD(g->leader));
        return 0;
}

/* --- leaving the host's mounts --- */

/* umount2(2) waits until no processor looks at what it detached, and then takes it apart, mount by mount. The guest
 * need not wait for either: a thread does it. The thread has a working directory of its own (no CLONE_FS), and shares
 * everything else. */
enum { THREAD_FLAGS = CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_FILES | CLONE_SYSVSEM };

static int detach_host(void *data) {
        struct guest *g = data;
        int k = mount_detach_here();

        g->left = k < 0 ? k : 1;
        return 0;
}

static int cannot_leave(const struct guest *g, int code, struct err *e) {
        return err_set(e, ERR_SYSTEM, code, "cannot make %s the root directory", g->plan->root.path);
}

/* When no link of the tree is to be followed any more: until it is detached the host's root lies on top of the new
 * one, and ".." from a directory of the tree would lead there. */
int guest_leave_host(struct guest *g, struct err *e) {
        char *stack_end = g->run->room->stack + sizeof g->run->room->stack;
        int k;

        g->host_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        k = g->host_root < 0 ? -errno : mount_pivot_below(g->root);
        if (k < 0)
                return cannot_leave(g, -k, e);
        if (clone(detach_host, stack_end, THREAD_FLAGS, g) >= 0)
                return 0;
        /* Before Linux 6.17 our children are born in the guest's process namespace, see mount_proc(): then we cannot
         * have a thread (clone(2), EINVAL). It takes longer. */
        k = mount_detach_here();
        g->left = 1;
        return k < 0 ? cannot_leave(g, -k, e) : 0;
}

/* Once a mount is in no namespace it cannot be changed, and the guest will not copy it. That is long before umount2()
 * returns. The descriptor stays open: who closes the last one takes all those mounts apart. */
int guest_await_left(struct guest *g, struct err *e) {
        const struct mount_change any = { .set = MOUNT_ATTR_NODEV, .userns = -1 };
        int left, k;

        while ((left = g->left) == 0 && (k = mount_change(g->host_root, &any)) == 0)
                sched_yield();
        if (left < 0)
                return cannot_leave(g, -left, e);
        if (left > 0)
                k = mount_change(g->host_root, &any);
        return k == -EINVAL ? 0 : err_set(e, ERR_BUG, -k, "the host's root directory is still there");
}

/* Where nobody in a user namespace may make another (Debian's kernel.unprivileged_userns_clone), the guest is in ours,
 * and no copy that it makes locks anything. The launcher, which may, gives back what we have made, as it would have
 * become: that is the root from then on. */
int guest_lock(struct guest *g, struct err *e) {
        CLEAN_FD int here = -1, there = -1, locked = -1;
        struct msg_fds fds = { .n = 1 };
        int pair[2], k;
        char word = 0;

        if (!g->plan->ids.single)
                return 0;
        k = msg_pair(pair);
        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot make a socket pair");
        here = pair[0];
        there = pair[1];
        fds.fd[0] = mount_clone(g->root, "", true);
        if (fds.fd[0] < 0)
                return err_set(e, ERR_SYSTEM, -fds.fd[0], "cannot copy the mounts");
        k = msg_send(here, &word, sizeof word, &fds);
        msg_fds_close(&fds);
        k = k < 0 ? err_set(e, ERR_SYSTEM, -k, "cannot send the mounts") : guest_give(g, GIVE_LOCK, &there, e);
        if (k < 0)
                return k;
        if (msg_recv(here, &word, sizeof word, &fds, 0) != 1 || fds.n != 1)
                return err_set(e, ERR_SYSTEM, ECONNRESET, "the launcher locks no mounts");
        locked = fds.fd[0];
        k = mount_attach(locked, g->root);
        k = k < 0 ? k : mount_pivot(locked);
        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot take the locked mounts");
        close(TAKE_FD(g->root));
        g->root = TAKE_FD(locked);
        return 0;
}

static size_t mounted_size(const struct guest *g) {
        return g->plan->fsops.n * sizeof *g->mounted;
}

int guest_hand_over(struct guest *g, struct err *e) {
        /* The launcher takes its end for the guest's exec. Should the guest not get this, it is who says so. */
        close(TAKE_FD(g->sock));
        return msg_send(g->pair, g->mounted, mounted_size(g), NULL) < 0 ? lost(e) : 0;
}

/* Mostly the guest is not there yet: it has been given a processor late. It learns the result before exec. */
int guest_check_built(struct guest *g, struct err *e) {
        struct err verdict = { .kind = ERR_NONE };

        (void) guest_verify_built(g, &verdict);
        return msg_send(g->pair, &verdict, sizeof verdict, NULL) < 0 ? lost(e) : 0;
}

/* The last one in a mount namespace takes it apart, and nobody else can mount anything meanwhile: that shall neither
 * be the guest nor be while it mounts. It hangs up when it does not any more. */
int guest_wait_mounted(struct guest *g, struct err *e) {
        struct msg_fds fds;
        char none;

        msg_watch(g->pair);
        return msg_recv(g->pair, &none, sizeof none, &fds, 0) == 0 ? 0 : lost(e);
}

int guest_take_over(struct guest *g, struct err *e) {
        struct msg_fds fds;

        msg_watch(g->pair);
        if (msg_recv(g->pair, g->mounted, sizeof g->mounted, &fds, 0) != (ssize_t) mounted_size(g))
                return lost(e);
        /* From here on what the builder mounted is locked. */
        if (unshare(CLONE_NEWNS) < 0)
                return err_set(e, ERR_HOST, errno, "cannot make a mount namespace");
        g->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        g->proc = resolve_plain(g->root, "proc", O_PATH | O_DIRECTORY);
        if (g->root < 0 || g->proc < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot open the new root directory");
        g->run->start = START_TREES;
        return 0;
}

int guest_wait_checked(struct guest *g, struct err *e) {
        struct err verdict;
        struct msg_fds fds;

        if (g->pair < 0)
                return 0;
        msg_watch(g->pair);
        if (msg_recv(g->pair, &verdict, sizeof verdict, &fds, 0) != sizeof verdict)
                return lost(e);
        close(TAKE_FD(g->pair));
        if (verdict.kind == ERR_NONE)
                return 0;
        *e = verdict;
        return verdict.code > 0 ? -verdict.code : -EINVAL;
}
