/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/parse.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clean.h"
#include "base/str.h"
#include "unit/tap.h"

static void test_bool(struct tap *t) {
        static const char *const good[] = { "1", "yes", "Y", "TRUE", "t", "on", "0", "No", "n", "false", "F", "OFF" };
        static const char *const bad[] = { "", "2", "yess", " yes", "yes ", "ja", "-1", "tr" };
        bool v;

        for (size_t i = 0; i < ELEMENTS(good); i++)
                OK(t, parse_bool(good[i], &v) == 0 && v == (i < 6), "%s is a boolean", good[i]);
        for (size_t i = 0; i < ELEMENTS(bad); i++)
                OK(t, parse_bool(bad[i], &v) == -EINVAL, "\"%s\" is none", bad[i]);
}

static void test_numbers(struct tap *t) {
        static const char *const bad[] = { "", "-", "+", "1 ", " 1", "0x1", "1e3", "--1", "1-" };
        uint64_t u;
        int64_t i;

        OK(t, parse_u64("0", 0, 9, &u) == 0 && u == 0, "0");
        OK(t, parse_u64("18446744073709551615", 0, UINT64_MAX, &u) == 0 && u == UINT64_MAX, "the largest number");
        OK(t, parse_u64("18446744073709551616", 0, UINT64_MAX, &u) == -ERANGE, "one more");
        OK(t, parse_u64("10", 0, 9, &u) == -ERANGE && parse_u64("1", 2, 9, &u) == -ERANGE, "bounds");
        OK(t, parse_i64("-9223372036854775808", INT64_MIN, INT64_MAX, &i) == 0 && i == INT64_MIN,
           "the smallest number");
        OK(t, parse_i64("-9223372036854775809", INT64_MIN, INT64_MAX, &i) == -ERANGE, "one less");
        OK(t, parse_i64("9223372036854775808", INT64_MIN, INT64_MAX, &i) == -ERANGE, "one more");
        OK(t, parse_i64("+5", -9, 9, &i) == 0 && i == 5 && parse_i64("-5", -9, 9, &i) == 0 && i == -5, "signs");
        for (size_t k = 0; k < ELEMENTS(bad); k++)
                OK(t, parse_u64(bad[k], 0, 9, &u) == -EINVAL && parse_i64(bad[k], -9, 9, &i) == -EINVAL,
                   "\"%s\" is no number", bad[k]);
        OK(t, parse_u64("-1", 0, 9, &u) == -EINVAL, "no sign for the unsigned");
}

static void test_sizes(struct tap *t) {
        mode_t m;
        uint64_t v;

        OK(t, parse_size("0", &v) == 0 && v == 0, "0");
        OK(t, parse_size("5B", &v) == 0 && v == 5, "bytes");
        OK(t, parse_size("4K", &v) == 0 && v == 4096, "K");
        OK(t, parse_size("1T", &v) == 0 && v == 1ull << 40, "T");
        OK(t, parse_size("15E", &v) == 0 && v == 15ull << 60, "E");
        OK(t, parse_size("16E", &v) == -ERANGE, "too much");
        OK(t, parse_size("1.5G", &v) == -EINVAL && parse_size("1KB", &v) == -EINVAL && parse_size("K", &v) == -EINVAL,
           "no sizes");
        OK(t, parse_mode("0755", &m) == 0 && m == 0755, "a mode");
        OK(t, parse_mode("7777", &m) == 0 && parse_mode("10000", &m) == -ERANGE, "the largest mode");
        OK(t, parse_mode("8", &m) == -EINVAL && parse_mode("", &m) == -EINVAL, "no modes");
}

static void test_signals(struct tap *t) {
        static const struct {
                const char *text;
                int sig;
        } good[] = { { "TERM", SIGTERM }, { "sigterm", SIGTERM }, { "15", 15 }, { "SIGIO", SIGIO } };
        static const char *const bad[] = { "",        "SIG",    "SIGSIGTERM", "0",       "-1",       "65", "TERM ",
                                           "RTMIN-1", "RTMIN+", "RTMIN+31",   "RTMAX+1", "RTMAX-31", "15x" };
        char buf[16];
        int v;

        for (size_t i = 0; i < ELEMENTS(good); i++)
                OK(t, parse_signal(good[i].text, &v) == 0 && v == good[i].sig, "signal %s", good[i].text);
        OK(t, parse_signal("RTMIN", &v) == 0 && v == 34,
           "RTMIN is the kernel's 34, whatever the libc keeps for itself");
        OK(t, parse_signal("SIGRTMIN+30", &v) == 0 && v == 64, "SIGRTMIN+30");
        OK(t, parse_signal("RTMAX-30", &v) == 0 && v == 34, "RTMAX-30");
        for (size_t i = 0; i < ELEMENTS(bad); i++)
                OK(t, parse_signal(bad[i], &v) < 0, "\"%s\" is no signal", bad[i]);
        for (int sig = 1; sig <= 64; sig++) {
                const char *name = parse_signal_name(sig, buf);

                if (name && (parse_signal(name, &v) < 0 || v != sig))
                        OK(t, false, "signal %d is called %s", sig, name);
        }
        OK_STR(t, parse_signal_name(37, buf), "SIGRTMIN+3", "a real-time signal's name");
        OK_STR(t, parse_signal_name(33, buf), NULL, "nor has one that libcs keep for themselves");
        OK_STR(t, parse_signal_name(0, buf), NULL, "no signal has no name");
}

static void test_uuid(struct tap *t) {
        static const char *const bad[] = { "",
                                           "0",
                                           "0123456789abcdef0123456789abcde",
                                           "0123456789abcdef0123456789abcdef0",
                                           "01234567-89ab-cdef-0123-456789abcde",
                                           "01234567_89ab-cdef-0123-456789abcdef",
                                           "0123456789abcdef0123456789abcdeg",
                                           "01234567-89ab-cdef-0123456789abcdef01",
                                           "------------------------------------" };
        uint8_t v[16];

        OK(t, parse_uuid("01234567-89ab-cdef-0123-456789ABCDEF", v) == 0 && v[0] == 1 && v[15] == 0xef, "with dashes");
        OK(t, parse_uuid("0123456789abcdef0123456789abcdef", v) == 0 && v[7] == 0xef, "without");
        for (size_t i = 0; i < ELEMENTS(bad); i++)
                OK(t, parse_uuid(bad[i], v) == -EINVAL, "\"%s\" is no UUID", bad[i]);
}

static void test_names(struct tap *t) {
        static const char *const hosts[] = {
                "a", "a-b", "A.b.1", "0", "x--y", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        };
        static const char *const no_hosts[] = {
                "",     ".",        "..",  "a.",
                ".a",   "a..b",     "-a",  "a-",
                "a.-b", "a_b",      "a b", "a/b",
                "a\n",  "\xc3\xa4", "a%b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        };
        static const char *const users[] = { "root", "_x", "a.b", "a-b", "samba$", "0x", "A" };
        static const char *const no_users[] = { "", "0", "123", "-a", ".a", "a b", "a:b", "$", "a$b", "a/b", "a\n" };

        for (size_t i = 0; i < ELEMENTS(hosts); i++)
                OK(t, is_hostname(hosts[i]), "host name %s", hosts[i]);
        for (size_t i = 0; i < ELEMENTS(no_hosts); i++)
                OK(t, !is_hostname(no_hosts[i]), "no host name (%zu)", i);
        for (size_t i = 0; i < ELEMENTS(users); i++)
                OK(t, is_user_name(users[i]), "user name %s", users[i]);
        for (size_t i = 0; i < ELEMENTS(no_users); i++)
                OK(t, !is_user_name(no_users[i]), "no user name (%zu)", i);
        OK(t, is_env_name("_A1x", 3) && is_env_name("a", 1), "variable names");
        OK(t, !is_env_name("", 0) && !is_env_name("1a", 2) && !is_env_name("a-b", 3) && !is_env_name("a.b", 3),
           "none");
        OK(t, is_ifname("eth0") && is_ifname("ve-abcdefghijkl"), "interface names");
        OK(t,
           !is_ifname("") && !is_ifname("ve-abcdefghijklm") && !is_ifname("a/b") && !is_ifname("..") &&
                   !is_ifname("1") && !is_ifname("a b") && !is_ifname("a%d") && !is_ifname("\xc3\xa4"),
           "none");
}

static void test_ids_and_paths(struct tap *t) {
        char path[5000];
        uid_t uid;

        OK(t, parse_uid("0", &uid) == 0 && uid == 0, "uid 0");
        OK(t, parse_uid("4294967294", &uid) == 0 && uid == 4294967294, "the largest uid");
        OK(t, parse_uid("4294967295", &uid) < 0 && parse_uid("65535", &uid) < 0 && parse_uid("-1", &uid) < 0,
           "no uids");
        OK(t,
           is_plain_absolute("/") && is_plain_absolute("/a/b") && is_plain_absolute("/a/") &&
                   is_plain_absolute("/..a"),
           "paths");
        OK(t,
           !is_plain_absolute("") && !is_plain_absolute("a") && !is_plain_absolute("/a//b") &&
                   !is_plain_absolute("//"),
           "none");
        OK(t, !is_plain_absolute("/a/./b") && !is_plain_absolute("/..") && !is_plain_absolute("/a/.."), "nor these");
        memset(path, 'a', sizeof path);
        path[0] = '/', path[300] = '\0';
        OK(t, !is_plain_absolute(path), "a name that is too long");
        for (size_t i = 0; i < sizeof path; i += 100)
                path[i] = '/';
        path[300] = '/', path[4095] = '\0';
        OK(t, is_plain_absolute(path), "the longest path");
        path[4095] = 'a', path[4096] = '\0';
        OK(t, !is_plain_absolute(path), "one character more");
}

static bool limit(const char *name, const char *text, rlim_t soft, rlim_t hard) {
        struct rlimit l;
        int resource;

        return parse_rlimit_name(name, strlen(name), &resource) == 0 && parse_rlimit(resource, text, &l) == 0 &&
               l.rlim_cur == soft && l.rlim_max == hard;
}

static int limit_error(const char *name, const char *text) {
        struct rlimit l;
        int resource;

        return parse_rlimit_name(name, strlen(name), &resource) < 0 ? 1 : parse_rlimit(resource, text, &l);
}

static void test_limits(struct tap *t) {
        OK(t,
           limit("NOFILE", "1", 1, 1) && limit("RLIMIT_NOFILE", "1:2", 1, 2) &&
                   limit("limitnofile", "1:infinity", 1, RLIM_INFINITY),
           "counts");
        OK(t, limit("AS", "1G:2G", 1ull << 30, 2ull << 30) && limit("CORE", "0", 0, 0), "sizes");
        OK(t, limit("CPU", "90", 90, 90) && limit("CPU", "2min:1h", 120, 3600), "seconds");
        OK(t, limit("RTTIME", "5", 5, 5) && limit("RTTIME", "5ms", 5000, 5000), "microseconds");
        OK(t, limit("NICE", "0", 0, 0) && limit("NICE", "+19", 1, 1) && limit("NICE", "-20", 40, 40), "nice levels");
        OK_INT(t, limit_error("NICE", "41"), -ERANGE, "too nice");
        OK_INT(t, limit_error("NICE", "-21"), -ERANGE, "not nice enough");
        OK_INT(t, limit_error("NOFILE", "2:1"), -ERANGE, "soft above hard");
        OK_INT(t, limit_error("NOFILE", "infinity:1"), -ERANGE, "infinity above hard");
        OK_INT(t, limit_error("NOFILE", "18446744073709551615"), -ERANGE, "a number that would be infinity");
        OK_INT(t, limit_error("NOFILE", "1K"), -EINVAL, "a count has no suffix");
        OK_INT(t, limit_error("NOFILE", ":1"), -EINVAL, "no soft limit");
        OK_INT(t, limit_error("NOFILE", "1:"), -EINVAL, "no hard limit");
        OK_INT(t, limit_error("NOFILE", "1:2:3"), -EINVAL, "three limits");
        OK_INT(t, limit_error("NOFILE", "1111111111111111111111111111111111111111"), -EINVAL, "a long number");
        OK_INT(t, limit_error("FOO", "1"), 1, "no such resource");
        OK_INT(t, limit_error("RLIMIT_", "1"), 1, "nothing behind the prefix");
        for (unsigned i = 0; parse_rlimit_nth(i); i++)
                OK(t, limit(parse_rlimit_nth(i), "1", 1, 1), "resource %s", parse_rlimit_nth(i));
}

static void test_cpus(struct tap *t) {
        static const char *const bad[] = { "", ",", "a", "1-", "-1", "1--2", "0x1", "1.2", "1;2" };
        uint8_t m[2] = { 0xff, 0xff };

        OK(t, parse_cpus("0", m, 2) == 0 && m[0] == 1 && m[1] == 0, "one CPU, old bits are gone");
        OK(t, parse_cpus("0-2, 8 15", m, 2) == 0 && m[0] == 7 && m[1] == 0x81, "ranges");
        OK(t, parse_cpus("0-15", m, 2) == 0 && m[0] == 0xff && m[1] == 0xff, "all");
        OK(t,
           parse_cpus("16", m, 2) == -ERANGE && parse_cpus("0-16", m, 2) == -ERANGE &&
                   parse_cpus("2-1", m, 2) == -ERANGE,
           "out of range");
        OK(t, parse_cpus("0-18446744073709551615", m, 2) == -ERANGE, "far out of range");
        for (size_t i = 0; i < ELEMENTS(bad); i++)
                OK(t, parse_cpus(bad[i], m, 2) == -EINVAL, "\"%s\" is no list", bad[i]);
}

int main(void) {
        struct tap t = { 0 };

        test_bool(&t);
        test_numbers(&t);
        test_sizes(&t);
        test_signals(&t);
        test_uuid(&t);
        test_names(&t);
        test_ids_and_paths(&t);
        test_limits(&t);
        test_cpus(&t);
        return tap_done(&t);
}
