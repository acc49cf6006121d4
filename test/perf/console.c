/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* console [-n BYTES] -- COMMAND...: how fast the output of a command comes out of a terminal.
 *
 * Gives the command a new pseudo terminal as its standard input, output, error and controlling terminal, and reads all
 * that it writes. Prints MiB/s from the first KiB on to the last byte, so that what comes before the output does not
 * count. -n: the least that must come, else it fails. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_MS = 20000 };

static _Noreturn void die(const char *what) {
        fprintf(stderr, "console: %s: %s\n", what, strerror(errno));
        exit(2);
}

static double now_s(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static _Noreturn void become(int slave, char **argv) {
        if (setsid() < 0 || ioctl(slave, TIOCSCTTY, 0) < 0 || dup2(slave, 0) < 0 || dup2(slave, 1) < 0 ||
            dup2(slave, 2) < 0)
                die("terminal");
        execvp(argv[0], argv);
        die(argv[0]);
}

/* Reading a master whose slaves are all closed fails with EIO (pty(7)). */
static double drain(int master, double *ret_bytes) {
        static char buf[1 << 16];
        double first = 0;

        for (*ret_bytes = 0;;) {
                struct pollfd p = { .fd = master, .events = POLLIN };
                ssize_t n;

                if (poll(&p, 1, WAIT_MS) <= 0)
                        die("nothing comes");
                n = read(master, buf, sizeof buf);
                if (n <= 0)
                        break;
                *ret_bytes += (double) n;
                if (first == 0 && *ret_bytes >= 1024)
                        first = now_s();
        }
        return first == 0 ? 0 : now_s() - first;
}

int main(int argc, char **argv) {
        struct winsize size = { .ws_row = 24, .ws_col = 80 };
        double least = 0, bytes, took;
        int o, master, slave, status = 0;
        pid_t pid;

        while ((o = getopt(argc, argv, "+n:")) != -1)
                if (o == 'n')
                        least = atof(optarg);
                else
                        return 2;
        master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (optind >= argc || master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
                die("pseudo terminal");
        slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (slave < 0 || ioctl(slave, TIOCSWINSZ, &size) < 0)
                die("pseudo terminal");
        pid = fork();
        if (pid == 0)
                become(slave, argv + optind);
        close(slave);
        took = drain(master, &bytes);
        if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0 || bytes < least || took <= 0) {
                fprintf(stderr, "console: %.0f bytes came, wait status %d\n", bytes, status);
                return 1;
        }
        printf("%.1f\n", bytes / 1048576 / took);
        return 0;
}
