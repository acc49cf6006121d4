/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* base/err.c: filled once, printed as one clean line. */

#include "base/err.h"

#include <errno.h>

#include "base/str.h"
#include "unit/tap.h"

static void test_set(struct tap *t) {
        struct err e = { .hint = "old", .code = 77 };

        OK_INT(t, err_set_at(&e, "file.c:7", ERR_HOST, ENOENT, "cannot open %s", "/x"), -ENOENT, "returns the code");
        OK_INT(t, e.kind, ERR_HOST, "kind");
        OK_INT(t, e.code, ENOENT, "code");
        OK_STR(t, e.where, "file.c:7", "where");
        OK_STR(t, e.text, "cannot open /x", "text");
        OK_STR(t, e.hint, "", "an old hint is gone");
        OK_INT(t, err_hint(&e, "try %d", 2), -ENOENT, "a hint returns the same code");
        OK_STR(t, e.hint, "try 2", "hint");
        OK_INT(t, err_set_at(&e, "x", ERR_USAGE, 0, "no"), -EINVAL, "without a code");
        OK_INT(t, err_hint(&e, "h"), -EINVAL, "and its hint");
        OK_INT(t, err_set_at(NULL, "x", ERR_USAGE, EPERM, "no %d", 1), -EPERM, "nobody wants to know");
        OK_INT(t, err_hint(NULL, "h"), -EINVAL, "nor the hint");
        err_set(&e, ERR_BUG, 0, "x");
        OK(t, strstr(e.where, "test-err.c:"), "where is file and line: %s", e.where);
}

static void test_blame(struct tap *t) {
        struct err e = { 0 };

        err_set(&e, ERR_USAGE, ENOENT, "x");
        OK_INT(t, err_blame(&e, "uid", NULL), -ENOENT, "blame returns the same code");
        OK_STR(t, e.setting, "uid", "the option");
        OK_STR(t, e.word, "", "no part of its value");
        err_blame(&e, "--timezone=copy", "copy");
        OK_STR(t, e.setting, "timezone", "an option as users write it");
        OK_STR(t, e.word, "copy", "a part of its value");
        err_set(&e, ERR_USAGE, 0, "x");
        OK(t, !e.setting[0] && !e.word[0], "the next error is nobody's");
        OK_INT(t, err_blame(&e, "uid", NULL), -EINVAL, "without a code");
        OK_INT(t, err_blame(NULL, "uid", NULL), -EINVAL, "nobody wants to know");
        memset(&e, 'x', sizeof e);
        err_terminate(&e);
        OK(t,
           strlen(e.where) < sizeof e.where && strlen(e.text) < sizeof e.text && strlen(e.hint) < sizeof e.hint &&
                   strlen(e.setting) < sizeof e.setting && strlen(e.word) < sizeof e.word,
           "all texts of one that came by a message end");
}

static void test_format(struct tap *t) {
        struct err e = { 0 };
        char buf[1200];

        err_set_at(&e, "f.c:1", ERR_IMAGE, 0, "no init");
        OK_STR(t, err_format(&e, false, buf, sizeof buf), "no init", "text alone");
        OK_STR(t, err_format(&e, true, buf, sizeof buf), "no init [image at f.c:1]", "with where");
        err_hint(&e, "look");
        OK_STR(t, err_format(&e, false, buf, sizeof buf), "no init (look)", "with a hint");
        err_set_at(&e, "f.c:1", ERR_IMAGE, ENOENT, "no init");
        OK_STR(t, err_format(&e, false, buf, sizeof buf), "no init: No such file or directory", "with a code");
        err_hint(&e, "look");
        OK_STR(t, err_format(&e, true, buf, sizeof buf), "no init: No such file or directory (look) [image at f.c:1]",
               "with all");
        err_set_at(&e, "f.c:1", ERR_HOST, EMFILE, "no pipe");
        OK_STR(t, err_format(&e, false, buf, sizeof buf), "no pipe: Too many open files (see ulimit -n)", "a limit");
        err_hint(&e, "look");
        OK_STR(t, err_format(&e, false, buf, sizeof buf), "no pipe: Too many open files (look)", "a better hint");
        err_set_at(&e, "f.c:1", ERR_IMAGE, 0, "bad name a\x1b]0;x\x07\nb");
        OK_STR(t, err_format(&e, false, buf, sizeof buf), "bad name a\\x1b]0;x\\x07\\x0ab", "control characters");
        OK_STR(t, err_format(&e, false, buf, 6), "bad n", "cut off");
}

/* The longest there can be of each part fits the line, and what is longer is cut off where it is set. */
static void test_long(struct tap *t) {
        char big[1000], buf[2000];
        struct err e = { 0 };

        memset(big, 'x', sizeof big - 1);
        big[sizeof big - 1] = '\0';
        err_set_at(&e, big, ERR_SYSTEM, EPERM, "%s", big);
        err_hint(&e, "%s", big);
        OK_INT(t, strlen(e.text), sizeof e.text - 1, "text is cut off");
        OK_INT(t, strlen(e.hint), sizeof e.hint - 1, "hint is cut off");
        OK_INT(t, strlen(e.where), sizeof e.where - 1, "where is cut off");
        err_format(&e, true, buf, sizeof buf);
        OK(t, buf[strlen(buf) - 1] == ']', "the whole line is there");
        OK(t, sizeof e < 1024, "an error fits a datagram");
}

static void test_kinds(struct tap *t) {
        for (int k = ERR_NONE; k < ERR_KIND_MAX_; k++) {
                OK(t, err_kind_name((enum err_kind) k) && !streq(err_kind_name((enum err_kind) k), "unknown"),
                   "kind %d has a name", k);
                for (int i = ERR_NONE; i < k; i++)
                        if (streq(err_kind_name((enum err_kind) k), err_kind_name((enum err_kind) i)))
                                OK(t, false, "kinds %d and %d have different names", i, k);
        }
        OK_STR(t, err_kind_name(ERR_KIND_MAX_), "unknown", "no kind");
        OK_STR(t, err_kind_name((enum err_kind) - 1), "unknown", "no kind, negative");
}

int main(void) {
        struct tap t = { 0 };

        test_set(&t);
        test_blame(&t);
        test_format(&t);
        test_long(&t);
        test_kinds(&t);
        return tap_done(&t);
}
