/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A mapped device is removed by name; only once somebody has it open can the kernel be told to remove it with its last
 * user. So a process of its own makes it, which does not end with this one: whoever is killed in between, the other
 * one is there to finish. Keys are in that process's own keyring, and go with it. */

#include "image/mapper.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/msg.h"
#include "base/signals.h"
#include "sys/process.h"

struct answer {
        int code;
        char path[DM_PATH];
};

int mapper_name(char ret[MAPPER_NAME]) {
        uint64_t n;

        if (getrandom(&n, sizeof n, 0) != sizeof n)
                return -EIO;
        snprintf(ret, MAPPER_NAME, "berth-%016llx", (unsigned long long) n);
        return 0;
}

/* A file that is opened holds the keyrings of whoever has opened it (credentials(7)), so the key has to leave this one
 * before the device is handed on. */
static int make(const struct dm_want *want, const struct mapper_key *key, char path[DM_PATH]) {
        int fd;

        if (key && key->data &&
            syscall(SYS_add_key, key->type, key->name, key->data, key->size, KEY_SPEC_THREAD_KEYRING) < 0)
                return -errno;
        fd = dm_make(want, path);
        if (key && key->data && syscall(SYS_keyctl, KEYCTL_CLEAR, KEY_SPEC_THREAD_KEYRING, 0, 0, 0) < 0 && fd >= 0) {
                clean_fd(&fd);
                return -EIO;
        }
        return fd;
}

/* No signal of a terminal ends it, and it has nobody to die with. */
static _Noreturn void work(const struct dm_want *want, const struct mapper_key *key, int sock) {
        struct answer a = { 0 };
        struct msg_fds fds = { .n = 1 };
        sigset_t all;

        signals_all(&all);
        (void) sigprocmask(SIG_SETMASK, &all, NULL);
        (void) setsid();
        fds.fd[0] = a.code = make(want, key, a.path);
        (void) msg_send(sock, &a, sizeof a, a.code < 0 ? NULL : &fds);
        _exit(EXIT_SUCCESS);
}

static int take(int sock, const struct dm_want *want, char ret_path[DM_PATH]) {
        struct msg_fds fds = { 0 };
        struct answer a;
        ssize_t n = msg_recv(sock, &a, sizeof a, &fds, 0);

        if (n == sizeof a && a.code < 0)
                return a.code;
        if (n != sizeof a || fds.n != 1) {
                msg_fds_close(&fds);
                (void) dm_remove(want->name);
                return n < 0 ? (int) n : -EIO;
        }
        memcpy(ret_path, a.path, DM_PATH);
        /* Its number in that process says nothing here. */
        if (strncmp(a.path, "/proc/", 6) == 0)
                snprintf(ret_path, DM_PATH, "/proc/self/fd/%d", fds.fd[0]);
        return fds.fd[0];
}

int mapper_make(const struct dm_want *want, const struct mapper_key *key, char ret_path[DM_PATH]) {
        struct process p = { .pidfd = -1 };
        CLEAN_FD int here = -1, there = -1;
        int pair[2], k = msg_pair(pair), code, status;

        if (k < 0)
                return k;
        here = pair[0];
        there = pair[1];
        k = process_clone(0, -1, &p);
        if (k < 0)
                return k;
        if (k == 0)
                work(want, key, there);
        clean_fd(&there);
        there = -1;
        k = take(here, want, ret_path);
        (void) process_wait(p.pidfd, true, &code, &status);
        clean_fd(&p.pidfd);
        return k;
}

int mapper_explain(int code, const char *target, const char *path, struct err *e) {
        switch (code) {
        case -ENODEV:
                err_set(e, ERR_HOST, 0, "%s needs dm-%s, and this kernel has no device-mapper", path, target);
                err_hint(e, "modprobe dm_mod dm_%s; in a container: on its host", target);
                return code;
        case -ENOPROTOOPT:
                err_set(e, ERR_HOST, 0, "%s needs dm-%s, which this kernel does not have", path, target);
                err_hint(e, "modprobe dm_%s; in a container: on its host", target);
                return code;
        case -EPERM:
        case -EACCES:
                err_set(e, ERR_HOST, -code, "%s needs dm-%s, which berth may not use here", path, target);
                err_hint(e, "in a container, the outer one must allow character device 10:236 and the block devices "
                            "of its host's device-mapper");
                return code;
        default: return err_set(e, ERR_IMAGE, -code, "%s: dm-%s cannot be set up for it", path, target);
        }
}
