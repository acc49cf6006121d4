/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* musl knows this machine from 1.2.4 on. */

#include_next <elf.h>

#ifndef EM_LOONGARCH
#define EM_LOONGARCH 258
#endif
