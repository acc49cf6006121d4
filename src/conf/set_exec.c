/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Setters for what runs: mode, command, environment, user. */

#include "conf/setting.h"

#include <errno.h>
#include <string.h>
#include <sys/personality.h>

#include "base/clean.h"
#include "base/parse.h"
#include "base/str.h"

/* --boot and --as-pid2 (.value) exclude each other; =no takes back what a file said. */
int set_mode(const struct saying *s, struct err *e) {
        enum exec_mode mine = (enum exec_mode) s->said->row->value, *mode = &s->spec->exec.mode;
        bool v;

        if (parse_bool(s->said->value, &v) < 0)
                return bad_value(s, e, "not a boolean");
        if (v && *mode != EXEC_COMMAND && *mode != mine) {
                bad_value(s, e, "does not go with --%s", exec_mode_name(*mode));
                return SET_CLASH;
        }
        if (v)
                *mode = mine;
        else if (*mode == mine)
                *mode = EXEC_COMMAND;
        return SET_OK;
}

int set_parameters(const struct saying *s, struct err *e) {
        strv_add(s->arena, &s->spec->exec.argv, s->said->value);
        return SET_OK;
}

int set_chdir(const struct saying *s, struct err *e) {
        const char *p = s->said->value;

        if (!is_plain_absolute(p))
                return bad_value(s, e, "not a plain absolute path");
        if (str_is_below(p, "/dev") || str_is_below(p, "/proc") || str_is_below(p, "/sys"))
                return bad_value(s, e, "a working directory below /dev, /proc or /sys is not allowed");
        s->spec->exec.chdir = p;
        return SET_OK;
}

static const char *from_caller(char **env, const char *name) {
        size_t n = strlen(name);

        for (; env && *env; env++)
                if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
                        return *env;
        return NULL;
}

/* Said again, a variable has the last value. */
static void put_env(const struct saying *s, const char *assignment) {
        struct strv *env = &s->spec->exec.env;
        size_t n = strcspn(assignment, "=") + 1;

        for (size_t i = 0; i < env->n; i++)
                if (strncmp(env->items[i], assignment, n) == 0) {
                        env->items[i] = arena_strdup(s->arena, assignment);
                        return;
                }
        strv_add(s->arena, env, assignment);
}

/* A bare NAME takes the caller's value, and is empty where there is none, as "NAME=$NAME" in a shell. Files may not do
 * that: they would carry the caller's secrets inside. */
int set_env(const struct saying *s, struct err *e) {
        const char *v = s->said->value;
        size_t n = strcspn(v, "=");

        if (!is_env_name(v, n))
                return bad_value(s, e, "not a valid variable name");
        if (!v[n] && s->said->origin != ORIGIN_ARGV)
                return bad_value(s, e, "no = in it");
        if (!v[n])
                v = str_or(from_caller(s->environ, v), arena_printf(s->arena, "%s=", v));
        put_env(s, v);
        return SET_OK;
}

int set_user(const struct saying *s, struct err *e) {
        const char *v = s->said->value;
        uid_t uid;

        if (!is_user_name(v) && parse_uid(v, &uid) < 0)
                return bad_value(s, e, "not a valid user");
        s->spec->exec.user = v;
        return SET_OK;
}

/* With a word it is what --uid= was once called; without one it asks for the user's own service manager. */
int set_user_or_scope(const struct saying *s, struct err *e) {
        if (!s->said->bare)
                return set_user(s, e);
        s->spec->host.user_manager = true;
        return SET_OK;
}

int set_kill_signal(const struct saying *s, struct err *e) {
        if (parse_signal(s->said->value, &s->spec->exec.kill_signal) < 0)
                return bad_value(s, e, "not a signal");
        return SET_OK;
}

/* Names of what this machine's kernel can run. */
/* clang-format off */
#if defined(__x86_64__)
#define PERSONALITIES { "x86-64", PER_LINUX }, { "x86", PER_LINUX32 }
#elif defined(__aarch64__)
#define PERSONALITIES { "arm64", PER_LINUX }, { "arm", PER_LINUX32 }
#elif defined(__s390x__)
#define PERSONALITIES { "s390x", PER_LINUX }, { "s390", PER_LINUX32 }
#elif defined(__i386__)
#define PERSONALITIES { "x86", PER_LINUX }
#elif defined(__arm__)
#define PERSONALITIES { "arm", PER_LINUX }
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define PERSONALITIES { "ppc64-le", PER_LINUX }
#elif defined(__riscv) && __riscv_xlen == 64
#define PERSONALITIES { "riscv64", PER_LINUX }
#elif defined(__loongarch64)
#define PERSONALITIES { "loongarch64", PER_LINUX }
#else
#define PERSONALITIES { "native", PER_LINUX }
#endif
/* clang-format on */

static const struct {
        char name[12];
        unsigned long value;
} personalities[] = { PERSONALITIES };

const char *nth_personality(unsigned i, char buf[NTH_BUF]) {
        return i < ELEMENTS(personalities) ? personalities[i].name : NULL;
}

int set_personality(const struct saying *s, struct err *e) {
        for (size_t i = 0; i < ELEMENTS(personalities); i++)
                if (streq(s->said->value, personalities[i].name)) {
                        s->spec->exec.personality = personalities[i].value;
                        return SET_OK;
                }
        return bad_value(s, e, "this machine runs no such architecture");
}
