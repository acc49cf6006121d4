/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One error, filled once, printed once.
 *
 * A struct err is a plain value of fixed size: it owns nothing, can be copied, and fits one datagram, so the
 * guest side sends it as it is. Functions above sys/ take a struct err * as their last parameter, fill it when
 * they fail, and return a negative errno. base/ and sys/ return -errno and stay silent. Only cli/ prints.
 *
 * cold: what a compiler finds on the way to an error it puts apart from the rest. A start that goes well then touches
 * fewer pages, and each costs a page fault in every process of it. */

#include <stdbool.h>
#include <stddef.h>

/* Kinds decide the exit code (err_exit_code()) and tell a reader whose move it is. */
enum err_kind {
        ERR_NONE,
        ERR_USAGE,   /* the command line */
        ERR_CONFIG,  /* a settings file */
        ERR_TRUST,   /* a settings file that asks for more than it may */
        ERR_HOST,    /* what the host offers or allows */
        ERR_BUSY,    /* somebody else uses it */
        ERR_IMAGE,   /* the OS tree or disk image */
        ERR_SYSTEM,  /* a system call failed that should not */
        ERR_PAYLOAD, /* the program to run */
        ERR_BUG,     /* ours */
        ERR_KIND_MAX_,
};

struct err {
        enum err_kind kind;
        int code;         /* positive errno, 0 where there is none */
        char where[48];   /* file:line, or the step's name */
        char text[320];   /* what: names the thing; errno_text(code) is added when it is printed */
        char hint[256];   /* what the user can do; may be empty */
        char setting[32]; /* long name of the option that asked for it; may be empty */
        char word[40];    /* the part of that option's value that it is about; may be empty */
};

/* Fill e (NULL is allowed: then nobody wants to know). Returns -code, or -EINVAL where code is 0. */
int err_set_at(struct err *e, const char *where, enum err_kind kind, int code, const char *fmt, ...)
        __attribute__((cold, format(printf, 5, 6)));
#define ERR_STR2_(x)    #x
#define ERR_STR_(x)     ERR_STR2_(x)
#define err_set(e, ...) err_set_at(e, __FILE_NAME__ ":" ERR_STR_(__LINE__), __VA_ARGS__)

/* Add what the user can do. Returns the code that err_set() returned. */
int err_hint(struct err *e, const char *fmt, ...) __attribute__((cold, format(printf, 2, 3)));

/* Say which option asked for what failed, so that its line in a settings file can be named. setting: "uid", or
 * "--uid=x" as users write it. word: which part of its value, NULL for all. Returns the code that err_set()
 * returned. */
int err_blame(struct err *e, const char *setting, const char *word) __attribute__((cold));

/* One that came by a message: its texts end. */
void err_terminate(struct err *e);

const char *err_kind_name(enum err_kind kind);

/* One line, without a newline, control characters escaped. Returns buf. */
char *err_format(const struct err *e, bool with_where, char *buf, size_t size);
