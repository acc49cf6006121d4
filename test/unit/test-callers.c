/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Command lines in the manner of the programs that call systemd-nspawn: what is understood, and what this build
 * refuses by name. When a feature comes, its line here changes. */

#include <linux/capability.h>
#include <signal.h>

#include "base/parse.h"
#include "conf/setting.h"
#include "unit/trial.h"

#define CALL(tap, cond, ...)                                                                                          \
        do {                                                                                                          \
                struct trial x;                                                                                       \
                char **argv_ = ARGV(__VA_ARGS__), buf_[400];                                                          \
                trial_run(&x, &(struct trial_input){ .face = FACE_STRICT, .argv = argv_ });                           \
                const struct spec *s = x.spec;                                                                        \
                if (!OK(tap, s && (cond), "%s", trial_words(argv_, buf_)))                                            \
                        printf("# %s\n", x.line);                                                                     \
                trial_done(&x);                                                                                       \
        } while (0)

static void test_builders(struct tap *t) {
        CALL(t,
             s->console.mode == CONSOLE_PIPE && s->host.keep_unit && s->integration.resolv_conf == RESOLV_OFF &&
                     s->exec.argv.n == 4,
             "-q", "--resolv-conf=off", "--timezone=off", "--register=no", "--machine=debos-7", "--keep-unit",
             "--console=pipe", "-D", "/tmp/r", "sh", "-e", "-c", "echo a; id");
        CALL(t,
             s->exec.mode == EXEC_STUB && streq(s->exec.user, "builder") && s->net.private == YES &&
                     s->sec.calls_allow.n == 4 && streq(s->root.directory, "/r") && s->self.quiet &&
                     s->exec.argv.n == 3,
             "-M", "vm-trixie-1", "--register=no", "-a", "--timezone=copy", "--system-call-filter",
             "@memlock @pkey @clock @cpu-emulation", "-E", "A=b", "--chdir=/srv", "--link-journal=no", "-u", "builder",
             "--private-network", "-qD", "/r", "/usr/bin/run", "--no-color", "--buid=5");
        CALL(t,
             s->limits.rlimit[RLIMIT_CORE].rlim_max == RLIM_INFINITY && s->exec.suppress_sync &&
                     s->console.mode == CONSOLE_AUTOPIPE && strv_is(&s->exec.argv, ARGV("/bin/true")),
             "--quiet", "--link-journal=no", "--suppress-sync=yes", "--resolv-conf=auto",
             "--rlimit=RLIMIT_CORE=0:infinity", "--console=autopipe", "--machine", "mk", "--register", "no",
             "--directory", "/img", "--", "/bin/true");
        CALL(t,
             s->exec.mode == EXEC_BOOT && strv_is(&s->exec.argv, ARGV("rw", "systemd.unit=x.target")) &&
                     strv_is(&s->exec.env, ARGV("ip=none", "loglevel=4")),
             "--quiet", "--boot", "--machine", "img", "--register=no", "--directory", "/img", "--setenv", "ip=any",
             "--setenv", "ip=none", "rw", "loglevel=4", "systemd.unit=x.target");
        CALL(t,
             s->sec.caps_add == 1ull << CAP_IPC_LOCK && s->limits.rlimit[RLIMIT_NOFILE].rlim_cur == 10240 &&
                     s->exec.env.n == 2 && s->exec.argv.n == 4,
             "-q", "-M", "0123456789abcdef0123456789abcdef", "-D", "/r", "-a", "-u", "mockbuild",
             "--capability=cap_ipc_lock", "--rlimit=RLIMIT_NOFILE=10240", "--capability=cap_ipc_lock",
             "--console=pipe", "--setenv=PROMPT_COMMAND=printf \"\\033]0;<mock>\\007\"",
             "--setenv=PS1=<mock> \\s-\\v\\$ ", "--resolv-conf=off", "bash", "--login", "-c", "make -j");
}

static void test_services(struct tap *t) {
        CALL(t, s->exec.notify_ready && s->ids.mode == USERS_PICK && s->self.settings == SETTINGS_OVERRIDE,
             "--keep-unit", "--boot", "--notify-read=yes", "-U", "--settings=override", "--machine=m",
             "--directory=/d");
        CALL(t,
             s->exec.kill_signal == SIGNAL_RTMIN + 3 && strv_is(&s->exec.env, ARGV("NET=1", "HOST=")) &&
                     s->exec.argv.n == 2,
             "--keep-unit", "-M", "n", "-D", "/r", "--private-network", "--private-users=pick",
             "--kill-signal=SIGRTMIN+3", "--setenv", "NET=1", "--setenv", "HOST=", "--capability=CAP_CHOWN,CAP_KILL",
             "/init", "/system");
        CALL(t, s->sec.caps_add && s->sec.caps_drop == 1ull << CAP_SYS_MODULE, "--keep-unit", "--boot",
             "--capability=CAP_NET_ADMIN,CAP_SYS_TIME", "--directory", "/oi", "--drop-capability=CAP_SYS_MODULE",
             "--machine=oi", "--link-journal=no", "--register=no");
        CALL(t, s->sec.caps_add >= SPEC_CAPS_DEFAULT, "--capability=all", "--register=no", "--keep-unit", "-D",
             "chroot");
        CALL(t, s->ids.mode == USERS_NO && streq(s->exec.user, "root"), "--private-users=no", "--user=root",
             "--machine=n", "/bin/sh", "-c", "x");
        CALL(t, streq(s->id.machine, "n") && !s->root.directory, "-M", "n");
        CALL(t, s->sec.caps_drop && strv_is(&s->sec.calls_deny, ARGV("@mount")), "--as-pid2", "--private-network",
             "--drop-capability=all", "--system-call-filter=~@mount", "-D", "/d", "cmd");
}

static void test_mounts(struct tap *t) {
        CALL(t, s->mounts.n == 1 && streq(s->mounts.items[0].dst, "b"), "--bind", "/a:/b", "-D", "/r");
        CALL(t, s->mounts.n == 1 && s->mounts.items[0].alone, "--bind=/a b:/c:norbind,noidmap");
        CALL(t, s->mounts.items[0].layers.n == 2 && !*s->mounts.items[0].layers.items[1].path,
             "--overlay=+/var::/var");
        CALL(t, s->mounts.items[0].owners == OWNERS_SAME, "--bind-ro=/nix/store:/nix/store:idmap");
        CALL(t, s->mounts.n == 2 && s->mounts.items[1].source.in_tree, "--tmpfs=/x:size=1G", "--bind=+/x\\:y::rbind");
}

static void test_refused(struct tap *t) {
        BAD(t, "at least two directories", "--overlay=/var");
        BAD(t, "--port=tcp:8080:80 is not supported", "-p", "tcp:8080:80");
        BAD(t, "not a port", "--port=0");
        BAD(t, "not a port", "--port=sctp:80");
        BAD(t, "not a port", "--port=80:");
        BAD(t, "--network-veth is not supported", "-bnD", "/x");
        BAD(t, "not a valid zone name", "--network-zone=abcdefghijklm");
        BAD(t, "a second credential", "--set-credential=a:secret", "--set-credential=a:secret");
        BAD(t, "a backslash", "--set-credential=a:\\x1");
        BAD(t, "a backslash", "--set-credential=a:\\400");
        BAD(t, "a backslash", "--set-credential=a:\\ud800");
        BAD(t, "a backslash", "--set-credential=a:\\");
        CALL(t, true, "--set-credential=a:\\x41\\101\\u00e9\\U0001f600\\n", "--set-credential=b:");
        BAD(t, "--set-credential: not ID:VALUE", "--set-credential=secret");
        BAD(t, "no path", "--load-credential=a:");
        BAD(t, "no such mode", "--volatile=tmpfs");
        CALL(t, s->root.protection.hash_size == 16 && s->root.protection.hash[15] == 0xff,
             "--root-hash=00112233445566778899aabbccddeeFF");
        CALL(t, s->root.protection.sig_size == 3 && s->root.protection.sig[0] == 'A', "--root-hash-sig=base64:QUJD");
        CALL(t, !s->root.protection.sig && streq(s->root.protection.sig_path, "x.p7s"), "--root-hash-sig=x.p7s");
        BAD(t, "not base64", "--root-hash-sig=base64:QUJ");
        CALL(t, s->root.protection.no_ask, "--no-ask-password");
        BAD(t, "not a hash", "--root-hash=0123");
        BAD(t, "not an image policy", "--image-policy=root=foo");
        BAD(t, "exclude each other", "-i", "x.raw", "-D", "x");
        CALL(t, streq(s->root.image, "x.raw") && s->exec.mode == EXEC_BOOT, "-bi", "x.raw");
        CALL(t, s->root.policy_said && s->root.policy.role[ROLE_HOME] == POLICY_ABSENT,
             "--image-policy=root=verity+signed:=absent");
        BAD(t, "not plain absolute paths", "--pivot-root=a");
        BAD(t, "both paths are the same", "--pivot-root=/a:/a");
        BAD(t, "not plain absolute paths", "--pivot-root=/a:/b:/c");
        BAD(t, "not plain absolute paths", "--pivot-root=/a/../b");
        BAD(t, "/run/x is covered", "--pivot-root=/a:/run/x");
        CALL(t, streq(s->root.pivot_new, "a/b") && streq(s->root.pivot_old, "c"), "--pivot-root=//a/./b/:/c");
        BAD(t, "no such mode", "--link-journal=try");
        CALL(t, s->integration.link_journal == JOURNAL_TRY_HOST, "-j", "--link-journal=try-host");
        CALL(t, s->integration.link_journal == JOURNAL_TRY_GUEST, "-qj");
        CALL(t, s->self.cleanup && streq(s->id.machine, "x"), "--cleanup", "--machine=x");
        BAD(t, "not NAME=VALUE", "--property=A");
        BAD(t, "--share-system is not supported", "--share-system");
        BAD(t, "out of range", "--private-users-delegate=17");
        BAD(t, "not a size", "--forward-journal-max-use=1X");
        CALL(t, streq(s->forward.to, "/x.journal") && s->forward.limits[FORWARD_KEEP_FREE].value == 1 << 30,
             "--forward-journal=/x.journal", "--forward-journal-keep-free=1G");
        BAD(t, "--boot takes no value", "--boot=x");
        CALL(t, true, "--volatile=overlay", "--link-journal=auto", "--bind-user-shell=no", "--register=auto",
             "--ephemeral=no", "--ephemeral");
}

int main(void) {
        struct tap t = { 0 };

        test_builders(&t);
        test_services(&t);
        test_mounts(&t);
        test_refused(&t);
        return tap_done(&t);
}
