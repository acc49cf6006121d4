/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process G: what it does to itself: namespaces, name, limits, ids, capabilities, filter. */

#include "run/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/signals.h"
#include "sys/caps.h"
#include "sys/landlock.h"
#include "sys/ns.h"
#include "sys/seccomp.h"
#include "sys/stackroom.h"

int guest_become_root(struct guest *g, struct err *e) {
        if ((!g->plan->exec.keep_groups && setgroups(0, NULL) < 0) || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot become root of the container");
        /* A change of ids resets it. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot ask to die with the launcher");
        umask(0);
        return 0;
}

int guest_keyring(struct guest *g, struct err *e) {
        if (!g->plan->sec.no_keyring && syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot join a session keyring of its own");
        return 0;
}

int guest_session(struct guest *g, struct err *e) {
        int k = guest_keyring(g, e);

        if (k < 0 || (g->plan->exec.mode == EXEC_BOOT && g->plan->ids.own)) /* see guest_split() */
                return k;
        return setsid() < 0 && errno != EPERM ? err_set(e, ERR_SYSTEM, errno, "cannot make a session") : 0;
}

int guest_cgroup(struct guest *g, struct err *e) {
        return unshare(CLONE_NEWCGROUP) < 0 ? err_set(e, ERR_HOST, errno, "cannot make a cgroup namespace") : 0;
}

int guest_hostname(struct guest *g, struct err *e) {
        const char *name = g->plan->id.hostname;

        if (sethostname(name, strlen(name)) == 0)
                return 0;
        err_set(e, ERR_SYSTEM, errno, "cannot set the host name %s", name);
        return err_blame(e, "hostname", NULL);
}

int guest_network(struct guest *g, struct err *e) {
        int k;

        if (!g->plan->loopback)
                return 0;
        k = ns_loopback_up();
        return k < 0 ? err_set(e, ERR_SYSTEM, -k, "cannot bring the loopback interface up") : 0;
}

static bool set_lower(int what, struct rlimit *want, rlim_t most) {
        if (want->rlim_max > most)
                want->rlim_max = most;
        if (want->rlim_cur > want->rlim_max)
                want->rlim_cur = want->rlim_max;
        return setrlimit(what, want) == 0;
}

/* Nobody may have more descriptors than this, whatever the limit is now. */
static rlim_t most_files(const struct guest *g) {
        char text[32];

        return file_read_at(g->proc, "sys/fs/nr_open", text, sizeof text) > 0 ? strtoull(text, NULL, 10)
                                                                              : RLIM_INFINITY;
}

/* A limit that cannot be raised is set as near as it goes, as upstream; what the user named must at least not fail
 * otherwise. */
static int set_rlimit(struct guest *g, int what, struct err *e) {
        struct rlimit want = g->plan->limits.rlimit[what], now;

        if (setrlimit(what, &want) == 0)
                return 0;
        if (errno == EPERM && getrlimit(what, &now) == 0 && set_lower(what, &want, now.rlim_max))
                return 0;
        if (errno == EPERM && what == RLIMIT_NOFILE && set_lower(what, &want, most_files(g)))
                return 0;
        return err_set(e, ERR_SYSTEM, errno, "cannot set resource limit %d", what);
}

/* Late: they are the payload's, and would be in the way of the guest's own work. */
int guest_limits(struct guest *g, struct err *e) {
        int k = 0;

        if (g->plan->limits.rlimit[RLIMIT_STACK].rlim_cur < 2 * STACKROOM)
                stackroom_have();
        for (int i = 0; k == 0 && i < RLIM_NLIMITS; i++)
                k = g->run->limits_as_planned & 1u << i ? 0 : set_rlimit(g, i, e);
        return k;
}

int guest_signals(struct guest *g, struct err *e) {
        signals_default();
        return 0;
}

int guest_schedule(struct guest *g, struct err *e) {
        const struct plan *p = g->plan;
        sigset_t none;

        if (p->limits.cpus_said &&
            sched_setaffinity(0, sizeof p->limits.cpus, (const cpu_set_t *) p->limits.cpus) < 0) {
                bool none_there = errno == EINVAL;

                err_set(e, ERR_HOST, errno, "cannot set --cpu-affinity=");
                if (none_there)
                        err_hint(e, "none of these processors may be used here, or is there");
                return err_blame(e, "cpu-affinity", NULL);
        }
        if (p->exec.personality != PERSONALITY_UNSAID && personality(p->exec.personality) < 0) {
                err_set(e, ERR_HOST, errno, "cannot set --personality=");
                return err_blame(e, "personality", NULL);
        }
        sigemptyset(&none);
        if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot unblock signals");
        return 0;
}

static int close_abstract_sockets(struct guest *g, struct err *e) {
        int k = g->plan->sec.close_abstract ? landlock_scope_abstract() : 0;

        return k < 0 ? err_set(e, ERR_SYSTEM, -k, "cannot close the host's abstract sockets by Landlock") : 0;
}

/* What binds the payload and not the work that is left: the capabilities that count until exec are others. */
int guest_bounds(struct guest *g, struct err *e) {
        int k = caps_drop_bounding(g->plan->sec.bounding);

        return k < 0 ? err_set(e, ERR_SYSTEM, -k, "cannot reduce the capability bounding set")
                     : close_abstract_sockets(g, e);
}

/* Files were made with the modes meant; from here on the payload's mask holds. Capabilities other than the ambient
 * ones go with the user id. */
int guest_ids(struct guest *g, struct err *e) {
        const struct plan *p = g->plan;

        umask(p->exec.umask);
        if (p->exec.uid == 0 && p->exec.gid == 0 && p->exec.n_groups == 0)
                return 0;
        if (prctl(PR_SET_KEEPCAPS, 1) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot keep capabilities over the change of user");
        if ((!p->exec.keep_groups && setgroups(p->exec.n_groups, p->exec.groups) < 0) ||
            setresgid(p->exec.gid, p->exec.gid, p->exec.gid) < 0 ||
            setresuid(p->exec.uid, p->exec.uid, p->exec.uid) < 0) {
                err_set(e, ERR_PAYLOAD, errno, "cannot become user %u, group %u", p->exec.uid, p->exec.gid);
                err_blame(e, "uid", NULL);
                return p->ids.own ? err_hint(e, "the container has the ids 0 to %u%s", p->ids.count - 1,
                                             p->ids.map.n > 1 ? ", and those of --private-users-map=" : "")
                                  : -EPERM;
        }
        if (prctl(PR_SET_KEEPCAPS, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot stay undumpable");
        return 0;
}

#define CAP_BIT(n) (UINT64_C(1) << (n))

/* For the next exec (proc_pid_attr(5)); the stub's label is the payload's. */
int guest_label(struct guest *g, struct err *e) {
        const char *label = g->plan->sec.selinux;
        CLEAN_FD int fd = label ? openat(g->proc, "self/attr/exec", O_WRONLY | O_CLOEXEC) : -1;

        if (label && (fd < 0 || write(fd, label, strlen(label)) < 0)) {
                err_set(e, ERR_HOST, errno, "cannot give the payload the label %s", label);
                return err_blame(e, "selinux-context", NULL);
        }
        return 0;
}

/* Loading a system call program takes CAP_SYS_ADMIN or no_new_privs (seccomp(2)): where the payload shall have
 * neither, the one capability stays until the program is in: guest_filter() then sets the final state. */
int guest_capabilities(struct guest *g, struct err *e) {
        const struct plan *p = g->plan;
        uint64_t keep = p->sec.filter_before_caps ? CAP_BIT(CAP_SYS_ADMIN) : 0;
        int k;

        if (p->sec.no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot set no_new_privs");
        k = caps_set(p->sec.effective | keep, p->sec.permitted | keep, p->sec.inheritable);
        k = k < 0 ? k : caps_set_ambient(p->sec.ambient);
        return k < 0 ? err_set(e, ERR_SYSTEM, -k, "cannot set capabilities") : 0;
}

static int load_filter(struct guest *g, struct err *e) {
        int k = seccomp_load(g->plan->sec.filter.insns, g->plan->sec.filter.n, 0);

        g->filtered = k == 0;
        return k < 0 ? err_set(e, ERR_SYSTEM, -k, "cannot load the system call program") : 0;
}

int guest_early_filter(struct guest *g, struct err *e) {
        return g->plan->sec.filter_early ? load_filter(g, e) : 0;
}

int guest_filter(struct guest *g, struct err *e) {
        const struct plan *p = g->plan;
        int k;

        if (p->sec.no_filter || g->filtered)
                return 0;
        k = load_filter(g, e);
        if (k < 0 || !p->sec.filter_before_caps)
                return k;
        k = caps_set(p->sec.effective, p->sec.permitted, p->sec.inheritable);
        return k < 0 ? err_set(e, ERR_SYSTEM, -k, "cannot set capabilities") : 0;
}
