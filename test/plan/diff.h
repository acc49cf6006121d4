/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/arena.h"

/* What differs between two texts, line by line: lines of from with a - in front, lines of to with a +, and before each
 * place, with a blank, the line that comes before it in both. */
char *diff_text(struct arena *a, const char *from, const char *to);
