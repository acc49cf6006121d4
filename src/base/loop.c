/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/loop.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"

uint64_t loop_now_ms(void) {
        return clock_ns(CLOCK_MONOTONIC) / 1000000;
}

void loop_init(struct loop *l) {
        memset(l->timers, 0, sizeof l->timers);
        l->used = 0;
}

static int find(const struct loop *l, int fd) {
        for (int i = 0; i < l->used; i++)
                if (l->sources[i].fd == fd)
                        return i;
        return -1;
}

int loop_watch(struct loop *l, int fd, short events, loop_io_fn fn, void *data) {
        int i = find(l, fd);

        if (fd < 0)
                return -EBADF;
        if (i < 0)
                i = find(l, -1);
        if (i < 0 && l->used < LOOP_SOURCES)
                i = l->used++;
        if (i < 0)
                return -ENOSPC;
        l->sources[i].fd = fd;
        l->sources[i].events = events;
        l->sources[i].fn = fn;
        l->sources[i].data = data;
        return 0;
}

void loop_events(struct loop *l, int fd, short events) {
        int i = fd < 0 ? -1 : find(l, fd);

        if (i >= 0)
                l->sources[i].events = events;
}

void loop_forget(struct loop *l, int fd) {
        int i = fd < 0 ? -1 : find(l, fd);

        if (i >= 0)
                l->sources[i].fd = -1;
}

int loop_timer(struct loop *l, uint64_t delay_ms, loop_timer_fn fn, void *data) {
        int free = -1;

        for (int i = 0; i < LOOP_TIMERS; i++) {
                if (l->timers[i].at_ms && l->timers[i].fn == fn && l->timers[i].data == data) {
                        l->timers[i].at_ms = delay_ms ? loop_now_ms() + delay_ms : 0;
                        return 0;
                }
                if (!l->timers[i].at_ms)
                        free = i;
        }
        if (!delay_ms)
                return 0;
        if (free < 0)
                return -ENOSPC;
        l->timers[free].at_ms = loop_now_ms() + delay_ms;
        l->timers[free].fn = fn;
        l->timers[free].data = data;
        return 0;
}

/* Milliseconds to the next timer, -1 where there is none. */
static int next_timeout(const struct loop *l) {
        uint64_t at = 0, now;

        for (int i = 0; i < LOOP_TIMERS; i++)
                if (l->timers[i].at_ms && (!at || l->timers[i].at_ms < at))
                        at = l->timers[i].at_ms;
        if (!at)
                return -1;
        now = loop_now_ms();
        return at <= now ? 0 : at - now > INT_MAX ? INT_MAX : (int) (at - now);
}

static int run_timers(struct loop *l, struct err *e) {
        for (int i = 0; i < LOOP_TIMERS; i++) {
                int r;

                if (!l->timers[i].at_ms || l->timers[i].at_ms > loop_now_ms())
                        continue;
                l->timers[i].at_ms = 0;
                r = l->timers[i].fn(l->timers[i].data, e);
                if (r != 0)
                        return r;
        }
        return 0;
}

/* Only those in use: poll(2) refuses more than RLIMIT_NOFILE, whatever they are. */
static nfds_t collect(const struct loop *l, struct pollfd fds[LOOP_SOURCES], int which[LOOP_SOURCES]) {
        nfds_t n = 0;

        for (int i = 0; i < l->used; i++)
                if (l->sources[i].fd >= 0 && l->sources[i].events) {
                        fds[n] = (struct pollfd){ .fd = l->sources[i].fd, .events = l->sources[i].events };
                        which[n++] = i;
                }
        return n;
}

int loop_run(struct loop *l, struct err *e) {
        for (;;) {
                struct pollfd fds[LOOP_SOURCES];
                int which[LOOP_SOURCES], ready, r;
                nfds_t n = collect(l, fds, which);

                ready = poll(fds, n, next_timeout(l));
                if (ready < 0 && errno != EINTR)
                        return err_set(e, ERR_SYSTEM, errno, "cannot wait for events");
                for (nfds_t i = 0; ready > 0 && i < n; i++) {
                        int k = which[i];

                        if (!fds[i].revents || l->sources[k].fd != fds[i].fd)
                                continue;
                        r = l->sources[k].fn(l->sources[k].data, fds[i].revents, e);
                        if (r != 0)
                                return r;
                }
                r = run_timers(l, e);
                if (r != 0)
                        return r;
        }
}
