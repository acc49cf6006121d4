/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a container uses: by its cgroup where the controllers are there, else by sums over its processes. */

#include "cli/ctl_target.h"

/* UINT64_MAX: not known, or for limits: none. */
struct usage {
        uint64_t tasks, tasks_max;
        uint64_t memory, memory_max; /* bytes; as a sum shared pages count more than once */
        uint64_t cpu_us;
        uint64_t read, written; /* bytes, of block devices; as a sum of living processes only */
        bool summed;            /* at least one number is a sum over the processes there are */
};

int usage_collect(struct ctl *c, const struct target *t, struct usage *ret, struct err *e);
