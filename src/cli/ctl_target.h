/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A container that a verb acts on: found by its exact name, checked, opened. */

#include "cli/ctl.h"
#include "sys/cgroupstat.h"

struct target {
        struct container is;
        struct container_open fds;
        int cgroup; /* its own cgroup, which its leader is in and its supervisor is not; -1: none */
};

void target_init(struct target *t);
void target_close(struct target *t); /* twice is fine */
int target_open(struct ctl *c, const char *name, struct target *ret, struct err *e);

/* For each word of the command line: fn, which returns 0 or -errno with e filled. What fails is said, and the others
 * go on. Returns the exit status. */
int target_for_each(struct ctl *c, int (*fn)(struct ctl *c, struct target *t, struct err *e));

/* Signal the process behind a pidfd. One that has ended is no error. */
int target_signal(const struct target *t, int pidfd, int sig, struct err *e);

/* Until the processes end or timeout_ms is over (-1: none). Returns how many are left. */
size_t target_wait(const struct target *t, size_t n, int64_t timeout_ms);

/* ERR_HOST where it has no cgroup of its own. what: "it cannot be paused". */
int target_need_cgroup(const struct target *t, const char *what, struct err *e);

/* Every process in it. */
int target_pids(struct ctl *c, const struct target *t, struct pid_list *ret, struct err *e);

/* SECONDS with a fraction or without ("90", "0.5") as milliseconds. */
int ctl_parse_seconds(const char *option, const char *text, int64_t *ret_ms, struct err *e);

int64_t ctl_now_ms(void); /* CLOCK_MONOTONIC */
