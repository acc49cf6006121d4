/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Mapped devices (dm-verity, dm-crypt) that are gone with the last descriptor and mount, whoever is killed. */

#include "base/err.h"
#include "sys/dm.h"

/* What a target looks up in the kernel's keyrings while its table is loaded. */
struct mapper_key {
        const char *type, *name;
        const void *data; /* NULL: none */
        size_t size;
};

enum { MAPPER_NAME = 32 };

/* "berth-" and something that nobody else has. */
int mapper_name(char ret[MAPPER_NAME]);

/* Makes the device; the key is in no keyring any more when this returns. Returns a descriptor, or what dm_make() does,
 * or what add_key(2) does. */
int mapper_make(const struct dm_want *want, const struct mapper_key *key, char ret_path[DM_PATH]);

/* Says why a device could not be made: code is what the above returned. Returns a negative number. */
int mapper_explain(int code, const char *target, const char *path, struct err *e);
