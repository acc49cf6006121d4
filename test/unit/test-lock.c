/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* state/lock.c on a /run of its own: who gets a lock, what is left, and what is not trusted. */

#include "state/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "unit/own-run.h"
#include "unit/tap.h"

#define TREES  "/run/systemd/nspawn/locks"
#define RANGES "/run/systemd/nspawn-uid"

static mode_t mode_of(const char *path) {
        struct stat st;

        return lstat(path, &st) < 0 ? 0 : st.st_mode & 07777;
}

static void test_tree(struct tap *t) {
        struct lock a, b, c;
        struct err e = { 0 };

        lock_init(&a);
        lock_init(&b);
        lock_init(&c);
        OK_INT(t, lock_tree(&a, 5, 42, true, "/srv/t", &e), 0, "exclusive");
        OK_INT(t, mode_of(TREES), 0700, "the directory is root's alone");
        OK_INT(t, mode_of("/run/systemd"), 0755, "those above are open");
        OK_INT(t, mode_of(TREES "/inode-5:42"), 0600, "the file by the name that systemd-nspawn uses");
        OK_INT(t, lock_tree(&b, 5, 42, true, "/srv/t", &e), -EBUSY, "not twice");
        OK(t, e.kind == ERR_BUSY && strstr(e.text, "/srv/t") && strstr(e.hint, "--read-only"), "%s", e.text);
        OK_INT(t, b.fd, -1, "nothing is held");
        OK_INT(t, lock_tree(&b, 5, 42, false, "/srv/t", &e), -EBUSY, "nor shared");
        OK_INT(t, lock_tree(&b, 5, 43, true, "x", &e), 0, "another tree");
        OK_INT(t, lock_tree(&c, 6, 42, true, "x", &e), 0, "the same number on another device");
        lock_drop(&a);
        lock_drop(&b);
        lock_drop(&c);
        lock_drop(&c);
        OK(t, access(TREES "/inode-5:42", F_OK) < 0 && access(TREES "/inode-5:43", F_OK) < 0,
           "files go with their locks");

        OK_INT(t, lock_tree(&a, 5, 42, false, "x", &e), 0, "shared");
        OK_INT(t, lock_tree(&b, 5, 42, false, "x", &e), 0, "by two");
        OK_INT(t, lock_tree(&c, 5, 42, true, "x", &e), -EBUSY, "then not exclusive");
        lock_drop(&a);
        OK_INT(t, access(TREES "/inode-5:42", F_OK), 0, "the file stays for the other one");
        OK_INT(t, lock_tree(&c, 5, 42, true, "x", &e), -EBUSY, "who still has it");
        lock_drop(&b);
        OK(t, access(TREES "/inode-5:42", F_OK) < 0, "the last one takes the file along");
        OK_INT(t, lock_tree(&c, 5, 42, true, "x", &e), 0, "free again");
        lock_drop(&c);
}

static void test_range(struct tap *t) {
        struct lock a, b;
        struct err e = { 0 };

        lock_init(&a);
        lock_init(&b);
        OK_INT(t, lock_range(&a, 655360, &e), 0, "a range");
        OK_INT(t, mode_of(RANGES), 0755, "its directory");
        OK_INT(t, mode_of(RANGES "/655360"), 0600, "its file");
        OK_INT(t, lock_range(&b, 655360, &e), 1, "somebody else's is no error");
        OK_INT(t, e.kind, ERR_NONE, "and no message");
        OK_INT(t, lock_range(&b, 720896, &e), 0, "the next one is free");
        lock_drop(&a);
        lock_drop(&b);
        OK(t, access(RANGES "/655360", F_OK) < 0, "the file goes with the lock");
}

/* systemd-nspawn holds open file description locks on the same files: each must see the other's. */
static void test_theirs(struct tap *t) {
        struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        int fd = open(TREES "/inode-1:2", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        struct lock a;
        struct err e = { 0 };

        lock_init(&a);
        OK_INT(t, fcntl(fd, F_OFD_SETLK, &fl), 0, "theirs");
        OK_INT(t, lock_tree(&a, 1, 2, true, "x", &e), -EBUSY, "is seen");
        fl.l_type = F_RDLCK;
        OK_INT(t, fcntl(fd, F_OFD_SETLK, &fl), 0, "theirs, shared");
        OK_INT(t, lock_tree(&a, 1, 2, true, "x", &e), -EBUSY, "is seen");
        OK_INT(t, lock_tree(&a, 1, 2, false, "x", &e), 0, "and shared");
        fl.l_type = F_WRLCK;
        OK(t, fcntl(fd, F_OFD_SETLK, &fl) < 0 && errno == EAGAIN, "ours is seen by them");
        lock_drop(&a);
        OK_INT(t, access(TREES "/inode-1:2", F_OK), 0, "their file is left to them");
        OK_INT(t, fcntl(fd, F_OFD_SETLK, &fl), 0, "and is theirs alone");
        close(fd);
        OK_INT(t, lock_tree(&a, 1, 2, true, "x", &e), 0, "a file that was left behind is no lock");
        lock_drop(&a);
}

static void test_killed(struct tap *t) {
        struct lock a;
        struct err e = { 0 };
        int status, fds[2];
        pid_t pid;
        char c;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return;
        lock_init(&a);
        pid = fork();
        if (pid == 0) {
                if (lock_tree(&a, 9, 9, true, "x", NULL) < 0 || write(fds[1], "x", 1) != 1)
                        _exit(1);
                for (;;)
                        pause();
        }
        OK_INT(t, read(fds[0], &c, 1), 1, "another process has it");
        OK_INT(t, lock_tree(&a, 9, 9, true, "x", &e), -EBUSY, "and is in the way");
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        OK_INT(t, lock_tree(&a, 9, 9, true, "x", &e), 0, "until it dies, however it dies");
        lock_drop(&a);
        close(fds[0]);
        close(fds[1]);
}

/* Several at once, taking and dropping the same lock: never two inside, although each drop removes the file. */
static void test_race(struct tap *t) {
        enum { CHILDREN = 4, ROUNDS = 300 };
        int *inside = mmap(NULL, sizeof *inside * 3, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        bool good = true;

        for (int i = 0; i < CHILDREN; i++)
                if (fork() == 0) {
                        struct lock l;

                        lock_init(&l);
                        for (int done = 0; done < ROUNDS;) {
                                if (lock_tree(&l, 7, 7, true, "x", NULL) < 0)
                                        continue;
                                if (__atomic_add_fetch(&inside[0], 1, __ATOMIC_SEQ_CST) != 1)
                                        __atomic_add_fetch(&inside[1], 1, __ATOMIC_SEQ_CST);
                                done++;
                                __atomic_sub_fetch(&inside[0], 1, __ATOMIC_SEQ_CST);
                                lock_drop(&l);
                        }
                        _exit(0);
                }
        for (int i = 0; i < CHILDREN; i++) {
                int status;

                good = wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 && good;
        }
        OK(t, good, "all of them got their turns");
        OK_INT(t, inside[1], 0, "one at a time");
        OK(t, access(TREES "/inode-7:7", F_OK) < 0, "nothing is left");
        munmap(inside, sizeof *inside * 3);
}

/* Directories that somebody else could have made. */
static void test_trust(struct tap *t) {
        struct err e = { 0 };
        struct lock a;
        int fd;

        lock_init(&a);
        fd = state_open_dir("/run/x/y/z", 0700, &e);
        OK(t, fd >= 0 && fcntl(fd, F_GETFD) & FD_CLOEXEC && mode_of("/run/x/y/z") == 0700, "made with those above it");
        close(fd);
        OK_INT(t, chmod("/run/x/y/z", 0770), 0, "writable for the group");
        OK(t, state_open_dir("/run/x/y/z", 0700, &e) < 0 && e.kind == ERR_HOST, "is not trusted: %s", e.text);
        OK_INT(t, chmod("/run/x/y/z", 01777), 0, "writable for all");
        OK(t, state_open_dir("/run/x/y/z", 0700, &e) < 0, "is not trusted");
        OK_INT(t, chmod("/run/x/y/z", 0755), 0, "readable for all");
        fd = state_open_dir("/run/x/y/z", 0700, &e);
        OK(t, fd >= 0, "is");
        close(fd);
        OK_INT(t, symlink("z", "/run/x/y/link"), 0, "a link");
        OK(t, state_open_dir("/run/x/y/link", 0700, &e) < 0, "is not followed");
        OK_INT(t, symlink("nowhere", "/run/x/y/dangling"), 0, "a link to nowhere");
        OK(t, state_open_dir("/run/x/y/dangling", 0700, &e) < 0 && access("/run/x/y/nowhere", F_OK) < 0,
           "makes nothing");
        fd = open("/run/x/y/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        close(fd);
        OK(t, state_open_dir("/run/x/y/file", 0700, &e) < 0, "a file is no directory");
        if (chown("/run/x/y/z", 1, 0) == 0)
                OK(t, state_open_dir("/run/x/y/z", 0700, &e) < 0 && strstr(e.text, "user 1"), "another user's: %s",
                   e.text);
        OK_INT(t, chmod(TREES, 0777), 0, "an open directory of locks");
        OK(t, lock_tree(&a, 1, 1, true, "x", &e) < 0 && e.kind == ERR_HOST && a.fd == -1, "holds no lock");
        OK_INT(t, chmod(TREES, 0700), 0, "closed again");
        OK_INT(t, symlink("/run/x/y/target", TREES "/inode-1:1"), 0, "a link for a lock file");
        OK(t, lock_tree(&a, 1, 1, true, "x", &e) < 0 && access("/run/x/y/target", F_OK) < 0, "is not followed: %s",
           e.text);
}

/* A host that lets nobody write there. */
static void test_read_only(struct tap *t) {
        struct err e = { 0 };
        struct lock a;

        lock_init(&a);
        OK_INT(t, mount(NULL, "/run", NULL, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL), 0, "/run read-only");
        OK(t, state_open_dir("/run/new/directory", 0700, &e) == -EROFS && e.kind == ERR_HOST, "%s", e.text);
        OK(t, lock_tree(&a, 8, 8, true, "x", &e) == -EROFS && strstr(e.text, "inode-8:8") && a.fd == -1, "%s", e.text);
        OK(t, lock_range(&a, 655360, &e) == -EROFS && a.fd == -1, "%s", e.text);
}

int main(void) {
        struct tap t = { 0 };

        if (!own_run()) {
                tap_skip(&t, "locks", "no mount namespace can be made here");
                return tap_done(&t);
        }
        umask(022);
        alarm(120);
        test_tree(&t);
        test_range(&t);
        test_theirs(&t);
        test_killed(&t);
        test_race(&t);
        test_trust(&t);
        test_read_only(&t);
        return tap_done(&t);
}
