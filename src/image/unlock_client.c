/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P: one run of berth-unlock. */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/msg.h"
#include "image/unlock.h"
#include "sys/process.h"

/* Whatever a header asks for, somebody waits for this. */
enum { PATIENCE_MS = 330 * 1000 };

static bool holds_together(struct unlock_answer *a) {
        a->why[sizeof a->why - 1] = a->cipher[sizeof a->cipher - 1] = '\0';
        return (unsigned) a->result <= UNLOCK_FAILED && a->key_size <= sizeof a->key;
}

static int talk(int sock, const struct unlock_request *q, int memfd, struct unlock_answer *ret) {
        struct msg_fds fds = { .n = 1, .fd = { memfd } };
        struct pollfd p = { .fd = sock, .events = POLLIN };
        int k = msg_send(sock, q, sizeof *q, &fds);
        ssize_t n;

        fds.n = 0;
        if (k == 0 && poll(&p, 1, PATIENCE_MS) <= 0)
                return -ETIMEDOUT;
        n = k < 0 ? k : msg_recv(sock, ret, sizeof *ret, &fds, 0);
        msg_fds_close(&fds);
        if (n != sizeof *ret || !holds_together(ret))
                return -EPROTO;
        return 0;
}

int unlock_run(const struct unlock_request *q, int memfd, const char *path, struct unlock_answer *ret, struct err *e) {
        char *const argv[] = { (char *) "berth-unlock", NULL }, *const env[] = { NULL };
        struct arena a = { 0 };
        CLEAN_FD int file = memfd, here = -1, there = -1;
        struct process_spawn spawn = { .argv = argv, .env = env, .fd = UNLOCK_FD };
        int pair[2], k = msg_pair(pair);
        pid_t pid;

        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot make a socket");
        here = pair[0];
        there = pair[1];
        spawn.path = process_helper("berth-unlock", &a);
        pid = spawn.path ? process_spawn(&spawn, there) : -ENOENT;
        arena_done(&a);
        if (pid < 0) {
                err_set(e, ERR_HOST, (int) -pid, "%s: cannot run berth-unlock", path);
                return err_hint(e, "it is installed with berth, in " BERTH_LIBEXEC);
        }
        clean_fd(&there);
        there = -1;
        k = talk(here, q, file, ret);
        (void) kill(pid, SIGKILL);
        (void) waitpid(pid, NULL, 0);
        return k < 0 ? err_set(e, ERR_IMAGE, -k, "%s: berth-unlock has ended without an answer", path) : 0;
}
