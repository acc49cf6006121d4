/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Copies of trees that are to be removed at the end of a run: /run/berth/NAME/copy tells where one is, from before it
 * is made until it is gone. Whoever has the name's lock and finds such a file removes the copy of a run that was
 * killed. */

#include <stdbool.h>

#include "base/err.h"

/* The last part of a copy's path begins with this, as it does for other programs that leave such behind
 * (tmpfiles.d(5), purge of /var/lib/machines). */
#define LEFTOVER_PREFIX ".#berth."

int leftover_note(const char *name, const char *path, struct err *e);
void leftover_forget(const char *name);

/* For the holder of the name's lock. Returns 1 with *ret_path (size bytes) where there was one, which is removed
 * unless only to be told of; 0: none. */
int leftover_sweep(const char *name, bool only_tell, char *ret_path, unsigned size, struct err *e);
