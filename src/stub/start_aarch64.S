/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* AArch64: syscall(2), "Architecture calling conventions". The kernel keeps all registers but x0. */

        .text
        .globl _start
        .type _start, %function
_start:
        mov x29, #0
        mov x30, #0
        bl stub_main
        brk #0
        .size _start, . - _start

        .globl stub_call
        .type stub_call, %function
stub_call:
        mov x8, x0
        mov x0, x1
        mov x1, x2
        mov x2, x3
        mov x3, x4
        mov x4, x5
        mov x5, x6
        svc #0
        ret
        .size stub_call, . - stub_call

        .section .note.GNU-stack, "", %progbits
