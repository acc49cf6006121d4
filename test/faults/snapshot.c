/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* snapshot [-x PATH]... [-p PID]... TREE
 *
 * What a launch may not leave behind, one sorted line for each thing: mounts, cgroups, processes, network interfaces,
 * loop devices, files where programs put temporary ones, and the tree itself with everything that a write to it would
 * change. Meant for a process namespace of its own, where every process but those named by -p is a left-over. -x
 * leaves a path out. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXCEPT = 16 };

struct snapshot {
        char **lines;
        size_t n, room;
        const char *except[EXCEPT];
        int n_except;
        long pids[EXCEPT];
        int n_pids;
};

static _Noreturn void die(const char *what) {
        fprintf(stderr, "snapshot: %s: %s\n", what, strerror(errno));
        exit(2);
}

__attribute__((format(printf, 2, 3))) static void note(struct snapshot *s, const char *fmt, ...) {
        va_list ap;

        if (s->n == s->room) {
                s->room = s->room ? s->room * 2 : 256;
                s->lines = realloc(s->lines, s->room * sizeof *s->lines);
                if (!s->lines)
                        die("memory");
        }
        va_start(ap, fmt);
        if (vasprintf(&s->lines[s->n++], fmt, ap) < 0)
                die("memory");
        va_end(ap);
}

static bool excepted(const struct snapshot *s, const char *path) {
        for (int i = 0; i < s->n_except; i++)
                if (strcmp(path, s->except[i]) == 0)
                        return true;
        return false;
}

/* Everything below a directory, on its own file system. exact: a write to it is to be seen too. */
static void walk(struct snapshot *s, const char *what, const char *top, dev_t dev, bool exact) {
        DIR *d = opendir(top);
        struct dirent *entry;

        while (d && (entry = readdir(d))) {
                char path[PATH_MAX];
                struct stat st;

                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                snprintf(path, sizeof path, "%s/%s", top, entry->d_name);
                if (excepted(s, path) || lstat(path, &st) < 0)
                        continue;
                if (exact)
                        note(s, "%s %s %o %u:%u %lld %ld.%09ld", what, path, st.st_mode, st.st_uid, st.st_gid,
                             S_ISDIR(st.st_mode) ? 0LL : (long long) st.st_size, (long) st.st_mtim.tv_sec,
                             st.st_mtim.tv_nsec);
                else
                        note(s, "%s %s %o", what, path, st.st_mode);
                if (S_ISDIR(st.st_mode) && st.st_dev == dev)
                        walk(s, what, path, dev, exact);
        }
        if (d)
                closedir(d);
}

static void note_dir(struct snapshot *s, const char *what, const char *top, bool exact) {
        struct stat st;

        if (stat(top, &st) == 0)
                walk(s, what, top, st.st_dev, exact);
}

/* A cgroup is a directory; its files come and go with kernels, not with launchers. */
static void note_cgroups(struct snapshot *s, const char *top) {
        DIR *d = opendir(top);
        struct dirent *entry;

        while (d && (entry = readdir(d))) {
                char path[PATH_MAX];

                if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
                        continue;
                snprintf(path, sizeof path, "%s/%s", top, entry->d_name);
                note(s, "cgroup %s", path);
                note_cgroups(s, path);
        }
        if (d)
                closedir(d);
}

/* Without the numbers, which are given anew for whatever is mounted again. */
static void note_mounts(struct snapshot *s) {
        static char line[16384];
        FILE *f = fopen("/proc/self/mountinfo", "re");

        while (f && fgets(line, sizeof line, f)) {
                char *at = strchr(line, ' '), *type = strstr(line, " - "), *point, *rest;

                at = at ? strchr(at + 1, ' ') : NULL;
                if (!at || !type)
                        continue;
                line[strcspn(line, "\n")] = '\0';
                note(s, "mount%s", at);
                if (strncmp(type, " - cgroup2 ", 11) != 0)
                        continue;
                point = strtok_r(at, " ", &rest);
                point = point ? strtok_r(NULL, " ", &rest) : NULL;
                point = point ? strtok_r(NULL, " ", &rest) : NULL;
                if (point)
                        note_cgroups(s, point);
        }
        if (f)
                fclose(f);
}

static bool known_process(const struct snapshot *s, long pid) {
        for (int i = 0; i < s->n_pids; i++)
                if (s->pids[i] == pid)
                        return true;
        return pid == getpid() || pid == getppid();
}

static void note_processes(struct snapshot *s) {
        DIR *d = opendir("/proc");
        struct dirent *entry;

        while (d && (entry = readdir(d))) {
                char path[64], comm[64] = "";
                long pid = strtol(entry->d_name, NULL, 10);
                FILE *f;

                if (pid <= 0 || known_process(s, pid))
                        continue;
                snprintf(path, sizeof path, "/proc/%ld/comm", pid);
                f = fopen(path, "re");
                if (!f)
                        continue;
                if (!fgets(comm, sizeof comm, f))
                        comm[0] = '\0';
                fclose(f);
                note(s, "process %ld %.*s", pid, (int) strcspn(comm, "\n"), comm);
        }
        if (d)
                closedir(d);
}

static void note_interfaces(struct snapshot *s) {
        struct if_nameindex *list = if_nameindex();

        for (struct if_nameindex *i = list; i && i->if_index; i++)
                note(s, "interface %s", i->if_name);
        if (list)
                if_freenameindex(list);
}

static void note_loops(struct snapshot *s) {
        for (int i = 0; i < 64; i++) {
                char path[64], file[PATH_MAX] = "";
                FILE *f;

                snprintf(path, sizeof path, "/sys/block/loop%d/loop/backing_file", i);
                f = fopen(path, "re");
                if (!f)
                        continue;
                if (fgets(file, sizeof file, f))
                        note(s, "loop %d %.*s", i, (int) strcspn(file, "\n"), file);
                fclose(f);
        }
}

static int by_text(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

int main(int argc, char **argv) {
        static const char *const places[] = { "/run", "/tmp", "/var/tmp", "/dev/shm" };
        struct snapshot s = { 0 };
        int o;

        while ((o = getopt(argc, argv, "x:p:")) != -1)
                if (o == 'x' && s.n_except < EXCEPT)
                        s.except[s.n_except++] = optarg;
                else if (o == 'p' && s.n_pids < EXCEPT)
                        s.pids[s.n_pids++] = atol(optarg);
                else
                        return 2;
        if (optind != argc - 1)
                return 2;
        note_mounts(&s);
        note_processes(&s);
        note_interfaces(&s);
        note_loops(&s);
        for (size_t i = 0; i < sizeof places / sizeof *places; i++)
                note_dir(&s, "file", places[i], false);
        note_dir(&s, "tree", argv[optind], true);
        qsort(s.lines, s.n, sizeof *s.lines, by_text);
        for (size_t i = 0; i < s.n; i++)
                puts(s.lines[i]);
        return fflush(stdout) == 0 ? 0 : 2;
}
