/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* isolate [--keep=PATH]... [--dirs] [--cgroup] [--reaper] -- COMMAND...
 *
 * Runs a tier of the tests so that what it leaves behind can be told from what others do on the machine.
 *
 * Always: a child subreaper (prctl(2)), so that every process a test starts stays below this one, and a mount
 * namespace with shared propagation, so that a mount which leaks out of a launcher shows up here and goes away with
 * us.
 * --dirs: empty directories of our own where launchers keep things: /tmp, /run/berth, the locks, the trees that are
 * found by name; --keep names a directory that stays visible.
 * --cgroup: a cgroup and cgroup namespace of our own. Where the machine has no cgroup2 mounted, or read-only, ours is:
 * what the tests see does not depend on it (a kernel that refuses: said on stderr).
 *
 * --reaper: nothing but the child subreaper, for a machine that was made for the tests.
 *
 * At the end everything that is still below is killed, and the command's status is passed on. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { KEEP_MAX = 8 };

struct want {
        const char *keep[KEEP_MAX];
        int keep_fd[KEEP_MAX];
        int n_keep;
        bool dirs, cgroup, reaper;
};

static void die(const char *what) {
        fprintf(stderr, "isolate: %s: %s\n", what, strerror(errno));
        exit(125);
}

static void make_path(const char *path) {
        char part[4096];

        for (size_t i = 1; path[i] && i < sizeof part; i++)
                if (path[i] == '/') {
                        snprintf(part, sizeof part, "%.*s", (int) i, path);
                        (void) mkdir(part, 0755);
                }
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
                die(path);
}

static void cover(const char *path, const char *options) {
        if (mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
                die(path);
}

/* What must stay visible is opened before its place is covered and put back afterwards. */
static void own_dirs(struct want *w) {
        static const struct {
                const char *path, *options;
        } own[] = {
                { "/tmp", "mode=1777" },
                { "/var/tmp", "mode=1777" },
                { "/dev/shm", "mode=1777" },
                { "/run/berth", "mode=0700" },
                { "/run/systemd/nspawn", "mode=0755" },
                { "/run/systemd/nspawn-uid", "mode=0755" },
                { "/run/systemd/inaccessible", "mode=0755" },
                { "/run/machines", "mode=0755" },
                { "/var/lib/machines", "mode=0700" },
        };

        for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
                make_path(own[i].path);
                cover(own[i].path, own[i].options);
        }
        for (int i = 0; i < w->n_keep; i++) {
                char from[32];
                struct stat now, then;

                if (stat(w->keep[i], &now) == 0 && fstat(w->keep_fd[i], &then) == 0 && now.st_ino == then.st_ino &&
                    now.st_dev == then.st_dev)
                        continue;
                make_path(w->keep[i]);
                snprintf(from, sizeof from, "/proc/self/fd/%d", w->keep_fd[i]);
                /* Not a peer of where it comes from: a mount below would show up twice. */
                if (mount(from, w->keep[i], NULL, MS_BIND | MS_REC, NULL) < 0 ||
                    mount(NULL, w->keep[i], NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
                    mount(NULL, w->keep[i], NULL, MS_REC | MS_SHARED, NULL) < 0)
                        die(w->keep[i]);
        }
}

/* First cgroup2 mount of the machine: "ID PARENT DEV ROOT POINT ... - cgroup2 ..." (proc_pid_mountinfo(5)). */
static bool find_cgroup2(char *ret, size_t size) {
        char line[4096];
        bool found = false;
        FILE *f = fopen("/proc/self/mountinfo", "re");

        while (f && !found && fgets(line, sizeof line, f)) {
                char point[1024];

                if (!strstr(line, " - cgroup2 "))
                        continue;
                if (sscanf(line, "%*s %*s %*s %*s %1023s", point) != 1)
                        continue;
                snprintf(ret, size, "%s", point);
                found = true;
        }
        if (f)
                fclose(f);
        return found;
}

/* Our own place below the caller's, so that a nested run stays where its machine put it. The descriptors stay good
 * when the mount point is covered. */
struct cgroup {
        int above, own;
        char name[32], point[1024];
};

static bool make_cgroup(struct cgroup *g) {
        char line[1024], path[4096] = "";
        FILE *f;

        if (!find_cgroup2(g->point, sizeof g->point)) {
                snprintf(g->point, sizeof g->point, "/sys/fs/cgroup");
                if (mount("cgroup2", g->point, "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
                        return false;
        }
        (void) mount(NULL, g->point, NULL, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
        if (!(f = fopen("/proc/self/cgroup", "re")))
                return false;
        while (fgets(line, sizeof line, f))
                if (!strncmp(line, "0::", 3)) {
                        line[strcspn(line, "\n")] = '\0';
                        snprintf(path, sizeof path, "%s%s", g->point, line + 3);
                }
        fclose(f);
        g->above = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        snprintf(g->name, sizeof g->name, "berth-test.%d", getpid());
        if (g->above < 0 || mkdirat(g->above, g->name, 0755) < 0)
                return false;
        g->own = openat(g->above, g->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return g->own >= 0;
}

/* In the process of the command: only it moves, so that the cgroup is empty and can go when the command has ended. */
static bool enter_cgroup(const struct cgroup *g) {
        int procs = openat(g->own, "cgroup.procs", O_WRONLY | O_CLOEXEC);
        bool moved = procs >= 0 && write(procs, "0", 1) == 1;
        char own[32];

        if (procs >= 0)
                close(procs);
        /* A bind: a second mount of the same file system on its own mount point is refused with EBUSY. */
        snprintf(own, sizeof own, "/proc/self/fd/%d", g->own);
        return moved && unshare(CLONE_NEWCGROUP) == 0 && mount(own, g->point, NULL, MS_BIND, NULL) == 0;
}

/* Takes fd over. */
static void remove_below(int fd) {
        DIR *d = fdopendir(fd);
        struct dirent *entry;

        while (d && (entry = readdir(d))) {
                int sub;

                if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
                        continue;
                sub = openat(dirfd(d), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
                if (sub >= 0)
                        remove_below(sub);
                (void) unlinkat(dirfd(d), entry->d_name, AT_REMOVEDIR);
        }
        if (d)
                closedir(d);
}

static void drop_cgroup(struct cgroup *g) {
        if (g->own >= 0)
                remove_below(g->own);
        if (g->above >= 0 && unlinkat(g->above, g->name, AT_REMOVEDIR) < 0 && errno != ENOENT)
                fprintf(stderr, "isolate: cannot remove the cgroup %s: %s\n", g->name, strerror(errno));
}

static void isolate(struct want *w) {
        if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
                die("cannot become a subreaper");
        if (w->reaper)
                return;
        if (unshare(CLONE_NEWNS) < 0)
                die("cannot make a mount namespace");
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) < 0)
                die("cannot change mount propagation");
        for (int i = 0; i < w->n_keep; i++) {
                w->keep_fd[i] = open(w->keep[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (w->keep_fd[i] < 0)
                        die(w->keep[i]);
        }
        if (w->dirs)
                own_dirs(w);
}

/* Whoever is still below us: children directly, and their children once they have lost their parent to us. */
static void reap_all(void) {
        char line[4096];

        for (int round = 0; round < 50; round++) {
                FILE *f = fopen("/proc/thread-self/children", "re");
                char *next = line;

                if (!f || !fgets(line, sizeof line, f))
                        next = NULL;
                if (f)
                        fclose(f);
                while (next && *next) {
                        char *end;
                        long pid = strtol(next, &end, 10);

                        if (end == next)
                                break;
                        kill((pid_t) pid, SIGKILL);
                        next = end;
                }
                while (waitpid(-1, NULL, WNOHANG) > 0)
                        ;
                if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
                        return;
                usleep(20000);
        }
}

/* The command is told to end when we are; what has not ended after five seconds is killed with all the rest. */
static int wait_for(pid_t command) {
        bool told = false;

        for (;;) {
                siginfo_t info = { 0 };
                sigset_t set;
                int status;
                pid_t pid;

                while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
                        if (pid == command)
                                return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
                sigemptyset(&set);
                sigaddset(&set, SIGCHLD);
                sigaddset(&set, SIGTERM);
                sigaddset(&set, SIGHUP);
                if (sigtimedwait(&set, &info, &(struct timespec){ .tv_sec = 5 }) < 0 && errno == EAGAIN && told)
                        return 128 + SIGTERM;
                if (info.si_signo == SIGTERM || info.si_signo == SIGHUP) {
                        kill(command, SIGTERM);
                        told = true;
                }
        }
}

static int run(char **argv, struct cgroup *g) {
        sigset_t block, before;
        int status;
        pid_t command;

        sigemptyset(&block);
        sigaddset(&block, SIGCHLD);
        sigaddset(&block, SIGTERM);
        sigaddset(&block, SIGHUP);
        sigprocmask(SIG_BLOCK, &block, &before);
        command = fork();
        if (command < 0)
                die("cannot fork");
        if (command == 0) {
                if (g->own >= 0 && !enter_cgroup(g))
                        die("cannot enter a cgroup of our own");
                sigprocmask(SIG_SETMASK, &before, NULL);
                signal(SIGINT, SIG_DFL);
                prctl(PR_SET_PDEATHSIG, SIGTERM);
                execvp(argv[0], argv);
                die(argv[0]);
        }
        status = wait_for(command);
        reap_all();
        drop_cgroup(g);
        return status;
}

int main(int argc, char **argv) {
        struct cgroup g = { .above = -1, .own = -1 };
        struct want w = { 0 };
        char number[32];
        int i = 1;

        for (; i < argc && strcmp(argv[i], "--"); i++) {
                if (!strncmp(argv[i], "--keep=", 7) && w.n_keep < KEEP_MAX)
                        w.keep[w.n_keep++] = argv[i] + 7;
                else if (!strcmp(argv[i], "--dirs"))
                        w.dirs = true;
                else if (!strcmp(argv[i], "--cgroup"))
                        w.cgroup = true;
                else if (!strcmp(argv[i], "--reaper"))
                        w.reaper = true;
                else
                        i = argc;
        }
        if (i + 1 >= argc) {
                fprintf(stderr, "usage: isolate [--keep=PATH]... [--dirs] [--cgroup] [--reaper] -- COMMAND...\n");
                return 125;
        }
        signal(SIGINT, SIG_IGN); /* the command decides; we stay to clean up */
        isolate(&w);
        if (w.cgroup && !make_cgroup(&g))
                fprintf(stderr, "isolate: no cgroup of our own: %s\n", strerror(errno));
        snprintf(number, sizeof number, "%d", getpid());
        setenv("BERTH_TEST_REAPER", number, 1);
        if (w.dirs)
                setenv("BERTH_TEST_DIRS", "1", 1);
        return run(argv + i + 1, &g);
}
