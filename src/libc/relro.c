/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is only written to while a program is relocated (tables of pointers) becomes read-only then: glibc does that
 * for a static program, and musl leaves it to whoever wants it. */

#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

/* Nothing of the library is to be relied on yet. */
static _Noreturn void fail(void) {
        static const char text[] = "berth: cannot protect its own memory\n";

        (void) !write(STDERR_FILENO, text, sizeof text - 1);
        _exit(127);
}

__attribute__((constructor)) static void protect(void) {
        const ElfW(Phdr) *p = (const void *) getauxval(AT_PHDR);
        uintptr_t base = (uintptr_t) &__ehdr_start, page = getauxval(AT_PAGESZ);

        for (size_t i = 0; i < getauxval(AT_PHNUM); i++) {
                uintptr_t start = (base + p[i].p_vaddr) & -page, end = (base + p[i].p_vaddr + p[i].p_memsz) & -page;

                if (p[i].p_type == PT_GNU_RELRO && mprotect((void *) start, end - start, PROT_READ) < 0)
                        fail();
        }
}
