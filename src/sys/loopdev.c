/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/loopdev.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/str.h"
#include "sys/devnode.h"

enum { LOOP_MAJOR_ = 7 };

static int open_node(int number, bool read_only, char path[LOOPDEV_PATH]) {
        snprintf(path, LOOPDEV_PATH, "/dev/loop%d", number);
        return devnode_open_block(makedev(LOOP_MAJOR_, (unsigned) number), read_only, path);
}

int loopdev_make(const struct loopdev_want *want, char ret_path[LOOPDEV_PATH]) {
        const struct loop_config config = {
                .fd = (uint32_t) want->file,
                .block_size = want->sector,
                .info = { .lo_offset = want->start,
                          .lo_sizelimit = want->size,
                          .lo_flags = LO_FLAGS_AUTOCLEAR | (want->read_only ? LO_FLAGS_READ_ONLY : 0) |
                                      (want->direct ? LO_FLAGS_DIRECT_IO : 0) },
        };
        CLEAN_FD int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

        if (control < 0)
                return -errno;
        /* Others may take a device between the two calls: it is theirs then. */
        for (int tries = 0; tries < 64; tries++) {
                int number = ioctl(control, LOOP_CTL_GET_FREE);
                CLEAN_FD int fd = -1;

                if (number < 0)
                        return -errno;
                fd = open_node(number, want->read_only, ret_path);
                if (fd < 0)
                        return fd;
                if (ioctl(fd, LOOP_CONFIGURE, &config) == 0)
                        return TAKE_FD(fd);
                if (errno != EBUSY && errno != EAGAIN)
                        return -errno;
        }
        return -EBUSY;
}

/* sysfs has the path as it was; the numbers tell what is there now. */
static bool is_of(int number, const struct stat *st) {
        char path[LOOPDEV_PATH];
        CLEAN_FD int fd = open_node(number, true, path);
        struct loop_info64 info;

        return fd >= 0 && ioctl(fd, LOOP_GET_STATUS64, &info) == 0 && !(info.lo_flags & LO_FLAGS_READ_ONLY) &&
               info.lo_device == st->st_dev && info.lo_inode == st->st_ino;
}

static const char *last_of(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* "loop3" of /sys/block; most are not in use, and have no file. */
static bool has_name(int block, const char *device, const char *name) {
        char path[64], text[4200];
        ssize_t n;

        snprintf(path, sizeof path, "%.40s/loop/backing_file", device);
        n = file_read_at(block, path, text, sizeof text);
        if (n <= 0)
                return false;
        text[strcspn(text, "\n")] = '\0';
        return streq(last_of(text), name);
}

bool loopdev_writes_to(int file) {
        CLEAN_DIR DIR *dir = opendir("/sys/block");
        char self[32], name[4200];
        struct dirent *d;
        struct stat st;
        ssize_t n;

        snprintf(self, sizeof self, "/proc/self/fd/%d", file);
        n = readlink(self, name, sizeof name - 1);
        if (!dir || n < 0 || fstat(file, &st) < 0)
                return false;
        name[n] = '\0';
        while ((d = readdir(dir))) {
                const char *digits = str_after(d->d_name, "loop");
                uint64_t number;

                if (digits && parse_u64(digits, 0, INT32_MAX, &number) == 0 &&
                    has_name(dirfd(dir), d->d_name, last_of(name)) && is_of((int) number, &st))
                        return true;
        }
        return false;
}
