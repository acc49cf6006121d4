/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The host's fsck.TYPE reads an image, which is hostile, and writes to it. So it runs as nobody, without a capability,
 * under a system call program that leaves it memory, files that anybody may read, and the one device that is its
 * working directory's only entry: a node that nobody else sees. It can make no file, process or socket.
 *
 * P waits for it. Superblocks of file systems that were left clean say so, and fsck would mostly say the same: then it
 * is not run, and such starts cost nothing. Where it would not (a group's descriptor, the journal: the superblock
 * knows nothing of these), the kernel refuses to mount it: then fsck is run, and it is mounted once more. */

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/signals.h"
#include "base/str.h"
#include "image/image.h"
#include "sys/confine.h"
#include "sys/mounts.h"
#include "sys/process.h"
#include "sys/seccomp.h"
#include "sys/seccomp_write.h"

enum { NOBODY = 65534, CPU_S = 3600, IOCTL_BLOCK = 0x1200 };

#define MEMORY_MAX ((rlim_t) 4096 << 20)

/* Exit status: fsck(8). */
enum { MENDED = 1, LEFT_UNMENDED = 2 | 4, NOT_RUN = 8 | 16 };

/* fsck.xfs and fsck.btrfs do nothing, and f2fs is not asked about: the kernel mends these when it mounts them. */
static const struct {
        char fs[5], program[10], argument[3];
} programs[] = {
        { "ext4", "fsck.ext4", "-p" },
        { "vfat", "fsck.vfat", "-a" },
};

static const char places[][16] = { "/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin", "/bin" };

static const char *find(const char *program, struct arena *a) {
        for (size_t i = 0; i < ELEMENTS(places); i++) {
                const char *path = arena_printf(a, "%s/%s", places[i], program);

                if (access(path, X_OK) == 0)
                        return path;
        }
        return NULL;
}

#define FILE_MAKERS (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))
/* No file is made. flags: the argument that has them. */
#define ALLOW_OPEN(name, flags) ALLOW_WITHOUT(name, flags, FILE_MAKERS)
#ifdef SYS_open
#define ALLOW_OLD_OPEN ALLOW_OPEN(open, 1), ALLOW(stat), ALLOW(lstat), ALLOW(access), ALLOW(readlink)
#else
#define ALLOW_OLD_OPEN ALLOW(statx)
#endif
#ifdef SYS_arch_prctl
#define ALLOW_START ALLOW(arch_prctl)
#else
#define ALLOW_START ALLOW(statx)
#endif

/* What is not on the list fails, as on an older kernel. Only questions about block devices may be asked by ioctl(2).
 */
static int close_doors(void) {
        const struct sock_filter program[] = {
                LOAD_NATIVE_CALL,
                ALLOW_ORDINARY,
                ALLOW(writev),
                ALLOW(pwrite64),
                ALLOW(fsync),
                ALLOW(fdatasync),
                ALLOW(fadvise64),
                ALLOW(faccessat2),
                ALLOW(fstatfs),
                ALLOW(set_tid_address),
                ALLOW(prlimit64),
                ALLOW(execve),
                ALLOW_START,
                ALLOW_OLD_OPEN,
                ALLOW_OPEN(openat, 2),
                IF(SYS_ioctl, 0, 4),
                LOAD_ARG(1),
                BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xff00),
                IF(IOCTL_BLOCK, 0, 1),
                RETURN(SECCOMP_RET_ALLOW),
                RETURN(SECCOMP_RET_ERRNO | EPERM),
        };

        return seccomp_load(program, ELEMENTS(program), 0);
}

/* The device, and nothing else, as nobody's own. */
static int enter_place(dev_t device) {
        int place = mount_fresh("tmpfs", "size=4k,nr_inodes=4,mode=0755", 0);

        if (place < 0 || mknodat(place, "device", S_IFBLK | 0600, device) < 0 ||
            fchownat(place, "device", NOBODY, NOBODY, AT_SYMLINK_NOFOLLOW) < 0 || fchdir(place) < 0)
                return -1;
        return 0;
}

static _Noreturn void become(const char *path, const char *program, const char *argument, dev_t device) {
        char *const argv[] = { (char *) program, (char *) argument, (char *) "device", NULL };
        char *const env[] = { (char *) "LC_ALL=C", NULL };
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        sigset_t nothing;

        sigemptyset(&nothing);
        signals_default();
        for (int fd = 0; fd < 3; fd++)
                (void) dup2(null, fd);
        (void) setsid();
        if (enter_place(device) == 0 && syscall(SYS_close_range, 3, ~0U, 0) == 0 && confine(MEMORY_MAX, CPU_S) == 0 &&
            sigprocmask(SIG_SETMASK, &nothing, NULL) == 0 && close_doors() == 0)
                (void) execve(path, argv, env);
        _exit(NOT_RUN);
}

/* Its exit status, 128 and more: a signal. */
static int run(const char *path, size_t kind, dev_t device) {
        struct process p = { .pidfd = -1 };
        int k = process_clone(0, -1, &p), code = 0, status = 0;

        if (k < 0)
                return k;
        if (k == 0)
                become(path, programs[kind].program, programs[kind].argument, device);
        k = process_wait(p.pidfd, true, &code, &status);
        clean_fd(&p.pidfd);
        return k < 0 ? k : code == CLD_EXITED ? status : 128 + status;
}

static int refuse(const struct image *m, const struct image_part *p, const char *program, struct err *e) {
        err_set(e, ERR_IMAGE, 0, "%s: the %s of the %s partition is damaged, and %s does not mend it by itself",
                m->path, p->part->fs, role_name(p->role), program);
        return err_hint(e, p->damaged ? "fsck it by hand"
                                      : "fsck it by hand; --read-only and --image-fsck=no start it as it is");
}

static int run_on(const struct image *m, const struct image_part *p, size_t kind, const char *path, struct err *e) {
        struct stat st;
        int k;

        if (fstat(p->loop, &st) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot look at a device of %s", m->path);
        k = run(path, kind, st.st_rdev);
        return k < 0 ? err_set(e, ERR_SYSTEM, -k, "cannot make a process to check %s with", m->path) : k;
}

static bool has_left_it(int status) {
        return status < 128 && status & LEFT_UNMENDED;
}

static int check(struct image *m, const struct image_part *p, size_t kind, struct arena *a, struct err *e) {
        const char *program = programs[kind].program, *path = find(program, a), *what;
        int k;

        what = arena_printf(a, "the %s partition of the image was not left clean", role_name(p->role));
        if (!path) {
                strv_add(a, &m->notes, arena_printf(a, "%s, and there is no %s here to check it", what, program));
                return 0;
        }
        k = run_on(m, p, kind, path, e);
        if (k < 0)
                return k;
        if (k == MENDED)
                strv_add(a, &m->notes, arena_printf(a, "%s: %s has mended it", what, program));
        else if (k > 0 && !has_left_it(k))
                strv_add(a, &m->notes,
                         arena_printf(a, "%s, and %s did not work (status %d): it is used unchecked", what, program,
                                      k));
        return has_left_it(k) ? refuse(m, p, program, e) : 0;
}

/* ELEMENTS(programs): none. */
static size_t program_of(const struct image_part *p) {
        size_t kind;

        for (kind = 0; kind < ELEMENTS(programs) && !streq(programs[kind].fs, p->part->fs); kind++)
                ;
        return kind;
}

/* The same: it needs no check. */
static size_t program_for(const struct image *m, const struct image_part *p) {
        return !p->part->unclean || p->read_only || m->no_fsck ? ELEMENTS(programs) : program_of(p);
}

bool image_may_mend(const struct image *m, const struct image_part *p) {
        return p->damaged && !p->mended && !p->read_only && !m->no_fsck && program_of(p) < ELEMENTS(programs);
}

const char *image_fsck_why(const struct image *m, bool damaged, struct arena *a) {
        for (unsigned i = 0; i < m->n; i++) {
                const struct image_part *p = &m->parts[i];
                size_t kind = !damaged ? program_for(m, p) : image_may_mend(m, p) ? program_of(p) : ELEMENTS(programs);

                if (kind < ELEMENTS(programs) && find(programs[kind].program, a))
                        return arena_printf(a, "%s checks its %s partition first", programs[kind].program,
                                            role_name(p->role));
        }
        return NULL;
}

static int check_part(struct image *m, struct image_part *p, struct arena *a, struct err *e) {
        size_t kind = program_for(m, p);
        int k;

        if (kind == ELEMENTS(programs))
                return 0;
        if (m->peek) {
                strv_add(a, &m->notes,
                         arena_printf(a, "the %s partition of the image was not left clean: %s will check it",
                                      role_name(p->role), programs[kind].program));
                return 0;
        }
        k = image_device(m, p, e);
        return k < 0 ? k : check(m, p, kind, a, e);
}

int image_fsck(struct image *m, bool boot, struct arena *a, struct err *e) {
        int k = 0;

        for (unsigned i = 0; k == 0 && i < m->n; i++)
                if (image_is_boot(&m->parts[i]) == boot)
                        k = check_part(m, &m->parts[i], a, e);
        return k;
}

/* A new mount of it, in the end. e has what the first one said, and keeps it where no fsck works. That says 0 also
 * where it has mended descriptors of groups: whether it has is seen by the mount. */
static int mend(struct image *m, unsigned i, struct arena *a, struct err *e) {
        struct image_part *p = &m->parts[i];
        size_t kind = program_of(p);
        const char *program = programs[kind].program, *path = find(program, a);
        int before = e->code > 0 ? -e->code : -EINVAL, k;

        p->mended = true;
        if (!path)
                return before;
        k = run_on(m, p, kind, path, e);
        if (k < 0)
                return k;
        if (has_left_it(k))
                return refuse(m, p, program, e);
        if (k > MENDED)
                return before;
        k = image_mount(m, i, e);
        if (k >= 0)
                strv_add(a, &m->notes,
                         arena_printf(a, "the %s partition of the image could not be mounted: %s has mended it",
                                      role_name(p->role), program));
        return k;
}

int image_mount_mended(struct image *m, unsigned i, struct arena *a, struct err *e) {
        int k = image_mount(m, i, e);

        return k < 0 && a && !m->peek && image_may_mend(m, &m->parts[i]) ? mend(m, i, a, e) : k;
}

int image_mend_damaged(struct image *m, struct arena *a, struct facts *f, struct err *e) {
        for (unsigned i = 0; i < m->n; i++)
                if (image_may_mend(m, &m->parts[i])) {
                        CLEAN_FD int mount = mend(m, i, a, e);

                        f->image.notes = m->notes;
                        return mount < 0 ? mount : 0;
                }
        return err_set(e, ERR_BUG, 0, "nothing of %s is damaged", m->path);
}
