/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* berthctl: what its verbs share. A verb is one file, ctl_VERB.c, with its row, and a line in ctl_verbs.c. Help, the
 * man page's lint and the completions of three shells follow from the rows (--introspect-cli). */

#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "state/container.h"

/* What the words behind the verb are, for the shells. */
enum ctl_words {
        CTL_NO_WORDS,
        CTL_NAME,         /* one container */
        CTL_NAMES,        /* containers */
        CTL_NAME_COMMAND, /* a container, then the words of a command: options end behind NAME */
        CTL_NAME_PATHS,   /* a container, then paths of the host or of it */
        CTL_COPY,         /* paths, and NAME:PATH */
        CTL_VERB,
};

struct ctl_option {
        char letter;         /* 0: none */
        const char *name;    /* long name; NULL ends the list */
        const char *metavar; /* NULL: it takes no value */
        const char *values;  /* for the shells: words, or "signals" or "verbs" in <>; NULL: any */
        const char *help;
};

struct ctl;
struct ctl_verb {
        const char *name;
        const char *synopsis; /* the words, as help shows them: "NAME [COMMAND [ARGUMENT...]]" */
        enum ctl_words words;
        unsigned min, max; /* how many; max 0: any number from min on, unless CTL_NO_WORDS */
        const struct ctl_option *options;
        const char *help;
        int failure; /* exit status of an error of ours; 0: 1 */
        /* The exit status, or -errno with e filled. */
        int (*run)(struct ctl *c, struct err *e);
};

/* The same in each verb that has them. */
#define CTL_JSON                                                                                                      \
        { 0, "json", NULL, NULL, "Print JSON" }
#define CTL_NO_LEGEND                                                                                                 \
        { 0, "no-legend", NULL, NULL, "Print no headings" }
#define CTL_END                                                                                                       \
        { 0 }

extern const struct ctl_verb *const ctl_verbs[];
extern const size_t n_ctl_verbs;

struct ctl_said {
        const struct ctl_option *option;
        const char *value; /* NULL for a flag */
};

struct ctl {
        const struct ctl_verb *verb;
        struct arena arena;
        int proc; /* the host's proc, O_PATH */
        char **env;
        char **words; /* behind the verb; NULL at the end */
        size_t n_words;
        struct {
                struct ctl_said *items;
                size_t n;
        } said;
};

bool ctl_is_set(const struct ctl *c, const char *option);
/* The last value that was given, or NULL. */
const char *ctl_value(const struct ctl *c, const char *option);
/* Each value of an option that may be repeated: begin with *at 0; NULL behind the last. */
const char *ctl_next(const struct ctl *c, const char *option, size_t *at);

/* A line on stderr for the user, escaped. */
void ctl_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* An error that is not the end: of one of several containers. */
void ctl_print_error(const struct err *e);

void ctl_print_help(FILE *f);
void ctl_print_verb_help(FILE *f, const struct ctl_verb *v);
void ctl_print_introspect(FILE *f);
const struct ctl_verb *ctl_verb_find(const char *name);
