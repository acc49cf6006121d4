/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sys/treeowners.c, sys/ownerattrs.c: what is changed, what comes along, what is put back, what is refused before
 * anything is changed, and what happens to a change that was broken off. */

#include "sys/treeowners.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/clean.h"
#include "sys/ownerattrs.h"
#include "sys/treeremove.h"
#include "unit/tap.h"

enum { ONE = 0x100000, TWO = 0x200000, ACL_LENGTH = 44 };

static bool is_range(uint32_t base) {
        return base == 0 || base == ONE || base == TWO;
}

static int make_dir(int at, const char *name) {
        int fd = mkdirat(at, name, 0700) < 0 ? -1 : openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                abort();
        return fd;
}

static void make_file(int at, const char *name, uint32_t id, mode_t mode) {
        CLEAN_FD int fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        if (fd < 0 || fchown(fd, id, id + 1) < 0 || fchmod(fd, mode) < 0)
                abort();
}

static bool is(int at, const char *name, uint32_t uid, uint32_t gid, mode_t mode) {
        struct stat st;

        if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return false;
        if (st.st_uid == uid && st.st_gid == gid && (st.st_mode & 07777) == mode)
                return true;
        printf("# %s: %u:%u %o\n", name, st.st_uid, st.st_gid, st.st_mode);
        return false;
}

static int change(int top, uint32_t to, struct treeowners_found *f) {
        return treeowners(top, &(struct treeowners){ .to = to, .is_range = is_range }, f);
}

/* u::rw-,u:1000:rw-,g::r--,m::rw-,o::---, g:5 too */
static void make_acl(uint8_t acl[ACL_LENGTH + 8], uint32_t base) {
        static const struct {
                uint16_t tag, perm;
                uint32_t id;
        } entries[] = { { 1, 6, UINT32_MAX }, { 2, 6, 1000 },          { 4, 4, UINT32_MAX },
                        { 8, 4, 5 },          { 0x10, 6, UINT32_MAX }, { 0x20, 0, UINT32_MAX } };

        memcpy(acl, (uint32_t[]){ 2 }, 4);
        memcpy(acl + 4, entries, sizeof entries);
        for (int i = 0; i < 6; i++) {
                uint32_t id = entries[i].id + (entries[i].id < 65536 ? base : 0);

                memcpy(acl + 8 + 8 * i, &id, 4);
        }
}

static bool has_acl(int at, const char *name, const char *which, uint32_t base) {
        CLEAN_FD int fd = openat(at, name, O_RDONLY | O_CLOEXEC);
        uint8_t want[ACL_LENGTH + 8], got[ACL_LENGTH + 8];

        make_acl(want, base);
        return fgetxattr(fd, which, got, sizeof got) == sizeof got && memcmp(want, got, sizeof got) == 0;
}

static bool give_acl(int at, const char *name, const char *which) {
        CLEAN_FD int fd = openat(at, name, O_RDONLY | O_CLOEXEC);
        uint8_t acl[ACL_LENGTH + 8];

        make_acl(acl, 0);
        return fsetxattr(fd, which, acl, sizeof acl, 0) == 0;
}

static bool give_caps(int at, const char *name) {
        CLEAN_FD int fd = openat(at, name, O_RDONLY | O_CLOEXEC);
        uint32_t caps[5] = { VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE, 1 << CAP_NET_RAW };

        return fsetxattr(fd, "security.capability", caps, sizeof caps, 0) == 0;
}

static bool has_caps(int at, const char *name, uint32_t root) {
        CLEAN_FD int fd = openat(at, name, O_RDONLY | O_CLOEXEC);
        uint32_t caps[6] = { 0 };
        ssize_t n = fgetxattr(fd, "security.capability", caps, sizeof caps);

        return n == (root ? 24 : 20) && caps[1] == 1 << CAP_NET_RAW && caps[5] == root &&
               caps[0] == ((root ? VFS_CAP_REVISION_3 : VFS_CAP_REVISION_2) | VFS_CAP_FLAGS_EFFECTIVE);
}

static int count_attributes(int at, const char *name) {
        CLEAN_FD int fd = openat(at, name, O_RDONLY | O_CLOEXEC);
        char names[1024];
        ssize_t n = flistxattr(fd, names, sizeof names);
        int found = 0;

        for (const char *s = names; s < names + n; s += strlen(s) + 1)
                found += strncmp(s, "trusted.berth.", 14) == 0;
        return found;
}

/* A tree with all that is special. */
static int make_tree(int place, const char *name) {
        int top = make_dir(place, name);
        CLEAN_FD int dir = make_dir(top, "dir");

        make_file(top, "plain", 1000, 0640);
        make_file(top, "suid", 0, 06755);
        make_file(top, "sgid-only", 7, 02644);
        make_file(top, "caps", 0, 0755);
        make_file(dir, "acl", 1000, 0660);
        if (linkat(top, "plain", dir, "again", 0) < 0 || symlinkat("../canary", top, "link") < 0 ||
            mkfifoat(top, "fifo", 0620) < 0 || fchmod(dir, 02775) < 0 || !give_caps(top, "caps") ||
            !give_acl(dir, "acl", "system.posix_acl_access") || !give_acl(top, "dir", "system.posix_acl_default"))
                abort();
        return top;
}

static void check_tree(struct tap *t, int top, uint32_t base, const char *what) {
        CLEAN_FD int dir = openat(top, "dir", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        OK(t, is(top, ".", base, base, 0700), "%s: the top", what);
        OK(t, is(top, "plain", base + 1000, base + 1001, 0640) && is(dir, "again", base + 1000, base + 1001, 0640),
           "%s: a file with two names", what);
        OK(t, is(top, "suid", base, base + 1, 06755) && is(top, "sgid-only", base + 7, base + 8, 02644),
           "%s: set-user-ID, set-group-ID", what);
        OK(t, is(top, "caps", base, base + 1, 0755) && has_caps(top, "caps", base), "%s: capabilities", what);
        OK(t, is(dir, "acl", base + 1000, base + 1001, 0660) && has_acl(dir, "acl", "system.posix_acl_access", base),
           "%s: an ACL", what);
        OK(t, is(top, "dir", base, base, 02775) && has_acl(top, "dir", "system.posix_acl_default", base),
           "%s: a directory, its default ACL", what);
        OK(t, is(top, "link", base, base, 0777) && is(top, "fifo", base, base, 0620), "%s: link, FIFO", what);
        OK(t, count_attributes(top, "suid") + count_attributes(top, ".") + count_attributes(top, "caps") == 0,
           "%s: no note is left", what);
}

static void test_change(struct tap *t, int place) {
        CLEAN_FD int top = make_tree(place, "tree");
        struct treeowners_found f;

        OK_INT(t, change(top, ONE, &f), 0, "from root's to another range");
        check_tree(t, top, ONE, "there");
        OK_INT(t, change(top, TWO, &f), 0, "and to a third");
        check_tree(t, top, TWO, "on");
        OK_INT(t, change(top, 0, &f), 0, "and back");
        check_tree(t, top, 0, "back");
        OK(t, is(place, "canary", 0, 0, 0755), "where the link leads nothing has changed");
}

struct patience {
        uint64_t until;
        uint64_t calls, all;
};

static int wait_for(void *arg, uint64_t files, uint64_t all) {
        struct patience *p = arg;

        p->calls++;
        p->all = all;
        return all && files >= p->until ? -EINTR : 0;
}

/* More files than go by without being asked. */
static void test_interrupt(struct tap *t, int place) {
        CLEAN_FD int top = make_tree(place, "stopped"), many = make_dir(top, "a-many");
        struct patience p = { .until = 64 };
        struct treeowners want = { .to = ONE, .is_range = is_range, .tell = wait_for, .arg = &p };
        struct treeowners_found f;
        struct stat st;

        for (int i = 0; i < 300; i++) {
                char name[16];

                snprintf(name, sizeof name, "%d", i);
                make_file(many, name, 1, i % 2 ? 04755 : 0644);
        }
        OK_INT(t, treeowners(top, &want, &f), -EINTR, "broken off");
        OK(t, f.begun && p.all == 311, "half done");
        OK(t, fstat(top, &st) == 0 && st.st_uid == TREEOWNERS_BUSY && st.st_gid == TREEOWNERS_BUSY, "and marked so");
        p.until = 200;
        want.to = TWO;
        OK_INT(t, treeowners(top, &want, &f), -EINTR, "once more, on the way to another range");
        OK_INT(t, change(top, TWO, &f), 0, "completed");
        check_tree(t, top, TWO, "completed");
        OK(t, is(many, "0", TWO + 1, TWO + 2, 0644) && is(many, "299", TWO + 1, TWO + 2, 04755), "all of them");
}

/* Who is killed between chown(2) and what puts back what it took. */
static void test_kept(struct tap *t, int place) {
        CLEAN_FD int top = make_tree(place, "killed"), suid = openat(top, "suid", O_RDONLY | O_CLOEXEC),
                     caps = openat(top, "caps", O_RDONLY | O_CLOEXEC);
        uint32_t note[8] = { 0106755 },
                 cap_note[8] = { 0100755, 24, VFS_CAP_REVISION_3 | VFS_CAP_FLAGS_EFFECTIVE, 1 << CAP_NET_RAW, 0, 0,
                                 0,       ONE };
        struct treeowners_found f;

        OK(t,
           fchown(top, TREEOWNERS_BUSY, TREEOWNERS_BUSY) == 0 && fchown(suid, ONE, ONE + 1) == 0 &&
                   fchown(caps, ONE, ONE + 1) == 0 && is(top, "suid", ONE, ONE + 1, 0755),
           "chown(2) has taken it");
        OK(t,
           fsetxattr(suid, "trusted.berth.kept", note, sizeof note, 0) == 0 &&
                   fsetxattr(caps, "trusted.berth.kept", cap_note, sizeof cap_note, 0) == 0,
           "what it was is noted down");
        OK_INT(t, change(top, ONE, &f), 0, "completed");
        check_tree(t, top, ONE, "killed");
}

static void test_note_of_stranger(struct tap *t, int place) {
        CLEAN_FD int top = make_tree(place, "planted"), plain = openat(top, "plain", O_RDONLY | O_CLOEXEC);
        uint32_t note[8] = { 0106777 };
        struct treeowners_found f;

        OK(t, fsetxattr(plain, "trusted.berth.kept", note, sizeof note, 0) == 0, "a note that nobody of us made");
        OK_INT(t, change(top, ONE, &f), 0, "a change that was never broken off");
        check_tree(t, top, ONE, "planted");
        OK_INT(t, count_attributes(top, "plain"), 0, "it is taken away");
}

/* As systemd-nspawn leaves it: nobody says where it came from. */
static void test_mark_of_others(struct tap *t, int place) {
        CLEAN_FD int top = make_tree(place, "marked");
        struct treeowners_found f;

        OK(t,
           fchownat(top, "plain", ONE + 1000, ONE + 1001, 0) == 0 &&
                   fchownat(top, "link", TWO, TWO, AT_SYMLINK_NOFOLLOW) == 0 &&
                   fchown(top, TREEOWNERS_BUSY, TREEOWNERS_BUSY) == 0,
           "half done by another program");
        OK_INT(t, change(top, ONE, &f), 0, "completed");
        check_tree(t, top, ONE, "marked");
}

static void refused(struct tap *t, int top, int code, enum treeowners_why why, const char *path, const char *what) {
        struct treeowners_found f;
        struct stat st;

        OK_INT(t, change(top, ONE, &f), code, "%s", what);
        OK(t, f.why == why && !f.begun, "%s: why", what);
        OK(t, strncmp(f.path, path, strlen(path)) == 0, "%s: where", what);
        OK(t, fstat(top, &st) == 0 && st.st_uid == 0 && is(top, "plain", 1000, 1001, 0640), "%s: nothing has changed",
           what);
}

static void test_refused(struct tap *t, int place) {
        CLEAN_FD int top = make_tree(place, "bad"), dir = openat(top, "dir", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                     here = -1;

        make_file(dir, "zz", 100000, 0600);
        refused(t, top, -ERANGE, TREEOWNERS_STRANGER, "dir/zz", "an id of another range");
        OK_INT(t, unlinkat(dir, "zz", 0), 0, "gone");
        OK_INT(t, linkat(place, "stays", dir, "zz", 0), 0, "a file of the host");
        refused(t, top, -EMLINK, TREEOWNERS_LINKED, "dir/zz", "a name of a file of the host");
        OK_INT(t, unlinkat(dir, "zz", 0), 0, "gone");
        here = fcntl(dir, F_DUPFD_CLOEXEC, 3);
        for (int i = 0; i < 300; i++) {
                int next = make_dir(here, "d");

                clean_fd(&here);
                here = next;
        }
        refused(t, top, -ELOOP, TREEOWNERS_DEEP, "dir", "directories in one another");
}

static void test_fixed(struct tap *t, int place) {
        CLEAN_FD int top = make_tree(place, "fixed"), file = openat(top, "caps", O_RDONLY | O_CLOEXEC);
        int flags = 0;

        if (ioctl(file, FS_IOC_GETFLAGS, &flags) < 0 ||
            ioctl(file, FS_IOC_SETFLAGS, (int[]){ flags | FS_IMMUTABLE_FL }) < 0)
                return tap_skip(t, "an immutable file", "this file system has none");
        refused(t, top, -EPERM, TREEOWNERS_FIXED, "caps", "an immutable file");
        OK_INT(t, ioctl(file, FS_IOC_SETFLAGS, &flags), 0, "no longer");
}

/* In a mount namespace of its own. */
static bool change_mounted(const char *place) {
        CLEAN_FD int top = -1;
        struct treeowners_found f;

        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || chdir(place) < 0 ||
            mkdir("mounted/proc", 0755) < 0 || mount("mounted/dir", "mounted/dir", NULL, MS_BIND, NULL) < 0)
                return false;
        top = open("mounted", O_PATH | O_CLOEXEC);
        if (change(top, ONE, &f) != -EBUSY || f.why != TREEOWNERS_MOUNTED || f.begun || strcmp(f.path, "dir") != 0)
                return false;
        return umount2("mounted/dir", MNT_DETACH) == 0 && mount("proc", "mounted/proc", "proc", 0, NULL) == 0 &&
               change(top, ONE, &f) == 0;
}

static void test_mounted(struct tap *t, int place, const char *name) {
        CLEAN_FD int top = make_tree(place, "mounted");
        int status = -1;
        pid_t pid = fork();

        if (pid == 0)
                _exit(change_mounted(name) ? 0 : 1);
        OK(t, waitpid(pid, &status, 0) == pid && status == 0, "what is mounted in the tree, and over its proc");
        check_tree(t, top, ONE, "mounted");
}

/* Exchanges a directory of the tree for a link out of it, as fast as it can. */
static _Noreturn void race(int top) {
        for (;;)
                (void) syscall(SYS_renameat2, top, "dir", top, "link", RENAME_EXCHANGE);
}

static void test_race(struct tap *t, int place) {
        CLEAN_FD int top = make_tree(place, "raced"),
                     canary = openat(place, "canary", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct treeowners_found f;
        int done = 0, failed = 0, status;
        pid_t racer;

        if (unlinkat(top, "dir/again", 0) < 0 || (racer = fork()) < 0)
                abort();
        if (racer == 0)
                race(top);
        for (int i = 0; i < 2000; i++) {
                /* What it has hidden in one turn is of the wrong range in the next: as after a change that was broken
                 * off. */
                int k = fchown(top, TREEOWNERS_BUSY, TREEOWNERS_BUSY) < 0 ? -1 : change(top, i % 2 ? ONE : TWO, &f);

                done += k == 0;
                failed += k < 0;
        }
        kill(racer, SIGKILL);
        OK(t, waitpid(racer, &status, 0) == racer && WIFSIGNALED(status), "it raced to the end");
        OK(t, done == 2000 && failed == 0, "no change failed by it");
        OK(t, is(place, "canary", 0, 0, 0755) && is(canary, "file", 0, 1, 0644),
           "what the link leads to is untouched");
        OK(t, is(place, "stays", 1, 2, 0600), "and so is what lies beside");
}

static void clear(struct tap *t, int place) {
        static const char *const names[] = { "tree", "stopped", "killed",  "planted", "marked",
                                             "bad",  "fixed",   "mounted", "raced",   "canary" };

        for (size_t i = 0; i < ELEMENTS(names); i++)
                if (treeremove(place, names[i]) < 0)
                        OK(t, false, "%s goes", names[i]);
        OK_INT(t, unlinkat(place, "stays", 0), 0, "the rest");
}

int main(void) {
        struct tap t = { 0 };
        char name[] = "/tmp/test-treeowners.XXXXXX";
        CLEAN_FD int place = -1, canary = -1;

        if (geteuid() != 0) {
                tap_skip(&t, "owners in a tree", "only root changes owners");
                return tap_done(&t);
        }
        umask(0);
        place = mkdtemp(name) ? open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        canary = make_dir(place, "canary");
        make_file(canary, "file", 0, 0644);
        make_file(place, "stays", 1, 0600);
        OK_INT(&t, fchmod(canary, 0755), 0, "what must not be touched");
        test_change(&t, place);
        test_interrupt(&t, place);
        test_kept(&t, place);
        test_note_of_stranger(&t, place);
        test_mark_of_others(&t, place);
        test_refused(&t, place);
        test_fixed(&t, place);
        test_mounted(&t, place, name);
        test_race(&t, place);
        clear(&t, place);
        OK_INT(&t, rmdir(name), 0, "nothing is left");
        return tap_done(&t);
}
