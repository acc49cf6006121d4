/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/cgroupfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/str.h"

static int try_path(const char *path, char *ret_path, size_t size) {
        CLEAN_FD int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct statfs sf;

        if (fd < 0 || fstatfs(fd, &sf) < 0)
                return -errno;
        if (sf.f_type != CGROUP2_SUPER_MAGIC)
                return -ENOENT;
        snprintf(ret_path, size, "%s", path);
        return TAKE_FD(fd);
}

/* Only where cgroup2 is at no usual place: reading mountinfo takes time in proportion to the mounts of the host. */
static int try_mountinfo(char *ret_path, size_t size) {
        CLEAN_FILE FILE *f = fopen("/proc/self/mountinfo", "re");
        CLEAN_FREE char *line = NULL;
        size_t room = 0;

        if (!f)
                return -errno;
        while (getline(&line, &room, f) > 0) {
                char *type = strstr(line, " - "), *at = line;

                if (!type || !str_after(type + 3, "cgroup2 "))
                        continue;
                for (int i = 0; at && i < 4; i++)
                        at = strchr(at, ' ') ? strchr(at, ' ') + 1 : NULL;
                if (!at || at > type)
                        continue;
                at[strcspn(at, " ")] = '\0';
                return try_path(at, ret_path, size);
        }
        return -ENOENT;
}

int cgroupfs_find(char *ret_path, size_t size) {
        static const char usual[][23] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

        for (size_t i = 0; i < ELEMENTS(usual); i++) {
                int r = try_path(usual[i], ret_path, size);

                if (r >= 0)
                        return r;
        }
        return try_mountinfo(ret_path, size);
}

static int read_own(int proc, const char *file, char *ret_path, size_t size) {
        char text[4096 + 1024];
        ssize_t n = file_read_at(proc, file, text, sizeof text);

        if (n < 0)
                return (int) n;
        for (char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
                const char *path = str_after(line, "0::");

                if (!path)
                        continue;
                if (strcspn(path, "\n") >= size)
                        return -ENAMETOOLONG;
                snprintf(ret_path, size, "%.*s", (int) strcspn(path, "\n"), path);
                return 0;
        }
        return -ENOENT;
}

int cgroupfs_own(int proc, char *ret_path, size_t size) {
        return read_own(proc, "self/cgroup", ret_path, size);
}

int cgroupfs_of(int proc, pid_t pid, char *ret_path, size_t size) {
        char file[32];

        snprintf(file, sizeof file, "%d/cgroup", (int) pid);
        return read_own(proc, file, ret_path, size);
}

bool cgroupfs_is_delegated(const char *path) {
        char value[2];

        return getxattr(path, "trusted.delegate", value, sizeof value) == 1 && value[0] == '1';
}

int cgroupfs_write(int cgroup, const char *file, const char *text) {
        CLEAN_FD int fd = openat(cgroup, file, O_WRONLY | O_CLOEXEC);
        size_t n = strlen(text);

        if (fd < 0)
                return -errno;
        return write(fd, text, n) == (ssize_t) n ? 0 : -errno;
}

int cgroupfs_move(int cgroup, pid_t pid) {
        char text[16];

        snprintf(text, sizeof text, "%d", (int) pid);
        return cgroupfs_write(cgroup, "cgroup.procs", text);
}

int cgroupfs_is_crowded(int cgroup) {
        CLEAN_FD int fd = openat(cgroup, "cgroup.procs", O_RDONLY | O_CLOEXEC);
        char first;
        ssize_t n;

        if (fd < 0)
                return -errno;
        n = read(fd, &first, 1);
        if (n < 0)
                return -errno;
        /* Only the top has no type. */
        return n > 0 && faccessat(cgroup, "cgroup.type", F_OK, 0) == 0;
}

static int enable(int cgroup, const char *controller) {
        char word[64];

        snprintf(word, sizeof word, "+%.60s", controller);
        return cgroupfs_write(cgroup, "cgroup.subtree_control", word);
}

static int is_enabled(int cgroup, const char *controller) {
        char text[256], *at = text, *name;
        ssize_t n = file_read_at(cgroup, "cgroup.subtree_control", text, sizeof text);

        if (n < 0)
                return (int) n;
        while ((name = strsep(&at, " \n")))
                if (streq(name, controller))
                        return 1;
        return 0;
}

int cgroupfs_enable_one(int cgroup, const char *controller) {
        int k = is_enabled(cgroup, controller);

        if (k != 0)
                return k < 0 ? k : 0;
        k = cgroupfs_is_crowded(cgroup);
        return k < 0 ? k : k > 0 ? -EBUSY : enable(cgroup, controller);
}

void cgroupfs_enable(int cgroup) {
        char text[256], *at = text, *name;

        if (file_read_at(cgroup, "cgroup.controllers", text, sizeof text) <= 0)
                return;
        /* One by one: some may be refused, as cpu with real-time processes. */
        while ((name = strsep(&at, " \n")))
                if (*name)
                        (void) enable(cgroup, name);
}

int cgroupfs_make(int parent, const char *name) {
        int fd;

        if (mkdirat(parent, name, 0755) < 0)
                return -errno;
        fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) {
                int r = -errno;

                (void) unlinkat(parent, name, AT_REMOVEDIR);
                return r;
        }
        return fd;
}

static int write_limit(int cgroup, const char *name, const char *value) {
        CLEAN_FD int fd = openat(cgroup, name, O_WRONLY | O_CLOEXEC);

        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        return write(fd, value, strlen(value)) < 0 ? -errno : 0;
}

int cgroupfs_limit(int cgroup) {
        int r = write_limit(cgroup, "cgroup.max.depth", "32");

        return r < 0 ? r : write_limit(cgroup, "cgroup.max.descendants", "4096");
}

int cgroupfs_delegate(int cgroup, uid_t uid, gid_t gid) {
        /* The list of /sys/kernel/cgroup/delegate, as far as a guest needs it; older kernels lack some. */
        static const char files[][23] = { "cgroup.procs", "cgroup.threads", "cgroup.subtree_control",
                                          "memory.oom.group", "memory.reclaim" };

        if (fchown(cgroup, uid, gid) < 0)
                return -errno;
        for (size_t i = 0; i < ELEMENTS(files); i++)
                if (fchownat(cgroup, files[i], uid, gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
                        return -errno;
        return 0;
}

int cgroupfs_remove(int parent, const char *name) {
        CLEAN_DIR DIR *dir = NULL;
        struct dirent *d;
        int fd;

        if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
                return 0;
        /* The payload made cgroups of its own: leaves first. The depth is bounded by the kernel's path limits. */
        fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        dir = fdopendir(fd);
        if (!dir) {
                close(fd);
                return -ENOMEM;
        }
        while ((d = readdir(dir)))
                if (d->d_type == DT_DIR && !streq(d->d_name, ".") && !streq(d->d_name, ".."))
                        (void) cgroupfs_remove(dirfd(dir), d->d_name);
        return unlinkat(parent, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int cgroupfs_kill(int cgroup) {
        CLEAN_FD int fd = openat(cgroup, "cgroup.kill", O_WRONLY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        return write(fd, "1", 1) == 1 ? 0 : -errno;
}

static int has_event(int cgroup, const char *event) {
        char text[256];
        ssize_t n = file_read_at(cgroup, "cgroup.events", text, sizeof text);

        return n < 0 ? (int) n : strstr(text, event) != NULL;
}

int cgroupfs_populated(int cgroup) {
        return has_event(cgroup, "populated 1");
}

int cgroupfs_frozen(int cgroup) {
        return has_event(cgroup, "frozen 1");
}
