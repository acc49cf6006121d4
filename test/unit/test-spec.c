/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What sealing makes of a draft: defaults of the two faces, and what does not go together. */

#include "unit/trial.h"

#define FACE(tap, face_, argv_, cond, what)                                                                           \
        do {                                                                                                          \
                struct trial x;                                                                                       \
                trial_run(&x, &(struct trial_input){ .face = face_, .argv = argv_ });                                 \
                const struct spec *s = x.spec;                                                                        \
                if (!OK(tap, s && (cond), "%s", what))                                                                \
                        printf("# %s\n", x.line);                                                                     \
                trial_done(&x);                                                                                       \
        } while (0)

static void test_faces(struct tap *t) {
        FACE(t, FACE_BERTH, ARGV("true"), s->net.private == NO && s->ids.mode == USERS_DEFAULT, "berth, a command");
        FACE(t, FACE_BERTH, ARGV("-b"), s->net.private == YES && s->ids.mode == USERS_DEFAULT, "berth, a boot");
        FACE(t, FACE_BERTH, ARGV("-b", "--private-network=no"), s->net.private == NO,
             "berth, a boot on the host's network");
        FACE(t, FACE_BERTH, ARGV("-b", "--network-namespace-path=/x"), s->net.private == NO && s->net.path,
             "berth, a boot in a given network");
        FACE(t, FACE_STRICT, ARGV("true"), s->net.private == NO && s->ids.mode == USERS_NO, "strict, a command");
        FACE(t, FACE_STRICT, ARGV("-b"), s->net.private == NO && s->ids.mode == USERS_NO, "strict, a boot");
        FACE(t, FACE_STRICT, ARGV("-bU"), s->ids.mode == USERS_PICK && s->ids.may_lack, "strict, -U");
        FACE(t, FACE_STRICT, ARGV("true"), s->self.face == FACE_STRICT, "the face is kept");
}

/* KEY=VALUE words of --boot are variables, where KEY could be one. */
static void test_boot_words(struct tap *t) {
        FACE(t, FACE_BERTH, ARGV("-b", "rw", "A=b", "systemd.unit=x", "=v", "1a=x", "foo!=x", "a-b=c-d", "A=z"),
             strv_is(&s->exec.argv, ARGV("rw", "systemd.unit=x", "=v", "1a=x", "foo!=x")) &&
                     strv_is(&s->exec.env, ARGV("A=b", "a_b=c-d")),
             "words of --boot");
        FACE(t, FACE_BERTH, ARGV("-b", "-EA=1", "A=2", "B=3"), strv_is(&s->exec.env, ARGV("A=1", "B=3")),
             "-E is stronger than a word");
        FACE(t, FACE_BERTH, ARGV("A=2", "-b"), strv_is(&s->exec.argv, ARGV("A=2", "-b")) && s->exec.env.n == 0,
             "words of a command stay");
        FACE(t, FACE_BERTH, ARGV("-a", "env", "A=2"), s->exec.argv.n == 2, "and of one with a stub init");
}

static void test_conflicts(struct tap *t) {
        BAD(t, "--api-vfs=writable does not go with --private-users=", "--api-vfs=writable", "-U");
        GOOD(t, s->host.api_vfs == API_VFS_WRITABLE, "--api-vfs=writable", "--private-users=no");
        BAD(t, "add --private-network", "--api-vfs=network", "-U");
        GOOD(t, s->host.api_vfs == API_VFS_NETWORK, "--api-vfs=network", "-U", "--private-network");
        GOOD(t, s->host.api_vfs == API_VFS_NETWORK, "--api-vfs=network");
        BAD(t, "does not go with --boot", "-b", "--ambient-capability=chown");
}

/* The line that has the word; without one, or where none has it, the last. */
static void test_error_source(struct tap *t) {
        static struct said items[] = {
                { "uid", "a", ORIGIN_ADMIN_FILE, "f:1" },
                { "system-call-filter", "~mount open", ORIGIN_ADMIN_FILE, "f:2" },
                { "system-call-filter", "~swapon", ORIGIN_ADMIN_FILE, "f:3" },
                { "chdir", "/x", ORIGIN_ARGV, NULL },
        };
        const struct spec s = { .said = { items, ELEMENTS(items) } };
        static const struct {
                const char *setting, *word, *where;
        } cases[] = {
                { "uid", NULL, "f:1" },
                { "system-call-filter", "MOUNT", "f:2" },
                { "system-call-filter", "swapon", "f:3" },
                { "system-call-filter", "other", "f:3" },
                { "system-call-filter", NULL, "f:3" },
                { "chdir", NULL, NULL },
                { "hostname", NULL, NULL },
                { "", NULL, NULL },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct err e;

                err_set(&e, ERR_USAGE, 0, "x");
                err_blame(&e, cases[i].setting, cases[i].word);
                OK_STR(t, spec_error_source(&s, &e), cases[i].where, "where %s with %s was said", cases[i].setting,
                       cases[i].word ? cases[i].word : "no word");
        }
}

static void test_names(struct tap *t) {
        OK_STR(t, face_name(FACE_STRICT), "strict", "face");
        OK_STR(t, origin_name(ORIGIN_IMAGE_FILE), "image file", "origin");
        OK_STR(t, origin_name(ORIGIN_ARGV), "command line", "origin");
        OK_STR(t, exec_mode_name(EXEC_STUB), "as-pid2", "mode");
        OK_STR(t, console_mode_name(CONSOLE_AUTOPIPE), "autopipe", "console");
        OK_STR(t, console_mode_name(CONSOLE_MAX_), "unknown", "out of range");
        for (int i = 0; i < RESOLV_MAX_; i++)
                OK(t, !streq(resolv_conf_name((enum resolv_conf) i), "unknown"), "resolv.conf mode %d", i);
        for (int i = 0; i < TIMEZONE_MAX_; i++)
                OK(t, !streq(timezone_mode_name((enum timezone_mode) i), "unknown"), "timezone mode %d", i);
}

int main(void) {
        struct tap t = { 0 };

        test_faces(&t);
        test_boot_words(&t);
        test_conflicts(&t);
        test_error_source(&t);
        test_names(&t);
        return tap_done(&t);
}
