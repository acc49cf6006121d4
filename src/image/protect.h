/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What an image policy makes of dm-verity and LUKS: how each partition is opened, and its opening. */

#include "image/image.h"

/* How the partition is opened, as far as the policy lets it: fills i->protection. ERR_IMAGE: it may not be as it is.
 */
int protect_choose(const struct image *m, struct image_part *i, struct err *e);

/* Was something said of protection that no partition makes use of? */
int protect_check(const struct image *m, struct err *e);

/* Opens all that need it. */
int protect_open(struct image *m, struct arena *a, struct err *e);

/* "dm-verity", "dm-verity, signed", "LUKS", NULL: how a partition is protected. */
const char *protection_name(const struct image *m, const struct image_part *i);
