/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The other system call tables that an x86-64 kernel serves. */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inside.h"

const struct call arch_calls[] = {
        { "iopl", SYS_iopl },
        { "ioperm", SYS_ioperm },
        { "modify_ldt", SYS_modify_ldt },
        { "arch_prctl", SYS_arch_prctl },
        { "nfsservctl", SYS_nfsservctl },
        { "create_module", SYS_create_module },
        { "vserver", SYS_vserver },
        { "afs_syscall", SYS_afs_syscall },
        { "_sysctl", SYS__sysctl },
        { "lookup_dcookie", SYS_lookup_dcookie },
        { "sysfs", SYS_sysfs },
        { "ustat", SYS_ustat },
        { "uselib", SYS_uselib },
};
const size_t n_arch_calls = sizeof arch_calls / sizeof arch_calls[0];

/* i386 NR [ARGUMENT]...: through the 32 bit entry. */
static int arch_i386(int argc, char **argv) {
        long a[5] = { -1, -1, -1, -1, -1 };
        int32_t result;

        if (argc < 1)
                return 2;
        for (int i = 1; i < argc && i <= 5; i++)
                a[i - 1] = strtol(argv[i], NULL, 0);
        __asm__ volatile("int $0x80"
                         : "=a"(result)
                         : "a"(strtol(argv[0], NULL, 0)), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4])
                         : "memory", "r8", "r9", "r10", "r11");
        errno = result < 0 ? -result : 0;
        return tell(argv[0], result < 0 ? -1 : 0);
}

/* x32 NR: its numbers have bit 30 set. */
static int arch_x32(int argc, char **argv) {
        if (argc < 1)
                return 2;
        return tell(argv[0], syscall(0x40000000L | strtol(argv[0], NULL, 0), -1L, -1L, -1L));
}

/* i386's one entry for all socket calls, which a filter of socket(2) does not see. 1 is SYS_SOCKET. */
static int arch_socketcall(int argc, char **argv) {
        static uint32_t words[3];
        int32_t result;

        if (argc < 1)
                return 2;
        words[0] = (uint32_t) strtol(argv[0], NULL, 0);
        words[1] = 3; /* SOCK_RAW */
        __asm__ volatile("int $0x80"
                         : "=a"(result)
                         : "a"(102), "b"(1), "c"((uint32_t) (uintptr_t) words)
                         : "memory", "r8", "r9", "r10", "r11");
        errno = result < 0 ? -result : 0;
        return tell("socketcall", result < 0 ? -1 : 0);
}

static const struct verb items[] = {
        { "i386", arch_i386, "NR [ARGUMENT]...: a system call by the 32 bit entry" },
        { "x32", arch_x32, "NR: a system call of the x32 ABI" },
        { "socketcall", arch_socketcall, "FAMILY: a raw socket by i386's socketcall" },
};
const struct verbs verbs_arch = { items, sizeof items / sizeof items[0] };
