/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A poll loop over a fixed, small set of descriptors and timers. It allocates nothing and sleeps without a timeout
 * while no timer is armed. */

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Room for 64 clients of three descriptors, see run/host_control.h. */
enum { LOOP_SOURCES = 16 + 3 * 64, LOOP_TIMERS = 8 };

/* Callbacks return 0 to go on, a positive number to end the loop with it, or a negative errno with e filled. */
typedef int (*loop_io_fn)(void *data, short revents, struct err *e);
typedef int (*loop_timer_fn)(void *data, struct err *e);

struct loop {
        struct {
                uint64_t at_ms; /* CLOCK_MONOTONIC; 0: not armed */
                loop_timer_fn fn;
                void *data;
        } timers[LOOP_TIMERS];
        int used; /* of the sources: the rest was never written to */
        struct {
                int fd; /* -1: free */
                short events;
                loop_io_fn fn;
                void *data;
        } sources[LOOP_SOURCES];
};

/* CLOCK_MONOTONIC. */
uint64_t loop_now_ms(void);

void loop_init(struct loop *l);

/* Watch fd. Each fd is watched once; watching it again replaces events, fn and data. With events 0 it keeps its slot,
 * but nothing is reported, not even errors and hang-up. Returns -ENOSPC when the set is full. */
int loop_watch(struct loop *l, int fd, short events, loop_io_fn fn, void *data);
void loop_events(struct loop *l, int fd, short events);
void loop_forget(struct loop *l, int fd);

/* One timer per (fn, data): arming again moves it. delay_ms 0 disarms. */
int loop_timer(struct loop *l, uint64_t delay_ms, loop_timer_fn fn, void *data);

/* Until a callback ends it. */
int loop_run(struct loop *l, struct err *e);
