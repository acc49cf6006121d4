/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The list of mounts. Input: a line with the path of the tree, then lines as in proc_pid_mountinfo(5). Who may mount
 * chooses most of their text. */

#include <string.h>

#include "base/str.h"
#include "fuzz/fuzz.h"
#include "probe/host_text.h"

static void check_list(const struct submount_list *l) {
        for (size_t i = 0; i < l->n; i++) {
                const char *path = l->items[i].path;

                MUST(*path);
                for (size_t k = 0; k < i; k++) {
                        const char *rest = str_after(l->items[k].path, path);

                        /* Neither twice, nor before what covers it. */
                        MUST(!rest || (*rest && *rest != '/'));
                }
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *text = malloc(size + 1), *rest = text, *line;
        const char *tree = "/srv/t";
        struct mount_lines lines = { 0 };
        struct submount_list seen = { 0 };
        struct arena a = { 0 };

        MUST(text);
        memcpy(text, data, size);
        text[size] = '\0';
        line = strsep(&rest, "\n");
        if (line && *line == '/')
                tree = line;
        while ((line = strsep(&rest, "\n")))
                submounts_take_line(line, tree, &a, &lines);
        submounts_seen(&lines, 35, &a, &seen);
        check_list(&seen);
        arena_done(&a);
        free(text);
        return 0;
}
