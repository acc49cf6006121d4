/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What of berth-blkid uses libblkid. Input: a byte that says how long the range is, then its first bytes. */

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "image/dissect.h"

static bool is_ours(const char *const *names, const char *name) {
        for (; *names; names++)
                if (strcmp(*names, name) == 0)
                        return true;
        return false;
}

static void check(const char *const *names, const struct told *t) {
        MUST(t->result <= TOLD_FAILED);
        MUST(memchr(t->name[0], '\0', TOLD_NAME) && memchr(t->name[1], '\0', TOLD_NAME));
        if (t->result == TOLD_ONE || t->result == TOLD_DAMAGED)
                MUST(is_ours(names, t->name[0]) && !*t->name[1]);
        if (t->result == TOLD_TWO)
                MUST(is_ours(names, t->name[0]) && is_ours(names, t->name[1]) && strcmp(t->name[0], t->name[1]) != 0);
        if (t->result == TOLD_FOREIGN)
                MUST(!is_ours(names, t->name[0]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *names[SUPERBLOCK_NAMES];
        struct teller *t;
        struct told told;
        int fd = memfd_create("image", MFD_CLOEXEC);

        superblock_names(names);
        t = teller_new(names);
        MUST(t && fd >= 0);
        if (size > 1) {
                struct disk_range range = { 0, ((uint64_t) *data << 20) + size - 1 };

                MUST(write(fd, data + 1, size - 1) == (ssize_t) size - 1);
                MUST(ftruncate(fd, (off_t) range.size) == 0);
                teller_tell(t, fd, &range, &told);
                check(names, &told);
                /* What is behind is another range; and the first one is no other for it. */
                if (size > 513) {
                        struct told again;
                        struct disk_range rest = { 512, range.size - 512 };

                        teller_tell(t, fd, &rest, &again);
                        check(names, &again);
                        teller_tell(t, fd, &range, &again);
                        MUST(memcmp(&again, &told, sizeof told) == 0);
                }
        }
        close(fd);
        teller_free(t);
        return 0;
}
