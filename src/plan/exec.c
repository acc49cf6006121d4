/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/exec.h"

#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "base/str.h"

static size_t name_length(const char *entry) {
        return strcspn(entry, "=");
}

/* Later ones replace earlier ones of the same name, in place. */
static void set_env(struct arena *a, struct strv *env, const char *entry) {
        size_t n = name_length(entry);

        for (size_t i = 0; i < env->n; i++)
                if (name_length(env->items[i]) == n && strncmp(env->items[i], entry, n) == 0) {
                        env->items[i] = arena_strdup(a, entry);
                        return;
                }
        strv_add(a, env, entry);
}

static void set_env_value(struct arena *a, struct strv *env, const char *name, const char *value) {
        if (value)
                set_env(a, env, arena_printf(a, "%s=%s", name, value));
}

static void set_terminal(const struct facts *f, struct arena *a, struct plan *p) {
        bool dumb = true;

        if (p->console.mode == CONSOLE_PIPE && !f->caller.terminal_out) {
                set_env(a, &p->exec.env, "TERM=dumb");
                return;
        }
        for (size_t i = 0; i < f->caller.env.n; i++) {
                set_env(a, &p->exec.env, f->caller.env.items[i]);
                dumb = dumb && !str_after(f->caller.env.items[i], "TERM=");
        }
        if (dumb)
                set_env(a, &p->exec.env, "TERM=dumb");
}

static void make_env(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p) {
        const struct tree_user *u = &f->tree.user;
        struct strv *env = &p->exec.env;

        set_env(a, env, "PATH=" PLAN_SEARCH_PATH);
        set_env_value(a, env, "container", str_or(s->host.container_service, "systemd-nspawn"));
        set_terminal(f, a, p);
        set_env_value(a, env, "HOME", str_or(u->home, "/root"));
        set_env_value(a, env, "USER", str_or(u->name, f->tree.user_said ? NULL : "root"));
        set_env_value(a, env, "LOGNAME", str_or(u->name, f->tree.user_said ? NULL : "root"));
        set_env_value(a, env, "container_uuid", p->id.uuid_text);
        set_env(a, env, "NOTIFY_SOCKET=/run/host/notify");
        if (s->forward.to || s->credentials.n > 0)
                set_env(a, env, "CREDENTIALS_DIRECTORY=" PLAN_CREDENTIALS);
        if (s->exec.mode != EXEC_BOOT)
                set_env(a, env, "LANG=C.UTF-8");
        set_env_value(a, env, "container_host_id", f->host.os_id);
        set_env_value(a, env, "container_host_version_id", f->host.os_version_id);
        set_env_value(a, env, "container_host_build_id", f->host.os_build_id);
        set_env_value(a, env, "container_host_variant_id", f->host.os_variant_id);
        if (f->caller.listen_fds > 0) {
                set_env(a, env, arena_printf(a, "LISTEN_FDS=%u", f->caller.listen_fds));
                /* sd_listen_fds(3) compares it with the reader's own number; the stub init knows its payload's. */
                if (s->exec.mode != EXEC_STUB)
                        set_env(a, env, "LISTEN_PID=1");
                set_env_value(a, env, "LISTEN_FDNAMES", f->caller.listen_fdnames);
        }
        for (size_t i = 0; i < s->exec.env.n; i++)
                set_env(a, env, s->exec.env.items[i]);
}

static void make_words(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p) {
        static const char shells[][10] = { "/bin/bash", "/bin/sh" };

        if (s->exec.mode == EXEC_BOOT) {
                strv_add(a, &p->exec.candidates, f->tree.init.path);
                strv_add(a, &p->exec.argv, f->tree.init.path);
                for (size_t i = 0; i < s->exec.argv.n; i++)
                        strv_add(a, &p->exec.argv, s->exec.argv.items[i]);
                return;
        }
        if (s->exec.argv.n > 0) {
                for (size_t i = 0; i < s->exec.argv.n; i++)
                        strv_add(a, &p->exec.argv, s->exec.argv.items[i]);
                p->exec.search_path = !strchr(s->exec.argv.items[0], '/');
                return;
        }
        /* A login shell: argv[0] begins with a dash (login(1)). */
        p->exec.argv0_login = "-";
        if (f->tree.user.shell && f->tree.user.shell[0] == '/')
                strv_add(a, &p->exec.candidates, f->tree.user.shell);
        for (size_t i = 0; i < ELEMENTS(shells); i++)
                strv_add(a, &p->exec.candidates, shells[i]);
}

/* The home directory to make if it is missing: as the tree says, but each slash once, none at the end, and no ".". */
static const char *home_to_make(const struct facts *f, struct arena *a) {
        const char *home = f->tree.user_said && f->tree.user.name ? f->tree.user.home : NULL;
        char *path, *o;

        if (!home || *home != '/')
                return NULL;
        path = o = arena_alloc(a, strlen(home) + 1);
        for (size_t n; *home; home += n) {
                home += strspn(home, "/");
                n = strcspn(home, "/");
                if (n > 0 && !(n == 1 && *home == '.'))
                        o += sprintf(o, "/%.*s", (int) n, home);
        }
        return *path ? path : NULL;
}

void plan_exec(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p) {
        const struct tree_user *u = &f->tree.user;
        bool login = s->exec.argv.n == 0 && s->exec.mode != EXEC_BOOT;

        p->exec.mode = s->exec.mode;
        p->exec.uid = u->uid;
        p->exec.gid = u->gid;
        p->exec.groups = u->groups;
        p->exec.n_groups = u->n_groups;
        p->exec.home = home_to_make(f, a);
        p->exec.chdir_said = s->exec.chdir;
        p->exec.chdir = s->exec.chdir ? s->exec.chdir : login ? str_or(u->home, "/root") : "/";
        p->exec.listen_fds = f->caller.listen_fds;
        p->exec.strict_stub = s->self.face == FACE_STRICT;
        p->exec.personality = s->exec.personality;
        p->exec.umask = 0022;
        make_words(s, f, a, p);
        make_env(s, f, a, p);
}
