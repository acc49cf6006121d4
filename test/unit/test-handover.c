/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the caller of berth --detach hands over to a supervisor that is a service: messages that are none, words, and
 * what a process takes over from another one. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/str.h"
#include "cli/handover.h"
#include "unit/tap.h"

/* With one for each role, and 0 to 4. */
static void make(struct handover *h) {
        handover_init(h);
        h->n_argv = 2;
        h->n_env = 1;
        h->n_listen = 2;
        h->block = 20;
        for (int role = GIVEN_MIN_; role <= 4; role++)
                h->roles[h->n_fds++] = role;
}

static bool sound(const struct handover *h) {
        return handover_is_sound(h, sizeof *h, (int) h->n_fds);
}

static void test_sound(struct tap *t) {
        struct handover good, h;

        make(&good);
        OK(t, sound(&good), "one with all roles");
        OK(t, !handover_is_sound(&good, sizeof good - 1, (int) good.n_fds), "too short");
        OK(t, !handover_is_sound(&good, sizeof good, (int) good.n_fds - 1), "a descriptor is missing");
#define BROKEN(change, what)                                                                                          \
        do {                                                                                                          \
                h = good;                                                                                             \
                change;                                                                                               \
                OK(t, !sound(&h), what);                                                                              \
        } while (0)
        BROKEN(h.version++, "of another version");
        BROKEN(h.n_argv = 0, "no words");
        BROKEN(h.n_argv = UINT32_MAX, "too many words");
        BROKEN(h.block = 2, "fewer bytes than words");
        BROKEN(h.block = HANDOVER_BLOCK + 1, "too many bytes");
        BROKEN(h.roles[0] = GIVEN_MIN_ - 1, "a role that nobody knows");
        BROKEN(h.roles[0] = 5, "a role without a descriptor");
        BROKEN(h.roles[8] = h.roles[9], "a number twice");
        BROKEN(h.roles[0] = h.roles[1], "a role twice");
        BROKEN(h.roles[11] = HANDOVER_NUMBER + 1, "a number that is none");
        BROKEN(h.n_listen = 3, "one that is passed on is missing");
        BROKEN(h.context.n_cpus = sizeof h.context.cpus + 1, "too many processors");
        BROKEN(h.n_fds = MSG_FDS + 1, "too many descriptors");
#undef BROKEN
}

static void test_split(struct tap *t) {
        char block[] = "berth\0-d\0\0A=b", *words[5];

        OK(t, handover_split(block, sizeof block, words, 4), "four words, one of them empty");
        OK_STR(t, words[0], "berth", "the first");
        OK_STR(t, words[2], "", "the empty one");
        OK_STR(t, words[3], "A=b", "the last");
        OK(t, words[4] == NULL, "and an end");
        OK(t, !handover_split(block, sizeof block, words, 3), "more than were promised");
        OK(t, !handover_split(block, sizeof block, (char *[6]){ 0 }, 5), "fewer");
        OK(t, !handover_split(block, sizeof block - 1, words, 4), "the last has no end");
        OK(t, !handover_split(block, 0, words, 0), "nothing");
}

static void test_words(struct tap *t) {
        char name[] = "container-name-x";
        struct handover_word w;
        struct msg_fds fds;
        int s[2];

        OK_INT(t, sizeof name - 1, sizeof w, "a name may be as long as a word of ours");
        OK(t, !handover_is_word(name, sizeof w, &w), "and is none");
        OK_INT(t, msg_pair(s), 0, "a pair");
        OK_INT(t, handover_say(s[0], HANDOVER_ENDED, 133), 0, "said");
        OK_INT(t, msg_recv(s[1], &w, sizeof w, &fds, 0), sizeof w, "heard");
        OK(t, handover_is_word(&w, sizeof w, &w) && w.kind == HANDOVER_ENDED && w.status == 133, "as it was said");
        OK(t, !handover_is_word(&w, sizeof w - 1, &w), "too short");
        w.status = 256;
        OK(t, !handover_is_word(&w, sizeof w, &w), "a status that is none");
        w.status = 0;
        w.kind = HANDOVER_KIND_MAX_;
        OK(t, !handover_is_word(&w, sizeof w, &w), "a kind that is none");
        close(s[1]);
        OK_INT(t, handover_say(s[0], HANDOVER_HERE, 0), -EPIPE, "nobody listens");
        close(s[0]);
}

/* --- what a process is --- */

/* Is the context of a process that has changed itself so, and then takes over c, equal to c? In the child. */
static int differing(int proc, const struct handover_context *c) {
        struct handover_context now;
        struct rlimit core = { 0, (rlim_t) c->limits[RLIMIT_CORE][1] };

        (void) umask(0123);
        (void) personality(ADDR_NO_RANDOMIZE);
        (void) prctl(PR_SET_TIMERSLACK, 77777L, 0L, 0L, 0L);
        (void) setrlimit(RLIMIT_CORE, &core);
        if (context_read(proc, &now) < 0 || memcmp(&now, c, sizeof now) == 0)
                return 1;
        if (context_obstacle(proc, c) || context_adopt(proc, c) < 0)
                return 2;
        return context_read(proc, &now) == 0 && memcmp(&now, c, sizeof now) == 0 ? 0 : 3;
}

static int unprivileged(int proc, const struct handover_context *c) {
        const char *name;

        if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0)
                return 1;
        name = context_obstacle(proc, c);
        return name && streq(name, "no new privileges") ? 0 : 2;
}

static int in_child(int (*f)(int proc, const struct handover_context *c), int proc, const struct handover_context *c) {
        int status = -1;
        pid_t pid = fork();

        if (pid == 0)
                _exit(f(proc, c));
        return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

static void test_context(struct tap *t) {
        CLEAN_FD int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct handover_context c;
        struct rlimit core;

        /* Room to be changed. */
        if (getrlimit(RLIMIT_CORE, &core) == 0) {
                core.rlim_cur = core.rlim_max;
                (void) setrlimit(RLIMIT_CORE, &core);
        }
        OK_INT(t, context_read(proc, &c), 0, "our own");
        OK(t, c.n_cpus > 0, "has processors");
        OK_STR(t, context_obstacle(proc, &c), NULL, "nothing is in our own way");
        OK_INT(t, in_child(differing, proc, &c), 0, "another process becomes the same");
        /* Where that is so already, nothing can differ. */
        if (prctl(PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L) == 0)
                OK_INT(t, in_child(unprivileged, proc, &c), 0, "what cannot be taken over is named");
        else
                tap_skip(t, "what cannot be taken over is named", "no new privileges here");
}

int main(void) {
        struct tap t = { 0 };

        test_sound(&t);
        test_split(&t);
        test_words(&t);
        test_context(&t);
        return tap_done(&t);
}
