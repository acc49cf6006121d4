/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The program berth-unlock: see unlock.h. Started by berth as root, with UNLOCK_FD and nothing else. */

#include "image/unlock.h"

#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/msg.h"
#include "sys/confine.h"
#include "sys/seccomp.h"
#include "sys/seccomp_write.h"

enum { CPU_S = 300 };

/* Memory of argon2 is 1 GiB where nobody asked for more, and a header asks for what it likes. */
#define MEMORY_MAX ((rlim_t) 2560 << 20)

bool unlock_library(const char *name, const char *const *names, void **ret) {
        void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);

        for (; library && *names; names++, ret++) {
                *ret = dlsym(library, *names);
                if (!*ret)
                        return false;
        }
        return library;
}

/* clone(2), C library/kernel differences. */
#ifdef __s390x__
#define CLONE_FLAGS 1
#else
#define CLONE_FLAGS 0
#endif

/* Threads, memory, and files that anybody may read. No process, no program, no socket, no key, no other's business. */
int unlock_close_doors(void) {
        const struct sock_filter program[] = {
                LOAD_NATIVE_CALL,
                ALLOW_OLD,
                ALLOW_ORDINARY,
                ALLOW(openat),
                ALLOW(mlock),
                ALLOW(munlock),
                ALLOW(sched_yield),
                ALLOW(sched_getaffinity),
                ALLOW(sendmsg),
                IF(SYS_clone3, 0, 1),
                /* Its flags are out of sight: the C library takes the older one then. */
                RETURN(SECCOMP_RET_ERRNO | ENOSYS),
                IF(SYS_clone, 0, 3),
                LOAD_ARG(CLONE_FLAGS),
                BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1),
                RETURN(SECCOMP_RET_ALLOW),
                RETURN(SECCOMP_RET_ERRNO | EPERM),
        };

        return SECCOMP_SANITIZED ? 0 : seccomp_load(program, ELEMENTS(program), 0);
}

int main(void) {
        struct unlock_request q;
        struct unlock_answer a = { .result = UNLOCK_FAILED };
        struct msg_fds fds = { 0 };
        const struct rlimit none = { 0, 0 };
        int k = setrlimit(RLIMIT_FSIZE, &none);

        if (k < 0 || confine(MEMORY_MAX, CPU_S) < 0 || msg_recv(UNLOCK_FD, &q, sizeof q, &fds, 0) != sizeof q ||
            fds.n != 1 || q.secret.size > sizeof q.secret.bytes)
                return EXIT_FAILURE;
        if (q.work == UNLOCK_LUKS)
                unlock_luks(fds.fd[0], &q.secret, &a);
        else
                unlock_signature(fds.fd[0], q.sizes, &a);
        explicit_bzero(&q, sizeof q);
        k = msg_send(UNLOCK_FD, &a, sizeof a, NULL);
        explicit_bzero(&a, sizeof a);
        _exit(k < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}
