/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P of a detached container: its console is drained into /run/berth/NAME/console.log, whoever reads that. Two
 * files, the one before and the one that grows, so that it stays bounded and its newest part is always there. */

#include "run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"

static int open_log(const char *machine, int flags) {
        char path[128];
        int k = record_log_path(machine, RECORD_LOG, path, sizeof path);
        int fd = k < 0 ? k : open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC | flags, 0600);

        return k < 0 ? k : fd < 0 ? -errno : fd;
}

static void remove_log(const char *machine, const char *name) {
        char path[128];

        /* Twice: nobody comes back to clean up after a passing failure. */
        if (record_log_path(machine, name, path, sizeof path) >= 0 && unlink(path) < 0 && errno != ENOENT)
                (void) unlink(path);
}

int host_log_take(struct run *r, struct err *e) {
        const char *machine = r->plan->machine;
        int fd;

        if (!r->plan->console.detached)
                return 0;
        /* What a killed supervisor of the same name left. */
        remove_log(machine, RECORD_LOG);
        remove_log(machine, RECORD_LOG_OLD);
        fd = open_log(machine, O_CREAT | O_EXCL);
        if (fd < 0)
                return err_set(e, ERR_HOST, -fd, "cannot make the console's log of %s", machine);
        r->held.log = fd;
        r->held.log_size = 0;
        return 0;
}

void host_log_drop(struct run *r) {
        if (r->held.log < 0)
                return;
        remove_log(r->plan->machine, RECORD_LOG);
        remove_log(r->plan->machine, RECORD_LOG_OLD);
        close(TAKE_FD(r->held.log));
}

/* Readers see another file under the name, and read the old one to its end first. */
static void rotate(struct run *r) {
        char path[128], old[128];
        int fd = -1;

        if (record_log_path(r->plan->machine, RECORD_LOG, path, sizeof path) >= 0 &&
            record_log_path(r->plan->machine, RECORD_LOG_OLD, old, sizeof old) >= 0 && rename(path, old) == 0)
                fd = open_log(r->plan->machine, O_CREAT | O_EXCL);
        if (fd >= 0) {
                close(r->held.log);
                r->held.log = fd;
        } else if (ftruncate(r->held.log, 0) < 0)
                log_debug(LOG_CONSOLE, "the log cannot be rotated");
        r->held.log_size = 0;
}

/* A full file system costs what cannot be written, and nothing else: the payload never waits for its log. */
void host_log_write(struct run *r, const char *s, size_t n) {
        while (n > 0) {
                size_t room = RECORD_LOG_MAX - r->held.log_size;
                ssize_t k;

                if (room == 0) {
                        rotate(r);
                        continue;
                }
                k = write(r->held.log, s, n < room ? n : room);
                if (k < 0 && errno == EINTR)
                        continue;
                if (k <= 0)
                        return;
                r->held.log_size += (size_t) k;
                s += k;
                n -= (size_t) k;
        }
}
