/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P as a service: becomes what a copy of the caller would be, and goes on with the caller's words. Standard
 * input is the socket to the caller. */

#include "cli/berth.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/handover.h"
#include "probe/probe.h"
#include "sys/ns.h"

extern char **environ;

struct supervisor {
        int caller, proc;
        int journal; /* the service's own stderr */
        struct handover handover;
        struct msg_fds fds;
};

static int open_caller(void) {
        int type = 0, fd;
        socklen_t n = sizeof type;

        if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &type, &n) < 0 || type != SOCK_SEQPACKET)
                return -ENOTSOCK;
        /* The caller's own comes there. */
        fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
        return fd < 0 ? -errno : fd;
}

static int role_fd(const struct supervisor *s, int role) {
        for (int i = 0; i < s->fds.n; i++)
                if (s->handover.roles[i] == role)
                        return s->fds.fd[i];
        return -1;
}

/* --- words --- */

/* What the manager says to its service; the caller's own are another's. */
static const char ours[][17] = {
        "NOTIFY_SOCKET", "SYSTEMD_EXEC_PID", "INVOCATION_ID", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID",
};
enum { LISTEN_PID = ELEMENTS(ours) - 1 };

static bool is_ours(const char *variable) {
        for (size_t i = 0; i < ELEMENTS(ours); i++) {
                const char *rest = str_after(variable, ours[i]);

                if (rest && *rest == '=')
                        return true;
        }
        return false;
}

static char *variable(const char *name, const char *value) {
        size_t n = strlen(name) + strlen(value) + 2;
        char *text = malloc(n);

        if (text)
                snprintf(text, n, "%s=%s", name, value);
        return text;
}

/* The descriptors from 3 on are for who reads this (sd_listen_fds(3)). */
static int make_environment(char **theirs, size_t n, bool listens, char **ret) {
        size_t at = 0;
        char pid[16];

        for (size_t i = 0; i < n; i++)
                if (!is_ours(theirs[i]))
                        ret[at++] = theirs[i];
        snprintf(pid, sizeof pid, "%d", (int) getpid());
        for (size_t i = 0; i < ELEMENTS(ours); i++) {
                const char *value = i != LISTEN_PID ? str_env(environ, ours[i]) : listens ? pid : NULL;

                if (!value)
                        continue;
                ret[at] = variable(ours[i], value);
                if (!ret[at++])
                        return -ENOMEM;
        }
        ret[at] = NULL;
        return 0;
}

/* Read once: what is secret of it is nowhere else then. */
static int read_words(const struct supervisor *s, struct supervisor_words *ret) {
        const struct handover *h = &s->handover;
        size_t n = (size_t) h->n_argv + h->n_env;
        char *block = malloc(h->block), **words = calloc(n + 1, sizeof *words);
        char **env = calloc(h->n_env + ELEMENTS(ours) + 1, sizeof *env);
        ssize_t k = block && words && env ? file_pread(role_fd(s, GIVEN_BLOCK), block, h->block, 0) : -ENOMEM;

        if (k < 0)
                return (int) k;
        if ((uint64_t) k != h->block || !handover_split(block, h->block, words, n))
                return -EBADMSG;
        k = make_environment(words + h->n_argv, h->n_env, h->n_listen > 0, env);
        /* Ended by NULL, as main() has it. */
        words[h->n_argv] = NULL;
        ret->argc = (int) h->n_argv;
        ret->argv = words;
        ret->env = env;
        return (int) k;
}

/* --- places --- */

static int enter(const struct supervisor *s, int role, int type, const char *name) {
        CLEAN_FD int own = ns_open_own(s->proc, name);
        struct stat theirs, mine;
        int fd = role_fd(s, role);

        if (own < 0 || fstat(own, &mine) < 0 || fstat(fd, &theirs) < 0)
                return own < 0 ? own : -errno;
        return mine.st_ino == theirs.st_ino ? 0 : ns_enter(fd, type);
}

/* The directories last: to enter a mount namespace changes them. */
static int go_there(const struct supervisor *s) {
        int k = enter(s, GIVEN_UTS, CLONE_NEWUTS, "uts");

        k = k < 0 ? k : enter(s, GIVEN_IPC, CLONE_NEWIPC, "ipc");
        k = k < 0 ? k : enter(s, GIVEN_NETWORK, CLONE_NEWNET, "net");
        k = k < 0 ? k : enter(s, GIVEN_MOUNTS, CLONE_NEWNS, "mnt");
        if (k < 0)
                return k;
        if (fchdir(role_fd(s, GIVEN_ROOT)) < 0 || chroot(".") < 0 || fchdir(role_fd(s, GIVEN_DIRECTORY)) < 0)
                return -errno;
        return 0;
}

/* --- descriptors --- */

static int move_above(int *fd, int number) {
        int k = *fd > number ? *fd : fcntl(*fd, F_DUPFD_CLOEXEC, number + 1);

        if (k < 0)
                return -errno;
        if (k != *fd)
                close(*fd);
        *fd = k;
        return 0;
}

/* Whatever lies where one of them belongs goes out of the way first. Those that are passed on are from 3 on without a
 * gap; others that an option names are only for us. */
static int place_descriptors(struct supervisor *s) {
        int others = 3 + (int) s->handover.n_listen;
        int highest = 2, k = 0;

        for (int i = 0; i < s->fds.n; i++)
                highest = s->handover.roles[i] > highest ? s->handover.roles[i] : highest;
        k = move_above(&s->caller, highest);
        k = k < 0 ? k : move_above(&s->journal, highest);
        k = k < 0 ? k : move_above(&s->proc, highest);
        for (int i = 0; k >= 0 && i < s->fds.n; i++)
                k = move_above(&s->fds.fd[i], highest);
        if (k < 0)
                return k;
        for (int i = 0; i < s->fds.n; i++) {
                int number = s->handover.roles[i];

                if (number >= 0 && dup3(s->fds.fd[i], number, number < others ? 0 : O_CLOEXEC) < 0)
                        return -errno;
        }
        return 0;
}

/* --- all of it --- */

/* Whoever is not there any more has gone on without us. */
static int receive(struct supervisor *s) {
        int k = handover_say(s->caller, HANDOVER_HERE, 0);
        ssize_t n = k < 0 ? k : msg_recv(s->caller, &s->handover, sizeof s->handover, &s->fds, 0);

        if (n <= 0)
                return n == 0 ? -ECONNRESET : (int) n;
        return handover_is_sound(&s->handover, (size_t) n, s->fds.n) ? 0 : -EBADMSG;
}

static int take(struct supervisor *s, struct supervisor_words *ret) {
        int k = read_words(s, ret);

        k = k < 0 ? k : context_obstacle(s->proc, &s->handover.context) ? -EXDEV : 0;
        k = k < 0 ? k : context_adopt(s->proc, &s->handover.context);
        k = k < 0 ? k : go_there(s);
        return k < 0 ? k : place_descriptors(s);
}

int berth_supervisor(struct supervisor_words *ret) {
        struct supervisor s = { .caller = open_caller(), .proc = -1, .journal = -1 };
        int k;

        if (s.caller < 0) {
                fputs(SUPERVISOR ": berth runs this by itself\n", stderr);
                return EXIT_FAILURE;
        }
        if (receive(&s) < 0)
                return EXIT_SUCCESS;
        s.proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        s.journal = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
        k = s.proc < 0 || s.journal < 0 ? -errno : take(&s, ret);
        (void) handover_say(s.caller, k < 0 ? HANDOVER_REFUSED : HANDOVER_TAKEN, 0);
        if (k < 0)
                return EXIT_SUCCESS;
        msg_fds_close(&s.fds);
        close(s.proc);
        environ = ret->env;
        ret->caller = s.caller;
        ret->journal = s.journal;
        return -1;
}

void berth_supervisor_end(int caller, int status) {
        (void) handover_say(caller, HANDOVER_ENDED, status);
}
