/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The caller of berth --detach, where the host's service manager runs the supervisor: asks for the service, hands over
 * what it has, and waits until the container is ready. Whatever goes wrong before the supervisor has taken that is no
 * failure: then there is the way without (berth_detach.c). */

#include "cli/berth.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/str.h"
#include "cli/handover.h"
#include "host/host.h"
#include "plan/unit.h"
#include "probe/probe.h"
#include "run/run.h"
#include "sys/ns.h"
#include "sys/process.h"

/* As for a scope (run/host_manager.c). */
enum { ANSWER_MS = 10 * 1000 };

enum stage { STAGE_ASKED, STAGE_OFFERED, STAGE_TAKEN };

struct service {
        const struct service_want *want;
        enum stage stage;
        int sock, signals;
        struct process agent; /* asks for the service */
        int supervisor;       /* a pidfd, -1: it has not come yet */
        bool signalled;       /* the user wants the end */
        struct handover handover;
        struct msg_fds fds; /* that go with it */
};

/* --- what is handed over --- */

static int write_words(int fd, char *const *words, uint32_t *ret_n, uint64_t *size) {
        for (*ret_n = 0; words[*ret_n]; (*ret_n)++) {
                size_t n = strlen(words[*ret_n]) + 1;
                int k = *size + n > HANDOVER_BLOCK ? -E2BIG : file_write(fd, words[*ret_n], n);

                if (k < 0)
                        return k;
                *size += n;
        }
        return 0;
}

static int add(struct service *s, int role, int fd) {
        if (fd < 0)
                return fd;
        if (s->fds.n == MSG_FDS)
                return -E2BIG;
        s->handover.roles[s->fds.n] = role;
        s->fds.fd[s->fds.n++] = fd;
        s->handover.n_fds = (uint32_t) s->fds.n;
        return 0;
}

static int add_places(struct service *s) {
        static const struct {
                int role;
                char name[4];
        } namespaces[] = {
                { GIVEN_MOUNTS, "mnt" }, { GIVEN_NETWORK, "net" }, { GIVEN_UTS, "uts" }, { GIVEN_IPC, "ipc" }
        };
        int k = add(s, GIVEN_ROOT, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));

        k = k < 0 ? k : add(s, GIVEN_DIRECTORY, open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
        for (size_t i = 0; k >= 0 && i < ELEMENTS(namespaces); i++)
                k = add(s, namespaces[i].role, ns_open_own(s->want->proc, namespaces[i].name));
        return k;
}

/* Descriptors of others come first: the rest of the list is ours to close. */
static int gather(struct service *s) {
        struct handover *h = &s->handover;
        int passed[MSG_FDS], block, n, k;

        handover_init(h);
        n = berth_passed_descriptors(s->want->spec, s->want->env, passed, ELEMENTS(passed));
        if (n < 0)
                return n;
        for (int i = 0; i < n; i++)
                (void) add(s, passed[i], passed[i]);
        h->n_listen = probe_listen_fds(s->want->env);
        block = (int) syscall(SYS_memfd_create, "berth", MFD_CLOEXEC);
        k = block < 0 ? -errno : add(s, GIVEN_BLOCK, block);
        k = k < 0 ? k : write_words(block, s->want->argv, &h->n_argv, &h->block);
        k = k < 0 ? k : write_words(block, s->want->env, &h->n_env, &h->block);
        k = k < 0 ? k : add_places(s);
        return k < 0 ? k : context_read(s->want->proc, &h->context);
}

static void let_go(struct service *s) {
        for (int i = 0; i < s->fds.n; i++)
                if (s->handover.roles[i] < 0)
                        close(s->fds.fd[i]);
        s->fds.n = 0;
}

/* --- the service --- */

static const char *own_program(char path[PATH_MAX]) {
        ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);

        if (n <= 0 || path[0] != '/')
                return NULL;
        path[n] = '\0';
        return path;
}

static int ask(struct service *s, int theirs, struct err *e) {
        const struct service_want *w = s->want;
        char path[PATH_MAX];
        const struct host_service ask = {
                .agent = w->facts->manager.agent,
                .machine = w->facts->tree.name,
                .slice = plan_slice(w->spec),
                .program = own_program(path),
                .argv0 = SUPERVISOR,
                .stop_seconds = plan_stop_seconds(w->spec),
        };
        int k = ask.program ? host_ask_for_service(&ask, theirs, e)
                            : err_set(e, ERR_HOST, errno, "cannot find the program of berth itself");

        if (k < 0)
                return k;
        s->agent = (struct process){ .pid = k, .pidfd = process_open(k) };
        return s->agent.pidfd < 0 ? err_set(e, ERR_SYSTEM, -s->agent.pidfd, "cannot watch berth-agent") : 0;
}

static void end_agent(struct service *s) {
        if (s->agent.pid > 0)
                kill_process(&s->agent);
}

/* --- what happens --- */

/* Results of what follows beside errors: to wait on, or as berth_service() has them. */
enum { GO_ON = 2, WITHOUT = 0, DONE = 1 };

/* The supervisor was killed before it could tell. */
static int on_death(struct service *s, struct err *e) {
        int status = 0;

        if (s->stage != STAGE_TAKEN && !s->signalled)
                return WITHOUT;
        if (process_left(s->supervisor, &status) == 0 && WIFSIGNALED(status))
                return err_set(e, ERR_SYSTEM, 0, "the supervisor was killed by signal %d", WTERMSIG(status));
        return err_set(e, ERR_SYSTEM, 0, "the supervisor ended without a word");
}

/* The first word, and by the kernel's word who says it: the socket has been through the bus, and what is handed over
 * is for root alone. In another process namespace it has no number. */
static int on_here(struct service *s) {
        struct handover_word word;
        struct iovec iov = { &word, sizeof word };
        union {
                struct cmsghdr head;
                char room[CMSG_SPACE(sizeof(struct ucred))];
        } control = { 0 };
        struct msghdr m = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
        };
        ssize_t n = recvmsg(s->sock, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        struct ucred who = { .uid = (uid_t) -1 };

        if (n < 0 && errno == EAGAIN)
                return GO_ON;
        if (n > 0 && m.msg_controllen >= sizeof control && control.head.cmsg_type == SCM_CREDENTIALS)
                memcpy(&who, CMSG_DATA(&control.head), sizeof who);
        if (n <= 0 || !handover_is_word(&word, (size_t) n, &word) || word.kind != HANDOVER_HERE || who.uid != 0 ||
            who.pid <= 0)
                return WITHOUT;
        s->supervisor = process_open(who.pid);
        if (s->supervisor < 0 || msg_send(s->sock, &s->handover, sizeof s->handover, &s->fds) < 0)
                return WITHOUT;
        let_go(s);
        s->stage = STAGE_OFFERED;
        return GO_ON;
}

static int on_word(struct service *s, const struct handover_word *w, int *ret_status, struct err *e) {
        switch (w->kind) {
        case HANDOVER_TAKEN:
                s->stage = STAGE_TAKEN;
                if (s->signalled)
                        (void) process_signal(s->supervisor, SIGTERM);
                return GO_ON;
        case HANDOVER_REFUSED:
                log_debug(LOG_LIFE, "the service cannot take over");
                return s->signalled ? err_set(e, ERR_HOST, 0, "interrupted") : WITHOUT;
        case HANDOVER_ENDED:
                if (s->stage != STAGE_TAKEN || w->status == 0)
                        return err_set(e, ERR_SYSTEM, 0, "the supervisor ended without a word");
                *ret_status = w->status;
                return DONE;
        case HANDOVER_HERE:
        case HANDOVER_KIND_MAX_: break;
        }
        return GO_ON;
}

static int on_message(struct service *s, int *ret_status, struct err *e) {
        union {
                char bytes[256];
                struct handover_word word;
        } data;
        struct handover_word word;
        struct msg_fds got;
        ssize_t n = msg_recv(s->sock, &data, sizeof data - 1, &got, MSG_DONTWAIT);

        if (n == -EAGAIN)
                return GO_ON;
        if (n <= 0)
                return on_death(s, e);
        msg_fds_close(&got);
        if (handover_is_word(&data, (size_t) n, &word))
                return on_word(s, &word, ret_status, e);
        if (s->stage != STAGE_TAKEN || data.bytes[0] == '\0')
                return err_set(e, ERR_BUG, EBADMSG, "cannot understand the supervisor");
        data.bytes[n] = '\0';
        *ret_status = berth_say_name(data.bytes, s->want->spec->self.quiet);
        return DONE;
}

/* Until it has what it needs to be interrupted in order, the supervisor is spared. */
static int on_signal(struct service *s, struct err *e) {
        struct signalfd_siginfo info;

        if (read(s->signals, &info, sizeof info) != sizeof info)
                return GO_ON;
        if (s->stage == STAGE_ASKED)
                return err_set(e, ERR_HOST, 0, "interrupted by signal %u", info.ssi_signo);
        s->signalled = true;
        if (s->stage == STAGE_TAKEN)
                (void) process_signal(s->supervisor, SIGTERM);
        return GO_ON;
}

static int on_agent(struct service *s) {
        int code, status, k = process_wait(s->agent.pidfd, true, &code, &status);

        close(s->agent.pidfd);
        s->agent = (struct process){ .pidfd = -1 };
        /* Where the supervisor is there, it has done what it was for, whatever it has heard. */
        return s->stage != STAGE_ASKED || (k == 0 && code == CLD_EXITED && status == EXIT_SUCCESS) ? GO_ON : WITHOUT;
}

/* Who does not answer once is not asked again. Who has answered is only slow. */
static int on_silence(struct service *s, struct err *e) {
        (void) err_set(e, ERR_HOST, ETIMEDOUT, "the service manager makes no service for %s",
                       s->want->facts->tree.name);
        *s->want->ret_silent = s->agent.pid > 0;
        return WITHOUT;
}

static int wait_for_end(struct service *s, int *ret_status, struct err *e) {
        uint64_t end = loop_now_ms() + ANSWER_MS;
        int k = GO_ON;

        while (k == GO_ON) {
                struct pollfd p[] = { { .fd = s->sock, .events = POLLIN },
                                      { .fd = s->signals, .events = POLLIN },
                                      { .fd = s->agent.pidfd, .events = POLLIN },
                                      { .fd = s->supervisor, .events = POLLIN } };
                uint64_t now = loop_now_ms();
                int n = s->stage != STAGE_ASKED ? poll(p, ELEMENTS(p), -1)
                        : now < end             ? poll(p, ELEMENTS(p), (int) (end - now))
                                                : 0;

                if (n < 0 && errno != EINTR)
                        return err_set(e, ERR_SYSTEM, errno, "cannot wait for the supervisor");
                if (n <= 0) {
                        k = n == 0 ? on_silence(s, e) : GO_ON;
                        continue;
                }
                if (p[1].revents)
                        k = on_signal(s, e);
                /* What it has said counts more than that it is gone. */
                if (k == GO_ON && p[0].revents)
                        k = s->stage == STAGE_ASKED ? on_here(s) : on_message(s, ret_status, e);
                else if (k == GO_ON && p[3].revents)
                        k = on_death(s, e);
                if (k == GO_ON && p[2].revents)
                        k = on_agent(s);
        }
        return k;
}

static int begin(struct service *s, struct err *e) {
        const int yes = 1;
        int pair[2], k = gather(s);

        k = k < 0 ? k : msg_pair(pair);
        if (k < 0)
                return k;
        s->sock = pair[0];
        k = setsockopt(s->sock, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) < 0 ? -errno : ask(s, pair[1], e);
        close(pair[1]);
        return k;
}

int berth_service(const struct service_want *w, int *ret_status, struct err *e) {
        struct service s = { .want = w, .agent = { .pidfd = -1 }, .sock = -1, .supervisor = -1, .signals = -1 };
        int k = begin(&s, e);
        sigset_t mask;

        (void) sigprocmask(SIG_SETMASK, NULL, &mask);
        if (k < 0)
                k = WITHOUT;
        else {
                w->scrub(w->arg);
                s.signals = berth_watch_signals(e);
                k = s.signals < 0 ? s.signals : wait_for_end(&s, ret_status, e);
        }
        end_agent(&s);
        let_go(&s);
        clean_fd(&s.sock);
        clean_fd(&s.signals);
        clean_fd(&s.supervisor);
        /* The other way begins as this one did. */
        if (k == WITHOUT)
                (void) sigprocmask(SIG_SETMASK, &mask, NULL);
        return k;
}
