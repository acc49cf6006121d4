/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Text to values. Each function takes the whole string: nothing before, nothing behind, no locale. All return 0 and
 * write *ret, or -EINVAL (not of that form) or -ERANGE (of that form, but out of bounds) and write nothing. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

/* 1 yes y true t on, 0 no n false f off, in any case. */
int parse_bool(const char *s, bool *ret);

/* Decimal digits, for the signed one behind an optional - or +. No blanks, no other base. */
int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret);
int parse_i64(const char *s, int64_t min, int64_t max, int64_t *ret);

/* Bytes: digits and an optional suffix B K M G T P E to the base of 1024. */
int parse_size(const char *s, uint64_t *ret);

/* Real-time signals by the kernel's numbers as glibc counts them, and so systemd and most trees; a libc that keeps
 * more of them for itself moves its own SIGRTMIN only. */
enum { SIGNAL_RTMIN = 34, SIGNAL_RTMAX = 64 };

/* A name with or without SIG, a number, RTMIN, RTMIN+n, RTMAX, RTMAX-n. */
int parse_signal(const char *s, int *ret);
/* The nth known name ("SIGHUP", ...), NULL behind the last. Real-time signals are not listed. */
const char *parse_signal_nth(unsigned i);
/* SIGTERM, SIGRTMIN+3; buf is used for the latter. NULL for what is no signal. */
const char *parse_signal_name(int sig, char buf[16]);

/* 32 hexadecimal digits, or the same with dashes (8-4-4-4-12). */
int parse_uuid(const char *s, uint8_t ret[16]);

/* Names that are also used in paths and unit names: labels of letters, digits and inner dashes, joined by single
 * dots, at most 64 characters. For machines and for hostnames alike. */
bool is_hostname(const char *s);
/* A shell variable's name. n characters. */
bool is_env_name(const char *s, size_t n);
/* A user or group name, without numbers: letters, digits, _ . - and a last $, not beginning with - or a dot, at
 * most 255 characters. */
bool is_user_name(const char *s);
/* A user or group number: not (uid_t) -1, and not its 16-bit sibling. */
int parse_uid(const char *s, uid_t *ret);
/* Absolute, no "." or ".." or empty part, shorter than PATH_MAX. A single slash at the end is fine. */
bool is_plain_absolute(const char *s);
/* A network interface name: 1 to 15 characters, no blank, slash, colon or percent, not "." or "..", not a number. */
bool is_ifname(const char *s);

/* RLIMIT_* numbers by name: NOFILE, RLIMIT_NOFILE or LimitNOFILE, in any case. */
int parse_rlimit_name(const char *s, size_t n, int *ret);
const char *parse_rlimit_nth(unsigned i); /* "AS", ...; NULL behind the last */
/* VALUE or SOFT:HARD, each a number (with the suffixes that fit the resource) or "infinity". */
int parse_rlimit(int resource, const char *s, struct rlimit *ret);

/* CPU numbers and ranges, separated by commas or blanks: "0-3,8". Sets bits in mask (size bytes). */
int parse_cpus(const char *s, uint8_t *mask, size_t size);

/* Octal file mode, 0 to 7777. */
int parse_mode(const char *s, mode_t *ret);
