/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* outside VERB [ARGUMENT]... -- COMMAND...
 *
 * The host's side of a test: prepares something that a launcher inherits or finds, then runs the command. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct call {
        int argc; /* words between the verb and -- */
        char **argv;
        char **command; /* never empty */
};

static int die(const char *what) {
        fprintf(stderr, "outside: %s: %s\n", what, strerror(errno));
        exit(125);
}

static int become(const struct call *c) {
        execvp(c->command[0], c->command);
        return die(c->command[0]);
}

/* Runs the command in a process of its own and passes its status on. */
static int run(const struct call *c) {
        int status;
        pid_t pid = fork();

        if (pid < 0)
                die("cannot fork");
        if (pid == 0)
                become(c);
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        die("cannot wait");
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int bound_unix(const char *name, int type) {
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

        snprintf(a.sun_path, sizeof a.sun_path, "%s", name);
        if (name[0] == '@')
                a.sun_path[0] = '\0';
        if (fd < 0 ||
            bind(fd, (struct sockaddr *) &a, (socklen_t) (offsetof(struct sockaddr_un, sun_path) + strlen(name))) < 0)
                die(name);
        if (type == SOCK_STREAM && listen(fd, 8) < 0)
                die(name);
        return fd;
}

/* listen N NAMES: N listening sockets from descriptor 3 on, as sd_listen_fds(3) says. NAMES "" leaves the variable
 * out. */
static int with_listen(const struct call *c) {
        int n = c->argc > 0 ? atoi(c->argv[0]) : 1;
        char text[32], name[64];

        for (int i = 0; i < n; i++) {
                int fd;

                snprintf(name, sizeof name, "@berth-test-listen-%d-%d", getpid(), i);
                fd = bound_unix(name, SOCK_STREAM);
                if (fd != 3 + i && (dup2(fd, 3 + i) < 0 || close(fd) < 0))
                        die("cannot place a descriptor");
                if (fcntl(3 + i, F_SETFD, 0) < 0)
                        die("cannot place a descriptor");
        }
        snprintf(text, sizeof text, "%d", n);
        setenv("LISTEN_FDS", text, 1);
        snprintf(text, sizeof text, "%d", getpid());
        setenv("LISTEN_PID", text, 1);
        if (c->argc > 1 && c->argv[1][0])
                setenv("LISTEN_FDNAMES", c->argv[1], 1);
        return become(c);
}

/* One message, a line for each of its lines, then an empty one. */
static void log_message(int fd, FILE *log) {
        char text[8192];
        union {
                struct cmsghdr head;
                char room[CMSG_SPACE(sizeof(int) * 253)];
        } control;
        struct iovec iov = { text, sizeof text - 1 };
        struct msghdr m = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
        };
        ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m);

        if (n < 0)
                return;
        text[n] = '\0';
        for (size_t i = 0; c && c->cmsg_type == SCM_RIGHTS && i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
                int one;

                memcpy(&one, CMSG_DATA(c) + i * sizeof one, sizeof one);
                close(one);
                fputs("and a descriptor\n", log);
        }
        fprintf(log, "%s%s\n", text, n > 0 && text[n - 1] == '\n' ? "" : "\n");
        fflush(log);
}

/* notify FILE: a service manager's socket; what comes is appended to FILE. */
static int with_notify(const struct call *c) {
        char name[64];
        int fd, status;
        pid_t pid;
        FILE *log = c->argc > 0 ? fopen(c->argv[0], "ae") : NULL;

        if (!log)
                die("notify");
        snprintf(name, sizeof name, "@berth-test-notify-%d", getpid());
        fd = bound_unix(name, SOCK_DGRAM);
        setenv("NOTIFY_SOCKET", name, 1);
        pid = fork();
        if (pid < 0)
                die("cannot fork");
        if (pid == 0)
                become(c);
        for (;;) {
                struct pollfd p = { .fd = fd, .events = POLLIN };

                if (poll(&p, 1, 20) > 0)
                        log_message(fd, log);
                else if (waitpid(pid, &status, WNOHANG) == pid)
                        break;
        }
        fclose(log);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int with_abstract(const struct call *c) {
        char name[100];

        snprintf(name, sizeof name, "@%s", c->argc > 0 ? c->argv[0] : "berth-test");
        bound_unix(name, SOCK_STREAM);
        return run(c);
}

static int with_tcp(const struct call *c) {
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

        a.sin_port = htons((uint16_t) (c->argc > 0 ? atoi(c->argv[0]) : 0));
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
            bind(fd, (struct sockaddr *) &a, sizeof a) < 0 || listen(fd, 8) < 0)
                die("tcp");
        return run(c);
}

/* key NAME: in a new session keyring and in the user keyring, which is linked to the session.
 * KEYCTL_JOIN_SESSION_KEYRING is 1, KEYCTL_LINK 8, KEYCTL_UNLINK 9; -3 the session, -4 the user. */
static int with_key(const struct call *c) {
        const char *name = c->argc > 0 ? c->argv[0] : "berth-test";
        long user;
        int status;

        if (syscall(SYS_keyctl, 1L, 0L) < 0 || syscall(SYS_add_key, "user", name, "secret", 6UL, -3L) < 0)
                die("session keyring");
        user = syscall(SYS_add_key, "user", name, "secret", 6UL, -4L);
        if (user < 0 || syscall(SYS_keyctl, 8L, -4L, -3L) < 0)
                die("user keyring");
        status = run(c);
        if (syscall(SYS_keyctl, 9L, user, -4L) < 0)
                die("cannot take the key back");
        return status;
}

/* leak: descriptors that a careless caller leaves open, a directory of the host among them. */
static int with_leak(const struct call *c) {
        int dir = open("/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), file = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

        if (dir < 0 || file < 0)
                die("leak");
        for (int fd = 100; fd < 164; fd++)
                if (dup2(fd % 2 ? dir : file, fd) < 0)
                        die("leak");
        for (int fd = 5; fd < 9; fd++)
                if (dup2(fd % 2 ? dir : file, fd) < 0)
                        die("leak");
        return become(c);
}

/* block: all signals are blocked and some ignored, as some callers leave them. */
static int with_block(const struct call *c) {
        sigset_t all;

        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, NULL);
        signal(SIGPIPE, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        signal(SIGINT, SIG_IGN);
        return become(c);
}

/* race A B: the two names change places all the time while the command runs. */
static int with_race(const struct call *c) {
        pid_t racer;
        int status;

        if (c->argc != 2)
                die("race");
        racer = fork();
        if (racer < 0)
                die("cannot fork");
        while (racer == 0)
                if (renameat2(AT_FDCWD, c->argv[0], AT_FDCWD, c->argv[1], RENAME_EXCHANGE) < 0 && errno != ENOENT)
                        _exit(1);
        status = run(c);
        kill(racer, SIGKILL);
        waitpid(racer, NULL, 0);
        return status;
}

/* Processes that live for a moment, one after the other, a few at a time: their numbers go round. Says how many there
 * were, and how many of them a signal has hit, until it is told to end. */
static volatile sig_atomic_t ending;

static void on_end(int sig) {
        ending = 1;
}

static _Noreturn void churn(int out) {
        enum { AT_ONCE = 20 };
        unsigned long n = 0, hit = 0;
        int status, living = 0;
        char line[64];

        signal(SIGUSR1, on_end);
        while (!ending || living > 0) {
                pid_t pid = !ending && living < AT_ONCE ? fork() : -1;

                if (pid == 0) {
                        signal(SIGUSR1, SIG_DFL);
                        usleep(1000);
                        _exit(0);
                }
                if (pid > 0)
                        n++, living++;
                if ((pid < 0 || living == AT_ONCE) && waitpid(-1, &status, 0) > 0) {
                        living--;
                        hit += WIFSIGNALED(status) || WEXITSTATUS(status) != 0;
                }
        }
        _exit(write(out, line, (size_t) snprintf(line, sizeof line, "%lu processes, %lu hit\n", n, hit)) < 0);
}

/* churn FILE: while the command runs; the count goes to the file. */
static int with_churn(const struct call *c) {
        int status, out = c->argc == 1 ? open(c->argv[0], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
        pid_t pid;

        if (out < 0)
                die("churn");
        pid = fork();
        if (pid < 0)
                die("cannot fork");
        if (pid == 0)
                churn(out);
        status = run(c);
        kill(pid, SIGUSR1);
        waitpid(pid, NULL, 0);
        return status;
}

/* argc0: no argument at all, not even a name. */
static int with_argc0(const struct call *c) {
        char *none[1] = { NULL };

        execve(c->command[0], none, none);
        return die(c->command[0]);
}

static const struct {
        const char *name;
        int (*run)(const struct call *c);
} verbs[] = {
        { "listen", with_listen }, { "notify", with_notify }, { "abstract", with_abstract }, { "tcp", with_tcp },
        { "key", with_key },       { "leak", with_leak },     { "block", with_block },       { "argc0", with_argc0 },
        { "race", with_race },     { "churn", with_churn },
};

int main(int argc, char **argv) {
        struct call c = { 0 };
        int i = 2;

        while (i < argc && strcmp(argv[i], "--"))
                i++;
        c = (struct call){ .argc = i - 2, .argv = argv + 2, .command = argv + i + 1 };
        for (size_t v = 0; i + 1 < argc && v < sizeof verbs / sizeof verbs[0]; v++)
                if (!strcmp(argv[1], verbs[v].name))
                        return verbs[v].run(&c);
        fprintf(stderr, "usage: outside VERB [ARGUMENT]... -- COMMAND...\n");
        return 125;
}
