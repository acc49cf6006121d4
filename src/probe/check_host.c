/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looks at what runs and lies on the host: cgroups, services, devices, limits. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/errno_text.h"
#include "base/str.h"
#include "plan/idrange.h"
#include "probe/check.h"
#include "sys/cgroupfs.h"

static void exists(const char *path, struct check_finding *ret) {
        check_result(ret, access(path, F_OK) < 0 ? -errno : 0);
}

static void openable(const char *path, struct check_finding *ret) {
        CLEAN_FD int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

        check_result(ret, fd < 0 ? -errno : 0);
}

void check_overlay(const struct check_context *c, struct check_finding *ret) {
        check_result(ret, strstr(check_text(c, "/proc/filesystems"), "\toverlay\n") ? 0 : -ENODEV);
}

/* --- cgroups --- */

/* Controllers that a hierarchy of version 1 holds are not there for version 2 (cgroups(7)). */
static void add_version1(const struct check_context *c, struct check_finding *ret) {
        const char *text = check_text(c, "/proc/cgroups");
        char name[32];
        unsigned hierarchy;
        bool some = false;

        for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
                if (sscanf(text, "%31[a-z_] %u", name, &hierarchy) == 2 && hierarchy != 0) {
                        snprintf(ret->detail + strlen(ret->detail), sizeof ret->detail - strlen(ret->detail), "%s%s",
                                 some ? " " : "; version 1 holds ", name);
                        some = true;
                }
}

void check_cgroup2(const struct check_context *c, struct check_finding *ret) {
        char path[4096];
        CLEAN_FD int fd = cgroupfs_find(path, sizeof path);

        if (fd < 0)
                check_say(ret, CHECK_NO, "%s", "not mounted");
        else
                check_say(ret, CHECK_YES, "%.100s", path);
}

/* The caller's own, O_PATH. */
static int open_own(const struct check_context *c, char *ret_path, size_t size) {
        char top_path[4096];
        CLEAN_FD int top = cgroupfs_find(top_path, sizeof top_path);
        int k = top < 0 ? top : cgroupfs_own(c->proc, ret_path, size);

        if (k < 0)
                return k;
        k = openat(top, ret_path[1] ? ret_path + 1 : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        return k < 0 ? -errno : k;
}

void check_own_cgroup(const struct check_context *c, struct check_finding *ret) {
        char path[4096] = "";
        CLEAN_FD int fd = open_own(c, path, sizeof path);

        if (fd < 0)
                check_result(ret, fd);
        else if (faccessat(fd, ".", W_OK, 0) < 0)
                check_say(ret, CHECK_NO, "%.100s: %s", path, errno_text(errno));
        else
                check_say(ret, CHECK_YES, "%.100s", path);
}

static bool has_word(const char *list, const char *word) {
        size_t n = strlen(word);

        for (const char *p = list; (p = strstr(p, word)); p += n)
                if ((p == list || p[-1] == ' ') && strchr(" \n", p[n]))
                        return true;
        return false;
}

/* What is there can be given to containers: the caller's cgroup turns it on when a limit asks for it. */
void check_controllers(const struct check_context *c, struct check_finding *ret) {
        static const char names[][7] = { "memory", "cpu", "pids", "io" };
        char path[4096], text[512] = "";
        CLEAN_FD int own = open_own(c, path, sizeof path);
        CLEAN_FD int fd = own < 0 ? -1 : openat(own, "cgroup.controllers", O_RDONLY | O_CLOEXEC);
        unsigned missing = 0;

        if (fd < 0 || read(fd, text, sizeof text - 1) < 0) {
                check_say(ret, CHECK_NO, "%s", "no cgroup2");
                return;
        }
        ret->detail[0] = '\0';
        for (size_t i = 0; i < ELEMENTS(names); i++) {
                if (has_word(text, names[i]))
                        continue;
                snprintf(ret->detail + strlen(ret->detail), sizeof ret->detail - strlen(ret->detail), "%s%s",
                         missing ? " " : "missing: ", names[i]);
                missing++;
        }
        ret->state = missing == 0 ? CHECK_YES : missing == ELEMENTS(names) ? CHECK_NO : CHECK_PART;
        if (missing == 0)
                snprintf(ret->detail, sizeof ret->detail, "%.*s", (int) strcspn(text, "\n"), text);
        else
                add_version1(c, ret);
}

/* --- files and services --- */

void check_run(const struct check_context *c, struct check_finding *ret) {
        struct stat st;

        if (stat("/run/berth", &st) < 0)
                check_result(ret, errno == ENOENT && access("/run", W_OK) == 0 ? 0 : -errno);
        else if (st.st_uid != geteuid() || st.st_mode & 022)
                check_say(ret, CHECK_NO, "/run/berth belongs to user %u with mode %04o", st.st_uid,
                          st.st_mode & 07777);
        else
                check_result(ret, access("/run/berth", W_OK) < 0 ? -errno : 0);
}

void check_ranges(const struct check_context *c, struct check_finding *ret) {
        CLEAN_DIR DIR *dir = opendir("/run/systemd/nspawn-uid");
        unsigned all = (IDRANGE_MAX - IDRANGE_MIN) / IDRANGE_SIZE + 1, used = 0;

        for (struct dirent *d; dir && (d = readdir(dir));)
                used += d->d_name[0] >= '0' && d->d_name[0] <= '9';
        check_say(ret, used < all ? CHECK_YES : CHECK_NO, "%u of %u in use", used, all);
}

/* sd_booted(3) */
void check_manager(const struct check_context *c, struct check_finding *ret) {
        exists("/run/systemd/system", ret);
        if (ret->state == CHECK_YES)
                check_say(ret, CHECK_YES, "%s", "systemd");
        else
                check_say(ret, CHECK_NO, "%s", "systemd does not run this host");
}

static void listens(const char *path, int type, struct check_finding *ret) {
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        CLEAN_FD int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
        check_result(ret, connect(fd, (const struct sockaddr *) &a, sizeof a) < 0 ? -errno : 0);
}

void check_bus(const struct check_context *c, struct check_finding *ret) {
        listens("/run/dbus/system_bus_socket", SOCK_STREAM, ret);
}

/* It is started when somebody asks for it. */
void check_machined(const struct check_context *c, struct check_finding *ret) {
        static const char places[][34] = { "/usr/lib/systemd/systemd-machined", "/lib/systemd/systemd-machined" };

        check_manager(c, ret);
        for (size_t i = 0; i < ELEMENTS(places) && ret->state == CHECK_YES; i++)
                if (access(places[i], X_OK) == 0) {
                        check_say(ret, CHECK_YES, "%s", places[i]);
                        return;
                }
        if (ret->state == CHECK_YES)
                check_say(ret, CHECK_NO, "%s", "not installed");
}

void check_journal(const struct check_context *c, struct check_finding *ret) {
        listens("/run/systemd/journal/socket", SOCK_DGRAM, ret);
}

/* --- devices --- */

void check_tun(const struct check_context *c, struct check_finding *ret) {
        openable("/dev/net/tun", ret);
}

void check_fuse(const struct check_context *c, struct check_finding *ret) {
        openable("/dev/fuse", ret);
}

void check_loop(const struct check_context *c, struct check_finding *ret) {
        exists("/dev/loop-control", ret);
}

void check_mapper(const struct check_context *c, struct check_finding *ret) {
        exists("/dev/mapper/control", ret);
}

/* --- limits --- */

/* systemd raises the limit of its services to 524288 (systemd.exec(5), LimitNOFILE=). */
void check_files(const struct check_context *c, struct check_finding *ret) {
        struct rlimit l;

        if (getrlimit(RLIMIT_NOFILE, &l) < 0)
                check_result(ret, -errno);
        else
                check_say(ret, l.rlim_max < 65536 ? CHECK_PART : CHECK_YES, "at most %" PRIu64, (uint64_t) l.rlim_max);
}

void check_pids(const struct check_context *c, struct check_finding *ret) {
        uint64_t pids = strtoull(check_text(c, "/proc/sys/kernel/pid_max"), NULL, 10);
        uint64_t threads = strtoull(check_text(c, "/proc/sys/kernel/threads-max"), NULL, 10);
        uint64_t most = pids < threads ? pids : threads;

        check_say(ret, most < 16384 ? CHECK_PART : CHECK_YES, "at most %" PRIu64, most);
}

void check_terminals(const struct check_context *c, struct check_finding *ret) {
        uint64_t most = strtoull(check_text(c, "/proc/sys/kernel/pty/max"), NULL, 10);
        uint64_t used = strtoull(check_text(c, "/proc/sys/kernel/pty/nr"), NULL, 10);

        check_say(ret, used + 64 > most ? CHECK_PART : CHECK_YES, "%" PRIu64 " of %" PRIu64 " in use", used, most);
}

void check_inotify(const struct check_context *c, struct check_finding *ret) {
        const char *text = check_text(c, "/proc/sys/fs/inotify/max_user_instances");

        check_say(ret, strtoull(text, NULL, 10) < 128 ? CHECK_PART : CHECK_YES, "%s for each user", text);
}
