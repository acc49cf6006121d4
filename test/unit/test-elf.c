/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* base/elf.c, with this program itself as one that can be run. */

#include "base/elf.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clean.h"
#include "unit/tap.h"

static struct elf_kind kind_of(uint8_t class, uint8_t data, uint8_t low, uint8_t high) {
        uint8_t head[ELF_HEAD] = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, class, data, [18] = low, [19] = high };
        struct elf_kind k;

        (void) elf_kind_of(head, sizeof head, &k);
        return k;
}

static void test_kinds(struct tap *t) {
        struct elf_kind k = kind_of(ELFCLASS64, ELFDATA2LSB, EM_AARCH64, 0);
        uint8_t head[ELF_HEAD] = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB };

        OK_STR(t, elf_machine_name(&k), "aarch64", "little endian");
        k = kind_of(ELFCLASS64, ELFDATA2MSB, 0, EM_S390);
        OK_STR(t, elf_machine_name(&k), "s390x", "big endian");
        k = kind_of(ELFCLASS64, ELFDATA2LSB, 0xfe, 0xfe);
        OK(t, k.class && !elf_machine_name(&k), "a machine that nobody knows has no name");
        OK(t, !elf_is_native(&k), "and is another one");
        k = kind_of(3, ELFDATA2LSB, EM_X86_64, 0);
        OK_INT(t, k.class, 0, "no such class");
        k = kind_of(ELFCLASS64, 0, EM_X86_64, 0);
        OK_INT(t, k.class, 0, "no such byte order");
        OK(t, !elf_kind_of(head, sizeof head - 1, &k), "cut off");
        OK(t, elf_kind_of(head, sizeof head, &k), "just enough");
        head[1] = 'e';
        OK(t, !elf_kind_of(head, sizeof head, &k), "another magic number");
}

static void test_own(struct tap *t) {
        CLEAN_FD int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        uint8_t file[4096];
        ssize_t n = read(fd, file, sizeof file);
        struct elf_kind k;

        OK(t, n > ELF_HEAD && elf_kind_of(file, (size_t) n, &k) && elf_is_native(&k), "this program is native");
        OK_STR(t, elf_machine_name(&k), elf_own_name(), "and of the kind that this machine is called");
        OK(t, elf_is_dynamic(file, ELF_HEAD), "what cannot be told counts as dynamic");
        memset(file + 32, 0xff, 8); /* e_phoff */
        OK(t, elf_is_dynamic(file, (size_t) n), "a list of parts that is nowhere");
}

int main(void) {
        struct tap t = { 0 };

        test_kinds(&t);
        test_own(&t);
        return tap_done(&t);
}
