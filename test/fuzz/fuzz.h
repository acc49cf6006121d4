/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A fuzz target: one function that gets any bytes and must come back, whatever they are. With clang and -Dfuzzers=true
 * it is linked to libFuzzer; otherwise fuzz-run.c feeds it the files of its corpus. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((visibility("default"))) int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input. */
#define MUST(cond)                                                                                                    \
        do {                                                                                                          \
                if (!(cond)) {                                                                                        \
                        fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #cond);                     \
                        abort();                                                                                      \
                }                                                                                                     \
        } while (0)
