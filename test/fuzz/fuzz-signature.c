/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What images, and files beside them, say of dm-verity: signatures, root hashes, headers of hash data. */

#include <string.h>

#include "fuzz/fuzz.h"
#include "image/signature.h"
#include "image/verity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct signature *s = malloc(sizeof *s);
        char *text = malloc(size + 1);
        struct verity_super v;
        struct root_hash h;
        uint8_t head[512] = { 0 };

        MUST(s && text);
        memcpy(text, data, size);
        if (signature_parse(text, size, s) == 0) {
                MUST(s->size > 0 && s->size <= SIGNATURE_MAX && s->hash.size >= 16 && s->hash.size <= HASH_MAX);
                MUST(strlen(s->fingerprint) == 0 || strlen(s->fingerprint) == 64);
        } else
                MUST(*s->why && strlen(s->why) < sizeof s->why);
        if (root_hash_parse(text, size, &h) == 0)
                MUST(h.size >= 16 && h.size <= HASH_MAX);
        memcpy(head, data, size < sizeof head ? size : sizeof head);
        if (verity_super_parse(head, &v) == 0)
                MUST(v.salt_size <= sizeof v.salt && v.data_block >= 512 && v.hash_block >= 512 && v.data_blocks > 0);
        else
                MUST(*v.why && strlen(v.why) < sizeof v.why);
        free(text);
        free(s);
        return 0;
}
