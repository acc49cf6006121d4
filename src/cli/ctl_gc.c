/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berthctl gc: what killed supervisors left. Nothing here trusts a name or a record alone: a name is ours only while
 * we hold its lock, and processes are killed only in a cgroup that its supervisor would hold a lock on if it lived. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/parse.h"
#include "base/str.h"
#include "cli/ctl.h"
#include "cli/ctl_rows.h"
#include "state/leftover.h"
#include "state/lock.h"
#include "sys/cgroupfs.h"
#include "sys/cgroupstat.h"
#include "sys/process.h"

enum { DEPTH = 32, KILL_TRIES = 200, KILL_STEP_US = 10 * 1000, MIN_AGE_S = 5 };

struct sweep {
        struct ctl *ctl;
        bool only_tell;
        size_t n;
        bool failed;
};

static void tell(struct sweep *s, const char *done, const char *would, const char *what) {
        char escaped[8192];

        printf("%s %s\n", s->only_tell ? would : done, str_escape(what, escaped, sizeof escaped));
        s->n++;
}

static void complain(struct sweep *s, const char *what, const char *why) {
        ctl_say("%s: %s", what, why);
        s->failed = true;
}

/* Directory and last part: "/sys/fs/cgroup/x/berth-NAME". */
static int open_above(const char *path) {
        char above[4096];
        const char *slash = strrchr(path, '/');

        if (!slash || slash == path || (size_t) (slash - path) >= sizeof above)
                return -EINVAL;
        snprintf(above, sizeof above, "%.*s", (int) (slash - path), path);
        return cgroupstat_open(above);
}

static bool is_populated(int cgroup) {
        return cgroupfs_populated(cgroup) != 0;
}

/* Its supervisor would hold this lock. Kept until the cgroup is gone, so that nobody starts in it meanwhile. */
static bool lock_cgroup(int cgroup) {
        return flock(cgroup, LOCK_EX | LOCK_NB) == 0;
}

static bool kill_cgroup(int cgroup) {
        (void) cgroupfs_kill(cgroup);
        for (int tries = 0; tries < KILL_TRIES && is_populated(cgroup); tries++)
                usleep(KILL_STEP_US);
        return !is_populated(cgroup);
}

/* name: of the container, whose lock we hold. The cgroup must be called like it, or the record lies. */
static void sweep_cgroup(struct sweep *s, const char *path, const char *name, bool may_kill) {
        CLEAN_FD int above = open_above(path), cgroup = -1;
        const char *last = str_after(strrchr(path, '/') ? strrchr(path, '/') + 1 : "", "berth-");

        if (above < 0 || !last || !streq(last, name))
                return;
        cgroup = openat(above, last - strlen("berth-"), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (cgroup < 0 || !lock_cgroup(cgroup))
                return;
        if (is_populated(cgroup)) {
                if (!may_kill)
                        return;
                tell(s, "killed the processes in", "would kill the processes in", path);
                if (!s->only_tell && !kill_cgroup(cgroup)) {
                        complain(s, path, "processes in it do not end");
                        return;
                }
        }
        tell(s, "removed the cgroup", "would remove the cgroup", path);
        if (!s->only_tell && cgroupfs_remove(above, last - strlen("berth-")) < 0)
                complain(s, path, "cannot be removed");
}

/* PID 1 of a container dies with its supervisor, unless it has taken that back (prctl(2), PR_SET_PDEATHSIG) or is a
 * set-user-ID program, for which the kernel does. Number, start time and its place tell it from any other process.
 * Returns whether the record has done its service. */
static bool end_leader(struct sweep *s, const struct container *m) {
        bool leads = process_is_leader(s->ctl->proc, m->is.leader);
        uint64_t start;
        char text[80];

        if (m->is.leader <= 0 || process_start_time(s->ctl->proc, m->is.leader, &start) < 0 ||
            start != m->is.leader_start || (!leads && m->is.cgroup))
                return true;
        snprintf(text, sizeof text, "process %d of its last run is still there: end it", (int) m->is.leader);
        if (leads && (s->only_tell || process_end(s->ctl->proc, m->is.leader, start) == 0)) {
                tell(s, "killed the processes of", "would kill the processes of", m->name);
                return true;
        }
        complain(s, m->name, text);
        return false;
}

/* The name is ours. Returns whether all is well: otherwise what tells of it stays. */
static bool sweep_noted(struct sweep *s, const char *name) {
        static const char *const done[] = { "removed the copy", "removed the journal's place" };
        static const char *const would[] = { "would remove the copy", "would remove the journal's place" };

        for (enum leftover i = 0; i < LEFTOVER_MAX_; i++) {
                char path[4200];
                struct err e = { .kind = ERR_NONE };
                int k = leftover_sweep(name, i, s->only_tell, path, sizeof path, &e);

                if (k > 0)
                        tell(s, done[i], would[i], path);
                if (k < 0) {
                        complain(s, name, e.text);
                        return false;
                }
        }
        return true;
}

/* What a dead record describes, then the record with its directory. */
static int sweep_record(struct sweep *s, const struct container *m, struct err *e) {
        struct record r;
        int k;

        record_init(&r);
        k = record_take(&r, m->name, e);
        if (k != 0)
                return k < 0 ? k : 0;
        if (m->is.cgroup)
                sweep_cgroup(s, m->is.cgroup, m->name, true);
        if (!end_leader(s, m)) {
                record_leave(&r);
                return 0;
        }
        if (!sweep_noted(s, m->name)) {
                record_leave(&r);
                return 0;
        }
        tell(s, "removed the record of", "would remove the record of", m->name);
        if (s->only_tell) {
                record_leave(&r);
                return 0;
        }
        record_sweep(&r);
        record_drop(&r);
        return 0;
}

static int sweep_records(struct sweep *s, struct err *e) {
        struct container_list l = { 0 };
        int k = container_list(&s->ctl->arena, &l, e);

        for (size_t i = 0; k == 0 && i < l.n; i++)
                if (l.items[i].state == CONTAINER_DEAD)
                        k = sweep_record(s, &l.items[i], e);
        return k;
}

/* Directories without a record: between the making of both, a start of that name may stand. */
static int sweep_directories(struct sweep *s, struct err *e) {
        CLEAN_DIR DIR *dir = opendir("/run/berth");

        if (!dir)
                return errno == ENOENT ? 0 : err_set(e, ERR_HOST, errno, "cannot read /run/berth");
        for (struct dirent *d; (d = readdir(dir));) {
                char path[NAME_MAX + 16];
                struct record r;

                snprintf(path, sizeof path, "%s/record", d->d_name);
                record_init(&r);
                if (!is_hostname(d->d_name) || faccessat(dirfd(dir), path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
                    errno != ENOENT)
                        continue;
                snprintf(path, sizeof path, "/run/berth/%s", d->d_name);
                tell(s, "removed", "would remove", path);
                if (record_take(&r, d->d_name, NULL) != 0)
                        continue;
                if (!sweep_noted(s, d->d_name) || s->only_tell) {
                        record_drop(&r);
                        continue;
                }
                record_sweep(&r);
                record_drop(&r);
        }
        return 0;
}

/* A moment lies between the making of a cgroup and its lock. Who starts there may keep its records elsewhere. */
static bool is_old(const char *path) {
        struct stat st;

        return lstat(path, &st) == 0 && st.st_mtime + MIN_AGE_S <= time(NULL);
}

/* Cgroups that no record tells of: of a container whose /run is gone. Only empty ones: what runs in a cgroup may be
 * somebody else's. Those of records were looked at already. */
static void sweep_empty(struct sweep *s, const char *path, const char *name) {
        struct container known;
        struct record r;

        if (!is_hostname(name) || !is_old(path) || container_find(name, &s->ctl->arena, &known, NULL) == 0)
                return;
        record_init(&r);
        if (record_take(&r, name, NULL) != 0)
                return;
        sweep_cgroup(s, path, name, false);
        record_drop(&r);
}

static void sweep_tree(struct sweep *s, const char *path, int depth) {
        CLEAN_FD int fd = cgroupstat_open(path);
        struct strv names = { 0 };

        if (fd < 0 || depth == DEPTH || cgroupstat_children(fd, &s->ctl->arena, &names) < 0)
                return;
        for (size_t i = 0; i < names.n; i++) {
                const char *below = arena_printf(&s->ctl->arena, "%s/%s", path, names.items[i]);
                const char *name = str_after(names.items[i], "berth-");

                /* What is in a container is its own business. */
                if (name)
                        sweep_empty(s, below, name);
                else
                        sweep_tree(s, below, depth + 1);
        }
}

static int sweep_locks(struct sweep *s, struct err *e) {
        struct strv paths = { 0 };
        int k = lock_sweep(s->only_tell, &s->ctl->arena, &paths, e);

        for (size_t i = 0; i < paths.n; i++)
                tell(s, "removed the lock", "would remove the lock", paths.items[i]);
        return k;
}

static int run(struct ctl *c, struct err *e) {
        struct sweep s = { .ctl = c, .only_tell = ctl_is_set(c, "dry-run") };
        char top[4096];
        CLEAN_FD int cgroups = -1;
        int k;

        if (geteuid() != 0) {
                err_set(e, ERR_HOST, 0, "need to be root");
                return err_hint(e, "sudo berthctl gc");
        }
        k = sweep_records(&s, e);
        k = k < 0 ? k : sweep_directories(&s, e);
        cgroups = cgroupfs_find(top, sizeof top);
        if (k == 0 && cgroups >= 0)
                sweep_tree(&s, top, 0);
        k = k < 0 ? k : sweep_locks(&s, e);
        if (k < 0)
                return k;
        if (s.n == 0)
                puts("nothing is left over");
        return s.failed ? 1 : 0;
}

static const struct ctl_option options[] = {
        { 'n', "dry-run", NULL, NULL, "Say what would be done, and do nothing" },
        CTL_END,
};

const struct ctl_verb ctl_gc = {
        .name = "gc",
        .synopsis = "",
        .options = options,
        .help = "Remove what killed supervisors left over",
        .run = run,
};
