/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What machine a program is for: the first bytes of an ELF file (elf(5)). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_kind {
        uint8_t class;    /* ELFCLASS32, ELFCLASS64; 0: no ELF file */
        uint8_t data;     /* byte order: ELFDATA2LSB, ELFDATA2MSB */
        uint16_t machine; /* EM_* */
};

/* Up to e_machine, which lies at the same place in both classes. */
enum { ELF_HEAD = 20 };

/* False where the bytes are not the beginning of an ELF file. */
bool elf_kind_of(const uint8_t *head, size_t n, struct elf_kind *ret);

/* Does this machine run it by itself, as far as that can be told? */
bool elf_is_native(const struct elf_kind *k);

/* As emulators are called: "aarch64". NULL: not known. */
const char *elf_machine_name(const struct elf_kind *k);
const char *elf_own_name(void);

/* Does the program want a dynamic linker? file: all of it that is needed, n bytes; true also where that cannot be
 * told.
 */
bool elf_is_dynamic(const uint8_t *file, size_t n);
