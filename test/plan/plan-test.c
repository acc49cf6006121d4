/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Golden plans: README.md says what a case is. Nothing here needs root or looks at the machine.
 *
 *   plan-test [--update] DIRECTORY [WORD]    cases whose path contains WORD */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/str.h"
#include "conf/conf.h"
#include "plan/diff.h"
#include "plan/facts-file.h"
#include "plan/plan.h"
#include "plan/rest.h"
#include "unit/tap.h"

struct run {
        struct tap tap;
        const char *root, *word;
        bool update;
        struct arena arena;
};

static _Noreturn void die(const char *what, const char *name) {
        printf("Bail out! %s %s: %s\n", what, name, strerror(errno));
        exit(1);
}

static bool exists(const char *dir, const char *name) {
        char path[PATH_MAX];

        snprintf(path, sizeof path, "%s/%s", dir, name);
        return access(path, F_OK) == 0;
}

/* NULL where there is no such file. */
static char *read_file(struct arena *a, const char *dir, const char *name) {
        char path[PATH_MAX], *text;
        CLEAN_FILE FILE *f = NULL;
        struct stat st;

        snprintf(path, sizeof path, "%s/%s", dir, name);
        f = fopen(path, "re");
        if (!f)
                return NULL;
        if (fstat(fileno(f), &st) < 0)
                die("cannot read", path);
        text = arena_alloc(a, (size_t) st.st_size + 1);
        if (fread(text, 1, (size_t) st.st_size, f) != (size_t) st.st_size)
                die("cannot read", path);
        return text;
}

static void write_file(const char *dir, const char *name, const char *text) {
        char path[PATH_MAX];
        CLEAN_FILE FILE *f = NULL;

        snprintf(path, sizeof path, "%s/%s", dir, name);
        f = fopen(path, "we");
        if (!f || fputs(text, f) < 0 || fflush(f) != 0)
                die("cannot write", path);
}

/* Some options have another value on each kind of machine. */
static bool is_elsewhere(struct arena *a, const char *dir) {
        const char *only = read_file(a, dir, "only-on");
        struct utsname u;

        uname(&u);
        return only && strncmp(only, u.machine, strcspn(only, "\n")) != 0;
}

/* One word a line. Empty lines are empty words. */
static struct strv read_words(struct arena *a, const char *dir, const char *name) {
        char *text = read_file(a, dir, name), *line;
        struct strv v = { 0 };

        while (text && *text && (line = strsep(&text, "\n")))
                strv_add(a, &v, line);
        return v;
}

/* Heads of lists stand alone, and capabilities one to a line: so a difference is as small as what differs. */
static bool print_list(const char *line, FILE *out) {
        static const struct {
                const char *head;
                bool words;
        } lists[] = { { "settings ", false },
                      { "notes ", false },
                      { "capabilities ", true },
                      { "  effective ", true },
                      { "  ambient ", true } };

        for (size_t i = 0; i < ELEMENTS(lists); i++) {
                const char *rest = str_after(line, lists[i].head);
                size_t n;

                if (!rest)
                        continue;
                fprintf(out, "%.*s\n", (int) strlen(lists[i].head) - 1, lists[i].head);
                for (rest += strspn(rest, " "); *rest; rest += n + strspn(rest + n, " ")) {
                        n = lists[i].words ? strcspn(rest, " ") : strlen(rest);
                        fprintf(out, "%-13s%.*s\n", "", (int) n, rest);
                }
                return true;
        }
        return false;
}

/* The number of instructions is another on each machine, and changes with any table of calls. */
static void print_tidy(const void *text, FILE *out) {
        static const char program[] = " program of ";
        CLEAN_FREE char *copy = strdup(text);
        char *rest = copy, *line;

        while ((line = strsep(&rest, "\n")) && (rest || *line)) {
                const char *at = strstr(line, program);

                if (at)
                        fprintf(out, "%.*s%sN%s\n", (int) (at - line), line, program,
                                at + strlen(program) + strspn(at + strlen(program), "0123456789"));
                else if (!print_list(line, out))
                        fprintf(out, "%s\n", line);
        }
}

struct attempt {
        struct draft draft;
        struct conf conf;
        const struct spec *spec;
        struct facts facts;
        struct err err;
};

static int read_facts(struct attempt *t, const char *dir) {
        char *text = read_file(&t->draft.arena, dir, "facts"), *line;

        facts_usual(t->spec, &t->draft.arena, &t->facts);
        while ((line = strsep(&text, "\n"))) {
                char *whole = arena_strdup(&t->draft.arena, line);

                if (*line && *line != '#' && facts_say(&t->facts, &t->draft.arena, line) < 0)
                        return err_set(&t->err, ERR_BUG, 0, "the case's facts have a line that says nothing: %s",
                                       whole);
        }
        return 0;
}

/* As in cli/berth.c, up to the plan. */
static int prepare(struct attempt *t, const char *dir, struct strv *argv) {
        static const char *const here[] = { ".", NULL }, *const nowhere[] = { NULL };
        bool beside = exists(dir, "untrusted");
        CLEAN_FD int fd = beside ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
        const struct conf_lookup look = { "x", beside ? nowhere : here, fd, "." };
        enum conf_action action = CONF_RUN;
        int r = chdir(dir) < 0 ? -errno : 0;

        r = r < 0 ? r : conf_argv(&t->conf, (int) argv->n, argv->items, &action, &t->err);
        if (r == 0 && action != CONF_RUN)
                r = err_set(&t->err, ERR_BUG, 0, "the case's words ask for no start");
        r = r < 0 ? r : conf_environment(&t->conf, &t->err);
        if (r == 0 && exists(dir, "x.nspawn"))
                r = conf_files(&t->conf, &look, &t->err);
        r = r < 0 ? r : draft_seal(&t->draft, &t->spec, &t->err);
        return r < 0 ? r : read_facts(t, dir);
}

static void print_lines(FILE *out, const char *what, const struct strv *lines) {
        for (size_t i = 0; i < lines->n; i++)
                fprintf(out, "%s: %s\n", what, lines->items[i]);
}

static void print_error(const void *data, FILE *out) {
        const struct attempt *t = data;
        const char *source = spec_error_source(&t->draft.spec, &t->err);
        char line[1024];

        fprintf(out, "error %s: %s%s%s\n", err_kind_name(t->err.kind), source ? source : "", source ? ": " : "",
                err_format(&t->err, false, line, sizeof line));
}

static void print_plan(const void *data, FILE *out) {
        const struct attempt *t = data;
        struct attempt failed = *t;
        struct arena a = { 0 };
        const struct plan *p;

        print_lines(out, "warning", &t->draft.warnings);
        print_lines(out, "remark", &t->draft.notes);
        if (plan_make(t->spec, &t->facts, &a, &p, &failed.err) < 0)
                print_error(&failed, out);
        else if (t->spec->self.dry_run == DRY_RUN_JSON)
                plan_print_json(p, t->spec, out);
        else {
                plan_print(p, t->spec, out);
                rest_print(p, out);
        }
        arena_done(&a);
}

static char *text_of(struct run *r, void (*print)(const void *data, FILE *out), const void *data) {
        CLEAN_FREE char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        if (!out)
                die("no memory for", "a plan");
        print(data, out);
        fclose(out);
        return arena_strdup(&r->arena, text);
}

/* What the case in dir comes to. A plan follows from its inputs, and making it does not change them: so it is made
 * twice. */
static const char *outcome(struct run *r, const char *dir) {
        struct attempt t = { 0 };
        struct strv argv = read_words(&r->arena, dir, "argv"), env = read_words(&r->arena, dir, "environ");
        const char *text = NULL, *again;
        struct facts facts;
        struct spec spec;

        if (argv.n == 0)
                strv_add(&r->arena, &argv, "berth");
        draft_init(&t.draft, conf_face(argv.items[0]));
        conf_init(&t.conf, &t.draft, env.items);
        if (prepare(&t, dir, &argv) < 0)
                text = text_of(r, print_error, &t);
        else {
                facts = t.facts;
                spec = *t.spec;
                text = text_of(r, print_plan, &t);
                again = text_of(r, print_plan, &t);
                if (memcmp(&spec, t.spec, sizeof spec) != 0 || memcmp(&facts, &t.facts, sizeof facts) != 0)
                        text = "bug: the plan changed its inputs\n";
                else if (!streq(text, again))
                        text = arena_printf(&r->arena, "bug: made twice, the plan is another\n%s",
                                            diff_text(&r->arena, text, again));
        }
        draft_done(&t.draft);
        return *text == '{' ? text : text_of(r, print_tidy, text);
}

/* A case inside another one is shown by what differs from that. Errors and JSON stand for themselves. */
static const char *shown(struct run *r, const char *dir, const char *base) {
        const char *text = outcome(r, dir), *diff;

        if (!base || *text == '{' || str_after(text, "error ") || strstr(text, "\nerror "))
                return text;
        diff = diff_text(&r->arena, outcome(r, base), text);
        return *diff ? diff : "(the same)\n";
}

static void show_comment(struct run *r, const char *text) {
        struct arena *a = &r->arena;
        char *rest = arena_strdup(a, text), *line;

        while ((line = strsep(&rest, "\n")))
                if (*line)
                        printf("# %s\n", line);
}

static void run_case(struct run *r, const char *dir, const char *base) {
        const char *name = dir + strlen(r->root) + 1, *want, *got;

        if ((r->word && !strstr(name, r->word)) || is_elsewhere(&r->arena, dir))
                return;
        got = shown(r, dir, base);
        want = read_file(&r->arena, dir, "expect");
        if (r->update && (!want || !streq(want, got))) {
                write_file(dir, "expect", got);
                printf("# %s is new\n", name);
                want = got;
        }
        if (!OK(&r->tap, want && streq(want, got), "%s", name)) {
                printf("# %s\n", want ? "what differs:" : "nothing is expected; what comes is:");
                show_comment(r, want ? diff_text(&r->arena, want, got) : got);
        }
}

static int no_dots(const struct dirent *d) {
        return d->d_name[0] != '.';
}

static void run_below(struct run *r, const char *dir, const char *base) {
        struct dirent **names;
        int n = scandir(dir, &names, no_dots, alphasort);

        if (n < 0)
                die("cannot read", dir);
        for (int i = 0; i < n; i++) {
                const char *path = arena_printf(&r->arena, "%s/%s", dir, names[i]->d_name);
                bool is_case = exists(path, "argv") || exists(path, "x.nspawn");
                struct stat st;

                if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
                        if (is_case)
                                run_case(r, path, base);
                        run_below(r, path, is_case ? path : base);
                }
                free(names[i]);
        }
        free(names);
}

int main(int argc, char **argv) {
        struct run r = { 0 };
        char root[PATH_MAX];
        int at = 1;

        if (at < argc && streq(argv[at], "--update")) {
                r.update = true;
                at++;
        }
        if (at >= argc || !realpath(argv[at], root))
                die("cannot open", at < argc ? argv[at] : "(no directory)");
        r.root = root;
        r.word = argv[at + 1];
        run_below(&r, root, NULL);
        if (r.tap.n == 0)
                OK(&r.tap, false, "there is a case to run");
        arena_done(&r.arena);
        return tap_done(&r.tap);
}
