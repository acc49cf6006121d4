/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P: the directory by which machined before systemd 255 brings a mount into a container that runs: it mounts
 * there, the container sees that below /run/host/incoming (FSOP_SLAVE), and from there machined moves it. */

#include "run/run.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/clean.h"
#include "state/leftover.h"
#include "state/lock.h"

int host_tunnel_take(struct run *r, struct err *e) {
        const char *path = r->plan->unit.tunnel;
        CLEAN_FD int dir = -1;
        int k;

        if (!path)
                return 0;
        k = leftover_note(r->plan->machine, LEFTOVER_TUNNEL, path, e);
        if (k < 0)
                return k;
        r->held.tunnel = true;
        dir = state_open_dir(path, 0700, e);
        return dir < 0 ? dir : 0;
}

/* A bind that failed half-way may have left a mount in it. */
static void empty(const char *path) {
        CLEAN_DIR DIR *dir = opendir(path);
        char inside[PATH_MAX];

        for (struct dirent *d; dir && (d = readdir(dir));) {
                if (d->d_name[0] == '.' || snprintf(inside, sizeof inside, "%s/%s", path, d->d_name) < 0)
                        continue;
                (void) umount2(inside, MNT_DETACH | UMOUNT_NOFOLLOW);
                if (unlink(inside) < 0)
                        (void) rmdir(inside);
        }
}

void host_tunnel_drop(struct run *r) {
        const char *path = r->plan->unit.tunnel;

        if (!r->held.tunnel)
                return;
        r->held.tunnel = false;
        if (rmdir(path) < 0 && errno != ENOENT) {
                empty(path);
                (void) rmdir(path);
        }
        leftover_forget(r->plan->machine, LEFTOVER_TUNNEL);
}
