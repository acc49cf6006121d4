/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which partition of an image is what: types of the Discoverable Partitions Specification, and the choice where
 * several fit. Pure. */

#include "base/arena.h"
#include "base/err.h"
#include "image/dissect.h"
#include "spec/policy.h"

/* How near the architecture of a type is to this machine's: the nearest wins. */
enum part_fit { FIT_ANY, FIT_FOREIGN, FIT_SECONDARY, FIT_NATIVE };

enum part_role role_of_type(const char *type, enum part_fit *ret_fit, const char **ret_arch);

struct choice {
        int part[ROLE_MAX_]; /* index in the dissected parts, -1: none */
};

/* ERR_IMAGE: nothing in it can be the root. */
int choose_parts(const struct dissected *d, const char *path, struct choice *ret, struct err *e);
/* A partition that the host would have to open first, to be told; NULL: there is none. */
const char *part_unopened(const struct dissected *d, struct arena *a);
