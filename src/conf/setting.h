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

/* The setters, and the names that rows have for them: functions in the table itself would be relocated at each start
 * (src/README.md, "Rows hold their texts"). A new setter is a line here. */
#define SETTERS(X)                                                                                                    \
        /* set.c: for any row */                                                                                      \
        X(NOTHING, set_nothing)                                                                                       \
        X(BOOL, set_bool) /* bool at .at; .value 1: inverted */                                                       \
        X(TRISTATE, set_tristate)                                                                                     \
        X(STRING, set_string)                                                                                         \
        X(PATH, set_path)                                                                                             \
        X(PATH_FROM_HERE, set_path_from_here)                                                                         \
        X(CHOICE, set_choice) /* enum at .at: .value + the index in .nth */                                           \
        X(HOSTNAME, set_hostname)                                                                                     \
        X(UUID, set_uuid)                                                                                             \
        /* by topic: set_exec.c, set_sec.c, set_limits.c, set_place.c, set_mounts.c, set_journal.c */                 \
        X(DRY_RUN, set_dry_run)                                                                                       \
        X(SETTINGS_MODE, set_settings_mode)                                                                           \
        X(MODE, set_mode) /* .value: enum exec_mode */                                                                \
        X(PARAMETERS, set_parameters)                                                                                 \
        X(CHDIR, set_chdir)                                                                                           \
        X(ENV, set_env)                                                                                               \
        X(USER, set_user)                                                                                             \
        X(USER_OR_SCOPE, set_user_or_scope)                                                                           \
        X(KILL_SIGNAL, set_kill_signal)                                                                               \
        X(PERSONALITY, set_personality)                                                                               \
        X(PRIVATE_USERS, set_private_users)                                                                           \
        X(PRIVATE_USERS_AUTO, set_private_users_auto) /* -U */                                                        \
        X(PRIVATE_USERS_MAP, set_private_users_map)                                                                   \
        X(PRIVATE_USERS_DELEGATE, set_private_users_delegate) /* 0 to .value */                                       \
        X(OWNERSHIP, set_ownership)                                                                                   \
        X(OWNERSHIP_OLD, set_ownership_old) /* --private-users-chown */                                               \
        X(POLICY, set_policy)                                                                                         \
        X(FILE_SYSTEMS, set_file_systems)                                                                             \
        X(ROOT_HASH, set_root_hash)                                                                                   \
        X(ROOT_HASH_SIG, set_root_hash_sig)                                                                           \
        X(REGISTER, set_register)                                                                                     \
        X(SLICE, set_slice)                                                                                           \
        X(PROPERTY, set_property)                                                                                     \
        X(DEVICE, set_device)                                                                                         \
        X(API_VFS, set_api_vfs)                                                                                       \
        X(BACKGROUND, set_background)                                                                                 \
        X(CONTAINER_SERVICE, set_container_service)                                                                   \
        X(LABEL, set_label)         /* string at .at */                                                               \
        X(BIND_USER, set_bind_user) /* struct strv at .at */                                                          \
        X(BIND_USER_SHELL, set_bind_user_shell)                                                                       \
        X(FORWARD, set_forward)                                                                                       \
        X(FORWARD_LIMIT, set_forward_limit) /* .value: enum forward_limit */                                          \
        X(FORWARD_FILES, set_forward_files)                                                                           \
        X(CREDENTIAL, set_credential)                                                                                 \
        X(CREDENTIAL_SOURCE, set_credential_source)                                                                   \
        X(VOLATILE, set_volatile)                                                                                     \
        X(CAPS, set_caps) /* mask at .at; .value 1: "all" is allowed */                                               \
        X(CALL_FILTER, set_call_filter)                                                                               \
        X(FAMILIES, set_families)                                                                                     \
        X(RLIMIT, set_rlimit)                                                                                         \
        X(BIND, set_bind) /* .value 1: read-only */                                                                   \
        X(PIVOT, set_pivot)                                                                                           \
        X(OVERLAY, set_overlay) /* .value 1: read-only */                                                             \
        X(INACCESSIBLE, set_inaccessible)                                                                             \
        X(TMPFS, set_tmpfs)                                                                                           \
        X(OOM, set_oom)                                                                                               \
        X(CPUS, set_cpus)                                                                                             \
        X(MEMORY, set_memory) /* .value of these: enum cgroup_limit */                                                \
        X(CPU_TIME, set_cpu_time)                                                                                     \
        X(PIDS, set_pids)                                                                                             \
        X(WEIGHT, set_weight)                                                                                         \
        /* later.c: grammars of what this build cannot do yet */                                                      \
        X(LATER_FLAG, later_flag)                                                                                     \
        X(LATER_PATH, later_path)                                                                                     \
        X(LATER_INTERFACE, later_interface)                                                                           \
        X(LATER_ZONE, later_zone)                                                                                     \
        X(LATER_PORT, later_port)

/* The values =help lists. */
#define LISTS(X)                                                                                                      \
        X(CONSOLE, nth_console)                                                                                       \
        X(RESOLV_CONF, nth_resolv_conf)                                                                               \
        X(VOLATILE, nth_volatile)                                                                                     \
        X(TIMEZONE, nth_timezone)                                                                                     \
        X(LINK_JOURNAL, nth_link_journal)                                                                             \
        X(SIGNAL, nth_signal)                                                                                         \
        X(PERSONALITY, nth_personality)                                                                               \
        X(CAP, nth_cap)                                                                                               \
        X(RLIMIT, nth_rlimit)                                                                                         \
        X(OWNERSHIP, nth_ownership)                                                                                   \
        X(API_VFS, nth_api_vfs)

#define SETTER_NAME(name, function) SETTER_##name,
#define LIST_NAME(name, function)   NTH_##name,
enum setter { SETTER_NONE, SETTERS(SETTER_NAME) };
enum list { NTH_NONE, LISTS(LIST_NAME) };

/* A text that is not there is empty. */
struct setting {
        char letter;   /* 0: none */
        char name[30]; /* long name */
        char metavar[36];
        char section[8], key[24]; /* of .nspawn; a key ABC* stands for each ABCNAME, the setter gets NAME=VALUE */
        enum arg arg;
        enum group group;
        enum topic topic;
        unsigned flags;
        enum setter set;
        enum list nth;     /* the values =help lists */
        size_t at;         /* what the generic setters fill: offset in struct spec */
        int value;         /* and with what, or how */
        char fallback[10]; /* the value when none is written */
        char allowed[106]; /* the grammar in words, for error messages */
        char help[66];
};

extern const struct setting settings[];
extern const size_t n_settings;

/* What berth decides differently from systemd-nspawn where nothing is said (differences.c). */
struct difference {
        char what[47];
        char setting[26];           /* long name of the option that decides otherwise, if any */
        char berth[105], other[43]; /* by its own name; by the name systemd-nspawn, as systemd-nspawn itself */
};
struct difference_always {
        char setting[23];
        char text[172]; /* a sentence */
};
extern const struct difference differences[];               /* by one name only */
extern const struct difference_always differences_always[]; /* by both names */
extern const size_t n_differences, n_differences_always;

/* Variables that stand for an option. */
struct variable {
        char name[34];    /* with an * at its end: all that begin so */
        char option[26];  /* none: not supported, and refused ... */
        char harmless[2]; /* ... but for this boolean, which asks for nothing; none: there is no such value */
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

/* The row's setter. */
int setting_apply(const struct saying *s, struct err *e);
/* A value that =help lists; NULL ends them. */
const char *setting_nth(const struct setting *row, unsigned i, char buf[NTH_BUF]);

#define SETTER_PROTOTYPE(name, function) int function(const struct saying *s, struct err *e);
#define LIST_PROTOTYPE(name, function)   const char *function(unsigned i, char buf[NTH_BUF]);
SETTERS(SETTER_PROTOTYPE)
LISTS(LIST_PROTOTYPE)

/* A relative path is seen from the caller's directory, which a detached supervisor leaves. NULL: that has no name. */
const char *path_from_here(const struct saying *s, const char *path);
/* What a value of a row with set_choice() stands for: upstream takes a boolean where a mode is called auto, for that
 * one, or for the one that does nothing. */
const char *choice_meant(const struct statement *st);
