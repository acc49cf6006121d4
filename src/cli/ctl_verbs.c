/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All verbs, in the order of --help. */

#include "base/clean.h"
#include "base/str.h"
#include "cli/ctl.h"
#include "cli/ctl_rows.h"

/* clang-format off */
const struct ctl_verb *const ctl_verbs[] = {
        &ctl_list, &ctl_status, &ctl_show, &ctl_stats, &ctl_top,
        &ctl_stop, &ctl_kill, &ctl_pause, &ctl_resume, &ctl_wait,
        &ctl_exec, &ctl_shell, &ctl_attach, &ctl_logs,
        &ctl_cp, &ctl_mount, &ctl_umount,
        &ctl_gc, &ctl_check,
};
/* clang-format on */
const size_t n_ctl_verbs = ELEMENTS(ctl_verbs);

const struct ctl_verb *ctl_verb_find(const char *name) {
        for (size_t i = 0; i < n_ctl_verbs; i++)
                if (streq(ctl_verbs[i]->name, name))
                        return ctl_verbs[i];
        return NULL;
}
