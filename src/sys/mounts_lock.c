/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/msg.h"
#include "sys/process.h"
#include "sys/resolve.h"

/* The kernel locks flags only of mounts that are copied with their namespace into one that another user namespace
 * owns. So a process with mounts of its own attaches the mount somewhere; a second one, born from it with new
 * namespaces for mounts and users, clones what it finds at that place, and hands it out. Where that is does not
 * matter: a directory and a file that every host has. */
static const char *place_for(int mount) {
        struct stat st;

        return fstat(mount, &st) == 0 && S_ISDIR(st.st_mode) ? "/proc" : "/proc/version";
}

static int clone_locked(const char *place, int sock) {
        struct msg_fds fds = { .n = 1 };
        int k;

        fds.fd[0] = mount_clone(AT_FDCWD, place, true);
        k = fds.fd[0] < 0 ? fds.fd[0] : 0;
        if (k < 0)
                fds.n = 0;
        return msg_send(sock, &k, sizeof k, &fds);
}

static int wait_for(struct process *p) {
        int code, status, k = process_wait(p->pidfd, true, &code, &status);

        clean_fd(&p->pidfd);
        return k < 0 ? k : code == CLD_EXITED && status == 0 ? 0 : -ECHILD;
}

/* What another process does: two mounts, or one and -1. */
struct job {
        int mount, on;
        const char *name;
        bool recursive;
        int (*work)(const struct job *j, int sock);
};

/* Where nobody else sees it. */
static int attach_here(int mount, const char *place) {
        CLEAN_FD int dst = open(place, O_PATH | O_CLOEXEC);
        int k = dst < 0 ? -errno : mount_make_private();

        return k < 0 ? k : mount_attach(mount, dst);
}

static int attach_and_copy(const struct job *j, int sock) {
        const char *place = place_for(j->mount);
        struct process p = { .pidfd = -1 };
        int k = attach_here(j->mount, place);

        k = k < 0 ? k : process_clone(CLONE_NEWUSER | CLONE_NEWNS, -1, &p);
        if (k == 0)
                _exit(clone_locked(place, sock) < 0);
        return k < 0 ? k : wait_for(&p);
}

/* ret_second: NULL, if it is one only. */
static int receive(int sock, int *ret_second) {
        struct msg_fds fds;
        int answer = -ECHILD;
        ssize_t n = msg_recv(sock, &answer, sizeof answer, &fds, 0);

        if (n < 0)
                return (int) n;
        if (n == sizeof answer && answer == 0 && fds.n == (ret_second ? 2 : 1)) {
                if (ret_second)
                        *ret_second = fds.fd[1];
                return fds.fd[0];
        }
        msg_fds_close(&fds);
        return answer < 0 ? answer : -ECHILD;
}

/* In a namespace of its own one mount can be attached to another one, and both be copied; detached, they could only
 * since Linux 6.15. */
static int attach_and_join(const struct job *j, int sock) {
        CLEAN_FD int dir = -1;
        struct msg_fds fds = { .n = 1 };
        int k = attach_here(j->on, "/proc");

        if (k < 0)
                return k;
        dir = resolve_plain(j->on, j->name, O_PATH | O_DIRECTORY);
        k = dir < 0 ? dir : mount_attach(j->mount, dir);
        fds.fd[0] = k < 0 ? k : mount_clone(j->on, "", true);
        if (fds.fd[0] < 0)
                return fds.fd[0];
        k = 0;
        return msg_send(sock, &k, sizeof k, &fds);
}

/* The namespace ends with this process, and takes apart what was attached in it: so a copy of all comes back, too. */
static int attach_and_clone(const struct job *j, int sock) {
        CLEAN_FD int source = -1;
        struct msg_fds fds = { .n = 2 };
        int k = attach_here(j->on, "/proc");

        if (k < 0)
                return k;
        source = resolve_in_root(j->on, j->name, O_PATH);
        fds.fd[0] = source < 0 ? source : mount_clone(source, "", j->recursive);
        if (fds.fd[0] < 0)
                return fds.fd[0];
        fds.fd[1] = mount_clone(j->on, "", true);
        if (fds.fd[1] < 0)
                return fds.fd[1];
        k = 0;
        return msg_send(sock, &k, sizeof k, &fds);
}

static int by_another(const struct job *j, int *ret_second) {
        CLEAN_FD int here = -1, there = -1;
        struct process p = { .pidfd = -1 };
        int pair[2], k = msg_pair(pair), got;

        if (k < 0)
                return k;
        here = pair[0];
        there = pair[1];
        k = process_clone(CLONE_NEWNS, -1, &p);
        if (k == 0) {
                close(TAKE_FD(here));
                k = j->work(j, there);
                if (k < 0)
                        (void) msg_send(there, &k, sizeof k, NULL);
                _exit(k < 0);
        }
        if (k < 0)
                return k;
        close(TAKE_FD(there));
        got = receive(here, ret_second);
        (void) wait_for(&p);
        return got;
}

int mount_lock(int mount) {
        CLEAN_FD int old = mount;

        return by_another(&(struct job){ .mount = old, .on = -1, .work = attach_and_copy }, NULL);
}

int mount_join(int on, int mount, const char *name) {
        CLEAN_FD int upper = mount, lower = on, dir = resolve_plain(on, name, O_PATH | O_DIRECTORY);

        if (dir < 0)
                return dir;
        if (mount_attach(upper, dir) == 0)
                return TAKE_FD(lower);
        return by_another(&(struct job){ .mount = upper, .on = lower, .name = name, .work = attach_and_join }, NULL);
}

int mount_clone_detached(int *detached, const char *path, bool recursive) {
        const struct job j = {
                .mount = -1, .on = *detached, .name = path, .recursive = recursive, .work = attach_and_clone
        };
        int all, k = by_another(&j, &all);

        if (k < 0)
                return k;
        clean_fd(detached);
        *detached = all;
        return k;
}
