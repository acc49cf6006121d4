/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The console between two pseudo terminals, or pipes: this program plays the user in front, a process P of its own
 * runs the console as the launcher does, and a payload sits behind. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clean.h"
#include "unit/tap.h"
#include "unit/test-console-rig.h"

/* To be compared as a whole, padding included. */
static void get_settings(int fd, struct termios *ret) {
        memset(ret, 0, sizeof *ret);
        tcgetattr(fd, ret);
}

static bool same_settings(int fd, const struct termios *before) {
        struct termios now;

        get_settings(fd, &now);
        return memcmp(&now, before, sizeof now) == 0;
}

static void test_terminal(struct tap *t) {
        struct rig r;
        struct termios before;

        rig_start(&r, &(struct setup){ CONSOLE_INTERACTIVE, .payload = pl_bytes, .in = -1, .out = -1 });
        get_settings(r.slave, &before);
        OK(t, strstr(read_until(r.master, "ready\n"), "ready\n"), "interactive: output comes");
        rig_wake(&r, 's');
        OK(t, r.result->raw, "raw");
        write_all(r.master, "a\003\032\004\r\n", 6);
        OK_STR(t, read_until(r.master, "<10>"), "<97><3><26><4><13><10>", "input comes, control characters too");
        write_all(r.master, "q", 1);
        OK_STR(t, read_until(r.master, "end\n"), "end\n", "to the end");
        OK_INT(t, rig_end(&r), 0, "and ends with the payload");
        get_settings(r.slave, &before);
        OK(t,
           (before.c_lflag & ICANON) && before.c_cc[VEOF] == 7 && before.c_cc[VKILL] == 11 && (before.c_iflag & IXANY),
           "the terminal is as it was");
        OK_STR(t, read_until(r.master, NULL), "", "nothing of ours was written");
        rig_close(&r);
}

/* Settings before and after, byte by byte, for ways out that are no way out of main(). */
static void test_restore(struct tap *t) {
        static const struct {
                const char *what;
                char wake;
                bool kill_payload;
        } cases[] = {
                { "the payload is killed", 0, true },
                { "the loop is ended", 'e', false },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct termios before;
                struct rig r;
                int master = posix_openpt(O_RDWR | O_NOCTTY), slave;

                grantpt(master), unlockpt(master);
                slave = open(ptsname(master), O_RDWR | O_NOCTTY);
                get_settings(slave, &before);
                rig_start(&r, &(struct setup){ CONSOLE_INTERACTIVE, .payload = pl_wait, .in = slave, .out = slave });
                read_until(master, "ready");
                OK(t, !same_settings(slave, &before), "%s: changed", cases[i].what);
                if (cases[i].wake)
                        rig_wake(&r, cases[i].wake);
                if (cases[i].kill_payload)
                        kill(*r.payload, SIGKILL);
                OK_INT(t, rig_end(&r), 0, "%s: ended", cases[i].what);
                OK(t, same_settings(slave, &before), "%s: restored exactly", cases[i].what);
                rig_close(&r);
                close(master), close(slave);
        }
}

static void test_twice(struct tap *t) {
        struct rig r;
        struct termios before;

        rig_start(&r, &(struct setup){ CONSOLE_INTERACTIVE, .payload = pl_hello, .in = -1, .out = -1, .twice = true });
        OK_STR(t, read_until(r.master, "hello\nhello\n"), "hello\nhello\n", "one payload after the other");
        OK_INT(t, rig_end(&r), 0, "end");
        get_settings(r.slave, &before);
        OK(t, before.c_lflag & ICANON, "restored");
        rig_close(&r);
}

static void test_read_only(struct tap *t) {
        struct rig r;
        struct termios before, now;

        rig_start(&r, &(struct setup){ CONSOLE_READ_ONLY, .payload = pl_bytes, .in = -1, .out = -1 });
        read_until(r.master, "ready\n");
        get_settings(r.slave, &before);
        write_all(r.master, "abc", 3);
        OK_STR(t, read_until(r.master, NULL), "", "read-only: no input");
        get_settings(r.slave, &now);
        OK(t, (now.c_lflag & ICANON) && memcmp(&now, &before, sizeof now) == 0,
           "read-only: the terminal keeps its settings");
        rig_wake(&r, 'e');
        OK_INT(t, rig_end(&r), 0, "read-only: ends");
        rig_close(&r);
        rig_start(&r, &(struct setup){ CONSOLE_READ_ONLY, .payload = pl_colours, .in = -1, .out = -1 });
        OK_STR(t, read_until(r.master, "d\n"), "a\033[31mb\033[0mcd\n",
               "read-only: a terminal gets text and colours only");
        rig_end(&r);
        rig_close(&r);
}

static void press(struct rig *r, const char *keys, int delay) {
        for (; *keys; keys++) {
                write_all(r->master, keys, 1);
                nap(delay);
        }
}

static void test_keys(struct tap *t) {
        static const struct {
                const char *keys;
                int delay, n, key;
        } cases[] = {
                { "\x1d\x1d\x1d", 30, 1, CONSOLE_KEY_KILL },
                { "\x1d\x1d\x1d", 0, 1, CONSOLE_KEY_KILL },
                { "\x1d\x1d\x1d", 600, 0, 0 },
                { "\x1d\x1d"
                  "r",
                  30, 1, CONSOLE_KEY_REBOOT },
                { "\x1d\x1d"
                  "p",
                  30, 1, CONSOLE_KEY_POWEROFF },
                { "\x1d\x1d"
                  "r",
                  600, 0, 0 },
                { "\x1d\x1dx\x1d", 30, 0, 0 },
                { "\x1dr\x1dp", 30, 0, 0 },
                { "rp\x1d\x1dx", 30, 0, 0 },
                { "\x1d\x1d\x1d\x1d\x1d", 30, 1, CONSOLE_KEY_KILL },
                { "\x1d\x1d\x1d\x1d\x1d\x1d", 30, 2, CONSOLE_KEY_KILL },
                { "\x1d\x1d\x1dr", 30, 1, CONSOLE_KEY_KILL },
        };
        struct rig r;

        rig_start(&r, &(struct setup){ CONSOLE_INTERACTIVE, .payload = pl_bytes, .in = -1, .out = -1 });
        read_until(r.master, "ready\n");
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                char want[128] = "";

                r.result->n_keys = 0;
                press(&r, cases[i].keys, cases[i].delay);
                for (const char *k = cases[i].keys; *k; k++)
                        sprintf(want + strlen(want), "<%d>", *k);
                OK_STR(t, read_until(r.master, want), want, "hot key case %zu: the bytes reach the payload", i);
                OK_INT(t, r.result->n_keys, cases[i].n, "hot key case %zu: number", i);
                if (cases[i].n > 0)
                        OK_INT(t, r.result->keys[0], cases[i].key, "hot key case %zu: which", i);
                press(&r, "x", 0); /* whatever is left of a sequence ends with another key */
                read_until(r.master, "<120>");
        }
        press(&r, "q", 0);
        OK_INT(t, rig_end(&r), 0, "end");
        rig_close(&r);
}

/* As in a client that is attached: nothing of a hot key gets to the payload, and of what is none, nothing is lost. */
static void test_held_keys(struct tap *t) {
        static const struct {
                const char *keys, *want;
                int n, key;
        } cases[] = {
                { "\x1d\x1d"
                  "d",
                  "", 1, CONSOLE_KEY_DETACH },
                { "\x1d\x1d\x1d", "", 1, CONSOLE_KEY_KILL },
                { "\x1d\x1d"
                  "p",
                  "", 1, CONSOLE_KEY_POWEROFF },
                { "\x1d\x1d"
                  "rd",
                  "<100>", 1, CONSOLE_KEY_REBOOT },
                { "\x1dx", "<29><120>", 0, 0 },
                { "\x1d\x1dx", "<29><29><120>", 0, 0 },
                { "\x1d"
                  "d\x1d"
                  "d",
                  "<29><100><29><100>", 0, 0 },
                { "abc\x1d\x1d"
                  "d",
                  "<97><98><99>", 1, CONSOLE_KEY_DETACH },
        };
        struct rig r;

        rig_start(&r, &(struct setup){ CONSOLE_INTERACTIVE, .payload = pl_bytes, .in = -1, .out = -1, .hold = true });
        read_until(r.master, "ready\n");
        for (size_t i = 0; i < 2 * ELEMENTS(cases); i++) {
                size_t c = i / 2;
                char want[128];

                r.result->n_keys = 0;
                /* At once, and one by one. */
                if (i % 2)
                        press(&r, cases[c].keys, 20);
                else
                        write_all(r.master, cases[c].keys, strlen(cases[c].keys));
                press(&r, "y", 0);
                snprintf(want, sizeof want, "%s<121>", cases[c].want);
                OK_STR(t, read_until(r.master, "<121>"), want, "held key case %zu: what reaches the payload", i);
                OK_INT(t, r.result->n_keys, cases[c].n, "held key case %zu: number", i);
                if (cases[c].n > 0)
                        OK_INT(t, r.result->keys[0], cases[c].key, "held key case %zu: which", i);
        }
        press(&r, "\x1d", 0);
        OK_STR(t, read_until(r.master, "<29>"), "<29>", "one that nothing follows is not kept for ever");
        press(&r, "q", 0);
        OK_INT(t, rig_end(&r), 0, "end");
        rig_close(&r);
}

static size_t count_pattern(int fd, size_t limit) {
        unsigned char buf[65536];
        size_t i = 0;
        ssize_t n;

        while (i < limit && (n = read(fd, buf, sizeof buf)) > 0)
                for (ssize_t k = 0; k < n; k++)
                        if (buf[k] != pattern(i++))
                                return i;
        return i;
}

static void test_big_output(struct tap *t) {
        int fds[2], file;
        char name[] = "/tmp/test-console-XXXXXX";
        struct rig r;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return;
        rig_start(&r, &(struct setup){ CONSOLE_INTERACTIVE, .payload = pl_big, .in = -1, .out = fds[1] });
        close(fds[1]);
        OK_INT(t, count_pattern(fds[0], BIG + 1), BIG, "10 MiB to a pipe");
        OK_INT(t, rig_end(&r), 0, "end");
        close(fds[0]);
        rig_close(&r);

        rig_start(&r, &(struct setup){ CONSOLE_INTERACTIVE, .payload = pl_big, .in = -1, .out = -1 });
        OK_INT(t, count_pattern(r.master, BIG), BIG, "10 MiB to a terminal");
        read_until(r.master, NULL);
        OK_INT(t, rig_end(&r), 0, "end");
        rig_close(&r);

        file = mkostemp(name, O_CLOEXEC | O_APPEND);
        (void) !write(file, "before", 6);
        rig_start(&r, &(struct setup){ CONSOLE_READ_ONLY, .payload = pl_big, .in = -1, .out = file });
        OK_INT(t, rig_end(&r), 0, "to a file");
        lseek(file, 6, SEEK_SET);
        OK_INT(t, count_pattern(file, BIG + 1), BIG, "10 MiB appended to a file");
        close(file);
        unlink(name);
        rig_close(&r);
}

static pid_t feed(int fd, size_t n) {
        pid_t pid;

        fflush(stdout);
        pid = fork();
        if (pid == 0) {
                unsigned char *buf = malloc(n);

                for (size_t i = 0; i < n; i++)
                        buf[i] = pattern(i);
                write_all(fd, buf, n);
                _exit(0);
        }
        return pid;
}

static void test_big_input(struct tap *t) {
        int fds[2];
        struct rig r;
        pid_t feeder;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return;
        rig_start(&r, &(struct setup){ CONSOLE_INTERACTIVE, .payload = pl_big_read, .in = fds[0], .out = -1 });
        close(fds[0]);
        read_until(r.master, "ready\n");
        feeder = feed(fds[1], BIG);
        close(fds[1]);
        OK_STR(t, read_until(r.master, "d\n"), "good\n", "10 MiB of input, hot keys in it and all");
        OK_INT(t, rig_end(&r), 0, "end");
        OK_INT(t, r.result->n_keys, 0, "a pipe has no hot keys");
        waitpid(feeder, NULL, 0);
        rig_close(&r);
}

/* Input that comes from a pipe and ends: what the payload makes of it, whose echo may come before. */
static void check_eof(struct tap *t, void (*payload)(void), const char *input, const char *want, const char *what) {
        int fds[2];
        struct rig r;
        const char *got;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return;
        write_all(fds[1], input, strlen(input));
        close(fds[1]);
        rig_start(&r, &(struct setup){ CONSOLE_INTERACTIVE, .payload = payload, .in = fds[0], .out = -1 });
        close(fds[0]);
        got = read_until(r.master, want);
        if (!OK(t, strstr(got, want), "end of input: %s", what))
                printf("# got %s\n", got);
        OK_INT(t, rig_end(&r), 0, "and the payload ends");
        rig_close(&r);
}

static void test_eof(struct tap *t) {
        static const char input[] = "from a file";
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC), file = memfd_create("input", MFD_CLOEXEC);
        struct rig r;

        check_eof(t, pl_cat, "", "ready\r\n[]end", "nothing at all");
        check_eof(t, pl_cat, "one\n", "[one\r\n][]end", "a line");
        check_eof(t, pl_cat, "one", "[one][]end", "half a line");
        check_eof(t, pl_slow_cat, "one\ntwo\nthree", "[one\r\n][two\r\n][three][]end", "a slow reader");
        check_eof(t, pl_late, "abc\n", "[4][1]end", "behind what was not read yet");
        check_eof(t, pl_shell, "", "$Dend", "a line editor");
        check_eof(t, pl_shell, "ls\n", "$ls$Dend", "a line editor that gets a command first");
        rig_start(&r, &(struct setup){ CONSOLE_INTERACTIVE, .payload = pl_cat, .in = null, .out = -1 });
        OK(t, strstr(read_until(r.master, "end\r\n"), "[]end"), "end of input: /dev/null");
        OK_INT(t, rig_end(&r), 0, "and the payload ends");
        rig_close(&r);
        close(null);
        write_all(file, input, sizeof input - 1);
        lseek(file, 5, SEEK_SET);
        rig_start(&r, &(struct setup){ CONSOLE_INTERACTIVE, .payload = pl_cat, .in = file, .out = -1 });
        OK(t, strstr(read_until(r.master, "end\r\n"), "[a file][]end"), "end of input: a file, from where it stands");
        OK_INT(t, rig_end(&r), 0, "and the payload ends");
        rig_close(&r);
        close(file);
}

static void test_passive(struct tap *t) {
        int fds[2], n = 0;
        const char *got;
        struct rig r;
        sigset_t term, before;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return;
        sigemptyset(&term);
        sigaddset(&term, SIGTERM);
        sigprocmask(SIG_BLOCK, &term, &before);
        rig_start(&r, &(struct setup){ CONSOLE_PASSIVE, .payload = pl_lines_until_term, .in = -1, .out = fds[1] });
        close(fds[1]);
        sigprocmask(SIG_SETMASK, &before, NULL);
        while (*(volatile pid_t *) r.payload == 0)
                nap(1);
        OK(t, !poll(&(struct pollfd){ .fd = fds[0], .events = POLLIN }, 1, 100),
           "passive: nothing comes while it runs");
        kill(*r.payload, SIGTERM);
        OK_INT(t, rig_end(&r), 0, "passive: the payload does not wait for a reader");
        got = read_until(fds[0], "line 19999\n");
        OK(t, strlen(got) >= CONSOLE_BUFFER / 2 && strlen(got) <= CONSOLE_BUFFER,
           "passive: the end of the output: %zu bytes", strlen(got));
        OK(t, strstr(got, "line 19998\nline 19999\n"), "passive: to the last line");
        got = strchr(got, '\n');
        OK(t, got && sscanf(got + 1, "line %d\n", &n) == 1 && n > 18000, "passive: whole lines");
        close(fds[0]);
        rig_close(&r);

        rig_start(&r, &(struct setup){ CONSOLE_PASSIVE, .payload = pl_hello, .in = -1, .out = -1 });
        OK_STR(t, read_until(r.master, "hello\n"), "hello\n", "passive: little output comes whole");
        rig_end(&r);
        rig_close(&r);
}

static void test_modes(struct tap *t) {
        struct rig r;

        rig_start(&r, &(struct setup){ CONSOLE_INTERACTIVE, .payload = pl_modes, .in = -1, .out = -1 });
        read_until(r.master, "ready\n");
        kill(*r.payload, SIGKILL);
        OK_INT(t, rig_end(&r), 0, "a payload that leaves modes behind");
        OK_STR(t, read_until(r.master, NULL), "\033[?1049l\033[?1000l\033[?1006l\033]2;\033\\\033[0m",
               "they are taken back");
        rig_close(&r);
        rig_start(&r, &(struct setup){ CONSOLE_INTERACTIVE, .payload = pl_tidy, .in = -1, .out = -1 });
        OK_INT(t, rig_end(&r), 0, "a payload that tidies up");
        OK_STR(t, read_until(r.master, NULL), "\033[?1049h\033[?1000h\033[31mx\033[0m\033[?1000l\033[?1049l",
               "nothing is added");
        rig_close(&r);
        rig_start(&r, &(struct setup){ CONSOLE_INTERACTIVE, .background = "44", .payload = pl_colours, .in = -1,
                                       .out = -1 });
        OK_INT(t, rig_end(&r), 0, "a background");
        OK_STR(t, read_until(r.master, NULL),
               "\033[44ma\033[31mb\033[0m\033[44mc\033[6n\033]0;t\a\033[?1000hd\n\033[?1000l\033]2;\033\\\033[0m",
               "is kept up, and ends");
        rig_close(&r);
}

static void test_size(struct tap *t) {
        struct rig r;

        rig_start(&r, &(struct setup){ CONSOLE_INTERACTIVE, .payload = pl_size, .in = -1, .out = -1 });
        OK_STR(t, read_until(r.master, "\n"), "101x33\n", "size: from the start");
        ioctl(r.slave, TIOCSWINSZ, &(struct winsize){ .ws_row = 5, .ws_col = 6 });
        rig_wake(&r, 'r');
        write_all(r.master, "x", 1);
        OK_STR(t, read_until(r.master, "\n"), "6x5\n", "size: when it changes");
        write_all(r.master, "q", 1);
        OK_INT(t, rig_end(&r), 0, "end");
        rig_close(&r);
}

/* What of the wake-ups and the time of P is due to nothing happening. */
static void check_idle(struct tap *t, struct rig *r, const char *what) {
        long switches, cpu;

        rig_wake(r, 's');
        switches = r->result->switches;
        cpu = r->result->cpu_ms;
        nap(400);
        rig_wake(r, 's');
        OK(t, r->result->switches - switches <= 2, "%s: %ld wake-ups", what, r->result->switches - switches);
        OK(t, r->result->cpu_ms - cpu < 50, "%s: %ld ms of work", what, r->result->cpu_ms - cpu);
}

/* Until what was begun is done: on a busy machine that takes its time. What never rests is for check_idle() to tell.
 */
static void settle(struct rig *r) {
        long before = -10;

        for (int i = 0; i < 50; i++) {
                rig_wake(r, 's');
                if (r->result->switches - before <= 2)
                        return;
                before = r->result->switches;
                nap(200);
        }
}

static void test_idle(struct tap *t) {
        int fds[2], block[2];
        struct rig r;

        rig_start(&r, &(struct setup){ CONSOLE_INTERACTIVE, .payload = pl_wait, .in = -1, .out = -1 });
        read_until(r.master, "ready\n");
        check_idle(t, &r, "idle");
        rig_wake(&r, 'e');
        rig_end(&r);
        rig_close(&r);

        /* Nobody reads the output, and the payload does not read its input. */
        if (pipe2(fds, O_CLOEXEC) < 0 || pipe2(block, O_CLOEXEC) < 0)
                return;
        rig_start(&r, &(struct setup){ CONSOLE_INTERACTIVE, .payload = pl_big, .in = block[0], .out = fds[1] });
        close(fds[1]), close(block[0]);
        poll(&(struct pollfd){ .fd = fds[0], .events = POLLIN }, 1, PATIENCE_MS); /* no echo any more */
        fcntl(block[1], F_SETFL, O_NONBLOCK);
        for (int i = 0; i < 200; i++) {
                char junk[4096] = "junk";

                (void) !write(block[1], junk, sizeof junk);
        }
        settle(&r);
        check_idle(t, &r, "blocked on both sides");
        OK_INT(t, count_pattern(fds[0], BIG + 1), BIG, "and not a byte is lost");
        OK_INT(t, rig_end(&r), 0, "end");
        close(fds[0]), close(block[1]);
        rig_close(&r);
}

/* The end of output is broken: the payload goes on, and its end is seen. */
static void test_broken_output(struct tap *t) {
        int fds[2], full = open("/dev/full", O_WRONLY | O_CLOEXEC);
        char c[5];
        struct rig r;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return;
        rig_start(&r, &(struct setup){ CONSOLE_INTERACTIVE, .payload = pl_big, .in = -1, .out = fds[1] });
        close(fds[1]);
        OK_INT(t, read(fds[0], c, sizeof c), sizeof c, "some output");
        close(fds[0]);
        OK_INT(t, rig_end(&r), 0, "a reader that goes");
        OK_INT(t, r.result->out_error, EPIPE, "is noticed");
        rig_close(&r);
        rig_start(&r, &(struct setup){ CONSOLE_READ_ONLY, .payload = pl_big, .in = -1, .out = full });
        OK_INT(t, rig_end(&r), 0, "a full disk");
        OK_INT(t, r.result->out_error, ENOSPC, "is noticed");
        rig_close(&r);
        close(full);
}

static void test_drain(struct tap *t) {
        int fds[2];
        struct rig r;

        /* The payload ends while nobody reads: all of what it wrote is still to come. */
        for (int i = 0; i < 2; i++) {
                if (pipe2(fds, O_CLOEXEC) < 0)
                        return;
                fcntl(fds[1], F_SETPIPE_SZ, 4096);
                rig_start(&r, &(struct setup){ CONSOLE_READ_ONLY, .payload = pl_lines, .in = -1, .out = fds[1],
                                               .give_up = i == 1 });
                close(fds[1]);
                nap(50);
                if (i == 0) {
                        const char *got = "";
                        FILE *f = fdopen(fds[0], "r");
                        char line[32], want[32];
                        int n = 0;

                        for (; fgets(line, sizeof line, f); n++) {
                                snprintf(want, sizeof want, "line %d\n", n);
                                if (strcmp(line, want) != 0)
                                        break;
                        }
                        OK_INT(t, n, 20000, "drain: all lines%s", got);
                        OK_INT(t, rig_end(&r), 0, "end");
                        fclose(f);
                } else {
                        kill(*r.payload, SIGKILL);
                        nap(100);
                        OK_INT(t, waitpid(r.p, NULL, WNOHANG), 0, "drain: waits for a slow reader");
                        /* Again, if the end of the payload has not been met yet: then it is no word to give up. */
                        for (int k = 0; k < 100 && !rig_has_ended(&r); k++)
                                rig_wake(&r, 'x');
                        OK_INT(t, rig_end(&r), 0, "drain: but not when it shall give up");
                        close(fds[0]);
                }
                rig_close(&r);
        }
}

/* Descriptors 0 and 1 are shared with others, who have not asked for O_NONBLOCK. */
static void test_flags(struct tap *t) {
        int in[2], out[2], sock[2];
        struct rig r;

        if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 ||
            socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock) < 0)
                return;
        rig_start(&r, &(struct setup){ CONSOLE_INTERACTIVE, .payload = pl_wait, .in = in[0], .out = out[1] });
        read_until(out[0], "ready\n");
        rig_wake(&r, 's');
        OK(t, !(r.result->flags_in & O_NONBLOCK) && !(r.result->flags_out & O_NONBLOCK),
           "pipes stay blocking for others");
        rig_wake(&r, 'e');
        rig_end(&r);
        rig_close(&r);
        rig_start(&r, &(struct setup){ CONSOLE_INTERACTIVE, .payload = pl_wait, .in = -1, .out = -1 });
        read_until(r.master, "ready\n");
        rig_wake(&r, 's');
        OK(t, !(r.result->flags_in & O_NONBLOCK) && !(r.result->flags_out & O_NONBLOCK), "a terminal as well");
        rig_wake(&r, 'e');
        rig_end(&r);
        rig_close(&r);
        rig_start(&r, &(struct setup){ CONSOLE_INTERACTIVE, .payload = pl_wait, .in = sock[0], .out = sock[0] });
        read_until(sock[1], "ready\n");
        OK(t, fcntl(sock[0], F_GETFL) & O_NONBLOCK, "a socket does not");
        rig_wake(&r, 'e');
        rig_end(&r);
        OK(t, !(fcntl(sock[0], F_GETFL) & O_NONBLOCK), "but gets its flags back");
        rig_close(&r);
        close(in[0]), close(in[1]), close(out[0]), close(out[1]), close(sock[0]), close(sock[1]);
}

static void test_hangup(struct tap *t) {
        struct rig r;

        rig_start(&r, &(struct setup){ CONSOLE_INTERACTIVE, .payload = pl_reopen, .in = -1, .out = -1 });
        OK_STR(t, read_until(r.master, "again\nfirst\nagain\nfirst\nagain\n"),
               "first\nagain\nfirst\nagain\nfirst\nagain\n", "a terminal that nobody has for a while");
        OK_INT(t, rig_end(&r), 0, "end");
        rig_close(&r);
        if (geteuid() != 0) {
                tap_skip(t, "vhangup", "needs root");
                return;
        }
        rig_start(&r, &(struct setup){ CONSOLE_INTERACTIVE, .payload = pl_vhangup, .in = -1, .out = -1 });
        read_until(r.master, "first\n");
        check_idle(t, &r, "hung up");
        OK(t, strstr(read_until(r.master, "again\n"), "again\n"), "a terminal that was hung up");
        OK_INT(t, rig_end(&r), 0, "end");
        rig_close(&r);
}

int main(void) {
        struct tap t = { 0 };

        signal(SIGPIPE, SIG_IGN);
        alarm(280);
        test_terminal(&t);
        test_restore(&t);
        test_twice(&t);
        test_read_only(&t);
        test_keys(&t);
        test_held_keys(&t);
        test_big_output(&t);
        test_big_input(&t);
        test_eof(&t);
        test_passive(&t);
        test_modes(&t);
        test_size(&t);
        test_idle(&t);
        test_broken_output(&t);
        test_drain(&t);
        test_flags(&t);
        test_hangup(&t);
        return tap_done(&t);
}
