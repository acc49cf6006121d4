/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/str.h"
#include "sys/resolve.h"

/* As the first line of a script that has none. */
static const char plain_shell[] = "#!/bin/sh";

static bool same_file(int a, int b) {
        struct stat x, y;

        return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* May it be executed? The kernel asks that of the file it is given, which for a script is the interpreter. */
static int check_executable(int fd) {
        struct stat st;
        struct statvfs fs;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EACCES;
        if (syscall(SYS_faccessat2, fd, "", X_OK, AT_EMPTY_PATH | AT_EACCESS) == 0)
                return 0;
        if (errno != ENOSYS)
                return -errno;
        /* Before Linux 5.8: less exact, but never looser for root. */
        return fstatvfs(fd, &fs) == 0 && !(fs.f_flag & ST_NOEXEC) && (st.st_mode & 0111) ? 0 : -EACCES;
}

/* To read, which for a program that may only be executed is not allowed; then O_PATH. */
static int open_program(int root, const char *path) {
        int fd = resolve_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);

        return fd == -EACCES ? resolve_in_root(root, path, O_PATH) : fd;
}

/* The first bytes of a file. Returns their number; 0 also where it cannot be read: then it is no script to us. */
static ssize_t read_head(int fd, int root, const char *path, char buf[EXEC_LINE]) {
        CLEAN_FD int again = -1;
        ssize_t n = pread(fd, buf, EXEC_LINE, 0);

        if (n < 0 && errno == EBADF) {
                again = resolve_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
                if (again >= 0 && same_file(fd, again))
                        n = pread(again, buf, EXEC_LINE, 0);
        }
        return n < 0 ? 0 : n;
}

static bool is_blank(char c) {
        return c == ' ' || c == '\t';
}

static char *find_blank(char *s, const char *end) {
        while (s < end && *s && !is_blank(*s))
                s++;
        return s;
}

/* Split "#! INTERPRETER ARGUMENT" in place; n bytes are there. Returns -ENOEXEC where it names none. */
static int parse_line(char line[EXEC_LINE], size_t n, char **ret_interpreter, char **ret_argument) {
        char *end = memchr(line, '\n', n), *name = line + 2, *rest;

        if (!end) {
                /* Longer than what is looked at: an argument may be cut off, the interpreter's name must be whole. */
                while (name < line + n && is_blank(*name))
                        name++;
                if (n == EXEC_LINE && find_blank(name, line + n) == line + n)
                        return -ENOEXEC;
                end = line + (n < EXEC_LINE ? n : EXEC_LINE - 1);
        }
        while (end > line + 2 && is_blank(end[-1]))
                end--;
        *end = '\0';
        name = line + 2 + strspn(line + 2, " \t");
        if (!*name)
                return -ENOEXEC;
        rest = find_blank(name, end);
        *ret_argument = *rest ? rest + 1 + strspn(rest + 1, " \t") : NULL;
        *rest = '\0';
        *ret_interpreter = name;
        return 0;
}

/* Relative interpreters are relative to the working directory. */
static int open_interpreter(int root, const char *name) {
        char cwd[PATH_MAX], joined[PATH_MAX];
        int n;

        if (name[0] == '/')
                return open_program(root, name);
        if (!getcwd(cwd, sizeof cwd) || cwd[0] != '/')
                return -ENOENT;
        n = snprintf(joined, sizeof joined, "%s/%s", cwd, name);
        return n < 0 || (size_t) n >= sizeof joined ? -ENAMETOOLONG : open_program(root, joined);
}

/* A copy of argv with room in front for what interpreters add: two each. */
static int make_room(struct exec_image *x, char *const argv[]) {
        size_t n = 0;
        void *p;

        while (argv[n])
                n++;
        x->room_size = (2 * EXEC_DEPTH + n + 1) * sizeof *x->room;
        p = mmap(NULL, x->room_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
                return -errno;
        x->room = p;
        memcpy(x->room + 2 * EXEC_DEPTH, argv, (n + 1) * sizeof *argv);
        x->argv = x->room + 2 * EXEC_DEPTH;
        return 0;
}

static bool is_text(const char *s, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (s[i] == '\177' || (s[i] >= 0 && s[i] < ' ' && !memchr("\t\n\v\f\r\033", s[i], 6)))
                        return false;
        return n > 0;
}

/* What execvp(3) hands to a shell: no program, but text. */
static bool is_plain_script(const char *head, size_t n, int root) {
        CLEAN_FD int shell = -1;

        if (!is_text(head, n))
                return false;
        shell = open_program(root, plain_shell + 2);
        return shell >= 0 && check_executable(shell) == 0;
}

/* One script: 1 where the image became its interpreter, 0 where it is none. */
static int interpret(struct exec_image *x, int root, int depth, const char **path) {
        char head[EXEC_LINE], *interpreter, *argument, **argv;
        ssize_t n = read_head(x->fd, root, *path, head);
        int fd, r;

        if (n < 2 || head[0] != '#' || head[1] != '!') {
                if (elf_kind_of((const uint8_t *) head, (size_t) n, &x->kind) || depth > 0 ||
                    !is_plain_script(head, (size_t) n, root))
                        return 0;
                n = sizeof plain_shell - 1;
                memcpy(head, plain_shell, sizeof plain_shell);
        }
        if (depth == EXEC_DEPTH)
                return -ELOOP;
        memcpy(x->line[depth], head, (size_t) n);
        r = parse_line(x->line[depth], (size_t) n, &interpreter, &argument);
        if (r < 0)
                return r;
        if (!x->room) {
                r = make_room(x, x->argv);
                if (r < 0)
                        return r;
        }
        argv = x->room + (x->argv - (char *const *) x->room);
        *argv = (char *) *path; /* argv[0] gives way to the script's path */
        if (argument)
                *--argv = argument;
        *--argv = interpreter;
        x->argv = argv;
        fd = open_interpreter(root, interpreter);
        if (fd < 0)
                return fd;
        close(x->fd);
        x->fd = fd;
        *path = interpreter;
        return 1;
}

static ssize_t path_itself(const struct exec_image *x, const char *path, char *buf, size_t size) {
        return (ssize_t) str_join(buf, size, path, NULL);
}

/* A link to a name beside it, as most are: "sh" to "dash". */
static ssize_t path_beside(const struct exec_image *x, const char *path, char *buf, size_t size) {
        const char *name = strrchr(path, '/');
        size_t above = name ? (size_t) (name + 1 - path) : size;
        ssize_t n = above < size ? readlink(path, buf + above, size - above) : -1;

        if (n <= 0 || memchr(buf + above, '/', (size_t) n))
                return -1;
        memcpy(buf, path, above);
        return (ssize_t) above + n;
}

/* What the kernel says. A proc that nobody has asked for this process makes what it asks for first. */
static ssize_t path_by_proc(const struct exec_image *x, const char *path, char *buf, size_t size) {
        char proc[32];

        snprintf(proc, sizeof proc, "/proc/self/fd/%d", x->fd);
        return readlink(proc, buf, size);
}

/* x->path: one that leads to the program without links. */
static void find_path(struct exec_image *x, int root, const char *path) {
        static ssize_t (*const ways[])(const struct exec_image *, const char *, char *,
                                       size_t) = { path_itself, path_beside, path_by_proc };

        for (size_t i = 0; i < ELEMENTS(ways); i++) {
                ssize_t n = ways[i](x, path, x->path, sizeof x->path);
                CLEAN_FD int fd = -1;

                if (n <= 0 || (size_t) n >= sizeof x->path)
                        continue;
                x->path[n] = '\0';
                fd = x->path[0] == '/' ? resolve_plain(root, x->path, O_PATH) : -1;
                if (fd >= 0 && same_file(fd, x->fd))
                        return;
        }
        x->path[0] = '\0';
}

void exec_image_locate(struct exec_image *x, int proc) {
        CLEAN_FD int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
        char link[32];
        ssize_t n;

        if (x->path[0])
                return;
        snprintf(link, sizeof link, "self/fd/%d", x->fd);
        n = readlinkat(proc, link, x->path, sizeof x->path);
        x->path[n > 0 && (size_t) n < sizeof x->path ? n : 0] = '\0';
        fd = x->path[0] == '/' ? resolve_plain(root, x->path, O_PATH) : -1;
        if (fd < 0 || !same_file(fd, x->fd))
                x->path[0] = '\0';
}

int exec_image_open(struct exec_image *x, int root, int fd, const char *path, char *const argv[]) {
        int r = argv[0] ? 1 : -EINVAL;

        memset(x, 0, offsetof(struct exec_image, path));
        x->path[0] = '\0';
        x->fd = fd;
        x->argv = argv;
        for (int depth = 0; r > 0; depth++) {
                r = check_executable(x->fd);
                if (r == 0)
                        r = interpret(x, root, depth, &path);
        }
        if (r < 0)
                exec_image_done(x);
        else
                find_path(x, root, path);
        return r;
}

void exec_image_done(struct exec_image *x) {
        if (x->fd >= 0)
                close(x->fd);
        if (x->room)
                munmap(x->room, x->room_size);
        x->fd = -1;
        x->room = NULL;
}

/* By its path, so that /proc/PID/comm, AT_EXECFN and emulators (binfmt_misc) see a name. The path has no links and its
 * last part is not followed, so /proc/self/exe, a link itself, is out of reach even for somebody who exchanges names
 * now. */
int exec_image_run(const struct exec_image *x, char *const envp[]) {
        if (x->path[0])
                syscall(SYS_execveat, AT_FDCWD, x->path, x->argv, envp, AT_SYMLINK_NOFOLLOW);
        else
                syscall(SYS_execveat, x->fd, "", x->argv, envp, AT_EMPTY_PATH);
        return -errno;
}
