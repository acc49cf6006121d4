/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth-agent: makes a unit for one container and registers it, on behalf of the launcher that has spawned it; agent.h
 * has what they say. It stays for as long as the container runs, since the manager asks whoever controls a scope to
 * end it. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "host/agent_work.h"

enum { LEAVE_USEC = 10 * 1000 * 1000 };

/* --- to the launcher --- */

static void send_message(struct agent *a, const struct agent_message *m) {
        /* A late word is swallowed where the launcher has moved on; that it is gone the next reading will tell. */
        if (!agent_step(&a->state, m->head.kind, m->head.work) || a->orphaned)
                return;
        (void) agent_send(a->sock, m, -1);
}

void agent_say(struct agent *a, enum agent_kind kind) {
        struct agent_message m;

        agent_message_init(&m, kind);
        send_message(a, &m);
}

void agent_note(struct agent *a, const char *fmt, ...) {
        struct agent_message m;
        va_list ap;

        agent_message_init(&m, AGENT_NOTE);
        va_start(ap, fmt);
        vsnprintf(m.head.err.text, sizeof m.head.err.text, fmt, ap);
        va_end(ap);
        send_message(a, &m);
}

void agent_fail(struct agent *a, enum manager_work work, const struct err *why) {
        struct agent_message m;

        agent_message_init(&m, AGENT_FAILED);
        m.head.work = work;
        m.head.err = *why;
        if (m.head.err.code < 0)
                m.head.err.code = -m.head.err.code;
        send_message(a, &m);
}

/* --- from the launcher --- */

static void left(struct agent *a) {
        a->has_scope = a->has_machine = false;
        a->leaving = 0;
        if (a->state == AGENT_LEAVING)
                agent_say(a, AGENT_LEFT);
        if (a->orphaned)
                (void) sd_event_exit(a->event, EXIT_SUCCESS);
}

void agent_left_one(struct agent *a) {
        if (a->leaving > 0 && --a->leaving == 0)
                left(a);
}

/* Both at once: neither needs the other. */
static void leave(struct agent *a) {
        struct err e = { 0 };

        if (!a->bus && (a->has_scope || a->has_machine) && bus_connect(a, &e) < 0)
                a->has_scope = a->has_machine = false;
        a->leaving = 1;
        /* Connecting anew: then goes on with it. */
        if (!a->connected && (a->has_scope || a->has_machine))
                return;
        machine_leave(a);
        scope_leave(a);
        agent_left_one(a);
}

static void take_leader(struct agent *a, int fd) {
        clean_fd(&a->leader);
        a->leader = fd;
}

static void act(struct agent *a, const struct agent_message *m, int fd) {
        take_leader(a, fd);
        switch (m->head.kind) {
        case AGENT_PLACE:
                memset(a->dropped, 0, sizeof a->dropped);
                memset(a->types, 0, sizeof a->types);
                a->tries = 0;
                scope_place(a);
                break;
        case AGENT_ADOPT: watch_adopted(a); break;
        case AGENT_ANNOUNCE: machine_announce(a); break;
        case AGENT_LEAVE:
                a->hurried = !m->head.again;
                leave(a);
                break;
        default: clean_fd(&a->leader); a->leader = -1;
        }
}

static int give_up(sd_event_source *s, uint64_t now, void *agent) {
        struct agent *a = agent;

        return sd_event_exit(a->event, EXIT_FAILURE);
}

/* The launcher was killed, or has no more need of us. */
static int on_end(struct agent *a) {
        a->orphaned = true;
        (void) sd_event_add_time_relative(a->event, NULL, CLOCK_MONOTONIC, LEAVE_USEC, 0, give_up, a);
        /* In the middle of leaving already: that goes on. */
        if (a->leaving > 0)
                return 0;
        if ((a->has_scope || a->has_machine) && agent_step(&a->state, AGENT_LEAVE, MANAGER_WORK_NONE))
                leave(a);
        else
                (void) sd_event_exit(a->event, EXIT_SUCCESS);
        return 0;
}

static int on_launcher(sd_event_source *s, int fd, uint32_t revents, void *agent) {
        struct agent *a = agent;
        struct agent_message *m, got;
        int pass = -1, k = agent_receive(fd, &got, &pass);

        if (k == -EAGAIN)
                return 0;
        if (k <= 0 || !agent_from_launcher(got.head.kind) ||
            !agent_step(&a->state, got.head.kind, MANAGER_WORK_NONE)) {
                clean_fd(&pass);
                (void) sd_event_source_set_enabled(s, SD_EVENT_OFF);
                return on_end(a);
        }
        m = got.head.kind == AGENT_ANNOUNCE ? &a->announce : &a->place;
        if (got.head.kind != AGENT_LEAVE) {
                *m = got;
                for (size_t i = 0; i < m->n; i++)
                        m->strings[i] = m->text + (got.strings[i] - got.text);
        }
        act(a, &got, pass);
        return 0;
}

/* --- from systemd-machined --- */

/* Its name as the kernel keeps it. */
static bool is_machined(uint32_t pid) {
        char path[32], name[32];

        snprintf(path, sizeof path, "/proc/%u/comm", pid);
        return file_read_at(AT_FDCWD, path, name, sizeof name) > 0 && streq(name, "systemd-machine\n");
}

static bool leader_lives(const struct agent *a) {
        struct pollfd p = { .fd = a->leader, .events = POLLIN };

        return a->leader >= 0 && poll(&p, 1, 0) == 0;
}

/* Newer ones take who has registered a machine for its supervisor: asked to terminate it, they send us SIGTERM, and so
 * they do when they see the leader's end before we have taken the registration back. Anybody else who sends it, as the
 * manager that stops the unit we are in, has the launcher in mind, and sends it there too. */
static int on_term(sd_event_source *s, const struct signalfd_siginfo *info, void *agent) {
        struct agent *a = agent;

        if (!is_machined(info->ssi_pid))
                a->ending = true;
        else if (leader_lives(a))
                agent_say(a, AGENT_STOP);
        return 0;
}

/* --- the program --- */

static int find_address(const char *scope, char *buf, size_t size, const char **ret) {
        bool user = streq(scope, "user");
        const char *said = getenv(user ? "DBUS_SESSION_BUS_ADDRESS" : "DBUS_SYSTEM_BUS_ADDRESS");
        const char *dir = getenv("XDG_RUNTIME_DIR");

        if (!user && !streq(scope, "system"))
                return -EINVAL;
        if (user && !said && !dir)
                return -ENOENT;
        if (user)
                snprintf(buf, size, "unix:path=%s/bus", str_or(dir, ""));
        else
                snprintf(buf, size, "unix:path=/run/dbus/system_bus_socket");
        *ret = str_or(said, buf);
        return 0;
}

/* Before whatever else is there to read: a signal belongs to the leader of that moment. */
static int watch_term(struct agent *a) {
        sd_event_source *s;
        sigset_t term;
        int k;

        sigemptyset(&term);
        sigaddset(&term, SIGTERM);
        if (sigprocmask(SIG_BLOCK, &term, NULL) < 0)
                return -errno;
        k = sd_event_add_signal(a->event, &s, SIGTERM, on_term, a);
        k = k < 0 ? k : sd_event_source_set_floating(s, true);
        return k < 0 ? k : sd_event_source_set_priority(s, SD_EVENT_PRIORITY_IMPORTANT);
}

static int run(struct agent *a) {
        int k = sd_event_new(&a->event);
        struct err e;

        k = k < 0 ? k : watch_term(a);
        k = k < 0 ? k : sd_event_add_io(a->event, NULL, a->sock, EPOLLIN, on_launcher, a);
        if (k < 0)
                return k;
        /* Where it fails, it is said when something is asked for. */
        (void) bus_connect(a, &e);
        k = sd_event_loop(a->event);
        bus_drop(a);
        return k;
}

/* For a caller of ours that waits. */
static int serve(int argc, char **argv, const char *address) {
        struct stat st;

        if (argc != 2 + SERVICE_WORDS || fstat(AGENT_FD, &st) < 0 || !S_ISSOCK(st.st_mode))
                return EXIT_FAILURE;
        (void) log_init(getenv("BERTH_DEBUG"));
        return agent_service(address, argv + 2, AGENT_FD) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv) {
        struct agent *a = calloc(1, sizeof *a);
        struct stat st;
        char buf[256];

        if (a && argc > 2 && streq(argv[1], "service") && find_address("system", buf, sizeof buf, &a->address) == 0)
                return serve(argc, argv, a->address);
        /* For berthctl. */
        if (a && argc == 2 && streq(argv[1], "list") && fstat(AGENT_FD, &st) == 0 && S_ISFIFO(st.st_mode) &&
            find_address("system", buf, sizeof buf, &a->address) == 0)
                return agent_list(a->address, AGENT_FD) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        if (!a || argc != 2 || find_address(argv[1], buf, sizeof buf, &a->address) < 0 || fstat(AGENT_FD, &st) < 0 ||
            !S_ISSOCK(st.st_mode)) {
                fputs("berth-agent: berth runs this program by itself\n", stderr);
                return EXIT_FAILURE;
        }
        (void) log_init(getenv("BERTH_DEBUG"));
        signal(SIGPIPE, SIG_IGN);
        umask(0022);
        a->sock = AGENT_FD;
        a->leader = -1;
        return run(a) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
