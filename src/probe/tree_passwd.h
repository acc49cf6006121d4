/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* passwd(5) and group(5) as text. The text is hostile; nothing is allocated. The first entry that matches wins, as in
 * getpwnam(3). */

#include <sys/types.h>

#include "base/colon.h"

struct passwd_entry {
        struct span name, home, shell;
        uid_t uid;
        gid_t gid;
};

/* 1: found and *ret filled; 0: not there; -EINVAL: there, but its numbers are none. */
int passwd_by_name(struct span text, const char *name, struct passwd_entry *ret);

/* 1: found and *ret filled; 0: not there. */
int passwd_by_uid(struct span text, uid_t uid, struct passwd_entry *ret);

/* The groups that list user as a member, each once, without primary. Returns their number, -E2BIG where there are more
 * than room. */
ssize_t passwd_groups(struct span text, const char *user, gid_t primary, gid_t *ret, size_t room);
