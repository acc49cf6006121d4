/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a copy of the caller would have from it, and the container's processes after that. What one process cannot give
 * another is only compared: then a copy it must be. */

#include "cli/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/siphash.h"
#include "sys/caps.h"
#include "sys/ns.h"

struct trait {
        const char *name;
        int (*read)(int proc, const struct trait *t, int64_t *ret);
        int (*set)(int proc, const struct trait *t, int64_t v); /* NULL: nobody can */
        const char *file;                                       /* in /proc/self, or a line's head there */
        int option;                                             /* prctl(2) */
        int base;                                               /* of the number in the file */
};

/* A kernel without it has it nowhere. */
static int read_namespace(int proc, const struct trait *t, int64_t *ret) {
        CLEAN_FD int dir = openat(proc, "self/ns", O_PATH | O_DIRECTORY | O_CLOEXEC);
        uint64_t inode = 0;
        int k = dir < 0 ? -errno : ns_inode(dir, t->file, &inode);

        *ret = (int64_t) inode;
        return k == -ENOENT ? 0 : k;
}

/* proc_pid_status(5) */
static int read_status(int proc, const struct trait *t, int64_t *ret) {
        char text[8192], head[64];
        ssize_t n = file_read_at(proc, "self/status", text, sizeof text);
        const char *line;

        snprintf(head, sizeof head, "\n%s:", t->file);
        line = n < 0 ? NULL : strstr(text, head);
        *ret = line ? (int64_t) strtoull(line + strlen(head), NULL, t->base) : 0;
        return n < 0 ? (int) n : 0;
}

static int read_prctl(int proc, const struct trait *t, int64_t *ret) {
        *ret = prctl(t->option, 0L, 0L, 0L, 0L);
        return *ret < 0 ? -errno : 0;
}

static int read_file(int proc, const struct trait *t, int64_t *ret) {
        char text[64];
        ssize_t n = file_read_at(proc, t->file, text, sizeof text);

        *ret = n < 0 ? 0 : strtoll(text, NULL, t->base);
        /* A kernel without core dumps has no filter for them. */
        return n == -ENOENT ? 0 : n < 0 ? (int) n : 0;
}

/* proc_pid_attr(5). What a security module confines is confined in the same way or not given away; what it does not
 * has several names, a service's too. */
static int read_label(int proc, const struct trait *t, int64_t *ret) {
        static const uint8_t key[16];
        char text[4096];
        ssize_t n = file_read_at(proc, t->file, text, sizeof text);

        /* No module at all is an error to the kernel. */
        *ret = n <= 0 ? 0 : strstr(text, "unconfined") ? 1 : (int64_t) (siphash24(text, (size_t) n, key) | 2);
        return 0;
}

static int set_file(int proc, const struct trait *t, int64_t v) {
        CLEAN_FD int fd = openat(proc, t->file, O_WRONLY | O_CLOEXEC);
        char text[32];
        int n = snprintf(text, sizeof text, t->base == 16 ? "0x%llx" : "%lld", (long long) v);

        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        return file_write(fd, text, (size_t) n);
}

static int read_memory_policy(int proc, const struct trait *t, int64_t *ret) {
        int mode = 0;

        /* A kernel without NUMA has none. */
        if (syscall(SYS_get_mempolicy, &mode, NULL, 0L, NULL, 0L) < 0 && errno != ENOSYS && errno != EPERM)
                return -errno;
        *ret = mode;
        return 0;
}

static int read_umask(int proc, const struct trait *t, int64_t *ret) {
        mode_t now = umask(0);

        (void) umask(now);
        *ret = now;
        return 0;
}

static int set_umask(int proc, const struct trait *t, int64_t v) {
        (void) umask((mode_t) (v & 0777));
        return 0;
}

static int read_personality(int proc, const struct trait *t, int64_t *ret) {
        *ret = personality(0xffffffff);
        return *ret < 0 ? -errno : 0;
}

static int set_personality(int proc, const struct trait *t, int64_t v) {
        return personality((unsigned long) v) < 0 ? -errno : 0;
}

static int set_slack(int proc, const struct trait *t, int64_t v) {
        return prctl(PR_SET_TIMERSLACK, (unsigned long) v, 0L, 0L, 0L) < 0 ? -errno : 0;
}

/* By the system calls: not every C library has the functions. Policy and priority in one number; SCHED_DEADLINE goes
 * to nobody. */
static int read_scheduler(int proc, const struct trait *t, int64_t *ret) {
        struct sched_param p = { 0 };
        long policy = syscall(SYS_sched_getscheduler, 0);

        if (policy < 0 || syscall(SYS_sched_getparam, 0, &p) < 0)
                return -errno;
        *ret = (int64_t) policy << 32 | p.sched_priority;
        return 0;
}

static int set_scheduler(int proc, const struct trait *t, int64_t v) {
        const struct sched_param p = { .sched_priority = (int) (v & 0xffff) };

        return syscall(SYS_sched_setscheduler, 0, (int) (v >> 32), &p) < 0 ? -errno : 0;
}

static int read_nice(int proc, const struct trait *t, int64_t *ret) {
        errno = 0;
        *ret = getpriority(PRIO_PROCESS, 0);
        return *ret == -1 && errno != 0 ? -errno : 0;
}

static int set_nice(int proc, const struct trait *t, int64_t v) {
        return setpriority(PRIO_PROCESS, 0, (int) v) < 0 ? -errno : 0;
}

enum { IOPRIO_OF_PROCESS = 1 };

static int read_io(int proc, const struct trait *t, int64_t *ret) {
        *ret = syscall(SYS_ioprio_get, IOPRIO_OF_PROCESS, 0);
        if (*ret >= 0 || errno != ENOSYS)
                return *ret < 0 ? -errno : 0;
        return (int) (*ret = 0);
}

static int set_io(int proc, const struct trait *t, int64_t v) {
        return syscall(SYS_ioprio_set, IOPRIO_OF_PROCESS, 0, (int) v) < 0 && errno != ENOSYS ? -errno : 0;
}

/* Of the scheduler before the niceness, which a change of the policy would not keep. */
static const struct trait traits[] = {
        { "process namespace", read_namespace, NULL, "pid", 0, 0 },
        { "user namespace", read_namespace, NULL, "user", 0, 0 },
        { "cgroup namespace", read_namespace, NULL, "cgroup", 0, 0 },
        { "time namespace", read_namespace, NULL, "time", 0, 0 },
        { "time namespace of its children", read_namespace, NULL, "time_for_children", 0, 0 },
        { "no new privileges", read_status, NULL, "NoNewPrivs", 0, 10 },
        { "system call filter", read_status, NULL, "Seccomp", 0, 10 },
        { "system call filters", read_status, NULL, "Seccomp_filters", 0, 10 },
        { "capabilities", read_status, NULL, "CapEff", 0, 16 },
        { "permitted capabilities", read_status, NULL, "CapPrm", 0, 16 },
        { "bounding set", read_status, NULL, "CapBnd", 0, 16 },
        { "security label", read_label, NULL, "self/attr/current", 0, 0 },
        { "secure bits", read_prctl, NULL, NULL, PR_GET_SECUREBITS, 0 },
        { "huge pages", read_prctl, NULL, NULL, PR_GET_THP_DISABLE, 0 },
        { "memory policy", read_memory_policy, NULL, NULL, 0, 0 },
        { "umask", read_umask, set_umask, NULL, 0, 0 },
        { "personality", read_personality, set_personality, NULL, 0, 0 },
        { "scheduler", read_scheduler, set_scheduler, NULL, 0, 0 },
        { "niceness", read_nice, set_nice, NULL, 0, 0 },
        { "I/O priority", read_io, set_io, NULL, 0, 0 },
        { "timer slack", read_prctl, set_slack, NULL, PR_GET_TIMERSLACK, 0 },
        { "OOM score", read_file, set_file, "self/oom_score_adj", 0, 10 },
        { "core dump filter", read_file, set_file, "self/coredump_filter", 0, 16 },
};

_Static_assert(ELEMENTS(traits) <= TRAITS, "no room for a trait");

static int read_limits(struct handover_context *ret) {
        for (int i = 0; i < HANDOVER_LIMITS; i++) {
                struct rlimit r;

                if (getrlimit(i, &r) < 0)
                        return -errno;
                ret->limits[i][0] = r.rlim_cur;
                ret->limits[i][1] = r.rlim_max;
        }
        return 0;
}

static int read_traits(int proc, struct handover_context *ret) {
        int k = 0;

        memset(ret, 0, sizeof *ret);
        for (size_t i = 0; k >= 0 && i < ELEMENTS(traits); i++)
                k = traits[i].read(proc, &traits[i], &ret->traits[i]);
        return k;
}

int context_read(int proc, struct handover_context *ret) {
        int k = read_traits(proc, ret);
        long n;

        k = k < 0 ? k : read_limits(ret);
        if (k < 0)
                return k;
        n = syscall(SYS_sched_getaffinity, 0, sizeof ret->cpus, ret->cpus);
        if (n < 0)
                return -errno;
        ret->n_cpus = (uint64_t) n;
        return 0;
}

const char *context_obstacle(int proc, const struct handover_context *c) {
        struct handover_context own;

        if (read_traits(proc, &own) < 0)
                return "what is in /proc";
        for (size_t i = 0; i < ELEMENTS(traits); i++)
                if (!traits[i].set && c->traits[i] != own.traits[i])
                        return traits[i].name;
        return NULL;
}

/* Once they are said they stay, whatever its cgroup or the host get later: so not where they are so already. */
static int adopt_cpus(const struct handover_context *c) {
        uint8_t now[sizeof c->cpus];
        long n = syscall(SYS_sched_getaffinity, 0, sizeof now, now);

        if (n == (long) c->n_cpus && memcmp(now, c->cpus, (size_t) n) == 0)
                return 0;
        return syscall(SYS_sched_setaffinity, 0, (size_t) c->n_cpus, c->cpus) < 0 ? -errno : 0;
}

/* Limits last: what needs a higher one is done by then. */
int context_adopt(int proc, const struct handover_context *c) {
        int k = 0;

        for (size_t i = 0; k >= 0 && i < ELEMENTS(traits); i++)
                k = traits[i].set ? traits[i].set(proc, &traits[i], c->traits[i]) : 0;
        k = k < 0 ? k : adopt_cpus(c);
        for (int i = 0; k >= 0 && i < HANDOVER_LIMITS; i++) {
                const struct rlimit r = { (rlim_t) c->limits[i][0], (rlim_t) c->limits[i][1] };

                k = setrlimit(i, &r) < 0 ? -errno : 0;
        }
        return k;
}
