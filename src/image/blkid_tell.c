/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What libblkid says of a range. Only formats that berth knows are looked for at first: these are few parsers for
 * hostile bytes, and what else may be left of former times in a partition is no reason to refuse it, since the kernel
 * is told which file system to mount. All of them are looked for, so that what looks like two is found: not by
 * blkid_do_safeprobe(), which takes the first one for true where the range is small, or where that is encryption.
 * Where there is none, the other formats are tried for a name that helps in an error, and for nothing else. */

#include "image/blkid.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* libblkid ends by itself after each format once; a loop of ours has a bound of its own. */
enum { FINDS_MAX = 32 };

struct teller {
        blkid_probe probe;
        const char *const *names;
};

void teller_free(struct teller *t) {
        if (t)
                blkid_free_probe(t->probe);
        free(t);
}

struct teller *teller_new(const char *const *names) {
        struct teller *t = calloc(1, sizeof *t);

        if (!t)
                return NULL;
        t->names = names;
        t->probe = blkid_new_probe();
        if (t->probe && blkid_probe_enable_superblocks(t->probe, 1) == 0 &&
            blkid_probe_set_superblocks_flags(t->probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_BADCSUM) == 0)
                return t;
        teller_free(t);
        return NULL;
}

/* As it names what it has just found. */
static const char *type_found(struct teller *t) {
        const char *type = NULL;

        return blkid_probe_lookup_value(t->probe, "TYPE", &type, NULL) == 0 && type ? type : "";
}

static void found(struct teller *t, struct told *ret) {
        const char *type = type_found(t);

        if (ret->result == TOLD_NOTHING) {
                ret->result = blkid_probe_has_value(t->probe, "SBBADCSUM") ? TOLD_DAMAGED : TOLD_ONE;
                snprintf(ret->name[0], TOLD_NAME, "%s", type);
        } else if (!streq(ret->name[0], type)) {
                ret->result = TOLD_TWO;
                snprintf(ret->name[1], TOLD_NAME, "%s", type);
        }
}

static int filter(struct teller *t, int which) {
        /* It does not write to them. */
        return blkid_probe_filter_superblocks_type(t->probe, which, (char **) t->names);
}

static int look_for_ours(struct teller *t, struct told *ret) {
        int k = filter(t, BLKID_FLTR_ONLYIN);

        for (int finds = 0; k == 0 && ret->result != TOLD_TWO && finds < FINDS_MAX; finds++) {
                k = blkid_do_probe(t->probe);
                if (k == 0)
                        found(t, ret);
        }
        return k;
}

static void look_for_others(struct teller *t, struct told *ret) {
        blkid_reset_probe(t->probe);
        if (filter(t, BLKID_FLTR_NOTIN) != 0 || blkid_do_probe(t->probe) != 0)
                return;
        ret->result = TOLD_FOREIGN;
        snprintf(ret->name[0], TOLD_NAME, "%s", type_found(t));
}

void teller_tell(struct teller *t, int image, const struct disk_range *range, struct told *ret) {
        int k;

        memset(ret, 0, sizeof *ret);
        errno = 0;
        k = blkid_probe_set_device(t->probe, image, (blkid_loff_t) range->start, (blkid_loff_t) range->size);
        k = k != 0 ? -1 : look_for_ours(t, ret);
        if (k < 0)
                *ret = (struct told){ .result = TOLD_FAILED, .error = errno > 0 ? errno : EIO };
        else if (ret->result == TOLD_NOTHING)
                look_for_others(t, ret);
}
