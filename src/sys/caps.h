/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Capabilities: names by libcap (a table that caps_gen.c makes at build time), sets by the system calls themselves. A
 * set is a mask, bit N is capability N of linux/capability.h. All return 0 or -errno. */

#include <stdint.h>

enum { CAPS_MAX = 64, CAPS_NAME = 32 };
/* "": it has none. */
extern const char caps_names[CAPS_MAX][CAPS_NAME];

/* With or without CAP_, in any case. -EINVAL: no such name. */
int caps_from_name(const char *name, uint64_t *ret_bit);
/* "cap_chown" for 0 and so on; NULL for a number without a name. */
const char *caps_name(unsigned number);

/* All that the running kernel knows. */
uint64_t caps_all(void);

/* The bounding set of the calling thread. */
int caps_bounding(uint64_t *ret);

/* Is nothing in it but what may has? 1, 0. A system call for each that it may not have. */
int caps_bounding_within(uint64_t may);

struct caps_state {
        uint64_t effective, permitted, inheritable, ambient;
};
/* Of the calling thread. */
int caps_get(struct caps_state *ret);

int caps_set(uint64_t effective, uint64_t permitted, uint64_t inheritable);
/* Take everything out of the bounding set but keep. Needs CAP_SETPCAP where something goes. */
int caps_drop_bounding(uint64_t keep);
/* Exactly mask, which must be permitted and inheritable. */
int caps_set_ambient(uint64_t mask);
