/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command line. Input: a byte (bit 0: strict face), then words, each ended by a newline. A word that begins with $
 * is a variable of the caller. */

#include <string.h>

#include "base/str.h"
#include "conf/setting.h"
#include "fuzz/fuzz.h"

enum { WORDS_MAX = 256 };

struct input {
        char *argv[WORDS_MAX + 2], *env[WORDS_MAX + 1];
        int argc;
        size_t n_env;
};

static void split(struct input *in, char *text) {
        in->argv[in->argc++] = strcpy(text, "berth");
        text += sizeof "berth";
        for (char *end; in->argc + (int) in->n_env <= WORDS_MAX && (end = strchr(text, '\n')); text = end + 1) {
                *end = '\0';
                if (*text == '$')
                        in->env[in->n_env++] = text + 1;
                else
                        in->argv[in->argc++] = text;
        }
}

static void check_error(const struct err *e) {
        char line[1200];

        err_format(e, true, line, sizeof line);
        MUST(e->kind == ERR_USAGE);
        MUST(e->text[0] && !strpbrk(line, "\n\r\x1b"));
}

static void check_spec(const struct conf *c, const struct spec *s) {
        MUST(s->net.private == YES || s->net.private == NO);
        MUST(!s->id.machine || !strchr(s->id.machine, '/'));
        MUST(!s->exec.chdir || *s->exec.chdir == '/');
        MUST((s->limits.rlimit_said & ~0xffffu) == 0);
        MUST(s->self.face != FACE_STRICT || s->ids.mode != USERS_DEFAULT);
        for (size_t i = 0; i < s->exec.env.n; i++)
                MUST(strchr(s->exec.env.items[i], '='));
        MUST(c->draft->warnings.n == 0);
}

static void print_away(const struct conf *c, enum conf_action action) {
        static char buf[64 * 1024];
        FILE *f = fmemopen(buf, sizeof buf, "w");

        MUST(f);
        conf_print(f, c, action);
        fclose(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct input in = { 0 };
        struct draft d;
        struct conf c;
        struct err e = { 0 };
        const struct spec *s = NULL;
        enum conf_action action = CONF_RUN;
        char *text;
        int r;

        if (size < 1)
                return 0;
        text = calloc(1, size + sizeof "berth" + 1);
        MUST(text);
        memcpy(text + sizeof "berth", data + 1, size - 1);
        split(&in, text);
        draft_init(&d, data[0] & 1 ? FACE_STRICT : FACE_BERTH);
        conf_init(&c, &d, in.env);
        r = conf_argv(&c, in.argc, in.argv, &action, &e);
        if (r == 0 && action == CONF_RUN)
                r = conf_environment(&c, &e);
        if (r == 0 && action == CONF_RUN)
                r = draft_seal(&d, &s, &e);
        if (r < 0)
                check_error(&e);
        else if (action != CONF_RUN)
                print_away(&c, action);
        else
                check_spec(&c, s);
        draft_done(&d);
        free(text);
        return 0;
}
