/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/ctl_target.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/clean.h"
#include "base/loop.h"
#include "base/parse.h"
#include "sys/process.h"
#include "sys/proctable.h"

void target_init(struct target *t) {
        *t = (struct target){ .cgroup = -1 };
        container_open_init(&t->fds);
}

void target_close(struct target *t) {
        container_close(&t->fds);
        clean_fd(&t->cgroup);
        t->cgroup = -1;
}

static bool has_pid(const struct pid_list *l, pid_t pid) {
        for (size_t i = 0; i < l->n; i++)
                if (l->items[i] == pid)
                        return true;
        return false;
}

/* The record's word is not enough: what is frozen must be the container and nothing else. */
static int open_cgroup(struct ctl *c, const struct container *m) {
        CLEAN_FD int fd = m->is.cgroup ? cgroupstat_open(m->is.cgroup) : -1;
        struct pid_list pids = { 0 };

        if (fd < 0 || cgroupstat_all_pids(fd, &c->arena, &pids) < 0)
                return -1;
        return has_pid(&pids, m->is.leader) && !has_pid(&pids, m->is.supervisor) ? TAKE_FD(fd) : -1;
}

int target_open(struct ctl *c, const char *name, struct target *ret, struct err *e) {
        int k = container_find(name, &c->arena, &ret->is, e);

        k = k < 0 ? k : container_open(c->proc, &ret->is, &ret->fds, e);
        if (k < 0)
                return k;
        ret->cgroup = open_cgroup(c, &ret->is);
        return 0;
}

int target_for_each(struct ctl *c, int (*fn)(struct ctl *c, struct target *t, struct err *e)) {
        int status = 0;

        for (size_t i = 0; i < c->n_words; i++) {
                CLEAN(target_close) struct target t;
                struct err e = { .kind = ERR_NONE };
                int k;

                target_init(&t);
                k = target_open(c, c->words[i], &t, &e);
                k = k < 0 ? k : fn(c, &t, &e);
                if (k < 0) {
                        ctl_print_error(&e);
                        status = 1;
                }
        }
        return status;
}

int target_signal(const struct target *t, int pidfd, int sig, struct err *e) {
        int k = process_signal(pidfd, sig);
        char buf[16];

        if (k >= 0 || k == -ESRCH)
                return 0;
        return err_set(e, ERR_HOST, -k, "cannot send %s to %s", parse_signal_name(sig, buf), t->is.name);
}

int64_t ctl_now_ms(void) {
        return (int64_t) loop_now_ms();
}

/* A supervisor ends last: what it took from the host is dropped by then. */
size_t target_wait(const struct target *t, size_t n, int64_t timeout_ms) {
        int64_t end = ctl_now_ms() + timeout_ms;
        size_t left = 0;

        for (size_t i = 0; i < n; i++) {
                struct pollfd p = { .fd = t[i].fds.supervisor, .events = POLLIN };
                int k;

                if (p.fd < 0)
                        continue;
                do {
                        int64_t now_left = timeout_ms < 0 ? -1 : end - ctl_now_ms();

                        k = poll(&p, 1, timeout_ms < 0 ? -1 : now_left > 0 ? (int) now_left : 0);
                } while (k < 0 && errno == EINTR);
                left += k <= 0;
        }
        return left;
}

int target_need_cgroup(const struct target *t, const char *what, struct err *e) {
        if (t->cgroup >= 0)
                return 0;
        err_set(e, ERR_HOST, 0, "%s has no cgroup of its own: %s", t->is.name, what);
        return err_hint(e, "start it where a cgroup2 is mounted and can be written to: berthctl check shows");
}

int target_pids(struct ctl *c, const struct target *t, struct pid_list *ret, struct err *e) {
        struct proc_table table = { 0 };
        int k = proctable_read(c->proc, &c->arena, &table);

        if (k < 0)
                return err_set(e, ERR_HOST, -k, "cannot read /proc");
        (void) proctable_mark(&table, t->is.is.leader);
        for (size_t i = 0; i < table.n; i++)
                if (table.items[i].member)
                        *arena_push(&c->arena, ret) = table.items[i].pid;
        return 0;
}

int ctl_parse_seconds(const char *option, const char *text, int64_t *ret_ms, struct err *e) {
        size_t whole = strcspn(text, "."), n = strlen(text);
        char digits[32];
        uint64_t value;

        /* "1.5": the digits of the fraction as milliseconds, filled up with zeros. */
        if (whole > 0 && whole < 12 && n - whole <= 4 && n - whole != 1) {
                snprintf(digits, sizeof digits, "%.*s%s", (int) whole, text, text[whole] ? text + whole + 1 : "");
                for (size_t i = text[whole] ? n - whole - 1 : 0; i < 3; i++)
                        strcat(digits, "0");
                if (parse_u64(digits, 0, INT32_MAX, &value) == 0) {
                        *ret_ms = (int64_t) value;
                        return 0;
                }
        }
        err_set(e, ERR_USAGE, 0, "%s=%s is no number of seconds", option, text);
        return err_hint(e, "like 10 or 0.5, at most 2147483");
}
