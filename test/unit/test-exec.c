/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sys/exec.c for real: each case is executed by descriptor, and where a kernel's execve(2) of the same file can be
 * had, both must do the same. */

#include "sys/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "unit/files.h"
#include "unit/tap.h"

static char base[64] = "/tmp/test-exec-XXXXXX";

/* What the program that cases execute does: show its arguments and its open descriptors above 2. */
static int show(char **argv) {
        char line[8192] = "";
        size_t n = 0;

        for (char **a = argv; *a; a++)
                n += (size_t) snprintf(line + n, sizeof line - n, "[%s]", *a);
        for (int fd = 3; fd < 64; fd++)
                if (fcntl(fd, F_GETFD) >= 0)
                        n += (size_t) snprintf(line + n, sizeof line - n, " fd %d", fd);
        return write(STDOUT_FILENO, line, n) == (ssize_t) n ? 0 : 1;
}

static void put(const char *name, const char *text, size_t n, mode_t mode) {
        char path[128];
        int fd;

        snprintf(path, sizeof path, "%s/%s", base, name);
        unlink(path);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0 || write(fd, text, n) != (ssize_t) n || fchmod(fd, mode) < 0)
                printf("# cannot write %s\n", path);
        close(fd);
}

static int open_image(struct exec_image *x, const char *path, int flags, char *argv[]) {
        CLEAN_FD int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        int fd = open(path, flags | O_CLOEXEC);

        return fd < 0 ? -errno : exec_image_open(x, root, fd, path, argv);
}

enum how { BY_DESCRIPTOR, BY_O_PATH, BY_KERNEL };

static _Noreturn void become(const char *path, enum how how) {
        char *argv[] = { (char *) "zero", (char *) "one", (char *) "two words", NULL },
             *env[] = { (char *) "SHOW=1", NULL };
        int r;

        if (how == BY_KERNEL) {
                execve(path, argv, env);
                r = -errno;
        } else {
                struct exec_image x;

                r = open_image(&x, path, how == BY_O_PATH ? O_PATH : O_RDONLY, argv);
                r = r < 0 ? r : exec_image_run(&x, env);
        }
        printf("error %d", -r);
        fflush(stdout);
        _exit(0);
}

/* @ stands for the directory. */
static void expand(const char *pattern, char *ret, size_t size) {
        size_t n = 0;

        for (; *pattern && n + sizeof base < size; pattern++)
                if (*pattern == '@')
                        n += (size_t) snprintf(ret + n, size - n, "%s", base);
                else
                        ret[n++] = *pattern;
        ret[n] = '\0';
}

static void run(const char *name, enum how how, char *ret, size_t size) {
        char path[128];
        int fds[2], status;
        size_t n = 0;
        ssize_t r;
        pid_t pid;

        snprintf(path, sizeof path, "%s/%s", base, name);
        if (pipe2(fds, O_CLOEXEC) < 0)
                return;
        fflush(stdout);
        pid = fork();
        if (pid == 0) {
                dup2(fds[1], STDOUT_FILENO);
                become(path, how);
        }
        close(fds[1]);
        while (n < size - 1 && (r = read(fds[0], ret + n, size - 1 - n)) > 0)
                n += (size_t) r;
        ret[n] = '\0';
        close(fds[0]);
        waitpid(pid, &status, 0);
}

/* Ours must be what the kernel does; and what pattern says, where the kernel's word is not enough. */
static void check(struct tap *t, const char *name, const char *pattern, const char *what) {
        static char ours[8192], kernel[8192], want[8192];

        run(name, BY_KERNEL, kernel, sizeof kernel);
        run(name, BY_DESCRIPTOR, ours, sizeof ours);
        OK_STR(t, ours, kernel, "%s: as the kernel does", what);
        run(name, BY_O_PATH, ours, sizeof ours);
        OK_STR(t, ours, kernel, "%s: with O_PATH", what);
        if (pattern) {
                expand(pattern, want, sizeof want);
                OK_STR(t, ours, want, "%s: as expected", what);
        }
}

static void put_script(const char *name, const char *pattern) {
        char text[512];

        expand(pattern, text, sizeof text);
        put(name, text, strlen(text), 0755);
}

static void test_scripts(struct tap *t) {
        static char want[8192], got[8192];
        char path[128];

        check(t, "show", "[zero][one][two words]", "program");
        put_script("s1", "#!@/show\n");
        check(t, "s1", "[@/show][@/s1][one][two words]", "script");
        put_script("s2", "#! \t@/show \t -a b  c \t\n");
        check(t, "s2", "[@/show][-a b  c][@/s2][one][two words]", "one argument, blanks around it dropped");
        put_script("s3", "#!@/show");
        check(t, "s3", "[@/show][@/s3][one][two words]", "no end of line");
        put_script("s4", "#!@/show x");
        check(t, "s4", "[@/show][x][@/s4][one][two words]", "argument, no end of line");
        put_script("s5", "#!@/s2 more\n");
        check(t, "s5", "[@/show][-a b  c][@/s2][more][@/s5][one][two words]", "interpreter that is a script");
        put_script("s6", "#!\n");
        check(t, "s6", NULL, "no interpreter");
        put_script("s7", "#!   \t \n");
        check(t, "s7", NULL, "blanks for an interpreter");
        put_script("s8", "#!@/nowhere\n");
        check(t, "s8", NULL, "missing interpreter");
        put_script("s9", "#!@\n");
        check(t, "s9", NULL, "a directory for an interpreter");
        put("s10", "#!", 2, 0755);
        run("s10", BY_DESCRIPTOR, want, sizeof want); /* the kernel tries to execute the working directory */
        OK_STR(t, want, "error 8", "nothing but the mark is ENOEXEC");
        put_script("s11", "@/show \"$0\" \"$1\" \"$2\"\n");
        run("s11", BY_DESCRIPTOR, got, sizeof got);
        expand("[@/show][@/s11][one][two words]", want, sizeof want);
        OK_STR(t, got, want, "text is for the shell, as with execvp");
        put_script("s16", "#!@/s11\n");
        check(t, "s16", NULL, "but no interpreter");
        put("s17", "te\0xt\n", 6, 0755);
        check(t, "s17", NULL, "no text");
        put("s18", "\177ELF\2\1", 6, 0755);
        check(t, "s18", NULL, "the beginning of a program");
        put("s12", "", 0, 0755);
        check(t, "s12", NULL, "empty");
        put_script("s13", "#!@/show\n");
        snprintf(path, sizeof path, "%s/s13", base);
        chmod(path, 0644);
        check(t, "s13", NULL, "not executable");
        snprintf(path, sizeof path, "%s/link", base);
        OK_INT(t, symlink("s1", path), 0, "a link");
        check(t, "link", "[@/show][@/link][one][two words]", "script by a link");
        if (chdir(base) == 0)
                put_script("s14", "#!./show x\n");
        check(t, "s14", "[./show][x][@/s14][one][two words]", "relative interpreter");
        snprintf(want, sizeof want, "#!/proc/self/exe\n");
        put("s15", want, strlen(want), 0755);
        run("s15", BY_DESCRIPTOR, want, sizeof want);
        OK_STR(t, want, "error 40", "a magic link for an interpreter is ELOOP");
}

/* Lines around the 256 bytes that the kernel looks at. */
static void test_long(struct tap *t) {
        char text[600];
        size_t n;

        for (size_t pad = 250; pad <= 260; pad++) {
                n = (size_t) snprintf(text, sizeof text, "#!%s/show ", base);
                memset(text + n, 'x', pad - n);
                text[pad] = '\n';
                put("long", text, pad + 1, 0755);
                check(t, "long", NULL, "long argument");
                n = (size_t) snprintf(text, sizeof text, "#!%s/", base);
                memset(text + n, '/', pad - n);
                memcpy(text + pad - 4, "show", 4);
                memcpy(text + pad, " arg\n", 5);
                put("long", text, pad + 5, 0755);
                check(t, "long", NULL, "long interpreter");
                memcpy(text + pad, "\n", 1);
                put("long", text, pad + 1, 0755);
                check(t, "long", NULL, "long interpreter without an argument");
        }
        n = (size_t) snprintf(text, sizeof text, "#!%s/show a%cb\nmore", base, '\0');
        put("nul", text, n, 0755);
        check(t, "nul", NULL, "NUL in the argument");
        n = (size_t) snprintf(text, sizeof text, "#!%s/show%ca b\nmore", base, '\0');
        put("nul", text, n, 0755);
        check(t, "nul", NULL, "NUL behind the interpreter");
}

static void test_depth(struct tap *t) {
        char name[16], text[128], got[8192];

        put_script("d0", "#!@/show 0\n");
        for (int i = 1; i < 6; i++) {
                snprintf(name, sizeof name, "d%d", i);
                snprintf(text, sizeof text, "#!%s/d%d %d\n", base, i - 1, i);
                put(name, text, strlen(text), 0755);
        }
        check(t, "d3", NULL, "four levels");
        run("d4", BY_DESCRIPTOR, got, sizeof got);
        OK_STR(t, got, "error 40", "five are too many");
        put_script("self", "#!@/self\n");
        run("self", BY_DESCRIPTOR, got, sizeof got);
        OK_STR(t, got, "error 40", "its own interpreter");
}

static void test_image(struct tap *t) {
        char path[128], *argv[] = { (char *) "x", NULL }, *none[] = { NULL };
        struct exec_image x;

        snprintf(path, sizeof path, "%s/link", base);
        OK_INT(t, open_image(&x, path, O_RDONLY, argv), 0, "image of a script");
        OK_STR(t, x.argv[1], path, "the script's path as it was given");
        OK(t, x.path[0] == '/' && !strstr(x.path, "/link"), "the program's path without links: %s", x.path);
        OK(t, fcntl(x.fd, F_GETFD) & FD_CLOEXEC, "closed on execution");
        exec_image_done(&x);
        exec_image_done(&x);
        OK_INT(t, open_image(&x, path, O_RDONLY, none), -EINVAL, "no argv[0]");
        OK_INT(t, x.fd, -1, "and nothing is open");
        OK_INT(t, open_image(&x, "/tmp", O_RDONLY, argv), -EACCES, "a directory");
}

static void make_link(const char *to, const char *name) {
        char path[128];

        snprintf(path, sizeof path, "%s/%s", base, name);
        if (symlink(to, path) < 0)
                printf("# cannot make the link %s\n", path);
}

/* However it was found: executed by the path that has no links. */
static void test_paths(struct tap *t) {
        static const char elf[] = "\177ELF\2\1\1";
        static const char *const names[] = {
                "prog", "beside", "twice", "away", "dir/prog", "dir/beside", "dir/other"
        };
        char real[128], other[128];

        put("prog", elf, sizeof elf, 0755);
        put("real", elf, sizeof elf, 0755);
        make_link("prog", "beside");
        make_link("beside", "twice");
        make_link("./prog", "away");
        make_link(".", "dir");
        make_link("real", "other");
        snprintf(real, sizeof real, "%s/prog", base);
        snprintf(other, sizeof other, "%s/real", base);
        for (size_t i = 0; i < ELEMENTS(names); i++) {
                char path[128], *argv[] = { (char *) "x", NULL };
                struct exec_image x;

                snprintf(path, sizeof path, "%s/%s", base, names[i]);
                OK_INT(t, open_image(&x, path, O_PATH, argv), 0, "%s", names[i]);
                OK_STR(t, x.path, strstr(names[i], "other") ? other : real, "its path without links");
                exec_image_done(&x);
        }
}

int main(int argc, char **argv) {
        struct tap t = { 0 };
        char link[128], self[512];
        ssize_t n;

        if (getenv("SHOW"))
                return show(argv);
        syscall(SYS_close_range, 3, ~0u, 0); /* what a caller left open is none of ours */
        n = readlink("/proc/self/exe", self, sizeof self - 1);
        if (n < 0 || !mkdtemp(base))
                return 99;
        self[n] = '\0';
        alarm(120);
        snprintf(link, sizeof link, "%s/show", base);
        if (symlink(self, link) < 0)
                return 99;
        test_scripts(&t);
        test_long(&t);
        test_depth(&t);
        test_image(&t);
        test_paths(&t);
        remove_all(base);
        return tap_done(&t);
}
