/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth-agent: the connection to the bus. It is made at once and in the background; what is asked for before it stands
 * is done then. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "base/str.h"
#include "host/agent_work.h"

void bus_drop(struct agent *a) {
        a->connected = false;
        a->watching = false;
        if (a->bus)
                (void) sd_bus_detach_event(a->bus);
        a->bus = sd_bus_close_unref(a->bus);
}

/* What waits for an answer gets its error from the library. What is there outlives the bus. */
static int on_disconnected(sd_bus_message *m, void *agent, sd_bus_error *error) {
        struct agent *a = agent;
        struct err e;

        bus_drop(a);
        err_set(&e, ERR_HOST, ECONNRESET, "the connection to the bus broke");
        if (a->state == AGENT_PLACING)
                agent_fail(a, MANAGER_WORK_PLACE, &e);
        else if (a->state == AGENT_ANNOUNCING)
                agent_fail(a, MANAGER_WORK_ANNOUNCE, &e);
        while (a->leaving > 0)
                agent_left_one(a);
        watch_again(a);
        return 1;
}

static int on_connected(sd_bus_message *m, void *agent, sd_bus_error *error) {
        struct agent *a = agent;

        a->connected = true;
        if (a->lost && a->has_scope)
                watch_scope(a);
        if (a->state == AGENT_PLACING)
                scope_place(a);
        else if (a->state == AGENT_ANNOUNCING)
                machine_announce(a);
        else if (a->state == AGENT_LEAVING && a->leaving > 0) {
                machine_leave(a);
                scope_leave(a);
                agent_left_one(a);
        }
        return 0;
}

#define LOCAL_PATH  "/org/freedesktop/DBus/Local"
#define LOCAL_IFACE "org.freedesktop.DBus.Local"

int bus_open(const char *address, sd_bus **ret) {
        int k = sd_bus_new(ret);

        k = k < 0 ? k : sd_bus_set_address(*ret, address);
        k = k < 0 ? k : sd_bus_set_bus_client(*ret, true);
        k = k < 0 ? k : sd_bus_negotiate_fds(*ret, true);
        return k < 0 ? k : sd_bus_start(*ret);
}

static int set_up(struct agent *a) {
        int k = sd_bus_new(&a->bus);

        k = k < 0 ? k : sd_bus_set_description(a->bus, "berth-agent");
        k = k < 0 ? k : sd_bus_set_address(a->bus, a->address);
        k = k < 0 ? k : sd_bus_set_bus_client(a->bus, true);
        k = k < 0 ? k : sd_bus_set_connected_signal(a->bus, true);
        /* To flush it at our end may take for ever. What has to be done then is waited for before. */
        k = k < 0 ? k : sd_bus_set_close_on_exit(a->bus, false);
        k = k < 0 ? k : sd_bus_negotiate_fds(a->bus, true);
        k = k < 0 ? k
                  : sd_bus_match_signal_async(a->bus, NULL, LOCAL_IFACE, LOCAL_PATH, LOCAL_IFACE, "Connected",
                                              on_connected, NULL, a);
        k = k < 0 ? k
                  : sd_bus_match_signal_async(a->bus, NULL, LOCAL_IFACE, LOCAL_PATH, LOCAL_IFACE, "Disconnected",
                                              on_disconnected, NULL, a);
        /* RequestStop is sent to us alone: that takes no match at the bus. */
        k = k < 0 ? k : sd_bus_add_filter(a->bus, NULL, scope_on_signal, a);
        k = k < 0 ? k : sd_bus_start(a->bus);
        return k < 0 ? k : sd_bus_attach_event(a->bus, a->event, SD_EVENT_PRIORITY_NORMAL);
}

int bus_connect(struct agent *a, struct err *e) {
        int k = a->bus ? 0 : set_up(a);

        if (k >= 0)
                return 0;
        bus_drop(a);
        return err_set(e, ERR_HOST, -k, "cannot connect to the bus");
}

int bus_method(struct agent *a, const char *member, sd_bus_message **ret, struct err *e) {
        int k = sd_bus_message_new_method_call(a->bus, ret, MANAGER_NAME, MANAGER_PATH, MANAGER_IFACE, member);

        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot call %s", member) : 0;
}

int bus_call(struct agent *a, sd_bus_message *m, sd_bus_message_handler_t done, struct err *e) {
        CLEAN(clean_message) sd_bus_message *call = m;
        int k = sd_bus_call_async(a->bus, NULL, call, done, a, 0);

        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot call %s", sd_bus_message_get_member(m)) : 0;
}

int bus_error(struct err *e, enum err_kind kind, const sd_bus_error *said, const char *fmt, ...) {
        char what[160];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(what, sizeof what, fmt, ap);
        va_end(ap);
        return err_set(e, kind, 0, "%s: %.150s", what, str_or(said->message, str_or(said->name, "no reason given")));
}
