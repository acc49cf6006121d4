/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A position-independent program has to put right each pointer in its tables when it starts, hundreds of them here.
 * Listed one by one (DT_RELA, 24 bytes each) that is more to read than all the tables; packed (DT_RELR, a bit each:
 * see "Relative Relocation" in the ELF specification's generic ABI) it is nothing. glibc's start knows packed ones,
 * musl's since 1.2.4. So the program is entered here, before musl's own start, which then finds none left. */

#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>

/* elf.h of musl 1.2.3 does not have them. */
enum { RELR_SIZE = 35, RELR = 36 };

extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern ElfW(Dyn) _DYNAMIC[] __attribute__((visibility("hidden")));

/* Nothing may be used here that is itself a pointer in a table, or needs the C library. */
__attribute__((used, visibility("hidden"), no_stack_protector)) void relr_apply(void);

void relr_apply(void) {
        uintptr_t base = (uintptr_t) __ehdr_start, *at = NULL;
        const uintptr_t *packed = NULL;
        size_t n = 0;

        /* A page that is read first, and then written to, is faulted in twice. */
        __atomic_fetch_or(&_DYNAMIC->d_tag, 0, __ATOMIC_RELAXED);
        for (ElfW(Dyn) *d = _DYNAMIC; d->d_tag != DT_NULL; d++)
                if (d->d_tag == RELR)
                        packed = (const uintptr_t *) (base + d->d_un.d_ptr);
                else if (d->d_tag == RELR_SIZE) {
                        n = d->d_un.d_val / sizeof *packed;
                        d->d_un.d_val = 0;
                }
        for (size_t i = 0; packed && i < n; i++) {
                uintptr_t word = packed[i];

                /* An address, or a bit for each of the words that follow what was last put right. */
                if (!(word & 1)) {
                        at = (uintptr_t *) (base + word);
                        *at++ += base;
                        continue;
                }
                for (word >>= 1; word; word &= word - 1)
                        at[__builtin_ctzl(word)] += base;
                at += 8 * sizeof word - 1;
        }
}

#if defined(__x86_64__)
__asm__(".text\n"
        ".globl relr_start\n"
        ".type relr_start, @function\n"
        "relr_start:\n"
        "        call relr_apply\n"
        "        jmp _start\n");
#elif defined(__aarch64__)
__asm__(".text\n"
        ".globl relr_start\n"
        ".type relr_start, %function\n"
        "relr_start:\n"
        "        bl relr_apply\n"
        "        b _start\n");
#endif
