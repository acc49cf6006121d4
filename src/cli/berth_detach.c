/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth --detach: the caller waits until the container is ready, the supervisor goes on in a session of its own. Until
 * then it has the caller's stderr, for what there is to say. */

#include "cli/berth.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/msg.h"
#include "run/run.h"
#include "sys/process.h"

/* --- the supervisor --- */

int berth_go_background(struct err *e) {
        CLEAN_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
                return err_set(e, ERR_HOST, errno, "cannot open /dev/null");
        /* No terminal's signals, and no directory that somebody wants to unmount. A service has its own session. */
        if ((getsid(0) != getpid() && setsid() < 0) || chdir("/") < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot go to the background");
        return 0;
}

/* --- the caller --- */

/* What the caller ignores (nohup(1), a shell's "&") is not for us. */
int berth_watch_signals(struct err *e) {
        static const int passed[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
        sigset_t set;
        int fd = -1;

        sigemptyset(&set);
        for (size_t i = 0; i < ELEMENTS(passed); i++) {
                struct sigaction now;

                if (sigaction(passed[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
                        sigaddset(&set, passed[i]);
        }
        if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
                fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        return fd < 0 ? err_set(e, ERR_SYSTEM, errno, "cannot watch signals") : fd;
}

/* The supervisor has said why it failed. */
static int status_of_failed(const struct process *supervisor, struct err *e) {
        int code, status, k = process_wait(supervisor->pidfd, true, &code, &status);

        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot wait for the supervisor");
        if (code == CLD_EXITED && status != 0)
                return status;
        if (code == CLD_EXITED)
                return err_set(e, ERR_SYSTEM, 0, "the supervisor ended without a word");
        return err_set(e, ERR_SYSTEM, 0, "the supervisor was killed by signal %d", status);
}

/* Signals are the supervisor's to answer: it takes apart what there is. */
static int wait_for_name(int sock, int signals, const struct process *supervisor, char *name, size_t size) {
        struct pollfd p[] = { { .fd = sock, .events = POLLIN }, { .fd = signals, .events = POLLIN } };

        for (;;) {
                struct signalfd_siginfo info;

                if (poll(p, ELEMENTS(p), -1) < 0 && errno != EINTR)
                        return -errno;
                if (p[1].revents && read(signals, &info, sizeof info) == sizeof info)
                        (void) process_signal(supervisor->pidfd, SIGTERM);
                if (p[0].revents) {
                        ssize_t n = recv(sock, name, size - 1, 0);

                        if (n < 0 && errno == EINTR)
                                continue;
                        if (n < 0)
                                return -errno;
                        name[n] = '\0';
                        return n > 0;
                }
        }
}

int berth_say_name(const char *name, bool quiet) {
        if (!quiet)
                puts(name);
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int wait_for_supervisor(int sock, const struct process *supervisor, bool quiet, struct err *e) {
        CLEAN_FD int signals = berth_watch_signals(e);
        char name[128];
        int k;

        if (signals < 0)
                return signals;
        k = wait_for_name(sock, signals, supervisor, name, sizeof name);
        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot wait for the supervisor");
        if (k == 0)
                return status_of_failed(supervisor, e);
        return berth_say_name(name, quiet);
}

/* --- both --- */

/* From its main process the manager takes who that shall be from now on, and what the new one says it hears after
 * that.
 */
static int hand_on(int sock, const struct process *supervisor) {
        char text[32];

        snprintf(text, sizeof text, "MAINPID=%d", (int) supervisor->pid);
        notify_send(getenv("NOTIFY_SOCKET"), text, NULL, 0);
        return send(sock, "", 1, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

static int wait_for_caller(int sock, struct err *e) {
        char c;

        return recv(sock, &c, 1, 0) == 1 ? 0 : err_set(e, ERR_SYSTEM, 0, "the caller has ended");
}

int berth_detach(bool quiet, bool service, int *ret_caller, int *ret_status, struct err *e) {
        struct process supervisor = { .pidfd = -1 };
        CLEAN_FD int ours = -1, theirs = -1;
        int pair[2], k = msg_pair(pair);

        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot make a socket pair");
        ours = pair[0];
        theirs = pair[1];
        fflush(NULL);
        k = process_clone(0, -1, &supervisor);
        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot make the supervisor's process");
        if (k == 0) {
                close(TAKE_FD(ours));
                k = service ? wait_for_caller(theirs, e) : 0;
                *ret_caller = TAKE_FD(theirs);
                return k < 0 ? k : berth_go_background(e);
        }
        close(TAKE_FD(theirs));
        k = service ? hand_on(ours, &supervisor) : 0;
        k = k < 0 ? err_set(e, ERR_SYSTEM, -k, "cannot reach the supervisor")
                  : wait_for_supervisor(ours, &supervisor, quiet, e);
        clean_fd(&supervisor.pidfd);
        if (k < 0)
                return k;
        *ret_status = k;
        return 1;
}
