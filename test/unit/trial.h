/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One command line, maybe with settings files and an environment, from text to a sealed spec. For the tests of conf/.
 */

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/str.h"
#include "conf/conf.h"
#include "unit/tap.h"

struct trial_input {
        enum face face;
        char **argv; /* NULL-terminated, without a program name */
        char **environ;
        const char *admin;  /* text of a trusted file; NULL: none */
        const char *beside; /* text of a file beside the tree; NULL: none */
};

struct trial {
        struct draft draft;
        struct conf conf;
        const struct spec *spec; /* NULL where it failed */
        enum conf_action action;
        struct err err;
        int r;
        char line[1200]; /* the error as the user sees it */
};

#define ARGV(...) ((char **) (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

static void trial_write(const char *dir, const char *text) {
        char path[128];

        snprintf(path, sizeof path, "%s/t.nspawn", dir);
        if (text) {
                CLEAN_FILE FILE *f = fopen(path, "we");

                if (!f || fwrite(text, 1, strlen(text), f) != strlen(text))
                        abort();
        } else
                unlink(path);
}

static void trial_files(struct trial *t, const struct trial_input *in) {
        char admin[] = "/tmp/berth-test-XXXXXX", beside[] = "/tmp/berth-test-XXXXXX";
        int fd;

        if (!mkdtemp(admin) || !mkdtemp(beside))
                abort();
        trial_write(admin, in->admin);
        trial_write(beside, in->beside);
        fd = open(beside, O_PATH | O_CLOEXEC);
        t->r = conf_files(&t->conf, &(struct conf_lookup){ "t", (const char *const[]){ admin, NULL }, fd, "IMAGES" },
                          &t->err);
        close(fd);
        trial_write(admin, NULL);
        trial_write(beside, NULL);
        if (rmdir(admin) < 0 || rmdir(beside) < 0)
                abort();
}

static void trial_run(struct trial *t, const struct trial_input *in) {
        char *words[64] = { *ARGV("berth") };
        int n = 1;

        *t = (struct trial){ 0 };
        for (char **w = in->argv; *w; w++)
                words[n++] = *w;
        draft_init(&t->draft, in->face);
        conf_init(&t->conf, &t->draft, in->environ);
        t->r = conf_argv(&t->conf, n, words, &t->action, &t->err);
        if (t->r == 0 && t->action == CONF_RUN)
                t->r = conf_environment(&t->conf, &t->err);
        if (t->r == 0 && t->action == CONF_RUN && (in->admin || in->beside))
                trial_files(t, in);
        if (t->r == 0 && t->action == CONF_RUN)
                t->r = draft_seal(&t->draft, &t->spec, &t->err);
        if (t->r < 0)
                err_format(&t->err, false, t->line, sizeof t->line);
}

static inline void trial_done(struct trial *t) {
        draft_done(&t->draft);
}

static inline bool strv_is(const struct strv *v, char *const *want) {
        size_t n = 0;

        for (; want[n]; n++)
                if (n >= v->n || !streq(v->items[n], want[n]))
                        return false;
        return n == v->n;
}

static inline bool warned(const struct trial *t, const char *text) {
        for (size_t i = 0; i < t->draft.warnings.n; i++)
                if (strstr(t->draft.warnings.items[i], text))
                        return true;
        return false;
}

/* For a message: the words with blanks between. */
static inline const char *trial_words(char *const *argv, char buf[400]) {
        char line[200] = "";

        for (; *argv; argv++) {
                strncat(line, *argv, sizeof line - 1 - strlen(line));
                strncat(line, argv[1] ? " " : "", sizeof line - 1 - strlen(line));
        }
        return str_escape(line, buf, 400);
}

/* The command line is good, and cond holds of the sealed spec s. */
#define GOOD(tap, cond, ...)                                                                                          \
        do {                                                                                                          \
                struct trial trial_;                                                                                  \
                char **argv_ = ARGV(__VA_ARGS__), buf_[400];                                                          \
                trial_run(&trial_, &(struct trial_input){ .argv = argv_ });                                           \
                const struct spec *s = trial_.spec;                                                                   \
                if (!OK(tap, s && (cond), "%s", trial_words(argv_, buf_)))                                            \
                        printf("# %s\n", trial_.line);                                                                \
                trial_done(&trial_);                                                                                  \
        } while (0)

/* The command line is refused by a usage error whose text contains text. */
#define BAD(tap, text, ...)                                                                                           \
        do {                                                                                                          \
                struct trial trial_;                                                                                  \
                char **argv_ = ARGV(__VA_ARGS__), buf_[400];                                                          \
                trial_run(&trial_, &(struct trial_input){ .argv = argv_ });                                           \
                if (!OK(tap, trial_.r < 0 && trial_.err.kind == ERR_USAGE && strstr(trial_.line, text),               \
                        "refused: %s", trial_words(argv_, buf_)))                                                     \
                        printf("# %d \"%s\"\n", trial_.r, trial_.line);                                               \
                trial_done(&trial_);                                                                                  \
        } while (0)
