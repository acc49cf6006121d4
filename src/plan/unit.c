/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/unit.h"

#include <errno.h>

#include "base/parse.h"
#include "base/str.h"
#include "plan/nodes.h"
#include "plan/mounts.h"

/* Why there is no scope, NULL where there can be one. */
static const char *scope_missing(const struct facts *f) {
        if (f->manager.why)
                return f->manager.why;
        if (!f->manager.found)
                return "no service manager of systemd runs here";
        if (!f->manager.agent)
                return "the program berth-agent is not installed";
        if (!f->cgroup.found || f->cgroup.mount[0] != '/')
                return "this host has no cgroup2";
        return NULL;
}

bool plan_may_have_scope(const struct spec *s, const struct facts *f) {
        return !s->host.keep_unit && !scope_missing(f);
}

bool plan_may_move(const struct spec *s, const struct facts *f) {
        return plan_may_have_scope(s, f) || (s->host.keep_unit && f->cgroup.unit && f->manager.parts);
}

bool plan_may_serve(const struct spec *s, const struct facts *f) {
        return s->self.detach && !s->host.user_manager && !f->caller.notify && plan_may_have_scope(s, f);
}

const char *plan_slice(const struct spec *s) {
        return str_or(s->host.slice, "machine.slice");
}

unsigned plan_stop_seconds(const struct spec *s) {
        return (s->exec.mode == EXEC_BOOT ? LIFE_MOST_STOP_S : 0) + LIFE_STOP_TIMEOUT_S + 30;
}

static void say(struct arena *a, struct plan *p, const char *text) {
        strv_add(a, &p->unit.properties, text);
}

static void say_device(struct arena *a, struct plan *p, const struct device_rule *d) {
        say(a, p,
            arena_printf(a, "dDeviceAllow=/dev/%s/%u:%d r%s", d->block ? "block" : "char", d->major, d->minor,
                         d->read_only ? "" : "w"));
}

/* systemd.resource-control(5), systemd.kill(5). The letter in front: d for a default, u for what the user said. */
static void make_properties(const struct spec *s, struct arena *a, struct plan *p) {
        char buf[16];

        say(a, p, "dDelegate=yes");
        say(a, p, "dCollectMode=inactive-or-failed");
        say(a, p, "dTasksMax=16384");
        /* Who is asked to end is not killed by the manager before we give up: this is for when we are gone. */
        say(a, p, arena_printf(a, "dTimeoutStopSec=%us", plan_stop_seconds(s)));
        /* A user's manager may not restrict devices. */
        if (!p->unit.user) {
                say(a, p, "dDevicePolicy=closed");
                say(a, p, "dDeviceAllow=char-pts rw");
                if (p->cgroup.tun)
                        say(a, p, "dDeviceAllow=/dev/net/tun rwm");
                if (p->cgroup.fuse)
                        say(a, p, "dDeviceAllow=/dev/fuse rwm");
                for (size_t i = 0; i < p->cgroup.devices.n; i++)
                        say_device(a, p, &p->cgroup.devices.items[i]);
                for (size_t i = 0; i < p->cgroup.n_nodes; i++)
                        strv_add(a, &p->unit.properties,
                                 arena_printf(a, "uDeviceAllow=%s %s", p->cgroup.nodes[i].path,
                                              plan_device_rights(p->cgroup.nodes[i].rights, buf)));
        }
        if (p->exec.mode == EXEC_BOOT)
                say(a, p, "dCoredumpReceive=yes");
        /* We are asked, and ask the init. A manager that cannot ask us any more, since the bus was away, sends this to
         * all processes at once, or kills them at once if it has nobody to send it to (KillMode=mixed): berth-agent
         * sees that the scope's end is wanted. */
        if (p->exec.mode == EXEC_BOOT && p->life.sig_stop > 0)
                say(a, p, "dKillSignal=SIGCONT");
        for (size_t i = 0; i < s->host.properties.n; i++)
                strv_add(a, &p->unit.properties, arena_printf(a, "u%s", s->host.properties.items[i]));
}

static int refuse(const struct spec *s, const char *missing, struct err *e) {
        const char *option = s->host.slice ? "--slice=" : s->host.properties.n ? "--property=" : "--user";

        err_set(e, ERR_HOST, 0, "%s: there is no scope to make: %s", option, missing);
        return err_hint(e, "without that option the container stays in the cgroup of its caller");
}

static int make_scope(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        const char *missing = scope_missing(f);

        if (s->host.keep_unit)
                return 0;
        if (missing && (s->host.slice || s->host.properties.n > 0 || s->host.user_manager))
                return refuse(s, missing, e);
        /* On a host of systemd something is amiss then; elsewhere there is nothing to tell. */
        if (missing && f->manager.why)
                plan_note(a, p, "no unit of its own: %s", missing);
        if (missing)
                return 0;
        p->unit.scope = true;
        /* init.scope is the manager's own (systemd.special(7)). */
        p->unit.name = arena_printf(a, "%s%s.scope", streq(p->machine, "init") ? "machine-" : "", p->machine);
        p->unit.slice = plan_slice(s);
        p->unit.description = arena_printf(a, "Container %s", p->machine);
        /* A service that is told of its new main process goes on with it. */
        p->unit.supervisor = s->self.detach && !p->unit.user && !f->caller.service;
        p->unit.serve = p->unit.supervisor && plan_may_serve(s, f);
        make_properties(s, a, p);
        /* What starts later is stopped first: as for a scope of our own (host/agent_scope.c). */
        if (f->caller.unit)
                say(a, p, arena_printf(a, "dBefore=%s", f->caller.unit));
        return 0;
}

#define TUNNELS "/run/systemd/nspawn/propagate"

/* machined takes the unit that the leader is in for the machine's, and ends it with the machine: a login session or a
 * user's manager is never that. */
static bool unit_is_machines(const struct spec *s, const struct facts *f, const struct plan *p) {
        if (!s->host.keep_unit)
                return p->unit.scope;
        return f->cgroup.unit;
}

/* Can a process be at the top of the unit, and its payload's cgroup below it? */
static bool has_free_top(const struct facts *f, const struct plan *p) {
        return p->unit.scope || (f->cgroup.found && f->cgroup.writable && !f->cgroup.top_closed);
}

static int make_announcement(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p,
                             struct err *e) {
        const char *missing = f->manager.why               ? f->manager.why
                              : !f->manager.found          ? "no service manager of systemd runs here"
                              : !f->manager.machined       ? "systemd-machined is not installed"
                              : !f->manager.agent          ? "the program berth-agent is not installed"
                              : !unit_is_machines(s, f, p) ? "the container has no unit of its own"
                                                           : NULL;

        p->unit.service = str_or(s->host.container_service, "systemd-nspawn");
        if (s->host.registered == NO || (missing && s->host.registered == UNSAID))
                return 0;
        if (missing) {
                err_set(e, ERR_HOST, 0, "--register=yes: cannot register %s: %s", p->machine, missing);
                return err_hint(e, "--register=auto starts all the same");
        }
        p->unit.announce = s->host.registered == YES ? ANNOUNCE_MUST : ANNOUNCE_TRY;
        /* Who is in a part of a unit then has no unit to machined, and ps(1) and sd_pid_get_machine_name(3) no name
         * for it. In a unit of the caller's, berth's own processes get that name too, as they do from older ones. */
        p->unit.announce_first = f->manager.parts && has_free_top(f, p);
        /* "machinectl bind": machined mounts there, and moves it from what the container sees of it. From 255 on it
         * can do without, and never does it for containers with user ids of their own. */
        if (f->manager.version > 0 && f->manager.version < 255 && !p->ids.own)
                p->unit.tunnel = arena_printf(a, TUNNELS "/%s", p->machine);
        return 0;
}

int plan_unit(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        int r;

        p->unit.user = s->host.user_manager;
        p->unit.agent = f->manager.agent;
        r = make_scope(s, f, a, p, e);
        r = r < 0 ? r : make_announcement(s, f, a, p, e);
        p->root.idmap_host = p->ids.map_root && p->unit.announce != ANNOUNCE_NO;
        return r;
}
