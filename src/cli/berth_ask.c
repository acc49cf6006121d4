/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The one question that berth asks: the passphrase of an encrypted image. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/str.h"
#include "cli/berth.h"

/* A line without its end, as a terminal gives them: all at once. Signals come only while nothing is there yet. Returns
 * its length; 0 at end of file. */
static ssize_t read_line(int fd, char *buf, size_t size, const sigset_t *mask) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        ssize_t n = ppoll(&p, 1, NULL, mask) < 0 ? -1 : read(fd, buf, size);

        if (n < 0)
                return -errno;
        return n > 0 && buf[n - 1] == '\n' ? n - 1 : n;
}

/* The reading ends, and the terminal is put right. */
static void on_signal(int sig) {
}

struct question {
        const char *path, *what;
        bool again;
};

static void put_question(int fd, const struct question *q) {
        char shown[1024];

        dprintf(fd, "%spassphrase for the %s partition of %s: ", q->again ? "It does not fit. " : "", q->what,
                str_escape(q->path, shown, sizeof shown));
}

/* Nothing that is typed is shown: not either before the question is. */
static ssize_t ask(int fd, const struct question *q, char *buf, size_t size) {
        static const int signals[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP };
        const struct sigaction end = { .sa_handler = on_signal }, ignore = { .sa_handler = SIG_IGN };
        struct sigaction old[ELEMENTS(signals)], old_stop;
        struct termios before, quiet;
        sigset_t held, mask;
        ssize_t n;

        if (tcgetattr(fd, &before) < 0)
                return -errno;
        sigemptyset(&held);
        for (size_t i = 0; i < ELEMENTS(signals); i++) {
                (void) sigaddset(&held, signals[i]);
                (void) sigaction(signals[i], &end, &old[i]);
        }
        (void) sigprocmask(SIG_BLOCK, &held, &mask);
        (void) sigaction(SIGTSTP, &ignore, &old_stop);
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t) ECHO;
        quiet.c_lflag |= ICANON | ISIG;
        (void) tcsetattr(fd, TCSAFLUSH, &quiet);
        put_question(fd, q);
        n = read_line(fd, buf, size, &mask);
        (void) tcsetattr(fd, TCSAFLUSH, &before);
        dprintf(fd, "\n");
        (void) sigprocmask(SIG_SETMASK, &mask, NULL);
        (void) sigaction(SIGTSTP, &old_stop, NULL);
        for (size_t i = 0; i < ELEMENTS(signals); i++)
                (void) sigaction(signals[i], &old[i], NULL);
        return n;
}

/* A supervisor that is a service has a terminal for its input, and none of its own. */
static int open_terminal(void) {
        int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

        return fd < 0 && errno == ENXIO ? open("/proc/self/fd/0", O_RDWR | O_NOCTTY | O_CLOEXEC) : fd;
}

/* Only somebody who sits there can be asked. */
int berth_ask(const char *path, const char *what, unsigned turn, char *buf, size_t size, struct err *e) {
        const struct question q = { .path = path, .what = what, .again = turn > 0 };
        CLEAN_FD int fd = isatty(STDIN_FILENO) ? open_terminal() : -1;
        ssize_t n = fd < 0 ? 0 : ask(fd, &q, buf, size);

        return n < 0 ? err_set(e, ERR_HOST, (int) -n, "no passphrase for %s", path) : (int) n;
}
