/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A directory with all that is in it, to another one: contents, holes, owners, modes, times, ACLs, capabilities and
 * other attributes, hard links among its files, links, devices, FIFOs, sockets. What is mounted inside is left out,
 * no link is followed, and nothing is inherited from where the copy lies. Takes /proc. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct treecopy {
        bool share; /* files share their blocks with the originals; -EOPNOTSUPP, -EXDEV where they cannot */
        /* Called now and then, also within a large file; what it returns below 0 ends the copy. */
        int (*tell)(void *arg, uint64_t files, uint64_t bytes);
        void *arg;
        char *failed; /* on an error: what could not be copied, relative to the top; as much of it as fits; NULL */
        size_t failed_size;
};

enum { TREECOPY_DEPTH = 200 }; /* -ELOOP: so many directories lie in one another */

/* to: an empty directory that nobody else can enter; it gets the attributes of from last of all. Both opened for
 * reading. Returns -errno; what was copied until then stays. */
int treecopy(int from, int to, const struct treecopy *t);
