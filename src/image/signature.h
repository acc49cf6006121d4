/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The signature of a root hash as an image has it in a partition of its own: JSON (Discoverable Partitions
 * Specification, "Verity Signature"). Bounded and without allocation, since it runs where nothing can be allocated. */

#include <stddef.h>
#include <stdint.h>

enum { HASH_MAX = 64, SIGNATURE_MAX = 16 * 1024, SIGNATURE_TEXT_MAX = 32 * 1024 };

struct root_hash {
        unsigned size; /* 0: none */
        uint8_t bytes[HASH_MAX];
};

struct signature {
        struct root_hash hash;
        char fingerprint[65]; /* of the certificate, in lower case; "": not said */
        unsigned size;
        uint8_t bytes[SIGNATURE_MAX]; /* PKCS#7, DER */
        char why[160];                /* what is wrong with it */
};

/* n characters, of which zero bytes at the end are no part. 0, or -EINVAL with why filled. */
int signature_parse(const char *text, size_t n, struct signature *ret);

/* A root hash as text, with blanks around it. 0, -EINVAL: none of at least 16 bytes. */
int root_hash_parse(const char *text, size_t n, struct root_hash *ret);
