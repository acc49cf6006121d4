/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process G, inside its own tree: the console, the program, the descriptors, the working directory, exec. Whatever is
 * looked up here belongs to the container, and is looked up with magic links refused. */

#include "run/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/elf.h"
#include "base/str.h"
#include "sys/exec.h"
#include "sys/pty.h"
#include "sys/resolve.h"
#include "stub/stub.h"

int guest_console(struct guest *g, struct err *e) {
        CLEAN_FD int devpts = -1;
        int k;

        if (g->plan->console.mode == CONSOLE_PIPE)
                return 0;
        devpts = resolve_plain(g->root, "dev/pts", O_PATH | O_DIRECTORY);
        k = devpts < 0 ? devpts : pty_open(devpts, &g->master, &g->slave);
        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot open a console in the container");
        if (g->plan->exec.uid != 0 && fchown(g->slave, g->plan->exec.uid, (gid_t) -1) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot hand the console to user %u", g->plan->exec.uid);
        return 0;
}

/* useradd(8) was never asked: a home directory that is missing is made, as upstream does with --uid=. */
int guest_home(struct guest *g, struct err *e) {
        const struct plan *p = g->plan;
        CLEAN_FD int dir = -1, home = -1;
        const char *name;

        if (!p->exec.home)
                return 0;
        home = resolve_in_root(g->root, p->exec.home, O_PATH);
        if (home != -ENOENT)
                return 0;
        for (const char *slash = strchr(p->exec.home + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                size_t n = (size_t) (slash - p->exec.home - 1);
                char upper[512];
                CLEAN_FD int at = -1;

                if (n >= sizeof upper)
                        return err_set(e, ERR_IMAGE, ENAMETOOLONG, "cannot make the home directory %s", p->exec.home);
                memcpy(upper, p->exec.home + 1, n);
                upper[n] = '\0';
                at = guest_open_parent(g->root, upper, &name, e);
                if (at < 0)
                        return at;
                if (mkdirat(at, name, 0775) < 0 && errno != EEXIST)
                        return errno == EROFS ? 0 : err_set(e, ERR_IMAGE, errno, "cannot make /%s", upper);
        }
        dir = guest_open_parent(g->root, p->exec.home + 1, &name, e);
        if (dir < 0)
                return dir;
        if (mkdirat(dir, name, 0755) < 0)
                return errno == EROFS || errno == EEXIST
                               ? 0
                               : err_set(e, ERR_IMAGE, errno, "cannot make the home directory %s", p->exec.home);
        if (fchownat(dir, name, p->exec.uid, p->exec.gid, AT_SYMLINK_NOFOLLOW) < 0)
                return err_set(e, ERR_IMAGE, errno, "cannot hand the home directory %s to its user", p->exec.home);
        return 0;
}

static const char *path_variable(const struct plan *p) {
        for (size_t i = 0; i < p->exec.env.n; i++) {
                const char *value = str_after(p->exec.env.items[i], "PATH=");

                if (value)
                        return value;
        }
        return "/usr/bin:/bin";
}

/* A file that may be the payload: looked at before it is opened for reading, since opening a device or a FIFO does
 * something. */
static int open_file(struct guest *g, const char *path) {
        CLEAN_FD int fd = resolve_in_root(g->root, path, O_PATH);
        struct stat st;

        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        return S_ISREG(st.st_mode) && st.st_mode & 0111 ? TAKE_FD(fd) : -EACCES;
}

/* What is not absolute is seen from the working directory, which G enters only later. */
static int open_name(struct guest *g, const char *dir, size_t n, const char *name, char ret_path[PATH_MAX]) {
        const char *from = g->plan->exec.chdir;
        size_t at;

        from = *(n > 0 ? dir : name) == '/' || streq(from, "/") ? "" : from;
        at = str_join(ret_path, PATH_MAX, from, *from ? "/" : "", NULL);
        at = str_put(ret_path, PATH_MAX, at, dir, n);
        at = str_put(ret_path, PATH_MAX, at, "/", n > 0);
        at = str_put(ret_path, PATH_MAX, at, name, strlen(name));
        return at < PATH_MAX ? open_file(g, ret_path) : -ENAMETOOLONG;
}

/* As execvp(3): the first that can be executed; one that may not be is remembered. */
static int search_path(struct guest *g, const char *name, char ret_path[PATH_MAX]) {
        const char *dirs = path_variable(g->plan);
        int result = -ENOENT;

        while (*dirs) {
                size_t n = strcspn(dirs, ":");
                int fd = open_name(g, dirs, n, name, ret_path);

                if (fd >= 0)
                        return fd;
                if (fd != -ENOENT && fd != -ENOTDIR)
                        result = fd;
                dirs += n + (dirs[n] == ':');
        }
        return result;
}

static int open_candidate(struct guest *g, char ret_path[PATH_MAX]) {
        const struct plan *p = g->plan;
        int fd = -ENOENT;

        if (p->exec.candidates.n == 0 && p->exec.search_path)
                return search_path(g, p->exec.argv.items[0], ret_path);
        if (p->exec.candidates.n == 0)
                return open_name(g, "", 0, p->exec.argv.items[0], ret_path);
        for (size_t i = 0; i < p->exec.candidates.n && fd < 0; i++)
                fd = open_name(g, "", 0, p->exec.candidates.items[i], ret_path);
        return fd;
}

static int not_found(int k, const struct plan *p, const char *path, struct err *e) {
        if (p->exec.candidates.n == 0)
                path = *p->exec.argv.items[0] ? p->exec.argv.items[0] : "\"\"";
        err_set(e, ERR_PAYLOAD, -k, "cannot run %s in %s", path, p->root.path);
        err_blame(e, SAID_COMMAND, NULL);
        if (k == -ENOENT && p->exec.candidates.n > 1)
                return err_hint(e, "the tree has no shell; name a command");
        if (k == -ENOENT && p->exec.search_path)
                return err_hint(e, "not found in PATH inside the tree");
        if (k == -ELOOP)
                return err_hint(e, "links that lead into proc are refused");
        return k == -EACCES ? err_hint(e, "that takes a regular file with the permission to be executed") : k;
}

static int not_executable(struct guest *g, int k, const char *path, struct err *e) {
        CLEAN_FD int fd = resolve_in_root(g->root, path, O_PATH);
        struct statvfs fs;

        err_set(e, ERR_PAYLOAD, -k, "cannot run %s in %s", path, g->plan->root.path);
        err_blame(e, SAID_COMMAND, NULL);
        if (fd >= 0 && fstatvfs(fd, &fs) == 0 && fs.f_flag & ST_NOEXEC)
                return err_hint(e, "its file system is mounted noexec: mount -o remount,exec");
        return err_hint(e, "the interpreter in its first line (#!) cannot be used");
}

/* A script reads its own name as it was said, not as it was found from here. */
static void name_as_said(struct exec_image *x, const char *found, char *said) {
        for (size_t i = 0; x->room && x->argv[i]; i++)
                if (x->argv[i] == found)
                        x->room[x->argv + i - (char *const *) x->room] = said;
}

int guest_program(struct guest *g, struct err *e) {
        struct guest_room *room = g->run->room;
        const struct plan *p = g->plan;
        int fd = open_candidate(g, room->path), k;
        const char *path = room->path;
        char **argv = p->exec.argv.items;

        if (fd < 0)
                return not_found(fd, p, path, e);
        if (p->exec.argv0_login) {
                const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

                snprintf(room->login, sizeof room->login, "%s%s", p->exec.argv0_login, base);
                room->login_argv[0] = room->login;
                room->login_argv[1] = NULL;
                argv = room->login_argv;
        }
        k = exec_image_open(&room->image, g->root, fd, path, argv);
        if (k < 0)
                return not_executable(g, k, path, e);
        if (p->exec.candidates.n == 0 && !p->exec.search_path)
                name_as_said(&room->image, path, argv[0]);
        g->program = &room->image;
        return 0;
}

int guest_stdio(struct guest *g, struct err *e) {
        int k;

        if (g->slave < 0)
                return 0;
        /* Below the stub init the payload has a session of its own, and the stub gives it the terminal. An init leaves
         * the console to the shells and getties that it starts: with it as the leader of the console's session, Ctrl-C
         * would reach the init alone, and ask it for a reboot. */
        k = g->plan->exec.mode != EXEC_COMMAND ? 0 : pty_make_controlling(g->slave);
        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot make the console the controlling terminal");
        for (int fd = 0; fd <= 2; fd++)
                if (dup2(g->slave, fd) < 0)
                        return err_set(e, ERR_SYSTEM, errno, "cannot use the console as standard input and output");
        return 0;
}

static int pass_descriptors(struct guest *g, int end, struct err *e) {
        for (int fd = 3; fd < GUEST_FIRST_FD; fd++)
                if (g->plan->exec.listen_fds == 0)
                        (void) close(fd);
        for (int fd = 3; fd < 3 + (int) g->plan->exec.listen_fds && fd < end; fd++)
                if (fcntl(fd, F_SETFD, 0) < 0) {
                        err_set(e, ERR_USAGE, errno, "LISTEN_FDS= announces descriptor %d, which is not open", fd);
                        return err_hint(e, "unset LISTEN_FDS");
                }
        return 0;
}

/* Lowest free numbers behind the passed ones, so that one close_range(2) takes care of everything else: the caller's
 * leaked descriptors, and ours. */
int guest_descriptors(struct guest *g, struct err *e) {
        int first = (int) (GUEST_FIRST_FD + g->plan->exec.listen_fds);
        int *const keep[GUEST_KEEP] = { &g->sock, &g->program->fd, &g->proc, &g->stub, &g->lifeline, &g->pair };

        for (int i = 0; i < GUEST_KEEP; i++) {
                if (*keep[i] < 0)
                        continue;
                *keep[i] = fcntl(*keep[i], F_DUPFD_CLOEXEC, first + GUEST_KEEP);
                if (*keep[i] < 0)
                        return err_set(e, ERR_SYSTEM, errno, "cannot move a descriptor");
        }
        for (int i = 0; i < GUEST_KEEP; i++) {
                if (*keep[i] < 0) {
                        (void) close(first + i);
                        continue;
                }
                if (dup3(*keep[i], first + i, O_CLOEXEC) < 0)
                        return err_set(e, ERR_SYSTEM, errno, "cannot move a descriptor");
                *keep[i] = first + i;
        }
        if (syscall(SYS_close_range, first + GUEST_KEEP, ~0U, 0) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot close what the payload must not have");
        g->root = g->slave = -1;
        return pass_descriptors(g, first, e);
}

int guest_directory(struct guest *g, struct err *e) {
        const struct plan *p = g->plan;
        CLEAN_FD int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), dir = -1;
        char where[16];

        if (top < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot open the root directory");
        dir = resolve_in_root(top, p->exec.chdir, O_PATH | O_DIRECTORY);
        if (dir < 0 && p->exec.chdir_said) {
                err_set(e, ERR_PAYLOAD, -dir, "cannot use %s as the working directory", p->exec.chdir);
                err_blame(e, "chdir", NULL);
                return dir == -ELOOP ? err_hint(e, "links that lead into proc are refused") : dir;
        }
        if (fchdir(dir < 0 ? top : dir) < 0) {
                err_set(e, ERR_PAYLOAD, errno, "cannot enter the working directory %s", p->exec.chdir);
                return err_blame(e, "chdir", NULL);
        }
        /* getcwd(2) says "(unreachable)" for what is not below our root. */
        if (!getcwd(where, sizeof where) && errno != ERANGE)
                return err_set(e, ERR_SYSTEM, errno, "cannot tell the working directory");
        return where[0] == '/' || errno == ERANGE
                       ? 0
                       : err_set(e, ERR_BUG, 0, "the working directory is outside of the container");
}

int guest_stub(struct guest *g, struct err *e) {
        if (g->plan->exec.mode != EXEC_STUB)
                return 0;
        g->stub = stub_open();
        return g->stub < 0 ? err_set(e, ERR_HOST, -g->stub, "cannot make the stub init") : 0;
}

int guest_stub_job(struct guest *g, struct err *e) {
        struct guest_room *room = g->run->room;
        const struct plan *p = g->plan;
        struct stub_job job = {
                .flags = (p->exec.strict_stub ? STUB_STRICT : 0) |
                         (p->console.mode != CONSOLE_PIPE ? STUB_TERMINAL : 0) |
                         (p->exec.listen_fds ? STUB_LISTEN_PID : 0),
                .exec_fd = g->program->fd,
                .status_fd = g->sock,
                .life_fd = g->lifeline,
                .pass = room->pass,
                .n_pass = p->exec.listen_fds,
                .path = g->program->path[0] ? g->program->path : NULL,
                .argv = g->program->argv,
                .envp = p->exec.env.items,
        };
        int image, k;

        if (p->exec.mode != EXEC_STUB)
                return 0;
        for (unsigned i = 0; i < p->exec.listen_fds; i++)
                room->pass[i] = (int) (3 + i);
        room->container[0] = room->uuid[0] = '\0';
        for (size_t i = 0; i < p->exec.env.n; i++) {
                if (str_after(p->exec.env.items[i], "container="))
                        snprintf(room->container, sizeof room->container, "%s", p->exec.env.items[i]);
                if (str_after(p->exec.env.items[i], "container_uuid="))
                        snprintf(room->uuid, sizeof room->uuid, "%s", p->exec.env.items[i]);
        }
        room->stub_env[0] = room->container;
        room->stub_env[1] = room->uuid;
        room->stub_env[2] = NULL;
        image = g->stub;
        k = stub_prepare(&g->stub, &job);
        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot store what the stub init has to do");
        /* It has copies. */
        (void) close(image);
        clean_fd(&g->program->fd);
        clean_fd(&g->lifeline);
        g->program->fd = g->lifeline = -1;
        return 0;
}

static int no_program(const struct guest *g, struct err *e) {
        const struct elf_kind *kind = &g->program->kind;
        const char *name = kind->class ? elf_machine_name(kind) : NULL;

        if (!kind->class || elf_is_native(kind))
                return err_hint(e, "not for this machine, or no program");
        if (!name)
                return err_hint(e, "it is for another machine (number %u); this one is %s", kind->machine,
                                elf_own_name());
        return err_hint(e, "it is for %s, this machine is %s: %s", name, elf_own_name(),
                        str_or(g->plan->exec.foreign_hint, "no emulator for it is registered (binfmt_misc, flag F)"));
}

int guest_exec(struct guest *g, struct err *e) {
        bool stub = g->plan->exec.mode == EXEC_STUB;
        int k = stub ? stub_exec(g->stub, g->run->room->stub_env)
                     : exec_image_run(g->program, g->plan->exec.env.items);

        if (stub)
                return err_set(e, ERR_SYSTEM, -k, "cannot execute the stub init");
        err_set(e, ERR_PAYLOAD, -k, "cannot execute %s", g->program->argv[0]);
        err_blame(e, SAID_COMMAND, NULL);
        if (k == -ENOENT)
                return err_hint(e, "its program interpreter (dynamic linker) is missing in the tree");
        return k == -ENOEXEC ? no_program(g, e) : k;
}
