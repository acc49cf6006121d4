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
#include "sys/proctable.h"

static const char *const names[] = { "1/status", "self/cgroup", "self/uid_map", "self/gid_map" };

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

/* In memory: on a disk, most of the time would go to files that are cut off. */
static const char *base(void) {
        static char path[] = "/dev/shm/fuzz-proc-stat-XXXXXX";
        static const char *made;

        return made ? made : (made = mkdtemp(path));
}

static void remove_all(void) {
        nftw(base(), remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The directory that plays proc, and its one file, made once and never closed. */
struct fake {
        int proc, file;
};

static struct fake make_fake(void) {
        struct fake f = { .proc = base() ? open(base(), O_PATH | O_DIRECTORY | O_CLOEXEC) : -1 };

        MUST(f.proc >= 0);
        atexit(remove_all);
        MUST(mkdirat(f.proc, "1", 0700) == 0 && mkdirat(f.proc, "self", 0700) == 0);
        f.file = openat(f.proc, "1/stat", O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
        MUST(f.file >= 0);
        for (size_t i = 0; i < ELEMENTS(names); i++)
                MUST(linkat(f.proc, "1/stat", f.proc, names[i], 0) == 0);
        return f;
}

/* What takes its text from elsewhere. */
static void parse_text(const uint8_t *data, size_t size) {
        struct idmap_table table;
        struct proc_entry entry;
        char text[4096];

        size = size < sizeof text ? size : sizeof text - 1;
        memcpy(text, data, size);
        text[size] = '\0';
        (void) proctable_parse(text, &entry);
        idmap_parse(text, &table);
        MUST(table.n <= IDMAP_EXTENTS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct fake fake = { -1, -1 };
        char path[64];
        uint64_t start;
        pid_t above;
        int r;

        if (fake.proc < 0)
                fake = make_fake();
        MUST(pwrite(fake.file, data, size, 0) == (ssize_t) size && ftruncate(fake.file, (off_t) size) == 0);
        (void) process_start_time(fake.proc, 1, &start);
        (void) process_above(fake.proc, 1, &above);
        (void) process_is_leader(fake.proc, 1);
        (void) process_is_leader(fake.proc, 2);
        MUST(process_heeds(fake.proc, 1, 1 + (int) (size % 64)) >= 0);
        r = cgroupfs_own(fake.proc, path, sizeof path);
        MUST(r < 0 || (strnlen(path, sizeof path) < sizeof path && !strchr(path, '\n')));
        r = idmap_is_initial(fake.proc);
        MUST(r == 0 || r == 1);
        r = idmap_has_group(fake.proc, 5);
        MUST(r == 0 || r == 1);
        parse_text(data, size);
        return 0;
}
