/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Setters for resource limits, those of the cgroup too, scheduling and the kill signal's list. */

#include "conf/setting.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"

int set_rlimit(const struct saying *s, struct err *e) {
        const char *v = s->said->value;
        size_t n = strcspn(v, "=");
        struct rlimit limit;
        int resource, r;

        if (parse_rlimit_name(v, n, &resource) < 0)
                return bad_value(s, e, "no such resource");
        if (!v[n] || !v[n + 1])
                return bad_value(s, e, "no limit");
        r = parse_rlimit(resource, v + n + 1, &limit);
        if (r < 0)
                return bad_value(s, e,
                                 r == -ERANGE ? "the limit is out of range, or soft is above hard" : "not a limit");
        s->spec->limits.rlimit[resource] = limit;
        s->spec->limits.rlimit_said |= 1u << resource;
        return SET_OK;
}

const char *nth_rlimit(unsigned i, char buf[NTH_BUF]) {
        return parse_rlimit_nth(i);
}

const char *nth_signal(unsigned i, char buf[NTH_BUF]) {
        unsigned named = 0, n;

        while (parse_signal_nth(named))
                named++;
        if (i < named)
                return parse_signal_nth(i);
        n = i - named;
        if (n > (unsigned) (SIGNAL_RTMAX - SIGNAL_RTMIN))
                return NULL;
        snprintf(buf, NTH_BUF, n ? "SIGRTMIN+%u" : "SIGRTMIN", n);
        return buf;
}

int set_oom(const struct saying *s, struct err *e) {
        int64_t v;
        int r = parse_i64(s->said->value, -1000, 1000, &v);

        if (r < 0)
                return bad_value(s, e, r == -ERANGE ? "out of range" : "not a number");
        s->spec->limits.oom_score_adjust = (int) v;
        s->spec->limits.oom_said = true;
        return SET_OK;
}

int set_cpus(const struct saying *s, struct err *e) {
        struct spec_limits *l = &s->spec->limits;
        int r = parse_cpus(s->said->value, l->cpus, sizeof l->cpus);

        if (r < 0)
                return bad_value(s, e, r == -ERANGE ? "a CPU number is out of range" : "not a list of CPUs");
        l->cpus_said = true;
        return SET_OK;
}

/* --- of the cgroup --- */

static int say_limit(const struct saying *s, bool share, uint64_t value) {
        s->spec->limits.cgroup[s->said->row->value] = (struct spec_limit){ true, share, value };
        return SET_OK;
}

static bool is_unlimited(const char *v) {
        return streq(v, "max") || streq(v, "infinity");
}

/* Digits with up to that many places behind a point, as a whole number: "1.5" with three places is 1500. *rest is
 * what follows. */
static int decimal(const char *v, unsigned places, uint64_t *ret, const char **rest) {
        uint64_t n = 0;
        bool any = false, point = false;

        for (; (*v >= '0' && *v <= '9') || (*v == '.' && !point && any); v++) {
                if (*v == '.') {
                        point = true;
                        continue;
                }
                if (point && places-- == 0)
                        return -EINVAL;
                if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t) (*v - '0'), &n))
                        return -ERANGE;
                any = true;
        }
        for (; places > 0; places--)
                if (__builtin_mul_overflow(n, 10, &n))
                        return -ERANGE;
        if (!any || v[-1] == '.')
                return -EINVAL;
        *ret = n;
        *rest = v;
        return 0;
}

/* The power of 1024 behind a number: nothing or B, K, k, KiB ... -1: none of these. */
static int scale(const char *unit) {
        static const char letters[] = "KMGTP";
        const char *at;

        if (!*unit || streq(unit, "B"))
                return 0;
        at = strchr(letters, *unit >= 'a' && *unit <= 'z' ? *unit - 'a' + 'A' : *unit);
        return at && *at && (!unit[1] || streq(unit + 1, "iB")) ? (int) (at - letters) + 1 : -1;
}

int set_memory(const struct saying *s, struct err *e) {
        const char *v = s->said->value, *unit;
        uint64_t n;
        int r, power;

        if (is_unlimited(v))
                return say_limit(s, false, UINT64_MAX);
        r = decimal(v, 2, &n, &unit);
        if (r == 0 && streq(unit, "%"))
                return n == 0 || n > 100 * 100 ? bad_value(s, e, "no share up to 100") : say_limit(s, true, n);
        power = r < 0 ? -1 : scale(unit);
        if (r != -ERANGE && power < 0)
                return bad_value(s, e, "not an amount of memory");
        /* Hundredths until here. */
        if (r < 0 || n > (UINT64_MAX >> 1) >> (10 * power))
                return bad_value(s, e, "out of range");
        n = (n << (10 * power)) / 100;
        return n == 0 ? bad_value(s, e, "nothing runs without memory") : say_limit(s, false, n);
}

int set_cpu_time(const struct saying *s, struct err *e) {
        const char *v = s->said->value, *rest;
        uint64_t n;
        int r;

        if (is_unlimited(v))
                return say_limit(s, false, UINT64_MAX);
        r = decimal(v, 3, &n, &rest);
        if (r == -EINVAL || (r == 0 && *rest))
                return bad_value(s, e, "not a number of processors");
        /* The kernel gives no less than a millisecond of each tenth of a second. */
        return r < 0 || n < 10 || n > 100000 * 1000 ? bad_value(s, e, "out of range") : say_limit(s, false, n);
}

int set_pids(const struct saying *s, struct err *e) {
        uint64_t n;
        int r;

        if (is_unlimited(s->said->value))
                return say_limit(s, false, UINT64_MAX);
        /* PID_MAX_LIMIT of the kernel. */
        r = parse_u64(s->said->value, 1, 4194304, &n);
        if (r < 0)
                return bad_value(s, e, r == -ERANGE ? "out of range" : "not a number of processes");
        return say_limit(s, false, n);
}

int set_weight(const struct saying *s, struct err *e) {
        uint64_t n;
        int r = parse_u64(s->said->value, 1, 10000, &n);

        if (r < 0)
                return bad_value(s, e, r == -ERANGE ? "out of range" : "not a weight");
        return say_limit(s, false, n);
}
