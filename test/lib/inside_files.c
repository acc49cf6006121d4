/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Owners of files, in all the places where there are any: the inode, access control lists, capabilities. The same
 * words come out inside and outside where the numbers are the same. */

#include "inside.h"

#include <errno.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

static uint32_t number(const uint8_t *p, int n) {
        uint32_t v = 0;

        while (n-- > 0)
                v = v << 8 | p[n];
        return v;
}

/* Linux' include/uapi/linux/posix_acl_xattr.h: a version, then tag, rights and id of each entry. */
static void print_acl(const char *path, const char *name, const char *word) {
        uint8_t text[1024];
        ssize_t n = lgetxattr(path, name, text, sizeof text);

        if (n < 4)
                return;
        printf(" %s=", word);
        for (ssize_t i = 4; i + 8 <= n; i += 8)
                printf("%x:%d:%o,", (unsigned) number(text + i, 2), (int) number(text + i + 4, 4),
                       (unsigned) number(text + i + 2, 2));
}

/* Linux' include/uapi/linux/capability.h: of revision 3 the last word says whose namespace it is for. */
static void print_caps(const char *path) {
        uint8_t text[64];
        ssize_t n = lgetxattr(path, "security.capability", text, sizeof text);

        if (n < 12)
                return;
        printf(" caps=%x:%x", (unsigned) number(text, 4), (unsigned) number(text + 4, 4));
        if (n >= 24)
                printf(":root=%u", (unsigned) number(text + 20, 4));
}

static int print_file(const char *path, const struct stat *st, int type, struct FTW *at) {
        (void) type;
        (void) at;
        printf("%s %o %u:%u", path, (unsigned) st->st_mode, (unsigned) st->st_uid, (unsigned) st->st_gid);
        if (!S_ISLNK(st->st_mode)) {
                print_acl(path, "system.posix_acl_access", "acl");
                print_acl(path, "system.posix_acl_default", "default");
                print_caps(path);
        }
        putchar('\n');
        return 0;
}

static int files(int argc, char **argv) {
        (void) argc;
        if (nftw(argv[0], print_file, 16, FTW_PHYS) < 0) {
                printf("files %s\n", outcome(errno));
                return 1;
        }
        return 0;
}

static const struct verb items[] = {
        { "files", files, "DIRECTORY: owners, lists and capabilities of all below it" },
};

const struct verbs verbs_files = { items, sizeof items / sizeof items[0] };
