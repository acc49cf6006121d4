/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth: argv and files to a spec, a look at host and tree, a plan, and its run. The only place that prints. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/berth.h"
#include "cli/handover.h"
#include "conf/conf.h"
#include "host/host.h"
#include "image/image.h"
#include "image/stack.h"
#include "plan/plan.h"
#include "plan/unit.h"
#include "plan/words.h"
#include "probe/probe.h"
#include "run/guest.h"
#include "run/run.h"
#include "sys/stackroom.h"

/* Bytes for the facts and the plan of an image, which take some 150 KiB. */
enum { LOCKED_ROOM = 1024 * 1024 };

struct session {
        struct draft draft;
        struct conf conf;
        const struct spec *spec;
        struct facts facts;
        struct opened opened;
        struct credential_list credentials; /* with what they hold */
        struct image *image;                /* NULL: a directory */
        struct stack *stack;                /* NULL: no mount stack */
        struct blkid_run blkid;             /* for the image */
        struct strv said;                   /* remarks on the plan that were printed */
        int caller;                         /* --detach: who waits until it is ready, -1: nobody, or no more */
        bool serves;                        /* we are a service, which has been given the caller's words */
        int journal;                        /* its own stderr, -1 */
        struct process stirrer;             /* see host_stir_cgroups() */
        struct guest_room *room;
        char **env;
};

static void print_error(const struct session *s, const struct err *e) {
        const char *source = spec_error_source(&s->draft.spec, e);
        char line[1024], file[1024];

        err_format(e, s->draft.spec.self.verbose, line, sizeof line);
        fprintf(stderr, "berth: %s%s%s\n", source ? str_escape(source, file, sizeof file) : "", source ? ": " : "",
                line);
}

static void print_lines(const struct strv *lines) {
        char line[1024];

        for (size_t i = 0; i < lines->n; i++)
                fprintf(stderr, "berth: %s\n", str_escape(lines->items[i], line, sizeof line));
}

static int load_files(struct session *s, struct err *e) {
        const char *path = s->facts.tree.path;
        const char *above = arena_strndup(&s->draft.arena, path,
                                          strrchr(path, '/') == path ? 1 : (size_t) (strrchr(path, '/') - path));
        CLEAN_FD int parent = s->facts.image.used ? open(above, O_PATH | O_DIRECTORY | O_CLOEXEC)
                              : streq(path, "/")  ? -1
                                                  : openat(s->opened.root, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct conf_lookup look = {
                .name = s->facts.tree.name,
                .beside = parent,
                .beside_path = parent < 0 ? NULL : above,
        };

        return conf_files(&s->conf, &look, e);
}

static int open_image(struct session *s, struct err *e) {
        const struct image_ask ask = { berth_ask, getenv("CREDENTIALS_DIRECTORY"), &s->blkid };
        int k = image_look(s->spec, &ask, &s->draft.arena, &s->facts, &s->opened.root, &s->image, e);

        return k < 0 ? k : probe_top(&s->facts, s->opened.root, e);
}

/* The lock is on the directory that describes it; owners are those of what it makes. */
static int open_stack(struct session *s, struct err *e) {
        struct facts *f = &s->facts;
        int k = stack_look(s->spec, &s->draft.arena, f, &s->opened.root, &s->stack, e);
        uint64_t dev = f->tree.dev, ino = f->tree.ino;

        k = k < 0 ? k : probe_top(f, s->opened.root, e);
        f->tree.dev = dev;
        f->tree.ino = ino;
        return k;
}

/* Who runs from an image has it locked. With --replace that one is ended, but only for what is good but for that. */
static int open_free(struct session *s, int (*open)(struct session *, struct err *), struct err *e) {
        const struct facts before = s->facts;
        int k;

        /* It is locked before its plan is made: to run out of memory then would leave the lock's file behind. */
        arena_reserve(&s->draft.arena, LOCKED_ROOM);
        k = open(s, e);
        if (k >= 0 || !s->spec->self.replace || e->kind != ERR_BUSY)
                return k;
        image_close(s->image);
        stack_close(s->stack);
        s->image = NULL;
        s->facts = before;
        *e = (struct err){ .kind = ERR_NONE };
        k = berth_replace(s->facts.tree.name, s->opened.proc, &s->draft.arena, e);
        return k < 0 ? k : open(s, e);
}

/* With --detach the launcher is another process. */
static void stir(struct session *s) {
        const struct spec *spec = s->spec;

        if (!spec->self.detach && spec->self.dry_run == DRY_RUN_NO && plan_may_move(spec, &s->facts))
                host_stir_cgroups(&s->opened, &s->stirrer);
}

/* --detach: another process will do it. */
static bool is_caller(const struct session *s) {
        return s->draft.spec.self.detach && s->draft.spec.self.dry_run == DRY_RUN_NO && !s->serves;
}

/* From text to what is asked for, and what the host is like; nothing on it changes. */
static int prepare(struct session *s, struct err *e) {
        struct arena *a = &s->draft.arena;
        int k = conf_environment(&s->conf, e);

        k = k < 0 ? k : probe_root(&s->draft.spec, a, &s->facts, &s->opened, e);
        /* It starts meanwhile. Where that fails, it is tried again when it is needed. */
        if (k >= 0 && s->facts.image.used && !is_caller(s))
                (void) blkid_begin(s->facts.tree.path, &s->blkid, NULL);
        k = k < 0 ? k : load_files(s, e);
        k = k < 0 ? k : draft_seal(&s->draft, &s->spec, e);
        k = k < 0 ? k : probe_host(s->spec, s->env, a, &s->facts, &s->opened, e);
        if (k >= 0)
                stir(s);
        if (s->serves && s->facts.cgroup.own && str_ending(s->facts.cgroup.own, ".service"))
                s->facts.caller.unit = strrchr(s->facts.cgroup.own, '/') + 1;
        return k;
}

/* And the tree. */
static int look(struct session *s, struct err *e) {
        struct arena *a = &s->draft.arena;
        int k = !s->facts.image.used ? 0 : open_free(s, open_image, e);

        k = k < 0 || !s->facts.stack.used ? k : open_free(s, open_stack, e);
        return k < 0 ? k : probe_tree(s->spec, a, &s->facts, &s->opened, e);
}

/* A plan that is made again may have more to say: each remark is said once. */
static void say_notes(struct session *s, const struct strv *notes) {
        for (size_t i = 0; i < notes->n && !s->spec->self.quiet; i++) {
                bool said = false;

                for (size_t k = 0; k < s->said.n; k++)
                        said = said || streq(s->said.items[k], notes->items[i]);
                if (said)
                        continue;
                strv_add(&s->draft.arena, &s->said, notes->items[i]);
                print_lines(&(struct strv){ .items = &notes->items[i], .n = 1 });
        }
}

static void say_start(const struct session *s, const struct plan *p) {
        if (s->spec->self.quiet || p->console.detached)
                return;
        if (p->console.mode == CONSOLE_INTERACTIVE)
                fprintf(stderr, "berth: starting %s from %s; ^] three times within a second kills it\n", p->machine,
                        p->root.path);
}

/* What costs protection is believed when it is met twice: a failure that passes is no fact. */
static bool costs_protection(enum refutable r) {
        return r == REFUTED_USERNS || r == REFUTED_NESTED || r == REFUTED_PROC || r == REFUTED_SYSFS ||
               r == REFUTED_IDMAP || r == REFUTED_LAYER || r == REFUTED_MKNOD || r == REFUTED_DEVICES;
}

/* On a terminal only, and of what is but looked at not more often than anybody can read it. */
static void show_progress(enum progress of, uint64_t files, uint64_t much) {
        unsigned long long n = files, m = much;

        if (files == 0 && much == 0)
                fputs("\r\033[K", stderr);
        else if (of == PROGRESS_COPY)
                fprintf(stderr, "\rberth: copying: %llu files, %llu MiB", n, m >> 20);
        else if (files % 1024 == 0 && of == PROGRESS_LOOK)
                fprintf(stderr, "\rberth: looking at the tree: %llu files", n);
        else if (files % 1024 == 0)
                fprintf(stderr, "\rberth: changing the owners in the tree: %llu of %llu files", n, m);
}

static int run_one(struct session *s, const struct plan *p, int *ret_status, enum refutable *ret_refuted,
                   struct err *e) {
        bool managed = p->unit.scope || p->unit.announce != ANNOUNCE_NO;
        struct manager manager = managed ? manager_agent() : manager_none();
        const struct run_want want = {
                .plan = p,
                .facts = &s->facts,
                .credentials = &s->credentials,
                .opened = &s->opened,
                .image = s->image,
                .stack = s->stack,
                .manager = &manager,
                .stirrer = &s->stirrer,
                .room = s->room,
                .progress = s->facts.caller.terminal_err && !s->spec->self.quiet ? show_progress : NULL,
                .quiet = s->spec->self.quiet,
                .caller = s->spec->self.detach ? &s->caller : NULL,
                .stderr_then = s->journal,
        };

        return run_plan(&want, ret_status, ret_refuted, e);
}

static void log_plan(const struct spec *s, const struct plan *p) {
        for (size_t i = 0; i < s->said.n; i++)
                log_debug(LOG_CONF, "%s=%s (%s)", s->said.items[i].setting, str_or(s->said.items[i].value, ""),
                          origin_name(s->said.items[i].origin));
        log_debug(LOG_PLAN, "%s: %zu file system operations, %s", p->machine, p->fsops.n,
                  p->ids.own ? "user ids of its own" : "the host's user ids");
        for (size_t i = 0; i < p->fsops.n; i++)
                log_debug(LOG_PLAN, "%s /%s: %s", fsop_kind_name(p->fsops.items[i].kind),
                          str_or(p->fsops.items[i].dst, ""), str_or(p->fsops.items[i].why, ""));
}

/* A launch may find a fact wrong: then the plan is made again from the corrected facts. */
static int run(struct session *s, int *ret_status, struct err *e) {
        struct arena *a = &s->draft.arena;
        enum refutable doubted = REFUTED_NOTHING;

        for (int tries = 0; tries < 200; tries++) {
                enum refutable refuted = REFUTED_NOTHING;
                const struct plan *p;
                int k = plan_make(s->spec, &s->facts, a, &p, e);

                if (k < 0)
                        return k;
                if (s->spec->self.dry_run != DRY_RUN_NO && probe_places(p, &s->opened, e) < 0)
                        return -EINVAL;
                if (s->spec->self.dry_run != DRY_RUN_NO) {
                        (s->spec->self.dry_run == DRY_RUN_JSON ? plan_print_json : plan_print)(p, s->spec, stdout);
                        return *ret_status = 0;
                }
                k = tries == 0 ? probe_credentials(s->spec, s->env, a, &s->credentials, e) : 0;
                k = tries == 0 && k == 0 ? probe_passwords(s->spec, a, &s->credentials, e) : k;
                if (k < 0)
                        return k;
                if (tries == 0)
                        berth_close_named(s->spec, s->env);
                log_plan(s->spec, p);
                say_notes(s, &p->notes);
                if (tries == 0)
                        say_start(s, p);
                k = tries == 0 && s->spec->self.replace ? berth_replace(p->machine, s->opened.proc, a, e) : 0;
                if (k < 0)
                        return k;
                k = run_one(s, p, ret_status, &refuted, e);
                if (k >= 0 || refuted == REFUTED_NOTHING || probe_made(&s->facts, &s->opened, e) < 0)
                        return k;
                if (costs_protection(refuted) && refuted != doubted) {
                        doubted = refuted;
                        continue;
                }
                k = refuted == REFUTED_SOUND ? image_mend_damaged(s->image, a, &s->facts, e)
                                             : probe_correct(refuted, s->spec, a, &s->facts, &s->opened, e);
                if (k < 0)
                        return k;
        }
        return err_set(e, ERR_HOST, EAGAIN, "the host changes too fast to make a plan for it");
}

/* In the caller this returns when the container is ready, in the supervisor when it has ended. */
static int run_detached(struct session *s, int *ret_status, struct err *e) {
        int k = s->serves ? berth_go_background(e)
                          : berth_detach(s->spec->self.quiet, s->facts.caller.service, &s->caller, ret_status, e);

        if (k != 0) {
                /* The lock of an image is the supervisor's. */
                image_forget(s->image);
                stack_forget(s->stack);
                return k < 0 ? k : 0;
        }
        k = run(s, ret_status, e);
        if (k >= 0 && s->caller >= 0) {
                err_set(e, ERR_PAYLOAD, 0, "the container ended before it said that it is ready");
                return err_hint(e, "without --detach its output is seen");
        }
        return k;
}

/* A command line can be read by everybody (proc_pid_cmdline(5)). The words are ours to write to. */
static void scrub_secrets(struct spec *spec) {
        for (size_t i = 0; i < spec->credentials.n; i++) {
                const char *secret = TAKE_PTR(spec->credentials.items[i].written);

                if (secret)
                        explicit_bzero((char *) (uintptr_t) secret, strlen(secret));
        }
}

static void scrub(void *session) {
        struct session *s = session;

        scrub_secrets(&s->draft.spec);
}

/* As berth_service(). Before the tree is opened: an image is locked by who runs from it. */
static int serve(struct session *s, char **argv, int *ret_status, struct err *e) {
        bool silent = false;
        const struct service_want want = {
                .spec = s->spec,
                .facts = &s->facts,
                .proc = s->opened.proc,
                .argv = argv,
                .env = s->env,
                .scrub = scrub,
                .arg = s,
                .ret_silent = &silent,
        };
        int k = berth_service(&want, ret_status, e);

        if (silent && probe_correct(REFUTED_MANAGER, s->spec, &s->draft.arena, &s->facts, &s->opened, e) < 0)
                return -EINVAL;
        if (k == 0)
                *e = (struct err){ .kind = ERR_NONE };
        return k;
}

static int clean_up(struct session *s, int *ret_status, struct err *e) {
        const struct spec *spec = &s->draft.spec;

        if (spec->root.ephemeral) {
                err_set(e, ERR_USAGE, 0, "--cleanup does not go with --ephemeral");
                return err_hint(e, "copies have names that nobody knows: berthctl gc finds them");
        }
        if (!spec->id.machine && !spec->root.directory && !spec->root.image && !spec->root.mstack) {
                err_set(e, ERR_USAGE, 0, "--cleanup does not say of which container");
                return err_hint(e, "-M, -D or -i does");
        }
        s->opened.proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (s->opened.proc < 0)
                return err_set(e, ERR_HOST, errno, "cannot open /proc");
        return berth_cleanup(spec, s->opened.proc, &s->draft.arena, ret_status, e);
}

/* As with --image= and --dry-run, but that nobody is asked for anything. */
static int try_start(void *arg, struct inspect_try *t, struct err *e) {
        struct session *s = arg;
        const struct plan *p;
        int k = conf_as_dry_run(&s->conf, e);

        k = k < 0 ? k : prepare(s, e);
        k = k < 0 ? k : look(s, e);
        k = k < 0 ? k : plan_make(s->spec, &s->facts, &s->draft.arena, &p, e);
        k = k < 0 ? k : probe_places(p, &s->opened, e);
        if (!s->image)
                return k;
        t->notes = s->image->notes;
        t->unless = image_fsck_why(s->image, k < 0, &s->draft.arena);
        return t->unless ? 0 : k;
}

static int session_main(struct session *s, int argc, char **argv, int *ret_status, struct err *e) {
        enum conf_action action;
        int k = berth_check_descriptors(s->env, e);

        k = k < 0 ? k : conf_argv(&s->conf, argc, argv, &action, e);
        /* A service has none that were not given to it. */
        k = k < 0 || s->serves ? k : berth_close_descriptors(&s->draft.spec, s->env, e);
        if (k < 0)
                return k;
        if (action != CONF_RUN) {
                conf_print(stdout, &s->conf, action);
                return *ret_status = 0;
        }
        if (s->draft.spec.self.cleanup)
                return clean_up(s, ret_status, e);
        if (s->draft.spec.root.inspect && conf_environment(&s->conf, e) < 0)
                return -EINVAL;
        if (s->draft.spec.root.inspect)
                return berth_inspect(&s->draft.spec, &(struct inspect_try){ .try = try_start, .arg = s },
                                     &s->draft.arena, ret_status, e);
        k = prepare(s, e);
        if (k >= 0 && is_caller(s) && plan_may_serve(s->spec, &s->facts)) {
                k = serve(s, argv, ret_status, e);
                if (k != 0)
                        return k < 0 ? k : 0;
        }
        k = k < 0 ? k : look(s, e);
        scrub_secrets(&s->draft.spec);
        print_lines(&s->draft.warnings);
        if (!s->draft.spec.self.quiet)
                print_lines(&s->draft.notes);
        if (k < 0)
                return k;
        return s->spec->self.detach && s->spec->self.dry_run == DRY_RUN_NO ? run_detached(s, ret_status, e)
                                                                           : run(s, ret_status, e);
}

/* A function of its own: the frame of main() has to fit in whatever the limits leave. */
__attribute__((noinline)) static int berth_main(int argc, char **argv, char **env) {
        /* Large, and mostly untouched: above all that is called, so that the launch has the pages of stack that the
         * look at the host has had. */
        struct guest_room guest;
        struct session s = { .caller = -1,
                             .journal = -1,
                             .blkid = { .sock = -1 },
                             .stirrer = { .pidfd = -1 },
                             .env = env,
                             .room = &guest };
        struct err e = { .kind = ERR_NONE };
        int status = EXIT_FAILURE, k;
        struct arena_room room;

        if (streq(argv[0], SUPERVISOR)) {
                struct supervisor_words words;

                status = berth_supervisor(&words);
                if (status >= 0)
                        return status;
                argc = words.argc;
                argv = words.argv;
                s.env = words.env;
                s.caller = words.caller;
                s.journal = words.journal;
                s.serves = true;
        }
        if (!log_init(getenv("BERTH_DEBUG")))
                fprintf(stderr, "berth: BERTH_DEBUG: unknown topic (known: " LOG_TOPICS ")\n");
        draft_init(&s.draft, conf_face(argv[0]));
        arena_lend(&s.draft.arena, &room);
        conf_init(&s.conf, &s.draft, s.env);
        opened_init(&s.opened);
        k = session_main(&s, argc, argv, &status, &e);
        /* A start writes nothing: then there is nothing to look for. */
        if (k >= 0 && (ferror(stdout) || (__fpending(stdout) > 0 && fflush(stdout) != 0)))
                k = err_set(&e, ERR_HOST, errno, "cannot write the output");
        if (k < 0) {
                print_error(&s, &e);
                status = EXIT_FAILURE;
        }
        if (s.serves && s.caller >= 0)
                berth_supervisor_end(s.caller, status);
        kill_process(&s.stirrer);
        image_close(s.image);
        stack_close(s.stack);
        /* What is held goes with the process: freeing it piece by piece would only take time. */
        _exit(status);
}

int main(int argc, char **argv, char **env) {
        if (argc < 1)
                return EXIT_FAILURE;
        /* Rights by a file's mode or capabilities are not for berth: everything below trusts its caller. */
        if (getauxval(AT_SECURE)) {
                fputs("berth: will not run setuid, setgid or with file capabilities\n", stderr);
                return EXIT_FAILURE;
        }
        if (stackroom_reserve() < 0) {
                fputs("berth: " NO_STACK "\n", stderr);
                return EXIT_FAILURE;
        }
        return berth_main(argc, argv, env);
}
