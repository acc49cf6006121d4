/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What exec, shell and attach share: one program or console at the other end of a connection to a supervisor. */

#include "cli/ctl.h"
#include "run/control.h"

/* Exit statuses of ours, as env(1) and its like have them. The program's own is passed on; 128 + n for signal n. */
enum { EXEC_STATUS_SELF = 125, EXEC_STATUS_NO_EXEC = 126, EXEC_STATUS_NOT_FOUND = 127 };

/* The options of exec and shell. */
#define EXEC_OPTIONS                                                                                                  \
        { 'u', "user", "USER", NULL, "As this user, a name or a number of the container" },                           \
                { 'E', "setenv", "NAME[=VALUE]", NULL, "Set a variable, or pass it on" }, {                           \
                0, "chdir", "PATH", NULL, "In this directory of the container"                                        \
        }

/* user, env and chdir as they were said. */
int exec_take_options(struct ctl *c, struct control_exec *x, struct err *e);

/* Run it until it ends. Returns its exit status, or one of ours with the error printed. */
int exec_run(struct ctl *c, const char *machine, struct control_exec *x);
