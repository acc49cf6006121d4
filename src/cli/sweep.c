/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a killed supervisor left, for berthctl gc and berth --cleanup. Nothing here trusts a name or a record alone: a
 * name is ours only while we hold its lock, and processes are killed only in a cgroup that its supervisor would hold a
 * lock on if it lived. */

#include "cli/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/str.h"
#include "state/leftover.h"
#include "state/record.h"
#include "sys/cgroupfs.h"
#include "sys/cgroupstat.h"
#include "sys/process.h"

enum { KILL_TRIES = 200, KILL_STEP_US = 10 * 1000 };

void sweep_tell(struct sweep *s, const char *done, const char *would, const char *what) {
        char escaped[8192];

        if (!s->quiet)
                printf("%s %s\n", s->only_tell ? would : done, str_escape(what, escaped, sizeof escaped));
        s->n++;
}

static void complain(struct sweep *s, const char *what, const char *why) {
        char text[8192], line[16384];

        snprintf(text, sizeof text, "%s: %s", what, why);
        fprintf(stderr, "%s: %s\n", s->program, str_escape(text, line, sizeof line));
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
void sweep_cgroup(struct sweep *s, const char *path, const char *name, bool may_kill) {
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
                sweep_tell(s, "killed the processes in", "would kill the processes in", path);
                if (!s->only_tell && !kill_cgroup(cgroup)) {
                        complain(s, path, "processes in it do not end");
                        return;
                }
        }
        sweep_tell(s, "removed the cgroup", "would remove the cgroup", path);
        if (!s->only_tell && cgroupfs_remove(above, last - strlen("berth-")) < 0)
                complain(s, path, "cannot be removed");
}

/* PID 1 of a container dies with its supervisor, unless it has taken that back (prctl(2), PR_SET_PDEATHSIG) or is a
 * set-user-ID program, for which the kernel does. Number, start time and its place tell it from any other process.
 * Returns whether the record has done its service. */
static bool end_leader(struct sweep *s, const struct container *m) {
        bool leads = process_is_leader(s->proc, m->is.leader);
        uint64_t start;
        char text[80];

        if (m->is.leader <= 0 || process_start_time(s->proc, m->is.leader, &start) < 0 ||
            start != m->is.leader_start || (!leads && m->is.cgroup))
                return true;
        snprintf(text, sizeof text, "process %d of its last run is still there: end it", (int) m->is.leader);
        if (leads && (s->only_tell || process_end(s->proc, m->is.leader, start) == 0)) {
                sweep_tell(s, "killed the processes of", "would kill the processes of", m->name);
                return true;
        }
        complain(s, m->name, text);
        return false;
}

/* The name is ours. Returns whether all is well: otherwise what tells of it stays. */
bool sweep_noted(struct sweep *s, const char *name) {
        static const char done[][28] = { "removed the copy", "removed the journal's place", "removed the directory" };
        static const char would[][33] = { "would remove the copy", "would remove the journal's place",
                                          "would remove the directory" };

        for (enum leftover i = 0; i < LEFTOVER_MAX_; i++) {
                char path[4200];
                struct err e = { .kind = ERR_NONE };
                int k = leftover_sweep(name, i, s->only_tell, path, sizeof path, &e);

                if (k > 0)
                        sweep_tell(s, done[i], would[i], path);
                if (k < 0) {
                        complain(s, name, e.text);
                        return false;
                }
        }
        return true;
}

/* What a dead record describes, then the record with its directory. */
int sweep_record(struct sweep *s, const struct container *m, struct err *e) {
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
        sweep_tell(s, "removed the record of", "would remove the record of", m->name);
        if (s->only_tell) {
                record_leave(&r);
                return 0;
        }
        record_sweep(&r);
        record_drop(&r);
        return 0;
}
