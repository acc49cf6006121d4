/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the root directory is made of, and how the tree is locked meanwhile. */

#include "plan/plan.h"

/* With --private-users-ownership=off all files of a tree may be nobody's. */
bool plan_owns_tree(const struct facts *f, const struct plan *p);

/* Why nothing can be written to an overlay; NULL: it can. */
const char *plan_no_overlay(const struct facts *f);

/* Ids that are lent for one run stay in no directory that outlives it: the kernel refuses an overlay that would write
 * them there (systemd-nsresourced(8)). The caller blames an option. */
int plan_check_upper(const struct plan *p, const struct layer *upper, const char *option, struct err *e);

/* A throw-away copy is another machine than the tree, where root inside can write that into it. */
bool plan_has_own_id(const struct spec *s, const struct facts *f, const struct plan *p);

/* Where an image has only /usr, the root is a new tmpfs. */
bool plan_image_has_root(const struct facts *f);

/* What becomes the root, for people. */
/* The layers of a mount stack as one; NULL: there are none. */
const struct overlay *plan_stack_layers(const struct spec *s, const struct facts *f, struct arena *a,
                                        const struct plan *p);

const char *plan_tree_name(const struct facts *f, struct arena *a);

/* The machine id: of the tree, or as it was said, or made up. */
void plan_machine_id(const struct spec *s, const struct facts *f, bool of_tree, uint8_t ret[16]);

/* The machine id that the container will have, now and the next time, where that is known beforehand. */
bool plan_journal_id(const struct spec *s, const struct facts *f, uint8_t ret[16]);

int plan_root(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e);
