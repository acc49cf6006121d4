/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Setters for resource limits, scheduling and the kill signal's list. */

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
