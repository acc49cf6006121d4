/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A directory and all that is in it, from one range of 65536 user and group ids to another: owners, POSIX ACLs, the
 * root that file capabilities are for. Each id keeps its lower half. What chown(2) takes away (set-user-ID bits,
 * capabilities) is put back. No link is followed and no mount is left; a file is changed through the descriptor that
 * was looked at.
 *
 * All is looked at before anything is changed: ids of other ranges, files with names elsewhere and the like are an
 * answer then. While the change goes on, the top directory belongs to ids of the range from TREEOWNERS_BUSY on, as
 * with systemd-nspawn: such a tree is half of one range and half of another, and the next call completes it. */

#include <stdbool.h>
#include <stdint.h>

enum { TREEOWNERS_SIZE = 65536 };
#define TREEOWNERS_BUSY UINT32_C(0xfffe0000)

struct treeowners {
        uint32_t to; /* first id of the new range, a multiple of its size */
        /* Which ranges a tree may come from whose change was broken off by somebody who did not say. */
        bool (*is_range)(uint32_t base);
        /* Called now and then, all: 0 while they are counted. What it returns below 0 ends the change. */
        int (*tell)(void *arg, uint64_t files, uint64_t all);
        void *arg;
};

enum treeowners_why {
        TREEOWNERS_FAILED,   /* a system call */
        TREEOWNERS_STRANGER, /* id is of another range */
        TREEOWNERS_LINKED,   /* a file has names outside of the tree */
        TREEOWNERS_MOUNTED,  /* something is mounted there */
        TREEOWNERS_FIXED,    /* an immutable or append-only file */
        TREEOWNERS_DEEP,     /* too many directories in one another */
};
struct treeowners_found {
        enum treeowners_why why;
        bool begun;      /* the tree is half done now */
        char path[4096]; /* relative to the top, "" the top */
        uint32_t id;
};

/* top: O_PATH. 0: it is done, or was. -errno: ret is filled. */
int treeowners(int top, const struct treeowners *t, struct treeowners_found *ret);
