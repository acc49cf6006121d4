/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The rows of a container's id maps: one range, with parts of it, and beyond it, given to other ids of the host. */

#include "plan/plan.h"

/* Once range and owners of the tree are known. */
int plan_idmaps(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e);

/* What an id inside is on the host, and of how many from it on that holds; 0: the container does not have it. */
uint32_t plan_id_outside(const struct plan *p, uint32_t inside, uint32_t *ret);

/* Does the container have an id of the host? */
bool plan_has_host_id(const struct plan *p, uint32_t id);
