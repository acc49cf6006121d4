/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* dm-verity for the root or the usr partition of an image: where its root hash, signature and hash data come from, and
 * the mapped device that lets nothing through which they do not vouch for. */

#include "image/image.h"
#include "image/signature.h"

/* How a root hash came to be known: from the surest source to the last. */
enum hash_source { HASH_NONE, HASH_SAID, HASH_ATTRIBUTE, HASH_FILE, HASH_SIGNATURE, HASH_GUESSED };

struct verity {
        enum part_role role; /* what it is for: ROLE_ROOT, ROLE_USR */
        enum hash_source source;
        struct root_hash hash;
        unsigned sig_size; /* 0: none */
        uint8_t sig[SIGNATURE_MAX];
        bool sig_said;
        char fingerprint[65];
        const char *data; /* hash data in a file; NULL: a partition */
        bool data_said;
        bool found;   /* there is data to go with the hash */
        bool checked; /* the signature is a good one */
};

/* The superblock of hash data (cryptsetup's docs/on-disk-format-verity, version 1). */
struct verity_super {
        char algorithm[32];
        unsigned hash_type, data_block, hash_block, salt_size;
        uint64_t data_blocks;
        uint8_t salt[256];
        char why[160]; /* what is wrong with it */
};

/* verity_super.c. Pure. 0, or -EINVAL with why filled. */
int verity_super_parse(const uint8_t s[512], struct verity_super *ret);

/* verity_hash.c. Before partitions are chosen: the hash, and what is said or lies beside the image. */
int verity_find_hash(struct image *m, struct arena *a, struct err *e);
/* Afterwards: the partitions that the hash names, and signatures of the image's own. */
int verity_choose(struct image *m, struct arena *a, struct err *e);

bool verity_is_in_file(const struct image *m); /* the hash data are */
bool verity_is_ready(const struct image *m, enum part_role role);
bool verity_is_signed(const struct image *m, enum part_role role);

/* verity.c. A mapped device instead of the partition's loop device. */
int verity_open(struct image *m, struct image_part *p, struct arena *a, struct err *e);
