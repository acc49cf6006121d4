/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sys/cgroupfs.c: against directories that play proc and cgroups, and where one may be made, a real cgroup. */

#include "sys/cgroupfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "unit/files.h"
#include "unit/tap.h"

static char base[] = "/tmp/test-cgroupfs-XXXXXX";

static void test_own(struct tap *t, int dir) {
        static const struct {
                const char *text, *path;
                int r;
        } cases[] = {
                { "0::/\n", "/", 0 },
                { "0::/user.slice/x.scope\n", "/user.slice/x.scope", 0 },
                { "12:pids:/other\n1:name=systemd:/third\n0::/own\n", "/own", 0 },
                { "0::/own", "/own", 0 },
                { "0::/a b\\c\n5:x:/y\n", "/a b\\c", 0 },
                { "10::/no\n", NULL, -ENOENT },
                { "5:cpu:/x0::/y\n", NULL, -ENOENT },
                { "", NULL, -ENOENT },
        };
        char path[64], tight[4];

        mkdirat(dir, "self", 0700);
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                put_file(dir, "self/cgroup", cases[i].text);
                strcpy(path, "old");
                OK_INT(t, cgroupfs_own(dir, path, sizeof path), cases[i].r, "own cgroup, case %zu", i);
                OK_STR(t, path, cases[i].path ? cases[i].path : "old", "its path");
        }
        put_file(dir, "self/cgroup", "0::/ab\n");
        OK_INT(t, cgroupfs_own(dir, tight, sizeof tight), 0, "as long as there is room");
        put_file(dir, "self/cgroup", "0::/abc\n");
        OK_INT(t, cgroupfs_own(dir, tight, sizeof tight), -ENAMETOOLONG, "one more");
        unlinkat(dir, "self/cgroup", 0);
        OK_INT(t, cgroupfs_own(dir, path, sizeof path), -ENOENT, "a kernel without cgroups");
}

static void test_files(struct tap *t, int dir) {
        char text[16] = "";
        CLEAN_FD int cg = cgroupfs_make(dir, "cg");
        CLEAN_FD int kill_file = -1;

        OK(t, cg >= 0 && fcntl(cg, F_GETFD) & FD_CLOEXEC, "made");
        OK_INT(t, cgroupfs_make(dir, "cg"), -EEXIST, "not twice");
        OK_INT(t, cgroupfs_populated(cg), -ENOENT, "no cgroup");
        put_file(cg, "cgroup.events", "populated 1\nfrozen 0\n");
        OK_INT(t, cgroupfs_populated(cg), 1, "populated");
        put_file(cg, "cgroup.events", "populated 0\nfrozen 1\n");
        OK_INT(t, cgroupfs_populated(cg), 0, "not populated");
        put_file(cg, "cgroup.events", "frozen 1\npopulated 1\n");
        OK_INT(t, cgroupfs_populated(cg), 1, "in another order");
        OK_INT(t, cgroupfs_kill(cg), -ENOENT, "a kernel that cannot kill cgroups");
        put_file(cg, "cgroup.kill", "");
        OK_INT(t, cgroupfs_kill(cg), 0, "killed");
        kill_file = openat(cg, "cgroup.kill", O_RDONLY | O_CLOEXEC);
        OK(t, read(kill_file, text, sizeof text) == 1 && *text == '1', "by writing 1");
        unlinkat(cg, "cgroup.kill", 0);
        unlinkat(cg, "cgroup.events", 0);
        OK_INT(t, cgroupfs_remove(dir, "cg"), 0, "removed");
        OK_INT(t, cgroupfs_remove(dir, "cg"), 0, "gone already");
}

static void test_remove(struct tap *t, int dir) {
        static const char *const deep[] = { "cg", "cg/a", "cg/a/b", "cg/a/b/c", "cg/d", "cg/d/e" };
        struct stat st;

        for (size_t i = 0; i < ELEMENTS(deep); i++)
                mkdirat(dir, deep[i], 0700);
        OK_INT(t, cgroupfs_remove(dir, "cg"), 0, "with all below it");
        OK(t, fstatat(dir, "cg", &st, 0) < 0, "nothing is left");
        for (size_t i = 0; i < ELEMENTS(deep); i++)
                mkdirat(dir, deep[i], 0700);
        put_file(dir, "cg/a/b/file", "in the way, as a process would be");
        OK_INT(t, cgroupfs_remove(dir, "cg"), -ENOTEMPTY, "what cannot be removed is told");
        OK(t, fstatat(dir, "cg/d", &st, 0) < 0, "and the rest is gone");
        unlinkat(dir, "cg/a/b/file", 0);
        OK_INT(t, cgroupfs_remove(dir, "cg"), 0, "then all of it");
        mkdirat(dir, "elsewhere", 0700);
        mkdirat(dir, "elsewhere/x", 0700);
        symlinkat("elsewhere", dir, "link");
        OK(t, cgroupfs_remove(dir, "link") < 0 && fstatat(dir, "elsewhere/x", &st, 0) == 0, "links are not followed");
}

static void test_delegate(struct tap *t, int dir) {
        static const char *const files[] = { "cgroup.procs", "cgroup.threads", "cgroup.subtree_control" };
        CLEAN_FD int cg = cgroupfs_make(dir, "cg");
        struct stat st;

        for (size_t i = 0; i < ELEMENTS(files); i++)
                put_file(cg, files[i], "");
        put_file(cg, "memory.max", "");
        OK_INT(t, cgroupfs_delegate(cg, geteuid() ? geteuid() : 1000, getegid() ? getegid() : 1001), 0, "delegated");
        if (geteuid() != 0)
                return;
        OK(t, fstat(cg, &st) == 0 && st.st_uid == 1000 && st.st_gid == 1001, "the directory");
        for (size_t i = 0; i < ELEMENTS(files); i++)
                OK(t, fstatat(cg, files[i], &st, 0) == 0 && st.st_uid == 1000 && st.st_gid == 1001, "%s", files[i]);
        OK(t, fstatat(cg, "memory.max", &st, 0) == 0 && st.st_uid == 0, "limits stay the host's");
}

/* A cgroup with a process in it: populated, killed, empty, gone. */
static void test_real(struct tap *t) {
        CLEAN_FD int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), top = -1, own = -1, cg = -1;
        char mount[4096], path[4096], name[64], line[32];
        struct statfs sf;
        pid_t pid;

        top = cgroupfs_find(mount, sizeof mount);
        if (top < 0 || cgroupfs_own(proc, path, sizeof path) < 0) {
                OK_INT(t, top, -ENOENT, "no cgroup2 here");
                return;
        }
        OK(t, fstatfs(top, &sf) == 0 && sf.f_type == CGROUP2_SUPER_MAGIC && mount[0] == '/', "cgroup2 is on %s",
           mount);
        own = path[1] ? openat(top, path + 1, O_PATH | O_DIRECTORY | O_CLOEXEC) : openat(top, ".", O_PATH | O_CLOEXEC);
        snprintf(name, sizeof name, "berth-test-%d", (int) getpid());
        cg = own < 0 ? -1 : cgroupfs_make(own, name);
        if (cg < 0)
                return; /* not ours to write to */
        OK_INT(t, cgroupfs_populated(cg), 0, "a real cgroup, empty");
        fflush(stdout);
        pid = fork();
        if (pid == 0)
                for (;;)
                        pause();
        snprintf(line, sizeof line, "%d", (int) pid);
        put_file(cg, "cgroup.procs", line);
        OK_INT(t, cgroupfs_populated(cg), 1, "with a process in it");
        OK_INT(t, cgroupfs_remove(own, name), -EBUSY, "cannot be removed");
        if (cgroupfs_kill(cg) < 0)
                kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        for (int i = 0; i < 200 && cgroupfs_populated(cg) == 1; i++)
                usleep(10 * 1000);
        OK_INT(t, cgroupfs_populated(cg), 0, "until that is killed");
        mkdirat(cg, "below", 0755);
        OK_INT(t, cgroupfs_remove(own, name), 0, "and is removed with what is below");
}

int main(void) {
        struct tap t = { 0 };
        int dir;

        alarm(60);
        if (!mkdtemp(base))
                return 99;
        dir = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        test_own(&t, dir);
        test_files(&t, dir);
        test_remove(&t, dir);
        test_delegate(&t, dir);
        test_real(&t);
        close(dir);
        remove_all(base);
        return tap_done(&t);
}
