/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P: one run of berth-blkid; and, in the process that reads the image's numbers (apart.c), the questions to
 * it. */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/msg.h"
#include "image/blkid.h"
#include "sys/process.h"

/* execve(2) has failed, or the dynamic linker: ld.so(8). */
enum { NOT_STARTED = 127 };

enum { RECEIVE_TRIES = 100 };

static int run(int theirs, const char *path, pid_t *ret, struct err *e) {
        char *const argv[] = { (char *) "berth-blkid", NULL }, *const env[] = { NULL };
        struct process_spawn spawn = { .argv = argv, .env = env, .fd = BLKID_FD };
        struct arena a = { 0 };
        pid_t pid;

        spawn.path = process_helper("berth-blkid", &a);
        pid = spawn.path ? process_spawn(&spawn, theirs) : -ENOENT;
        arena_done(&a);
        if (pid < 0) {
                err_set(e, ERR_HOST, (int) -pid, "%s: cannot run berth-blkid, which tells what is in an image", path);
                return err_hint(e, "it belongs in " BERTH_LIBEXEC "; it is built with berth where libblkid is");
        }
        *ret = pid;
        return 0;
}

int blkid_begin(const char *path, struct blkid_run *ret, struct err *e) {
        const struct timeval patience = { .tv_sec = BLKID_PATIENCE_S };
        CLEAN_FD int theirs = -1;
        int pair[2], k = msg_pair(pair);

        *ret = (struct blkid_run){ .sock = -1 };
        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot make a socket");
        ret->sock = pair[0];
        theirs = pair[1];
        /* Of a socket, so that who asks needs no other system call to bound its wait. */
        if (setsockopt(ret->sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0)
                k = err_set(e, ERR_SYSTEM, errno, "cannot bound the wait for berth-blkid");
        k = k < 0 ? k : run(theirs, path, &ret->pid, e);
        if (k < 0)
                blkid_hang_up(ret);
        return k < 0 ? k : 0;
}

void blkid_give(const struct blkid_run *run, int image) {
        const struct msg_fds fds = { .n = 1, .fd = { image } };

        /* One that is gone already is noticed by who asks. */
        (void) msg_send(run->sock, "", 1, &fds);
}

/* Names are only ever shown, or compared: but they are to be names. */
static bool is_name(const char name[TOLD_NAME]) {
        size_t n = strnlen(name, TOLD_NAME);

        return n < TOLD_NAME &&
               strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+.") == n;
}

/* A wait with a limit is broken off where this process is stopped meanwhile, and goes on (signal(7)); it begins anew
 * then. */
static ssize_t receive(int sock, struct told *ret) {
        ssize_t n = -1;

        for (int tries = 0; tries < RECEIVE_TRIES; tries++) {
                n = read(sock, ret, sizeof *ret);
                if (n >= 0 || errno != EINTR)
                        break;
        }
        return n;
}

void blkid_ask(int sock, const struct disk_range *range, struct told *ret) {
        ssize_t n = write(sock, range, sizeof *range);

        if (n == sizeof *range)
                n = receive(sock, ret);
        else
                errno = EPIPE;
        if (n == sizeof *ret && ret->result <= TOLD_FAILED && is_name(ret->name[0]) && is_name(ret->name[1]))
                return;
        *ret = (struct told){ .result = n < 0 && errno == EAGAIN ? TOLD_LATE : TOLD_GONE };
}

void blkid_hang_up(struct blkid_run *run) {
        clean_fd(&run->sock);
        run->sock = -1;
}

bool blkid_end(struct blkid_run *run) {
        int status = 0;

        blkid_hang_up(run);
        if (run->pid <= 0)
                return false;
        (void) kill(run->pid, SIGKILL);
        while (waitpid(run->pid, &status, 0) < 0 && errno == EINTR)
                ;
        run->pid = 0;
        return WIFEXITED(status) && WEXITSTATUS(status) == NOT_STARTED;
}
