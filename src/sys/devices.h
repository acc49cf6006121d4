/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which device nodes processes of a cgroup may open or make: a program of type BPF_PROG_TYPE_CGROUP_DEVICE
 * (Linux 4.15), the cgroup2 counterpart of the devices controller. Returns -errno. */

#include <stdbool.h>
#include <stddef.h>

struct device_rule {
        bool block;
        unsigned major;
        int minor;  /* -1: any */
        bool mknod; /* may be made, not only opened */
        bool read_only;
        bool no_read;
};

/* The program for these rules, sorted by type and access (sixteen kinds at most): one comparison for each. At most
 * DEVICES_INSNS instructions; returns how many, -E2BIG. */
enum { DEVICES_RULES = 96, DEVICES_INSNS = 9 + 16 * 4 + DEVICES_RULES + 4 };
struct bpf_insn;
int devices_program(const struct device_rule *rules, size_t n, struct bpf_insn *ret);

/* Everything that no rule allows is refused from now on, for as long as the cgroup exists; others may restrict it
 * further. */
int devices_restrict(int cgroup, const struct device_rule *rules, size_t n);
