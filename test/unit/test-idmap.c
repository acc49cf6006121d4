/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sys/idmap.c: maps as text from a directory that plays proc, and a real user namespace. */

#include "sys/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "sys/process.h"
#include "unit/files.h"
#include "unit/tap.h"

static void test_initial(struct tap *t, int dir) {
        static const struct {
                const char *text;
                int r;
        } cases[] = {
                { "         0          0 4294967295\n", 1 },
                { "         0     100000      65536\n", 0 },
                { "         0          0      65536\n", 0 },
                { "         0          0 4294967294\n", 0 },
                { "         1          1 4294967295\n", 0 },
                { "         0          1 4294967295\n", 0 },
                { "0 0 1000\n1000 1000 4294966295\n", 0 },
                { "", 0 },
                { "x\n", 0 },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                put_file(dir, "self/uid_map", cases[i].text);
                OK_INT(t, idmap_is_initial(dir), cases[i].r, "first user namespace, case %zu", i);
        }
        unlinkat(dir, "self/uid_map", 0);
        OK_INT(t, idmap_is_initial(dir), -ENOENT, "a kernel without user namespaces");
}

static void test_group(struct tap *t, int dir) {
        put_file(dir, "self/gid_map", "         0          0 4294967295\n");
        OK(t, idmap_has_group(dir, 0) == 1 && idmap_has_group(dir, 5) == 1 && idmap_has_group(dir, 4294967294u) == 1,
           "all of them");
        OK_INT(t, idmap_has_group(dir, 4294967295u), 0, "but the one that is none");
        put_file(dir, "self/gid_map", "0 1000 1\n");
        OK(t, idmap_has_group(dir, 0) == 1 && idmap_has_group(dir, 5) == 0, "only one");
        put_file(dir, "self/gid_map", "0 1000 1\n5 100000 1\n10 100010 90\n");
        OK(t, idmap_has_group(dir, 5) == 1 && idmap_has_group(dir, 4) == 0 && idmap_has_group(dir, 6) == 0,
           "in the second line");
        OK(t, idmap_has_group(dir, 10) == 1 && idmap_has_group(dir, 99) == 1 && idmap_has_group(dir, 100) == 0,
           "first and last of a range");
        put_file(dir, "self/gid_map", "");
        OK_INT(t, idmap_has_group(dir, 0), 0, "no map yet");
        unlinkat(dir, "self/gid_map", 0);
        OK(t, idmap_has_group(dir, 0) < 0, "no such file");
}

/* A process in a user namespace of its own, that waits. */
static pid_t in_userns(void) {
        int fds[2];
        pid_t pid;
        char c = '-';

        if (pipe2(fds, O_CLOEXEC) < 0)
                abort();
        fflush(stdout);
        pid = fork();
        if (pid == 0) {
                c = unshare(CLONE_NEWUSER) == 0 ? 'y' : 'n';
                if (write(fds[1], &c, 1) != 1)
                        _exit(1);
                for (;;)
                        pause();
        }
        if (read(fds[0], &c, 1) != 1 || c != 'y') {
                kill(pid, SIGKILL);
                waitpid(pid, NULL, 0);
                pid = -1;
        }
        close(fds[0]);
        close(fds[1]);
        return pid;
}

static void test_real(struct tap *t) {
        CLEAN_FD int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1, at = -1;
        struct stat theirs, ours;
        char path[64], line[64] = "";
        unsigned inside = 1, outside = 0, count = 0;
        pid_t pid;

        OK_INT(t, idmap_write(proc, 0x7ffffffe, 0, 1), -ENOENT, "no such process");
        OK_INT(t, idmap_open(proc, 0x7ffffffe), -ENOENT, "nor its namespace");
        if (geteuid() != 0 || idmap_is_initial(proc) != 1) {
                tap_skip(t, "a real map", "needs root in the first user namespace");
                return;
        }
        pid = in_userns();
        if (pid < 0) {
                tap_skip(t, "a real map", "no user namespace can be made here");
                return;
        }
        OK_INT(t, idmap_write(proc, pid, 655360, 65536), 0, "a map");
        for (int i = 0; i < 2; i++) {
                snprintf(path, sizeof path, "%d/%s", (int) pid, i ? "gid_map" : "uid_map");
                at = openat(proc, path, O_RDONLY | O_CLOEXEC);
                OK(t,
                   read(at, line, sizeof line - 1) > 0 && sscanf(line, "%u %u %u", &inside, &outside, &count) == 3 &&
                           inside == 0 && outside == 655360 && count == 65536,
                   "%s", path);
                close(TAKE_FD(at));
        }
        OK_INT(t, idmap_write(proc, pid, 655360, 65536), -EPERM, "only once");
        fd = idmap_open(proc, pid);
        OK(t,
           fd >= 0 && fcntl(fd, F_GETFD) & FD_CLOEXEC && fstat(fd, &theirs) == 0 &&
                   stat("/proc/self/ns/user", &ours) == 0 && theirs.st_ino != ours.st_ino,
           "its namespace is not ours");
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
}

/* One that somebody else gives its maps. */
static void test_bare(struct tap *t) {
        CLEAN_FD int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
        struct process holder = { .pidfd = -1 };
        struct idmap_table table = { 0 };
        uid_t owner;
        pid_t pid;

        if (geteuid() != 0 || idmap_is_initial(proc) != 1) {
                tap_skip(t, "one without maps", "needs root in the first user namespace");
                return;
        }
        fflush(stdout);
        fd = idmap_make_bare(proc, 655360, &holder);
        if (fd == -EPERM || fd == -ENOSPC) {
                tap_skip(t, "one without maps", "no user namespace can be made here");
                return;
        }
        pid = holder.pid;
        OK(t, fd >= 0 && fcntl(fd, F_GETFD) & FD_CLOEXEC && holder.pidfd >= 0, "one without maps");
        OK(t, idmap_read(proc, pid, "uid_map", &table) == 0 && table.n == 0, "nobody is in it");
        OK(t, ioctl(fd, NS_GET_OWNER_UID, &owner) == 0 && owner == 655360 && geteuid() == 0, "whose it is");
        OK_INT(t, idmap_write(proc, pid, 655360, 65536), 0, "it gets some");
        OK(t, idmap_read(proc, pid, "gid_map", &table) == 0 && table.n == 1 && table.extents[0].outside == 655360,
           "which can be read");
        idmap_end_holder(&holder);
        OK(t, holder.pid == 0 && holder.pidfd == -1 && kill(pid, 0) < 0, "the holder has gone");
}

static void test_table(struct tap *t) {
        static const char text[] = "         0     655360      65536\n     65536 4294901760          5\n";
        struct idmap_table table;
        uint32_t id = 7;

        idmap_parse(text, &table);
        OK_INT(t, table.n, 2, "two extents");
        OK(t, idmap_to_inside(&table, 655360, &id) == 0 && id == 0, "the first");
        OK(t, idmap_to_inside(&table, 720895, &id) == 0 && id == 65535, "the last");
        OK(t, idmap_to_inside(&table, 4294901764, &id) == 0 && id == 65540, "of the second");
        id = 7;
        OK(t,
           idmap_to_inside(&table, 720896, &id) == -ENOENT && idmap_to_inside(&table, 655359, &id) == -ENOENT &&
                   idmap_to_inside(&table, 0, &id) == -ENOENT && id == 7,
           "nobody inside");
        OK(t, idmap_to_outside(&table, 0, &id) == 0 && id == 655360, "out again");
        OK(t, idmap_to_outside(&table, 65537, &id) == 0 && id == 4294901761, "of the second");
        OK_INT(t, idmap_to_outside(&table, 65541, &id), -ENOENT, "nobody outside");
        idmap_parse("0 0 4294967295\n", &table);
        OK(t, idmap_to_inside(&table, 4294967294, &id) == 0 && id == 4294967294, "the host's own");
        OK_INT(t, idmap_to_inside(&table, 4294967295, &id), -ENOENT, "not the one that is none");
        idmap_parse("x", &table);
        OK_INT(t, table.n, 0, "no map");
}

int main(void) {
        char base[] = "/tmp/test-idmap-XXXXXX", path[64];
        struct tap t = { 0 };
        int dir;

        alarm(60);
        if (!mkdtemp(base))
                return 99;
        dir = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        mkdirat(dir, "self", 0700);
        test_initial(&t, dir);
        test_group(&t, dir);
        close(dir);
        snprintf(path, sizeof path, "%s/self", base);
        rmdir(path);
        rmdir(base);
        test_real(&t);
        test_bare(&t);
        test_table(&t);
        return tap_done(&t);
}
