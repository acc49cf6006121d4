/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "plan/plan.h"

/* What a plan holds and plan_print() does not show, so that a golden plan is the whole plan. The system call program
 * is shown by what it answers to some calls. */
void rest_print(const struct plan *p, FILE *out);
