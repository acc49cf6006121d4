/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* os-release(5). Input: a line with the name of a field, then the file. */

#include <string.h>

#include "fuzz/fuzz.h"
#include "probe/host_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *text = malloc(size + 1), *rest;
        struct arena a = { 0 };
        const char *value;

        MUST(text);
        memcpy(text, data, size);
        text[size] = '\0';
        rest = strchr(text, '\n');
        if (rest) {
                *rest++ = '\0';
                value = os_release_field(rest, text, &a);
                MUST(!value || (*value && !strchr(value, '\n') && strstr(rest, value)));
        }
        arena_done(&a);
        free(text);
        return 0;
}
