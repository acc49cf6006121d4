/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a look into the tree says about its users and its init: part of struct facts, filled by probe/tree*.c. */

#include <stddef.h>
#include <sys/types.h>

struct tree_user {
        uid_t uid;
        gid_t gid;
        const char *name, *home, *shell; /* name NULL: a number without an entry */
        gid_t *groups;                   /* supplementary, without gid */
        size_t n_groups;
};

enum init_kind {
        INIT_NONE,
        INIT_SYSTEMD,
        INIT_BUSYBOX,
        INIT_SYSVINIT,
        INIT_OPENRC,
        INIT_RUNIT,
        INIT_S6,
        INIT_DINIT,
        INIT_FINIT,
        INIT_OTHER,
};

struct tree_init {
        enum init_kind kind;
        const char
                *path; /* as found, below the root: "/usr/lib/systemd/systemd", "/lib/systemd/systemd", "/sbin/init" */
        int sig_stop;  /* orderly power-off, 0: none known; may be one that ends in a reboot (sysvinit) */
        int sig_reboot; /* orderly reboot, 0: none known */
};
