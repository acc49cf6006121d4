/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* --image-policy=. Input: the string. */

#include <string.h>

#include "fuzz/fuzz.h"
#include "spec/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *text = malloc(size + 1);
        struct policy p;

        MUST(text);
        memcpy(text, data, size);
        text[size] = '\0';
        if (policy_parse(text, &p) == 0)
                for (int i = 0; i < ROLE_MAX_; i++) {
                        struct policy_part none = { .found = false }, some = { .found = true, .file_system = "ext4" };

                        MUST(p.role[i] & POLICY_OPEN);
                        MUST(policy_judge(&p, (enum part_role) i, &none) != VERDICT_USE);
                        MUST(policy_judge(&p, (enum part_role) i, &some) != VERDICT_MISSING);
                }
        free(text);
        return 0;
}
