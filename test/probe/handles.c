/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ways to the host through what a launcher leaves open, and through devices, processes and clocks. */

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"

static bool outside(struct stat *st) {
        struct stat root;

        return stat("/", &root) < 0 || st->st_dev != root.st_dev || st->st_ino != root.st_ino;
}

/* From a directory that is open, as far up as it goes: CVE-2024-21626 and its kin. */
static bool above_directory(int fd, char detail[DETAIL]) {
        struct stat st;

        if (fchdir(fd) < 0)
                return false;
        for (int i = 0; i < 64; i++)
                if (chdir("..") < 0)
                        break;
        if (stat(".", &st) == 0 && outside(&st)) {
                snprintf(detail, DETAIL, "descriptor %d leads above the root", fd);
                return true;
        }
        return false;
}

static bool leaked_directory(const struct planted *p, char detail[DETAIL]) {
        (void) p;
        for (int fd = 0; fd < 1024; fd++) {
                struct stat st;

                if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) && above_directory(fd, detail))
                        return true;
        }
        snprintf(detail, DETAIL, "none is open");
        return false;
}

static bool working_directory(const struct planted *p, char detail[DETAIL]) {
        int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        (void) p;
        if (fd >= 0 && above_directory(fd, detail))
                return true;
        snprintf(detail, DETAIL, "it leads to the root");
        return false;
}

/* All processes that can be seen, this one's own ones left out: calls f with each until it says true. */
static bool each_process(bool (*f)(pid_t pid, char detail[DETAIL]), char detail[DETAIL]) {
        DIR *d = opendir("/proc");
        struct dirent *entry;
        bool through = false;

        while (d && !through && (entry = readdir(d)))
                if (isdigit((unsigned char) entry->d_name[0]) && atoi(entry->d_name) != getpid())
                        through = f(atoi(entry->d_name), detail);
        if (d)
                closedir(d);
        return through;
}

/* CVE-2019-5736: a program that is not of the tree, open for writing. A process that is still it counts by its link.
 */
static bool writable_program(pid_t pid, char detail[DETAIL]) {
        char path[64], target[DETAIL - 32];
        struct stat there, here;
        ssize_t n;

        snprintf(path, sizeof path, "/proc/%d/exe", (int) pid);
        n = readlink(path, target, sizeof target - 1);
        if (n < 0)
                return false;
        target[n] = '\0';
        /* A program that only ever was in memory is nobody else's. */
        if (strncmp(target, "/memfd:", 7) == 0)
                return false;
        if (stat(path, &there) == 0 && stat(target, &here) == 0 && there.st_ino == here.st_ino &&
            there.st_dev == here.st_dev)
                return false;
        /* ETXTBSY is no protection: it ends with the process. */
        if (!may_write(path) && errno != ETXTBSY)
                return false;
        snprintf(detail, DETAIL, "%s of process %d", target, (int) pid);
        return true;
}

static bool program(const struct planted *p, char detail[DETAIL]) {
        (void) p;
        if (each_process(writable_program, detail))
                return true;
        snprintf(detail, DETAIL, "all programs are of the tree, or cannot be written to");
        return false;
}

/* A process with another root than ours, which we may look into. */
static bool other_root(pid_t pid, char detail[DETAIL]) {
        char path[64];
        struct stat st;

        snprintf(path, sizeof path, "/proc/%d/root/.", (int) pid);
        if (stat(path, &st) < 0 || !outside(&st))
                return false;
        snprintf(detail, DETAIL, "process %d has another root", (int) pid);
        return true;
}

static bool root_of_process(const struct planted *p, char detail[DETAIL]) {
        (void) p;
        if (each_process(other_root, detail))
                return true;
        snprintf(detail, DETAIL, "none that can be entered");
        return false;
}

/* A process that is not of this container: one that runs in another process namespace has more numbers than we see. */
static bool foreign_process(pid_t pid, char detail[DETAIL]) {
        char path[64];
        struct stat own, there;

        snprintf(path, sizeof path, "/proc/%d/ns/pid", (int) pid);
        if (stat("/proc/self/ns/pid", &own) < 0 || stat(path, &there) < 0 || own.st_ino == there.st_ino)
                return false;
        if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0)
                return false;
        ptrace(PTRACE_DETACH, pid, 0, 0);
        snprintf(detail, DETAIL, "process %d can be traced", (int) pid);
        return true;
}

static bool trace_foreign(const struct planted *p, char detail[DETAIL]) {
        (void) p;
        if (each_process(foreign_process, detail))
                return true;
        snprintf(detail, DETAIL, "%s", getppid() == 0 ? "its parent cannot be seen" : "none can be seen");
        return false;
}

static bool node_opens(mode_t type, unsigned major, unsigned minor, char detail[DETAIL]) {
        static const char *const places[] = { "/dev", "/dev/shm", "/tmp", "/run", "/root", "/var/tmp", "" };

        for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
                char path[64];
                int fd;

                snprintf(path, sizeof path, "%s/probe-node", places[i]);
                if (mknod(path, type | 0600, makedev(major, minor)) < 0)
                        continue;
                fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
                unlink(path);
                if (fd < 0)
                        continue;
                close(fd);
                snprintf(detail, DETAIL, "%u:%u could be made and opened in %s", major, minor, places[i]);
                return true;
        }
        return false;
}

static bool host_disk(const struct planted *p, char detail[DETAIL]) {
        static const unsigned majors[] = { 7, 8, 9, 179, 202, 252, 253, 254, 259 };
        const char *disk = planted_value(p, "disk");
        unsigned major, minor;

        if (disk && sscanf(disk, "%u:%u", &major, &minor) == 2 && node_opens(S_IFBLK, major, minor, detail))
                return true;
        for (size_t i = 0; i < sizeof majors / sizeof *majors; i++)
                if (node_opens(S_IFBLK, majors[i], 0, detail))
                        return true;
        snprintf(detail, DETAIL, "%s", outcome(errno));
        return false;
}

/* mem, kmem, port, kmsg, consoles and serial lines: numbers from Linux' devices.txt. */
static bool host_memory(const struct planted *p, char detail[DETAIL]) {
        static const struct {
                unsigned major, minor;
        } nodes[] = { { 1, 1 }, { 1, 2 },  { 1, 4 }, { 1, 11 },   { 4, 0 },
                      { 4, 1 }, { 4, 64 }, { 5, 1 }, { 10, 144 }, { 10, 231 } };

        (void) p;
        for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
                if (node_opens(S_IFCHR, nodes[i].major, nodes[i].minor, detail))
                        return true;
        snprintf(detail, DETAIL, "%s", outcome(errno));
        return false;
}

/* The clock is the machine's. It is set to the frequency it has. */
static bool clock_of_host(const struct planted *p, char detail[DETAIL]) {
        struct timex now = { 0 }, same;

        (void) p;
        if (adjtimex(&now) < 0) {
                snprintf(detail, DETAIL, "reading: %s", outcome(errno));
                return false;
        }
        same = (struct timex){ .modes = ADJ_FREQUENCY, .freq = now.freq };
        if (adjtimex(&same) < 0) {
                snprintf(detail, DETAIL, "%s", outcome(errno));
                return false;
        }
        snprintf(detail, DETAIL, "adjtimex() sets it");
        return true;
}

static const struct attempt items[] = {
        { "leaked-directory", leaked_directory },
        { "working-directory", working_directory },
        { "program", program },
        { "root-of-process", root_of_process },
        { "trace", trace_foreign },
        { "host-disk", host_disk },
        { "host-memory", host_memory },
        { "clock", clock_of_host },
};
const struct attempts escapes_handles = { items, sizeof items / sizeof *items };
