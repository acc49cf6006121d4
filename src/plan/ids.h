/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whose ids the container has, and how the owners in its tree become them. */

#include "plan/plan.h"

/* Where the payload has ranges to hand on, it can ask who lends: mount points of their sockets, and these. */
void plan_seed_lenders(const struct facts *f, const struct plan *p, struct arena *a, struct seed_list *seeds);
void plan_bind_lenders(const struct facts *f, struct arena *a, struct plan *p);

int plan_ids(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e);
