/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From the guest to the stub. Nothing is allocated. */

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clean.h"
#include "stub/stub.h"

enum { PASS_MAX = 1024 };
enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

/* MFD_EXEC since Linux 6.3, where vm.memfd_noexec may ask for it. */
static int new_memfd(const char *name, unsigned exec) {
        int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | exec);

        if (fd < 0 && errno == EINVAL && exec)
                fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        return fd < 0 ? -errno : fd;
}

int stub_open(void) {
        CLEAN_FD int fd = new_memfd("berth-stub", 0x10 /* MFD_EXEC */);

        if (fd < 0)
                return fd;
        if (write(fd, stub_image, stub_image_size) != (ssize_t) stub_image_size || fcntl(fd, F_ADD_SEALS, SEALS) < 0)
                return errno ? -errno : -EIO;
        return TAKE_FD(fd);
}

static int store_job(const struct stub_job *job) {
        CLEAN_FD int fd = -1;
        ssize_t size = stub_pack(job, NULL, 0);
        void *p;

        if (size < 0)
                return (int) size;
        fd = new_memfd("berth-job", 0);
        if (fd < 0)
                return fd;
        if (ftruncate(fd, size) < 0)
                return -errno;
        p = mmap(NULL, (size_t) size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (p == MAP_FAILED)
                return -errno;
        stub_pack(job, p, (size_t) size);
        munmap(p, (size_t) size);
        if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* A copy of fd, where there is one, at a number that is out of the way, which survives execve(2). */
static int move_up(int *fd, int lowest) {
        int copy;

        if (*fd < 0)
                return 0;
        copy = fcntl(*fd, F_DUPFD, lowest);
        if (copy < 0)
                return -errno;
        *fd = copy;
        return 0;
}

/* All named descriptors get copies at lowest and above, in one go, so that none meets another; what is in place only
 * survives execve(2). */
static int move_all(struct stub_job *job, int *pass, int lowest) {
        int r = move_up(&job->exec_fd, lowest);

        if (r >= 0)
                r = move_up(&job->status_fd, lowest);
        if (r >= 0)
                r = move_up(&job->life_fd, lowest);
        for (size_t i = 0; r >= 0 && i < job->n_pass; i++)
                if (!stub_in_place(job, i))
                        r = move_up(&pass[i], lowest);
                else if (fcntl(pass[i], F_SETFD, 0) < 0)
                        r = -errno;
        return r;
}

int stub_prepare(int *image, const struct stub_job *job) {
        int pass[PASS_MAX], lowest, job_fd, r;
        struct stub_job moved = *job;

        if (job->n_pass > PASS_MAX || job->exec_fd < 0)
                return -EINVAL;
        for (size_t i = 0; i < job->n_pass; i++)
                pass[i] = job->pass[i];
        moved.pass = pass;
        /* Above everything that is open by one of our names, and above what the payload's numbers will be. */
        lowest = STUB_JOB_FD + 1 + (int) job->n_pass;
        r = fcntl(*image, F_DUPFD_CLOEXEC, lowest);
        if (r < 0)
                return -errno;
        *image = r;
        /* What was open before goes at execve(2); the copies stay. */
        if (syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
                return -errno;
        r = move_all(&moved, pass, lowest);
        if (r < 0)
                return r;
        job_fd = store_job(&moved);
        if (job_fd < 0)
                return job_fd;
        if (job_fd == STUB_JOB_FD)
                return fcntl(job_fd, F_SETFD, 0) < 0 ? -errno : 0;
        r = dup2(job_fd, STUB_JOB_FD) < 0 ? -errno : 0;
        close(job_fd);
        return r;
}

int stub_exec(int image, char *const env[]) {
        char name[] = "berth-stub";

        syscall(SYS_execveat, image, "", (char *[]){ name, NULL }, env, AT_EMPTY_PATH);
        return -errno;
}
