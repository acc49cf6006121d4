/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One row per option: the type of settings.c. argv, .nspawn, the environment, --help, --introspect-cli and the lints
 * of man page and completions read the table and nothing else. */

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "conf/conf.h"
#include "spec/spec.h"

/* As on the command line. */
enum arg { ARG_NONE, ARG_REQUIRED, ARG_OPTIONAL };

enum group {
        GROUP_NONE,
        GROUP_IMAGE,
        GROUP_EXECUTION,
        GROUP_IDENTITY,
        GROUP_PROPERTIES,
        GROUP_USERS,
        GROUP_NETWORK,
        GROUP_SECURITY,
        GROUP_RESOURCES,
        GROUP_INTEGRATION,
        GROUP_MOUNTS,
        GROUP_CONSOLE,
        GROUP_CREDENTIALS,
        GROUP_OTHER,
        GROUP_MAX_,
};

/* What competes as a whole: the source with the highest precedence that says anything of a topic decides all of it.
 * A setting without a topic competes only with itself. */
enum topic {
        TOPIC_OWN,
        TOPIC_START, /* Boot=, ProcessTwo=, Parameters=, words of the command line */
        TOPIC_CAPS,
        TOPIC_CALLS,
        TOPIC_USERS,
        TOPIC_NETWORK,
        TOPIC_MOUNTS,
        TOPIC_BIND_USER,
        TOPIC_CONSOLE,
        TOPIC_JOURNAL,
        TOPIC_RLIMIT, /* each limit for itself */
        TOPIC_MAX_,
};

enum setting_flags {
        SETTING_UNTRUSTED = 1 << 0,  /* a file beside the image may set it */
        SETTING_EMPTY_OK = 1 << 1,   /* an empty value means something */
        SETTING_UNDO = 1 << 2,       /* a flag that takes =BOOL too, so that the command line can undo a file */
        SETTING_LATER = 1 << 3,      /* checked, then refused unless it means "nothing" (SET_NOTHING) */
        SETTING_WORDS = 1 << 4,      /* in a file: a list of words, each one value */
        SETTING_OWN = 1 << 5,        /* berth's own: systemd-nspawn has no such option */
        SETTING_HIDDEN = 1 << 6,     /* not in --help */
        SETTING_SECRET = 1 << 7,     /* values are not repeated in messages */
        SETTING_ARGV_ONLY = 1 << 8,  /* not even a trusted file */
        SETTING_ACTION = 1 << 9,     /* .value is an enum conf_action; ends the parsing */
        SETTING_USER_WORD = 1 << 10, /* takes the next word unless that begins with a dash */
        SETTING_GUARD = 1 << 11, /* a protection: a file beside the image never replaces what the caller said of it */
};

/* Besides 0 (done) and -errno (e is filled), what a setter answers. */
enum set_result {
        SET_OK,
        SET_NOTHING,   /* accepted, has no effect: what the feature's absence means anyway */
        SET_LATER,     /* valid, but this build cannot do it */
        SET_UNTRUSTED, /* valid, but more than a file beside the image may ask for */
        SET_CLASH,     /* excludes what was said before; e is filled. In a file it is ignored, with a warning */
};

enum { NTH_BUF = 32 };

/* What a setter sees. */
struct saying {
        struct spec *spec;
        struct arena *arena;
        const struct statement *said;
        char **environ;
};

struct setting {
        char letter;      /* 0: none */
        const char *name; /* long name; NULL: none */
        enum arg arg;
        enum group group;
        const char *metavar;
        const char *section, *key; /* of .nspawn; a key ABC* stands for each ABCNAME, the setter gets NAME=VALUE */
        enum topic topic;
        unsigned flags;
        int (*set)(const struct saying *s, struct err *e);
        size_t at;                                         /* what the generic setters fill: offset in struct spec */
        int value;                                         /* and with what, or how */
        const char *fallback;                              /* the value when none is written */
        const char *(*nth)(unsigned i, char buf[NTH_BUF]); /* the values =help lists; NULL ends them */
        const char *allowed;                               /* the grammar in words, for error messages */
        const char *help;
};

extern const struct setting settings[];
extern const size_t n_settings;

/* What berth decides differently from systemd-nspawn where nothing is said (differences.c). */
struct difference {
        const char *what;          /* NULL in the second list */
        const char *setting;       /* long name of the option that decides otherwise; NULL: none */
        const char *berth, *other; /* by its own name; by the name systemd-nspawn, as systemd-nspawn itself */
};
extern const struct difference differences[];        /* by one name only */
extern const struct difference differences_always[]; /* by both names: a sentence in .berth */
extern const size_t n_differences, n_differences_always;

/* Variables that stand for an option. */
struct variable {
        const char *name;     /* with an * at its end: all that begin so */
        const char *option;   /* NULL: not supported, and refused ... */
        const char *harmless; /* ... but for this boolean, which asks for nothing; NULL: there is no such value */
};
extern const struct variable variables[];
extern const size_t n_variables;

/* Rows by name; NULL where there is none. */
const struct setting *setting_by_name(const char *name);
const struct setting *setting_by_letter(char letter);
/* The row of a .nspawn key. *ret_rest is what * stood for, or NULL. */
const struct setting *setting_by_key(const char *section, const char *key, const char **ret_rest);
bool setting_has_section(const char *section);
/* "--name" or "-x": how a user would write it. */
const char *setting_spelling(const struct setting *row, char buf[64]);

/* The words of the command line, and Parameters=: the one row that has no option. */
extern const struct setting setting_parameters;

/* Record and check one statement (apply.c). Returns -errno with e filled where the source must stop. */
int conf_say(struct conf *c, const struct statement *st, struct err *e);
/* Take back what this source said about the row so far. */
void conf_take_back(struct conf *c, const struct statement *st);
/* Fill the draft's spec from what wins. */
int conf_fill(struct conf *c, struct err *e);
/* A line for the user that -q does not silence. */
void conf_warn(struct conf *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* For setters: "NAME=VALUE: CAUSE", hint: what is allowed. Returns -EINVAL. */
int bad_value(const struct saying *s, struct err *e, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Parts between colons; "\\:" is a colon. The last of max parts is the rest as it stands. Returns their number. */
int split_colons(struct arena *a, const char *v, const char **parts, int max);

/* Generic setters (set.c). */
int set_nothing(const struct saying *s, struct err *e);
int set_bool(const struct saying *s, struct err *e); /* bool at .at; .value 1: inverted */
int set_tristate(const struct saying *s, struct err *e);
int set_string(const struct saying *s, struct err *e);
int set_path(const struct saying *s, struct err *e);
/* A relative path is seen from the caller's directory, which a detached supervisor leaves. NULL: that has no name. */
const char *path_from_here(const struct saying *s, const char *path);
int set_path_from_here(const struct saying *s, struct err *e);
int set_choice(const struct saying *s, struct err *e); /* enum at .at: .value + the index in .nth */
/* What a value of such a setting stands for: upstream takes a boolean where a mode is called auto, for that one, or
 * for the one that does nothing. */
const char *choice_meant(const struct statement *st);
int set_hostname(const struct saying *s, struct err *e);
int set_uuid(const struct saying *s, struct err *e);

/* By topic: set_exec.c, set_sec.c, set_limits.c, set_place.c, set_mounts.c, set_journal.c */
int set_dry_run(const struct saying *s, struct err *e);
int set_settings_mode(const struct saying *s, struct err *e);
int set_mode(const struct saying *s, struct err *e); /* .value: enum exec_mode */
int set_parameters(const struct saying *s, struct err *e);
int set_chdir(const struct saying *s, struct err *e);
int set_env(const struct saying *s, struct err *e);
int set_user(const struct saying *s, struct err *e);
int set_user_or_scope(const struct saying *s, struct err *e);
int set_kill_signal(const struct saying *s, struct err *e);
int set_personality(const struct saying *s, struct err *e);
int set_private_users(const struct saying *s, struct err *e);
int set_private_users_auto(const struct saying *s, struct err *e); /* -U */
int set_private_users_map(const struct saying *s, struct err *e);
int set_private_users_delegate(const struct saying *s, struct err *e); /* 0 to .value */
int set_ownership(const struct saying *s, struct err *e);
int set_ownership_old(const struct saying *s, struct err *e); /* --private-users-chown */
int set_policy(const struct saying *s, struct err *e);
int set_file_systems(const struct saying *s, struct err *e);
int set_root_hash(const struct saying *s, struct err *e);
int set_root_hash_sig(const struct saying *s, struct err *e);
int set_register(const struct saying *s, struct err *e);
int set_slice(const struct saying *s, struct err *e);
int set_property(const struct saying *s, struct err *e);
int set_device(const struct saying *s, struct err *e);
int set_api_vfs(const struct saying *s, struct err *e);
int set_background(const struct saying *s, struct err *e);
int set_container_service(const struct saying *s, struct err *e);
int set_label(const struct saying *s, struct err *e);     /* string at .at */
int set_bind_user(const struct saying *s, struct err *e); /* struct strv at .at */
int set_bind_user_shell(const struct saying *s, struct err *e);
int set_forward(const struct saying *s, struct err *e);
int set_forward_limit(const struct saying *s, struct err *e); /* .value: enum forward_limit */
int set_forward_files(const struct saying *s, struct err *e);
int set_credential(const struct saying *s, struct err *e);
int set_credential_source(const struct saying *s, struct err *e);
int set_volatile(const struct saying *s, struct err *e);
int set_caps(const struct saying *s, struct err *e); /* mask at .at; .value 1: "all" is allowed */
int set_call_filter(const struct saying *s, struct err *e);
int set_families(const struct saying *s, struct err *e);
int set_rlimit(const struct saying *s, struct err *e);
int set_bind(const struct saying *s, struct err *e); /* .value 1: read-only */
int set_pivot(const struct saying *s, struct err *e);
int set_overlay(const struct saying *s, struct err *e); /* .value 1: read-only */
int set_inaccessible(const struct saying *s, struct err *e);
int set_tmpfs(const struct saying *s, struct err *e);
int set_oom(const struct saying *s, struct err *e);
int set_cpus(const struct saying *s, struct err *e);
int set_memory(const struct saying *s, struct err *e); /* .value of these: enum cgroup_limit */
int set_cpu_time(const struct saying *s, struct err *e);
int set_pids(const struct saying *s, struct err *e);
int set_weight(const struct saying *s, struct err *e);

/* The values =help lists. */
const char *nth_console(unsigned i, char buf[NTH_BUF]);
const char *nth_resolv_conf(unsigned i, char buf[NTH_BUF]);
const char *nth_volatile(unsigned i, char buf[NTH_BUF]);
const char *nth_timezone(unsigned i, char buf[NTH_BUF]);
const char *nth_link_journal(unsigned i, char buf[NTH_BUF]);
const char *nth_signal(unsigned i, char buf[NTH_BUF]);
const char *nth_personality(unsigned i, char buf[NTH_BUF]);
const char *nth_cap(unsigned i, char buf[NTH_BUF]);
const char *nth_rlimit(unsigned i, char buf[NTH_BUF]);
const char *nth_ownership(unsigned i, char buf[NTH_BUF]);
const char *nth_api_vfs(unsigned i, char buf[NTH_BUF]);
