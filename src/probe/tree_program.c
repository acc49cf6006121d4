/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Is there anything to run in the tree? Asked before the start, and only of trees that do not look like an OS: a start
 * makes the directories in a tree that it mounts on, and the current directory is the tree where nothing is said. Runs
 * in process P. The guest looks the program up again, for good: what is found here is a name, and no promise.
 *
 * What is in an image is read anew at each start, and unpacked. So the program is read while all else is made ready
 * for it. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "base/str.h"
#include "plan/plan.h"
#include "probe/tree.h"
#include "probe/tree_open.h"
#include "sys/readahead.h"
#include "sys/resolve.h"

/* Only what is certainly not there is missing. */
static bool is_there(int root, const char *path) {
        CLEAN_FD int fd = resolve_in_root(root, path, O_PATH);

        return fd != -ENOENT && fd != -ENOTDIR;
}

/* 1: ret is its place; 0: it is in none of them; -ENAMETOOLONG: who knows. */
static int find_in(int root, const char *dirs, const char *name, char ret[PATH_MAX]) {
        while (*dirs) {
                size_t n = strcspn(dirs, ":");

                if ((size_t) snprintf(ret, PATH_MAX, "%.*s/%s", (int) n, dirs, name) >= PATH_MAX)
                        return -ENAMETOOLONG;
                if (is_there(root, ret))
                        return 1;
                dirs += n + (dirs[n] == ':');
        }
        return 0;
}

/* A shell: the user's, or one of these. */
static bool lacks_shell(int root) {
        return !is_there(root, "etc/passwd") && !is_there(root, "bin/bash") && !is_there(root, "bin/sh");
}

bool tree_lacks_program(int root, const struct spec_exec *x) {
        return !is_there(root, "usr") && (x->argv.n > 0 ? tree_lacks_command(root, x) : lacks_shell(root));
}

static const char *search_path(const struct spec_exec *x) {
        const char *dirs = PLAN_SEARCH_PATH;

        for (size_t i = 0; i < x->env.n; i++)
                dirs = str_or(str_after(x->env.items[i], "PATH="), dirs);
        return dirs;
}

bool tree_lacks_command(int root, const struct spec_exec *x) {
        const char *word = x->argv.items[0];
        char path[PATH_MAX];

        if (strchr(word, '/'))
                return *word == '/' && !is_there(root, word);
        return find_in(root, search_path(x), word, path) == 0;
}

/* The one that is to run, where that does not depend on the working directory. */
static bool find_program(int root, const struct spec_exec *x, const char *init, char ret[PATH_MAX]) {
        const char *word = x->argv.n > 0 ? x->argv.items[0] : "/bin/sh";

        if (x->mode == EXEC_BOOT)
                word = str_or(init, "");
        if (*word && !strchr(word, '/'))
                return find_in(root, search_path(x), word, ret) > 0;
        return *word == '/' && (size_t) snprintf(ret, PATH_MAX, "%s", word) < PATH_MAX;
}

void tree_read_ahead(int root, const struct spec_exec *x, const char *init) {
        char path[PATH_MAX];
        struct stat st;
        int fd = find_program(root, x, init, path) ? tree_open_regular(root, path, &st) : -1;

        if (fd >= 0)
                readahead_begin(fd, st.st_size);
}
