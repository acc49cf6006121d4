/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The rows of the verbs, each in its file. */

#include "cli/ctl.h"

extern const struct ctl_verb ctl_exec;
extern const struct ctl_verb ctl_list;
extern const struct ctl_verb ctl_status;
extern const struct ctl_verb ctl_show;
extern const struct ctl_verb ctl_stop;
extern const struct ctl_verb ctl_kill;
extern const struct ctl_verb ctl_pause;
extern const struct ctl_verb ctl_resume;
extern const struct ctl_verb ctl_wait;
extern const struct ctl_verb ctl_stats;
extern const struct ctl_verb ctl_top;
extern const struct ctl_verb ctl_shell;
extern const struct ctl_verb ctl_attach;
extern const struct ctl_verb ctl_logs;
extern const struct ctl_verb ctl_gc;
extern const struct ctl_verb ctl_check;
extern const struct ctl_verb ctl_cp;
extern const struct ctl_verb ctl_mount;
extern const struct ctl_verb ctl_umount;
