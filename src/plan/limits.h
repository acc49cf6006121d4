/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The part of the plan that the limits of a cgroup are: cgroups(7), systemd.resource-control(5). */

#include "plan/plan.h"

/* p->cgroup.of must be known, and p->unit.properties have all others. ERR_HOST: a controller that is missing. */
int plan_limits(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e);
bool plan_has_limits(const struct spec *s);
