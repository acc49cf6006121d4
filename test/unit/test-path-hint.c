/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* base/path_hint.c: the part of a path that is in the way is named. */

#include "base/path_hint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "unit/tap.h"

static void make_things(void) {
        mkdir("dir", 0755);
        close(open("dir/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        (void) !symlink("nowhere", "dir/lost");
        (void) !symlink("dir", "link");
        (void) !symlink("circle", "circle");
}

static void test_rows(struct tap *t, const char *top) {
        static const struct {
                const char *path, *hint;
                bool below; /* an absolute path: below the top */
        } rows[] = {
                { "missing", "this directory has no missing" },
                { "dir/a/b", "dir has no a" },
                { "./dir//a/", "./dir has no a" },
                { "link/x", "link has no x" },
                { "dir/lost", "lost in dir is a link to what is not there" },
                { "dir/lost/x", "lost in dir is a link to what is not there" },
                { "dir/file/x", "file in dir is no directory" },
                { "dir/file/", "name a directory" },
                { "circle/x", "links lead in a circle, or there are too many: readlink -e shows where" },
                { "/no-such-thing-here/x", "/ has no no-such-thing-here" },
                { "/dir/a", "/dir has no a", .below = true },
                { "", "" },
        };

        for (size_t i = 0; i < ELEMENTS(rows); i++) {
                char path[256], hint[256];
                struct err e = { 0 };
                int fd, code;

                snprintf(path, sizeof path, "%s%s", rows[i].below ? top : "", rows[i].path);
                snprintf(hint, sizeof hint, "%s%s", rows[i].below ? top : "", rows[i].hint);
                fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
                code = fd < 0 ? errno : 0;
                OK(t, code > 0, "%s cannot be opened", path);
                err_set(&e, ERR_HOST, code, "cannot open %s", path);
                OK_INT(t, err_hint_path(&e, path), -code, "%s: the code stays", path);
                OK_STR(t, e.hint, hint, "%s: the hint", path);
        }
}

static void test_codes(struct tap *t) {
        struct err e = { 0 };

        err_set(&e, ERR_HOST, EISDIR, "x");
        err_hint_path(&e, "dir");
        OK_STR(t, e.hint, "name a file in it", "a directory in the place of a file");
        err_set(&e, ERR_HOST, EACCES, "x");
        err_hint_path(&e, "dir");
        OK(t, e.hint[0], "no permission");
        err_set(&e, ERR_HOST, EIO, "x");
        OK_INT(t, err_hint_path(&e, "dir"), -EIO, "of other codes");
        OK_STR(t, e.hint, "", "nothing is said");
        err_set(&e, ERR_HOST, ENOENT, "x");
        err_hint_path(&e, "dir/file");
        OK_STR(t, e.hint, "", "nor of what is there by now");
        OK_INT(t, err_hint_path(NULL, "x"), -EINVAL, "nobody wants to know");
}

int main(void) {
        char dir[] = "/tmp/test-path-hint.XXXXXX";
        struct tap t = { 0 };

        if (!mkdtemp(dir) || chdir(dir) < 0)
                return 1;
        make_things();
        test_rows(&t, dir);
        test_codes(&t);
        unlink("dir/file");
        unlink("dir/lost");
        unlink("link");
        unlink("circle");
        rmdir("dir");
        rmdir(dir);
        return tap_done(&t);
}
