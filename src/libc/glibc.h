/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What glibc has by these names, for objects that were compiled for it: see glibc.c. */

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

/* flag: how much is to be checked. room: what the compiler knows of the buffer, or all bits. */
int __vsnprintf_chk(char *s, size_t size, int flag, size_t room, const char *format, va_list ap)
        __attribute__((format(printf, 5, 0)));
int __snprintf_chk(char *s, size_t size, int flag, size_t room, const char *format, ...)
        __attribute__((format(printf, 5, 6)));
int __vfprintf_chk(FILE *f, int flag, const char *format, va_list ap) __attribute__((format(printf, 3, 0)));
int __fprintf_chk(FILE *f, int flag, const char *format, ...) __attribute__((format(printf, 3, 4)));
int __vasprintf_chk(char **ret, int flag, const char *format, va_list ap) __attribute__((format(printf, 3, 0)));
int __asprintf_chk(char **ret, int flag, const char *format, ...) __attribute__((format(printf, 3, 4)));
void __explicit_bzero_chk(void *at, size_t size, size_t room);
int __open_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
void *__sched_cpualloc(size_t n);
void __sched_cpufree(void *set);
