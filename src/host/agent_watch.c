/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth-agent: the scope after the bus has been away, or that an agent before us has made. The manager does not know
 * that we control it, since we have a new name, and nobody can tell it: asked to stop, it would ask nobody and wait.
 * So we look ourselves. */

#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"
#include "host/agent_work.h"

enum { FIRST_USEC = 1000 * 1000, MOST_USEC = 32 * 1000 * 1000 };

static int on_retry(sd_event_source *s, uint64_t now, void *agent) {
        struct agent *a = agent;
        struct err e;

        if (!a->bus && bus_connect(a, &e) < 0)
                watch_again(a);
        return 0;
}

/* Not while our own unit ends: the launcher has been asked too, and a bus that ends with the host would be started by
 * who connects. */
void watch_again(struct agent *a) {
        if (!a->has_scope || a->orphaned || a->ending)
                return;
        a->retry_usec = a->retry_usec ? a->retry_usec * 2 : FIRST_USEC;
        if (a->retry_usec > MOST_USEC)
                a->retry_usec = MOST_USEC;
        a->lost = true;
        (void) sd_event_add_time_relative(a->event, NULL, CLOCK_MONOTONIC, a->retry_usec, 0, on_retry, a);
}

static int on_state(sd_bus_message *m, void *agent, sd_bus_error *error) {
        const char *state;

        if (!sd_bus_message_get_error(m) && sd_bus_message_read(m, "v", "s", &state) >= 0 &&
            streq(state, "deactivating"))
                agent_say(agent, AGENT_STOP);
        return 0;
}

static char *path_of(const struct agent *a) {
        char *path = NULL;

        return sd_bus_path_encode(MANAGER_PATH "/unit", a->place.strings[PLACE_UNIT], &path) < 0 ? NULL : path;
}

static void ask_state(struct agent *a, const char *path) {
        sd_bus_message *m = NULL;
        int k = sd_bus_message_new_method_call(a->bus, &m, MANAGER_NAME, path, "org.freedesktop.DBus.Properties",
                                               "Get");

        k = k < 0 ? k : sd_bus_message_append(m, "ss", MANAGER_NAME ".Unit", "ActiveState");
        if (k < 0)
                sd_bus_message_unref(m);
        else
                (void) bus_call(a, m, on_state, NULL);
}

static int on_change(sd_bus_message *m, void *agent, sd_bus_error *error) {
        ask_state(agent, sd_bus_message_get_path(m));
        return 0;
}

static int on_subscribed(sd_bus_message *m, void *agent, sd_bus_error *error) {
        return 0;
}

void watch_scope(struct agent *a) {
        char *path = path_of(a);
        sd_bus_message *m = NULL;

        a->retry_usec = 0;
        log_debug(LOG_MSG, "agent: watching %s", a->place.strings[PLACE_UNIT]);
        /* The manager sends signals only where somebody has said so; what happened before is asked for. */
        if (path && bus_method(a, "Subscribe", &m, NULL) == 0 && bus_call(a, m, on_subscribed, NULL) == 0 &&
            sd_bus_match_signal_async(a->bus, NULL, MANAGER_NAME, path, "org.freedesktop.DBus.Properties",
                                      "PropertiesChanged", on_change, on_subscribed, a) >= 0)
                ask_state(a, path);
        free(path);
}

void watch_adopted(struct agent *a) {
        struct err e;

        a->has_scope = a->lost = true;
        /* It was asked for by who made the first one. */
        a->own_asked = a->place.head.supervisor > 0;
        if (a->connected)
                watch_scope(a);
        else if (!a->bus && bus_connect(a, &e) < 0)
                watch_again(a);
}
