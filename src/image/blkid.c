/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The program berth-blkid: see blkid.h. Started by berth, with BLKID_FD and nothing else; not by root where only an
 * image is to be shown. */

#include "image/blkid.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/msg.h"
#include "image/dissect.h"
#include "sys/confine.h"
#include "sys/seccomp.h"
#include "sys/seccomp_write.h"

enum { CPU_S = 5 };

#define MEMORY_MAX ((rlim_t) 256 << 20)

#ifdef SYS__llseek
#define ALLOW_SEEK ALLOW(lseek), ALLOW(_llseek)
#else
#define ALLOW_SEEK ALLOW(lseek)
#endif
#ifdef SYS_mmap2
#define ALLOW_DATA ALLOW_WITHOUT(mmap2, 2, PROT_EXEC)
#else
#define ALLOW_DATA ALLOW_WITHOUT(mmap, 2, PROT_EXEC)
#endif

/* Memory without code, what is open already, and two questions about block devices. What else libblkid likes to know
 * (of sysfs, of CDs) it does without; nor may it tell the kernel to read less ahead, for the descriptor is also the
 * launcher's, and later the loop device's. */
static int close_doors(void) {
        const struct sock_filter program[] = {
                LOAD_NATIVE_CALL,
                ALLOW_SEEK,
                ALLOW_DATA,
                ALLOW_STAT,
                ALLOW_WITHOUT(mprotect, 2, PROT_EXEC),
                ALLOW_ON(write, BLKID_FD),
                ALLOW(read),
                ALLOW(pread64),
                ALLOW(brk),
                ALLOW(munmap),
                ALLOW(mremap),
                ALLOW(madvise),
                ALLOW(exit_group),
                IF(SYS_ioctl, 0, 4),
                LOAD_ARG(1),
                IF(BLKGETSIZE64, 1, 0),
                IF(BLKSSZGET, 0, 1),
                RETURN(SECCOMP_RET_ALLOW),
                RETURN(SECCOMP_RET_ERRNO | EPERM),
        };

        return SECCOMP_SANITIZED ? 0 : seccomp_load(program, ELEMENTS(program), 0);
}

int main(void) {
        const char *names[SUPERBLOCK_NAMES];
        struct msg_fds image = { 0 };
        struct disk_range range;
        struct teller *t;

        superblock_names(names);
        (void) alarm(BLKID_PATIENCE_ALL_S);
        if (confine(MEMORY_MAX, CPU_S) < 0 || !(t = teller_new(names)) ||
            msg_recv(BLKID_FD, &(char){ 0 }, 1, &image, 0) != 1 || image.n != 1 || close_doors() < 0)
                return EXIT_FAILURE;
        while (read(BLKID_FD, &range, sizeof range) == sizeof range) {
                struct told told;

                teller_tell(t, image.fd[0], &range, &told);
                if (write(BLKID_FD, &told, sizeof told) != sizeof told)
                        break;
        }
        _exit(EXIT_SUCCESS);
}
