/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The console at work: a user's terminal in front, process P in the middle, a payload behind a terminal of its own. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "run/console.h"

enum { PATIENCE_MS = 10000, BIG = 10 * 1024 * 1024 };

/* Payloads. */
void pl_hello(void);
void pl_wait(void);
void pl_bytes(void);
void pl_big(void);
void pl_big_read(void);
void pl_cat(void);
void pl_slow_cat(void);
void pl_late(void);
void pl_shell(void);
void pl_modes(void);
void pl_tidy(void);
void pl_colours(void);
void pl_size(void);
void pl_reopen(void);
void pl_vhangup(void);
void pl_lines(void);
void pl_lines_until_term(void);

struct setup {
        enum console_mode mode;
        const char *background;
        void (*payload)(void);
        int in, out;  /* -1: the outer terminal */
        bool hold;    /* hot keys are held back */
        bool give_up; /* draining may be given up by a byte in this process's pipe */
        bool twice;   /* a second payload follows on the same console, as at a reboot */
};

struct result {
        int keys[8], n_keys, out_error, end, flags_in, flags_out;
        long switches, cpu_ms;
        bool raw;
};

struct rig {
        int master, slave; /* the outer terminal; slave is kept to look at its settings */
        pid_t p;
        pid_t *payload; /* shared memory */
        struct result *result;
        int wake; /* end of a pipe that makes P do what the byte says */
};

void rig_start(struct rig *r, const struct setup *s);
/* r: resize; s: look at settings, flags and wake-ups; e: end */
void rig_wake(struct rig *r, char c);
/* P's end: its exit status, -signal, or -99 where it does not come. */
bool rig_has_ended(const struct rig *r);
int rig_end(struct rig *r);
void rig_close(struct rig *r);

/* Read until text comes, or with NULL until no more comes. Returns what came. */
const char *read_until(int fd, const char *text);

int64_t now_ms(void);
void nap(int ms);
void write_all(int fd, const void *p, size_t n);
/* Bytes that repeat late and have no simple structure. */
unsigned char pattern(size_t i);
