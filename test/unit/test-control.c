/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* run/control.c: what a client of the control socket and the supervisor believe of each other's messages. */

#include "run/control.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/str.h"
#include "unit/tap.h"

static int count_fds(void) {
        CLEAN_DIR DIR *d = opendir("/proc/self/fd");
        int n = 0;

        while (d && readdir(d))
                n++;
        return n;
}

/* --- the block of EXEC --- */

static void test_block(struct tap *t) {
        CLEAN(arena_done) struct arena a = { 0 };
        struct control_exec out = { .flags = CONTROL_TTY, .rows = 24, .columns = 80, .user = "nobody" }, in;
        CLEAN_FD int fd = -1;

        strv_add(&a, &out.argv, "sh");
        strv_add(&a, &out.argv, "");
        strv_add(&a, &out.argv, "two words");
        strv_add(&a, &out.env, "A=");
        fd = control_exec_store(&out);
        OK(t, fd >= 0, "stored");
        OK_INT(t, control_exec_load(fd, &a, &in), 0, "loaded");
        OK(t, in.flags == CONTROL_TTY && in.rows == 24 && in.columns == 80, "flags and size");
        OK(t,
           in.argv.n == 3 && streq(in.argv.items[0], "sh") && streq(in.argv.items[1], "") &&
                   streq(in.argv.items[2], "two words") && !in.argv.items[3],
           "words, an empty one too");
        OK(t, in.env.n == 1 && streq(in.env.items[0], "A="), "environment");
        OK(t, in.user && streq(in.user, "nobody") && !in.chdir, "a user, and no directory");
        OK_INT(t, write(fd, "x", 1), -1, "it cannot be changed any more");
}

static void test_login(struct tap *t) {
        CLEAN(arena_done) struct arena a = { 0 };
        struct control_exec out = { .flags = CONTROL_LOGIN, .chdir = "/tmp" }, in;
        CLEAN_FD int fd = control_exec_store(&out);

        OK_INT(t, control_exec_load(fd, &a, &in), 0, "a shell has no words");
        OK(t, in.argv.n == 0 && in.chdir && streq(in.chdir, "/tmp") && !in.user, "a directory, and no user");
}

/* As the file lays it out. */
struct raw {
        uint32_t magic, flags, n_argv, n_env;
        uint16_t rows, columns;
        uint8_t has_user, has_chdir;
        char strings[32];
};
static const struct raw right = { 0x63786562, 0, 1, 1, 0, 0, 1, 1, "sh\0A=b\0root\0/tmp" };

static int load_raw(const void *data, size_t size, int seals) {
        CLEAN(arena_done) struct arena a = { 0 };
        CLEAN_FD int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        struct control_exec in;

        if (fd < 0 || write(fd, data, size) != (ssize_t) size || fcntl(fd, F_ADD_SEALS, seals) < 0)
                return -1;
        return control_exec_load(fd, &a, &in);
}

static void test_malformed(struct tap *t) {
        enum { ALL = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };
        const size_t size = offsetof(struct raw, strings) + sizeof "sh\0A=b\0root\0/tmp";
        CLEAN(arena_done) struct arena a = { 0 };
        CLEAN_FD int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        struct control_exec in;
        struct raw bad;

        OK_INT(t, load_raw(&right, size, ALL), 0, "the bytes as they should be");
        for (int i = 0; i < 3; i++)
                OK_INT(t, load_raw(&right, size, ALL & ~(int[]){ F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE }[i]),
                       -EBADMSG, "seal %d is missing", i);
        for (size_t n = 0; n < size; n++)
                if (load_raw(&right, n, ALL) != -EBADMSG)
                        OK(t, false, "cut off at %zu", n);
        OK_INT(t, load_raw(&right, size + 1, ALL), -EBADMSG, "one byte too many");
#define BAD(what, field, value)                                                                                       \
        do {                                                                                                          \
                bad = right;                                                                                          \
                bad.field = (value);                                                                                  \
                OK_INT(t, load_raw(&bad, size, ALL), -EBADMSG, what);                                                 \
        } while (0)
        BAD("another file", magic, 1);
        BAD("an unknown flag", flags, 4);
        BAD("a shell with words", flags, CONTROL_LOGIN);
        BAD("no words", n_argv, 0);
        BAD("more words than there are", n_argv, 5);
        BAD("more words than fit anywhere", n_argv, UINT32_MAX);
        BAD("more variables than there are", n_env, UINT32_MAX);
        BAD("fewer strings than there are", has_chdir, 0);
        BAD("a variable without a value", strings[4], 'x');
        BAD("a variable without a name", strings[3], '=');
#undef BAD
        OK_INT(t, control_exec_load(null, &a, &in), -EBADMSG, "what cannot be sealed");
}

/* --- messages --- */

/* What arrives at the other end when these bytes and n descriptors are sent. */
static int exchange(const void *data, size_t size, int n, bool from_client, struct control_message *m) {
        struct msg_fds out = { .n = n }, in;
        int s[2], r = -1;

        for (int i = 0; i < n; i++)
                out.fd[i] = STDOUT_FILENO;
        if (msg_pair(s) < 0)
                return -1;
        if (msg_send(s[0], data, size, &out) == 0)
                r = control_receive(s[1], MSG_DONTWAIT, from_client, m, &in);
        if (r > 0)
                msg_fds_close(&in);
        close(s[0]);
        close(s[1]);
        return r;
}

static size_t size_of(unsigned kind) {
        return kind == CONTROL_FAIL ? sizeof(struct control_message) : offsetof(struct control_message, err);
}

/* Who may send each, and with how many descriptors. */
static const struct {
        unsigned kind;
        const char *name;
        bool client, supervisor;
        int fds[3]; /* -1: end */
} kinds[] = {
        { CONTROL_NONE, "nothing", false, false, { -1 } },
        { CONTROL_EXEC, "EXEC", true, false, { 1, 4, -1 } },
        { CONTROL_SIGNAL, "SIGNAL", true, false, { 0, -1 } },
        { CONTROL_STOP, "STOP", true, false, { 0, -1 } },
        { CONTROL_KILL, "KILL", true, false, { 0, -1 } },
        { CONTROL_POWEROFF, "POWEROFF", true, false, { 0, -1 } },
        { CONTROL_REBOOT, "REBOOT", true, false, { 0, -1 } },
        { CONTROL_WAIT, "WAIT", true, false, { 0, -1 } },
        { CONTROL_ATTACH, "ATTACH", true, false, { 0, -1 } },
        { CONTROL_REQUESTS_, "nothing", false, false, { -1 } },
        { CONTROL_STARTED, "STARTED", false, true, { 0, 1, -1 } },
        { CONTROL_EXITED, "EXITED", false, true, { 0, -1 } },
        { CONTROL_DONE, "DONE", false, true, { 0, -1 } },
        { CONTROL_ENDED, "ENDED", false, true, { 0, -1 } },
        { CONTROL_FAIL, "FAIL", false, true, { 0, -1 } },
        { CONTROL_KIND_MAX_, "unknown", false, false, { -1 } },
        { UINT32_MAX, "unknown", false, false, { -1 } },
};

static bool takes(size_t i, int n) {
        for (const int *p = kinds[i].fds; *p >= 0; p++)
                if (*p == n)
                        return true;
        return false;
}

static void test_kinds(struct tap *t) {
        int before = count_fds();

        for (size_t i = 0; i < ELEMENTS(kinds); i++) {
                struct control_message m = { .version = CONTROL_VERSION, .kind = kinds[i].kind }, got;
                bool good = true;

                m.err.kind = ERR_HOST;
                for (int n = 0; n < 6; n++)
                        for (int client = 0; client < 2; client++) {
                                bool may = client ? kinds[i].client : kinds[i].supervisor;
                                int want = may && takes(i, n) ? 1 : -EBADMSG;

                                good = good && exchange(&m, size_of(m.kind), n, client, &got) == want;
                        }
                OK(t, good, "%s: its senders and descriptors", kinds[i].name);
                OK_STR(t, control_name(kinds[i].kind), kinds[i].name, "its name");
        }
        OK_INT(t, ELEMENTS(kinds), CONTROL_KIND_MAX_ + 2, "each message is in the table above");
        OK_INT(t, count_fds(), before, "no descriptor is left open");
}

static void test_sizes(struct tap *t) {
        struct control_message m = { .version = CONTROL_VERSION, .kind = CONTROL_STOP }, got;
        bool good = true;

        for (size_t n = 1; n <= sizeof m; n++)
                good = good && (exchange(&m, n, 0, true, &got) == 1) == (n == size_of(CONTROL_STOP));
        OK(t, good, "one length is right");
        m.version++;
        OK_INT(t, exchange(&m, size_of(CONTROL_STOP), 0, true, &got), -EPROTONOSUPPORT, "another version");
        OK_INT(t, exchange(&m, 8, 0, true, &got), -EPROTONOSUPPORT, "another version, of another size");
        OK_INT(t, exchange(&m, 7, 0, true, &got), -EBADMSG, "too short to tell");
}

static void test_fail(struct tap *t) {
        struct control_message m = { .version = CONTROL_VERSION, .kind = CONTROL_FAIL }, got;

        memset(&m.err, 'x', sizeof m.err);
        m.err.kind = ERR_PAYLOAD;
        m.err.code = ENOENT;
        OK_INT(t, exchange(&m, sizeof m, 0, false, &got), 1, "FAIL without ends in its texts");
        OK(t, strlen(got.err.text) == sizeof got.err.text - 1 && strlen(got.err.hint) == sizeof got.err.hint - 1,
           "they get them");
        m.err.kind = ERR_NONE;
        OK_INT(t, exchange(&m, sizeof m, 0, false, &got), -EBADMSG, "FAIL without an error");
        m.err.kind = ERR_KIND_MAX_;
        OK_INT(t, exchange(&m, sizeof m, 0, false, &got), -EBADMSG, "FAIL with an unknown error");
        m.err.kind = ERR_HOST;
        m.err.code = -1;
        OK_INT(t, exchange(&m, sizeof m, 0, false, &got), -EBADMSG, "FAIL with a negative number");
}

static void test_ends(struct tap *t) {
        struct control_message m = { .kind = CONTROL_WAIT }, got;
        struct msg_fds fds;
        int s[2];

        if (msg_pair(s) < 0)
                return;
        OK_INT(t, control_receive(s[1], MSG_DONTWAIT, true, &got, &fds), -EAGAIN, "nothing came yet");
        OK_INT(t, control_send(s[0], &m, NULL, 0), 0, "sent");
        close(s[0]);
        OK_INT(t, control_receive(s[1], 0, true, &got, &fds), 1, "received");
        OK_INT(t, control_receive(s[1], 0, true, &got, &fds), 0, "the other end is gone");
        close(s[1]);
}

static void test_connect(struct tap *t) {
        static const char *const bad[] = { "", "a/b", "..", "a b", "-x" };
        struct err e;

        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                OK(t, control_connect(bad[i], &e) < 0 && e.kind == ERR_USAGE, "\"%s\" is no name", bad[i]);
        }
}

int main(void) {
        struct tap t = { 0 };

        alarm(60);
        test_block(&t);
        test_login(&t);
        test_malformed(&t);
        test_kinds(&t);
        test_sizes(&t);
        test_fail(&t);
        test_ends(&t);
        test_connect(&t);
        return tap_done(&t);
}
