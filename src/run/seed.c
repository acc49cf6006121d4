/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Fills a new file system while it is detached: nobody else can reach it, so plain *at() calls on its descriptor are
 * safe. Runs in the launcher (for file systems that it makes) and in the guest, both with an umask of 0. */

#include "run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/str.h"

static int seed_file(int fs, const struct seed *s, const char *text) {
        CLEAN_FD int fd = openat(fs, s->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, s->mode);
        size_t n = strlen(text);

        if (fd < 0)
                return -errno;
        return n > 0 && write(fd, text, n) != (ssize_t) n ? (errno ? -errno : -EIO) : 0;
}

static int seed_register(int fs, const struct seed *s) {
        CLEAN_FD int fd = openat(fs, s->path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
        size_t n = strlen(s->text);

        if (fd < 0)
                return -errno;
        return write(fd, s->text, n) != (ssize_t) n ? (errno ? -errno : -EIO) : 0;
}

static int seed_boot_id(int fs, const struct seed *s) {
        uint8_t id[16];
        char text[STR_UUID + 1];

        if (getrandom(id, sizeof id, 0) != sizeof id)
                return -errno;
        id[6] = (id[6] & 0x0f) | 0x40;
        id[8] = (id[8] & 0x3f) | 0x80;
        return seed_file(fs, s, strcat(str_uuid(id, text), "\n"));
}

/* bind(2) takes a path only: it leads through the descriptor. */
static int seed_socket(int fs, const struct seed *s, int type, int *ret) {
        CLEAN_FD int sock = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int one = 1;

        if (sock < 0)
                return -errno;
        snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", fs, s->path);
        if (bind(sock, (const struct sockaddr *) &address, sizeof address) < 0)
                return -errno;
        if (fchmodat(fs, s->path, s->mode, 0) < 0)
                return -errno;
        /* Who writes is known by the kernel's word only. */
        if (ret && setsockopt(sock, SOL_SOCKET, SO_PASSCRED, &one, sizeof one) < 0)
                return -errno;
        if (ret)
                *ret = TAKE_FD(sock);
        return 0;
}

static int seed_kmsg(int fs, const struct seed *s, int *ret) {
        int fd;

        if (mkfifoat(fs, s->path, s->mode) < 0)
                return -errno;
        fd = openat(fs, s->path, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        *ret = fd;
        return 0;
}

static int seed_one(int fs, const struct seed *s, struct seeded *ret) {
        switch (s->kind) {
        case SEED_DIR: return mkdirat(fs, s->path, s->mode) < 0 ? -errno : 0;
        case SEED_LINK: return symlinkat(s->text, fs, s->path) < 0 ? -errno : 0;
        case SEED_FILE: return seed_file(fs, s, s->text);
        case SEED_FIFO: return mkfifoat(fs, s->path, s->mode) < 0 ? -errno : 0;
        case SEED_NODE: return mknodat(fs, s->path, s->mode, s->dev) < 0 ? -errno : 0;
        case SEED_SOCKET: return seed_socket(fs, s, SOCK_DGRAM, NULL);
        case SEED_NOTIFY: return seed_socket(fs, s, SOCK_DGRAM, &ret->notify);
        case SEED_BOOT_ID: return seed_boot_id(fs, s);
        case SEED_REGISTER: return seed_register(fs, s);
        case SEED_CREDENTIAL: return -ENODATA; /* host_credentials.c */
        case SEED_KMSG: return seed_kmsg(fs, s, &ret->kmsg);
        }
        return -EINVAL;
}

int seed_all(int fs, const struct seed_list *seeds, struct seeded *ret, struct err *e) {
        for (size_t i = 0; i < seeds->n; i++) {
                int r = seed_one(fs, &seeds->items[i], ret);

                if (r < 0)
                        return err_set(e, ERR_SYSTEM, -r, "cannot make %s in a new file system", seeds->items[i].path);
        }
        return 0;
}
