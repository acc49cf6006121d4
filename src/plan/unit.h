/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The container as a unit of the host's service manager, and as a machine of systemd-machined. */

#include "plan/plan.h"

/* As far as can be told before the tree is known. */
bool plan_may_have_scope(const struct spec *s, const struct facts *f);

/* Needs p->machine, p->life and p->exec.mode, which of the devices the payload gets (p->cgroup.tun, .fuse). */
int plan_unit(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e);
