/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/elf.h"

#include <elf.h>
#include <link.h>
#include <string.h>

#include "base/clean.h"

/* The header of this program itself: a symbol of the linker's. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

static const struct {
        struct elf_kind kind;
        char name[12];
} names[] = {
        { { ELFCLASS64, ELFDATA2LSB, EM_AARCH64 }, "aarch64" },
        { { ELFCLASS64, ELFDATA2MSB, EM_AARCH64 }, "aarch64_be" },
        { { ELFCLASS32, ELFDATA2LSB, EM_ARM }, "arm" },
        { { ELFCLASS32, ELFDATA2MSB, EM_ARM }, "armeb" },
        { { ELFCLASS32, ELFDATA2LSB, EM_386 }, "i386" },
        { { ELFCLASS64, ELFDATA2LSB, EM_LOONGARCH }, "loongarch64" },
        { { ELFCLASS32, ELFDATA2MSB, EM_68K }, "m68k" },
        { { ELFCLASS32, ELFDATA2MSB, EM_MIPS }, "mips" },
        { { ELFCLASS32, ELFDATA2LSB, EM_MIPS }, "mipsel" },
        { { ELFCLASS64, ELFDATA2MSB, EM_MIPS }, "mips64" },
        { { ELFCLASS64, ELFDATA2LSB, EM_MIPS }, "mips64el" },
        { { ELFCLASS32, ELFDATA2MSB, EM_PPC }, "ppc" },
        { { ELFCLASS64, ELFDATA2MSB, EM_PPC64 }, "ppc64" },
        { { ELFCLASS64, ELFDATA2LSB, EM_PPC64 }, "ppc64le" },
        { { ELFCLASS32, ELFDATA2LSB, EM_RISCV }, "riscv32" },
        { { ELFCLASS64, ELFDATA2LSB, EM_RISCV }, "riscv64" },
        { { ELFCLASS64, ELFDATA2MSB, EM_S390 }, "s390x" },
        { { ELFCLASS64, ELFDATA2LSB, EM_X86_64 }, "x86_64" },
};

bool elf_kind_of(const uint8_t *head, size_t n, struct elf_kind *ret) {
        const uint8_t *machine = head + EI_NIDENT + 2;

        *ret = (struct elf_kind){ 0 };
        if (n < ELF_HEAD || memcmp(head, ELFMAG, SELFMAG) != 0)
                return false;
        if (head[EI_CLASS] != ELFCLASS32 && head[EI_CLASS] != ELFCLASS64)
                return false;
        if (head[EI_DATA] != ELFDATA2LSB && head[EI_DATA] != ELFDATA2MSB)
                return false;
        ret->class = head[EI_CLASS];
        ret->data = head[EI_DATA];
        ret->machine = (uint16_t) (head[EI_DATA] == ELFDATA2LSB ? machine[0] | machine[1] << 8
                                                                : machine[0] << 8 | machine[1]);
        return true;
}

static struct elf_kind own(void) {
        return (struct elf_kind){ __ehdr_start.e_ident[EI_CLASS], __ehdr_start.e_ident[EI_DATA],
                                  __ehdr_start.e_machine };
}

/* The kernel may lack what the processor has; then the exec says so. */
bool elf_is_native(const struct elf_kind *k) {
        struct elf_kind here = own();

        if (k->data != here.data)
                return false;
        return k->machine == here.machine || (here.machine == EM_X86_64 && k->machine == EM_386) ||
               (here.machine == EM_AARCH64 && k->machine == EM_ARM) ||
               (here.machine == EM_PPC64 && k->machine == EM_PPC);
}

const char *elf_machine_name(const struct elf_kind *k) {
        for (size_t i = 0; i < ELEMENTS(names); i++)
                if (names[i].kind.class == k->class && names[i].kind.data == k->data &&
                    names[i].kind.machine == k->machine)
                        return names[i].name;
        return NULL;
}

const char *elf_own_name(void) {
        struct elf_kind here = own();
        const char *name = elf_machine_name(&here);

        return name ? name : "of another kind";
}

bool elf_is_dynamic(const uint8_t *file, size_t n) {
        ElfW(Ehdr) head;

        if (n < sizeof head)
                return true;
        memcpy(&head, file, sizeof head);
        for (size_t i = 0; i < head.e_phnum; i++) {
                size_t at = head.e_phoff + i * sizeof(ElfW(Phdr));
                ElfW(Phdr) part;

                if (head.e_phoff > n || at > n - sizeof part)
                        return true;
                memcpy(&part, file + at, sizeof part);
                if (part.p_type == PT_INTERP)
                        return true;
        }
        return false;
}
