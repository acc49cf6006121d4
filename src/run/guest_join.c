/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process J: a copy of the supervisor that was born in the payload's cgroup, enters the namespaces of the container's
 * PID 1, and makes itself what the payload was made: by the steps of a guest, from the program on. What J needs of the
 * plan it has in memory; nothing in the container has to help.
 *
 * A process enters a process namespace by being born in it. So the program is a sister of J, process X, and J ends.
 * J is in the supervisor's own process namespace, where the container cannot see it; so as much as possible is done
 * before X is born: X has the payload's ids, capabilities and limits from its first moment, and nothing of the
 * supervisor's but a copy of its memory, which is undumpable.
 *
 * J may allocate: it has nothing to undo. It must expect that anything of the container lies in wait for it. */

#include "run/guest_join.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"
#include "base/str.h"
#include "probe/tree.h"
#include "run/control.h"
#include "run/guest.h"
#include "sys/pty.h"

struct joiner {
        struct guest guest; /* first: the steps of a guest get a pointer to it */
        struct plan plan;   /* the payload's, changed to what was asked for */
        const struct join *job;
        struct control_exec want;
        struct arena arena;
};

static struct joiner *joiner_of(struct guest *g) {
        return (struct joiner *) g;
}

/* What a step of the guest blames on the payload, and is the request's fault: only the program itself decides between
 * 126 and 127. */
static int blame_request(int result, struct err *e) {
        if (result < 0 && e->kind == ERR_PAYLOAD)
                e->kind = ERR_USAGE;
        return result;
}

/* --- as the supervisor --- */

static int compare(const void *a, const void *b) {
        return *(const int *) a - *(const int *) b;
}

/* All but what is needed here: locks, terminals, the connections of other clients. */
static int close_supervisors(struct guest *g, struct err *e) {
        const struct join *job = joiner_of(g)->job;
        int keep[] = { 2,
                       job->block,
                       job->stdio[0],
                       job->stdio[1],
                       job->stdio[2],
                       job->sock,
                       g->run->held.guest.pidfd,
                       g->run->opened->proc };
        int last = 2;

        qsort(keep, ELEMENTS(keep), sizeof keep[0], compare);
        for (size_t i = 0; i < ELEMENTS(keep); i++) {
                if (keep[i] > last + 1 && syscall(SYS_close_range, (unsigned) last + 1, (unsigned) keep[i] - 1, 0) < 0)
                        return err_set(e, ERR_SYSTEM, errno, "cannot close what is the supervisor's");
                last = keep[i] > last ? keep[i] : last;
        }
        return syscall(SYS_close_range, (unsigned) last + 1, ~0U, 0) < 0
                       ? err_set(e, ERR_SYSTEM, errno, "cannot close what is the supervisor's")
                       : 0;
}

/* A directory would lead the program out of the container. */
static int check_stdio(const struct join *job, struct err *e) {
        for (int i = 0; i < 3; i++) {
                struct stat st;

                if (job->stdio[i] < 0)
                        continue;
                if (fstat(job->stdio[i], &st) < 0)
                        return err_set(e, ERR_USAGE, errno, "cannot use descriptor %d", i);
                if (S_ISDIR(st.st_mode) || fcntl(job->stdio[i], F_GETFL) & O_PATH) {
                        err_set(e, ERR_USAGE, 0,
                                "descriptor %d is a directory: it would lead the program out of the container", i);
                        return err_hint(e, "redirect it elsewhere");
                }
        }
        return 0;
}

static int read_request(struct guest *g, struct err *e) {
        struct joiner *j = joiner_of(g);
        int k = control_exec_load(j->job->block, &j->arena, &j->want);

        if (k == 0 && !(j->want.flags & CONTROL_TTY) != (j->job->stdio[0] >= 0))
                k = -EBADMSG;
        return k < 0 ? err_set(e, ERR_USAGE, -k, "the request for a program cannot be read") : check_stdio(j->job, e);
}

/* The payload's was set by the launcher, whose own this copy has. */
static int set_oom_score(struct guest *g, struct err *e) {
        CLEAN_FD int fd = -1;

        if (!g->plan->limits.oom_said)
                return 0;
        fd = openat(g->run->opened->proc, "self/oom_score_adj", O_WRONLY | O_CLOEXEC);
        return fd < 0 || dprintf(fd, "%d\n", g->plan->limits.oom_score_adjust) < 0
                       ? err_set(e, ERR_HOST, errno, "cannot set the OOM score")
                       : 0;
}

/* Those of PID 1 as they are now: all at once, since entering some takes rights that entering others takes away. */
static int enter(struct guest *g, struct err *e) {
        int which = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP;

        if (g->plan->ids.own)
                which |= CLONE_NEWUSER;
        if (setns(g->run->held.guest.pidfd, which) < 0) {
                if (errno == ESRCH)
                        return err_set(e, ERR_BUSY, ESRCH, "%s is ending", g->plan->machine);
                return err_set(e, ERR_HOST, errno, "cannot enter the namespaces of %s", g->plan->machine);
        }
        g->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        return g->root < 0 ? err_set(e, ERR_SYSTEM, errno, "cannot open the root directory of %s", g->plan->machine)
                           : 0;
}

/* --- the plan of the program --- */

static void use_user(struct joiner *j, const struct tree_user *u) {
        static const char shells[][10] = { "/bin/bash", "/bin/sh" };
        struct plan *p = &j->plan;

        p->exec.uid = u->uid;
        p->exec.gid = u->gid;
        p->exec.groups = u->groups;
        p->exec.n_groups = u->n_groups;
        p->exec.chdir = str_or(u->home, "/");
        if (!(j->want.flags & CONTROL_LOGIN))
                return;
        p->exec.argv0_login = "-";
        if (u->shell)
                strv_add(&j->arena, &p->exec.candidates, u->shell);
        for (size_t i = 0; i < ELEMENTS(shells); i++)
                strv_add(&j->arena, &p->exec.candidates, shells[i]);
}

/* As the plan does for the payload: root has all of the bounding set, others what is ambient. */
static void use_rights(struct plan *p) {
        uint64_t all = p->exec.uid == 0 ? p->sec.bounding : 0;

        p->sec.permitted = all | p->sec.ambient;
        p->sec.effective = all | p->sec.ambient;
        p->sec.filter_before_caps =
                !p->sec.no_filter && !p->sec.no_new_privileges && !(p->sec.effective & UINT64_C(1) << CAP_SYS_ADMIN);
}

static bool same_name(const char *a, const char *b) {
        size_t n = strcspn(a, "=");

        return strncmp(a, b, n) == 0 && b[n] == '=';
}

static void put_env(struct joiner *j, struct strv *env, const char *entry) {
        for (size_t i = 0; i < env->n; i++)
                if (same_name(env->items[i], entry)) {
                        env->items[i] = arena_strdup(&j->arena, entry);
                        return;
                }
        strv_add(&j->arena, env, entry);
}

/* The payload's own, without what was meant for its process alone, or depends on who looks. */
static void use_env(struct joiner *j, const struct tree_user *u) {
        static const char left_out[][16] = { "NOTIFY_SOCKET=", "LISTEN_FDS=", "LISTEN_PID=", "LISTEN_FDNAMES=",
                                             "TERM=",          "COLORTERM=",  "NO_COLOR=" };
        struct strv env = { 0 };
        struct plan *p = &j->plan;

        for (size_t i = 0; i < p->exec.env.n; i++) {
                bool out = false;

                for (size_t k = 0; k < ELEMENTS(left_out); k++)
                        out = out || str_after(p->exec.env.items[i], left_out[k]);
                if (!out)
                        strv_add(&j->arena, &env, p->exec.env.items[i]);
        }
        put_env(j, &env, "TERM=dumb");
        if (u) {
                put_env(j, &env, arena_printf(&j->arena, "HOME=%s", str_or(u->home, "/")));
                put_env(j, &env, arena_printf(&j->arena, "USER=%s", str_or(u->name, "")));
                put_env(j, &env, arena_printf(&j->arena, "LOGNAME=%s", str_or(u->name, "")));
                if (u->shell)
                        put_env(j, &env, arena_printf(&j->arena, "SHELL=%s", u->shell));
        }
        for (size_t i = 0; i < j->want.env.n; i++)
                put_env(j, &env, j->want.env.items[i]);
        p->exec.env = env;
}

static int make_plan(struct guest *g, struct err *e) {
        struct joiner *j = joiner_of(g);
        struct plan *p = &j->plan;
        const struct tree_user *u = NULL;
        struct tree_user found;

        p->exec.mode = EXEC_COMMAND;
        p->exec.listen_fds = 0;
        p->exec.home = NULL;
        p->exec.argv0_login = NULL;
        p->exec.candidates = (struct strv){ 0 };
        p->exec.argv = j->want.argv;
        p->exec.search_path = j->want.argv.n > 0 && !strchr(j->want.argv.items[0], '/');
        p->exec.chdir_said = false;
        p->console.mode = j->want.flags & CONTROL_TTY ? CONSOLE_INTERACTIVE : CONSOLE_PIPE;
        if (j->want.user || j->want.flags & CONTROL_LOGIN) {
                const char *name = j->want.user ? j->want.user : arena_printf(&j->arena, "%u", p->exec.uid);
                int k = blame_request(tree_user(g->root, name, &j->arena, &found, e), e);

                if (k < 0)
                        return k;
                u = &found;
                use_user(j, u);
        }
        if (j->want.chdir) {
                p->exec.chdir = j->want.chdir;
                p->exec.chdir_said = true;
        }
        use_rights(p);
        use_env(j, u);
        return 0;
}

/* --- as the program --- */

static int give_terminal(struct guest *g, struct err *e) {
        const struct control_exec *want = &joiner_of(g)->want;
        const struct winsize size = { .ws_row = want->rows, .ws_col = want->columns };

        if (g->master >= 0 && want->rows > 0 && want->columns > 0)
                (void) ioctl(g->master, TIOCSWINSZ, &size);
        return guest_give(g, GIVE_CONSOLE, &g->master, e);
}

/* The container's proc does not show this process. */
static int find_program(struct guest *g, struct err *e) {
        int k = guest_program(g, e);

        if (k == 0)
                exec_image_locate(g->program, g->proc);
        return k;
}

static int use_stdio(struct guest *g, struct err *e) {
        const struct join *job = joiner_of(g)->job;

        for (int i = 0; i < 3; i++)
                if (dup2(g->slave >= 0 ? g->slave : job->stdio[i], i) < 0)
                        return err_set(e, ERR_SYSTEM, errno, "cannot pass descriptor %d", i);
        return 0;
}

static int use_directory(struct guest *g, struct err *e) {
        return blame_request(guest_directory(g, e), e);
}

static int use_ids(struct guest *g, struct err *e) {
        return blame_request(guest_ids(g, e), e);
}

/* The host's, of which nothing may get inside. */
static int close_proc(struct guest *g, struct err *e) {
        int fd = TAKE_FD(g->proc);

        return close(fd) < 0 ? err_set(e, ERR_SYSTEM, errno, "cannot close the host's proc") : 0;
}

/* Everybody inside may read the command line of the copy that X is until exec: it is the launcher's, and its
 * environment lies behind it, up to the name by which it was executed (Linux, create_elf_tables()). */
static int forget_words(struct guest *g, struct err *e) {
        char *first = program_invocation_name;
        const char *last = (const char *) getauxval(AT_EXECFN);

        if (!last || last < first)
                return err_set(e, ERR_BUG, 0, "cannot tell where the command line is");
        memset(first, 0, (size_t) (last - first) + strlen(last));
        return 0;
}

static int begin_session(struct guest *g, struct err *e) {
        int k = setsid() < 0 ? -errno : 0;

        if (k == 0 && g->plan->console.mode != CONSOLE_PIPE)
                k = pty_make_controlling(STDIN_FILENO);
        return k < 0 ? err_set(e, ERR_SYSTEM, -k, "cannot make a session") : 0;
}

static const struct guest_step program[] = {
        { "session", begin_session },
        { "die with supervisor", guest_die_with_launcher },
        { "filter", guest_filter },
        { "exec", guest_exec },
};

static int be_born(struct guest *g, struct err *e) {
        const struct join *job = joiner_of(g)->job;
        int k;

        /* Not for X to write to. */
        if (madvise(job->shared, job->shared_size, MADV_DONTFORK) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot keep memory from the program");
        k = process_clone_inside(job->born);
        if (k == 0)
                guest_run_steps(g, program, ELEMENTS(program));
        /* ENOMEM is what the kernel says where PID 1 has ended (pid_namespaces(7)). */
        if (k < 0)
                return err_set(e, ERR_HOST, -k, "cannot make a process in %s", g->plan->machine);
        _exit(EXIT_SUCCESS);
}

/* As little as possible is left for X. The memory is undumpable before the namespaces are entered, and is made so
 * again: a change of ids takes it back. */
static const struct guest_step steps[] = {
        { "die with supervisor", guest_die_with_launcher },
        { "supervisor's own", close_supervisors },
        { "request", read_request },
        { "signals", guest_signals },
        { "scheduling", guest_schedule },
        { "oom score", set_oom_score },
        { "undumpable", guest_undumpable },
        { "enter", enter },
        { "become root", guest_become_root },
        { "keyring", guest_keyring },
        { "plan", make_plan },
        { "console", guest_console },
        { "give", give_terminal },
        { "program", find_program },
        { "stdio", use_stdio },
        { "descriptors", guest_descriptors },
        { "directory", use_directory },
        { "limits", guest_limits },
        { "bounds", guest_bounds },
        { "label", guest_label },
        { "ids", use_ids },
        { "die with supervisor again", guest_die_with_launcher },
        { "capabilities", guest_capabilities },
        { "undumpable again", guest_undumpable },
        { "verification", guest_verify },
        { "proc", close_proc },
        { "launcher's words", forget_words },
        { "birth", be_born },
};

_Noreturn void join_main(struct run *r, const struct join *job) {
        struct joiner j = {
                .guest = { .run = r,
                           .sock = job->sock,
                           .root = -1,
                           .inaccessible_file = { .fd = -1 },
                           .inaccessible_dir = { .fd = -1 },
                           .proc = r->opened->proc,
                           .sys = -1,
                           .master = -1,
                           .slave = -1,
                           .stub = -1,
                           .pair = -1,
                           .leader = -1,
                           .lifeline = -1,
                           .joins = true,
                           .seeded = { -1, -1 } },
                .plan = *r->plan,
                .job = job,
        };

        j.guest.plan = &j.plan;
        /* Somebody may have changed ours since. */
        r->limits_as_planned = 0;
        guest_run_steps(&j.guest, steps, ELEMENTS(steps));
        _exit(EXIT_FAILURE);
}
