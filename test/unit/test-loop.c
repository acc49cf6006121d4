/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* base/loop.c: descriptors, timers, and callbacks that change the set they are called from. */

#include "base/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/clean.h"
#include "unit/tap.h"

/* What the callbacks of one case have done, as letters in order. */
struct trace {
        struct loop loop;
        char done[64];
        size_t n;
        int pipe[2], other[2];
        short revents;
        int again;
};

static void note(struct trace *tr, char c) {
        if (tr->n < sizeof tr->done - 1)
                tr->done[tr->n++] = c;
}

static void start(struct trace *tr) {
        *tr = (struct trace){ 0 };
        loop_init(&tr->loop);
        if (pipe2(tr->pipe, O_CLOEXEC) < 0 || pipe2(tr->other, O_CLOEXEC) < 0)
                _exit(99);
}

static void end(struct trace *tr) {
        for (int i = 0; i < 2; i++) {
                clean_fd(&tr->pipe[i]);
                clean_fd(&tr->other[i]);
        }
}

static uint64_t now_ms(void) {
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;
}

static int on_a(void *data, struct err *e) {
        note(data, 'a');
        return 0;
}

static int on_b(void *data, struct err *e) {
        note(data, 'b');
        return 0;
}

static int on_stop(void *data, struct err *e) {
        note(data, '.');
        return 7;
}

static int on_late(void *data, struct err *e) {
        note(data, '!');
        return 8;
}

static int on_rearm(void *data, struct err *e) {
        struct trace *tr = data;

        note(tr, 'r');
        if (++tr->again < 3)
                loop_timer(&tr->loop, 1, on_rearm, tr);
        else
                loop_timer(&tr->loop, 1, on_stop, tr);
        return 0;
}

static int on_failure(void *data, struct err *e) {
        return err_set(e, ERR_HOST, EPERM, "no");
}

static void test_timers(struct tap *t) {
        struct trace tr;
        struct err e = { 0 };
        uint64_t before;

        start(&tr);
        before = now_ms();
        OK_INT(t, loop_timer(&tr.loop, 60, on_stop, &tr), 0, "armed");
        loop_timer(&tr.loop, 40, on_b, &tr);
        loop_timer(&tr.loop, 20, on_a, &tr);
        OK_INT(t, loop_run(&tr.loop, &e), 7, "ends with what the callback says");
        OK_STR(t, tr.done, "ab.", "in the order of their times");
        OK(t, now_ms() - before >= 60, "and not before them");
        OK_INT(t, e.kind, ERR_NONE, "no error");
        end(&tr);

        start(&tr);
        loop_timer(&tr.loop, 10, on_a, &tr);
        loop_timer(&tr.loop, 30, on_stop, &tr);
        loop_timer(&tr.loop, 0, on_a, &tr);
        OK(t, loop_run(&tr.loop, &e) == 7 && strcmp(tr.done, ".") == 0, "disarmed");
        OK_INT(t, loop_timer(&tr.loop, 0, on_a, &tr), 0, "disarming what is not armed is no error");
        end(&tr);

        start(&tr);
        loop_timer(&tr.loop, 1, on_late, &tr);
        loop_timer(&tr.loop, 20, on_stop, &tr);
        loop_timer(&tr.loop, 500, on_late, &tr);
        OK(t, loop_run(&tr.loop, &e) == 7 && strcmp(tr.done, ".") == 0, "arming again moves it");
        end(&tr);

        start(&tr);
        loop_timer(&tr.loop, 1, on_rearm, &tr);
        OK(t, loop_run(&tr.loop, &e) == 7 && strcmp(tr.done, "rrr.") == 0, "a callback arms itself, then another");
        end(&tr);

        start(&tr);
        loop_timer(&tr.loop, 1, on_failure, &tr);
        OK_INT(t, loop_run(&tr.loop, &e), -EPERM, "a failure ends the loop");
        OK_INT(t, e.kind, ERR_HOST, "with its error");
        end(&tr);
}

static void test_many_timers(struct tap *t) {
        char data[LOOP_TIMERS + 1];
        struct loop l;
        bool good = true;

        loop_init(&l);
        for (int i = 0; i < LOOP_TIMERS; i++)
                good = good && loop_timer(&l, 1000, on_a, &data[i]) == 0;
        OK(t, good, "room for as many timers as promised");
        OK_INT(t, loop_timer(&l, 1000, on_a, &data[LOOP_TIMERS]), -ENOSPC, "and not for one more");
        OK_INT(t, loop_timer(&l, 2000, on_a, &data[0]), 0, "moving one needs no room");
        OK_INT(t, loop_timer(&l, 0, on_a, &data[1]), 0, "disarming one");
        OK_INT(t, loop_timer(&l, 1000, on_b, &data[1]), 0, "makes room");
}

static int on_read(void *data, short revents, struct err *e) {
        struct trace *tr = data;
        char c;

        tr->revents = revents;
        if (revents & POLLIN && read(tr->pipe[0], &c, 1) == 1)
                note(tr, c);
        return revents & POLLHUP && !(revents & POLLIN) ? 3 : 0;
}

static void test_io(struct tap *t) {
        struct trace tr;
        struct err e = { 0 };

        start(&tr);
        OK_INT(t, loop_watch(&tr.loop, tr.pipe[0], POLLIN, on_read, &tr), 0, "watched");
        OK(t, write(tr.pipe[1], "xyz", 3) == 3, "three bytes are there");
        close(TAKE_FD(tr.pipe[1]));
        OK_INT(t, loop_run(&tr.loop, &e), 3, "until the other end goes");
        OK_STR(t, tr.done, "xyz", "all of it was read first");
        end(&tr);

        start(&tr);
        loop_watch(&tr.loop, tr.pipe[0], 0, on_read, &tr);
        loop_timer(&tr.loop, 20, on_stop, &tr);
        close(TAKE_FD(tr.pipe[1]));
        OK(t, loop_run(&tr.loop, &e) == 7 && strcmp(tr.done, ".") == 0, "no events: not even the end is reported");
        loop_events(&tr.loop, tr.pipe[0], POLLIN);
        OK_INT(t, loop_run(&tr.loop, &e), 3, "until they are asked for again");
        loop_events(&tr.loop, 1000, POLLIN);
        loop_forget(&tr.loop, 1000);
        loop_events(&tr.loop, -1, POLLIN);
        loop_forget(&tr.loop, -1);
        OK_INT(t, loop_watch(&tr.loop, -1, POLLIN, on_read, &tr), -EBADF, "-1 is no descriptor");
        loop_forget(&tr.loop, tr.pipe[0]);
        loop_timer(&tr.loop, 10, on_stop, &tr);
        OK_INT(t, loop_run(&tr.loop, &e), 7, "forgotten");
        end(&tr);
}

static void test_many(struct tap *t) {
        struct loop l;
        bool good = true;

        loop_init(&l);
        for (int i = 0; i < LOOP_SOURCES; i++)
                good = good && loop_watch(&l, 100 + i, POLLIN, on_read, NULL) == 0;
        OK(t, good, "room for as many descriptors as promised");
        OK_INT(t, loop_watch(&l, 99, POLLIN, on_read, NULL), -ENOSPC, "and not for one more");
        OK_INT(t, loop_watch(&l, 100, POLLOUT, on_read, NULL), 0, "watching one again needs no room");
        OK(t, l.sources[0].fd == 100 && l.sources[0].events == POLLOUT, "and replaces what was asked for");
        loop_forget(&l, 107);
        OK_INT(t, loop_watch(&l, 99, POLLIN, on_read, NULL), 0, "forgetting one makes room");
}

static int on_other(void *data, short revents, struct err *e) {
        note(data, 'o');
        return 4;
}

/* Whichever comes first forgets the other: it must not be called any more, although it was ready too. */
static int on_first(void *data, short revents, struct err *e) {
        struct trace *tr = data;

        note(tr, '1');
        loop_forget(&tr->loop, tr->other[0]);
        loop_forget(&tr->loop, tr->pipe[0]);
        return 0;
}

static int on_closed(void *data, short revents, struct err *e) {
        struct trace *tr = data;

        note(tr, 'c');
        loop_forget(&tr->loop, tr->pipe[0]);
        loop_watch(&tr->loop, tr->other[0], POLLIN, on_other, tr);
        return 0;
}

static void test_changes(struct tap *t) {
        struct trace tr;
        struct err e = { 0 };

        start(&tr);
        loop_watch(&tr.loop, tr.pipe[0], POLLIN, on_first, &tr);
        loop_watch(&tr.loop, tr.other[0], POLLIN, on_other, &tr);
        loop_timer(&tr.loop, 30, on_stop, &tr);
        OK(t, write(tr.pipe[1], "x", 1) == 1 && write(tr.other[1], "x", 1) == 1, "both are ready");
        OK(t, loop_run(&tr.loop, &e) == 7 && strcmp(tr.done, "1.") == 0, "what was forgotten is not called: %s",
           tr.done);
        end(&tr);

        start(&tr);
        loop_watch(&tr.loop, tr.pipe[0], POLLIN, on_closed, &tr);
        OK(t, write(tr.pipe[1], "x", 1) == 1 && write(tr.other[1], "x", 1) == 1, "both are ready");
        OK(t, loop_run(&tr.loop, &e) == 4 && strcmp(tr.done, "co") == 0, "a new one in the same place: %s", tr.done);
        end(&tr);
}

static void nothing(int sig) {
}

/* A signal in between does no harm, and timers keep their time. */
static void test_signal(struct tap *t) {
        struct sigaction sa = { .sa_handler = nothing };
        struct timespec tick = { 0, 3 * 1000 * 1000 };
        timer_t timer;
        struct trace tr;
        struct err e = { 0 };
        uint64_t before;

        start(&tr);
        sigaction(SIGALRM, &sa, NULL);
        if (timer_create(CLOCK_MONOTONIC, NULL, &timer) < 0)
                return;
        timer_settime(timer, 0, &(struct itimerspec){ tick, tick }, NULL);
        before = now_ms();
        loop_timer(&tr.loop, 50, on_stop, &tr);
        OK_INT(t, loop_run(&tr.loop, &e), 7, "interrupted again and again");
        OK(t, now_ms() - before >= 50, "not too early");
        timer_delete(timer);
        signal(SIGALRM, SIG_DFL);
        end(&tr);
}

int main(void) {
        struct tap t = { 0 };

        alarm(60);
        test_timers(&t);
        test_many_timers(&t);
        test_io(&t);
        test_many(&t);
        test_changes(&t);
        alarm(0);
        test_signal(&t);
        return tap_done(&t);
}
