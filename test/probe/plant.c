/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* plant [-t] -- LAUNCHER...: the host's side of the probe.
 *
 * Plants what a payload must not reach: keys in its session keyring and in root's user keyring, a secret in the
 * environment, open descriptors of a directory and of a file, an abstract socket and a port on 127.0.0.1 that are
 * listened on. Then runs LAUNCHER, with words appended that tell the probe what to look for (probe.h). Afterwards it
 * looks whether the host has changed: mounts that came out of the container, the host name. -t: on a terminal, whose
 * input must stay empty. Prints ESC lines as the probe does, and the launcher's exit status: "launcher N". */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { LIMIT_S = 60, WORDS = 64, FIRST_LEAKED = 20 };

struct plant {
        char secret[64], key[64], abstract[64];
        char words[5][96];
        long user_key;
        int port, master, slave; /* -1: no terminal */
};

static _Noreturn void die(const char *what) {
        fprintf(stderr, "plant: %s: %s\n", what, strerror(errno));
        exit(2);
}

static long add_key(const char *name, long ring) {
        return syscall(SYS_add_key, "user", name, "planted", 7, ring);
}

/* A session keyring of our own, so that the caller's stays as it is. Where keys are closed to us there is nothing to
 * leak. */
static void plant_keys(struct plant *p) {
        char name[96];

        p->user_key = -1;
        if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "berth-probe") < 0)
                return;
        snprintf(name, sizeof name, "%s-session", p->key);
        (void) add_key(name, KEY_SPEC_SESSION_KEYRING);
        snprintf(name, sizeof name, "%s-user", p->key);
        p->user_key = add_key(name, KEY_SPEC_USER_KEYRING);
}

static void take_away_keys(const struct plant *p) {
        if (p->user_key >= 0)
                (void) syscall(SYS_keyctl, KEYCTL_UNLINK, p->user_key, KEY_SPEC_USER_KEYRING);
}

static void listen_at(int sock, const void *address, socklen_t size) {
        if (sock < 0 || bind(sock, address, size) < 0 || listen(sock, 16) < 0)
                die("cannot listen");
}

static void plant_sockets(struct plant *p) {
        struct sockaddr_un local = { .sun_family = AF_UNIX };
        struct sockaddr_in loopback = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof loopback;
        int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        snprintf(local.sun_path + 1, sizeof local.sun_path - 1, "%s", p->abstract);
        listen_at(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), &local,
                  (socklen_t) (offsetof(struct sockaddr_un, sun_path) + 1 + strlen(p->abstract)));
        listen_at(tcp, &loopback, sizeof loopback);
        if (getsockname(tcp, (struct sockaddr *) &loopback, &size) < 0)
                die("port");
        p->port = ntohs(loopback.sin_port);
}

/* In the launcher's process, and not closed on exec: what a careless caller leaves open. */
static void leak_descriptors(void) {
        static const char *const paths[] = { "/etc", "/etc/shadow", "/" };

        for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
                int fd = open(paths[i], O_RDONLY);

                if (fd < 0 || dup2(fd, FIRST_LEAKED + (int) i) < 0)
                        die(paths[i]);
                close(fd);
        }
}

static void plant_all(struct plant *p) {
        struct stat root;

        snprintf(p->secret, sizeof p->secret, "secret-%d-%ld", (int) getpid(), random());
        snprintf(p->key, sizeof p->key, "berth-key-%d", (int) getpid());
        snprintf(p->abstract, sizeof p->abstract, "berth-probe-%d", (int) getpid());
        plant_keys(p);
        plant_sockets(p);
        if (stat("/", &root) < 0 || setenv("BERTH_PROBE_SECRET", p->secret, 1) < 0)
                die("cannot plant");
        snprintf(p->words[0], sizeof *p->words, "secret=%.80s", p->secret);
        snprintf(p->words[1], sizeof *p->words, "key=%.80s", p->key);
        snprintf(p->words[2], sizeof *p->words, "abstract=%.80s", p->abstract);
        snprintf(p->words[3], sizeof *p->words, "port=%d", p->port);
        snprintf(p->words[4], sizeof *p->words, "disk=%u:%u", major(root.st_dev), minor(root.st_dev));
}

static void open_terminal(struct plant *p) {
        struct winsize size = { .ws_row = 24, .ws_col = 200 };

        p->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (p->master < 0 || grantpt(p->master) < 0 || unlockpt(p->master) < 0)
                die("terminal");
        p->slave = open(ptsname(p->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (p->slave < 0 || ioctl(p->slave, TIOCSWINSZ, &size) < 0)
                die("terminal");
}

static _Noreturn void become(const struct plant *p, char **argv) {
        if (p->slave >= 0) {
                if (setsid() < 0 || ioctl(p->slave, TIOCSCTTY, 0) < 0)
                        die("controlling terminal");
                for (int fd = 0; fd < 3; fd++)
                        if (dup2(p->slave, fd) < 0)
                                die("stdio");
        }
        leak_descriptors();
        execvp(argv[0], argv);
        die(argv[0]);
}

/* What comes out of the terminal goes to our output, until the launcher has ended and nothing more comes. */
static void relay(const struct plant *p, pid_t pid) {
        for (;;) {
                struct pollfd wait = { .fd = p->master, .events = POLLIN };
                siginfo_t ended = { 0 };
                char buf[4096];
                ssize_t n;

                if (waitid(P_PID, (id_t) pid, &ended, WEXITED | WNOHANG | WNOWAIT) < 0)
                        return;
                if (poll(&wait, 1, ended.si_pid ? 0 : 100) > 0) {
                        n = read(p->master, buf, sizeof buf);
                        if (n <= 0)
                                return;
                        fwrite(buf, 1, (size_t) n, stdout);
                } else if (ended.si_pid)
                        return;
        }
}

/* Typed by nobody: then the payload did. Raw, so that a line without an end counts too. */
static void look_for_input(const struct plant *p) {
        struct termios t;
        int waiting = 0;

        if (p->slave < 0 || tcgetattr(p->slave, &t) < 0)
                return;
        cfmakeraw(&t);
        if (tcsetattr(p->slave, TCSANOW, &t) == 0 && ioctl(p->slave, FIONREAD, &waiting) == 0 && waiting > 0)
                printf("ESC typed-input %d bytes wait at the host's terminal\n", waiting);
}

/* Points only: other fields tell of who looks. */
static size_t mounts(void) {
        char line[8192];
        size_t n = 0;
        FILE *f = fopen("/proc/self/mountinfo", "re");

        while (f && fgets(line, sizeof line, f))
                n++;
        if (f)
                fclose(f);
        return n;
}

int main(int argc, char **argv) {
        struct plant p = { .master = -1, .slave = -1 };
        char *words[WORDS] = { 0 }, before[65] = "", after[65] = "";
        size_t had = mounts();
        int status, n = 0, first = argc > 1 && strcmp(argv[1], "-t") == 0 ? 2 : 1;
        pid_t pid;

        if (first >= argc || strcmp(argv[first], "--") != 0 || argc - first + 5 >= WORDS)
                return 2;
        for (int i = first + 1; i < argc; i++)
                words[n++] = argv[i];
        srandom((unsigned) getpid());
        (void) gethostname(before, sizeof before - 1);
        if (first == 2)
                open_terminal(&p);
        plant_all(&p);
        for (int i = 0; i < 5; i++)
                words[n++] = p.words[i];
        pid = fork();
        if (pid == 0)
                become(&p, words);
        alarm(LIMIT_S);
        if (p.master >= 0)
                relay(&p, pid);
        if (pid < 0 || waitpid(pid, &status, 0) != pid)
                die("launcher");
        take_away_keys(&p);
        look_for_input(&p);
        (void) gethostname(after, sizeof after - 1);
        if (mounts() != had)
                printf("ESC propagation %zu mounts, %zu before\n", mounts(), had);
        if (strcmp(before, after) != 0)
                printf("ESC host-name it is %s now\n", after);
        printf("launcher %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
        return 0;
}
