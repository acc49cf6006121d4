/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "base/str.h"
#include "image/verity.h"

/* What the kernel's crypto is asked for by name: hashes that are fit for this, and no others. */
static const char algorithms[][12] = { "sha256",   "sha512",      "sha384",     "sha3-256",
                                       "sha3-512", "blake2b-256", "blake2b-512" };

static int bad(struct verity_super *ret, const char *what) {
        snprintf(ret->why, sizeof ret->why, "%s", what);
        return -EINVAL;
}

static bool is_block_size(uint32_t n) {
        return n >= 512 && n <= 65536 && !(n & (n - 1));
}

int verity_super_parse(const uint8_t s[512], struct verity_super *ret) {
        size_t i;

        memset(ret, 0, sizeof *ret);
        if (memcmp(s, "verity\0\0", 8) != 0)
                return bad(ret, "it does not begin with a header of veritysetup");
        if (le32(s + 8) != 1 || le32(s + 12) > 1)
                return bad(ret, "its header is of an unknown version");
        ret->hash_type = le32(s + 12);
        for (i = 0; i < ELEMENTS(algorithms) && strncmp((const char *) s + 32, algorithms[i], 32) != 0; i++)
                ;
        if (i == ELEMENTS(algorithms))
                return bad(ret, "its hash algorithm is none of those that berth trusts");
        snprintf(ret->algorithm, sizeof ret->algorithm, "%s", algorithms[i]);
        ret->data_block = le32(s + 64);
        ret->hash_block = le32(s + 68);
        ret->data_blocks = le64(s + 72);
        ret->salt_size = le16(s + 80);
        if (!is_block_size(ret->data_block) || !is_block_size(ret->hash_block))
                return bad(ret, "the size of its blocks is impossible");
        if (ret->data_blocks == 0 || ret->data_blocks > (UINT64_MAX >> 1) / ret->data_block)
                return bad(ret, "the number of its blocks is impossible");
        if (ret->salt_size > sizeof ret->salt)
                return bad(ret, "its salt is too long");
        memcpy(ret->salt, s + 88, ret->salt_size);
        return 0;
}
