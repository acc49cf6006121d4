/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sys/cgroupstat.c: against a directory that plays a cgroup, and where one may be made, a real one. */

#include "sys/cgroupstat.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "sys/cgroupfs.h"
#include "unit/files.h"
#include "unit/tap.h"

static void test_numbers(struct tap *t, int dir) {
        uint64_t n = 7;

        OK_INT(t, cgroupstat_number(dir, "memory.current", &n), -ENOENT, "no controller");
        put_file(dir, "memory.current", "123456789012\n");
        OK(t, cgroupstat_number(dir, "memory.current", &n) == 0 && n == 123456789012, "a number");
        put_file(dir, "memory.max", "max\n");
        OK(t, cgroupstat_number(dir, "memory.max", &n) == 0 && n == UINT64_MAX, "no limit");
        put_file(dir, "x", "-5\n");
        OK_INT(t, cgroupstat_number(dir, "x", &n), -EINVAL, "none");
        put_file(dir, "cpu.stat", "usage_usec_more 1\nusage_usec 4711\nuser_usec 5\nbad x\n");
        OK(t, cgroupstat_key(dir, "cpu.stat", "usage_usec", &n) == 0 && n == 4711, "behind a key");
        OK(t, cgroupstat_key(dir, "cpu.stat", "user_usec", &n) == 0 && n == 5, "behind another");
        OK_INT(t, cgroupstat_key(dir, "cpu.stat", "user", &n), -ENOENT, "a part of a key is none");
        OK_INT(t, cgroupstat_key(dir, "cpu.stat", "bad", &n), -EINVAL, "no number");
        put_file(dir, "io.stat", "8:0 rbytes=1 wbytes=2 rios=3\n8:16 rbytes=10 wbytes=20 dbytes=5\n7:0 \n");
        OK(t, cgroupstat_io(dir, "rbytes", &n) == 0 && n == 11, "the sum over devices");
        OK(t, cgroupstat_io(dir, "bytes", &n) == 0 && n == 0, "no such key");
        put_file(dir, "io.stat", "");
        OK(t, cgroupstat_io(dir, "wbytes", &n) == 0 && n == 0, "no devices");
}

static void test_pids(struct tap *t, int dir) {
        struct pid_list l = { 0 };
        struct arena a = { 0 };
        struct strv names = { 0 };

        OK_INT(t, cgroupstat_pids(dir, &a, &l), -ENOENT, "no cgroup");
        put_file(dir, "cgroup.procs", "1\n20\n0\n");
        mkdirat(dir, "b", 0700);
        put_file(dir, "b/cgroup.procs", "300\n");
        mkdirat(dir, "b/c", 0700);
        put_file(dir, "b/c/cgroup.procs", "");
        mkdirat(dir, "a", 0700);
        put_file(dir, "a/cgroup.procs", "4\n");
        OK_INT(t, symlinkat("b", dir, "link"), 0, "a link");
        OK(t, cgroupstat_pids(dir, &a, &l) == 0 && l.n == 3 && l.items[0] == 1 && l.items[1] == 20, "its own");
        l.n = 0;
        OK(t, cgroupstat_all_pids(dir, &a, &l) == 0 && l.n == 5 && l.items[3] == 4 && l.items[4] == 300,
           "with those below it, by name");
        OK(t, cgroupstat_children(dir, &a, &names) == 0 && names.n == 2 && strcmp(names.items[0], "a") == 0,
           "directories, sorted");
        arena_done(&a);
}

static void test_real(struct tap *t) {
        char path[4096], name[64], whole[4200], number[16];
        CLEAN_FD int top = cgroupfs_find(path, sizeof path), cg = -1, by_path = -1;
        struct pid_list l = { 0 };
        struct arena a = { 0 };
        uint64_t n;
        pid_t pid;

        snprintf(name, sizeof name, "test-cgroupstat-%d", (int) getpid());
        cg = top < 0 ? top : cgroupfs_make(top, name);
        if (cg < 0) {
                tap_skip(t, "a real cgroup", "none can be made here");
                return;
        }
        snprintf(whole, sizeof whole, "%s/%s", path, name);
        by_path = cgroupstat_open(whole);
        OK(t, by_path >= 0, "by its path");
        OK_INT(t, cgroupstat_open("/tmp"), -EINVAL, "a directory that is no cgroup");
        pid = fork();
        if (pid == 0)
                for (;;)
                        pause();
        snprintf(number, sizeof number, "%d", (int) pid);
        put_file(cg, "cgroup.procs", number);
        OK(t, cgroupstat_all_pids(cg, &a, &l) == 0 && l.n == 1 && l.items[0] == pid, "a process in it");
        OK_INT(t, cgroupstat_freeze(cg, 1, 5000), 0, "frozen");
        OK(t, cgroupstat_key(cg, "cgroup.events", "frozen", &n) == 0 && n == 1, "it is");
        OK(t, cgroupstat_is_frozen(whole), "by its path");
        OK_INT(t, cgroupstat_freeze(cg, 1, 5000), 0, "twice");
        OK_INT(t, cgroupstat_freeze(cg, 0, 5000), 0, "thawed");
        OK(t, cgroupstat_key(cg, "cgroup.events", "frozen", &n) == 0 && n == 0, "it is");
        OK(t, !cgroupstat_is_frozen(whole) && !cgroupstat_is_frozen("/proc"), "by its path, and what is no cgroup");
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        for (int i = 0; i < 100 && cgroupfs_remove(top, name) == -EBUSY; i++)
                usleep(10 * 1000);
        arena_done(&a);
}

int main(void) {
        char base[] = "/tmp/test-cgroupstat-XXXXXX";
        struct tap t = { 0 };
        CLEAN_FD int dir = mkdtemp(base) ? open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

        alarm(60);
        test_numbers(&t, dir);
        test_pids(&t, dir);
        test_real(&t);
        remove_all(base);
        return tap_done(&t);
}
