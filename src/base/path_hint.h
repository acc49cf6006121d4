/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What helps where a path that a user has named cannot be opened: which part of it is in the way. */

#include "base/err.h"

/* Adds the hint to e, by its code: a name that is missing (ENOENT), that is no directory (ENOTDIR), that may not be
 * entered (EACCES), links in a circle (ELOOP). Of other codes nothing is said. Looks at the host's files, and so is
 * only for its paths. Returns the code. */
int err_hint_path(struct err *e, const char *path);
