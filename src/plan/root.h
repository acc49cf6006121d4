/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the root directory is made of, and how the tree is locked meanwhile. */

#include "plan/plan.h"

int plan_root(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e);
