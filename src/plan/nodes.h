/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The part of the plan that device nodes are: which ones, and who keeps the others closed. */

#include "plan/plan.h"

/* Before the unit: its properties name them. */
int plan_nodes(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e);
/* Once the cgroup is known: can rights be held to what was said? */
int plan_check_nodes(const struct plan *p, struct err *e);

/* "rw" and the like. */
const char *plan_device_rights(unsigned rights, char buf[4]);

/* In a new /dev: directories, links by number, and the nodes themselves where they are made. */
bool plan_has_seed(const struct seed_list *seeds, const char *path);
/* The directories above name, as far as they are not among the seeds. */
void plan_seed_directories(const char *name, struct arena *a, struct seed_list *seeds);
void plan_seed_nodes(const struct plan *p, bool nodes, struct arena *a, struct seed_list *seeds);
/* Where they are not: the host's own nodes are bound. */
void plan_bind_nodes(struct arena *a, struct plan *p);
