/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth-agent service: asks the manager for a transient service that runs the supervisor of a detached container, and
 * ends. The descriptor becomes its standard input. What everybody may read of it, by systemctl show, is the name of
 * the container and the path of berth. Who waits bounds the time. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/str.h"
#include "host/agent_work.h"

enum { SERVICE_NAME = 256 };

/* It says itself when it is ready, for which a boot has all the time it needs; it alone is told to end, and asks the
 * container. Where there will be no scope, the container's cgroup is in there. systemd.service(5), systemd.kill(5). */
static int append_constants(sd_bus_message *m) {
        static const char *const strings[][2] = {
                { "Type", "notify" },        { "NotifyAccess", "main" },   { "CollectMode", "inactive-or-failed" },
                { "KillMode", "mixed" },     { "StandardOutput", "null" }, { "StandardError", "journal" },
                { "OOMPolicy", "continue" },
        };
        int k = 0;

        for (size_t i = 0; k >= 0 && i < ELEMENTS(strings); i++)
                k = sd_bus_message_append(m, "(sv)", strings[i][0], "s", strings[i][1]);
        k = k < 0 ? k : sd_bus_message_append(m, "(sv)", "TimeoutStartUSec", "t", UINT64_MAX);
        k = k < 0 ? k : sd_bus_message_append(m, "(sv)", "Delegate", "b", 1);
        return k < 0 ? k : sd_bus_message_append(m, "(sv)", "IgnoreSIGPIPE", "b", 0);
}

/* As a scope has it, which waits for nothing: the caller may be what a target waits for. And it stops before the bus,
 * by which it is to tell of the end. */
static int append_order(sd_bus_message *m) {
        static const char *const orders[][2] = {
                { "Conflicts", "shutdown.target" },
                { "Before", "shutdown.target" },
                { "After", "dbus.service" },
        };
        int k = sd_bus_message_append(m, "(sv)", "DefaultDependencies", "b", 0);

        for (size_t i = 0; k >= 0 && i < ELEMENTS(orders); i++)
                k = sd_bus_message_append(m, "(sv)", orders[i][0], "as", 1, orders[i][1]);
        return k;
}

static int append_properties(sd_bus_message *m, char *const words[SERVICE_WORDS], int fd) {
        char description[SERVICE_NAME];
        uint64_t seconds = 0;
        int k = parse_u64(words[SERVICE_STOP_SECONDS], 1, UINT32_MAX, &seconds);

        snprintf(description, sizeof description, "Supervisor of container %s", words[SERVICE_MACHINE]);
        k = k < 0 ? k : append_constants(m);
        k = k < 0 ? k : append_order(m);
        k = k < 0 ? k : sd_bus_message_append(m, "(sv)", "Description", "s", description);
        k = k < 0 ? k : sd_bus_message_append(m, "(sv)", "Slice", "s", words[SERVICE_SLICE]);
        k = k < 0 ? k : sd_bus_message_append(m, "(sv)", "TimeoutStopUSec", "t", seconds * 1000 * 1000);
        k = k < 0 ? k : sd_bus_message_append(m, "(sv)", "StandardInputFileDescriptor", "h", fd);
        return k < 0 ? k
                     : sd_bus_message_append(m, "(sv)", "ExecStart", "a(sasb)", 1, words[SERVICE_PROGRAM], 2,
                                             words[SERVICE_ARGV0], words[SERVICE_MACHINE], 0);
}

static int ask(sd_bus *bus, const char *unit, char *const words[SERVICE_WORDS], int fd, sd_bus_error *error) {
        CLEAN(clean_message) sd_bus_message *m = NULL;
        int k = sd_bus_message_new_method_call(bus, &m, MANAGER_NAME, MANAGER_PATH, MANAGER_IFACE,
                                               "StartTransientUnit");

        k = k < 0 ? k : sd_bus_message_append(m, "ss", unit, "fail");
        k = k < 0 ? k : sd_bus_message_open_container(m, 'a', "(sv)");
        k = k < 0 ? k : append_properties(m, words, fd);
        k = k < 0 ? k : sd_bus_message_close_container(m);
        k = k < 0 ? k : sd_bus_message_append(m, "a(sa(sv))", 0);
        return k < 0 ? k : sd_bus_call(bus, m, 0, error, NULL);
}

/* Is the unit on its way to its end? */
static bool is_ending(sd_bus *bus, const char *unit) {
        CLEAN_FREE char *path = NULL;
        CLEAN_FREE char *state = NULL;

        if (sd_bus_path_encode(MANAGER_PATH "/unit", unit, &path) < 0 ||
            sd_bus_get_property_string(bus, MANAGER_NAME, path, MANAGER_NAME ".Unit", "ActiveState", NULL, &state) < 0)
                return false;
        return streq(state, "deactivating") || streq(state, "inactive") || streq(state, "failed");
}

/* 1: there is a unit of that name. */
static int ask_by_name(sd_bus *bus, const char *unit, char *const words[SERVICE_WORDS], int fd) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        int k = ask(bus, unit, words, fd, &error);

        log_debug(LOG_MSG, "agent: %s: %d %s", unit, k, str_or(error.message, ""));
        k = k < 0 && sd_bus_error_has_name(&error, "org.freedesktop.systemd1.UnitExists") ? 1 : k < 0 ? k : 0;
        sd_bus_error_free(&error);
        return k;
}

/* That of a container that has just ended is waited for. Somebody else's, or one of a container that is to be
 * replaced, keeps its name: a unit is not called what the container is, of which there is one. */
static int ask_for_one(sd_bus *bus, char *const words[SERVICE_WORDS], int fd) {
        char unit[SERVICE_NAME];
        int k;

        snprintf(unit, sizeof unit, "berth-%s.service", words[SERVICE_MACHINE]);
        k = ask_by_name(bus, unit, words, fd);
        for (int tries = 0; k == 1 && tries < UNIT_RETRIES && is_ending(bus, unit); tries++) {
                usleep(UNIT_RETRY_USEC << tries);
                k = ask_by_name(bus, unit, words, fd);
        }
        if (k != 1)
                return k;
        snprintf(unit, sizeof unit, "berth-%s-%d.service", words[SERVICE_MACHINE], (int) getpid());
        return ask_by_name(bus, unit, words, fd) == 0 ? 0 : -EEXIST;
}

int agent_service(const char *address, char *const words[SERVICE_WORDS], int fd) {
        CLEAN(clean_bus) sd_bus *bus = NULL;
        int k = bus_open(address, &bus);

        return k < 0 ? k : ask_for_one(bus, words, fd);
}
