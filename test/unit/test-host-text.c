/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* probe/host_text.h: os-release(5) and lines of proc_pid_mountinfo(5). */

#include "probe/host_text.h"

#include "base/clean.h"
#include "base/str.h"
#include "unit/tap.h"

static void test_os_release(struct tap *t) {
        static const struct {
                const char *text, *name, *value;
        } cases[] = {
                { "ID=debian\n", "ID", "debian" },
                { "ID=debian", "ID", "debian" },
                { "NAME=x\nVERSION_ID=\"13\"\nID=y\n", "VERSION_ID", "13" },
                { "VERSION_ID='13'\n", "VERSION_ID", "13" },
                { "ID=\"two words\"\n", "ID", "two words" },
                { "ID_LIKE=x\nID=y\n", "ID", "y" },
                { "VERSION_ID=1\n", "ID", NULL },
                { "# ID=x\n ID=y\n", "ID", NULL },
                { "ID=\n", "ID", NULL },
                { "ID=\"\"\n", "ID", NULL },
                { "ID=\"x\n", "ID", "\"x" },
                { "ID=\"x'\n", "ID", "\"x'" },
                { "ID=\"\n", "ID", "\"" },
                { "ID\n", "ID", NULL },
                { "", "ID", NULL },
        };
        struct arena a = { 0 };

        for (size_t i = 0; i < ELEMENTS(cases); i++)
                OK_STR(t, os_release_field(cases[i].text, cases[i].name, &a), cases[i].value, "os-release, case %zu",
                       i);
        arena_done(&a);
}

/* The list as one text: paths with blanks in between, ! behind those whose owners cannot be mapped. */
enum { TREE = 30 }; /* the id of the mount that the tree is in */

static const char *submounts(const char *tree, const char *mountinfo, struct arena *a) {
        char *text = arena_strdup(a, mountinfo), *line;
        struct mount_lines lines = { 0 };
        struct submount_list seen = { 0 };
        const char *list = "";

        while ((line = strsep(&text, "\n")))
                submounts_take_line(line, tree, a, &lines);
        submounts_seen(&lines, TREE, a, &seen);
        for (size_t i = 0; i < seen.n; i++)
                list = arena_printf(a, "%s%s%s%s", list, i ? " " : "", seen.items[i].path,
                                    seen.items[i].can_idmap ? "" : "!");
        return list;
}

#define MOUNT(id, on, at, type)                                                                                       \
#id " " #on " 98:0 /root " at " rw,noatime shared:1 master:2 - " type " /dev/sda rw,errors=continue\n"

/* clang-format off */
static const struct {
        const char *tree, *text, *list, *what;
} mounts[] = {
        { "/srv/t", "", "", "nothing" },
        { "/srv/t", MOUNT(30, 1, "/", "ext4") MOUNT(31, 30, "/srv", "ext4") MOUNT(32, 31, "/srv/t", "ext4"), "",
          "above, and on the tree" },
        { "/srv/t", MOUNT(31, 30, "/srv/t/usr", "ext4") MOUNT(32, 31, "/srv/t/usr/share", "btrfs"), "usr usr/share",
          "two inside" },
        { "/srv/t", MOUNT(33, 32, "/srv/t/a/b", "ext4") MOUNT(32, 30, "/srv/t/a", "btrfs"), "a a/b",
          "one that was moved to where an older one lies" },
        { "/srv/t", MOUNT(31, 30, "/srv/t2", "ext4") MOUNT(32, 30, "/srv/tt/x", "ext4")
          MOUNT(33, 30, "/x/srv/t/y", "ext4"),
          "", "beside it" },
        { "/srv/t", MOUNT(31, 30, "/srv/t/a", "overlay") MOUNT(32, 30, "/srv/t/b", "overlayfs")
          MOUNT(33, 30, "/srv/t/c", "nfs4"), "a! b c!", "file systems that cannot be idmapped" },
        { "/srv/t", MOUNT(31, 30, "/srv/t/a", "ext4") MOUNT(32, 31, "/srv/t/a", "proc"), "a!",
          "the upper one of two on one place" },
        { "/srv/t", MOUNT(31, 30, "/srv/t/a", "ext4") MOUNT(33, 31, "/srv/t/a/b", "ext4")
          MOUNT(32, 31, "/srv/t/a", "ext4")
          MOUNT(34, 32, "/srv/t/a/c", "ext4") MOUNT(35, 33, "/srv/t/a/b/d", "ext4"), "a a/c",
          "with the lower one goes what lies on it" },
        { "/srv/t", MOUNT(31, 30, "/srv/t/a/b", "ext4") MOUNT(32, 31, "/srv/t/a/b/x", "ext4")
          MOUNT(33, 30, "/srv/t/a/c/d", "ext4")
          MOUNT(34, 30, "/srv/t/ab", "ext4") MOUNT(35, 30, "/srv/t/a", "ext4"), "a ab", "one that covers others" },
        { "/srv/t", MOUNT(31, 30, "/srv/t/a", "ext4") MOUNT(40, 29, "/srv/t/b", "ext4")
          MOUNT(41, 40, "/srv/t/b/c", "ext4"), "a",
          "a mount over the tree hides what lies on the one below it" },
        { "/", MOUNT(30, 1, "/", "ext4") MOUNT(31, 30, "/usr", "ext4") MOUNT(32, 31, "/usr/x", "ext4"), "usr usr/x",
          "the root as the tree" },
        { "/", MOUNT(20, 30, "/proc", "proc") MOUNT(21, 30, "/run", "tmpfs") MOUNT(30, 1, "/", "ext4"), "proc! run",
          "mounts that are older than the root" },
        { "/srv/a b", MOUNT(31, 30, "/srv/a\\040b/c\\011d\\134e", "ext4"), "c\td\\e", "blanks, tabs, backslashes" },
        { "/srv/t", MOUNT(31, 30, "/srv/t/\\04x\\08\\400", "ext4"), "\\04x\\08\\400", "what only looks like them" },
        { "/srv/t", MOUNT(31, 30, "/srv/t/x\\040-\\040y", "ext4"), "x - y", "what looks like the mark" },
        { "/srv/t", "36 30 98:0 / /srv/t/x rw - ext4 s rw\n", "x", "no optional fields" },
        { "/srv/t", "36 30 98:0 / /srv/t/x rw ext4 s rw\n", "", "no mark" },
        { "/srv/t", "36 30\n - ext4\n\n - \n1 2 3 4 5 - \n", "", "broken lines" },
        { "/srv/t", MOUNT(31, 30, "/srv/t/a", "ext4") MOUNT(31, 31, "/srv/t/a/b", "ext4")
          MOUNT(31, 31, "/srv/t/a/b", "ext4")
          MOUNT(32, 31, "/srv/t/c", "ext4"), "a", "a circle, twice the same, one that lies elsewhere" },
};
/* clang-format on */

static void test_mountinfo(struct tap *t) {
        struct arena a = { 0 };

        for (size_t i = 0; i < ELEMENTS(mounts); i++)
                OK_STR(t, submounts(mounts[i].tree, mounts[i].text, &a), mounts[i].list, "%s", mounts[i].what);
        arena_done(&a);
}

int main(void) {
        struct tap t = { 0 };

        test_os_release(&t);
        test_mountinfo(&t);
        return tap_done(&t);
}
