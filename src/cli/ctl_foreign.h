/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Machines of the host that are not berth's. */

#include "cli/ctl.h"

struct foreign {
        const char *name, *class, *service, *root; /* "": not known */
        pid_t leader;                              /* 0: not known */
};
struct foreign_list {
        struct foreign *items;
        size_t n;
};

/* Those that systemd-machined knows and own has not, sorted by name. Where it does not answer in two seconds there are
 * none, and one line says so. */
void foreign_list(struct ctl *c, const struct container_list *own, struct foreign_list *ret);
