/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Encrypted partitions (LUKS1, LUKS2): the passphrase, and the mapped device that shows what is in them. */

#include "image/image.h"
#include "image/unlock.h"

/* Where passphrases come from, for all partitions of an image. Wiped when the last one is open. */
struct secrets {
        struct secret good; /* the one that fitted the last partition; size 0: none yet */
        struct secret next;
};

/* A mapped device instead of the partition's loop device; the partition's kind of file system becomes that of what is
 * inside. */
int luks_open(struct image *m, struct image_part *p, struct secrets *s, struct arena *a, struct err *e);
