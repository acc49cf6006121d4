/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Small files of the opened tree. Runs in process P with the host's rights, before anything was taken. Nothing here
 * may follow a name out of the tree, block, or read more than it was told to. */

#include "probe/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/binary.h"
#include "base/clean.h"
#include "base/file.h"
#include "probe/tree_open.h"
#include "sys/resolve.h"

int tree_open_regular(int root, const char *path, struct stat *ret) {
        CLEAN_FD int probe = -1, fd = -1;
        struct stat before, after;

        /* To open a device does something to it (a tape rewinds, a watchdog starts), even with O_NONBLOCK. So look
         * first, through a descriptor that opens nothing. */
        probe = resolve_in_root(root, path, O_PATH);
        if (probe < 0)
                return probe;
        if (fstat(probe, &before) < 0)
                return -errno;
        if (!S_ISREG(before.st_mode))
                return -EINVAL;
        fd = resolve_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return fd;
        if (fstat(fd, &after) < 0)
                return -errno;
        if (after.st_dev != before.st_dev || after.st_ino != before.st_ino)
                return -EINVAL;
        *ret = after;
        return TAKE_FD(fd);
}

ssize_t tree_read(int root, const char *path, size_t max, struct arena *a, char **ret) {
        struct stat st = { 0 };
        CLEAN_FD int fd = tree_open_regular(root, path, &st);
        char *buf;
        ssize_t n;

        if (fd < 0)
                return fd;
        if (st.st_size < 0 || (uint64_t) st.st_size > max)
                return -EFBIG;
        buf = arena_alloc(a, (size_t) st.st_size + 1);
        n = file_pread(fd, buf, (size_t) st.st_size, 0);
        if (n < 0)
                return n;
        buf[n] = '\0';
        *ret = buf;
        return n;
}

/* The head of a file: at most size bytes. */
static ssize_t read_head(int root, const char *path, void *buf, size_t size) {
        struct stat st;
        CLEAN_FD int fd = tree_open_regular(root, path, &st);

        return fd < 0 ? fd : file_pread(fd, buf, size, 0);
}

/* machine-id(5): 32 digits and a newline, which may be missing; never all zero. */
int tree_machine_id(int root, uint8_t ret[16]) {
        char text[40];
        uint8_t id[16], any = 0;
        ssize_t n = read_head(root, "/etc/machine-id", text, sizeof text);

        if (n != 32 && !(n == 33 && text[32] == '\n'))
                return 0;
        for (size_t i = 0; i < sizeof id; i++) {
                int high = binary_hex_digit(text[2 * i]), low = binary_hex_digit(text[2 * i + 1]);

                if (high < 0 || low < 0)
                        return 0;
                id[i] = (uint8_t) (high << 4 | low);
                any |= id[i];
        }
        if (!any)
                return 0;
        memcpy(ret, id, sizeof id);
        return 1;
}

bool tree_has_os_release(int root) {
        static const char places[][20] = { "/etc/os-release", "/usr/lib/os-release" };
        struct stat st;

        for (size_t i = 0; i < ELEMENTS(places); i++) {
                CLEAN_FD int fd = resolve_in_root(root, places[i], O_PATH);

                if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
                        return true;
        }
        return false;
}

int tree_elf(int root, const char *path, struct elf_kind *ret) {
        uint8_t head[ELF_HEAD];
        ssize_t n = read_head(root, path, head, sizeof head);

        *ret = (struct elf_kind){ 0 };
        return n < 0 ? (int) n : elf_kind_of(head, (size_t) n, ret);
}
