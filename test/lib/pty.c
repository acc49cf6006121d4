/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pty [-s ROWSxCOLS] [-t SECONDS] [-r FILE] [STEP]... -- COMMAND...
 *
 * Runs a command on a terminal of its own and plays the user. What the command prints goes to stdout as it comes.
 * Steps are done in order; each text may hold \r \n \t \e \\ and \xHH:
 *
 *   expect=TEXT   wait until TEXT was printed after the last match
 *   send=TEXT     type it
 *   size=RxC      resize the window
 *   signal=NAME   send a signal to the command (TERM, INT, HUP, QUIT, KILL, USR1, WINCH, CONT)
 *   sleep=MS      wait
 *   close=        hang up: close the master
 *
 * Exits like the command (128+n for a signal), or with 124 when a step or the command took too long. -r writes
 * "termios=same|changed", "flags=same|changed", "status=N" and "left=N" (bytes typed that nobody read). */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { SEEN_MAX = 1 << 20 };

struct terminal {
        int master, slave;
        pid_t command;
        int status;
        bool ended, closed;
        struct termios before;
        int flags_before;
        double deadline;
        char *seen;
        size_t n_seen, matched;
};

static void die(const char *what) {
        fprintf(stderr, "pty: %s: %s\n", what, strerror(errno));
        exit(125);
}

static double now(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static int hex(char c) {
        return c >= '0' && c <= '9'   ? c - '0'
               : c >= 'a' && c <= 'f' ? c - 'a' + 10
               : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                      : -1;
}

/* In place; returns the length, since \x00 is allowed. */
static size_t unescape(char *s) {
        static const char letters[] = "rnte\\", bytes[] = "\r\n\t\033\\";
        size_t n = 0;

        for (char *c = s; *c; c++) {
                const char *known;

                if (*c != '\\') {
                        s[n++] = *c;
                } else if (c[1] == 'x' && hex(c[2]) >= 0 && hex(c[3]) >= 0) {
                        s[n++] = (char) (hex(c[2]) << 4 | hex(c[3]));
                        c += 3;
                } else if (c[1] && (known = strchr(letters, c[1]))) {
                        s[n++] = bytes[known - letters];
                        c++;
                } else {
                        s[n++] = *c;
                }
        }
        s[n] = '\0';
        return n;
}

static void set_size(int fd, const char *text) {
        struct winsize w = { 0 };

        if (sscanf(text, "%hux%hu", &w.ws_row, &w.ws_col) != 2 || ioctl(fd, TIOCSWINSZ, &w) < 0)
                die("cannot set the window size");
}

static int signal_number(const char *name) {
        static const struct {
                const char *name;
                int number;
        } known[] = {
                { "TERM", SIGTERM }, { "INT", SIGINT },   { "HUP", SIGHUP },     { "QUIT", SIGQUIT },
                { "KILL", SIGKILL }, { "USR1", SIGUSR1 }, { "WINCH", SIGWINCH }, { "CONT", SIGCONT },
        };

        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
                if (!strcmp(known[i].name, name))
                        return known[i].number;
        fprintf(stderr, "pty: signal %s is not known\n", name);
        exit(125);
}

static void note_end(struct terminal *t, int options) {
        if (!t->ended && waitpid(t->command, &t->status, options) == t->command)
                t->ended = true;
}

/* One read of what the command printed, or nothing after at most ms. Returns false at end of file. */
static bool take_output(struct terminal *t, int ms) {
        struct pollfd p = { .fd = t->master, .events = POLLIN };
        char buf[4096];
        ssize_t n;

        if (t->closed)
                return false;
        if (poll(&p, 1, ms) <= 0)
                return true;
        n = read(t->master, buf, sizeof buf);
        if (n <= 0)
                return false;
        if (t->n_seen + (size_t) n >= SEEN_MAX) {
                t->n_seen = 0;
                t->matched = 0;
        }
        memcpy(t->seen + t->n_seen, buf, (size_t) n);
        t->n_seen += (size_t) n;
        return fwrite(buf, 1, (size_t) n, stdout) == (size_t) n && fflush(stdout) == 0;
}

static void give_up(struct terminal *t, const char *why) {
        fprintf(stderr, "\npty: %s\n", why);
        kill(t->command, SIGTERM);
        for (int i = 0; i < 100 && !t->ended; i++) {
                (void) take_output(t, 20);
                note_end(t, WNOHANG);
        }
        kill(t->command, SIGKILL);
        exit(124);
}

static void step_expect(struct terminal *t, char *text) {
        size_t n = unescape(text);

        for (;;) {
                char *hit = memmem(t->seen + t->matched, t->n_seen - t->matched, text, n);

                if (hit) {
                        t->matched = (size_t) (hit - t->seen) + n;
                        return;
                }
                note_end(t, WNOHANG);
                if (t->ended) {
                        /* What it printed last is still to be read. */
                        if (take_output(t, 0) && memmem(t->seen + t->matched, t->n_seen - t->matched, text, n))
                                continue;
                        fprintf(stderr, "\npty: the command ended while waiting for '%s'\n", text);
                        exit(124);
                }
                if (now() > t->deadline || !take_output(t, 50))
                        give_up(t, text);
        }
}

static void step_send(struct terminal *t, char *text) {
        size_t n = unescape(text);

        for (size_t done = 0; done < n;) {
                ssize_t k = write(t->master, text + done, n - done);

                if (k < 0 && errno != EINTR && errno != EAGAIN)
                        die("cannot type");
                if (k > 0)
                        done += (size_t) k;
        }
}

static void step_sleep(struct terminal *t, char *text) {
        double until = now() + atof(text) / 1000;

        while (now() < until && take_output(t, 10))
                ;
}

static void step_size(struct terminal *t, char *text) {
        set_size(t->master, text);
}

static void step_signal(struct terminal *t, char *text) {
        kill(t->command, signal_number(text));
}

static void step_close(struct terminal *t, char *text) {
        (void) text;
        close(t->slave);
        close(t->master);
        t->closed = true;
}

static const struct {
        const char *name;
        void (*run)(struct terminal *t, char *text);
} steps[] = {
        { "expect=", step_expect }, { "send=", step_send },   { "size=", step_size },
        { "signal=", step_signal }, { "sleep=", step_sleep }, { "close=", step_close },
};

static void run_step(struct terminal *t, char *step) {
        for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
                if (!strncmp(step, steps[i].name, strlen(steps[i].name))) {
                        steps[i].run(t, step + strlen(steps[i].name));
                        return;
                }
        fprintf(stderr, "pty: %s is no step\n", step);
        exit(125);
}

/* The slave stays open here: so the settings can be compared when the command is gone. */
static void start(struct terminal *t, const char *size, char **argv) {
        t->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (t->master < 0 || grantpt(t->master) < 0 || unlockpt(t->master) < 0)
                die("cannot make a terminal");
        t->slave = open(ptsname(t->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (t->slave < 0)
                die("cannot open the terminal");
        set_size(t->master, size);
        if (tcgetattr(t->slave, &t->before) < 0)
                die("cannot read the terminal's settings");
        t->flags_before = fcntl(t->slave, F_GETFL);
        t->command = fork();
        if (t->command < 0)
                die("cannot fork");
        if (t->command == 0) {
                setsid();
                if (ioctl(t->slave, TIOCSCTTY, 0) < 0)
                        die("cannot take the terminal");
                for (int fd = 0; fd < 3; fd++)
                        dup2(t->slave, fd);
                execvp(argv[0], argv);
                die(argv[0]);
        }
}

static bool same_termios(const struct termios *a, const struct termios *b) {
        return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag && a->c_cflag == b->c_cflag &&
               a->c_lflag == b->c_lflag && !memcmp(a->c_cc, b->c_cc, sizeof a->c_cc);
}

static void report(const struct terminal *t, const char *path, int status) {
        struct termios after;
        int left = 0;
        FILE *f = fopen(path, "we");

        if (!f)
                die(path);
        if (!t->closed && tcgetattr(t->slave, &after) == 0) {
                fprintf(f, "termios=%s\n", same_termios(&t->before, &after) ? "same" : "changed");
                fprintf(f, "flags=%s\n", fcntl(t->slave, F_GETFL) == t->flags_before ? "same" : "changed");
                if (ioctl(t->slave, FIONREAD, &left) == 0)
                        fprintf(f, "left=%d\n", left);
        }
        fprintf(f, "status=%d\n", status);
        fclose(f);
}

static int finish(struct terminal *t, const char *report_path) {
        int status;

        for (note_end(t, WNOHANG); !t->ended; note_end(t, WNOHANG)) {
                if (now() > t->deadline)
                        give_up(t, "the command takes too long");
                if (!take_output(t, 20))
                        usleep(20000);
        }
        for (size_t before = t->n_seen + 1; !t->closed && before != t->n_seen;) {
                before = t->n_seen;
                (void) take_output(t, 20);
        }
        status = WIFEXITED(t->status) ? WEXITSTATUS(t->status) : 128 + WTERMSIG(t->status);
        if (report_path)
                report(t, report_path, status);
        return status;
}

int main(int argc, char **argv) {
        const char *size = "24x80", *report_path = NULL;
        double seconds = 20;
        struct terminal t = { .seen = malloc(SEEN_MAX) };
        int c, end;

        while ((c = getopt(argc, argv, "+s:t:r:")) != -1) {
                if (c == 's')
                        size = optarg;
                else if (c == 't')
                        seconds = atof(optarg);
                else if (c == 'r')
                        report_path = optarg;
                else
                        return 125;
        }
        for (end = optind; end < argc && strcmp(argv[end], "--"); end++)
                ;
        /* getopt() swallows the "--" when no step stands before it. */
        if (end == argc && optind > 1 && !strcmp(argv[optind - 1], "--"))
                end = optind - 1;
        if (end + 1 >= argc || !t.seen) {
                fprintf(stderr, "usage: pty [-s RxC] [-t SECONDS] [-r FILE] [STEP]... -- COMMAND...\n");
                return 125;
        }
        signal(SIGPIPE, SIG_IGN);
        t.deadline = now() + seconds;
        start(&t, size, argv + end + 1);
        for (int i = optind; i < end; i++)
                run_step(&t, argv[i]);
        return finish(&t, report_path);
}
