/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/pick.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arch.h"
#include "base/clean.h"
#include "unit/tap.h"

static const char *const dirs[] = { "os.v", "os.v/os_1", "os.v/os_2", "os.raw.v", "empty.v", "plain", "x.v" };
static const char *const files[] = {
        "os.v/os_9",
        "os.raw.v/os_7.5.13.raw",
        "os.raw.v/os_7.5.14_" ARCH_NATIVE ".raw",
        "os.raw.v/os_7.6.0_tilegx.raw",
        "os.raw.v/os_7.7.0_" ARCH_NATIVE "+0-5.raw",
        "os.raw.v/other_9.raw",
        "os.raw.v/os_9.img",
        "not-a-dir.v",
        "x.v/a_1.raw",
        "x.v/a_2.raw",
        "x.v/b_3.raw",
};

static void make(void) {
        for (size_t i = 0; i < ELEMENTS(dirs); i++)
                (void) mkdir(dirs[i], 0755);
        for (size_t i = 0; i < ELEMENTS(files); i++)
                close(open(files[i], O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
        (void) symlink("missing", "os.v/os_8");
}

static void unmake(void) {
        (void) unlink("os.v/os_8");
        for (size_t i = 0; i < ELEMENTS(files); i++)
                (void) unlink(files[i]);
        for (size_t i = ELEMENTS(dirs); i > 0; i--)
                (void) rmdir(dirs[i - 1]);
}

int main(void) {
        static const struct pick tree = { "", true, false }, image = { ".raw", false, true };
        static const struct {
                const char *path;
                const struct pick *pick;
                int want;
                const char *picked;
        } cases[] = {
                { "os.v", &tree, 1, "os.v/os_2" },
                { "./os.v//", &tree, 1, "./os.v/os_2" },
                { "os.raw.v", &image, 1, "os.raw.v/os_7.5.14_" ARCH_NATIVE ".raw" },
                { "x.v/a___.raw", &image, 1, "x.v/a_2.raw" },
                { "x.v/b___.raw", &image, 1, "x.v/b_3.raw" },
                { "x.v/c___.raw", &image, -ENOENT, NULL },
                { "x.v/___.raw", &image, 0, NULL },
                { "os.v", &image, -ENOENT, NULL },
                { "empty.v", &tree, -ENOENT, NULL },
                { "plain", &tree, 0, NULL },
                { "plain/a___b", &tree, 0, NULL },
                { "not-a-dir.v", &image, 0, NULL },
                { "missing.v", &image, 0, NULL },
                { "missing.v/a___", &image, 0, NULL },
                { "", &image, 0, NULL },
                { "/", &tree, 0, NULL },
                { ".v", &tree, 0, NULL },
        };
        char where[] = "/tmp/test-pick-XXXXXX";
        struct arena a = { 0 };
        struct tap t = { 0 };

        if (!mkdtemp(where) || chdir(where) < 0)
                return EXIT_FAILURE;
        make();
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                const char *picked = NULL;

                OK_INT(&t, pick_version(cases[i].path, cases[i].pick, &a, &picked), cases[i].want, "'%s'",
                       cases[i].path);
                OK_STR(&t, picked, cases[i].picked, "what '%s' leads to", cases[i].path);
        }
        unmake();
        (void) chdir("/");
        (void) rmdir(where);
        arena_done(&a);
        return tap_done(&t);
}
