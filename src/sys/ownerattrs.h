/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All that says whose one file is: owner, group, POSIX ACLs (acl(5)), the root that its capabilities are for
 * (capabilities(7), "File capability extended attribute versioning"). */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { OWNERATTRS_ROOM = 64 * 1024 };

struct owner_change {
        int fd; /* O_PATH */
        uid_t uid;
        gid_t gid;
        mode_t mode;
        /* An earlier change may have been broken off at this file: what chown(2) took from it then was noted down. */
        bool resumed;
        bool only_look;
        char *room; /* OWNERATTRS_ROOM bytes */
        /* The new id for *id; -errno ends it. The new id of a new one is itself. */
        int (*shift)(const void *arg, uint32_t *id);
        const void *arg;
};

/* Idempotent. -errno, or what shift() returned. */
int ownerattrs(const struct owner_change *c);

/* A note at a directory, of an id; recall: or other, where there is none. A file system that has no place for it does
 * without. */
int ownerattrs_remember(int fd, uint32_t id);
uint32_t ownerattrs_recall(int fd, uint32_t other);
void ownerattrs_forget(int fd);
