/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For the few system call programs that are written by hand: seccomp(2). */

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>

#if defined(__x86_64__)
#define SECCOMP_ARCH AUDIT_ARCH_X86_64
#elif defined(__i386__)
#define SECCOMP_ARCH AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define SECCOMP_ARCH AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define SECCOMP_ARCH AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define SECCOMP_ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define SECCOMP_ARCH AUDIT_ARCH_PPC64LE
#elif defined(__powerpc64__)
#define SECCOMP_ARCH AUDIT_ARCH_PPC64
#elif defined(__s390x__)
#define SECCOMP_ARCH AUDIT_ARCH_S390X
#elif defined(__loongarch64)
#define SECCOMP_ARCH AUDIT_ARCH_LOONGARCH64
#else
#error "the audit number of this architecture (linux/audit.h) is missing here"
#endif

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define SECCOMP_LOW_HALF 4
#else
#define SECCOMP_LOW_HALF 0
#endif

/* A sanitizer (of gcc, of clang) makes system calls of its own. */
#if defined(__has_feature)
#define SECCOMP_SANITIZED (__has_feature(address_sanitizer))
#elif defined(__SANITIZE_ADDRESS__)
#define SECCOMP_SANITIZED true
#else
#define SECCOMP_SANITIZED false
#endif

#define LOAD(field)        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_AT(at)        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at)
#define LOAD_ARG(n)        LOAD_AT(offsetof(struct seccomp_data, args[n]) + SECCOMP_LOW_HALF)
#define IF(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t) (value), yes, no)
#define RETURN(what)       BPF_STMT(BPF_RET | BPF_K, what)
/* How a program begins: the number of the call. One of another ABI ends the process. */
#define LOAD_NATIVE_CALL LOAD(arch), IF(SECCOMP_ARCH, 1, 0), RETURN(SECCOMP_RET_KILL_PROCESS), LOAD(nr)

/* Lists of calls that are allowed, and what programs of other libraries need under other names elsewhere.
 * <sys/syscall.h> is for who uses them. */
#define ALLOW(name) IF(SYS_##name, 0, 1), RETURN(SECCOMP_RET_ALLOW)
/* Where argument n has none of these bits; otherwise it fails. */
#define ALLOW_WITHOUT(name, n, bits)                                                                                  \
        IF(SYS_##name, 0, 4), LOAD_ARG(n), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 1, 0),                          \
                RETURN(SECCOMP_RET_ALLOW), RETURN(SECCOMP_RET_ERRNO | EACCES)
/* Where the first argument is this descriptor; for another one it goes on. */
#define ALLOW_ON(name, fd) IF(SYS_##name, 0, 4), LOAD_ARG(0), IF(fd, 0, 1), RETURN(SECCOMP_RET_ALLOW), LOAD(nr)
#ifdef SYS_open
#define ALLOW_OLD ALLOW(open), ALLOW(stat), ALLOW(lstat), ALLOW(access), ALLOW(readlink), ALLOW(poll)
#else
#define ALLOW_OLD ALLOW(openat)
#endif
#ifdef SYS_mmap2
#define ALLOW_MMAP ALLOW(mmap2)
#else
#define ALLOW_MMAP ALLOW(mmap)
#endif
#ifdef SYS_newfstatat
#define ALLOW_STAT ALLOW(newfstatat), ALLOW(fstat)
#elif !defined(SYS_fstatat64)
#define ALLOW_STAT ALLOW(statx)
#else
#define ALLOW_STAT ALLOW(fstatat64), ALLOW(fstat64), ALLOW(_llseek), ALLOW(fcntl64)
#endif
#ifdef SYS_futex_time64
#define ALLOW_TIME ALLOW(futex_time64), ALLOW(clock_gettime64)
#else
#define ALLOW_TIME ALLOW(clock_gettime)
#endif

/* What any program calls that works with memory and open files. It opens nothing and makes no process. */
#define ALLOW_ORDINARY                                                                                                \
        ALLOW_MMAP, ALLOW_STAT, ALLOW_TIME, ALLOW(read), ALLOW(readv), ALLOW(write), ALLOW(pread64), ALLOW(lseek),    \
                ALLOW(close), ALLOW(fcntl), ALLOW(faccessat), ALLOW(readlinkat), ALLOW(statx), ALLOW(getdents64),     \
                ALLOW(munmap), ALLOW(mremap), ALLOW(mprotect), ALLOW(madvise), ALLOW(brk), ALLOW(futex),              \
                ALLOW(set_robust_list), ALLOW(rseq), ALLOW(rt_sigprocmask), ALLOW(rt_sigaction), ALLOW(rt_sigreturn), \
                ALLOW(getrandom), ALLOW(getpid), ALLOW(gettid), ALLOW(getuid), ALLOW(geteuid), ALLOW(getgid),         \
                ALLOW(getegid), ALLOW(getrusage), ALLOW(uname), ALLOW(sysinfo), ALLOW(exit), ALLOW(exit_group)
