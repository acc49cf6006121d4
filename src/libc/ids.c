/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* In place of musl's, which change the ids of all threads, and block and unblock all signals for that; an
 * unblocking that fails goes unnoticed there. There is one thread here. */

#include <grp.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The ones with ids of 32 bits, where there are two. */
#ifdef SYS_setresuid32
#define SET_RESUID SYS_setresuid32
#define SET_RESGID SYS_setresgid32
#define SET_GROUPS SYS_setgroups32
#else
#define SET_RESUID SYS_setresuid
#define SET_RESGID SYS_setresgid
#define SET_GROUPS SYS_setgroups
#endif

int setresuid(uid_t real, uid_t effective, uid_t saved) {
        return (int) syscall(SET_RESUID, real, effective, saved);
}

int setresgid(gid_t real, gid_t effective, gid_t saved) {
        return (int) syscall(SET_RESGID, real, effective, saved);
}

int setgroups(size_t n, const gid_t groups[]) {
        return (int) syscall(SET_GROUPS, n, groups);
}
