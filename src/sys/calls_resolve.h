/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Numbers for all names of calls.c, by libseccomp. For the generator and for tests: no program that is installed links
 * it. */

#include "base/arena.h"
#include "sys/calls.h"

/* machine: meson's cpu_family() and endian(), joined by a dash. -ENOENT: not supported. -EUCLEAN: libseccomp and the
 * table of newer calls contradict each other, or a native call that must exist has no number. */
int calls_resolve(const char *machine, struct arena *a, struct call_table *ret);
