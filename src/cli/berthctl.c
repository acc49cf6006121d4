/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berthctl: looks at running containers and acts on them. Verbs are rows (ctl_verbs.c). */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/ctl.h"
#include "sys/stackroom.h"

void ctl_say(const char *fmt, ...) {
        char text[1024], line[2048];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        fprintf(stderr, "berthctl: %s\n", str_escape(text, line, sizeof line));
}

void ctl_print_error(const struct err *e) {
        char line[1024];

        err_format(e, false, line, sizeof line);
        fprintf(stderr, "berthctl: %s\n", line);
}

static const struct ctl_said *find_said(const struct ctl *c, const char *option, size_t *at) {
        for (; *at < c->said.n; ++*at)
                if (streq(c->said.items[*at].option->name, option))
                        return &c->said.items[(*at)++];
        return NULL;
}

bool ctl_is_set(const struct ctl *c, const char *option) {
        size_t at = 0;

        return find_said(c, option, &at);
}

const char *ctl_next(const struct ctl *c, const char *option, size_t *at) {
        const struct ctl_said *s = find_said(c, option, at);

        return s ? s->value : NULL;
}

const char *ctl_value(const struct ctl *c, const char *option) {
        const char *value, *last = NULL;
        size_t at = 0;

        while ((value = ctl_next(c, option, &at)))
                last = value;
        return last;
}

static int bad_usage(const struct ctl_verb *v, struct err *e, const char *what, const char *word) {
        err_set(e, ERR_USAGE, 0, "%s%s", what, word);
        return v ? err_hint(e, "berthctl %s --help shows what there is", v->name)
                 : err_hint(e, "berthctl --help shows what there is");
}

static void add(struct ctl *c, const struct ctl_option *o, const char *value) {
        *arena_push(&c->arena, &c->said) = (struct ctl_said){ .option = o, .value = value };
}

/* --name, --name=value, --name value: exact, never shortened, so that a new option breaks nobody's script. */
static int take_long(struct ctl *c, char **argv, int *at, struct err *e) {
        const char *word = argv[*at] + 2, *value = strchr(word, '=');
        size_t n = value ? (size_t) (value - word) : strlen(word);

        for (const struct ctl_option *o = c->verb->options; o && o->name; o++) {
                if (strlen(o->name) != n || strncmp(o->name, word, n) != 0)
                        continue;
                if (!o->metavar && value)
                        return bad_usage(c->verb, e, "this option takes no value: --", o->name);
                if (o->metavar && !value && !argv[*at + 1])
                        return bad_usage(c->verb, e, "this option needs a value: --", o->name);
                add(c, o, !o->metavar ? NULL : value ? value + 1 : argv[++*at]);
                return 0;
        }
        return bad_usage(c->verb, e, "unknown option ", argv[*at]);
}

/* -x, -xyz, -xVALUE, -x VALUE */
static int take_letters(struct ctl *c, char **argv, int *at, struct err *e) {
        for (const char *p = argv[*at] + 1; *p; p++) {
                const struct ctl_option *o = c->verb->options;

                while (o && o->name && o->letter != *p)
                        o++;
                if (!o || !o->name)
                        return bad_usage(c->verb, e, "unknown option ", argv[*at]);
                if (!o->metavar) {
                        add(c, o, NULL);
                        continue;
                }
                if (!p[1] && !argv[*at + 1])
                        return bad_usage(c->verb, e, "this option needs a value: --", o->name);
                add(c, o, p[1] ? p + 1 : argv[++*at]);
                return 0;
        }
        return 0;
}

static bool is_help(const char *word) {
        return streq(word, "--help") || streq(word, "-h");
}

/* Options may stand between the words, unless what follows NAME is a command's. Returns 1 where help was asked for. */
static int parse(struct ctl *c, char **argv, struct err *e) {
        bool ended = false, parted = false;
        int k = 0;

        c->words = arena_alloc(&c->arena, sizeof *c->words); /* NULL at the end */
        for (int i = 0; argv[i] && k == 0; i++) {
                char *word = argv[i];

                /* Of those who are used to it behind NAME, nobody means a program of that name. */
                if (c->n_words == 1 && c->verb->words == CTL_NAME_COMMAND && !parted && streq(word, "--")) {
                        parted = true;
                        continue;
                }
                if (ended || word[0] != '-' || word[1] == '\0') {
                        struct strv v = { .items = c->words, .n = c->n_words };

                        strv_add(&c->arena, &v, word);
                        c->words = v.items;
                        c->n_words = v.n;
                        ended = ended || c->verb->words == CTL_NAME_COMMAND;
                } else if (streq(word, "--"))
                        ended = true;
                else if (is_help(word))
                        return 1;
                else
                        k = word[1] == '-' ? take_long(c, argv, &i, e) : take_letters(c, argv, &i, e);
        }
        return k;
}

static int check_words(const struct ctl *c, struct err *e) {
        const struct ctl_verb *v = c->verb;

        if (c->n_words >= v->min && (c->n_words <= v->max || (v->max == 0 && v->words != CTL_NO_WORDS)))
                return 0;
        if (c->n_words < v->min)
                return bad_usage(v, e, "this verb needs more words: ", v->synopsis);
        return bad_usage(v, e, "one word too many: ", c->words[v->max]);
}

static int run_verb(struct ctl *c, char **argv, struct err *e) {
        int k = parse(c, argv, e);

        if (k == 1) {
                ctl_print_verb_help(stdout, c->verb);
                return 0;
        }
        k = k < 0 ? k : check_words(c, e);
        if (k < 0)
                return k;
        c->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (c->proc < 0)
                return err_set(e, ERR_HOST, errno, "cannot open /proc");
        return c->verb->run(c, e);
}

static int dispatch(struct ctl *c, char **argv, struct err *e) {
        static const struct {
                const char *word;
                void (*print)(FILE *);
        } actions[] = {
                { "--help", ctl_print_help },
                { "-h", ctl_print_help },
                { "--introspect-cli", ctl_print_introspect },
        };

        if (!argv[0])
                return bad_usage(NULL, e, "what shall be done", "?");
        for (size_t i = 0; i < ELEMENTS(actions); i++)
                if (streq(argv[0], actions[i].word)) {
                        actions[i].print(stdout);
                        return 0;
                }
        if (streq(argv[0], "--version")) {
                printf("berthctl %s\n", BERTH_VERSION);
                return 0;
        }
        c->verb = ctl_verb_find(argv[0]);
        if (!c->verb)
                return bad_usage(NULL, e, argv[0][0] == '-' ? "unknown option " : "unknown verb ", argv[0]);
        return run_verb(c, argv + 1, e);
}

/* Descriptors 0 to 2 exist: what we open must not take their place. */
static int fill_descriptors(struct err *e) {
        while (fcntl(0, F_GETFD) < 0 || fcntl(1, F_GETFD) < 0 || fcntl(2, F_GETFD) < 0)
                if (open("/dev/null", O_RDWR) < 0)
                        return err_set(e, ERR_HOST, errno, "cannot open /dev/null");
        return 0;
}

int main(int argc, char **argv, char **env) {
        struct ctl c = { .env = env, .proc = -1 };
        struct err e = { .kind = ERR_NONE };
        int status;

        if (argc < 1)
                return EXIT_FAILURE;
        if (getauxval(AT_SECURE)) {
                fputs("berthctl: will not run setuid, setgid or with file capabilities\n", stderr);
                return EXIT_FAILURE;
        }
        if (stackroom_reserve() < 0) {
                ctl_say(NO_STACK);
                return EXIT_FAILURE;
        }
        if (!log_init(getenv("BERTH_DEBUG")))
                ctl_say("BERTH_DEBUG: unknown topic (known: " LOG_TOPICS ")");
        status = fill_descriptors(&e);
        status = status < 0 ? status : dispatch(&c, argv + 1, &e);
        if (status < 0) {
                (void) fflush(stdout);
                ctl_print_error(&e);
                status = c.verb && c.verb->failure ? c.verb->failure : EXIT_FAILURE;
        }
        if (fflush(stdout) != 0 || ferror(stdout)) {
                ctl_say("cannot write the output");
                status = EXIT_FAILURE;
        }
        clean_fd(&c.proc);
        arena_done(&c.arena);
        return status;
}
