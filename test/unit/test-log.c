/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* base/log.c. Topics are set once in a process: each case is one of its own. */

#include "base/log.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "unit/tap.h"

struct answer {
        bool known;
        unsigned on; /* a bit for each topic */
        char text[1500];
};

static void be_asked(const char *topics, const char *line, int out) {
        struct answer a = { .known = log_init(topics) };

        for (unsigned i = 0; i < LOG_TOPIC_MAX_; i++)
                a.on |= log_on((enum log_topic) i) ? 1u << i : 0;
        if (line)
                log_debug(LOG_STEP, "%s", line);
        if (write(out, &a, offsetof(struct answer, text)) < 0)
                _exit(1);
}

static struct answer ask(const char *topics, const char *line) {
        struct answer a = { 0 };
        int fds[2], err[2];
        pid_t pid;
        ssize_t n;

        if (pipe(fds) < 0 || pipe(err) < 0)
                abort();
        pid = fork();
        if (pid == 0) {
                dup2(err[1], STDERR_FILENO);
                be_asked(topics, line, fds[1]);
                _exit(0);
        }
        close(fds[1]);
        close(err[1]);
        if (read(fds[0], &a, offsetof(struct answer, text)) < 0)
                abort();
        n = read(err[0], a.text, sizeof a.text - 1);
        a.text[n > 0 ? n : 0] = '\0';
        waitpid(pid, NULL, 0);
        close(fds[0]);
        close(err[0]);
        return a;
}

int main(void) {
        static const struct {
                const char *topics;
                bool known;
                unsigned on;
        } cases[] = {
                { NULL, true, 0 },
                { "", true, 0 },
                { ",,", true, 0 },
                { "step", true, 1u << LOG_STEP },
                { "conf,life", true, 1u << LOG_CONF | 1u << LOG_LIFE },
                { ",msg,", true, 1u << LOG_MSG },
                { "all", true, (1u << LOG_TOPIC_MAX_) - 1 },
                { "step,nothing", false, 1u << LOG_STEP },
                { "ste", false, 0 },
                { "steps", false, 0 },
                { "Step", false, 0 },
                { " step", false, 0 },
        };
        struct tap t = { 0 };
        char big[4000];
        struct answer a;

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                a = ask(cases[i].topics, NULL);
                OK(&t, a.known == cases[i].known && a.on == cases[i].on, "topics \"%s\"",
                   cases[i].topics ? cases[i].topics : "(none)");
        }
        a = ask("step", "one\x1b[31m\ntwo");
        OK(&t, strstr(a.text, " step: one\\x1b[31m\\x0atwo\n"), "one clean line");
        a = ask("msg", "one");
        OK_STR(&t, a.text, "", "another topic is silent");
        memset(big, 'x', sizeof big - 1);
        big[sizeof big - 1] = '\0';
        a = ask("all", big);
        OK(&t, strlen(a.text) < 1100 && a.text[strlen(a.text) - 1] == '\n' && strstr(a.text, "xxxx"),
           "a long line is cut off and ended");
        return tap_done(&t);
}
