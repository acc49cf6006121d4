/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The container as a unit of the host's service manager, and as a machine of systemd-machined. */

#include "plan/plan.h"

/* Seconds that are given to a payload which ends (struct plan, life). */
enum { LIFE_STOP_TIMEOUT_S = 90, LIFE_MOST_STOP_S = 30 * 60 };

/* As far as can be told before the tree is known. */
bool plan_may_have_scope(const struct spec *s, const struct facts *f);
bool plan_may_move(const struct spec *s, const struct facts *f); /* the guest, to another cgroup */

/* --detach: may the manager run the supervisor as a service? Who listens at the caller's NOTIFY_SOCKET= is to hear of
 * the supervisor, and believes but its own processes. As far as can be told before the tree is known. */
bool plan_may_serve(const struct spec *s, const struct facts *f);
const char *plan_slice(const struct spec *s);
/* Without progress an OS has so long to end, and then berth to say so. */
unsigned plan_stop_seconds(const struct spec *s);

/* Needs p->machine, p->life and p->exec.mode, which of the devices the payload gets (p->cgroup.tun, .fuse). */
int plan_unit(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e);
