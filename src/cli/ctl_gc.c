/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berthctl gc: what killed supervisors left, of all containers. See sweep.h. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/parse.h"
#include "base/str.h"
#include "cli/ctl.h"
#include "cli/ctl_rows.h"
#include "cli/sweep.h"
#include "state/lock.h"
#include "state/record.h"
#include "sys/cgroupfs.h"
#include "sys/cgroupstat.h"

enum { DEPTH = 32, MIN_AGE_S = 5 };

struct gc {
        struct ctl *ctl;
        struct sweep sweep;
};

static int sweep_records(struct gc *g, struct err *e) {
        struct container_list l = { 0 };
        int k = container_list(&g->ctl->arena, &l, e);

        for (size_t i = 0; k == 0 && i < l.n; i++)
                if (l.items[i].state == CONTAINER_DEAD)
                        k = sweep_record(&g->sweep, &l.items[i], e);
        return k;
}

static bool has_record(int top, const char *name) {
        char path[NAME_MAX + 16];

        snprintf(path, sizeof path, "%s/record", name);
        return faccessat(top, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

/* To take a name is to make its record, and to let go of it removes both: who only tells does neither. */
static bool take_name(struct gc *g, struct record *r, const char *name) {
        record_init(r);
        return g->sweep.only_tell || record_take(r, name, NULL) == 0;
}

/* A directory without a record. A start of that name may stand between the making of both: then its name is taken. */
static void sweep_directory(struct gc *g, const char *name) {
        char path[NAME_MAX + 16];
        struct record r;

        if (!take_name(g, &r, name))
                return;
        if (sweep_noted(&g->sweep, name)) {
                record_sweep(&r);
                snprintf(path, sizeof path, "/run/berth/%s", name);
                sweep_tell(&g->sweep, "removed", "would remove", path);
        }
        record_drop(&r);
}

static int sweep_directories(struct gc *g, struct err *e) {
        CLEAN_DIR DIR *dir = opendir("/run/berth");

        if (!dir)
                return errno == ENOENT ? 0 : err_set(e, ERR_HOST, errno, "cannot read /run/berth");
        for (struct dirent *d; (d = readdir(dir));)
                if (is_hostname(d->d_name) && !has_record(dirfd(dir), d->d_name))
                        sweep_directory(g, d->d_name);
        return 0;
}

/* A moment lies between the making of a cgroup and its lock. Who starts there may keep its records elsewhere. */
static bool is_old(const char *path) {
        struct stat st;

        return lstat(path, &st) == 0 && st.st_mtime + MIN_AGE_S <= time(NULL);
}

/* Cgroups that no record tells of: of a container whose /run is gone. Only empty ones: what runs in a cgroup may be
 * somebody else's. Those of records were looked at already. */
static void sweep_empty(struct gc *g, const char *path, const char *name) {
        struct container known;
        struct record r;

        if (!is_hostname(name) || !is_old(path) || container_find(name, &g->ctl->arena, &known, NULL) == 0)
                return;
        if (!take_name(g, &r, name))
                return;
        sweep_cgroup(&g->sweep, path, name, false);
        record_drop(&r);
}

static void sweep_tree(struct gc *g, const char *path, int depth) {
        CLEAN_FD int fd = cgroupstat_open(path);
        struct strv names = { 0 };

        if (fd < 0 || depth == DEPTH || cgroupstat_children(fd, &g->ctl->arena, &names) < 0)
                return;
        for (size_t i = 0; i < names.n; i++) {
                const char *below = arena_printf(&g->ctl->arena, "%s/%s", path, names.items[i]);
                const char *name = str_after(names.items[i], "berth-");

                /* What is in a container is its own business. */
                if (name)
                        sweep_empty(g, below, name);
                else
                        sweep_tree(g, below, depth + 1);
        }
}

static int sweep_locks(struct gc *g, struct err *e) {
        struct strv paths = { 0 };
        int k = lock_sweep(g->sweep.only_tell, &g->ctl->arena, &paths, e);

        for (size_t i = 0; i < paths.n; i++)
                sweep_tell(&g->sweep, "removed the lock", "would remove the lock", paths.items[i]);
        return k;
}

static int run(struct ctl *c, struct err *e) {
        struct gc g = {
                .ctl = c,
                .sweep = { .program = "berthctl", .proc = c->proc, .only_tell = ctl_is_set(c, "dry-run") },
        };
        char top[4096];
        CLEAN_FD int cgroups = -1;
        int k;

        if (geteuid() != 0) {
                err_set(e, ERR_HOST, 0, "need to be root");
                return err_hint(e, "sudo berthctl gc");
        }
        k = sweep_records(&g, e);
        k = k < 0 ? k : sweep_directories(&g, e);
        cgroups = cgroupfs_find(top, sizeof top);
        if (k == 0 && cgroups >= 0)
                sweep_tree(&g, top, 0);
        k = k < 0 ? k : sweep_locks(&g, e);
        if (k < 0)
                return k;
        if (g.sweep.n == 0)
                puts("nothing is left over");
        return g.sweep.failed ? 1 : 0;
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
