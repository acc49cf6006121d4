/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Variables of the caller that stand for an option. Each has a documented option; none does anything that the command
 * line cannot. */

#include "conf/setting.h"

#include <string.h>

#include "base/clean.h"
#include "base/parse.h"
#include "base/str.h"

/* All begin so. */
#define PREFIX "SYSTEMD_"

const struct variable variables[] = {
        { "SYSTEMD_ALLOW_USERSPACE_VERITY", "image-verity-certificates" },
        { "SYSTEMD_DISSECT_FILE_SYSTEMS", "image-file-systems" },
        { "SYSTEMD_DISSECT_VERITY_EMBEDDED", "image-verity-embedded" },
        { "SYSTEMD_DISSECT_VERITY_GUESS", "image-verity-guess" },
        { "SYSTEMD_DISSECT_VERITY_SIDECAR", "image-verity-files" },
        { "SYSTEMD_DISSECT_VERITY_SIGNATURE", "image-verity-signature" },
        { "SYSTEMD_LOOP_DIRECT_IO", "image-direct-io" },
        { "SYSTEMD_NSPAWN_API_VFS_WRITABLE", "api-vfs" },
        { "SYSTEMD_NSPAWN_CHECK_OS_RELEASE", "os-release-check" },
        { "SYSTEMD_NSPAWN_CONTAINER_SERVICE", "container-service" },
        { "SYSTEMD_NSPAWN_LOCK", "lock" },
        { "SYSTEMD_NSPAWN_TMPFS_TMP", "tmp-tmpfs" },
        { "SYSTEMD_SECCOMP", "seccomp" },
        { "SYSTEMD_SUPPRESS_SYNC", "suppress-sync" },
        /* Not supported: refused where they ask for something. */
        { "SYSTEMD_DISSECT_FSTYPE_*" },
        { "SYSTEMD_LOG_SECCOMP", "", "0" },
        { "SYSTEMD_NSPAWN_NETWORK_MAC" },
        { "SYSTEMD_NSPAWN_SHARE_NS_IPC", "", "0" },
        { "SYSTEMD_NSPAWN_SHARE_NS_PID", "", "0" },
        { "SYSTEMD_NSPAWN_SHARE_NS_UTS", "", "0" },
        { "SYSTEMD_NSPAWN_SHARE_SYSTEM", "", "0" },
        { "SYSTEMD_NSPAWN_USE_CGNS", "", "1" },
        { "SYSTEMD_VERITY_SHARING", "", "0" },
};
const size_t n_variables = ELEMENTS(variables);

static int refuse_unsupported(const struct variable *v, const char *name, const char *value, struct err *e) {
        bool on;

        if (*v->harmless && parse_bool(value, &on) == 0 && on == (*v->harmless == '1'))
                return 0;
        err_set(e, ERR_USAGE, 0, "$%.60s=%.60s is not supported by this build", name, value);
        return *v->harmless ? err_hint(e, "unset it, or set it to %s", v->harmless) : err_hint(e, "unset it");
}

/* The row for a variable that is n bytes long, NULL where there is none. */
static const struct variable *find(const char *name, size_t n) {
        for (size_t i = 0; i < n_variables; i++) {
                size_t known = strcspn(variables[i].name, "*");

                if (variables[i].name[known] ? n >= known : n == known)
                        if (memcmp(name, variables[i].name, known) == 0)
                                return &variables[i];
        }
        return NULL;
}

/* One variable: an option in other words, or not supported. */
static int take(struct conf *c, const struct variable *v, const char *name, const char *value, struct err *e) {
        struct statement st = { .value = value, .as = name, .origin = ORIGIN_ENVIRONMENT, .trusted = true };

        if (!*v->option)
                return refuse_unsupported(v, name, value, e);
        st.row = setting_by_name(v->option);
        return conf_say(c, &st, e);
}

int conf_environment(struct conf *c, struct err *e) {
        int k = 0;

        for (char **i = c->environ; i && *i && k == 0; i++) {
                const char *value = str_after(*i, PREFIX) ? strchr(*i, '=') : NULL;
                size_t n = value ? (size_t) (value - *i) : 0;
                const struct variable *v = value && value[1] ? find(*i, n) : NULL;

                if (v)
                        k = take(c, v, arena_strndup(&c->draft->arena, *i, n), value + 1, e);
        }
        return k < 0 ? k : conf_fill(c, e);
}
