/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Process J, the joiner: enters a running container to start one more program there. */

#include "run/run.h"

struct join {
        int block;    /* what EXEC asks for, see control.h */
        int stdio[3]; /* -1: a terminal of its own */
        int sock;     /* to the supervisor: GIVE of the terminal, FAIL; closed by exec */
        pid_t *born;  /* where the number of the program goes, in memory shared with the supervisor */
        void *shared; /* the pages of that memory */
        size_t shared_size;
};

/* In a copy of the supervisor, in the payload's cgroup. */
_Noreturn void join_main(struct run *r, const struct join *job);
