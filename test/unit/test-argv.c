/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The grammar of the command line as a whole, and what holds for every option. */

#include "conf/setting.h"
#include "unit/trial.h"

static void test_words(struct tap *t) {
        GOOD(t, s->self.quiet && s->exec.mode == EXEC_BOOT && streq(s->root.directory, "d"), "-qbD", "d");
        GOOD(t, s->exec.mode == EXEC_BOOT && streq(s->root.directory, "d"), "-bDd");
        GOOD(t, s->exec.argv.n == 3, "-q", "ls", "-D", "x");
        GOOD(t, !s->self.quiet && s->exec.argv.n == 2, "--", "-q", "--boot");
        GOOD(t, streq(s->root.directory, "--boot"), "-D", "--boot");
        GOOD(t, streq(s->root.directory, "-b"), "--directory", "-b");
        GOOD(t, streq(s->root.directory, "x"), "--dir", "x");
        GOOD(t, streq(s->root.directory, "x"), "--direct=x");
        GOOD(t, s->self.settings == SETTINGS_NO, "--settings=no");
        GOOD(t, s->exec.argv.n == 0 && !s->root.directory);
        BAD(t, "--private- is ambiguous", "--private-");
        BAD(t, "--memo is ambiguous (it could be --memory, --memory-high)", "--memo=5M");
        BAD(t, "it could be --no-pager, --no-ask-password, --notify-ready, --no-new-privileges", "--no");
        BAD(t, "did you mean --directory", "--directroy=x");
        BAD(t, "did you mean --read-only", "--readonly");
        BAD(t, "unknown option --frobnicate (see --help", "--frobnicate");
        BAD(t, "unknown option -y", "-y");
        BAD(t, "unknown option -y", "-qyD", "x");
        BAD(t, "unknown option --", "--=x");
        BAD(t, "takes no value", "--pipe=yes");
        BAD(t, "takes no value", "--no-pager=yes");
        BAD(t, "takes no value", "--version=2");
        BAD(t, "takes no value x (allowed: differences)", "--help=x");
}

static size_t hits(const char *name, size_t n, bool own) {
        size_t found = 0;

        for (size_t i = 0; i < n_settings; i++)
                found += *settings[i].name && !(settings[i].flags & SETTING_OWN) == !own &&
                         strncmp(settings[i].name, name, n) == 0;
        return found;
}

/* Is the first n characters of the name understood as that option? */
static bool is_understood(const struct setting *row, size_t n) {
        char word[80];
        struct trial x;
        bool good;

        snprintf(word, sizeof word, "--%.*s=\x01", (int) n, row->name);
        trial_run(&x, &(struct trial_input){ .argv = ARGV(word) });
        good = x.r < 0 && !strstr(x.line, "ambiguous") && strstr(x.line, row->name);
        trial_done(&x);
        return good;
}

/* A short form that systemd-nspawn understands is never taken away by an option of ours. */
static void test_prefixes(struct tap *t) {
        unsigned shared = 0;

        for (size_t i = 0; i < n_settings; i++) {
                const struct setting *row = &settings[i];

                for (size_t n = 1; *row->name && !(row->flags & SETTING_OWN) && n <= strlen(row->name); n++) {
                        if (hits(row->name, n, false) > 1 || hits(row->name, n, true) == 0)
                                continue;
                        OK(t, is_understood(row, n), "--%.*s is --%s", (int) n, row->name, row->name);
                        shared++;
                }
        }
        OK(t, shared > 0, "there are such forms");
}

static void check_action(struct tap *t, char **argv, enum conf_action want) {
        struct trial x;
        char buf[400];

        trial_run(&x, &(struct trial_input){ .argv = argv });
        OK(t, x.r == 0 && x.action == want, "action of %s", trial_words(argv, buf));
        trial_done(&x);
}

static void test_actions(struct tap *t) {
        check_action(t, ARGV("--help"), CONF_HELP);
        check_action(t, ARGV("-h"), CONF_HELP);
        check_action(t, ARGV("-qh", "--frobnicate"), CONF_HELP);
        check_action(t, ARGV("--help=differences"), CONF_DIFFERENCES);
        check_action(t, ARGV("--version"), CONF_VERSION);
        check_action(t, ARGV("--introspect-cli"), CONF_INTROSPECT);
        check_action(t, ARGV("-q", "--capability=help"), CONF_LIST);
        check_action(t, ARGV("--", "--help"), CONF_RUN);
}

static char *print(struct conf *c, enum conf_action action) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        conf_print(f, c, action);
        fclose(f);
        return text;
}

static void check_print(struct tap *t, enum face face, char **argv, const char *want) {
        struct trial x;
        char buf[400];

        trial_run(&x, &(struct trial_input){ .face = face, .argv = argv });
        CLEAN_FREE char *text = print(&x.conf, x.action);
        if (!OK(t, strncmp(text, want, strlen(want)) == 0, "%s prints it", trial_words(argv, buf)))
                printf("# %.200s\n", text);
        trial_done(&x);
}

static void test_print(struct tap *t) {
        check_print(t, FACE_BERTH, ARGV("--version"), "berth " BERTH_VERSION "\n");
        check_print(t, FACE_STRICT, ARGV("--version"), "systemd 262 (262-berth-" BERTH_VERSION ")\n");
        check_print(t, FACE_STRICT, ARGV("--help"), "systemd-nspawn [OPTION...]");
        check_print(t, FACE_BERTH, ARGV("-h"), "berth [OPTION...]");
        check_print(t, FACE_BERTH, ARGV("--introspect-cli"),
                    "[\n  {\n    \"short\": \"h\",\n    \"long\": \"help\",\n");
        check_print(t, FACE_BERTH, ARGV("--volatile=help"), "no\nyes\nstate\noverlay\n");
        check_print(t, FACE_BERTH, ARGV("--kill-signal=help"), "SIGHUP\nSIGINT\n");
        check_print(t, FACE_BERTH, ARGV("--private-users-ownership=help"), "auto\nmap\n");
        check_print(t, FACE_BERTH, ARGV("--capability=help"), "cap_chown\n");
        check_print(t, FACE_BERTH, ARGV("--drop-capability=help"), "cap_chown\n");
        check_print(t, FACE_BERTH, ARGV("--ambient-capability", "help"), "cap_chown\n");
        check_print(t, FACE_BERTH, ARGV("--rlimit=help"), "AS\nCORE\n");
        check_print(t, FACE_BERTH, ARGV("--resolv-conf=help"), "auto\noff\n");
        check_print(t, FACE_BERTH, ARGV("--timezone=help"), "auto\noff\n");
        check_print(t, FACE_BERTH, ARGV("--console=help"), "interactive\nread-only\npassive\npipe\nautopipe\n");
        check_print(t, FACE_BERTH, ARGV("--help=differences"), "What berth does differently");
}

/* Every line of help fits a terminal, and every option is in it. */
static void test_help(struct tap *t) {
        struct trial x;
        unsigned wide = 0, missing = 0;

        trial_run(&x, &(struct trial_input){ .argv = ARGV("--help") });
        CLEAN_FREE char *text = print(&x.conf, CONF_HELP);
        for (size_t i = 0; i < n_settings; i++) {
                char name[64];

                if (strstr(text, setting_spelling(&settings[i], name)) == NULL)
                        missing += !(settings[i].flags & SETTING_HIDDEN);
        }
        for (char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
                wide += strcspn(line, "\n") > 100;
        OK_INT(t, wide, 0, "no line of --help is wider than 100 columns");
        OK_INT(t, missing, 0, "no option is missing in --help");
        trial_done(&x);
}

static void test_face(struct tap *t) {
        OK_INT(t, conf_face("systemd-nspawn"), FACE_STRICT, "systemd-nspawn is strict");
        OK_INT(t, conf_face("/usr/bin/systemd-nspawn"), FACE_STRICT, "/usr/bin/systemd-nspawn is strict");
        OK_INT(t, conf_face("berth"), FACE_BERTH, "berth is not");
        OK_INT(t, conf_face("systemd-nspawn/berth"), FACE_BERTH, "a directory of that name does not count");
        OK_INT(t, conf_face(NULL), FACE_BERTH, "no name at all");
}

/* A caller may start a program without even its name. */
static void test_no_words(struct tap *t) {
        enum conf_action action = CONF_HELP;
        struct err e = { 0 };
        struct draft d;
        struct conf c;

        draft_init(&d, FACE_BERTH);
        conf_init(&c, &d, NULL);
        OK(t, conf_argv(&c, 0, ARGV(), &action, &e) == 0 && action == CONF_RUN, "argc 0");
        draft_done(&d);
}

/* One clean line, or success: nothing else is promised of what may be right for one and wrong for another. */
static bool ends_well(const struct setting *row, const char *value, bool separate) {
        char name[64], word[5000];
        char *argv[3] = { word };
        struct trial x;
        bool good;

        setting_spelling(row, name);
        if (separate) {
                snprintf(word, sizeof word, "%s", name);
                argv[1] = (char *) value;
        } else
                snprintf(word, sizeof word, *row->name ? "%s=%s" : "%s%s", name, value);
        trial_run(&x, &(struct trial_input){ .argv = argv });
        good = x.r >= 0 || (x.err.kind == ERR_USAGE && x.line[0] && !strchr(x.line, '\n') && strlen(x.line) < 640);
        if (!good)
                printf("# %.100s: %d %s\n", word, x.r, x.line);
        trial_done(&x);
        return good;
}

/* What each option does with no value, an empty one, and garbage. */
static void test_every_option(struct tap *t) {
        static const char *const garbage[] = {
                "%$\xc5\xa1",           "",  "=",         ":",  ",",   "~",    "\\", "\x01\x1b[31m\xff", "0", "-1",
                "99999999999999999999", "/", "a:b:c:d:e", "..", "yes", "help", "@"
        };
        char long_value[4900], name[64];

        memset(long_value, 'A', sizeof long_value - 1);
        long_value[sizeof long_value - 1] = '\0';
        for (size_t i = 0; i < n_settings; i++) {
                const struct setting *row = &settings[i];
                bool good = ends_well(row, long_value, false) && ends_well(row, "\x01\xff", true);

                for (size_t k = 0; k < ELEMENTS(garbage); k++)
                        good = ends_well(row, garbage[k], false) && good;
                OK(t, good, "%s with a bad value ends well", setting_spelling(row, name));
                if (row->arg == ARG_REQUIRED)
                        BAD(t, "needs a value", name);
                if (row->arg == ARG_REQUIRED && !(row->flags & SETTING_EMPTY_OK))
                        BAD(t, "needs a value", name, "");
        }
}

/* Values that no option of these takes: an error, always. */
static void test_refused(struct tap *t) {
        static const char *const free_text[] = { "directory",
                                                 "template",
                                                 "overlay-upper",
                                                 "image",
                                                 "inspect",
                                                 "mstack",
                                                 "oci-bundle",
                                                 "verity-data",
                                                 "root-hash-sig",
                                                 "image-key-file",
                                                 "selinux-context",
                                                 "selinux-apifs-context",
                                                 "network-namespace-path",
                                                 "forward-journal",
                                                 "bind",
                                                 "bind-ro" };
        char word[80];

        for (size_t i = 0; i < n_settings; i++) {
                bool any = settings[i].arg != ARG_REQUIRED;

                for (size_t k = 0; k < ELEMENTS(free_text); k++)
                        any = any || streq(settings[i].name, free_text[k]);
                if (any)
                        continue;
                snprintf(word, sizeof word, "--%s=%%$\xc5\xa1", settings[i].name);
                BAD(t, settings[i].name, word);
        }
}

int main(void) {
        struct tap t = { 0 };

        test_words(&t);
        test_prefixes(&t);
        test_actions(&t);
        test_print(&t);
        test_help(&t);
        test_face(&t);
        test_no_words(&t);
        test_every_option(&t);
        test_refused(&t);
        return tap_done(&t);
}
