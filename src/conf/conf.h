/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Text to spec: the command line, the environment and .nspawn files, by one table (settings.c).
 *
 * Order of use:
 *   face = conf_face(argv[0]); draft_init(&d, face); conf_init(&c, &d, environ);
 *   conf_argv()         what the user typed; d.spec holds it already: name, directory, --settings=
 *   conf_environment()  documented SYSTEMD_* variables
 *   conf_files()        needs the machine's name, which may follow from the directory
 *   draft_seal()
 *
 * Every source only records what it says; after each source d.spec is filled anew from what wins (apply.c). So
 * precedence and trust are decided in one place, and no source needs to undo another. */

#include <stdio.h>

#include "base/err.h"
#include "spec/spec.h"

struct setting;

/* One thing said by one source. Strings live in the draft's arena or are static. */
struct statement {
        const struct setting *row;
        const char *value; /* never NULL; what the setter gets */
        const char *as;    /* how it was written: "--rlimit", "LimitCPU", "SYSTEMD_SECCOMP" */
        const char *where; /* "FILE:LINE" or NULL */
        enum origin origin;
        bool trusted;
        bool bare;       /* no value was written */
        bool taken_back; /* by a later empty assignment in the same file */
};
struct statement_list {
        struct statement *items;
        size_t n;
};

struct conf {
        struct draft *draft;
        char **environ; /* of the caller; for -E NAME and the variables */
        struct statement_list all;
        const struct setting *listed; /* CONF_LIST: whose values */
};

/* What the command line asks for. Everything but CONF_RUN is printed by a function below, then exit 0. */
enum conf_action { CONF_RUN, CONF_HELP, CONF_VERSION, CONF_DIFFERENCES, CONF_INTROSPECT, CONF_LIST };

/* By the name berth was called by: systemd-nspawn (after the last slash) is strict. NULL is berth. */
enum face conf_face(const char *argv0);

/* Nothing is copied: d and env must outlive c. env may be NULL. Memory comes from d's arena. */
void conf_init(struct conf *c, struct draft *d, char **env);

/* argv[0] is skipped; argc may be 0. ERR_USAGE. */
int conf_argv(struct conf *c, int argc, char **argv, enum conf_action *ret, struct err *e);

/* ERR_USAGE: a variable with a bad value, or one that asks for what is not supported. */
int conf_environment(struct conf *c, struct err *e);

/* Where settings files are looked for. Found first wins, there is no merging: ADMIN_DIR/NAME.nspawn in each of
 * admin_dirs, trusted; then NAME.nspawn in the directory beside (where the tree itself lies), not trusted unless
 * --settings=trusted. */
struct conf_lookup {
        const char *name;              /* a valid machine name */
        const char *const *admin_dirs; /* NULL-terminated; NULL: /etc/systemd/nspawn, /run/systemd/nspawn */
        int beside;                    /* directory, not taken over; -1: none */
        const char *beside_path;       /* for messages; NULL: unknown */
};

/* Does nothing with --settings=no. ERR_CONFIG: a trusted file cannot be read or asks for what is not supported.
 * All else that is wrong in a file is one line in d->warnings, and is ignored. */
int conf_files(struct conf *c, const struct conf_lookup *l, struct err *e);

/* What was said with --inspect= becomes a start that is only looked at. */
int conf_as_dry_run(struct conf *c, struct err *e);

void conf_print_version(FILE *f, enum face face);
/* What action asks for; CONF_RUN prints nothing. */
void conf_print(FILE *f, const struct conf *c, enum conf_action action);
