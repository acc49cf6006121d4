/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The vectors of the reference implementation: key 00 01 ... 0f, input 00 01 ... (n - 1). The one for 15 bytes is the
 * example of the paper's appendix A. */

#include "base/siphash.h"

#include "base/clean.h"
#include "unit/tap.h"

int main(void) {
        static const struct {
                size_t n;
                uint64_t want;
        } cases[] = {
                { 0, UINT64_C(0x726fdb47dd0e0e31) },  { 1, UINT64_C(0x74f839c593dc67fd) },
                { 2, UINT64_C(0x0d6c8009d9a94f5a) },  { 3, UINT64_C(0x85676696d7fb7e2d) },
                { 4, UINT64_C(0xcf2794e0277187b7) },  { 5, UINT64_C(0x18765564cd99a68d) },
                { 6, UINT64_C(0xcbc9466e58fee3ce) },  { 7, UINT64_C(0xab0200f58b01d137) },
                { 8, UINT64_C(0x93f5f5799a932462) },  { 9, UINT64_C(0x9e0082df0ba9e4b0) },
                { 15, UINT64_C(0xa129ca6149be45e5) }, { 16, UINT64_C(0x3f2acc7f57c29bdb) },
                { 63, UINT64_C(0x958a324ceb064572) },
        };
        uint8_t key[16], data[64];
        struct tap t = { 0 };

        for (size_t i = 0; i < sizeof key; i++)
                key[i] = (uint8_t) i;
        for (size_t i = 0; i < sizeof data; i++)
                data[i] = (uint8_t) i;
        for (size_t i = 0; i < ELEMENTS(cases); i++)
                OK_INT(&t, siphash24(data, cases[i].n, key), cases[i].want, "%zu bytes", cases[i].n);
        return tap_done(&t);
}
