/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/ns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clean.h"

int ns_open_own(int proc, const char *name) {
        char path[32];
        int fd;

        snprintf(path, sizeof path, "self/ns/%s", name);
        fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* "net:[4026531840]" (namespaces(7)). To follow the link would make an inode that nobody needs. */
int ns_inode(int dir, const char *name, uint64_t *ret) {
        char text[64], *number, *end;
        ssize_t n = readlinkat(dir, name, text, sizeof text - 1);

        if (n < 0)
                return -errno;
        text[n] = '\0';
        number = strstr(text, ":[");
        *ret = number ? strtoull(number + 2, &end, 10) : 0;
        return number && *end == ']' && *ret > 0 ? 0 : -EBADMSG;
}

int ns_enter(int ns, int type) {
        return setns(ns, type) < 0 ? -errno : 0;
}

int ns_enter_path(const char *path, int type) {
        CLEAN_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

        return fd < 0 ? -errno : ns_enter(fd, type);
}

int ns_look(const char *path, int type) {
        CLEAN_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        return ioctl(fd, NS_GET_NSTYPE) == type ? 0 : -EINVAL;
}

int ns_loopback_up(void) {
        CLEAN_FD int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };

        if (sock < 0)
                return -errno;
        return ioctl(sock, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}
