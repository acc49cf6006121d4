/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files of proc(5): a process's name is whatever it says, and a container's proc may be anything. One file goes by the
 * names of all that are parsed. */

#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "fuzz/fuzz.h"
#include "sys/cgroupfs.h"
#include "sys/idmap.h"
#include "sys/process.h"

static const char *const names[] = { "1/status", "self/cgroup", "self/uid_map", "self/gid_map" };

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

static const char *base(void) {
        static char path[] = "/tmp/fuzz-proc-stat-XXXXXX";
        static const char *made;

        return made ? made : (made = mkdtemp(path));
}

static void remove_all(void) {
        nftw(base(), remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The directory that plays proc, made once. */
static int fake_proc(void) {
        int dir = base() ? open(base(), O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

        MUST(dir >= 0);
        if (mkdirat(dir, "1", 0700) < 0)
                return dir;
        atexit(remove_all);
        MUST(mkdirat(dir, "self", 0700) == 0);
        close(openat(dir, "1/stat", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        for (size_t i = 0; i < ELEMENTS(names); i++)
                MUST(linkat(dir, "1/stat", dir, names[i], 0) == 0);
        return dir;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        CLEAN_FD int dir = fake_proc(), fd = openat(dir, "1/stat", O_WRONLY | O_TRUNC | O_CLOEXEC);
        char path[64];
        uint64_t start;
        int r;

        MUST(fd >= 0 && write(fd, data, size) == (ssize_t) size);
        (void) process_start_time(dir, 1, &start);
        for (int sig = 1; sig <= 64; sig += 21)
                MUST(process_heeds(dir, 1, sig) >= 0);
        r = cgroupfs_own(dir, path, sizeof path);
        MUST(r < 0 || (strnlen(path, sizeof path) < sizeof path && !strchr(path, '\n')));
        r = idmap_is_initial(dir);
        MUST(r == 0 || r == 1);
        r = idmap_has_group(dir, 5);
        MUST(r == 0 || r == 1);
        return 0;
}
