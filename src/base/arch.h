/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The architecture that this program is for, and the one whose programs such machines run besides, in systemd's words
 * (ConditionArchitecture= of systemd.unit(5)). "": none. */

#if defined(__x86_64__)
#define ARCH_NATIVE    "x86-64"
#define ARCH_SECONDARY "x86"
#elif defined(__i386__)
#define ARCH_NATIVE    "x86"
#define ARCH_SECONDARY ""
#elif defined(__aarch64__)
#define ARCH_NATIVE    "arm64"
#define ARCH_SECONDARY "arm"
#elif defined(__arm__)
#define ARCH_NATIVE    "arm"
#define ARCH_SECONDARY ""
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH_NATIVE    "riscv64"
#define ARCH_SECONDARY "riscv32"
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define ARCH_NATIVE    "ppc64-le"
#define ARCH_SECONDARY ""
#elif defined(__powerpc64__)
#define ARCH_NATIVE    "ppc64"
#define ARCH_SECONDARY "ppc"
#elif defined(__s390x__)
#define ARCH_NATIVE    "s390x"
#define ARCH_SECONDARY "s390"
#elif defined(__loongarch64)
#define ARCH_NATIVE    "loongarch64"
#define ARCH_SECONDARY ""
#else
#define ARCH_NATIVE    ""
#define ARCH_SECONDARY ""
#endif
