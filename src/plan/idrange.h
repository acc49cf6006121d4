/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Ranges of 65536 user and group ids for a container's user namespace, chosen as systemd-nspawn's --private-users=pick
 * does, so that both come to the same range for the same machine, and each sees what the other took (by its lock file
 * /run/systemd/nspawn-uid/BASE). Pure: the caller locks, and reads the files.
 *
 * Order of candidates: the tree's owner where that is a range, then idrange_candidate() for attempt 0, 1, 2 ... up to
 * IDRANGE_ATTEMPTS in all. Each is checked by idrange_in_use(), and locked. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { IDRANGE_SIZE = 65536, IDRANGE_ATTEMPTS = 100 };

/* systemd's range for containers (UIDS-GIDS.md): first and last base. */
#define IDRANGE_MIN UINT32_C(0x00080000)
#define IDRANGE_MAX UINT32_C(0x6fff0000)
/* Trees that belong to nobody here in particular: systemd's foreign range. */
#define IDRANGE_FOREIGN UINT32_C(0x7ffe0000)
/* A tree's top, while the owners in it are changed: systemd's mark, and ours. */
#define IDRANGE_BUSY UINT32_C(0xfffe0000)

/* In bounds and aligned. */
bool idrange_valid(uint32_t base);

/* The base of the range that a tree's top directory belongs to, 0 where it is none that may be picked. */
uint32_t idrange_of_owner(uid_t uid, gid_t gid);

/* Attempt 0: from the machine's name alone; later ones from random, which stays the same for all attempts of a start.
 * Always valid. */
uint32_t idrange_candidate(const char *machine, unsigned attempt, uint64_t random);

/* Text of the host's /etc/passwd, /etc/group, /etc/subuid and /etc/subgid; NULL where a file is missing. */
struct idrange_files {
        const char *passwd, *group, *subuid, *subgid;
};

/* Does an id of the range belong to somebody there? */
bool idrange_in_use(uint32_t base, const struct idrange_files *f);
