/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* probe [KEY=VALUE]...: see probe.h. Prints, each on a line:
 *   ESC NAME DETAIL     the host was reached
 *   LEAK NAME DETAIL    something planted outside was read
 *   held NAME DETAIL    neither, and what stopped it
 *   fact NAME VALUE     what the payload may do and sees
 *   total ESC=N LEAK=N
 * Nothing it does has an effect when it succeeds: files are opened and closed, values are set to what they are. */

#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT_S = 5, GOT_THROUGH = 100 };

const char *outcome(int error) {
        const char *name = strerrorname_np(error);

        return error == 0 ? "ok" : name ? name : "unknown";
}

const char *planted_value(const struct planted *p, const char *key) {
        size_t n = strlen(key);

        for (int i = 0; i < p->argc; i++)
                if (strncmp(p->argv[i], key, n) == 0 && p->argv[i][n] == '=')
                        return p->argv[i] + n + 1;
        return NULL;
}

bool may_write(const char *path) {
        int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

        if (fd >= 0)
                close(fd);
        return fd >= 0;
}

bool may_read(const char *path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        char byte;
        bool got = fd >= 0 && read(fd, &byte, 1) == 1;

        if (fd >= 0)
                close(fd);
        return got;
}

bool own_mounts(void) {
        return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

const char *spare_directory(void) {
        static const char *const places[] = { "/tmp/probe", "/run/probe", "/dev/shm/probe" };

        for (size_t i = 0; i < sizeof places / sizeof *places; i++)
                if (mkdir(places[i], 0755) == 0 || errno == EEXIST)
                        return places[i];
        return "/mnt";
}

/* The exit status of f in a child; negative: the signal that ended it. */
static int in_child(int (*f)(void *), void *data) {
        pid_t pid;
        int status;

        fflush(stdout);
        pid = fork();
        if (pid < 0)
                return errno;
        if (pid == 0) {
                alarm(LIMIT_S);
                status = f(data);
                fflush(stdout);
                _exit(status);
        }
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return errno;
        return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

struct one {
        const char *kind;
        const struct attempt *attempt;
        const struct planted *planted;
};

static int attempt_in_child(void *data) {
        const struct one *one = data;
        char detail[DETAIL] = "";
        bool through = one->attempt->run(one->planted, detail);

        printf("%s %s %s\n", through ? one->kind : "held", one->attempt->name, detail);
        return through ? GOT_THROUGH : 0;
}

static int run_attempts(const char *kind, const struct attempts *list, const struct planted *p) {
        int through = 0;

        for (size_t i = 0; i < list->n; i++) {
                struct one one = { kind, &list->items[i], p };
                int k = in_child(attempt_in_child, &one);

                if (k < 0)
                        printf("held %s ended by SIG%s\n", list->items[i].name, sigabbrev_np(-k));
                through += k == GOT_THROUGH;
        }
        return through;
}

static int call_in_child(void *data) {
        return ((const struct call_fact *) data)->run();
}

static void run_calls(void) {
        for (size_t i = 0; i < n_call_facts; i++) {
                int k = in_child(call_in_child, (void *) &call_facts[i]);

                if (k < 0)
                        printf("fact %s SIG%s\n", call_facts[i].name, sigabbrev_np(-k));
                else
                        printf("fact %s %s\n", call_facts[i].name, outcome(k));
        }
}

int main(int argc, char **argv) {
        const struct attempts *const escapes[] = { &escapes_kernel, &escapes_handles, &escapes_talk };
        const struct planted p = { argc - 1, argv + 1 };
        int escaped = 0, leaked;

        setvbuf(stdout, NULL, _IOLBF, 0);
        signal(SIGPIPE, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++)
                escaped += run_attempts("ESC", escapes[i], &p);
        leaked = run_attempts("LEAK", &leaks, &p);
        run_calls();
        tell_facts();
        printf("total ESC=%d LEAK=%d\n", escaped, leaked);
        return 0;
}
