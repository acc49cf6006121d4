/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* probe/tree*.c against trees that mean harm: each case makes a small tree below a temporary directory. */

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clean.h"
#include "probe/tree.h"
#include "probe/tree_passwd.h"
#include "unit/files.h"
#include "unit/tap.h"

enum { RTMIN_IN_TREE = 34 };

struct place {
        char base[64];
        int root;
        unsigned n;
};

/* A fresh, empty tree. */
static void fresh(struct place *p) {
        char name[80];

        if (p->root >= 0)
                close(p->root);
        snprintf(name, sizeof name, "%s/%u", p->base, p->n++);
        mkdir(name, 0755);
        p->root = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        for (const char *const *d =
                     (const char *const[]){ "etc", "sbin", "bin", "usr", "usr/lib", "usr/lib/systemd", "lib", NULL };
             *d; d++)
                mkdirat(p->root, *d, 0755);
}

static void put(struct place *p, const char *path, const void *data, size_t n, mode_t mode) {
        CLEAN_FD int fd = openat(p->root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

        if (fd < 0 || write(fd, data, n) != (ssize_t) n)
                printf("# cannot write %s\n", path);
}

static void put_text(struct place *p, const char *path, const char *text) {
        put(p, path, text, strlen(text), 0644);
}

static void test_read(struct tap *t, struct place *p) {
        struct arena a = { 0 };
        char *s = NULL;

        fresh(p);
        OK_INT(t, tree_read(p->root, "/etc/x", 100, &a, &s), -ENOENT, "missing");
        put_text(p, "etc/x", "hello");
        OK_INT(t, tree_read(p->root, "/etc/x", 5, &a, &s), 5, "as long as allowed");
        OK_STR(t, s, "hello", "its text");
        OK_INT(t, tree_read(p->root, "/etc/x", 4, &a, &s), -EFBIG, "one byte too long");
        put_text(p, "etc/empty", "");
        OK_INT(t, tree_read(p->root, "/etc/empty", 4, &a, &s), 0, "empty");
        OK_STR(t, s, "", "empty and terminated");
        put(p, "etc/nul", "a\0b", 3, 0644);
        OK_INT(t, tree_read(p->root, "/etc/nul", 4, &a, &s), 3, "NUL bytes are kept");
        OK(t, memcmp(s, "a\0b", 4) == 0, "and the end is marked");
        OK_INT(t, tree_read(p->root, "/etc", 100, &a, &s), -EINVAL, "directory");
        OK_INT(t, tree_read(p->root, "/etc/x/y", 100, &a, &s), -ENOTDIR, "below a file");
        symlinkat("loop", p->root, "etc/loop");
        OK_INT(t, tree_read(p->root, "/etc/loop", 100, &a, &s), -ELOOP, "link to itself");
        mkfifoat(p->root, "etc/fifo", 0644);
        OK_INT(t, tree_read(p->root, "/etc/fifo", 100, &a, &s), -EINVAL, "FIFO");
        put_text(p, "etc/sparse", "");
        {
                CLEAN_FD int fd = openat(p->root, "etc/sparse", O_WRONLY | O_CLOEXEC);

                OK_INT(t, ftruncate(fd, 4ll << 30), 0, "4 GiB of nothing");
        }
        OK_INT(t, tree_read(p->root, "/etc/sparse", TREE_FILE_MAX, &a, &s), -EFBIG, "are refused");
        arena_done(&a);
}

/* Links stay inside; devices are not opened. */
static void test_read_escape(struct tap *t, struct place *p) {
        struct arena a = { 0 };
        char *s = NULL;

        fresh(p);
        put_text(p, "etc/inside", "inside");
        symlinkat("/etc/inside", p->root, "etc/absolute");
        OK_INT(t, tree_read(p->root, "/etc/absolute", 100, &a, &s), 6, "an absolute link is the tree's");
        symlinkat("../../../../../../../../etc/inside", p->root, "etc/dots");
        OK_INT(t, tree_read(p->root, "/etc/dots", 100, &a, &s), 6, "dots stop at the tree's root");
        symlinkat("/proc/self/environ", p->root, "etc/environ");
        OK_INT(t, tree_read(p->root, "/etc/environ", TREE_FILE_MAX, &a, &s), -ENOENT, "the host's proc is not there");
        unlinkat(p->root, "etc/inside", 0);
        OK_INT(t, tree_read(p->root, "/etc/absolute", 100, &a, &s), -ENOENT, "dangling");
        if (mknodat(p->root, "etc/zero", S_IFCHR | 0666, makedev(1, 5)) < 0)
                tap_skip(t, "device", "mknod is not permitted here");
        else
                OK_INT(t, tree_read(p->root, "/etc/zero", 100, &a, &s), -EINVAL, "device");
        arena_done(&a);
}

static void test_machine_id(struct tap *t, struct place *p) {
        static const struct {
                const char *text;
                int r;
        } cases[] = {
                { "0123456789abcdef0123456789abcdef\n", 1 },
                { "0123456789abcdef0123456789abcdef", 1 },
                { "0123456789ABCDEF0123456789ABCDEF\n", 1 },
                { "0123456789abcdef0123456789abcdef\n\n", 0 },
                { "0123456789abcdef0123456789abcdef ", 0 },
                { "01234567-89ab-cdef-0123-456789abcdef\n", 0 },
                { "00000000000000000000000000000000\n", 0 },
                { "0123456789abcdeg0123456789abcdef\n", 0 },
                { "uninitialized\n", 0 },
                { "\n", 0 },
                { "", 0 },
        };
        uint8_t id[16];

        fresh(p);
        OK_INT(t, tree_machine_id(p->root, id), 0, "machine id: missing");
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                memset(id, 0x55, sizeof id);
                put_text(p, "etc/machine-id", cases[i].text);
                OK_INT(t, tree_machine_id(p->root, id), cases[i].r, "machine id: case %zu", i);
                OK_INT(t, id[1], cases[i].r ? 0x23 : 0x55, "is written only where there is one");
        }
        unlinkat(p->root, "etc/machine-id", 0);
        mkdirat(p->root, "etc/machine-id", 0755);
        OK_INT(t, tree_machine_id(p->root, id), 0, "machine id: a directory");
}

static void test_os_release(struct tap *t, struct place *p) {
        fresh(p);
        OK(t, !tree_has_os_release(p->root), "no os-release");
        put_text(p, "usr/lib/os-release", "ID=x\n");
        OK(t, tree_has_os_release(p->root), "in usr/lib");
        unlinkat(p->root, "usr/lib/os-release", 0);
        symlinkat("/etc/os-release", p->root, "etc/os-release");
        OK(t, !tree_has_os_release(p->root), "a loop, where the host has the file");
        mkdirat(p->root, "usr/lib/os-release", 0755);
        OK(t, !tree_has_os_release(p->root), "a directory");
}

static void put_elf(struct place *p, uint8_t class, uint8_t data, uint8_t low, uint8_t high) {
        uint8_t head[20] = { 0x7f, 'E', 'L', 'F', class, data, [18] = low, [19] = high };

        put(p, "bin/x", head, sizeof head, 0755);
}

static void test_elf(struct tap *t, struct place *p) {
        struct elf_kind kind = { 0 };

        fresh(p);
        OK_INT(t, tree_elf(p->root, "/bin/x", &kind), -ENOENT, "ELF: missing");
        put_text(p, "bin/x", "#!/bin/sh\necho a long enough script\n");
        OK_INT(t, tree_elf(p->root, "/bin/x", &kind), 0, "ELF: a script");
        put_text(p, "bin/x", "\177ELF");
        OK_INT(t, tree_elf(p->root, "/bin/x", &kind), 0, "ELF: cut off");
        put_elf(p, 7, ELFDATA2LSB, 62, 0);
        OK_INT(t, tree_elf(p->root, "/bin/x", &kind), 0, "ELF: no such class");
        OK_INT(t, kind.class, 0, "no class for those");
        put_elf(p, ELFCLASS64, ELFDATA2LSB, EM_X86_64, 0);
        OK_INT(t, tree_elf(p->root, "/bin/x", &kind), 1, "ELF: x86-64");
        OK_INT(t, kind.class, ELFCLASS64, "class");
        OK_INT(t, kind.machine, EM_X86_64, "machine");
        put_elf(p, ELFCLASS32, ELFDATA2MSB, 0, EM_PPC);
        OK_INT(t, tree_elf(p->root, "/bin/x", &kind), 1, "ELF: big endian");
        OK_INT(t, kind.class, ELFCLASS32, "class");
        OK_INT(t, kind.machine, EM_PPC, "machine");
}

static const char PASSWD[] = "# comment:x:0:0:::\n"
                             "+nis::::::\n"
                             "root:x:7:7::/evil:/evil\n"
                             "root:x:0:0:root:/root2:/bin/sh\n"
                             "big:x:65536:65536:a:b:c:/home:/d\n"
                             "over:x:4294967296:1::/:/bin/sh\n"
                             "over:x:0:0::/:/bin/sh\n"
                             "minus:x:-1:0::/:/bin/sh\n"
                             "all:x:4294967295:0::/:/bin/sh\n"
                             "half:x:65535:0::/:/bin/sh\n"
                             "hex:x:0x10:0::/:/bin/sh\n"
                             "1000:x:0:0::/:/bin/sh\n"
                             "alice:x:1000:100:Alice,,,:/home/alice:/bin/zsh\n"
                             "bob:x:1000:101::/home/bob:/bin/bob\n"
                             "alice:x:0:0::/root:/bin/sh\n"
                             "bare:x:1001:1001\n"
                             "rel:x:1002:1002::home:sh\n"
                             "blank:x: 1003:1003::/:/\n"
                             "last:x:1004:1004::/home/last:/bin/last";

static void test_user_good(struct tap *t, struct place *p) {
        struct arena a = { 0 };
        struct tree_user u;

        OK_INT(t, tree_user(p->root, "alice", &a, &u, NULL), 0, "alice");
        OK_INT(t, u.uid, 1000, "first entry wins: uid");
        OK_INT(t, u.gid, 100, "gid");
        OK_STR(t, u.name, "alice", "name");
        OK_STR(t, u.home, "/home/alice", "home");
        OK_STR(t, u.shell, "/bin/zsh", "shell");
        OK_INT(t, tree_user(p->root, "1000", &a, &u, NULL), 0, "1000 by number");
        OK_INT(t, u.uid, 1000, "is 1000, whoever is called so");
        OK_STR(t, u.name, "alice", "the first with that number");
        OK_INT(t, tree_user(p->root, "12345", &a, &u, NULL), 0, "a number without an entry");
        OK(t, u.uid == 12345 && u.gid == 12345 && !u.name && !u.shell, "is itself");
        OK_STR(t, u.home, "/", "at home in /");
        OK_INT(t, tree_user(p->root, "bare", &a, &u, NULL), 0, "four fields are enough");
        OK_STR(t, u.home, "/", "no home");
        OK_STR(t, u.shell, NULL, "no shell");
        OK_INT(t, tree_user(p->root, "rel", &a, &u, NULL), 0, "relative paths");
        OK(t, strcmp(u.home, "/") == 0 && !u.shell, "are not taken");
        OK_INT(t, tree_user(p->root, "last", &a, &u, NULL), 0, "a line without its end");
        OK_STR(t, u.shell, "/bin/last", "is read to the end");
        OK_INT(t, tree_user(p->root, "big", &a, &u, NULL), 0, "beyond 16 bits");
        OK_INT(t, u.uid, 65536, "is not cut");
        arena_done(&a);
}

static void test_user_root(struct tap *t, struct place *p) {
        static const char *const names[] = { "root", "0" };
        struct arena a = { 0 };
        struct tree_user u;

        for (size_t i = 0; i < ELEMENTS(names); i++) {
                OK_INT(t, tree_user(p->root, names[i], &a, &u, NULL), 0, "%s", names[i]);
                OK(t, u.uid == 0 && u.gid == 0, "is 0, whatever the tree says");
                OK_STR(t, u.home, "/root", "and not at home in a foreign entry's home");
        }
        arena_done(&a);
}

static void test_user_bad(struct tap *t, struct place *p) {
        static const char *const names[] = {
                "nobody-here", "",      "over",       "minus",      "all",       "half",
                "hex",         "blank", "nis",        "+nis",       "# comment", "alice:x",
                "alice\n",     "-1",    "4294967295", "4294967296", "65535",     "99999999999999999999",
                "0x10",        " 1000", "1000 ",      "al*ce",      "../x"
        };
        struct arena a = { 0 };

        for (size_t i = 0; i < ELEMENTS(names); i++) {
                struct tree_user u = { .uid = 4711 };
                struct err e = { 0 };

                OK(t, tree_user(p->root, names[i], &a, &u, &e) < 0, "refused: bad name %zu", i);
                OK(t, e.kind == ERR_PAYLOAD || e.kind == ERR_IMAGE, "with a reason");
                OK_INT(t, u.uid, 4711, "and nothing written");
        }
        arena_done(&a);
}

static void test_user_no_tables(struct tap *t, struct place *p) {
        struct arena a = { 0 };
        struct tree_user u;
        struct err e = { 0 };

        fresh(p);
        OK_INT(t, tree_user(p->root, "root", &a, &u, NULL), 0, "root without tables");
        OK_STR(t, u.home, "/root", "home of root");
        OK_INT(t, tree_user(p->root, "5", &a, &u, NULL), 0, "a number without tables");
        OK(t, tree_user(p->root, "alice", &a, &u, &e) < 0 && e.kind == ERR_PAYLOAD, "a name without tables");
        mkfifoat(p->root, "etc/passwd", 0644);
        OK(t, tree_user(p->root, "alice", &a, &u, &e) < 0 && e.kind == ERR_IMAGE, "passwd is a FIFO");
        unlinkat(p->root, "etc/passwd", 0);
        symlinkat("/etc/shadow", p->root, "etc/passwd");
        OK(t, tree_user(p->root, "bin", &a, &u, &e) < 0 && e.kind == ERR_PAYLOAD,
           "passwd leads to what only the host has");
        unlinkat(p->root, "etc/passwd", 0);
        put_text(p, "etc/passwd", "u:x:5:5::/:/\n");
        mkdirat(p->root, "etc/group", 0755);
        OK(t, tree_user(p->root, "u", &a, &u, &e) < 0 && e.kind == ERR_IMAGE, "group is a directory");
        arena_done(&a);
}

/* 1 MiB lines, NUL bytes, lists of 10000 members, more groups than fit. */
static void test_user_huge(struct tap *t, struct place *p) {
        struct arena a = { 0 };
        struct tree_user u;
        struct err e = { 0 };
        char *big = arena_alloc(&a, TREE_PASSWD_MAX + 1);
        size_t n;

        fresh(p);
        n = (size_t) sprintf(big, "a:x:9:9:");
        memset(big + n, 'g', TREE_PASSWD_MAX - 64 - n);
        n = TREE_PASSWD_MAX - 64;
        n += (size_t) sprintf(big + n, ":/h:/s\nb:x:8:8::/b:/b\n");
        put(p, "etc/passwd", big, n, 0644);
        OK_INT(t, tree_user(p->root, "b", &a, &u, &e), 0, "behind a line of 1 MiB");
        OK_INT(t, tree_user(p->root, "a", &a, &u, &e), 0, "a line of 1 MiB");
        OK_STR(t, u.home, "/h", "its end is found");
        put(p, "etc/passwd", big, TREE_PASSWD_MAX + 1, 0644);
        OK(t, tree_user(p->root, "a", &a, &u, &e) < 0 && e.kind == ERR_IMAGE, "one byte more than that is refused");
        put(p, "etc/passwd", "a\0:x:0:0::/:/\na:x:9:9::/\0:/\na:x:7:70::/:/\n", 43, 0644);
        OK_INT(t, tree_user(p->root, "a", &a, &u, &e), 0, "lines with NUL bytes are none");
        OK_INT(t, u.uid, 7, "the next one counts");

        n = (size_t) sprintf(big, "g:x:500:");
        for (int i = 0; i < 10000; i++)
                n += (size_t) sprintf(big + n, "member%d,", i);
        n += (size_t) sprintf(big + n, "a\nh:x:501:aa,ab\nown:x:70:a\ng:x:500:a\nbad:x:z:a\nlast:x:502:b,a");
        put(p, "etc/group", big, n, 0644);
        OK_INT(t, tree_user(p->root, "a", &a, &u, &e), 0, "10000 members");
        OK_INT(t, u.n_groups, 2, "each group once, without the own one, without those of others");
        OK(t, u.n_groups == 2 && u.groups[0] == 500 && u.groups[1] == 502, "in their order");
        OK_INT(t, tree_user(p->root, "7", &a, &u, &e), 0, "a number with an entry");
        OK_INT(t, u.n_groups, 2, "has the groups of its name");

        n = 0;
        for (int i = 0; i < TREE_GROUPS_MAX + 1; i++)
                n += (size_t) sprintf(big + n, "g%d:x:%d:a\n", i, 1000 + i);
        put(p, "etc/group", big, n, 0644);
        OK(t, tree_user(p->root, "a", &a, &u, &e) < 0 && e.kind == ERR_IMAGE, "too many groups are refused, not cut");
        arena_done(&a);
}

static void check_init(struct tap *t, struct place *p, enum init_kind kind, int stop, int reboot, const char *what) {
        struct arena a = { 0 };
        struct tree_init i = { 0 };
        struct err e = { 0 };

        if (!OK(t, tree_init(p->root, &a, &i, &e) == 0, "init: %s", what))
                printf("# %s\n", e.text);
        OK_STR(t, init_kind_name(i.kind), init_kind_name(kind), "%s: kind", what);
        OK_INT(t, i.sig_stop, stop, "%s: stop", what);
        OK_INT(t, i.sig_reboot, reboot, "%s: reboot", what);
        arena_done(&a);
}

static void put_program(struct place *p, const char *path, const char *text) {
        unlinkat(p->root, path, 0);
        put(p, path, text, strlen(text), 0755);
}

static void test_init_links(struct tap *t, struct place *p) {
        static const struct {
                const char *file;
                enum init_kind kind;
                int stop, reboot;
        } cases[] = {
                { "bin/busybox", INIT_BUSYBOX, SIGUSR2, SIGTERM },
                { "sbin/openrc-init", INIT_OPENRC, SIGTERM, SIGINT },
                { "bin/s6-svscan", INIT_S6, SIGTERM, 0 },
                { "bin/s6-linux-init", INIT_S6, SIGPWR, SIGINT },
                { "sbin/dinit", INIT_DINIT, SIGTERM, SIGINT },
                { "sbin/finit", INIT_FINIT, SIGUSR2, SIGTERM },
                { "sbin/runit-init", INIT_RUNIT, SIGINT, 0 },
                { "bin/something", INIT_OTHER, SIGTERM, 0 },
        };
        char target[64];

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                fresh(p);
                put_program(p, cases[i].file, "\177ELF");
                /* /sbin/init -> /etc/alternatives/init -> ../../FILE: absolute, then relative */
                mkdirat(p->root, "etc/alternatives", 0755);
                snprintf(target, sizeof target, "../../%s", cases[i].file);
                symlinkat("/etc/alternatives/init", p->root, "sbin/init");
                symlinkat(target, p->root, "etc/alternatives/init");
                check_init(t, p, cases[i].kind, cases[i].stop, cases[i].reboot, cases[i].file);
        }
        fresh(p);
        put_program(p, "usr/lib/systemd/systemd", "\177ELF");
        symlinkat("/bin/other", p->root, "sbin/init");
        check_init(t, p, INIT_SYSTEMD, RTMIN_IN_TREE + 3, RTMIN_IN_TREE + 5, "systemd");
        fresh(p);
        unlinkat(p->root, "sbin", AT_REMOVEDIR);
        symlinkat("../../../../usr/sbin", p->root, "sbin");
        mkdirat(p->root, "usr/sbin", 0755);
        symlinkat("../bin/busybox", p->root, "usr/sbin/init");
        mkdirat(p->root, "usr/bin", 0755);
        put_program(p, "usr/bin/busybox", "\177ELF");
        check_init(t, p, INIT_BUSYBOX, SIGUSR2, SIGTERM, "a relative link below a linked directory");
}

static void test_init_text(struct tap *t, struct place *p) {
        static const struct {
                const char *text;
                enum init_kind kind;
                int stop, reboot;
        } cases[] = {
                { "\177ELF...BusyBox v1.36.1...", INIT_BUSYBOX, SIGUSR2, SIGTERM },
                { "\177ELF...OpenRC init version %s starting", INIT_OPENRC, SIGTERM, SIGINT },
                { "\177ELF.../etc/runit/stopit", INIT_RUNIT, SIGINT, 0 },
                { "\177ELF.../run/runit.stopit", INIT_RUNIT, SIGPWR, 0 },
                { "#!/bin/execlineb -S0\n\ns6-linux-init -c /etc/s6-linux-init/current -- \"$@\"\n", INIT_S6, SIGPWR,
                  SIGINT },
                { "\177ELF.../etc/finit.conf", INIT_FINIT, SIGUSR2, SIGTERM },
                { "\177ELF.../usr/lib/dinit.d...", INIT_DINIT, SIGTERM, SIGINT },
                { "#!/bin/sh\nexec /run/current-system/systemd/lib/systemd/systemd \"$@\"\n", INIT_SYSTEMD,
                  RTMIN_IN_TREE + 3, RTMIN_IN_TREE + 5 },
                { "\177ELF...INIT_VERSION=sysvinit-3.06", INIT_SYSVINIT, 0, 0 },
                { "\177ELF...nothing", INIT_OTHER, SIGTERM, 0 },
        };
        char *big = malloc(200000);

        fresh(p);
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                put_program(p, "sbin/init", cases[i].text);
                check_init(t, p, cases[i].kind, cases[i].stop, cases[i].reboot, init_kind_name(cases[i].kind));
        }
        /* The mark may lie anywhere, across the parts it is read in too. */
        for (size_t at = 32 * 1024 - 12; at < 32 * 1024 + 4; at += 3) {
                memset(big, 'x', 200000);
                memcpy(big + at, "BusyBox v", 9);
                unlinkat(p->root, "sbin/init", 0);
                put(p, "sbin/init", big, 200000, 0755);
                check_init(t, p, INIT_BUSYBOX, SIGUSR2, SIGTERM, "a mark at the end of a part");
        }
        free(big);
}

static void test_init_inittab(struct tap *t, struct place *p) {
        static const struct {
                const char *inittab;
                int stop, reboot;
                const char *what;
        } cases[] = {
                { "ca:12345:ctrlaltdel:/sbin/shutdown -t1 -a -r now\npf::powerwait:/etc/init.d/powerfail start\n",
                  SIGINT, SIGINT, "as Debian has it" },
                { "ca:12345:ctrlaltdel:/sbin/shutdown -r now\npf::powerwait:/sbin/shutdown -h +0\n", SIGPWR, SIGINT,
                  "power failure stops" },
                { "p6::ctrlaltdel:/sbin/init 6\np0::powerfail:/sbin/init 0\n", SIGPWR, SIGINT, "by runlevels" },
                { "ca::ctrlaltdel:/sbin/poweroff\n", SIGINT, 0, "power off by ctrl-alt-del" },
                { "ca::ctrlaltdel:/bin/true\n#pf::powerfail:/sbin/init 0\n", 0, 0, "nothing of use" },
                { ":::\n::\nx\n\nca:ctrlaltdel\nca::ctrlaltdel\n", 0, 0, "broken lines" },
        };

        fresh(p);
        put_program(p, "sbin/init", "\177ELF");
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                put_text(p, "etc/inittab", cases[i].inittab);
                check_init(t, p, INIT_SYSVINIT, cases[i].stop, cases[i].reboot, cases[i].what);
        }
}

static void check_no_init(struct tap *t, struct place *p, const char *part, const char *what) {
        struct arena a = { 0 };
        struct tree_init i = { .sig_stop = 77 };
        struct err e = { 0 };

        OK(t, tree_init(p->root, &a, &i, &e) < 0, "no init: %s", what);
        OK(t, e.kind == ERR_IMAGE && strstr(e.text, part), "says so: %s", e.text);
        OK_INT(t, i.sig_stop, 77, "and writes nothing");
        arena_done(&a);
}

static void test_init_none(struct tap *t, struct place *p) {
        char name[24], target[24];

        fresh(p);
        check_no_init(t, p, "has no init", "empty tree");
        put_text(p, "sbin/init", "\177ELF");
        check_no_init(t, p, "/sbin/init", "not executable");
        unlinkat(p->root, "sbin/init", 0);
        mkdirat(p->root, "sbin/init", 0755);
        check_no_init(t, p, "/sbin/init", "a directory");
        unlinkat(p->root, "sbin/init", AT_REMOVEDIR);
        mkfifoat(p->root, "sbin/init", 0755);
        check_no_init(t, p, "/sbin/init", "a FIFO");
        unlinkat(p->root, "sbin/init", 0);
        symlinkat("/proc/self/exe", p->root, "sbin/init");
        check_no_init(t, p, "has no init", "a magic link of the host");
        for (int i = 0; i < 60; i++) {
                snprintf(name, sizeof name, "sbin/l%d", i);
                snprintf(target, sizeof target, "l%d", i + 1);
                symlinkat(target, p->root, name);
        }
        unlinkat(p->root, "sbin/init", 0);
        symlinkat("l0", p->root, "sbin/init");
        check_no_init(t, p, "/sbin/init", "a chain of 60 links");
        unlinkat(p->root, "sbin/init", 0);
        symlinkat("init", p->root, "sbin/init");
        check_no_init(t, p, "/sbin/init", "a link to itself");
        put_program(p, "bin/busybox", "\177ELF");
        symlinkat("/bin/busybox", p->root, "usr/lib/systemd/systemd");
        check_init(t, p, INIT_BUSYBOX, SIGUSR2, SIGTERM, "systemd that is something else");
}

static void test_program(struct tap *t, struct place *p) {
        static char full[] = "/opt/run", name[] = "run", other[] = "other", a[] = "A=b", path[] = "PATH=/x:/opt";
        char *words[] = { full, NULL }, *env[] = { a, path, NULL };
        struct spec_exec x = { .mode = EXEC_COMMAND };

        fresh(p);
        renameat(p->root, "usr", p->root, "opt");
        OK(t, tree_lacks_program(p->root, &x), "a directory without usr and shell");
        put_program(p, "bin/sh", "#!/x");
        OK(t, !tree_lacks_program(p->root, &x), "a shell is enough");
        x.argv = (struct strv){ .items = words, .n = 1 };
        OK(t, tree_lacks_program(p->root, &x), "but not for another program");
        put_program(p, "opt/run", "#!/x");
        OK(t, !tree_lacks_program(p->root, &x), "a program by its path");
        words[0] = name;
        OK(t, tree_lacks_program(p->root, &x), "not by its name");
        x.env = (struct strv){ .items = env, .n = 2 };
        OK(t, !tree_lacks_program(p->root, &x), "but for a PATH that leads there");
        words[0] = other;
        OK(t, tree_lacks_program(p->root, &x), "what is not there");
        put_text(p, "usr", "");
        OK(t, !tree_lacks_program(p->root, &x), "where there is an usr, the start finds out");
}

int main(void) {
        struct place p = { .base = "/tmp/test-tree-XXXXXX", .root = -1 };
        struct tap t = { 0 };

        if (!mkdtemp(p.base))
                return 99;
        alarm(60);
        test_read(&t, &p);
        test_read_escape(&t, &p);
        test_machine_id(&t, &p);
        test_os_release(&t, &p);
        test_elf(&t, &p);
        fresh(&p);
        put_text(&p, "etc/passwd", PASSWD);
        test_user_good(&t, &p);
        test_user_root(&t, &p);
        test_user_bad(&t, &p);
        test_user_no_tables(&t, &p);
        test_user_huge(&t, &p);
        test_init_links(&t, &p);
        test_init_text(&t, &p);
        test_init_inittab(&t, &p);
        test_init_none(&t, &p);
        test_program(&t, &p);
        close(p.root);
        remove_all(p.base);
        return tap_done(&t);
}
