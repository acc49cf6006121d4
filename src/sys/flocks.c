/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/flocks.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"

/* Files of /proc tell no size. */
static int read_all(int fd, struct arena *a, char **ret) {
        size_t size = 64 * 1024, n = 0;
        char *text = arena_alloc(a, size);

        for (;;) {
                ssize_t r = file_read(fd, text + n, size - n - 1);

                if (r < 0)
                        return (int) r;
                n += (size_t) r;
                if (n < size - 1)
                        break;
                text = memcpy(arena_alloc(a, 2 * size), text, n);
                size *= 2;
        }
        text[n] = '\0';
        *ret = text;
        return 0;
}

/* "1: FLOCK  ADVISORY  WRITE 4711 00:1a:815 0 EOF"; a "->" behind the number: somebody who waits. */
void flocks_parse(struct arena *a, const char *text, struct flock_list *ret) {
        for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
                unsigned major, minor;
                uint64_t ino;
                int pid;

                if (sscanf(line, "%*d: FLOCK ADVISORY WRITE %d %x:%x:%" SCNu64 " ", &pid, &major, &minor, &ino) == 4)
                        *arena_push(a, ret) =
                                (struct flock_held){ .dev = makedev(major, minor), .ino = ino, .pid = pid };
        }
}

int flocks_read(int proc, struct arena *a, struct flock_list *ret) {
        CLEAN_FD int fd = openat(proc, "locks", O_RDONLY | O_CLOEXEC);
        char *text = NULL;
        int k;

        if (fd < 0)
                return -errno;
        k = read_all(fd, a, &text);
        if (k < 0)
                return k;
        flocks_parse(a, text, ret);
        return 0;
}

const struct flock_held *flocks_find(const struct flock_list *l, dev_t dev, ino_t ino) {
        for (size_t i = 0; i < l->n; i++)
                if (l->items[i].dev == dev && l->items[i].ino == ino)
                        return &l->items[i];
        return NULL;
}
