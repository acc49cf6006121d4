/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The calls that are made to fail: number, name, an errno that they can really have (the man page of each), and which
 * argument is a path, counted from 1. */

#include <stddef.h>

struct call {
        long nr;
        const char *name;
        int error;
        int path;
};

extern const struct call calls[];
extern const size_t n_calls;
