/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* posture [-s SECONDS] [NAME=INODE]...
 *
 * The payload of the fault tests: one line that says how well it is confined, the same in every run of the same
 * launch, so that a container which is silently weaker differs. Arguments are the host's namespaces; -s stays for a
 * while.
 *
 * Fields: the five capability sets, no_new_privs, filters, ids and groups, the id map, which namespaces are not the
 * host's, mounts with type and flags, what is hidden, descriptors, terminals, limits, umask, and the like. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { MOUNTS = 256 };

static const char *cause(int error) {
        const char *name = strerrorname_np(error);

        return error == 0 ? "ok" : name ? name : "unknown";
}

/* Lines of /proc/self/status, with what separates their parts made a comma. */
static void tell_status(void) {
        static const char *const keys[] = { "CapInh",     "CapPrm",  "CapEff",          "CapBnd", "CapAmb",
                                            "NoNewPrivs", "Seccomp", "Seccomp_filters", "Uid",    "Gid",
                                            "Groups",     "SigBlk",  "SigIgn" };
        char line[4096];
        FILE *f = fopen("/proc/self/status", "re");

        if (!f)
                printf(" status=%s", cause(errno));
        while (f && fgets(line, sizeof line, f)) {
                size_t n = strcspn(line, ":");
                char *value = line[n] ? line + n + 1 : line + n;

                line[n] = '\0';
                for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
                        if (strcmp(line, keys[i]) != 0)
                                continue;
                        printf(" %s=", keys[i]);
                        for (char *word = strtok(value, " \t\n"), *rest = NULL; word; word = strtok(rest, " \t\n"))
                                printf("%s,", word);
                }
        }
        if (f)
                fclose(f);
}

static void tell_map(const char *path, const char *key) {
        unsigned inside = 0, outside = 0, count = 0;
        FILE *f = fopen(path, "re");

        if (!f || fscanf(f, "%u %u %u", &inside, &outside, &count) != 3)
                printf(" %s=none", key);
        else
                printf(" %s=%u:%s:%u", key, inside, outside == inside ? "SAME" : "shifted", count);
        if (f)
                fclose(f);
}

static void tell_namespaces(int argc, char **argv) {
        static const char *const names[] = { "cgroup", "ipc", "mnt", "net", "pid", "user", "uts" };

        printf(" ns=");
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                char path[64], text[64];
                bool own = true;
                struct stat st;

                snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
                if (stat(path, &st) < 0) {
                        printf("%s:%s,", names[i], cause(errno));
                        continue;
                }
                snprintf(text, sizeof text, "%s=%lu", names[i], (unsigned long) st.st_ino);
                for (int k = 0; k < argc; k++)
                        own = own && strcmp(argv[k], text) != 0;
                printf("%s%s,", own ? "" : "HOST-", names[i]);
        }
}

static int by_text(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

/* "POINT=TYPE,FLAGS": ro or rw, and nosuid, nodev, noexec by their letters. Fields: proc_pid_mountinfo(5). */
static char *mount_text(char *line) {
        char point[2048], options[512], type[64], text[2700], *dash = strstr(line, " - ");

        if (!dash || sscanf(dash, " - %63s", type) != 1 ||
            sscanf(line, "%*s %*s %*s %*s %2047s %511s", point, options) != 2)
                return NULL;
        snprintf(text, sizeof text, "%s=%s,%.2s%s%s%s%s", point, type, options, strstr(options, "nosuid") ? "s" : "-",
                 strstr(options, "nodev") ? "d" : "-", strstr(options, "noexec") ? "x" : "-",
                 strstr(options, "nosymfollow") ? "l" : "");
        return strdup(text);
}

static void tell_mounts(void) {
        static char line[8192];
        char *mounts[MOUNTS];
        size_t n = 0;
        FILE *f = fopen("/proc/self/mountinfo", "re");

        while (f && n < MOUNTS && fgets(line, sizeof line, f)) {
                mounts[n] = mount_text(line);
                n += mounts[n] != NULL;
        }
        if (f)
                fclose(f);
        qsort(mounts, n, sizeof *mounts, by_text);
        printf(" mounts=");
        for (size_t i = 0; i < n; i++)
                printf("%s;", mounts[i]);
}

/* What must be out of reach: how an attempt ends. */
static void tell_reach(void) {
        static const struct {
                const char *path;
                int flags;
        } files[] = {
                { "/proc/kallsyms", O_RDONLY },
                { "/proc/kcore", O_RDONLY },
                { "/proc/keys", O_RDONLY },
                { "/proc/timer_list", O_RDONLY },
                { "/proc/sysrq-trigger", O_WRONLY },
                { "/proc/interrupts", O_RDONLY },
                { "/proc/sys/kernel/core_pattern", O_WRONLY },
                { "/proc/sys/vm/overcommit_memory", O_WRONLY },
                { "/sys/kernel/mm/ksm/run", O_WRONLY },
                { "/sys/kernel/notes", O_RDONLY },
                { "/dev/kmsg", O_RDONLY },
                { "/proc/irq/default_smp_affinity", O_WRONLY },
        };

        printf(" reach=");
        for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
                int fd = open(files[i].path, files[i].flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
                char byte;
                bool empty = fd >= 0 && files[i].flags == O_RDONLY && read(fd, &byte, 1) <= 0;

                printf("%s:%s,", files[i].path, fd < 0 ? cause(errno) : empty ? "empty" : "REACHED");
                if (fd >= 0)
                        close(fd);
        }
}

/* The host's abstract socket that the harness listens on: closed by a network namespace or by Landlock. */
static void tell_abstract(void) {
        static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "\0berth-faults" };
        int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int k = sock < 0 ? -1 : connect(sock, (const struct sockaddr *) &address, sizeof(sa_family_t) + 13);

        printf(" abstract=%s", k < 0 ? cause(errno) : "REACHED");
        if (sock >= 0)
                close(sock);
}

static void tell_descriptors(void) {
        int extra = 0;

        for (int fd = 3; fd < 1024; fd++)
                extra += fcntl(fd, F_GETFD) >= 0;
        printf(" fds=%d tty=%d%d%d", extra, isatty(0), isatty(1), isatty(2));
}

static void tell_limits(void) {
        printf(" limits=");
        for (int i = 0; i < RLIM_NLIMITS; i++) {
                struct rlimit r;

                if (getrlimit((__rlimit_resource_t) i, &r) == 0)
                        printf("%lld:%lld,", (long long) r.rlim_cur, (long long) r.rlim_max);
        }
}

static void tell_file(const char *path, const char *key) {
        char text[4096];
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

        if (fd >= 0)
                close(fd);
        text[n > 0 ? n : 0] = '\0';
        for (char *s = text; *s; s++)
                *s = *s == '\n' && !s[1] ? '\0' : *s == '\n' || *s == ' ' ? '+' : *s;
        printf(" %s=%s", key, n < 0 ? "none" : text);
}

static void tell_cgroup(void) {
        char line[4096];
        FILE *f = fopen("/proc/self/cgroup", "re");

        while (f && fgets(line, sizeof line, f))
                if (strncmp(line, "0::", 3) == 0)
                        printf(" cgroup=%.*s", (int) strcspn(line + 3, "\n"), line + 3);
        if (f)
                fclose(f);
}

int main(int argc, char **argv) {
        char host[65] = "", cwd[4096];
        int stay = 0, first = 1;

        if (argc > 2 && strcmp(argv[1], "-s") == 0) {
                stay = atoi(argv[2]);
                first = 3;
        }
        printf("POSTURE");
        tell_status();
        tell_map("/proc/self/uid_map", "uidmap");
        tell_map("/proc/self/gid_map", "gidmap");
        tell_namespaces(argc - first, argv + first);
        tell_cgroup();
        (void) gethostname(host, sizeof host - 1);
        printf(" host=%s cwd=%s umask=%04o", host, getcwd(cwd, sizeof cwd) ? cwd : cause(errno), umask(022));
        tell_file("/proc/self/oom_score_adj", "oom");
        tell_descriptors();
        tell_limits();
        tell_reach();
        tell_abstract();
        tell_mounts();
        /* What ends the launch may cut the line: then it says nothing. */
        printf(" END\n");
        fflush(stdout);
        if (stay > 0)
                sleep((unsigned) stay);
        return 0;
}
