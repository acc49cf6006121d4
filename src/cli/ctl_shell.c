/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berthctl shell: the login shell of a user of the container, in a terminal of its own. */

#include <string.h>

#include "cli/ctl_exec.h"
#include "cli/ctl_rows.h"

/* USER@NAME as machinectl(1) has it; a machine's name has no @ in it. */
static int run(struct ctl *c, struct err *e) {
        struct control_exec x = { .flags = CONTROL_TTY };
        const char *name = c->words[0], *at = strrchr(name, '@');
        int k = exec_take_options(c, &x, e);

        if (k < 0)
                return k;
        if (at && x.user)
                return err_set(e, ERR_USAGE, 0, "%s and --user=%s: one of them", name, x.user);
        if (at) {
                x.user = arena_strndup(&c->arena, name, (size_t) (at - name));
                name = at + 1;
        }
        for (size_t i = 1; i < c->n_words; i++)
                strv_add(&c->arena, &x.argv, c->words[i]);
        if (x.argv.n == 0)
                x.flags |= CONTROL_LOGIN;
        return exec_run(c, name, &x);
}

static const struct ctl_option options[] = {
        EXEC_OPTIONS,
        CTL_END,
};

const struct ctl_verb ctl_shell = {
        .name = "shell",
        .synopsis = "[USER@]NAME [COMMAND [ARGUMENT...]]",
        .words = CTL_NAME_COMMAND,
        .min = 1,
        .options = options,
        .failure = EXEC_STATUS_SELF,
        .help = "Open a shell in a container",
        .run = run,
};
