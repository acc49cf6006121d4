/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All signals, those too that a C library keeps for itself: which these are, each one sees otherwise. */

#include <signal.h>

/* Every disposition of this process is the default. */
void signals_default(void);

/* Every signal is in the set. */
void signals_all(sigset_t *ret);
