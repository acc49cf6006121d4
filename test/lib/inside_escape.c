/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Verbs that try to get out, or to change the host. Each says "held" or how far it came, in capitals. None does harm
 * when it succeeds: files are opened for writing, and closed. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inside.h"

static bool may_write(const char *path) {
        int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

        if (fd >= 0)
                close(fd);
        return fd >= 0;
}

/* In a mount namespace of its own, so that one attempt does not help the next. */
static int verdict(const char *name, bool out) {
        printf("%s %s\n", name, out ? "ESCAPED" : "held");
        return out ? 1 : 0;
}

static void own_mounts(void) {
        (void) unshare(CLONE_NEWNS);
}

static const char *place(void) {
        static const char path[] = "/tmp/escape";

        (void) mkdir("/tmp", 01777);
        (void) mkdir(path, 0755);
        return path;
}

static int escape_fresh_proc(int argc, char **argv) {
        char path[64];

        (void) argc;
        (void) argv;
        own_mounts();
        if (mount("proc", place(), "proc", 0, NULL) < 0)
                return verdict("fresh-proc", false);
        snprintf(path, sizeof path, "%s/sys/kernel/core_pattern", place());
        return verdict("fresh-proc", may_write(path));
}

static int escape_remount(int argc, char **argv) {
        (void) argc;
        (void) argv;
        own_mounts();
        (void) mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL);
        (void) mount(NULL, "/proc", NULL, MS_REMOUNT | MS_BIND, NULL);
        return verdict("remount", may_write("/proc/sys/kernel/core_pattern"));
}

static int escape_umount(int argc, char **argv) {
        (void) argc;
        (void) argv;
        own_mounts();
        (void) umount2("/proc/sys", MNT_DETACH);
        (void) umount2("/proc/sysrq-trigger", MNT_DETACH);
        return verdict("umount", may_write("/proc/sys/kernel/core_pattern") || may_write("/proc/sysrq-trigger"));
}

static int escape_direct(int argc, char **argv) {
        static const char *const paths[] = { "/proc/sys/kernel/core_pattern",
                                             "/proc/sys/kernel/modprobe",
                                             "/proc/sysrq-trigger",
                                             "/proc/sys/fs/binfmt_misc/register",
                                             "/sys/kernel/uevent_helper",
                                             "/sys/kernel/mm/ksm/run",
                                             "/sys/power/state",
                                             "/proc/sys/vm/overcommit_memory" };
        bool out = false;

        (void) argc;
        (void) argv;
        for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
                if (may_write(paths[i])) {
                        printf("writable %s\n", paths[i]);
                        out = true;
                }
        return verdict("direct", out);
}

static int escape_cgroup1(int argc, char **argv) {
        static const char *const controllers[] = { "memory", "pids", "freezer",         "rdma",
                                                   "misc",   "cpu",  "none,name=escape" };
        char path[64];
        bool out = false;

        (void) argc;
        (void) argv;
        own_mounts();
        snprintf(path, sizeof path, "%s/release_agent", place());
        for (size_t i = 0; i < sizeof controllers / sizeof controllers[0]; i++) {
                if (mount("cgroup", place(), "cgroup", 0, controllers[i]) < 0)
                        continue;
                out = out || may_write(path);
                (void) umount2(place(), MNT_DETACH);
        }
        return verdict("cgroup1", out);
}

static int escape_fresh_sysfs(int argc, char **argv) {
        char path[64];

        (void) argc;
        (void) argv;
        own_mounts();
        if (mount("sysfs", place(), "sysfs", 0, NULL) < 0)
                return verdict("fresh-sysfs", false);
        snprintf(path, sizeof path, "%s/kernel/mm/ksm/run", place());
        return verdict("fresh-sysfs", may_write(path));
}

/* The root of a file system has inode 2 on ext file systems; 1 is the type of such a handle. */
static int escape_handle(int argc, char **argv) {
        struct {
                struct file_handle head;
                unsigned char bytes[8];
        } h = { .head = { .handle_bytes = 8, .handle_type = 1 }, .bytes = { 2 } };
        int at, fd;

        (void) argc;
        (void) argv;
        at = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        fd = open_by_handle_at(at, &h.head, O_RDONLY | O_CLOEXEC);
        return verdict("handle", fd >= 0);
}

static int escape_chroot(int argc, char **argv) {
        struct stat root, top;
        int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        (void) argc;
        (void) argv;
        if (fd < 0 || stat("/", &root) < 0 || chroot(place()) < 0 || fchdir(fd) < 0)
                return verdict("chroot", false);
        for (int i = 0; i < 64; i++)
                if (chdir("..") < 0)
                        break;
        return verdict("chroot", stat(".", &top) == 0 && (top.st_ino != root.st_ino || top.st_dev != root.st_dev));
}

/* Each node that would matter, in each place where a node can be made. */
static int escape_mknod(int argc, char **argv) {
        static const struct {
                mode_t type;
                unsigned major, minor;
        } nodes[] = { { S_IFCHR, 1, 1 },  { S_IFCHR, 1, 2 },    { S_IFCHR, 1, 4 },    { S_IFCHR, 1, 11 },
                      { S_IFCHR, 4, 0 },  { S_IFCHR, 4, 1 },    { S_IFCHR, 4, 64 },   { S_IFCHR, 5, 1 },
                      { S_IFCHR, 10, 1 }, { S_IFCHR, 10, 144 }, { S_IFCHR, 10, 232 }, { S_IFCHR, 10, 237 },
                      { S_IFBLK, 7, 0 },  { S_IFBLK, 8, 0 },    { S_IFBLK, 253, 0 },  { S_IFBLK, 254, 0 },
                      { S_IFBLK, 259, 0 } };
        static const char *const places[] = { "/dev", "/dev/shm", "/tmp", "/run", "/root", "/var/tmp" };
        bool out = false;

        (void) argc;
        (void) argv;
        for (size_t p = 0; p < sizeof places / sizeof places[0]; p++)
                for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) {
                        char path[64];
                        int fd;

                        snprintf(path, sizeof path, "%s/escape-node", places[p]);
                        if (mknod(path, nodes[i].type | 0600, makedev(nodes[i].major, nodes[i].minor)) < 0)
                                continue;
                        fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
                        /* A device that does not exist has let us through as well. */
                        if (fd >= 0 || (errno != EACCES && errno != EPERM)) {
                                printf("node %s %u:%u %s\n", path, nodes[i].major, nodes[i].minor,
                                       fd >= 0 ? "ok" : outcome(errno));
                                out = true;
                        }
                        if (fd >= 0)
                                close(fd);
                        unlink(path);
                }
        return verdict("mknod", out);
}

/* Text typed into the terminal of whoever started us; with high bits, which some filters do not look at. */
static int escape_inject(int argc, char **argv) {
        static const unsigned long requests[] = { TIOCSTI, TIOCSTI | 1UL << 32 };
        bool out = false;

        (void) argc;
        (void) argv;
        for (int fd = 0; fd < 3; fd++)
                for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
                        char c = 'x', paste = 3;

                        out = out || syscall(SYS_ioctl, fd, requests[i], &c) == 0;
                        out = out || syscall(SYS_ioctl, fd, (unsigned long) TIOCLINUX, &paste) == 0;
                }
        return verdict("inject", out);
}

/* The program of any process that we can see but that is not of our tree. */
static int escape_exe(int argc, char **argv) {
        DIR *d = opendir("/proc");
        struct dirent *entry;
        bool out = false;

        (void) argc;
        (void) argv;
        while (d && (entry = readdir(d))) {
                char path[300], target[4096];
                struct stat there, here;
                ssize_t n;

                if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
                        continue;
                snprintf(path, sizeof path, "/proc/%s/exe", entry->d_name);
                n = readlink(path, target, sizeof target - 1);
                if (n < 0)
                        continue;
                target[n] = '\0';
                if (stat(path, &there) == 0 && stat(target, &here) == 0 && there.st_ino == here.st_ino &&
                    there.st_dev == here.st_dev)
                        continue;
                if (may_write(path)) {
                        printf("writable %s %s\n", path, target);
                        out = true;
                }
        }
        if (d)
                closedir(d);
        return verdict("exe", out);
}

/* Is what the process runs not of our tree? */
static bool is_foreign(pid_t pid) {
        char path[64], target[4096];
        struct stat there, here;
        ssize_t n;

        snprintf(path, sizeof path, "/proc/%d/exe", (int) pid);
        n = readlink(path, target, sizeof target - 1);
        if (n < 0 || stat(path, &there) < 0)
                return false;
        target[n] = '\0';
        return stat(target, &here) < 0 || there.st_ino != here.st_ino || there.st_dev != here.st_dev;
}

static bool seize(pid_t pid) {
        bool out = false;

        if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0)
                return false;
        out = is_foreign(pid);
        ptrace(PTRACE_INTERRUPT, pid, 0, 0);
        waitpid(pid, NULL, __WALL);
        ptrace(PTRACE_DETACH, pid, 0, 0);
        return out;
}

/* Until the file is there: a process on its way to its program here, which still is the launcher's. */
static int escape_seize(int argc, char **argv) {
        unsigned tries = 0;
        bool out = false;

        if (argc != 1)
                return 2;
        printf("up\n");
        while (!out && access(argv[0], F_OK) < 0) {
                DIR *d = opendir("/proc");
                struct dirent *entry;

                while (d && (entry = readdir(d))) {
                        pid_t pid = atoi(entry->d_name);

                        if (pid <= 1)
                                continue;
                        tries++;
                        out = out || seize(pid);
                }
                if (d)
                        closedir(d);
        }
        printf("tried %s\n", tries > 0 ? "yes" : "no");
        return verdict("seize", out);
}

/* Read-only mounts that can be made writable. */
static int escape_writable_sys(int argc, char **argv) {
        (void) argc;
        (void) argv;
        own_mounts();
        (void) mount(NULL, "/sys", NULL, MS_REMOUNT | MS_BIND, NULL);
        (void) mount(NULL, "/sys/kernel", NULL, MS_REMOUNT | MS_BIND, NULL);
        return verdict("sysfs-rw", may_write("/sys/kernel/mm/ksm/run"));
}

/* Processes that are not ours: by number, all of them. */
static int escape_kill(int argc, char **argv) {
        if (argc != 1)
                return 2;
        return verdict("kill", kill(atoi(argv[0]), 0) == 0);
}

/* In the place of a checker of file systems, started by its first line: what it could do is written to the beginning
 * of the device, its last argument. */
static int escape_checker(int argc, char **argv) {
        int device = argc > 1 ? open(argv[argc - 1], O_RDWR) : -1;
        char text[1024] = "", line[256];
        FILE *status = fopen("/proc/self/status", "re");
        size_t n = 0;

        while (status && fgets(line, sizeof line, status))
                if (strncmp(line, "Uid:", 4) == 0 || strncmp(line, "CapPrm:", 7) == 0 ||
                    strncmp(line, "CapEff:", 7) == 0 || strncmp(line, "NoNewPrivs:", 11) == 0 ||
                    strncmp(line, "Seccomp:", 8) == 0)
                        n += (size_t) snprintf(text + n, sizeof text - n, "%s", line);
        n += (size_t) snprintf(text + n, sizeof text - n, "fork %d\nsocket %d\nfile %d\ndisk %d\nfds %d\nargs %d %s\n",
                               syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) >= 0, socket(AF_UNIX, SOCK_STREAM, 0) >= 0,
                               open("/tmp/checker", O_CREAT | O_WRONLY, 0600) >= 0, open("/dev/loop0", O_RDWR) >= 0,
                               fcntl(5, F_GETFD) >= 0, argc, argv[argc - 2]);
        return pwrite(device, text, sizeof text, 0) == sizeof text ? 0 : 8;
}

static const struct verb items[] = {
        { "checker", escape_checker, "stand in for fsck: write what it could do to the device" },
        { "fresh-proc", escape_fresh_proc, "a new proc with a writable sys" },
        { "remount", escape_remount, "make /proc/sys writable" },
        { "umount", escape_umount, "uncover what is covered below /proc" },
        { "direct", escape_direct, "open what acts on the host for writing" },
        { "cgroup1", escape_cgroup1, "release_agent of a cgroup v1 hierarchy" },
        { "fresh-sysfs", escape_fresh_sysfs, "a new sysfs that can be written to" },
        { "sysfs-rw", escape_writable_sys, "make /sys writable" },
        { "handle", escape_handle, "open the host's root by file handle" },
        { "chroot", escape_chroot, "leave by a second chroot" },
        { "mknod", escape_mknod, "make and open device nodes" },
        { "inject", escape_inject, "type into the terminal" },
        { "exe", escape_exe, "write to programs that are not of the tree" },
        { "seize", escape_seize, "FILE: trace what comes in, until it is there" },
        { "kill", escape_kill, "PID: signal a process" },
};
const struct verbs verbs_escape = { items, sizeof items / sizeof items[0] };
