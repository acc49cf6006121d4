/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* berth --detach, where the service manager runs the supervisor: what the caller gives it to go on with, over one
 * SOCK_SEQPACKET pair. Nothing of it is in a command line or in a property of the unit, which everybody may read.
 *
 *   caller                                supervisor
 *      | (asks the manager for a service)     |
 *      | <--- HERE -------------------------- |
 *      | ---- struct handover, descriptors -> |  becomes what a copy of the caller would be
 *      | <--- TAKEN, or REFUSED ------------- |
 *      | <--- the machine's name ------------ |  ready (run/host_detach.c)
 *      | <--- ENDED with a status ----------- |  or not
 *
 * Until TAKEN the caller may go on without it: at HERE it decides for the supervisor, and only that one's REFUSED, or
 * end, changes this. So there are never two. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/msg.h"

/* argv[0] of the supervisor's program. */
#define SUPERVISOR "berth-supervisor"

/* --- what a process inherits, and its programs after it --- */

enum { TRAITS = 32, HANDOVER_LIMITS = 16, HANDOVER_CPUS = 8192 };

struct handover_context {
        int64_t traits[TRAITS]; /* of the table in handover_context.c */
        uint64_t limits[HANDOVER_LIMITS][2];
        uint8_t cpus[HANDOVER_CPUS / 8];
        uint64_t n_cpus; /* bytes of it */
};

/* Our own; proc is a descriptor of /proc. -errno. */
int context_read(int proc, struct handover_context *ret);

/* Is what cannot be given to a process the same here? The name of what is not, NULL: it is. */
const char *context_obstacle(int proc, const struct handover_context *c);

/* Be as c says. Namespaces and directories are not in it. */
int context_adopt(int proc, const struct handover_context *c);

/* --- messages --- */

/* What a descriptor is for; else it gets that number. */
enum handover_given {
        GIVEN_BLOCK = -1, /* the words: arguments and environment, each with its NUL */
        GIVEN_ROOT = -2,
        GIVEN_DIRECTORY = -3,
        GIVEN_MOUNTS = -4, /* namespaces */
        GIVEN_NETWORK = -5,
        GIVEN_UTS = -6,
        GIVEN_IPC = -7,
        GIVEN_MIN_ = -7,
};
enum { HANDOVER_BLOCK = 16 << 20, HANDOVER_NUMBER = 1 << 20 };

struct handover {
        uint32_t version;
        uint32_t n_argv, n_env;
        uint32_t n_fds;
        uint32_t n_listen; /* of them, those from 3 on are passed to the payload (sd_listen_fds(3)) */
        uint32_t pad;
        uint64_t block; /* its bytes */
        int32_t roles[MSG_FDS];
        struct handover_context context;
};

void handover_init(struct handover *h);
/* Is it one that this program may have sent, with so many descriptors? Each role but that of a number is there once.
 */
bool handover_is_sound(const struct handover *h, size_t size, int n_fds);
/* The words in a block: n of them, exactly. ret has room for a NULL behind them. */
bool handover_split(char *block, size_t size, char **ret, size_t n);

enum handover_kind { HANDOVER_HERE, HANDOVER_TAKEN, HANDOVER_REFUSED, HANDOVER_ENDED, HANDOVER_KIND_MAX_ };

/* A name begins with no NUL. */
struct handover_word {
        char nul[4];
        uint32_t version;
        enum handover_kind kind;
        int status; /* ENDED */
};

int handover_say(int sock, enum handover_kind kind, int status); /* never waits */
bool handover_is_word(const void *data, size_t size, struct handover_word *ret);
