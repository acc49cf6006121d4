/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sys/treecopy.c and sys/treeremove.c: what comes along, what is not followed, what is too deep, and that all goes. */

#include "sys/treecopy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/clean.h"
#include "sys/treeremove.h"
#include "unit/tap.h"

static int make_dir(int at, const char *name) {
        return mkdirat(at, name, 0700) < 0 ? -1 : openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void make_file(int at, const char *name, const char *text) {
        CLEAN_FD int fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        if (fd < 0 || write(fd, text, strlen(text)) < 0)
                abort();
}

/* A chain of directories. */
static void make_deep(int at, int depth) {
        CLEAN_FD int here = fcntl(at, F_DUPFD_CLOEXEC, 3);

        for (int i = 0; i < depth; i++) {
                int next = make_dir(here, "d");

                if (next < 0)
                        abort();
                clean_fd(&here);
                here = next;
        }
        make_file(here, "end", "end");
}

static int stop(void *arg, uint64_t files, uint64_t bytes) {
        (*(int *) arg)++;
        return -EINTR;
}

static void test_copy(struct tap *t, int top) {
        CLEAN_FD int from = make_dir(top, "from"), to = make_dir(top, "to"), file = -1;
        struct stat a, b;
        char text[16];
        bool marked;

        make_file(from, "one", "hello");
        file = openat(from, "one", O_WRONLY | O_CLOEXEC);
        OK(t, linkat(from, "one", from, "two", 0) == 0 && fchmod(file, 0640) == 0, "a file with two names");
        marked = fsetxattr(file, "user.mark", "x", 1, 0) == 0;
        OK(t, futimens(file, (struct timespec[2]){ { 5, 0 }, { 7, 9 } }) == 0, "of a certain age");
        OK(t, symlinkat("/etc", from, "link") == 0 && mkfifoat(from, "fifo", 0620) == 0, "a link, a FIFO");
        OK(t, fchmod(from, 0751) == 0, "the top directory's mode");
        OK_INT(t, treecopy(from, to, &(struct treecopy){ 0 }), 0, "copied");
        OK(t,
           fstatat(to, "one", &a, 0) == 0 && fstatat(to, "two", &b, 0) == 0 && a.st_ino == b.st_ino && a.st_nlink == 2,
           "two names of one file");
        OK(t, a.st_size == 5 && (a.st_mode & 07777) == 0640 && a.st_mtim.tv_sec == 7 && a.st_mtim.tv_nsec == 9,
           "size, mode, time");
        clean_fd(&file);
        file = openat(to, "two", O_RDONLY | O_CLOEXEC);
        OK(t, !marked || fgetxattr(file, "user.mark", text, sizeof text) == 1, "an attribute");
        OK(t, readlinkat(to, "link", text, sizeof text) == 4, "the link is a link");
        OK(t, fstatat(to, "fifo", &a, 0) == 0 && S_ISFIFO(a.st_mode) && (a.st_mode & 07777) == 0620, "the FIFO");
        OK(t, fstat(to, &a) == 0 && (a.st_mode & 07777) == 0751, "the top directory");
}

static void test_ends(struct tap *t, int top) {
        CLEAN_FD int from = make_dir(top, "many"), to = make_dir(top, "some"), deep = make_dir(top, "deep"),
                     shallow = make_dir(top, "shallow");
        char failed[40] = "";
        int calls = 0;

        for (int i = 0; i < 200; i++) {
                char name[16];

                snprintf(name, sizeof name, "%d", i);
                make_file(from, name, "");
        }
        OK_INT(t, treecopy(from, to, &(struct treecopy){ .tell = stop, .arg = &calls }), -EINTR, "ended on the way");
        OK_INT(t, calls, 1, "asked once");
        make_deep(deep, 500);
        OK_INT(t, treecopy(deep, shallow, &(struct treecopy){ .failed = failed, .failed_size = sizeof failed }),
               -ELOOP, "too deep is an error");
        OK(t, strlen(failed) == sizeof failed - 1, "it is told where: %s", failed);
}

static void test_remove(struct tap *t, int top) {
        static const char *const names[] = { "from", "to", "many", "some", "deep", "shallow" };
        CLEAN_FD int dir = openat(top, "from", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        make_file(top, "outside", "stays");
        OK(t, symlinkat("../outside", dir, "out") == 0 && symlinkat("..", dir, "up") == 0, "links that lead out");
        for (size_t i = 0; i < ELEMENTS(names); i++)
                OK_INT(t, treeremove(top, names[i]), 0, "%s goes", names[i]);
        OK_INT(t, treeremove(top, "from"), -ENOENT, "and is gone");
        OK(t, faccessat(top, "outside", F_OK, 0) == 0, "what links lead to stays");
        OK(t, treeremove(top, "outside") < 0, "no directory, not removed");
        OK_INT(t, unlinkat(top, "outside", 0), 0, "the rest");
}

int main(void) {
        struct tap t = { 0 };
        char place[] = "/tmp/test-treecopy.XXXXXX";
        CLEAN_FD int top = mkdtemp(place) ? open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

        umask(0);
        test_copy(&t, top);
        test_ends(&t, top);
        test_remove(&t, top);
        OK_INT(&t, rmdir(place), 0, "nothing is left");
        return tap_done(&t);
}
