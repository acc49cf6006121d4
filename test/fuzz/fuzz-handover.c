/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a detached container's supervisor gets from its caller. Input: a byte for the number of descriptors, a byte for
 * where the next 32 bytes go in a message that is good, in steps of 4; the rest is the block of words. */

#include <string.h>

#include "base/clean.h"
#include "cli/handover.h"
#include "fuzz/fuzz.h"

enum { CHANGED = 32 };

static void make(struct handover *h, size_t block) {
        handover_init(h);
        h->n_argv = 2;
        h->n_env = 1;
        h->block = block;
        for (int role = GIVEN_MIN_; role <= 2; role++)
                h->roles[h->n_fds++] = role;
}

static void check_roles(const struct handover *h) {
        unsigned seen = 0;

        for (uint32_t i = 0; i < h->n_fds; i++) {
                MUST(h->roles[i] >= GIVEN_MIN_ && h->roles[i] <= HANDOVER_NUMBER);
                if (h->roles[i] < 0) {
                        MUST(!(seen & 1u << -h->roles[i]));
                        seen |= 1u << -h->roles[i];
                }
        }
        MUST(seen == (2u << -GIVEN_MIN_) - 2);
}

static void check_words(char *block, size_t size, size_t n) {
        char **words = calloc(n + 1, sizeof *words);

        if (words && handover_split(block, size, words, n)) {
                size_t sum = 0;

                for (size_t i = 0; i < n; i++)
                        sum += strlen(words[i]) + 1;
                MUST(sum == size && !words[n]);
        }
        free(words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct handover h;
        struct handover_word word;
        size_t at, n, head = 2 + CHANGED;
        char *block;

        if (handover_is_word(data, size, &word))
                MUST((unsigned) word.kind < HANDOVER_KIND_MAX_ && word.status >= 0 && word.status <= 255);
        if (size < head)
                return 0;
        n = size - head;
        make(&h, n);
        at = (size_t) data[1] * 4;
        if (data[1] != 255 && at + CHANGED <= sizeof h)
                memcpy((char *) &h + at, data + 2, CHANGED);
        if (!handover_is_sound(&h, sizeof h, data[0]))
                return 0;
        check_roles(&h);
        MUST(h.n_argv > 0 && h.block <= HANDOVER_BLOCK && h.context.n_cpus <= sizeof h.context.cpus);
        block = malloc(n + 1);
        MUST(block);
        memcpy(block, data + head, n);
        /* As for a block that is as long as it should be. */
        if (h.block == n)
                check_words(block, n, (size_t) h.n_argv + h.n_env);
        free(block);
        return 0;
}
