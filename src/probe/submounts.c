/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is mounted inside the tree, and seen there. The order of mountinfo does not tell what covers what, since mounts
 * can be moved; which mount each one lies on does. */

#include "probe/probe.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/str.h"
#include "probe/host_text.h"
#include "sys/mounts.h"

static bool is_octal(char c) {
        return c >= '0' && c <= '7';
}

/* proc_pid_mountinfo(5): spaces, tabs, newlines and backslashes of a path are written as \ooo. */
static void unescape(char *s) {
        char *o = s;

        for (; *s; s++)
                if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && is_octal(s[2]) && is_octal(s[3])) {
                        *o++ = (char) ((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
                        s += 3;
                } else
                        *o++ = *s;
        *o = '\0';
}

static bool may_idmap(const char *type) {
        static const char no[][9] = { "overlay", "nfs",    "nfs4",     "9p",      "ramfs",
                                      "proc",    "sysfs",  "devtmpfs", "devpts",  "cgroup",
                                      "cgroup2", "mqueue", "debugfs",  "tracefs", "cifs" };

        for (size_t i = 0; i < ELEMENTS(no); i++)
                if (str_after(type, no[i]) && strcspn(type, " ") == strlen(no[i]))
                        return false;
        return true;
}

/* Fields: id, parent, device, root, mount point, ... " - " type source options */
void submounts_take_line(char *line, const char *tree, struct arena *a, struct mount_lines *ret) {
        char *type = strstr(line, " - "), *at = line, *end;
        struct mount_line m = { .nr = ret->n };
        const char *below;

        m.id = strtol(line, &end, 10);
        m.on = strtol(end, NULL, 10);
        for (int i = 0; at && i < 4; i++)
                at = strchr(at, ' ') ? strchr(at, ' ') + 1 : NULL;
        if (!type || !at)
                return;
        type += 3;
        at[strcspn(at, " ")] = '\0';
        unescape(at);
        below = str_after(at, streq(tree, "/") ? "" : tree);
        if (!below || *below++ != '/' || !*below)
                return;
        m.path = arena_strdup(a, below);
        m.can_idmap = may_idmap(type);
        *arena_push(a, ret) = m;
}

/* Those on one mount together, by their paths. */
static int by_place(const void *a, const void *b) {
        const struct mount_line *x = a, *y = b;

        return x->on != y->on ? (x->on < y->on ? -1 : 1) : strcmp(x->path, y->path);
}

/* And of those on one place the last first. */
static int by_place_and_age(const void *a, const void *b) {
        const struct mount_line *x = a, *y = b;
        int r = by_place(a, b);

        return r ? r : x->nr > y->nr ? -1 : 1;
}

/* The first one that is not before this place. */
static struct mount_line *find_place(const struct mount_lines *l, long on, const char *path) {
        const struct mount_line key = { .on = on, .path = path };
        size_t low = 0, high = l->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (by_place(&l->items[middle], &key) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return &l->items[low];
}

static bool has_place(const struct mount_lines *l, long on, const char *path) {
        const struct mount_line *m = find_place(l, on, path);

        return m < l->items + l->n && m->on == on && streq(m->path, path);
}

/* Does another one on the same mount lie above it? */
static bool is_below_another(const struct mount_lines *l, const struct mount_line *m, struct arena *a) {
        for (const char *slash = strchr(m->path, '/'); slash; slash = strchr(slash + 1, '/'))
                if (has_place(l, m->on, arena_strndup(a, m->path, (size_t) (slash - m->path))))
                        return true;
        return false;
}

/* Within what its mount shows: anything else no kernel writes. */
static bool lies_on(const struct mount_line *m, const struct mount_line *on) {
        const char *rest = *on->path ? str_after(m->path, on->path) : "";

        return rest && (*rest == '\0' || *rest == '/');
}

void submounts_seen(struct mount_lines *l, long top, struct arena *a, struct submount_list *ret) {
        const struct mount_line tree = { .id = top, .path = "" }, **queue;
        size_t n = 0;

        if (l->n == 0)
                return;
        qsort(l->items, l->n, sizeof *l->items, by_place_and_age);
        queue = arena_alloc(a, (l->n + 1) * sizeof *queue);
        queue[n++] = &tree;
        for (size_t i = 0; i < n; i++) {
                struct mount_line *m = find_place(l, queue[i]->id, "");

                for (; m < l->items + l->n && m->on == queue[i]->id; m++) {
                        bool again = m > l->items && by_place(m - 1, m) == 0;

                        if (m->taken || again || !lies_on(m, queue[i]) || is_below_another(l, m, a))
                                continue;
                        m->taken = true;
                        queue[n++] = m;
                        /* One that lies on its very top hides it, and all else that lies on it. */
                        if (!has_place(l, m->id, m->path))
                                *arena_push(a, ret) = (struct submount){ m->path, m->can_idmap };
                }
        }
}

int probe_submounts(struct arena *a, struct facts *f, const struct opened *o, struct err *e) {
        CLEAN_FILE FILE *file = fopen("/proc/self/mountinfo", "re");
        CLEAN_FREE char *line = NULL;
        char by_number[32], real[PATH_MAX];
        const char *tree = f->tree.path;
        struct mount_lines lines = { 0 };
        size_t room = 0;
        long top;
        int k = mount_number(o->root, &top);

        if (!file || k < 0)
                return err_set(e, ERR_SYSTEM, k < 0 ? -k : errno, "cannot read the list of mounts");
        if (o->whole >= 0) {
                ssize_t n;

                snprintf(by_number, sizeof by_number, "self/fd/%d", o->root);
                n = readlinkat(o->proc, by_number, real, sizeof real - 1);
                if (n < 0)
                        return err_set(e, ERR_SYSTEM, errno, "cannot tell where /%s of %s is", f->tree.pivot, tree);
                real[n] = '\0';
                tree = real;
        }
        f->tree.submounts = (struct submount_list){ 0 };
        while (getline(&line, &room, file) > 0)
                submounts_take_line(line, tree, a, &lines);
        submounts_seen(&lines, top, a, &f->tree.submounts);
        f->tree.submounts_known = true;
        return 0;
}
