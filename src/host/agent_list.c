/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth-agent list: the machines that systemd-machined knows, for berthctl, which speaks to no bus. One line each:
 * name, class, service, leader, root directory, with tabs in between; what has one itself, or a line's end, is left
 * out. Who reads it bounds the time. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/str.h"
#include "host/agent_work.h"

#define MACHINED "org.freedesktop.machine1"

static bool is_plain(const char *s) {
        return !strpbrk(s, "\t\n");
}

static int print_machine(sd_bus *bus, const char *name, const char *class, const char *service, const char *path,
                         FILE *out) {
        CLEAN_FREE char *root = NULL;
        uint32_t leader = 0;

        /* The host itself is one to machined. */
        if (streq(class, "host") || !is_plain(name) || !is_plain(class))
                return 0;
        (void) sd_bus_get_property_trivial(bus, MACHINED, path, MACHINED ".Machine", "Leader", NULL, 'u', &leader);
        (void) sd_bus_get_property_string(bus, MACHINED, path, MACHINED ".Machine", "RootDirectory", NULL, &root);
        return fprintf(out, "%s\t%s\t%s\t%u\t%s\n", name, class, is_plain(service) ? service : "", leader,
                       root && is_plain(root) ? root : "");
}

static int print_all(sd_bus *bus, FILE *out) {
        CLEAN(clean_message) sd_bus_message *reply = NULL;
        const char *name, *class, *service, *path;
        int k = sd_bus_call_method(bus, MACHINED, "/org/freedesktop/machine1", MACHINED ".Manager", "ListMachines",
                                   NULL, &reply, NULL);

        k = k < 0 ? k : sd_bus_message_enter_container(reply, 'a', "(ssso)");
        while (k >= 0 && (k = sd_bus_message_read(reply, "(ssso)", &name, &class, &service, &path)) > 0)
                k = print_machine(bus, name, class, service, path, out);
        return k < 0 ? k : fflush(out) == 0 ? 0 : -1;
}

int agent_list(const char *address, int fd) {
        CLEAN(clean_bus) sd_bus *bus = NULL;
        CLEAN_FILE FILE *out = fdopen(fd, "w");
        int k = out ? bus_open(address, &bus) : -1;

        return k < 0 ? k : print_all(bus, out);
}
