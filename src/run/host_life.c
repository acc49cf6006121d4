/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P while a guest lives: the messages of its start, then signals, hot keys, time-outs, and its end. Runs in
 * the loop of r->loop; sleeps while nothing happens. */

#include "base/errno_text.h"
#include "run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/elf.h"
#include "base/str.h"
#include "base/log.h"
#include "base/parse.h"
#include "sys/cgroupstat.h"
#include "sys/cpus.h"
#include "sys/mounts.h"
#include "sys/ns.h"

enum { START_TIMEOUT_MS = 60 * 1000, ASK_AGAIN_MS = 50, ASK_LOOKS = 20, EXIT_REBOOT = 133 };

/* --- the start --- */

int host_write_record(struct run *r, struct err *e) {
        const struct plan *p = r->plan;
        struct record_content c = {
                .machine = p->machine,
                .root = p->root.path,
                .uuid = p->id.uuid_text,
                .leader = r->held.guest.pid,
                .supervisor = getpid(),
                .id_base = p->ids.own ? p->ids.base : 0,
                .id_count = p->ids.own ? p->ids.count : 0,
                .private_net = p->private_net,
                .mode = p->exec.mode == EXEC_BOOT   ? "boot"
                        : p->exec.mode == EXEC_STUB ? "stub"
                                                    : "command",
        };
        int k;

        if (p->cgroup.parent && p->cgroup.name) {
                r->cgroup = r->cgroup_room;
                snprintf(r->cgroup, sizeof r->cgroup_room, "%s/%s", p->cgroup.parent, p->cgroup.name);
        }
        c.cgroup = r->cgroup;
        if (process_start_time(r->opened->proc, r->held.guest.pid, &c.leader_start) < 0)
                return err_set(e, ERR_SYSTEM, ESRCH, "the guest is gone already");
        k = record_write(&r->held.record, &c, e);
        r->announced = k == 0;
        return k;
}

/* The guest compares its own with ours. */
int host_send_placed(struct run *r, struct err *e) {
        CLEAN_FD int dir = openat(r->opened->proc, "self/ns", O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct message m = { .kind = MSG_PLACED };
        int k;

        for (enum namespace_kind i = 0; i < NS_MAX_; i++) {
                if (!run_owns_ns(r->plan, i))
                        continue;
                k = ns_inode(dir, namespace_name(i), &r->host_ns[i]);
                if (k < 0 && k != -ENOENT)
                        return err_set(e, ERR_SYSTEM, -k, "cannot look at the namespaces of berth itself");
        }
        memcpy(m.ns, r->host_ns, sizeof m.ns);
        k = protocol_send_fds(r->held.sock, &m, NULL, e);
        if (k == 0)
                r->start = START_PLACED;
        return k;
}

/* GO may be waiting when the guest is ready: then it does not have to. Not before the payload's terminal is set up;
 * and for a registration it waits only where that was asked for. An init makes cgroups, and for that its own must have
 * nobody else in it (cgroups(7), "no internal processes"), not even a builder that is about to end. */
int host_let_go(struct run *r, struct err *e) {
        bool registering = r->unit.announcing && r->plan->unit.announce == ANNOUNCE_MUST;
        bool crowded = r->plan->exec.mode == EXEC_BOOT && r->held.builder.pid > 0;
        int k;

        if (r->went || !r->announced || registering || crowded ||
            (r->start != START_PLACED && r->start != START_READY) || (r->console && !r->console_attached) ||
            (r->plan->ids.single && !r->locked))
                return 0;
        r->went = true;
        r->start = r->start == START_READY ? START_GONE : r->start;
        /* What the guest says from here on has time until it executes or ends: it need not wake us up. */
        loop_events(&r->loop, r->held.sock, POLLHUP);
        loop_events(&r->loop, r->held.builder.pidfd, 0);
        k = protocol_send(r->held.sock, MSG_GO, e);
        /* Nothing is left to do here. The guest was born while this processor was busy, and waits for the builder's,
         * which will be busy for longer; by itself the kernel does not see that in time. With a console it has run by
         * now. */
        if (k == 0 && r->held.builder.pid > 0 && !r->console && !r->plan->limits.cpus_said)
                cpus_move_from(r->held.guest.pid, r->busy_cpu);
        return k;
}

static int on_exit_of_guest(void *data, short revents, struct err *e);

static int on_leader(struct run *r, const struct message *m, int pidfd /* taken over */, struct err *e) {
        int k;

        if (r->held.guest.pid > 0 || !r->plan->ids.own || m->pid <= 0) {
                close(pidfd);
                return err_set(e, ERR_BUG, EBADMSG, "the builder told of a second guest");
        }
        r->held.guest = (struct process){ .pid = m->pid, .pidfd = pidfd };
        r->busy_cpu = m->cpu;
        k = loop_watch(&r->loop, pidfd, POLLIN, on_exit_of_guest, r);
        if (k < 0)
                return err_set(e, ERR_BUG, -k, "the event loop is full");
        k = host_unit_ask(r, e);
        return k < 0 ? k : host_let_go(r, e);
}

/* A builder that may not make a user namespace (plan.ids.single). */
static int on_lock(struct run *r, int fd /* taken over */, struct err *e) {
        CLEAN_FD int sock = fd;
        struct msg_fds fds;
        char word;
        int k;

        if (!r->plan->ids.single || msg_recv(sock, &word, sizeof word, &fds, MSG_DONTWAIT) != 1 || fds.n != 1)
                return err_set(e, ERR_BUG, EBADMSG, "the builder gave no mounts to lock");
        k = mount_lock(fds.fd[0]);
        if (k < 0)
                return err_set(e, ERR_HOST, -k, "cannot lock the mounts of %s", r->plan->machine);
        fds = (struct msg_fds){ .n = 1, .fd = { k } };
        k = msg_send(sock, &word, sizeof word, &fds);
        msg_fds_close(&fds);
        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot give the builder its mounts back");
        r->locked = true;
        return host_let_go(r, e);
}

static int on_give(struct run *r, const struct message *m, int fd /* taken over */, struct err *e) {
        int *place = m->give == GIVE_NOTIFY ? &r->held.notify : &r->held.kmsg, k;

        if (m->give == GIVE_LEADER)
                return on_leader(r, m, fd, e);
        if (m->give == GIVE_LOCK)
                return on_lock(r, fd, e);
        if (m->give == GIVE_CONSOLE) {
                if (!r->console || r->console_attached) {
                        close(fd);
                        return err_set(e, ERR_BUG, EBADMSG, "the guest gave a console that it should not have");
                }
                r->console_attached = true;
                k = console_attach(r->console, &r->loop, fd, e);
                if (k == 0)
                        host_control_new_console(r);
                return k < 0 ? k : host_let_go(r, e);
        }
        if (*place >= 0) {
                close(fd);
                return err_set(e, ERR_BUG, EBADMSG, "the guest gave a descriptor twice");
        }
        *place = fd;
        return m->give == GIVE_NOTIFY ? host_notify_watch(r, e) : 0;
}

static int on_ready(struct run *r, struct err *e) {
        if (!r->announced)
                return err_set(e, ERR_BUG, EBADMSG, "a guest is ready that nobody told of");
        r->start = r->went ? START_GONE : START_READY;
        return 0;
}

static void tell_started(struct run *r) {
        char text[128];

        host_service_lasts(r);
        snprintf(text, sizeof text, "STATUS=Container started.\nX_NSPAWN_LEADER_PID=%d", (int) r->held.guest.pid);
        host_notify(r, text);
        if (!r->plan->life.notify_ready) {
                host_notify(r, "READY=1\nSTATUS=Container running.");
                host_caller_ready(r);
        }
        r->told_ready = r->told_ready || !r->plan->life.notify_ready;
        host_service_started(r);
}

void host_unit_settled(struct run *r) {
        if (r->unit.running)
                tell_started(r);
        r->unit.running = false;
}

/* End of file: the socket closed on exec, or the guest died: then its pidfd says more, in this same round or the next.
 */
static int on_socket_end(struct run *r, struct err *e) {
        loop_forget(&r->loop, r->held.sock);
        close(TAKE_FD(r->held.sock));
        (void) loop_timer(&r->loop, 0, NULL, NULL);
        loop_events(&r->loop, r->held.builder.pidfd, POLLIN);
        if (r->start != START_GONE)
                return 0;
        r->life = r->life == LIFE_STARTING ? LIFE_RUNNING : r->life;
        /* Who waits for our READY=1 may ask machined for us at once. */
        r->unit.running = r->unit.announcing;
        if (!r->unit.running)
                tell_started(r);
        return 0;
}

static int start_timeout(void *data, struct err *e) {
        struct run *r = data;

        if (r->start == START_GONE)
                return 0;
        err_set(e, ERR_SYSTEM, ETIMEDOUT, "the start of %s takes too long", r->plan->machine);
        return err_hint(e, "BERTH_DEBUG=step shows where it stands");
}

static int on_message(void *data, short revents, struct err *e) {
        struct run *r = data;
        struct message m;
        struct msg_fds fds;
        int k = protocol_receive(r->held.sock, MSG_DONTWAIT, &m, &fds, e);

        if (k < 0)
                return k;
        if (k == 0)
                return on_socket_end(r, e);
        if (!protocol_host_accepts(r->start, m.kind)) {
                msg_fds_close(&fds);
                return err_set(e, ERR_BUG, EBADMSG, "the guest sent %s at the wrong time", message_name(m.kind));
        }
        switch (m.kind) {
        case MSG_FAIL:
        case MSG_REPORT:
                if (e)
                        *e = m.err;
                /* The stub init does not know names. */
                if (m.kind == MSG_REPORT && m.err.kind == ERR_PAYLOAD && r->plan->exec.argv.n > 0) {
                        err_set(e, ERR_PAYLOAD, m.err.code, "cannot execute %s", r->plan->exec.argv.items[0]);
                        err_blame(e, SAID_COMMAND, NULL);
                        if (m.err.code == ENOEXEC && r->plan->exec.foreign)
                                err_hint(e, "it is for %s, this machine is %s: %s", r->plan->exec.foreign,
                                         elf_own_name(),
                                         str_or(r->plan->exec.foreign_hint, "its emulator does not start"));
                }
                r->told_why = true;
                if (r->start != START_GONE)
                        r->refuted = m.refuted;
                return m.err.code > 0 ? -m.err.code : -EINVAL;
        case MSG_GIVE: return on_give(r, &m, fds.fd[0], e);
        case MSG_READY: return on_ready(r, e);
        default: return err_set(e, ERR_BUG, EBADMSG, "the guest sent %s", message_name(m.kind));
        }
}

/* What somebody said last comes before that it ended. */
static int read_last_words(struct run *r, struct err *e) {
        int k = 0;

        while (r->held.sock >= 0 && k == 0)
                k = on_message(r, POLLIN, e);
        return k == -EAGAIN ? 0 : k;
}

/* --- the end --- */

/* systemd-nspawn(1), EXIT STATUS: the payload's, except that 133 is reserved. In a process namespace reboot(2) ends
 * PID 1 by SIGINT for power-off and halt, by SIGHUP for a restart (pid_namespaces(7)). */
static void read_status(struct run *r, int code, int status) {
        r->reboot = false;
        r->ended_by = 0;
        if (code == CLD_EXITED)
                r->status = status == EXIT_REBOOT ? EXIT_FAILURE : status;
        else if (status == SIGINT)
                r->status = EXIT_SUCCESS;
        else if (status == SIGHUP) {
                /* An init that was asked to stop may know no other way (sysvinit): that is what was asked for. */
                bool asked = r->life == LIFE_STOPPING || r->life == LIFE_KILLED;

                r->reboot = !asked && !r->plan->life.keep_unit;
                r->status = asked ? EXIT_SUCCESS : EXIT_REBOOT;
        } else {
                r->ended_by = r->life == LIFE_RUNNING ? status : 0;
                r->status = EXIT_FAILURE;
        }
}

static int on_exit_of_guest(void *data, short revents, struct err *e) {
        struct run *r = data;
        int code, status, k;

        k = read_last_words(r, e);
        if (k < 0)
                return k;
        k = process_wait(r->held.guest.pidfd, false, &code, &status);
        if (k == -EAGAIN)
                return 0;
        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot wait for the guest");
        log_debug(LOG_LIFE, "the guest ended, code %d, status %d", code, status);
        /* Whoever should hold the socket still, it has run; and it may be over before it is registered. */
        if (r->start == START_GONE && r->held.sock >= 0)
                (void) on_socket_end(r, e);
        host_unit_settled(r);
        host_notify_drain(r);
        r->held.guest.pid = 0;
        if (r->start != START_GONE)
                return err_set(e, ERR_BUG, 0, "the guest died during its start (%s %d)",
                               code == CLD_EXITED ? "exit status" : "signal", status);
        if (r->console_attached) {
                k = console_drain(r->console, e);
                if (k < 0)
                        return k;
        }
        read_status(r, code, status);
        return 1;
}

/* --- signals: state x event --- */

static int kill_timeout(void *data, struct err *e);

static int kill_guest(struct run *r, int sig, struct err *e) {
        int k;

        (void) sig;
        r->life = LIFE_KILLED;
        k = process_signal(r->held.guest.pidfd, SIGKILL);
        return k < 0 && k != -ESRCH ? err_set(e, ERR_SYSTEM, -k, "cannot kill the payload") : 0;
}

/* PID 1 of a namespace ignores what it neither catches nor blocks (pid_namespaces(7)); one that sits in sigwait(3)
 * looks the same but does get it. So it is asked all the same, but not waited for as long. */
static bool would_ignore(const struct run *r, int sig) {
        return process_heeds(r->opened->proc, r->held.guest.pid, sig) == 0;
}

/* An init that has only just begun catches nothing yet, and then what it was asked is lost: it is asked again as soon
 * as it does, and now and then where that cannot be seen. */
static int ask_again(void *data, struct err *e) {
        struct run *r = data;
        bool deaf;

        if (r->life != LIFE_STOPPING || r->held.guest.pid <= 0)
                return 0;
        deaf = would_ignore(r, r->asked_by);
        if (!deaf || ++r->asked % ASK_LOOKS == 0)
                (void) process_signal(r->held.guest.pidfd, r->asked_by);
        return deaf ? loop_timer(&r->loop, ASK_AGAIN_MS, ask_again, r) : 0;
}

void host_life_wait_for_end(struct run *r, uint64_t patience_ms) {
        (void) loop_timer(&r->loop, patience_ms, kill_timeout, r);
}

/* What "berthctl pause" has frozen would hear of nothing. */
static void thaw(struct run *r) {
        CLEAN_FD int cgroup = r->cgroup ? cgroupstat_open(r->cgroup) : -1;

        if (cgroup >= 0)
                (void) cgroupstat_freeze(cgroup, 0, 0);
}

static int ask_to_stop(struct run *r, int sig, struct err *e) {
        const struct plan *p = r->plan;
        int ask = p->life.sig_stop;
        uint64_t patience_ms = (uint64_t) p->life.stop_timeout_s * 1000;

        /* A plain command gets what we got, as if the shell had sent it there. */
        if (!p->life.stop_said && ask == SIGTERM && p->exec.mode != EXEC_BOOT && sig > 0)
                ask = sig;
        if (ask == 0)
                return kill_guest(r, sig, e);
        r->asked_by = ask;
        r->asked = 0;
        if (would_ignore(r, ask)) {
                patience_ms = p->exec.mode == EXEC_COMMAND && !p->life.stop_said ? 1000 : patience_ms;
                (void) loop_timer(&r->loop, ASK_AGAIN_MS, ask_again, r);
        }
        if (!r->quiet)
                dprintf(STDERR_FILENO, "berth: asking %s to end; again to kill it\n", p->machine);
        host_notify(r, "STOPPING=1\nSTATUS=Shutting down...");
        r->life = LIFE_STOPPING;
        host_life_wait_for_end(r, patience_ms);
        if (process_signal(r->held.guest.pidfd, ask) < 0)
                return kill_guest(r, sig, e);
        thaw(r);
        host_service_stopping(r);
        return 0;
}

/* Who asks a second time wants it killed. A request that was not made by signal is none of the two. */
static int insist(struct run *r, int sig, struct err *e) {
        bool again = r->insisted;

        r->insisted = true;
        if (r->life == LIFE_RUNNING)
                return ask_to_stop(r, sig, e);
        return again ? kill_guest(r, sig, e) : 0;
}

static int send_reboot(struct run *r, int sig, struct err *e) {
        if (r->plan->life.sig_reboot > 0)
                (void) process_signal(r->held.guest.pidfd, r->plan->life.sig_reboot);
        return 0;
}

static int send_poweroff(struct run *r, int sig, struct err *e) {
        if (r->plan->life.sig_poweroff > 0)
                (void) process_signal(r->held.guest.pidfd, r->plan->life.sig_poweroff);
        return 0;
}

static int give_up_start(struct run *r, int sig, struct err *e) {
        return err_set(e, ERR_SYSTEM, 0, "the start of %s was interrupted", r->plan->machine);
}

static int ignore(struct run *r, int sig, struct err *e) {
        return 0;
}

static int (*const reactions[LIFE_MAX_][EVENT_MAX_])(struct run *, int, struct err *) = {
        [LIFE_STARTING] = { [EVENT_SIGNAL] = give_up_start,
                            [EVENT_STOP] = give_up_start,
                            [EVENT_TIMEOUT] = give_up_start,
                            [EVENT_KEY_KILL] = give_up_start,
                            [EVENT_KEY_REBOOT] = ignore,
                            [EVENT_KEY_POWEROFF] = ignore },
        [LIFE_RUNNING] = { [EVENT_SIGNAL] = insist,
                           [EVENT_STOP] = ask_to_stop,
                           [EVENT_TIMEOUT] = ignore,
                           [EVENT_KEY_KILL] = kill_guest,
                           [EVENT_KEY_REBOOT] = send_reboot,
                           [EVENT_KEY_POWEROFF] = send_poweroff },
        [LIFE_STOPPING] = { [EVENT_SIGNAL] = insist,
                            [EVENT_STOP] = ignore,
                            [EVENT_TIMEOUT] = kill_guest,
                            [EVENT_KEY_KILL] = kill_guest,
                            [EVENT_KEY_REBOOT] = ignore,
                            [EVENT_KEY_POWEROFF] = ignore },
        [LIFE_KILLED] = { [EVENT_SIGNAL] = kill_guest,
                          [EVENT_STOP] = ignore,
                          [EVENT_TIMEOUT] = ignore,
                          [EVENT_KEY_KILL] = kill_guest,
                          [EVENT_KEY_REBOOT] = ignore,
                          [EVENT_KEY_POWEROFF] = ignore },
};

int host_life_event(struct run *r, enum life_event event, int sig, struct err *e) {
        log_debug(LOG_LIFE, "state %d, event %d, signal %d", r->life, event, sig);
        return reactions[r->life][event](r, sig, e);
}

static int kill_timeout(void *data, struct err *e) {
        struct run *r = data;

        return host_life_event(r, EVENT_TIMEOUT, 0, e);
}

static bool is_request(unsigned sig) {
        return sig == SIGTERM || sig == SIGINT || sig == SIGHUP || sig == SIGQUIT;
}

/* A host that goes down, and a session that ends, ask in more than one way and at about the same time: the terminal
 * hangs up, the service manager sends TERM and at once HUP (SendSIGHUP= in systemd.kill(5)), and asks for the scope's
 * end. Nobody among them wants the container killed: a service manager has SIGKILL for that. */
static bool is_nudge(const struct signalfd_siginfo *info) {
        return info->ssi_signo == SIGHUP || info->ssi_pid == 1;
}

/* While the last output waits for its reader: only a request to end is a reason to lose it. It holds for a payload
 * that has rebooted, too. */
static bool is_asked_to_end(void *data) {
        struct run *r = data;
        struct signalfd_siginfo info;

        while (read(r->held.signals, &info, sizeof info) == sizeof info)
                if (is_request(info.ssi_signo)) {
                        r->life = r->life == LIFE_RUNNING ? LIFE_STOPPING : r->life;
                        return true;
                }
        return false;
}

static int on_signal(void *data, short revents, struct err *e) {
        struct run *r = data;
        struct signalfd_siginfo info;

        if (read(r->held.signals, &info, sizeof info) != sizeof info)
                return errno == EAGAIN ? 0 : err_set(e, ERR_SYSTEM, errno, "cannot read a signal");
        switch (info.ssi_signo) {
        case SIGWINCH:
                if (r->console_attached)
                        console_resize(r->console);
                return 0;
        case SIGCONT:
                /* A shell has set the terminal its own way meanwhile. */
                if (r->console_attached)
                        console_resume(r->console);
                return 0;
        default:
                if (is_request(info.ssi_signo))
                        return host_life_event(r, is_nudge(&info) ? EVENT_STOP : EVENT_SIGNAL, (int) info.ssi_signo,
                                               e);
                log_debug(LOG_LIFE, "signal %u is no request", info.ssi_signo);
                return 0;
        }
}

static int on_key(void *data, enum console_key key, struct err *e) {
        static const enum life_event events[] = {
                [CONSOLE_KEY_KILL] = EVENT_KEY_KILL,
                [CONSOLE_KEY_REBOOT] = EVENT_KEY_REBOOT,
                [CONSOLE_KEY_POWEROFF] = EVENT_KEY_POWEROFF,
        };

        return host_life_event(data, events[key], 0, e);
}

/* Its work is done, or it said FAIL, or somebody killed it: then the guest notices and says so, if
 * there is one. */
static int on_exit_of_builder(void *data, short revents, struct err *e) {
        struct run *r = data;
        int code, status, k = read_last_words(r, e);

        if (k < 0)
                return k;
        k = process_wait(r->held.builder.pidfd, false, &code, &status);
        if (k == -EAGAIN)
                return 0;
        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot wait for the builder");
        if (r->held.guest.pid <= 0 && r->start != START_GONE)
                return err_set(e, ERR_SYSTEM, 0, "the builder died during the start (%s %d)",
                               code == CLD_EXITED ? "exit status" : "signal", status);
        loop_forget(&r->loop, r->held.builder.pidfd);
        close(TAKE_FD(r->held.builder.pidfd));
        r->held.builder.pid = 0;
        return host_let_go(r, e);
}

static int watch_start(struct run *r, struct err *e) {
        int k = loop_watch(&r->loop, r->held.sock, POLLIN, on_message, r);

        if (k == 0)
                k = r->plan->ids.own ? loop_watch(&r->loop, r->held.builder.pidfd, POLLIN, on_exit_of_builder, r)
                                     : loop_watch(&r->loop, r->held.guest.pidfd, POLLIN, on_exit_of_guest, r);
        k = k < 0 ? k : loop_watch(&r->loop, r->held.signals, POLLIN, on_signal, r);
        k = k < 0 ? k : loop_timer(&r->loop, START_TIMEOUT_MS, start_timeout, r);
        return k < 0 ? err_set(e, ERR_BUG, -k, "the event loop is full") : 0;
}

static void write_log(void *data, const char *s, size_t n) {
        host_log_write(data, s, n);
        host_lines_write(data, s, n);
}

int host_supervise(struct run *r, struct err *e) {
        bool detached = r->plan->console.detached;
        const struct console_want want = { .mode = detached ? CONSOLE_READ_ONLY : r->plan->console.mode,
                                           .background = r->plan->console.background,
                                           .on_key = on_key,
                                           .write = detached ? write_log : NULL,
                                           .data = r,
                                           .give_up = r->held.signals,
                                           .gives_up = is_asked_to_end };
        char signal[16];
        int k;

        loop_init(&r->loop);
        r->life = LIFE_STARTING;
        r->console_attached = r->told_ready = r->announced = r->locked = r->went = r->insisted = false;
        k = r->console ? console_take(r->console, &want, e) : 0;
        k = k < 0 ? k : watch_start(r, e);
        k = k < 0 || r->held.notify < 0 ? k : host_notify_watch(r, e);
        k = k < 0 ? k : host_unit_watch(r, e);
        k = k < 0 ? k : host_unit_ask(r, e);
        k = k < 0 ? k : host_let_go(r, e);
        k = k < 0 ? k : host_control_watch(r, e);
        k = k < 0 ? k : host_caller_watch(r, e);
        k = k < 0 ? k : host_service_watch(r, e);
        k = k < 0 ? k : host_forward_watch(r, e);
        k = k < 0 ? k : loop_run(&r->loop, e);
        if (r->console)
                console_drop(r->console);
        if (k >= 0 && r->ended_by)
                dprintf(STDERR_FILENO, "berth: %s was ended by the signal %s\n", r->plan->machine,
                        parse_signal_name(r->ended_by, signal));
        if (r->console && r->console->out_error && r->console->out_error != EPIPE) {
                dprintf(STDERR_FILENO, "berth: output was lost: %s\n", errno_text(r->console->out_error));
                r->status = r->status ? r->status : EXIT_FAILURE;
        }
        return k;
}
