/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Settings files: syntax, trust, precedence. */

#include <linux/capability.h>
#include <signal.h>

#include "conf/nspawn.h"
#include "conf/setting.h"
#include "unit/trial.h"

/* With a trusted file of that text, and options; cond holds of the spec s and the trial x. */
#define FILE_(tap, input, cond, what)                                                                                 \
        do {                                                                                                          \
                struct trial x;                                                                                       \
                trial_run(&x, &(struct trial_input) input);                                                           \
                const struct spec *s = x.spec;                                                                        \
                if (!OK(tap, s && (cond), "%s", what))                                                                \
                        for (size_t i_ = 0; i_ <= x.draft.warnings.n; i_++)                                           \
                                printf("# %s\n", i_ ? x.draft.warnings.items[i_ - 1] : x.line);                       \
                trial_done(&x);                                                                                       \
        } while (0)
#define WITH(argv_, ...)                                                                                              \
        { .argv = argv_, __VA_ARGS__ }
#define IN(...)                       WITH(ARGV(), __VA_ARGS__)
#define ADMIN(tap, text, cond, what)  FILE_(tap, IN(.admin = text), cond, what)
#define BESIDE(tap, text, cond, what) FILE_(tap, IN(.beside = text), cond, what)

#define QUIET (x.draft.warnings.n == 0)

static void test_syntax(struct tap *t) {
        ADMIN(t, "", s->exec.mode == EXEC_COMMAND && s->said.n == 0 && QUIET, "an empty file says nothing");
        ADMIN(t, "[Exec]\n\n# x\n; y\n  # z\n[Files]\n[Network]\n", s->said.n == 0 && QUIET, "sections and comments");
        ADMIN(t, "[Exec]\nBoot=yes", s->exec.mode == EXEC_BOOT && QUIET, "the last line without an end");
        ADMIN(t, "\xef\xbb\xbf[Exec]\r\n  Boot = yes  \r\n", s->exec.mode == EXEC_BOOT && QUIET, "BOM, CR, blanks");
        ADMIN(t, "[Exec]\nParameters=a \\\n# no\n;no\n  b\\\n c\nUser=u\n",
              strv_is(&s->exec.argv, ARGV("a", "b", "c")) && streq(s->exec.user, "u") && QUIET, "joined lines");
        ADMIN(t, "[Exec]\nParameters=\"a b\" 'c\"d' e\\n \"\"\n",
              strv_is(&s->exec.argv, ARGV("a b", "c\"d", "e\\n", "")) && QUIET, "quotes");
        ADMIN(t, "[Exec]\nParameters=x 'y\n", s->exec.argv.n == 0 && warned(&x, ":2: a quote is not closed"),
              "an open quote");
        ADMIN(t, "[Exec]\nBoot=yes \\", s->exec.mode == EXEC_BOOT, "a backslash at the end of the file");
        ADMIN(t, "Boot=yes\n", s->exec.mode == EXEC_COMMAND && warned(&x, ":1: outside of a section: Boot, ignored"),
              "no section");
        ADMIN(t, "[Foo]\nBoot=yes\n[Exec\nBoot=yes\n",
              s->exec.mode == EXEC_COMMAND && warned(&x, "unknown section Foo") && warned(&x, ":3: not a section"),
              "bad sections");
        ADMIN(t, "[X-Mine]\nBoot=yes\n", s->exec.mode == EXEC_COMMAND && QUIET, "sections of others");
        ADMIN(t, "[Exec]\nBoot\n=yes\nboot=yes\nReadOnly=yes\n",
              warned(&x, ":2: no KEY=VALUE") && warned(&x, ":3: no KEY=VALUE") && warned(&x, ":4: unknown key boot") &&
                      warned(&x, ":5: unknown key ReadOnly"),
              "bad keys");
        ADMIN(t, "[Exec]\nBoot=maybe\nUser=u\n",
              s->exec.user && warned(&x, "t.nspawn:2: Boot=maybe: not a boolean, ignored"), "a bad value");
        ADMIN(t, "[Exec]\nUser=u\nUser=\nParameters=a\nParameters=b\nParameters=\nParameters=c\n",
              !s->exec.user && strv_is(&s->exec.argv, ARGV("c")) && QUIET, "an empty value takes back");
}

static char *fill(char *buf, size_t size, const char *head, const char *line) {
        size_t used = strlen(strcpy(buf, head)), n = strlen(line);

        for (; used + n < size; used += n)
                memcpy(buf + used, line, n + 1);
        return buf;
}

static void test_bounds(struct tap *t) {
        CLEAN_FREE char *big = malloc(NSPAWN_FILE_MAX + 4096);

        FILE_(t, IN(.beside = fill(big, NSPAWN_FILE_MAX + 4000, "[Exec]\nBoot=yes\n", "#\n")),
              s->exec.mode == EXEC_COMMAND && warned(&x, "larger than 1 MiB"), "a file that is too large");
        ADMIN(t, fill(big, NSPAWN_FILE_MAX, "[Exec]\n", "x=\n"), x.draft.warnings.n == 64, "many bad lines");
        ADMIN(t, fill(big, NSPAWN_FILE_MAX, "[Exec]\n", "Environment=A=1\n"), warned(&x, "too many settings"),
              "many good lines");
        ADMIN(t, fill(big, NSPAWN_FILE_MAX, "[Exec]\nUser=u\nHostname=", "a"), s->exec.user && warned(&x, "too long"),
              "a long line");
        ADMIN(t, fill(big, NSPAWN_FILE_MAX, "[Exec]\nParameters=a", "\\\n"), x.draft.warnings.n <= 1,
              "many joined lines");
        ADMIN(t, fill(big, NSPAWN_FILE_MAX, "", "["), warned(&x, ":1: the line is too long"), "brackets");
        ADMIN(t, fill(big, 60000, "[Exec]\nSystemCallFilter=~", "x "), warned(&x, "more than"), "many names");
}

static void test_keys(struct tap *t) {
        ADMIN(t, "[Exec]\nBoot=on\nParameters=a=b quiet\nKillSignal=SIGUSR1\nPersonality=\nNotifyReady=1\n",
              s->exec.mode == EXEC_BOOT && strv_is(&s->exec.argv, ARGV("quiet")) &&
                      strv_is(&s->exec.env, ARGV("a=b")) && s->exec.kill_signal == SIGUSR1 && s->exec.notify_ready,
              "a file that boots");
        ADMIN(t, "[Exec]\nProcessTwo=true\nParameters=/bin/x -y\nWorkingDirectory=/srv\nUser=u\nSuppressSync=yes\n",
              s->exec.mode == EXEC_STUB && s->exec.argv.n == 2 && streq(s->exec.chdir, "/srv") &&
                      streq(s->exec.user, "u") && s->exec.suppress_sync,
              "a file with a service");
        ADMIN(t, "[Exec]\nParameters=/init\n", s->exec.mode == EXEC_COMMAND && strv_is(&s->exec.argv, ARGV("/init")),
              "Parameters= alone is the command");
        ADMIN(t, "[Exec]\nCapability=CAP_NET_ADMIN cap_sys_time\nDropCapability=all\nAmbientCapability=\n",
              s->sec.caps_add == (1ull << CAP_NET_ADMIN | 1ull << CAP_SYS_TIME) && s->sec.caps_drop, "capabilities");
        ADMIN(t, "[Exec]\nEnvironment=A=1 \"B=2 3\"\nEnvironment=C=\n",
              strv_is(&s->exec.env, ARGV("A=1", "B=2 3", "C=")), "Environment=");
        ADMIN(t, "[Exec]\nLimitNOFILE=1:2\nLimitCPU=infinity\nLimitFOO=1\nOOMScoreAdjust=5\nCPUAffinity=0 2-3\n",
              s->limits.rlimit[RLIMIT_NOFILE].rlim_max == 2 &&
                      s->limits.rlimit_said == (1u << RLIMIT_CPU | 1u << RLIMIT_NOFILE) &&
                      s->limits.oom_score_adjust == 5 && s->limits.cpus[0] == 13 && warned(&x, "unknown key LimitFOO"),
              "limits");
        ADMIN(t, "[Exec]\nLimitCPU=a\n", warned(&x, "LimitCPU=a: not a limit"), "a bad limit is shown as written");
        ADMIN(t, "[Exec]\nMachineID=12345678123456781234567812345678\nHostname=h\nTimezone=copy\nResolvConf=off\n",
              s->id.has_uuid && streq(s->id.hostname, "h") && s->integration.timezone == TIMEZONE_COPY &&
                      s->integration.resolv_conf == RESOLV_OFF,
              "identity");
        ADMIN(t, "[Exec]\nPrivateUsers=pick\nNoNewPrivileges=yes\n[Files]\nReadOnly=yes\nPrivateUsersOwnership=map\n",
              s->ids.mode == USERS_PICK && s->ids.ownership == OWNERSHIP_MAP && s->root.read_only &&
                      s->sec.no_new_privileges,
              "user namespace");
        ADMIN(t,
              "[Exec]\nSystemCallFilter=~@mount\nRestrictAddressFamilies=AF_UNIX\n[Network]\nPrivate=yes\n"
              "NamespacePath=/run/netns/a\n",
              s->sec.calls_deny.n == 1 && s->sec.families.n == 1 && s->net.private == YES && s->net.path, "the rest");
        ADMIN(t,
              "[Exec]\nEphemeral=no\nLinkJournal=auto\n[Files]\nVolatile=no\nBindUserShell=no\n[Network]\n"
              "VirtualEthernet=no\n",
              QUIET, "what asks for nothing is fine");
        ADMIN(t, "[Exec]\nEnvironment=HOME\n", s->exec.env.n == 0 && warned(&x, "no = in it"),
              "no copy of the caller's");
}

static void refused(struct tap *t, const struct trial_input *in, const char *text, const char *what) {
        struct trial x;

        trial_run(&x, in);
        if (!OK(t, x.r < 0 && x.err.kind == ERR_CONFIG && strstr(x.line, text), "%s", what))
                printf("# %d %s\n", x.r, x.line);
        trial_done(&x);
}

static void test_later(struct tap *t) {
        static const char veth[] = "[Network]\nVirtualEthernet=yes\n", bind[] = "[Files]\nBind=/a:/b\n";

        refused(t, &(struct trial_input) IN(.admin = veth),
                "t.nspawn:2: VirtualEthernet=yes is not supported by this build yet",
                "a trusted file that asks for what is not there");
        refused(t, &(struct trial_input){ .argv = ARGV("--settings=trusted"), .beside = veth },
                "VirtualEthernet=yes is not", "the same with --settings=trusted");
        BESIDE(t, bind, warned(&x, ":2: Bind= is ignored: the file lies beside the image"), "and one without trust");
        FILE_(t, WITH(ARGV("--private-network=no"), .admin = veth), s->net.private == NO,
              "the command line can undo it");
        ADMIN(t, "[Exec]\nBoot=yes\nProcessTwo=yes\nUser=u\n",
              s->exec.mode == EXEC_BOOT && s->exec.user &&
                      warned(&x, "t.nspawn:3: ProcessTwo=yes: does not go with --boot, ignored"),
              "of what excludes each other, the first is heard");
        BESIDE(t, "[Exec]\nProcessTwo=yes\nBoot=yes\n",
               s->exec.mode == EXEC_STUB && warned(&x, ":3: Boot=yes: does not go with --as-pid2, ignored"),
               "in any order, and whoever wrote it");
}

static void test_precedence(struct tap *t) {
        static const char file[] = "[Exec]\nBoot=yes\nEnvironment=A=file\nLimitCPU=1\nLimitAS=1\nUser=u\n"
                                   "[Network]\nPrivate=yes\n";

        FILE_(t, WITH(ARGV("cmd"), .admin = file), s->exec.mode == EXEC_COMMAND && s->exec.argv.n == 1,
              "a command hides Boot=");
        FILE_(t, WITH(ARGV("-b"), .admin = "[Exec]\nParameters=x\n"), s->exec.argv.n == 0, "--boot hides Parameters=");
        FILE_(t, WITH(ARGV("-E", "B=argv"), .admin = file), strv_is(&s->exec.env, ARGV("B=argv")),
              "-E hides Environment=");
        FILE_(t, WITH(ARGV("--rlimit=CPU=9"), .admin = file),
              s->limits.rlimit[RLIMIT_CPU].rlim_cur == 9 && s->limits.rlimit[RLIMIT_AS].rlim_cur == 1,
              "--rlimit= hides the same limit only");
        FILE_(t, WITH(ARGV("--private-network=no", "--boot=no"), .admin = file),
              s->net.private == NO && s->exec.mode == EXEC_COMMAND && streq(s->exec.user, "u"),
              "what was said can be undone");
        FILE_(t, WITH(ARGV("--settings=override", "-E", "B=argv", "cmd"), .admin = file),
              s->exec.mode == EXEC_BOOT && s->exec.argv.n == 0 && strv_is(&s->exec.env, ARGV("A=file")),
              "--settings=override turns it around");
        FILE_(t, WITH(ARGV("--settings=override", "-U", "-b", "--rlimit=CPU=9"), .admin = ""),
              s->exec.mode == EXEC_BOOT && s->ids.mode == USERS_PICK && s->limits.rlimit_said,
              "and an empty file still changes nothing");
        FILE_(t, WITH(ARGV("--settings=no"), .admin = file), s->exec.mode == EXEC_COMMAND, "--settings=no");
        FILE_(t, IN(.admin = "[Exec]\nUser=a\n", .beside = "[Exec]\nUser=b\nHostname=h\n"),
              streq(s->exec.user, "a") && !s->id.hostname, "found first wins, nothing is merged");
        FILE_(t, WITH(ARGV("--capability=sys_time"), .admin = "[Exec]\nDropCapability=chown\n"), s->sec.caps_drop == 0,
              "capabilities are one topic");
        FILE_(t, WITH(ARGV("-q"), .admin = file),
              s->said.n == 7 && s->said.items[1].origin == ORIGIN_ADMIN_FILE &&
                      strstr(s->said.items[1].where, "t.nspawn:2"),
              "where things come from is kept");
}

#if defined(__x86_64__)
#define NATIVE "x86-64"
#elif defined(__aarch64__)
#define NATIVE "arm64"
#else
#define NATIVE "native"
#endif

/* Keys of a file beside the image, and whether they are heard. */
static const struct {
        const char *text;
        bool heard;
} trust[] = {
        { "[Exec]\nBoot=yes\n", true },
        { "[Exec]\nProcessTwo=yes\n", true },
        { "[Exec]\nParameters=x\n", true },
        { "[Exec]\nEnvironment=A=1\n", true },
        { "[Exec]\nUser=u\n", true },
        { "[Exec]\nDropCapability=all\n", true },
        { "[Exec]\nNoNewPrivileges=yes\n", true },
        { "[Exec]\nKillSignal=TERM\n", true },
        { "[Exec]\nNotifyReady=yes\n", true },
        { "[Exec]\nHostname=h\n", true },
        { "[Exec]\nResolvConf=off\n", true },
        { "[Exec]\nTimezone=off\n", true },
        { "[Exec]\nSuppressSync=yes\n", true },
        { "[Exec]\nSystemCallFilter=~@mount\n", true },
        { "[Exec]\nRestrictAddressFamilies=~AF_PACKET\n", true },
        { "[Exec]\nRestrictAddressFamilies=AF_INET AF_UNIX\n", true },
        { "[Exec]\nRestrictAddressFamilies=none\n", true },
        { "[Files]\nReadOnly=yes\n", true },
        { "[Exec]\nSystemCallFilter=@mount\n", false },
        { "[Exec]\nRestrictAddressFamilies=AF_ALG\n", false },
        { "[Exec]\nRestrictAddressFamilies=\n", false },
        { "[Exec]\nEphemeral=yes\n", false },
        { "[Exec]\nWorkingDirectory=/x\n", false },
        { "[Exec]\nPivotRoot=/x\n", false },
        { "[Exec]\nCapability=all\n", false },
        { "[Exec]\nAmbientCapability=chown\n", false },
        { "[Exec]\nMachineID=12345678123456781234567812345678\n", false },
        { "[Exec]\nPrivateUsers=no\n", false },
        { "[Exec]\nPrivateUsersDelegate=1\n", false },
        { "[Exec]\nPrivateUsersMap=1:1\n", false },
        { "[Exec]\nLimitCPU=1\n", false },
        { "[Exec]\nOOMScoreAdjust=-1000\n", false },
        { "[Exec]\nCPUAffinity=0\n", false },
        { "[Exec]\nLinkJournal=host\n", false },
        { "[Files]\nVolatile=yes\n", true },
        { "[Files]\nBind=/etc\n", false },
        { "[Files]\nBindReadOnly=/etc\n", false },
        { "[Files]\nTemporaryFileSystem=/x\n", false },
        { "[Files]\nInaccessible=/x\n", false },
        { "[Files]\nOverlay=/a:/b\n", false },
        { "[Files]\nOverlayReadOnly=/a:/b\n", false },
        { "[Files]\nPrivateUsersOwnership=map\n", false },
        { "[Files]\nPrivateUsersChown=yes\n", false },
        { "[Files]\nBindUser=root\n", false },
        { "[Files]\nBindUserShell=/bin/sh\n", false },
        { "[Network]\nPrivate=no\n", false },
        { "[Network]\nVirtualEthernet=yes\n", false },
        { "[Network]\nVirtualEthernetExtra=a:b\n", false },
        { "[Network]\nInterface=eth0\n", false },
        { "[Network]\nMACVLAN=eth0\n", false },
        { "[Network]\nIPVLAN=eth0\n", false },
        { "[Network]\nBridge=br0\n", false },
        { "[Network]\nZone=z\n", false },
        { "[Network]\nPort=80\n", false },
        { "[Network]\nNamespacePath=/proc/1/ns/net\n", false },
        { "[Exec]\nPersonality=" NATIVE "\n", true },
};

static void test_trust(struct tap *t) {
        size_t keys = 0, seen = 0;

        for (size_t i = 0; i < ELEMENTS(trust); i++) {
                struct trial x;

                trial_run(&x, &(struct trial_input) IN(.beside = trust[i].text));
                if (!OK(t,
                        x.spec && (x.draft.warnings.n == 0) == trust[i].heard &&
                                (x.spec->said.n > 0) == trust[i].heard,
                        "beside the image, %s: %.*s", trust[i].heard ? "heard" : "not heard",
                        (int) strcspn(trust[i].text + 7, "\n"), strchr(trust[i].text, '\n') + 1))
                        printf("# %s\n", x.spec ? "accepted" : x.line);
                trial_done(&x);
        }
        /* A new key must be put into this list too. */
        for (size_t i = 0; i < n_settings; i++) {
                char key[80];

                if (!*settings[i].key)
                        continue;
                keys++;
                snprintf(key, sizeof key, "\n%.*s", (int) strcspn(settings[i].key, "*"), settings[i].key);
                for (size_t k = 0; k < ELEMENTS(trust); k++)
                        if (strstr(trust[k].text, key)) {
                                seen++;
                                break;
                        }
        }
        OK_INT(t, seen, keys, "each key is checked for trust");
}

static void test_guard(struct tap *t) {
        FILE_(t,
              WITH(ARGV("--settings=override", "--drop-capability=all"), .beside = "[Exec]\nDropCapability=chown\n"),
              s->sec.caps_drop >= SPEC_CAPS_DEFAULT,
              "override: a file beside the image cannot give capabilities back");
        FILE_(t, WITH(ARGV("--settings=override", "--read-only"), .beside = "[Files]\nReadOnly=no\n"),
              s->root.read_only, "nor make the tree writable");
        FILE_(t,
              WITH(ARGV("--settings=override", "--no-new-privileges=yes"), .beside = "[Exec]\nNoNewPrivileges=no\n"),
              s->sec.no_new_privileges, "nor allow new privileges");
        FILE_(t,
              WITH(ARGV("--settings=override", "--system-call-filter=~@mount"),
                   .beside = "[Exec]\nSystemCallFilter=~x\n"),
              streq(s->sec.calls_deny.items[0], "@mount"), "nor replace a filter of system calls");
        FILE_(t,
              WITH(ARGV("--settings=override", "--restrict-address-families=none"),
                   .beside = "[Exec]\nRestrictAddressFamilies=AF_INET\n"),
              s->sec.families_none, "nor open socket families");
        FILE_(t, WITH(ARGV("--settings=override", "-u", "a"), .beside = "[Exec]\nUser=root\n"),
              streq(s->exec.user, "a"), "nor say who it runs as");
        FILE_(t, WITH(ARGV("--settings=override", "--hostname=a"), .beside = "[Exec]\nHostname=b\n"),
              streq(s->id.hostname, "b"), "but it does win where that is harmless");
        FILE_(t, WITH(ARGV("--settings=trusted"), .beside = "[Exec]\nCapability=all\n"), s->sec.caps_add && QUIET,
              "--settings=trusted trusts it");
        FILE_(t, WITH(ARGV(), .face = FACE_STRICT, .beside = "[Exec]\nRestrictAddressFamilies=AF_ALG\n"),
              s->sec.families.n == 1 && QUIET, "the strict face takes any list of families");
}

static bool write_file(const char *path, const char *text, size_t n) {
        CLEAN_FD int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

        return write(fd, text, n) == (ssize_t) n;
}

/* What may lie beside an image in place of a file. */
static void test_hostile(struct tap *t) {
        char dir[] = "/tmp/berth-test-XXXXXX", path[64];
        struct conf_lookup look = { "t", (const char *const[]){ "/nonexistent", NULL }, -1, "IMAGES" };

        OK(t, mkdtemp(dir), "a directory");
        look.beside = open(dir, O_PATH | O_CLOEXEC);
        snprintf(path, sizeof path, "%s/t.nspawn", dir);
        for (int kind = 0; kind < 5; kind++) {
                static const char *const names[] = { "a link", "a fifo", "a directory", "a NUL byte", "nothing" };
                struct draft d;
                struct conf c;
                struct err e = { 0 };
                bool made = kind == 0   ? symlink("/etc/passwd", path) == 0
                            : kind == 1 ? mkfifo(path, 0600) == 0
                            : kind == 2 ? mkdir(path, 0700) == 0
                            : kind == 3 ? write_file(path, "[Exec]\n\0NoNewPrivileges=yes\n", 29)
                                        : true;

                draft_init(&d, FACE_BERTH);
                conf_init(&c, &d, NULL);
                OK(t, made && conf_files(&c, &look, &e) == 0 && d.warnings.n == (kind < 4) && d.spec.said.n == 0,
                   "beside the image: %s", names[kind]);
                d.spec.self.settings = SETTINGS_TRUSTED;
                OK(t, (conf_files(&c, &look, &e) == 0) == (kind == 4), "and when that is trusted: %s", names[kind]);
                draft_done(&d);
                kind == 2 ? rmdir(path) : unlink(path);
        }
        close(look.beside);
        rmdir(dir);
}

int main(void) {
        struct tap t = { 0 };

        test_syntax(&t);
        test_bounds(&t);
        test_keys(&t);
        test_later(&t);
        test_precedence(&t);
        test_trust(&t);
        test_guard(&t);
        test_hostile(&t);
        return tap_done(&t);
}
