/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Variables of the caller that stand for an option. Each has a documented option; none does anything that the command
 * line cannot. */

#include "conf/setting.h"

#include <string.h>

#include "base/clean.h"
#include "base/parse.h"
#include "base/str.h"

const struct variable variables[] = {
        { "SYSTEMD_DISSECT_FILE_SYSTEMS", "image-file-systems" },
        { "SYSTEMD_LOOP_DIRECT_IO", "image-direct-io" },
        { "SYSTEMD_NSPAWN_API_VFS_WRITABLE", "api-vfs" },
        { "SYSTEMD_NSPAWN_CHECK_OS_RELEASE", "os-release-check" },
        { "SYSTEMD_NSPAWN_CONTAINER_SERVICE", "container-service" },
        { "SYSTEMD_NSPAWN_LOCK", "lock" },
        { "SYSTEMD_NSPAWN_TMPFS_TMP", "tmp-tmpfs" },
        { "SYSTEMD_SECCOMP", "seccomp" },
        { "SYSTEMD_SUPPRESS_SYNC", "suppress-sync" },
        /* Not supported: refused where they ask for something. */
        { "SYSTEMD_NSPAWN_SHARE_NS_IPC", NULL, false },
        { "SYSTEMD_NSPAWN_SHARE_NS_PID", NULL, false },
        { "SYSTEMD_NSPAWN_SHARE_NS_UTS", NULL, false },
        { "SYSTEMD_NSPAWN_SHARE_SYSTEM", NULL, false },
        { "SYSTEMD_NSPAWN_USE_CGNS", NULL, true },
};
const size_t n_variables = ELEMENTS(variables);

static int refuse_unsupported(const struct variable *v, const char *value, struct err *e) {
        bool on;

        if (parse_bool(value, &on) == 0 && on == v->harmless)
                return 0;
        err_set(e, ERR_USAGE, 0, "$%s=%.60s is not supported by this build", v->name, value);
        return err_hint(e, "unset it, or set it to %s", v->harmless ? "1" : "0");
}

int conf_environment(struct conf *c, struct err *e) {
        for (size_t i = 0; i < n_variables; i++) {
                const struct variable *v = &variables[i];
                const char *value = str_env(c->environ, v->name);
                struct statement st = {
                        .value = value,
                        .as = v->name,
                        .origin = ORIGIN_ENVIRONMENT,
                        .trusted = true,
                };
                int r;

                if (!value || !*value)
                        continue;
                if (v->option) {
                        st.row = setting_by_name(v->option);
                        r = conf_say(c, &st, e);
                } else
                        r = refuse_unsupported(v, value, e);
                if (r < 0)
                        return r;
        }
        return conf_fill(c, e);
}
