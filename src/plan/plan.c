/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/plan.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>

#include "base/clean.h"
#include "base/parse.h"
#include "base/str.h"
#include "plan/nodes.h"
#include "plan/exec.h"
#include "plan/foreign.h"
#include "plan/ids.h"
#include "plan/limits.h"
#include "plan/mounts.h"
#include "plan/root.h"
#include "plan/unit.h"
#include "sys/caps.h"

#define BIT(n) (UINT64_C(1) << (n))

void plan_note(struct arena *a, struct plan *p, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        strv_add(a, &p->notes, arena_vprintf(a, fmt, ap));
        va_end(ap);
}

static void make_console(const struct spec *s, const struct facts *f, struct plan *p) {
        bool terminal = f->caller.terminal_in && f->caller.terminal_out;
        enum console_mode mode = s->console.mode;

        /* Without a terminal a command is a plain child: the caller's own descriptors, and so EOF and no CR. A boot
         * has a console all the same: init and its gettys expect one. */
        p->console.detached = s->self.detach;
        /* An OS with systemd has a journal of its own, and what it shows is no news. */
        p->console.journal = s->self.detach && f->host.journald &&
                             !(s->exec.mode == EXEC_BOOT && f->tree.init.kind == INIT_SYSTEMD);
        if (s->self.detach)
                mode = CONSOLE_INTERACTIVE;
        else if (mode == CONSOLE_DEFAULT)
                mode = terminal ? CONSOLE_INTERACTIVE : s->exec.mode == EXEC_BOOT ? CONSOLE_READ_ONLY : CONSOLE_PIPE;
        else if (mode == CONSOLE_AUTOPIPE)
                mode = terminal ? CONSOLE_INTERACTIVE : CONSOLE_PIPE;
        p->console.mode = mode;
        p->console.background = s->console.background;
}

static bool wants_private_net(const struct spec *s) {
        if (s->net.private != UNSAID)
                return s->net.private == YES;
        return s->self.face == FACE_BERTH && s->exec.mode == EXEC_BOOT && !s->net.path;
}

static int make_namespaces(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p,
                           struct err *e) {
        int r;

        p->namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC;
        p->netns_path = s->net.path;
        if (wants_private_net(s) && !s->net.path) {
                p->namespaces |= CLONE_NEWNET;
                p->private_net = true;
        }
        r = plan_ids(s, f, a, p, e);
        if (r < 0)
                return r;
        /* A network that is joined is somebody else's, unless --private-network says that it is ours; and it belongs
         * to whose user namespace it was made in (user_namespaces(7)). */
        p->net_admin = p->private_net || (s->net.path && s->net.private == YES && !p->ids.own);
        if (s->net.path && s->net.private == YES && p->ids.own)
                plan_note(a, p,
                          "the payload cannot set up the network %s: it does not belong to its user ids "
                          "(--private-users=no)",
                          s->net.path);
        return 0;
}

/* "cap_mknod, cap_sys_time" */
static const char *cap_names(struct arena *a, uint64_t caps) {
        const char *list = NULL, *name;

        for (unsigned i = 0; i < 64; i++)
                if (caps & BIT(i)) {
                        name = caps_name(i);
                        name = name ? name : arena_printf(a, "%u", i);
                        list = list ? arena_printf(a, "%s, %s", list, name) : arena_strdup(a, name);
                }
        return list;
}

/* A settings file may write them with or without the first part. */
static int blame_cap(struct err *e, const char *option, struct arena *a, uint64_t caps) {
        return err_blame(e, option, str_after(cap_names(a, caps & -caps), "cap_"));
}

static int make_caps(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        bool root = p->exec.uid == 0;
        uint64_t caps = SPEC_CAPS_DEFAULT, lost;

        if (p->net_admin)
                caps |= BIT(CAP_NET_ADMIN);
        else if (p->ids.own && !p->netns_path)
                caps &= ~BIT(CAP_NET_BIND_SERVICE); /* the ports are the host's */
        if (!p->ids.own && f->host.first_userns && !p->cgroup.restrict_devices && caps & BIT(CAP_MKNOD)) {
                caps &= ~BIT(CAP_MKNOD);
                if (!((s->sec.caps_add | s->sec.caps_drop) & BIT(CAP_MKNOD)))
                        plan_note(a, p, "cap_mknod is left out: device nodes cannot be restricted here");
        }
        caps = (caps | s->sec.caps_add) & ~s->sec.caps_drop;
        /* A new user namespace begins with all capabilities over what it owns. */
        lost = p->ids.own ? 0 : caps & ~f->host.caps;
        if (lost & s->sec.caps_add && s->self.face == FACE_BERTH) {
                err_set(e, ERR_HOST, 0, "--capability=: berth itself does not have %s",
                        cap_names(a, lost & s->sec.caps_add));
                blame_cap(e, "capability", a, lost & s->sec.caps_add);
                return err_hint(e, "berth was started with a reduced bounding set");
        }
        caps &= ~lost;
        p->loopback = p->private_net && (p->ids.own || f->host.caps & BIT(CAP_NET_ADMIN));
        if (p->private_net && !p->loopback)
                plan_note(a, p, "the loopback interface stays down: berth itself has no cap_net_admin");
        p->sec.bounding = caps;
        p->sec.permitted = p->sec.effective = root ? caps : 0;
        /* Inheritable capabilities serve nothing here, and files with the inheritable bit would gain by them. */
        p->sec.inheritable = 0;
        p->sec.ambient = s->sec.caps_ambient;
        if (p->sec.ambient & ~caps) {
                err_set(e, ERR_USAGE, 0, "--ambient-capability=: the container does not have %s",
                        cap_names(a, p->sec.ambient & ~caps));
                blame_cap(e, "ambient-capability", a, p->sec.ambient & ~caps);
                return p->sec.ambient & ~caps & BIT(CAP_NET_BIND_SERVICE) && p->ids.own
                               ? err_hint(e, "user ids of its own have no ports of the host: --private-network, or "
                                             "--private-users=no")
                               : err_hint(e, "berth was started with a reduced bounding set");
        }
        p->sec.permitted |= p->sec.ambient;
        p->sec.effective |= p->sec.ambient;
        p->sec.inheritable |= p->sec.ambient;
        if (lost)
                plan_note(a, p, "berth itself lacks, and cannot give: %s", cap_names(a, lost));
        return 0;
}

static int make_filter(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        const struct filter_want want = {
                .face = s->self.face,
                .nesting = s->sec.nesting,
                .private_net = p->net_admin,
                .tree32 = f->tree.elf32 || s->exec.personality == PER_LINUX32,
                .caps = p->sec.bounding,
                .suppress_sync = s->exec.suppress_sync,
                .allow = &s->sec.calls_allow,
                .deny = &s->sec.calls_deny,
                .families_said = s->sec.families_said,
                .families_deny_list = s->sec.families_deny_list,
                .families_none = s->sec.families_none,
                .families = &s->sec.families,
        };

        p->sec.no_keyring = f->host.no_keyring;
        if (p->sec.no_keyring)
                plan_note(a, p, "no keyring of its own: this place allows none at all");
        p->sec.no_new_privileges = s->sec.no_new_privileges;
        p->sec.no_filter = s->sec.no_filter;
        if (p->sec.no_filter)
                return 0;
        p->sec.filter_before_caps = !p->sec.no_new_privileges && !(p->sec.effective & BIT(CAP_SYS_ADMIN));
        /* The guest waits for its builder at that time. Not with lists of the user's: all that it still has to do must
         * be allowed by the program. */
        p->sec.filter_early = p->ids.own && p->sec.effective & BIT(CAP_SYS_ADMIN) && s->sec.calls_allow.n == 0 &&
                              s->sec.calls_deny.n == 0 && !s->sec.families_said && !s->exec.suppress_sync;
        return filter_make(&want, a, &p->sec.filter, e);
}

static int make_label(const struct spec *s, const struct facts *f, struct plan *p, struct err *e) {
        p->sec.selinux = s->sec.selinux;
        if ((!s->sec.selinux && !s->sec.selinux_apifs) || f->host.selinux)
                return 0;
        err_set(e, ERR_HOST, 0, "--selinux-%scontext=: SELinux does not run on this host",
                s->sec.selinux ? "" : "apifs-");
        err_hint(e, "without it there is nothing to label: leave the option out");
        return err_blame(e, s->sec.selinux ? "selinux-context" : "selinux-apifs-context", NULL);
}

/* Abstract sockets belong to the network namespace: in one that others use, Landlock closes them (ABI 6, Linux 6.12).
 */
static void make_landlock(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p) {
        if (s->self.face != FACE_BERTH || p->net_admin)
                return;
        p->sec.close_abstract = f->host.landlock_abi >= 6;
        if (!p->sec.close_abstract)
                plan_note(a, p, "abstract sockets of %s can be reached: this kernel's Landlock cannot close them",
                          str_or(p->netns_path, "the host"));
}

static void set_limit(struct plan *p, int what, rlim_t soft, rlim_t hard) {
        if (!(p->limits.rlimit_said & 1u << what))
                p->limits.rlimit[what] = (struct rlimit){ soft, hard };
}

/* What the kernel gives PID 1 (include/asm-generic/resource.h), so that nothing of the caller's leaks in. */
static void make_limits(const struct spec *s, const struct facts *f, struct plan *p) {
        memcpy(p->limits.rlimit, s->limits.rlimit, sizeof p->limits.rlimit);
        p->limits.rlimit_said = s->limits.rlimit_said;
        for (int i = 0; i < RLIM_NLIMITS; i++)
                set_limit(p, i, RLIM_INFINITY, RLIM_INFINITY);
        set_limit(p, RLIMIT_STACK, 8 << 20, RLIM_INFINITY);
        set_limit(p, RLIMIT_CORE, 0, RLIM_INFINITY);
        set_limit(p, RLIMIT_MEMLOCK, 8 << 20, 8 << 20);
        set_limit(p, RLIMIT_MSGQUEUE, 819200, 819200);
        set_limit(p, RLIMIT_NICE, 0, 0);
        set_limit(p, RLIMIT_RTPRIO, 0, 0);
        set_limit(p, RLIMIT_NOFILE, 1024, 524288);
        set_limit(p, RLIMIT_NPROC, f->host.nproc.rlim_cur, f->host.nproc.rlim_max);
        set_limit(p, RLIMIT_SIGPENDING, f->host.sigpending.rlim_cur, f->host.sigpending.rlim_max);
        p->limits.oom_said = s->limits.oom_said;
        p->limits.oom_score_adjust = s->limits.oom_score_adjust;
        p->limits.cpus_said = s->limits.cpus_said;
        memcpy(p->limits.cpus, s->limits.cpus, sizeof p->limits.cpus);
}

/* Limits hold before the last steps of a guest, which take a few descriptors more than the payload gets. */
static int check_descriptors(const struct plan *p, struct err *e) {
        rlim_t limit = p->limits.rlimit[RLIMIT_NOFILE].rlim_cur, own = p->exec.mode == EXEC_STUB ? 6 : 4,
               need = p->exec.listen_fds ? p->exec.listen_fds + 8 : own;

        if (need <= limit)
                return 0;
        if (p->exec.listen_fds)
                err_set(e, ERR_USAGE, 0, "LISTEN_FDS=%u is too much for the container's limit of %llu open files",
                        p->exec.listen_fds, (unsigned long long) limit);
        else
                err_set(e, ERR_USAGE, 0, "a limit of %llu open files is too low to start anything",
                        (unsigned long long) limit);
        err_blame(e, "rlimit", "NOFILE=");
        return err_hint(e, "--rlimit=NOFILE=%llu or more", (unsigned long long) need);
}

void plan_machine_id(const struct spec *s, const struct facts *f, bool of_tree, uint8_t ret[16]) {
        memcpy(ret, of_tree ? f->tree.machine_id : s->id.has_uuid ? s->id.uuid : f->random, 16);
        if (of_tree || s->id.has_uuid)
                return;
        ret[6] = (ret[6] & 0x0f) | 0x40; /* RFC 9562, version 4 */
        ret[8] = (ret[8] & 0x3f) | 0x80;
}

static void make_identity(const struct spec *s, const struct facts *f, struct plan *p) {
        bool of_tree = f->tree.has_machine_id && !p->root.fresh && !plan_has_own_id(s, f, p);

        p->id.hostname = str_or(s->id.hostname, p->machine);
        plan_machine_id(s, f, of_tree, p->id.uuid);
        str_uuid(p->id.uuid, p->id.uuid_text);
}

static int check_groups(const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        p->exec.keep_groups = f->host.no_setgroups && !p->ids.own;
        if (!p->exec.keep_groups)
                return 0;
        if (p->exec.n_groups > 0) {
                err_set(e, ERR_HOST, EPERM, "the user's supplementary groups cannot be set in this user namespace");
                return err_blame(e, "uid", NULL);
        }
        plan_note(a, p, "supplementary groups stay as they are: this user namespace does not let them go");
        return 0;
}

static int check_root(const struct spec *s, const struct facts *f, struct arena *a, struct err *e) {
        if (f->tree.host_root && !s->root.read_only && !spec_root_spares_tree(&s->root)) {
                err_set(e, ERR_USAGE, 0, "%s is the host's own root directory", f->tree.path);
                return err_hint(e, "--read-only shares it without a risk, and --volatile=overlay keeps changes apart");
        }
        if (f->tree.lacks_program && s->mounts.n == 0) {
                err_set(e, ERR_IMAGE, 0, "there is no %s, and no usr, in %s: that is no OS tree",
                        s->exec.argv.n > 0 ? s->exec.argv.items[0] : "shell", plan_tree_name(f, a));
                err_blame(e, f->tree.pivot ? "pivot-root" : SAID_COMMAND, NULL);
                if (f->tree.pivot)
                        return err_hint(e, "--pivot-root= names a directory with an OS in it");
                if (!s->root.directory && !s->root.image && !s->id.machine && s->exec.argv.n > 0)
                        return err_hint(e, "it is looked for in the current directory; is the tree meant? -D %s",
                                        s->exec.argv.items[0]);
                if (f->image.used)
                        return err_hint(e, "where it is in a directory or subvolume of that: --pivot-root=/NAME");
                return err_hint(e, "-D names the tree, -M one in /var/lib/machines");
        }
        if (f->tree.lacks_command) {
                err_set(e, ERR_PAYLOAD, ENOENT, "cannot run %s in %s", s->exec.argv.items[0], plan_tree_name(f, a));
                err_blame(e, SAID_COMMAND, NULL);
                return err_hint(e, "a running container of that name goes on");
        }
        if (s->exec.mode != EXEC_BOOT)
                return 0;
        if (!f->tree.has_os_release && !s->host.no_os_release_check) {
                err_set(e, ERR_IMAGE, 0,
                        "%s does not look like an OS tree: no etc/os-release or usr/lib/os-release in it",
                        plan_tree_name(f, a));
                err_blame(e, "boot", NULL);
                return err_hint(e, "--os-release-check=no boots it all the same");
        }
        if (f->tree.init.kind == INIT_NONE) {
                err_set(e, ERR_IMAGE, 0,
                        "%s has no init: none of usr/lib/systemd/systemd, lib/systemd/systemd, sbin/init",
                        plan_tree_name(f, a));
                err_blame(e, "boot", NULL);
                return err_hint(e, "without --boot a shell or a command starts instead");
        }
        return 0;
}

static void make_payload_cgroup(const struct facts *f, struct arena *a, struct plan *p) {
        bool unit = f->cgroup.unit;
        const char *parent = unit ? f->cgroup.unit : f->cgroup.own;

        p->cgroup.of = unit ? CGROUP_UNIT : CGROUP_OWN;
        p->cgroup.parent = arena_printf(a, "%s%s", f->cgroup.mount, parent[1] ? parent : "");
        p->cgroup.name = unit ? "payload" : arena_printf(a, "berth-%s", p->machine);
        p->cgroup.supervisor = unit && !f->cgroup.in_subgroup ? "supervisor" : NULL;
}

static int make_cgroup(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        p->cgroup.mount = f->cgroup.mount;
        if (p->unit.scope) {
                p->cgroup.of = CGROUP_SCOPE;
                p->cgroup.name = "payload";
                return 0;
        }
        if (!f->cgroup.found || !f->cgroup.writable) {
                const char *why = f->cgroup.found ? "berth may not make a cgroup here" : "this host has no cgroup2";

                if (s->exec.mode == EXEC_BOOT && f->tree.init.kind == INIT_SYSTEMD) {
                        err_set(e, ERR_HOST, 0, "systemd needs a cgroup of its own to boot: %s", why);
                        err_blame(e, "boot", NULL);
                        return err_hint(e, "a plain command or another init runs without one");
                }
                plan_note(a, p, "no cgroup of its own: %s", why);
                p->cgroup.restrict_devices = p->cgroup.tun = p->cgroup.fuse = false;
                return 0;
        }
        make_payload_cgroup(f, a, p);
        return 0;
}

static void make_life(const struct spec *s, const struct facts *f, struct plan *p) {
        bool boot = s->exec.mode == EXEC_BOOT;

        p->life.sig_stop = s->exec.kill_signal          ? s->exec.kill_signal
                           : boot                       ? f->tree.init.sig_stop
                           : s->self.face == FACE_BERTH ? SIGTERM
                                                        : 0; /* as upstream: killed at once */
        p->life.stop_said = s->exec.kill_signal > 0;
        p->life.sig_poweroff = SIGNAL_RTMIN + 4;
        p->life.sig_reboot = SIGNAL_RTMIN + 5;
        if (boot && f->tree.init.kind != INIT_SYSTEMD) {
                p->life.sig_poweroff = f->tree.init.sig_stop;
                p->life.sig_reboot = f->tree.init.sig_reboot;
        }
        p->life.notify_ready = s->exec.notify_ready;
        p->life.keep_unit = s->host.keep_unit;
        p->life.stop_timeout_s = LIFE_STOP_TIMEOUT_S;
        /* No guest keeps its host from going down for ever: poweroff.target gives up after half an hour as well. */
        p->life.most_stop_s = boot ? LIFE_MOST_STOP_S : 0;
}

int plan_make(const struct spec *s, const struct facts *f, struct arena *a, const struct plan **ret, struct err *e) {
        struct plan *p = arena_new(a, struct plan);
        int r;

        p->machine = f->tree.name;
        p->face = s->self.face;
        r = check_root(s, f, a, e);
        if (r < 0)
                return r;
        make_console(s, f, p);
        r = make_namespaces(s, f, a, p, e);
        if (r < 0)
                return r;
        r = plan_root(s, f, a, p, e);
        if (r < 0)
                return r;
        p->exec.mode = s->exec.mode;
        make_life(s, f, p);
        r = plan_nodes(s, f, a, p, e);
        r = r < 0 ? r : plan_bind_devices(s, f, a, p, e);
        r = r < 0 ? r : plan_unit(s, f, a, p, e);
        if (r < 0)
                return r;
        r = make_cgroup(s, f, a, p, e);
        r = r < 0 ? r : plan_limits(s, f, a, p, e);
        r = r < 0 ? r : plan_check_nodes(p, e);
        if (r < 0)
                return r;
        make_identity(s, f, p);
        plan_exec(s, f, a, p);
        plan_foreign(f, a, p);
        r = check_groups(f, a, p, e);
        if (r < 0)
                return r;
        r = make_caps(s, f, a, p, e);
        if (r < 0)
                return r;
        r = make_filter(s, f, a, p, e);
        if (r < 0)
                return r;
        r = make_label(s, f, p, e);
        if (r < 0)
                return r;
        make_landlock(s, f, a, p);
        make_limits(s, f, p);
        r = check_descriptors(p, e);
        if (r < 0)
                return r;
        p->one_by_one = f->host.few_descriptors;
        r = plan_mounts(s, f, a, p, e);
        if (r < 0)
                return r;
        *ret = p;
        return 0;
}
