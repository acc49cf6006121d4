/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "unit/test-console-rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

int64_t now_ms(void) {
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void nap(int ms) {
        usleep((unsigned) ms * 1000);
}

void write_all(int fd, const void *p, size_t n) {
        const char *s = p;

        while (n > 0) {
                ssize_t r = write(fd, s, n);

                if (r < 0 && errno != EINTR)
                        _exit(77);
                s += r > 0 ? r : 0;
                n -= r > 0 ? (size_t) r : 0;
        }
}

static void say(const char *s) {
        write_all(1, s, strlen(s));
}

/* Bytes that repeat late and have no simple structure. */
unsigned char pattern(size_t i) {
        return (unsigned char) (i * 131 + (i >> 8) * 7 + (i >> 16));
}

/* ---- payloads: on the container's side of the inner terminal ---- */

static void raw_terminal(void) {
        struct termios t;

        tcgetattr(0, &t);
        cfmakeraw(&t);
        tcsetattr(0, TCSADRAIN, &t);
}

static void canonical_silent(void) {
        struct termios t;

        tcgetattr(0, &t);
        t.c_lflag |= ICANON;
        t.c_lflag &= ~(tcflag_t) ECHO;
        tcsetattr(0, TCSADRAIN, &t);
}

void pl_hello(void) {
        raw_terminal();
        say("hello\n");
}

void pl_wait(void) {
        raw_terminal();
        say("ready\n");
        for (;;)
                pause();
}

/* Tell each byte as a number, until q. */
void pl_bytes(void) {
        char c, text[8];

        raw_terminal();
        say("ready\n");
        while (read(0, &c, 1) == 1 && c != 'q') {
                snprintf(text, sizeof text, "<%d>", (unsigned char) c);
                say(text);
        }
        say("end\n");
}

void pl_big(void) {
        static unsigned char buf[BIG];

        raw_terminal();
        for (size_t i = 0; i < BIG; i++)
                buf[i] = pattern(i);
        write_all(1, buf, BIG);
}

void pl_big_read(void) {
        unsigned char buf[65536];
        size_t i = 0, bad = 0;
        ssize_t n;

        raw_terminal();
        say("ready\n");
        while (i < BIG && (n = read(0, buf, sizeof buf)) > 0)
                for (ssize_t k = 0; k < n && i < BIG; k++) /* the end of input comes behind it as a byte of its own */
                        bad += buf[k] != pattern(i++);
        snprintf((char *) buf, sizeof buf, "%zu bytes, %zu bad\n", i, bad);
        say(i == BIG && bad == 0 ? "good\n" : (char *) buf);
}

static void cat(int delay) {
        char buf[256], text[300];
        ssize_t n;

        canonical_silent();
        say("ready\n");
        do {
                nap(delay);
                n = read(0, buf, sizeof buf);
                snprintf(text, sizeof text, "[%.*s]", n > 0 ? (int) n : 0, buf);
                say(text);
        } while (n > 0);
        say("end\n");
}

void pl_cat(void) {
        cat(0);
}

void pl_slow_cat(void) {
        cat(120);
}

/* Reads late, without canonical mode: input and its end must not come as one. */
void pl_late(void) {
        char buf[64], text[16];

        raw_terminal();
        say("ready\r\n");
        for (int i = 0; i < 2; i++) {
                nap(200);
                snprintf(text, sizeof text, "[%zd]", read(0, buf, sizeof buf));
                say(text);
        }
        say("end\r\n");
}

/* A shell with a line editor: raw at its prompt, canonical while a command runs. */
void pl_shell(void) {
        char c;
        bool end = false;

        canonical_silent();
        nap(100);
        while (!end) {
                raw_terminal();
                say("$");
                while (!end && read(0, &c, 1) == 1 && c != '\n' && c != '\r') {
                        end = c == 4;
                        if (c) /* an end of file that came too early */
                                write_all(1, c == 4 ? "D" : &c, 1);
                }
                canonical_silent();
                nap(50);
        }
        say("end\n");
}

void pl_modes(void) {
        raw_terminal();
        say("\033[?1049h\033[?1000;1006h\033]0;evil\a\033[31mready\n");
        for (;;)
                pause();
}

void pl_tidy(void) {
        raw_terminal();
        say("\033[?1049h\033[?1000h\033[31mx\033[0m\033[?1000l\033[?1049l");
}

void pl_colours(void) {
        raw_terminal();
        say("a\033[31mb\033[0mc\033[6n\033]0;t\a\033[?1000hd\n");
}

void pl_size(void) {
        struct winsize w;
        char text[32];
        char c;

        raw_terminal();
        /* A real payload is held back until the launcher has the terminal; this one has started with it. */
        for (int i = 0; i < 500 && ioctl(0, TIOCGWINSZ, &w) == 0 && w.ws_col == 0; i++)
                usleep(10 * 1000);
        for (;;) {
                ioctl(0, TIOCGWINSZ, &w);
                snprintf(text, sizeof text, "%ux%u\n", w.ws_col, w.ws_row);
                say(text);
                if (read(0, &c, 1) != 1 || c == 'q')
                        return;
        }
}

/* Nobody has the terminal for a while, as between two logins. */
void pl_reopen(void) {
        char name[64];

        raw_terminal();
        signal(SIGHUP, SIG_IGN);
        snprintf(name, sizeof name, "%s", ttyname(0));
        for (int i = 0; i < 3; i++) {
                say("first\n");
                close(0), close(1), close(2);
                nap(150);
                if (open(name, O_RDWR | O_NOCTTY) != 0 || dup(0) != 1 || dup(0) != 2)
                        _exit(66);
                say("again\n");
        }
}

void pl_vhangup(void) {
        char name[64];

        raw_terminal();
        signal(SIGHUP, SIG_IGN);
        snprintf(name, sizeof name, "%s", ttyname(0));
        say("first\n");
        nap(100); /* what is still on its way is lost by a hang-up */
        if (vhangup() < 0)
                _exit(65);
        close(0), close(1), close(2);
        nap(900); /* it is watched meanwhile */
        if (open(name, O_RDWR | O_NOCTTY) != 0 || dup(0) != 1)
                _exit(66);
        raw_terminal();
        say("again\n");
}

void pl_lines(void) {
        char line[32];

        raw_terminal();
        for (int i = 0; i < 20000; i++) {
                snprintf(line, sizeof line, "line %d\n", i);
                say(line);
        }
}

/* The same, and the end only when it is told to: SIGTERM, which whoever starts this has blocked. */
void pl_lines_until_term(void) {
        sigset_t set;
        int sig;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        pl_lines();
        sigwait(&set, &sig);
}

/* ---- process P ---- */

struct p_state {
        struct console console;
        struct loop loop;
        struct result *result;
        int pidfd, wake;
};

static int p_on_key(void *data, enum console_key key, struct err *e) {
        struct p_state *s = data;

        if (s->result->n_keys < 8)
                s->result->keys[s->result->n_keys++] = (int) key;
        return 0;
}

static int p_on_exit(void *data, short revents, struct err *e) {
        return 1;
}

/* r: resize; s: settings, flags and wake-ups so far are looked at; e: end */
static int p_on_wake(void *data, short revents, struct err *e) {
        struct p_state *s = data;
        struct termios t;
        struct rusage u;
        char c = 0;

        if (read(s->wake, &c, 1) != 1 || c == 'e')
                return 2;
        if (c == 'r')
                console_resize(&s->console);
        if (c == 's') {
                s->result->raw = tcgetattr(0, &t) == 0 && !(t.c_lflag & ICANON);
                s->result->flags_in = fcntl(0, F_GETFL);
                s->result->flags_out = fcntl(1, F_GETFL);
                getrusage(RUSAGE_SELF, &u);
                s->result->switches = u.ru_nvcsw;
                s->result->cpu_ms = (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
                                    (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
        }
        return 0;
}

static pid_t p_payload(void (*fn)(void), int *ret_master) {
        int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;
        pid_t pid;

        if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
                _exit(88);
        slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
        pid = fork();
        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                setsid();
                ioctl(slave, TIOCSCTTY, 0);
                dup2(slave, 0), dup2(slave, 1), dup2(slave, 2);
                syscall(SYS_close_range, 3, ~0u, 0);
                signal(SIGPIPE, SIG_DFL);
                fn();
                _exit(0);
        }
        close(slave);
        *ret_master = master;
        return pid;
}

/* One payload on the console, from its start to its end. Returns its exit status. */
static int p_round(struct p_state *s, const struct setup *setup, pid_t *ret_payload) {
        struct console_want want = {
                .mode = setup->mode,
                .background = setup->background,
                .on_key = p_on_key,
                .hold_keys = setup->hold,
                .data = s,
                .give_up = setup->give_up ? s->wake : 0,
        };
        struct err e = { 0 };
        int master, status = 0;

        loop_init(&s->loop);
        if (console_take(&s->console, &want, &e) < 0)
                return 80;
        console_drop(&s->console); /* nothing was changed yet: nothing happens */
        *ret_payload = p_payload(setup->payload, &master);
        s->pidfd = (int) syscall(SYS_pidfd_open, *ret_payload, 0);
        if (console_attach(&s->console, &s->loop, master, &e) < 0)
                return 81;
        loop_watch(&s->loop, s->pidfd, POLLIN, p_on_exit, s);
        loop_watch(&s->loop, s->wake, POLLIN, p_on_wake, s);
        s->result->end = loop_run(&s->loop, &e);
        if (s->result->end == 1)
                console_drain(&s->console, &e);
        s->result->out_error = s->console.out_error;
        console_drop(&s->console);
        console_drop(&s->console);
        waitpid(*ret_payload, &status, s->result->end == 1 ? 0 : WNOHANG);
        close(s->pidfd);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

static int p_main(const struct setup *setup, struct result *result, pid_t *ret_payload, int wake) {
        static struct p_state state;
        int r;

        state.result = result;
        state.wake = wake;
        console_drop(&state.console); /* before anything was taken */
        r = p_round(&state, setup, ret_payload);
        return r == 0 && setup->twice ? p_round(&state, setup, ret_payload) : r;
}

/* ---- the user's side ---- */

void rig_start(struct rig *r, const struct setup *s) {
        struct termios t;
        int wake[2];

        r->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        grantpt(r->master), unlockpt(r->master);
        r->slave = open(ptsname(r->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
        /* Settings that nobody has by chance. */
        tcgetattr(r->slave, &t);
        t.c_iflag ^= IXANY | IUTF8;
        t.c_cc[VEOF] = 7;
        t.c_cc[VKILL] = 11;
        t.c_oflag &= ~(tcflag_t) OPOST; /* so that what is read here is what was written */
        t.c_lflag &= ~(tcflag_t) ECHO;
        tcsetattr(r->slave, TCSANOW, &t);
        ioctl(r->slave, TIOCSWINSZ, &(struct winsize){ .ws_row = 33, .ws_col = 101 });
        r->result = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        r->payload = (pid_t *) (r->result + 1);
        if (pipe2(wake, O_CLOEXEC) < 0)
                exit(99);
        r->wake = wake[1];
        fflush(stdout);
        r->p = fork();
        if (r->p == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                setsid();
                ioctl(r->slave, TIOCSCTTY, 0);
                dup2(s->in >= 0 ? s->in : r->slave, 0);
                dup2(s->out >= 0 ? s->out : r->slave, 1);
                dup2(wake[0], 9);
                syscall(SYS_close_range, 3, 8, 0), syscall(SYS_close_range, 10, ~0u, 0);
                _exit(p_main(s, r->result, r->payload, 9));
        }
        close(wake[0]);
}

void rig_wake(struct rig *r, char c) {
        (void) !write(r->wake, &c, 1);
        nap(30);
}

/* Read until text comes, or no more. Returns what came. */
const char *read_until(int fd, const char *text) {
        static char buf[65536];
        int64_t end = now_ms() + PATIENCE_MS;
        size_t n = 0;

        buf[0] = '\0';
        while (n < sizeof buf - 1 && now_ms() < end && (!text || !strstr(buf, text))) {
                struct pollfd p = { .fd = fd, .events = POLLIN };
                ssize_t k;

                if (poll(&p, 1, 50) <= 0) {
                        if (!text)
                                break;
                        continue;
                }
                k = read(fd, buf + n, sizeof buf - 1 - n);
                if (k <= 0)
                        break;
                n += (size_t) k;
                buf[n] = '\0';
        }
        return buf;
}

bool rig_has_ended(const struct rig *r) {
        siginfo_t info = { .si_pid = 0 };

        return waitid(P_PID, (id_t) r->p, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == r->p;
}

/* P's end: its exit status, -signal, or -99 where it does not come. */
int rig_end(struct rig *r) {
        int status, code = -99;
        int64_t end = now_ms() + PATIENCE_MS;

        while (code == -99 && now_ms() < end) {
                pid_t pid = waitpid(r->p, &status, WNOHANG);

                if (pid == r->p)
                        code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
                else
                        nap(2);
        }
        if (code == -99) {
                kill(r->p, SIGKILL);
                waitpid(r->p, NULL, 0);
        }
        if (*r->payload > 0)
                kill(*r->payload, SIGKILL);
        return code;
}

void rig_close(struct rig *r) {
        close(r->master), close(r->slave), close(r->wake);
        munmap(r->result, 4096);
}
