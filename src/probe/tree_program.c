/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Is there anything to run in the tree? Asked before the start, and only of trees that do not look like an OS: a start
 * makes the directories in a tree that it mounts on, and the current directory is the tree where nothing is said. Runs
 * in process P. The guest looks the program up again, for good: what is found here is a name, and no promise. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "base/str.h"
#include "plan/plan.h"
#include "probe/tree.h"
#include "sys/resolve.h"

/* Only what is certainly not there is missing. */
static bool is_there(int root, const char *path) {
        CLEAN_FD int fd = resolve_in_root(root, path, O_PATH);

        return fd != -ENOENT && fd != -ENOTDIR;
}

static bool is_in_path(int root, const char *dirs, const char *name) {
        while (*dirs) {
                size_t n = strcspn(dirs, ":");
                char path[4096];

                if ((size_t) snprintf(path, sizeof path, "%.*s/%s", (int) n, dirs, name) >= sizeof path ||
                    is_there(root, path))
                        return true;
                dirs += n + (dirs[n] == ':');
        }
        return false;
}

/* A shell: the user's, or one of these. */
static bool lacks_shell(int root) {
        return !is_there(root, "etc/passwd") && !is_there(root, "bin/bash") && !is_there(root, "bin/sh");
}

bool tree_lacks_program(int root, const struct spec_exec *x) {
        return !is_there(root, "usr") && (x->argv.n > 0 ? tree_lacks_command(root, x) : lacks_shell(root));
}

bool tree_lacks_command(int root, const struct spec_exec *x) {
        const char *word = x->argv.items[0], *dirs = PLAN_SEARCH_PATH;

        if (strchr(word, '/'))
                return *word == '/' && !is_there(root, word);
        for (size_t i = 0; i < x->env.n; i++)
                dirs = str_or(str_after(x->env.items[i], "PATH="), dirs);
        return !is_in_path(root, dirs, word);
}
