/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What runs in the guest, as whom, with which words and environment. */

#include "plan/plan.h"

void plan_exec(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p);
