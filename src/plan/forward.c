/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/mounts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "base/str.h"

/* The first whose journald sends to a socket, and whose program takes from one that is no network's. */
enum { FIRST_VERSION = 256 };

/* The first that is told how much it may write. */
enum { FIRST_WITH_LIMITS = 261 };

static bool ends_with(const char *s, const char *end) {
        size_t n = strlen(s), k = strlen(end);

        return n > k && streq(s + n - k, end);
}

static int refuse(const char *to, const char *why, const char *hint, struct err *e) {
        err_set(e, ERR_HOST, 0, "--forward-journal=%s: %s", to, why);
        err_blame(e, "forward-journal", NULL);
        return err_hint(e, "%s", hint);
}

static int refuse_limits(const struct spec *s, const struct facts *f, struct err *e) {
        unsigned version = f->forward.version;

        for (size_t i = 0; i < FORWARD_LIMIT_MAX_; i++) {
                const char *name = forward_limit_name((enum forward_limit) i);
                char option[64];

                if (!s->forward.limits[i].said || version == 0 || version >= FIRST_WITH_LIMITS)
                        continue;
                snprintf(option, sizeof option, "forward-journal-%s", name);
                err_set(e, ERR_HOST, 0, "--%s=: the host's systemd-journal-remote is of systemd %u", option, version);
                err_blame(e, option, NULL);
                return err_hint(e, "it can do it from %d on; before that, journal-remote.conf(5) has its limits",
                                FIRST_WITH_LIMITS);
        }
        return 0;
}

/* systemd-journal-remote(8) */
static void add_arguments(const struct spec *s, bool directory, struct arena *a, struct plan *p) {
        struct strv *args = &p->forward.args;

        strv_add(a, args, arena_printf(a, "--output=%s", s->forward.to));
        strv_add(a, args, directory ? "--split-mode=host" : "--split-mode=none");
        for (size_t i = 0; i < FORWARD_LIMIT_MAX_; i++)
                if (s->forward.limits[i].said)
                        strv_add(a, args,
                                 arena_printf(a, "--%s=%llu", forward_limit_name((enum forward_limit) i),
                                              (unsigned long long) s->forward.limits[i].value));
}

int plan_forward(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        const char *to = s->forward.to;
        bool directory = f->forward.kind == AT_DIR;

        if (!to)
                return 0;
        if (!f->forward.program)
                return refuse(to, "the host has no systemd-journal-remote",
                              "it comes with systemd, often as a package of that name", e);
        if (f->forward.version > 0 && f->forward.version < FIRST_VERSION)
                return refuse(
                        to, arena_printf(a, "the host's systemd-journal-remote is of systemd %u", f->forward.version),
                        "it can do it from 256 on", e);
        if (f->forward.kind != AT_DIR && f->forward.kind != AT_FILE && f->forward.kind != AT_MISSING)
                return refuse(to, "neither a file nor a directory", "a directory, or a file *.journal", e);
        if (!directory && !ends_with(to, ".journal"))
                return refuse(to, "no directory", "a directory that is there, or a file *.journal", e);
        if (refuse_limits(s, f, e) < 0)
                return -EINVAL;
        p->forward.program = f->forward.program;
        p->forward.socket = arena_printf(a, "/run/berth/%s/journal-socket", p->machine);
        p->forward.ready = arena_printf(a, "/run/berth/%s/journal-ready", p->machine);
        add_arguments(s, directory, a, p);
        plan_add_fsop(a, p,
                      &(struct fsop){
                              .kind = FSOP_TREE,
                              .dst = &PLAN_JOURNAL_SOCKET[1],
                              .host = p->forward.socket,
                              .slot = -1,
                              .set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
                              .why = "--forward-journal=",
                      });
        return 0;
}
