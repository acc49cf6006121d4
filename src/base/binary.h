/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Bytes as text. The functions of more than one digit take the n characters as a whole, no blanks, and return how many
 * bytes they have written, or -EINVAL (not of that form), -ERANGE (more than size). */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Its value, in any case; -1: it is none. */
int binary_hex_digit(char c);

/* Pairs of hexadecimal digits, in any case. */
ssize_t binary_from_hex(const char *s, size_t n, uint8_t *ret, size_t size);

/* RFC 4648, 4, with its padding. */
ssize_t binary_from_base64(const char *s, size_t n, uint8_t *ret, size_t size);

/* 2 * n digits in lower case, and a NUL. Returns ret. */
char *binary_to_hex(const uint8_t *p, size_t n, char *ret);
