/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whose ids the container has, and how the owners in its tree become them. */

#include "plan/plan.h"

int plan_ids(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e);
