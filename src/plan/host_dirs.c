/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The host's own /dev, /proc, /run or /sys in place of the container's: what goes with it, and what does not. */

#include "plan/mounts.h"

#include <sys/mount.h>

#include "base/clean.h"
#include "base/str.h"

/* Its console is one of them, and the host's are nobody's business. */
static void keep_terminals(struct arena *a, struct plan *p) {
        for (size_t i = 0; i < p->fsops.n; i++) {
                struct fsop again = p->fsops.items[i];

                if (!streq(again.dst, "dev/pts"))
                        continue;
                again.why = "terminals stay the container's own";
                plan_add_fsop(a, p, &again);
                break;
        }
        /* Late: by then it is there. */
        if (p->console.mode != CONSOLE_PIPE)
                plan_add_fsop(a, p,
                              &(struct fsop){ .kind = FSOP_SELF,
                                              .src = "dev/pts/0",
                                              .dst = "dev/console",
                                              .slot = -1,
                                              .set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
                                              .flags = FSOP_LATE | FSOP_OPTIONAL,
                                              .why = "and so does its console" });
}

static const char *below_run_host(const struct spec *s) {
        for (size_t i = 0; i < s->mounts.n; i++)
                if (str_after(s->mounts.items[i].dst, "run/host/"))
                        return s->mounts.items[i].option;
        return NULL;
}

/* What is said of /run/host would be lost below it. */
static int check_run(const struct spec *s, const struct spec_mount *m, const struct plan *p, struct err *e) {
        const char *other = s->forward.to               ? "--forward-journal="
                            : s->credentials.n > 0      ? "a credential"
                            : s->bind_users.names.n > 0 ? "--bind-user="
                            : s->exec.notify_ready      ? "--notify-ready=yes"
                            : below_run_host(s)         ? "a mount below /run/host"
                                                        : NULL;

        if (other) {
                err_set(e, ERR_USAGE, 0, "%s/run does not go with %s: it covers /run/host", m->option, other);
                err_blame(e, m->option, "/run");
                return err_hint(e, "bind what is needed of /run, each by its own name");
        }
        if (s->exec.mode != EXEC_BOOT || m->read_only || p->ids.own)
                return 0;
        err_set(e, ERR_USAGE, 0, "%s/run does not go with --boot: the init would take the place of the host's",
                m->option);
        err_blame(e, m->option, "/run");
        return err_hint(e, "bind what is needed of /run, each by its own name");
}

/* A node that is made for root inside would be covered by the host's, which belongs to the host's root. */
static int check_dev(const struct spec *s, const struct spec_mount *m, const struct plan *p, struct err *e) {
        if (s->host.devices.n == 0 || !p->ids.own)
                return 0;
        err_set(e, ERR_USAGE, 0, "%s/dev does not go with --device=%s: it covers the node", m->option,
                s->host.devices.items[0].path);
        err_blame(e, m->option, "/dev");
        return err_hint(e, "--private-users=no opens the host's node itself");
}

int plan_host_dir(const struct spec *s, const struct spec_mount *m, struct arena *a, struct plan *p, struct err *e) {
        static const struct {
                const char *dst, *note;
        } dirs[] = {
                { "dev", "/dev is the host's, but for terminals" },
                { "proc", "/proc is the host's, and nothing in it is covered: its processes are seen inside" },
                { "run", "/run is the host's, and covers /run/host with what is in there for the payload" },
                { "sys", "/sys is the host's, and nothing in it is covered but control groups" },
        };

        for (size_t i = 0; i < ELEMENTS(dirs); i++)
                if (streq(m->dst, dirs[i].dst) && m->kind == MOUNT_BIND) {
                        plan_note(a, p, "%s", dirs[i].note);
                        if (*m->dst == 'd')
                                keep_terminals(a, p);
                        return *m->dst == 'r' ? check_run(s, m, p, e) : *m->dst == 'd' ? check_dev(s, m, p, e) : 0;
                }
        return 0;
}
