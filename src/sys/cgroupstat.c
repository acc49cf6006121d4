/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/cgroupstat.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/loop.h"
#include "base/parse.h"
#include "base/str.h"

/* cgroups(7) allow more; what is deeper is not looked at. */
enum { DEPTH = 64 };

int cgroupstat_open(const char *path) {
        CLEAN_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct statfs sf;

        if (fd < 0 || fstatfs(fd, &sf) < 0)
                return -errno;
        return sf.f_type == CGROUP2_SUPER_MAGIC ? TAKE_FD(fd) : -EINVAL;
}

bool cgroupstat_is_frozen(const char *path) {
        CLEAN_FD int fd = -1;
        char text[4200];
        struct statfs sf;
        ssize_t n;

        if (snprintf(text, sizeof text, "%s/cgroup.events", path) >= (int) sizeof text)
                return false;
        fd = open(text, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0 || fstatfs(fd, &sf) < 0 || sf.f_type != CGROUP2_SUPER_MAGIC)
                return false;
        n = read(fd, text, sizeof text - 1);
        text[n > 0 ? n : 0] = '\0';
        return strstr(text, "frozen 1\n");
}

int cgroupstat_number(int cgroup, const char *file, uint64_t *ret) {
        char text[64];
        ssize_t n = file_read_at(cgroup, file, text, sizeof text);

        if (n < 0)
                return (int) n;
        text[strcspn(text, "\n")] = '\0';
        if (streq(text, "max")) {
                *ret = UINT64_MAX;
                return 0;
        }
        return parse_u64(text, 0, UINT64_MAX, ret);
}

int cgroupstat_key(int cgroup, const char *file, const char *key, uint64_t *ret) {
        char text[8192];
        ssize_t n = file_read_at(cgroup, file, text, sizeof text);

        if (n < 0)
                return (int) n;
        for (char *line = text, *next; line && *line; line = next) {
                const char *value = str_after(line, key);

                next = strchr(line, '\n');
                if (next)
                        *next++ = '\0';
                if (value && *value == ' ')
                        return parse_u64(value + 1, 0, UINT64_MAX, ret);
        }
        return -ENOENT;
}

int cgroupstat_io(int cgroup, const char *key, uint64_t *ret) {
        char text[32 * 1024];
        ssize_t n = file_read_at(cgroup, "io.stat", text, sizeof text);
        uint64_t sum = 0;

        if (n < 0)
                return (int) n;
        for (char *save, *word = strtok_r(text, " \n", &save); word; word = strtok_r(NULL, " \n", &save)) {
                const char *value = str_after(word, key);
                uint64_t number;

                if (value && *value == '=' && parse_u64(value + 1, 0, UINT64_MAX, &number) == 0)
                        sum += number;
        }
        *ret = sum;
        return 0;
}

int cgroupstat_pids(int cgroup, struct arena *a, struct pid_list *ret) {
        CLEAN_FD int fd = openat(cgroup, "cgroup.procs", O_RDONLY | O_CLOEXEC);
        CLEAN_FILE FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
        CLEAN_FREE char *line = NULL;
        size_t room = 0;

        if (!f)
                return -errno;
        fd = -1;
        errno = 0;
        while (getline(&line, &room, f) > 0)
                *arena_push(a, ret) = (pid_t) strtol(line, NULL, 10);
        /* A threaded cgroup tells its processes at the top of its domain only (cgroup-v2.rst, Threads). */
        return errno == EOPNOTSUPP ? 0 : -errno;
}

static int by_name(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

int cgroupstat_children(int cgroup, struct arena *a, struct strv *ret) {
        CLEAN_FD int fd = openat(cgroup, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        CLEAN_DIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);

        if (!dir)
                return -errno;
        fd = -1;
        for (struct dirent *d; (d = readdir(dir));)
                if (d->d_type == DT_DIR && !streq(d->d_name, ".") && !streq(d->d_name, ".."))
                        strv_add(a, ret, d->d_name);
        if (ret->n > 1)
                qsort(ret->items, ret->n, sizeof *ret->items, by_name);
        return 0;
}

static int collect(int cgroup, struct arena *a, struct pid_list *ret, int depth) {
        struct strv names = { 0 };
        int k = cgroupstat_pids(cgroup, a, ret);

        k = k < 0 ? k : cgroupstat_children(cgroup, a, &names);
        for (size_t i = 0; k == 0 && depth < DEPTH && i < names.n; i++) {
                CLEAN_FD int fd = openat(cgroup, names.items[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

                /* What is gone meanwhile has no processes. */
                k = fd < 0 ? 0 : collect(fd, a, ret, depth + 1);
                if (k == -ENODEV || k == -ENOENT)
                        k = 0;
        }
        return k;
}

int cgroupstat_all_pids(int cgroup, struct arena *a, struct pid_list *ret) {
        return collect(cgroup, a, ret, 0);
}

static bool is_frozen(int events) {
        char text[256];
        ssize_t n = pread(events, text, sizeof text - 1, 0);

        text[n > 0 ? n : 0] = '\0';
        return strstr(text, "frozen 1") != NULL;
}

int cgroupstat_freeze(int cgroup, int frozen, int timeout_ms) {
        CLEAN_FD int fd = openat(cgroup, "cgroup.freeze", O_WRONLY | O_CLOEXEC);
        CLEAN_FD int events = openat(cgroup, "cgroup.events", O_RDONLY | O_CLOEXEC);
        struct pollfd p = { .fd = events, .events = POLLPRI };
        int64_t end = (int64_t) loop_now_ms() + timeout_ms;

        if (fd < 0 || events < 0)
                return -errno;
        if (write(fd, frozen ? "1" : "0", 1) < 0)
                return -errno;
        /* The read arms the poll (cgroup-v2.rst, cgroup.events). */
        while (is_frozen(events) != (frozen != 0)) {
                int64_t left = end - (int64_t) loop_now_ms();

                if (left <= 0)
                        return -ETIMEDOUT;
                if (poll(&p, 1, (int) left) < 0 && errno != EINTR)
                        return -errno;
        }
        return 0;
}
