/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sys/ns.c: entering namespaces, the right kind only, and a loopback interface that is up. */

#include "sys/ns.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "unit/tap.h"

static void test_open(struct tap *t, int proc) {
        CLEAN_FD int fd = ns_open_own(proc, "net");
        struct stat a, b;

        OK(t, fd >= 0 && fcntl(fd, F_GETFD) & FD_CLOEXEC, "our network namespace");
        OK(t, fstat(fd, &a) == 0 && stat("/proc/self/ns/net", &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev,
           "is ours");
        OK_INT(t, ns_open_own(proc, "none"), -ENOENT, "no such kind");
        OK_INT(t, ns_enter(fd, CLONE_NEWUTS), -EINVAL, "it is no uts namespace");
        OK_INT(t, ns_enter(-1, CLONE_NEWNET), -EBADF, "no descriptor");
        OK_INT(t, ns_enter(proc, CLONE_NEWNET), -EBADF, "a directory by O_PATH");
}

/* Whoever names a path may name anything. */
static void test_paths(struct tap *t) {
        char dir[] = "/tmp/test-ns-XXXXXX", path[64];
        int fd;

        if (!mkdtemp(dir))
                return;
        OK_INT(t, ns_enter_path("/nowhere/at/all", CLONE_NEWNET), -ENOENT, "nothing");
        OK_INT(t, ns_enter_path(dir, CLONE_NEWNET), -EINVAL, "a directory");
        snprintf(path, sizeof path, "%s/x", dir);
        fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        close(fd);
        OK_INT(t, ns_enter_path(path, CLONE_NEWNET), -EINVAL, "a file");
        unlink(path);
        mkfifo(path, 0600);
        OK_INT(t, ns_enter_path(path, CLONE_NEWNET), -EINVAL, "a fifo that nobody writes to");
        unlink(path);
        rmdir(dir);
        OK_INT(t, ns_enter_path("/proc/self/ns/uts", CLONE_NEWNET), -EINVAL, "a namespace of another kind");
}

static bool is_up(void) {
        CLEAN_FD int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct ifreq r = { .ifr_name = "lo" };

        return ioctl(sock, SIOCGIFFLAGS, &r) == 0 && r.ifr_flags & IFF_UP;
}

/* In a process of its own: it changes its namespaces. The result is a number for the first that failed, 0 for none. */
static int in_netns(int proc) {
        CLEAN_FD int old = ns_open_own(proc, "net"), made = -1;
        struct stat a, b, c;

        if (geteuid() != 0 && unshare(CLONE_NEWUSER) < 0)
                return 100;
        if (unshare(CLONE_NEWNET) < 0)
                return 100;
        if (is_up())
                return 1;
        if (ns_loopback_up() < 0 || !is_up())
                return 2;
        if (ns_loopback_up() < 0)
                return 3;
        made = ns_open_own(proc, "net");
        if (made < 0 || fstat(old, &a) < 0 || fstat(made, &b) < 0 || a.st_ino == b.st_ino)
                return 4;
        if (geteuid() != 0)
                return 0;
        if (ns_enter(old, CLONE_NEWNET) < 0 || stat("/proc/self/ns/net", &c) < 0 || c.st_ino != a.st_ino)
                return 5;
        if (ns_enter(made, CLONE_NEWNET) < 0 || stat("/proc/self/ns/net", &c) < 0 || c.st_ino != b.st_ino)
                return 6;
        return 0;
}

static void test_enter(struct tap *t, int proc) {
        int status = 0;
        pid_t pid;

        fflush(stdout);
        pid = fork();
        if (pid == 0)
                _exit(in_netns(proc));
        waitpid(pid, &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 100)
                tap_skip(t, "a new network namespace", "cannot be made here");
        else
                OK_INT(t, status, 0, "a new network: its loopback is down, comes up, and both can be entered");
}

int main(void) {
        int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct tap t = { 0 };

        alarm(60);
        test_open(&t, proc);
        test_paths(&t);
        test_enter(&t, proc);
        return tap_done(&t);
}
