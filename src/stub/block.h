/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the stub is told: one block of bytes in a sealed memfd at descriptor STUB_JOB_FD. Made by stub_pack(), read by
 * the stub, which runs on the same machine and is of the same build: native byte order, no versions. Offsets count
 * from the start of the block. This header is shared with freestanding code. */

#include <stdint.h>

enum { STUB_JOB_FD = 3 };

#define STUB_MAGIC UINT32_C(0x62757473)

enum stub_flag {
        STUB_STRICT = 1,     /* signals and exit status as systemd-nspawn's stub: see init.c */
        STUB_TERMINAL = 2,   /* descriptor 0, nobody's so far, becomes the payload's controlling terminal */
        STUB_LISTEN_PID = 4, /* LISTEN_PID=(the payload's pid) is added to its environment: sd_listen_fds(3) */
};

struct stub_block {
        uint32_t magic, size, flags, stop_ms;
        int32_t exec_fd, status_fd, life_fd;
        uint32_t n_pass, n_argv, n_envp; /* n_envp: LISTEN_PID included */
        uint32_t pass;                   /* int32_t[n_pass] */
        uint32_t argv, envp;             /* uintptr_t[n + 1]: offsets of strings, 0 at the end */
        uint32_t path;                   /* the program's path inside, 0: by exec_fd */
        uint32_t listen_pid;             /* the digits behind LISTEN_PID=, with room for 10 and the end */
};

/* What the stub writes to the status descriptor when the payload does not start. It is closed when it does. */
enum stub_step {
        STUB_STEP_LIFELINE = 1,
        STUB_STEP_FORK,
        STUB_STEP_SESSION,
        STUB_STEP_TERMINAL,
        STUB_STEP_DESCRIPTORS,
        STUB_STEP_SIGNALS,
        STUB_STEP_EXEC,
};

struct stub_report {
        uint32_t magic;
        uint32_t step;
        int32_t code; /* errno */
};

/* Exit status of the stub itself. Otherwise it is the payload's, and 128 + n for signal n (strict: 255). */
enum {
        STUB_EXIT_SELF = 125,      /* the payload was not started, or the block is none */
        STUB_EXIT_EXEC = 126,      /* it cannot be executed */
        STUB_EXIT_NOT_FOUND = 127, /* it or its interpreter is not there */
        STUB_EXIT_REBOOT = 133,    /* asked to reboot, without the right to call reboot(2) */
};
