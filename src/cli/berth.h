/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The program berth: what it does around a run. */

#include "base/arena.h"
#include "base/err.h"
#include "plan/facts.h"
#include "spec/spec.h"

/* berth_detach.c. Two processes go on from here. 0: in the supervisor, in the background: *ret_caller is the socket to
 * who waits (struct run_want). 1: in the caller, once the container is ready or has failed: its exit status. In the
 * caller the name of the machine is printed, unless quiet. service: its manager is told who goes on with it. */
int berth_detach(bool quiet, bool service, int *ret_caller, int *ret_status, struct err *e);

/* What both ways of --detach share. In the supervisor: off the terminal. In the caller: a signalfd; the name for the
 * user, returns an exit status. */
int berth_go_background(struct err *e);
int berth_watch_signals(struct err *e);
int berth_say_name(const char *name, bool quiet);

/* berth_service.c. The same by a service of the host's manager, where plan_may_serve() says so. 1: as above. 0: there
 * is none, and nothing has been done; *ret_silent: since the manager did not answer, e says so. scrub: once the words
 * are handed over. */
struct service_want {
        const struct spec *spec;
        const struct facts *facts;
        int proc;
        char **argv, **env;
        void (*scrub)(void *arg);
        void *arg;
        bool *ret_silent;
};
int berth_service(const struct service_want *w, int *ret_status, struct err *e);

/* berth_supervisor.c. First, in such a service: -1, and the words of the caller, to go on with. Otherwise an exit
 * status. */
struct supervisor_words {
        int argc, caller;
        int journal; /* takes what is said when the caller does not listen any more */
        char **argv, **env;
};
int berth_supervisor(struct supervisor_words *ret);
/* Last, where the caller has heard nothing. */
void berth_supervisor_end(int caller, int status);

/* berth_descriptors.c. First: 0 to 2 exist, and what is passed on is fit for it. */
int berth_check_descriptors(char **env, struct err *e);
/* Before anything is opened: all is closed but what is passed on, and what options name (/dev/fd/63); room for ours.
 */
int berth_close_descriptors(const struct spec *s, char **env, struct err *e);
/* What is left then, and not ours: with 0 to 2. Returns how many, -E2BIG. */
int berth_passed_descriptors(const struct spec *s, char **env, int *ret, size_t room);
/* Once: what they name was read. */
void berth_close_named(const struct spec *s, char **env);

/* berth_cleanup.c. What a killed run of the name left. */
int berth_cleanup(const struct spec *s, int proc, struct arena *a, int *ret_status, struct err *e);

/* berth_ask.c. A passphrase, asked for on the terminal, without showing it: as struct image_ask has it. */
int berth_ask(const char *path, const char *what, unsigned turn, char *buf, size_t size, struct err *e);

/* berth_inspect.c. Prints what a disk image holds; status 1 where it would not start. For the verdict try() does what
 * a start would do, up to its plan: notes are what there is to say of the image, unless what only a start can tell. */
struct inspect_try {
        int (*try)(void *arg, struct inspect_try *t, struct err *e);
        void *arg;
        struct strv notes;
        const char *unless; /* NULL: the verdict is certain */
};
int berth_inspect(const struct spec *s, struct inspect_try *t, struct arena *a, int *ret_status, struct err *e);

/* berth_replace.c. End the running container of that name, if there is one, as berthctl stop does; wait until it has.
 */
int berth_replace(const char *machine, int proc, struct arena *a, struct err *e);
