/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test-filter-common.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"

static void die(const char *what, unsigned at) {
        printf("Bail out! %s %u\n", what, at);
        exit(1);
}

static uint32_t word_at(const struct seccomp_data *d, uint32_t offset) {
        uint32_t word;

        if (offset % 4 != 0 || offset > sizeof *d - sizeof word)
                die("load beside the data, offset", offset);
        memcpy(&word, (const char *) d + offset, sizeof word);
        return word;
}

static bool holds(const struct sock_filter *i, uint32_t word) {
        switch (BPF_OP(i->code)) {
        case BPF_JEQ: return word == i->k;
        case BPF_JGE: return word >= i->k;
        case BPF_JGT: return word > i->k;
        case BPF_JSET: return word & i->k;
        default: die("unknown jump", i->code); return false;
        }
}

uint32_t filter_run(const struct filter *f, const struct seccomp_data *d) {
        uint32_t word = 0;

        for (size_t at = 0; at < f->n; at++) {
                const struct sock_filter *i = &f->insns[at];

                if (i->code == (BPF_RET | BPF_K))
                        return i->k;
                if (i->code == (BPF_LD | BPF_W | BPF_ABS))
                        word = word_at(d, i->k);
                else if (i->code == (BPF_ALU | BPF_AND | BPF_K)) /* libseccomp's */
                        word &= i->k;
                else if (i->code == (BPF_JMP | BPF_JA))
                        at += i->k;
                else if (BPF_CLASS(i->code) == BPF_JMP && BPF_SRC(i->code) == BPF_K)
                        at += holds(i, word) ? i->jt : i->jf;
                else
                        die("unknown instruction at", (unsigned) at);
        }
        die("ran off the end of a program of length", f->n);
        return 0;
}

const char *action_name(uint32_t action) {
        const char *name = strerrorname_np((int) (action & SECCOMP_RET_DATA));

        if (action == SECCOMP_RET_ALLOW)
                return "allow";
        if (action == SECCOMP_RET_KILL_PROCESS)
                return "kill";
        if (action == SECCOMP_RET_ERRNO)
                return "ok";
        return (action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO && name ? name : "?";
}

struct filter build(const struct filter_want *want, const struct call_table *t, struct arena *a) {
        struct err e = { 0 };
        struct filter f = { 0 };

        if (filter_build(want, t, a, &f, &e) < 0) {
                printf("# %s\n", e.text);
                die("cannot build", 0);
        }
        return f;
}

int32_t number(const char *name, unsigned abi) {
        long row = calls_find(&calls_native, name);

        return row < 0 ? -1 : calls_native.rows[row].nr[abi];
}

uint32_t decide(const struct filter *f, unsigned abi, const char *name, uint64_t arg0, uint64_t arg1, uint64_t arg2) {
        const struct seccomp_data d = {
                .nr = number(name, abi),
                .arch = calls_native.abi[abi].audit_arch,
                .args = { arg0, arg1, arg2 },
        };

        if (d.nr < 0)
                printf("# no number for %s\n", name), die("ABI", abi);
        return filter_run(f, &d);
}

struct strv read_words(struct arena *a, const char *dir, const char *file) {
        CLEAN_FILE FILE *in = fopen(arena_printf(a, "%s/%s", dir, file), "re");
        CLEAN_FREE char *line = NULL;
        struct strv v = { 0 };
        size_t size = 0;

        if (!in)
                printf("# %s/%s: %s\n", dir, file, strerror(errno)), die("cannot read", 0);
        while (getline(&line, &size, in) > 0)
                for (char *word = strtok(line, " \n"); *line != '#' && word; word = strtok(NULL, " \n"))
                        strv_add(a, &v, word);
        return v;
}

bool has_word(const struct strv *v, const char *word) {
        for (size_t i = 0; i < v->n; i++)
                if (strcmp(v->items[i], word) == 0)
                        return true;
        return false;
}
