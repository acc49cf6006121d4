/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Variables of the caller: those that stand for an option, those that are refused, and -E NAME. */

#include "conf/setting.h"
#include "unit/trial.h"

#define ENV(tap, argv_, env, cond, what)                                                                              \
        do {                                                                                                          \
                struct trial x;                                                                                       \
                trial_run(&x, &(struct trial_input){ .argv = argv_, .environ = env });                                \
                const struct spec *s = x.spec;                                                                        \
                if (!OK(tap, s && (cond), "%s", what))                                                                \
                        printf("# %s\n", x.line);                                                                     \
                trial_done(&x);                                                                                       \
        } while (0)

static void refused(struct tap *t, const char *assignment, const char *text) {
        struct trial x;

        trial_run(&x, &(struct trial_input){ .argv = ARGV("-q"), .environ = ARGV("PATH=/", assignment) });
        if (!OK(t, x.r < 0 && x.err.kind == ERR_USAGE && strstr(x.line, text), "refused: %s", assignment))
                printf("# %s\n", x.line);
        trial_done(&x);
}

static void test_options(struct tap *t) {
        ENV(t, ARGV("-q"), ARGV("SYSTEMD_NSPAWN_API_VFS_WRITABLE=1"), s->host.api_vfs == API_VFS_WRITABLE, "api-vfs");
        ENV(t, ARGV("-q"), ARGV("SYSTEMD_NSPAWN_API_VFS_WRITABLE=network"), s->host.api_vfs == API_VFS_NETWORK,
            "api-vfs of the network");
        ENV(t, ARGV("-q"), ARGV("SYSTEMD_NSPAWN_API_VFS_WRITABLE=no"), s->host.api_vfs == API_VFS_READ_ONLY,
            "api-vfs read-only");
        ENV(t, ARGV("-q"), ARGV("SYSTEMD_NSPAWN_CHECK_OS_RELEASE=0"), s->host.no_os_release_check, "os-release-check");
        ENV(t, ARGV("-q"), ARGV("SYSTEMD_NSPAWN_CONTAINER_SERVICE=x"), streq(s->host.container_service, "x"),
            "container-service");
        ENV(t, ARGV("-q"), ARGV("SYSTEMD_NSPAWN_LOCK=0"), s->host.no_lock, "lock");
        ENV(t, ARGV("-q"), ARGV("SYSTEMD_NSPAWN_TMPFS_TMP=0"), s->host.no_tmpfs_tmp, "tmp-tmpfs");
        ENV(t, ARGV("-q"), ARGV("SYSTEMD_SECCOMP=0"), s->sec.no_filter, "seccomp");
        ENV(t, ARGV("-q"), ARGV("SYSTEMD_SECCOMP=1"), !s->sec.no_filter, "seccomp on");
        ENV(t, ARGV("-q"), ARGV("SYSTEMD_SUPPRESS_SYNC=1"), s->exec.suppress_sync, "suppress-sync");
        ENV(t, ARGV("-q"), ARGV("SYSTEMD_SECCOMP=", "SYSTEMD_SECCOMPX=0"), !s->sec.no_filter && s->said.n == 1,
            "an empty variable, and a longer name");
        ENV(t, ARGV("--seccomp=yes"), ARGV("SYSTEMD_SECCOMP=0"), !s->sec.no_filter, "the command line wins");
        ENV(t, ARGV("-q"), ARGV("SYSTEMD_SECCOMP=0"), s->said.items[1].origin == ORIGIN_ENVIRONMENT,
            "the origin is kept");
}

static void test_verity(struct tap *t) {
        ENV(t, ARGV("-q"), ARGV("SYSTEMD_DISSECT_VERITY_SIDECAR=0"), s->root.protection.no_files,
            "image-verity-files");
        ENV(t, ARGV("-q"), ARGV("SYSTEMD_DISSECT_VERITY_EMBEDDED=0"), s->root.protection.no_embedded,
            "image-verity-embedded");
        ENV(t, ARGV("-q"), ARGV("SYSTEMD_DISSECT_VERITY_SIGNATURE=0"), s->root.protection.no_signature,
            "image-verity-signature");
        ENV(t, ARGV("-q"), ARGV("SYSTEMD_ALLOW_USERSPACE_VERITY=0"), s->root.protection.no_certificates,
            "image-verity-certificates");
        ENV(t, ARGV("-q"), ARGV("SYSTEMD_DISSECT_VERITY_GUESS=0"), s->root.protection.guess == NO,
            "no image-verity-guess");
        ENV(t, ARGV("-q"), ARGV("SYSTEMD_DISSECT_VERITY_GUESS=1"), s->root.protection.guess == YES,
            "image-verity-guess");
        ENV(t, ARGV("-q"), ARGV("SYSTEMD_DISSECT_VERITY_SIDECAR=1", "SYSTEMD_ALLOW_USERSPACE_VERITY=yes"),
            !s->root.protection.no_files && !s->root.protection.no_certificates && s->root.protection.guess == UNSAID,
            "as it is anyway");
        ENV(t, ARGV("--image-verity-files=yes"), ARGV("SYSTEMD_DISSECT_VERITY_SIDECAR=0"),
            !s->root.protection.no_files, "the option wins");
}

static void test_refused(struct tap *t) {
        refused(t, "SYSTEMD_SECCOMP=maybe", "SYSTEMD_SECCOMP=maybe: not a boolean");
        refused(t, "SYSTEMD_NSPAWN_CHECK_OS_RELEASE=2", "not a boolean");
        refused(t, "SYSTEMD_NSPAWN_API_VFS_WRITABLE=all", "no such mode");
        refused(t, "SYSTEMD_NSPAWN_CONTAINER_SERVICE=a b", "not a valid name");
        refused(t, "SYSTEMD_NSPAWN_SHARE_NS_PID=1", "$SYSTEMD_NSPAWN_SHARE_NS_PID=1 is not supported");
        refused(t, "SYSTEMD_NSPAWN_SHARE_NS_IPC=yes", "unset it, or set it to 0");
        refused(t, "SYSTEMD_NSPAWN_SHARE_NS_UTS=x", "not supported");
        refused(t, "SYSTEMD_NSPAWN_SHARE_SYSTEM=1", "not supported");
        refused(t, "SYSTEMD_NSPAWN_USE_CGNS=0", "unset it, or set it to 1");
        refused(t, "SYSTEMD_VERITY_SHARING=1", "unset it, or set it to 0");
        refused(t, "SYSTEMD_LOG_SECCOMP=1", "$SYSTEMD_LOG_SECCOMP=1 is not supported");
        refused(t, "SYSTEMD_NSPAWN_NETWORK_MAC=02:00:00:00:00:01", "not supported by this build (unset it)");
        refused(t, "SYSTEMD_DISSECT_FSTYPE_ROOT=ext4", "$SYSTEMD_DISSECT_FSTYPE_ROOT=ext4 is not supported");
        refused(t, "SYSTEMD_DISSECT_VERITY_GUESS=perhaps", "not a boolean");
        ENV(t, ARGV("-q"),
            ARGV("SYSTEMD_NSPAWN_SHARE_SYSTEM=0", "SYSTEMD_NSPAWN_USE_CGNS=yes", "SYSTEMD_VERITY_SHARING=no",
                 "SYSTEMD_DISSECT_FSTYPE_ROOT="),
            s->said.n == 1, "what asks for nothing is fine");
}

static void test_copy(struct tap *t) {
        ENV(t, ARGV("-E", "A", "-E", "B=x", "-EC"), ARGV("AA=0", "A=1", "C="),
            strv_is(&s->exec.env, ARGV("A=1", "B=x", "C=")), "-E NAME takes the caller's value");
        ENV(t, ARGV("-E", "A"), ARGV("AA=0"), strv_is(&s->exec.env, ARGV("A=")), "where there is none, it is empty");
        ENV(t, ARGV("-E", "A"), NULL, strv_is(&s->exec.env, ARGV("A=")), "also without an environment");
}

int main(void) {
        struct tap t = { 0 };

        for (size_t i = 0; i < n_variables; i++)
                OK(&t, !*variables[i].option || setting_by_name(variables[i].option), "%s has its option",
                   variables[i].name);
        test_options(&t);
        test_verity(&t);
        test_refused(&t);
        test_copy(&t);
        return tap_done(&t);
}
