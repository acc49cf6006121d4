/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Calls that are newer than this build: the host's libseccomp may know them. Which file answers is chosen by the
 * build: a statically linked berth opens no libraries. */

#include <stdint.h>

enum { FILTER_NO_SUCH_NAME = -1 }; /* __NR_SCMP_ERROR. Other negative numbers: a call that this architecture lacks. */

int filter_lookup(uint32_t arch_token, const char *name);
