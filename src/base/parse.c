/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/parse.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/binary.h"
#include "base/clean.h"
#include "base/str.h"

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int parse_bool(const char *s, bool *ret) {
        static const char words[2][6][6] = {
                { "0", "no", "n", "false", "f", "off" },
                { "1", "yes", "y", "true", "t", "on" },
        };

        for (int v = 0; v < 2; v++)
                for (size_t i = 0; i < ELEMENTS(words[v]); i++)
                        if (strcasecmp(s, words[v][i]) == 0) {
                                *ret = v;
                                return 0;
                        }
        return -EINVAL;
}

/* Digits at *s; moves *s behind them. */
static int digits(const char **s, uint64_t *ret) {
        uint64_t v = 0;
        const char *p = *s;

        if (!is_digit(*p))
                return -EINVAL;
        for (; is_digit(*p); p++)
                if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t) (*p - '0'), &v))
                        return -ERANGE;
        *s = p;
        *ret = v;
        return 0;
}

int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret) {
        uint64_t v;
        int r = strspn(s, "0123456789") == strlen(s) ? digits(&s, &v) : -EINVAL;

        if (r < 0)
                return r;
        if (v < min || v > max)
                return -ERANGE;
        *ret = v;
        return 0;
}

int parse_i64(const char *s, int64_t min, int64_t max, int64_t *ret) {
        bool minus = *s == '-';
        uint64_t v;
        int64_t i;
        int r = parse_u64(s + (minus || *s == '+'), 0, (uint64_t) INT64_MAX + minus, &v);

        if (r < 0)
                return r;
        i = minus ? (int64_t) (0 - v) : (int64_t) v;
        if (i < min || i > max)
                return -ERANGE;
        *ret = i;
        return 0;
}

/* A number and one of the named factors. units is { "name", factor }, the first entry the one without a name. */
struct unit {
        char name[4];
        uint64_t factor;
};

static int parse_scaled(const char *s, const struct unit *units, size_t n, uint64_t *ret) {
        uint64_t v;
        int r = digits(&s, &v);

        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++)
                if (streq(s, units[i].name)) {
                        if (__builtin_mul_overflow(v, units[i].factor, &v))
                                return -ERANGE;
                        *ret = v;
                        return 0;
                }
        return -EINVAL;
}

int parse_size(const char *s, uint64_t *ret) {
        static const struct unit units[] = {
                { "", 1 },           { "B", 1 },          { "K", 1ull << 10 }, { "M", 1ull << 20 },
                { "G", 1ull << 30 }, { "T", 1ull << 40 }, { "P", 1ull << 50 }, { "E", 1ull << 60 },
        };

        return parse_scaled(s, units, ELEMENTS(units), ret);
}

static const struct {
        char name[10];
        int sig;
} signals[] = {
        { "SIGHUP", SIGHUP },   { "SIGINT", SIGINT },       { "SIGQUIT", SIGQUIT }, { "SIGILL", SIGILL },
        { "SIGTRAP", SIGTRAP }, { "SIGABRT", SIGABRT },     { "SIGBUS", SIGBUS },   { "SIGFPE", SIGFPE },
        { "SIGKILL", SIGKILL }, { "SIGUSR1", SIGUSR1 },     { "SIGSEGV", SIGSEGV }, { "SIGUSR2", SIGUSR2 },
        { "SIGPIPE", SIGPIPE }, { "SIGALRM", SIGALRM },     { "SIGTERM", SIGTERM }, { "SIGSTKFLT", SIGSTKFLT },
        { "SIGCHLD", SIGCHLD }, { "SIGCONT", SIGCONT },     { "SIGSTOP", SIGSTOP }, { "SIGTSTP", SIGTSTP },
        { "SIGTTIN", SIGTTIN }, { "SIGTTOU", SIGTTOU },     { "SIGURG", SIGURG },   { "SIGXCPU", SIGXCPU },
        { "SIGXFSZ", SIGXFSZ }, { "SIGVTALRM", SIGVTALRM }, { "SIGPROF", SIGPROF }, { "SIGWINCH", SIGWINCH },
        { "SIGIO", SIGIO },     { "SIGPWR", SIGPWR },       { "SIGSYS", SIGSYS },
};

const char *parse_signal_nth(unsigned i) {
        return i < ELEMENTS(signals) ? signals[i].name : NULL;
}

const char *parse_signal_name(int sig, char buf[16]) {
        for (size_t i = 0; i < ELEMENTS(signals); i++)
                if (signals[i].sig == sig)
                        return signals[i].name;
        if (sig < SIGNAL_RTMIN || sig > SIGNAL_RTMAX)
                return NULL;
        snprintf(buf, 16, "SIGRTMIN+%d", sig - SIGNAL_RTMIN);
        return buf;
}

/* What follows RTMIN or RTMAX: nothing, or sign and digits. */
static int real_time(const char *s, char sign, int from, int *ret) {
        uint64_t n = 0;
        int r;

        if (*s && *s != sign)
                return -EINVAL;
        r = *s ? parse_u64(s + 1, 0, (uint64_t) (SIGNAL_RTMAX - SIGNAL_RTMIN), &n) : 0;
        if (r < 0)
                return r;
        *ret = sign == '+' ? from + (int) n : from - (int) n;
        return 0;
}

int parse_signal(const char *s, int *ret) {
        const char *name = strncasecmp(s, "SIG", 3) == 0 ? s + 3 : s;
        uint64_t n;
        int r;

        if (is_digit(*s)) {
                r = parse_u64(s, 1, SIGNAL_RTMAX, &n);
                if (r == 0)
                        *ret = (int) n;
                return r;
        }
        if (strncasecmp(name, "RTMIN", 5) == 0)
                return real_time(name + 5, '+', SIGNAL_RTMIN, ret);
        if (strncasecmp(name, "RTMAX", 5) == 0)
                return real_time(name + 5, '-', SIGNAL_RTMAX, ret);
        for (size_t i = 0; i < ELEMENTS(signals); i++)
                if (strcasecmp(signals[i].name + 3, name) == 0) {
                        *ret = signals[i].sig;
                        return 0;
                }
        return -EINVAL;
}

int parse_uuid(const char *s, uint8_t ret[16]) {
        bool dashes = strlen(s) == 36;
        uint8_t v[16];

        for (unsigned i = 0; i < 16; i++) {
                int high, low;

                if (dashes && (i == 4 || i == 6 || i == 8 || i == 10) && *s++ != '-')
                        return -EINVAL;
                high = binary_hex_digit(s[0]);
                low = high < 0 ? -1 : binary_hex_digit(s[1]);
                if (low < 0)
                        return -EINVAL;
                v[i] = (uint8_t) (high << 4 | low);
                s += 2;
        }
        if (*s)
                return -EINVAL;
        memcpy(ret, v, sizeof v);
        return 0;
}

bool is_hostname(const char *s) {
        size_t n = strlen(s);

        if (n == 0 || n > 64)
                return false;
        for (size_t i = 0; i < n; i++) {
                bool first = i == 0 || s[i - 1] == '.', last = i + 1 == n || s[i + 1] == '.';

                if (s[i] == '.' || s[i] == '-') {
                        if (first || last)
                                return false;
                } else if (!is_letter(s[i]) && !is_digit(s[i]))
                        return false;
        }
        return true;
}

bool is_env_name(const char *s, size_t n) {
        if (n == 0 || is_digit(*s))
                return false;
        for (size_t i = 0; i < n; i++)
                if (!is_letter(s[i]) && !is_digit(s[i]) && s[i] != '_')
                        return false;
        return true;
}

bool is_user_name(const char *s) {
        size_t n = strlen(s);

        if (n == 0 || n > 255 || *s == '-' || *s == '.' || strspn(s, "0123456789") == n)
                return false;
        for (size_t i = 0; i < n; i++)
                if (!is_letter(s[i]) && !is_digit(s[i]) && !strchr("_.-", s[i]) &&
                    !(s[i] == '$' && i > 0 && i + 1 == n))
                        return false;
        return true;
}

int parse_uid(const char *s, uid_t *ret) {
        uint64_t n;
        int r = parse_u64(s, 0, UINT32_MAX - 1, &n);

        if (r < 0)
                return r;
        if (n == UINT16_MAX)
                return -ERANGE;
        *ret = (uid_t) n;
        return 0;
}

bool is_plain_absolute(const char *s) {
        if (*s != '/' || strlen(s) >= PATH_MAX)
                return false;
        for (const char *p = s + 1; *p;) {
                size_t n = strcspn(p, "/");

                if (n == 0 || n > NAME_MAX || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
                        return false;
                p += n + (p[n] == '/');
        }
        return true;
}

bool is_ifname(const char *s) {
        size_t n = strlen(s);

        if (n == 0 || n >= IFNAMSIZ || streq(s, ".") || streq(s, "..") || strspn(s, "0123456789") == n)
                return false;
        for (; *s; s++)
                if (*s <= ' ' || *s > '~' || strchr("/:%", *s))
                        return false;
        return true;
}

enum rlimit_kind { KIND_COUNT, KIND_SIZE, KIND_SECONDS, KIND_MICROSECONDS, KIND_NICE };

static const struct {
        char name[11];
        int resource;
        enum rlimit_kind kind;
} rlimits[] = {
        { "AS", RLIMIT_AS, KIND_SIZE },
        { "CORE", RLIMIT_CORE, KIND_SIZE },
        { "CPU", RLIMIT_CPU, KIND_SECONDS },
        { "DATA", RLIMIT_DATA, KIND_SIZE },
        { "FSIZE", RLIMIT_FSIZE, KIND_SIZE },
        { "LOCKS", RLIMIT_LOCKS, KIND_COUNT },
        { "MEMLOCK", RLIMIT_MEMLOCK, KIND_SIZE },
        { "MSGQUEUE", RLIMIT_MSGQUEUE, KIND_SIZE },
        { "NICE", RLIMIT_NICE, KIND_NICE },
        { "NOFILE", RLIMIT_NOFILE, KIND_COUNT },
        { "NPROC", RLIMIT_NPROC, KIND_COUNT },
        { "RSS", RLIMIT_RSS, KIND_SIZE },
        { "RTPRIO", RLIMIT_RTPRIO, KIND_COUNT },
        { "RTTIME", RLIMIT_RTTIME, KIND_MICROSECONDS },
        { "SIGPENDING", RLIMIT_SIGPENDING, KIND_COUNT },
        { "STACK", RLIMIT_STACK, KIND_SIZE },
};

const char *parse_rlimit_nth(unsigned i) {
        return i < ELEMENTS(rlimits) ? rlimits[i].name : NULL;
}

int parse_rlimit_name(const char *s, size_t n, int *ret) {
        if (n > 7 && strncasecmp(s, "RLIMIT_", 7) == 0)
                s += 7, n -= 7;
        else if (n > 5 && strncasecmp(s, "Limit", 5) == 0)
                s += 5, n -= 5;
        for (size_t i = 0; i < ELEMENTS(rlimits); i++)
                if (strlen(rlimits[i].name) == n && strncasecmp(rlimits[i].name, s, n) == 0) {
                        *ret = rlimits[i].resource;
                        return 0;
                }
        return -EINVAL;
}

/* A nice level is written with a sign; without one it is the limit's own scale, 20 minus the level. */
static int parse_nice(const char *s, uint64_t *ret) {
        int64_t level;
        int r;

        if (*s != '-' && *s != '+')
                return parse_u64(s, 0, 40, ret);
        r = parse_i64(s, -20, 19, &level);
        if (r == 0)
                *ret = (uint64_t) (20 - level);
        return r;
}

static int parse_rlimit_value(enum rlimit_kind kind, const char *s, rlim_t *ret) {
        static const struct unit seconds[] = {
                { "", 1 }, { "s", 1 }, { "min", 60 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 }, { "w", 604800 },
        };
        static const struct unit micros[] = {
                { "", 1 }, { "us", 1 }, { "ms", 1000 }, { "s", 1000000 }, { "min", 60000000 }, { "h", 3600000000ull },
        };
        uint64_t v = 0;
        int r;

        if (streq(s, "infinity")) {
                *ret = RLIM_INFINITY;
                return 0;
        }
        r = kind == KIND_SIZE           ? parse_size(s, &v)
            : kind == KIND_SECONDS      ? parse_scaled(s, seconds, ELEMENTS(seconds), &v)
            : kind == KIND_MICROSECONDS ? parse_scaled(s, micros, ELEMENTS(micros), &v)
            : kind == KIND_NICE         ? parse_nice(s, &v)
                                        : parse_u64(s, 0, UINT64_MAX, &v);
        if (r < 0)
                return r;
        if (v >= RLIM_INFINITY)
                return -ERANGE;
        *ret = (rlim_t) v;
        return 0;
}

static enum rlimit_kind rlimit_kind(int resource) {
        for (size_t i = 0; i < ELEMENTS(rlimits); i++)
                if (rlimits[i].resource == resource)
                        return rlimits[i].kind;
        return KIND_COUNT;
}

int parse_rlimit(int resource, const char *s, struct rlimit *ret) {
        enum rlimit_kind kind = rlimit_kind(resource);
        size_t n = strcspn(s, ":");
        char soft[32];
        struct rlimit l;
        int r;

        if (n >= sizeof soft)
                return -EINVAL;
        memcpy(soft, s, n);
        soft[n] = '\0';
        r = parse_rlimit_value(kind, soft, &l.rlim_cur);
        if (r < 0)
                return r;
        l.rlim_max = l.rlim_cur;
        r = s[n] ? parse_rlimit_value(kind, s + n + 1, &l.rlim_max) : 0;
        if (r < 0)
                return r;
        if (l.rlim_cur > l.rlim_max)
                return -ERANGE;
        *ret = l;
        return 0;
}

/* "N" or "N-M" at *s. */
static int parse_cpu_range(const char **s, size_t bits, uint8_t *mask) {
        uint64_t from, to;
        int r = digits(s, &from);

        if (r < 0)
                return r;
        to = from;
        if (**s == '-') {
                ++*s;
                r = digits(s, &to);
                if (r < 0)
                        return r;
        }
        if (from > to || to >= bits)
                return -ERANGE;
        for (; from <= to; from++)
                mask[from / 8] |= (uint8_t) (1u << from % 8);
        return 0;
}

int parse_cpus(const char *s, uint8_t *mask, size_t size) {
        static const char separators[] = ", \t";
        uint8_t v[1024] = { 0 };

        if (size > sizeof v)
                return -EINVAL;
        s += strspn(s, separators);
        if (!*s)
                return -EINVAL;
        while (*s) {
                int r = parse_cpu_range(&s, size * 8, v);

                if (r < 0)
                        return r;
                if (*s && !strchr(separators, *s))
                        return -EINVAL;
                s += strspn(s, separators);
        }
        memcpy(mask, v, size);
        return 0;
}

int parse_mode(const char *s, mode_t *ret) {
        mode_t m = 0;

        if (!*s || strspn(s, "01234567") != strlen(s))
                return -EINVAL;
        for (; *s; s++) {
                m = m << 3 | (mode_t) (*s - '0');
                if (m > 07777)
                        return -ERANGE;
        }
        *ret = m;
        return 0;
}
