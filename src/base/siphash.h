/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012). Used where a number is made from a
 * name the way systemd makes it, so that both come to the same one, and where a number is to stand for a text. */

#include <stddef.h>
#include <stdint.h>

uint64_t siphash24(const void *data, size_t n, const uint8_t key[16]);
