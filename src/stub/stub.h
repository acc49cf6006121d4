/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The stub init of --as-pid2: PID 1 of a container whose payload is not an init. A program of its own, a few KiB,
 * static and without libc, embedded here as bytes and executed by the guest from a sealed memfd, so that nothing of
 * the launcher is left in it: no memory, no environment, no descriptor, and only the rights that the guest has kept.
 *
 * It starts the payload as the leader of a session of its own, reaps what is orphaned, passes signals on, and ends
 * with the payload's status. What it does on which signal is the table in init.c. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "stub/block.h"

extern const unsigned char stub_image[];
extern const size_t stub_image_size;

struct stub_job {
        unsigned flags;   /* enum stub_flag */
        unsigned stop_ms; /* after a request to power off or reboot: until SIGKILL; 0: 90 s */
        int exec_fd;      /* the payload's program: no script, see sys/exec.h */
        int status_fd;    /* gets a struct stub_report when the payload cannot be started; -1: none */
        int life_fd;      /* read end of a pipe, or a socket: when the other end goes, everything ends; -1: none */
        const int *pass;  /* become descriptors 3, 4, ... of the payload */
        size_t n_pass;
        const char *path; /* the payload's absolute path inside, without links; NULL: executed by exec_fd */
        char *const *argv, *const *envp; /* of the payload */
};

/* Is this passed descriptor where the payload wants it? Then it stays there; but for the first: its place is the job's
 * until then. */
static inline bool stub_in_place(const struct stub_job *job, size_t i) {
        return i > 0 && job->pass[i] == 3 + (int) i;
}

/* Fill buf with the block. Returns its size; where that is more than size, nothing was written. -EINVAL: argv is
 * empty, or a descriptor is below 4 or below 3 + n_pass, where it would be in the way of those that are passed, and
 * not in place; -E2BIG. */
ssize_t stub_pack(const struct stub_job *job, void *buf, size_t size);

/* A sealed memfd of the image. Returns a descriptor or -errno. */
int stub_open(void);

/* Store the job where the stub will find it. Descriptors of the job may have any number: copies are moved where they
 * are not in the way, but for those in place, so that many need not be open twice. *image is replaced by one of these
 * copies. From then on all others but 0, 1 and 2 close on exec; the caller may close them before. It has to be done
 * before the payload's own limits hold, on the size of files and the number of descriptors, and its system call
 * program. -errno. */
int stub_prepare(int *image, const struct stub_job *job);
/* How many descriptors it adds at most, the first of those passed among them. */
enum { STUB_COPIES = 5 };

/* Become the stub: nothing but execveat(2). env is what /proc/1/environ will show. The stub works as the process is:
 * credentials, namespaces, working directory, resource limits and seccomp filters are the caller's to set before.
 * Returns -errno. */
int stub_exec(int image, char *const env[]);
