/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ways to the host by sockets. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "probe.h"

static bool connects(int family, const void *address, socklen_t size, char detail[DETAIL]) {
        int sock = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool through = sock >= 0 && connect(sock, address, size) == 0;

        snprintf(detail, DETAIL, "%s", through ? "connected" : outcome(errno));
        if (sock >= 0)
                close(sock);
        return through;
}

static bool abstract_socket(const struct planted *p, char detail[DETAIL]) {
        const char *name = planted_value(p, "abstract");
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        if (!name)
                return false;
        snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "%s", name);
        return connects(AF_UNIX, &address, (socklen_t) (offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name)),
                        detail);
}

static bool loopback(const struct planted *p, char detail[DETAIL]) {
        const char *port = planted_value(p, "port");
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

        if (!port)
                return false;
        address.sin_port = htons((uint16_t) atoi(port));
        return connects(AF_INET, &address, sizeof address, detail);
}

static const struct attempt items[] = {
        { "abstract-socket", abstract_socket },
        { "loopback", loopback },
};
const struct attempts escapes_talk = { items, sizeof items / sizeof *items };
