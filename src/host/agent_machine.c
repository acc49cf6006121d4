/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth-agent: registration with systemd-machined, org.freedesktop.machine1(5). The unit is the leader's: machined
 * finds it by the cgroup. */

#include <errno.h>

#include "base/log.h"
#include "host/agent_work.h"

#define MACHINED_NAME  "org.freedesktop.machine1"
#define MACHINED_PATH  "/org/freedesktop/machine1"
#define MACHINED_IFACE "org.freedesktop.machine1.Manager"

/* How long the machine of an earlier registration may take to go: machined forgets it a moment after it has said so.
 */
enum { RETRY_USEC = 5 * 1000, RETRIES = 60 };

static int call_register(struct agent *a, struct err *e);

static int try_again(sd_event_source *s, uint64_t now, void *agent) {
        struct agent *a = agent;
        struct err e;

        if (a->state != AGENT_ANNOUNCING || !a->connected)
                return 0;
        if (call_register(a, &e) < 0)
                agent_fail(a, MANAGER_WORK_ANNOUNCE, &e);
        return 0;
}

static bool will_try_again(struct agent *a, const sd_bus_error *said) {
        return sd_bus_error_has_name(said, "org.freedesktop.machine1.MachineExists") &&
               a->register_tries++ < RETRIES &&
               sd_event_add_time_relative(a->event, NULL, CLOCK_MONOTONIC, RETRY_USEC, 1, try_again, a) >= 0;
}

static int on_registered(sd_bus_message *m, void *agent, sd_bus_error *error) {
        struct agent *a = agent;
        const sd_bus_error *said = sd_bus_message_get_error(m);
        struct err e;

        if (!said) {
                agent_say(a, AGENT_ANNOUNCED);
                return 0;
        }
        log_debug(LOG_MSG, "agent: RegisterMachine: %s: %s", said->name, said->message);
        if (will_try_again(a, said))
                return 0;
        a->has_machine = false;
        bus_error(&e, ERR_HOST, said, "cannot register %s with systemd-machined",
                  a->announce.strings[ANNOUNCE_MACHINE]);
        agent_fail(a, MANAGER_WORK_ANNOUNCE, &e);
        return 0;
}

static int call_register(struct agent *a, struct err *e) {
        const struct agent_message *w = &a->announce;
        sd_bus_message *m = NULL;
        int k = sd_bus_message_new_method_call(a->bus, &m, MACHINED_NAME, MACHINED_PATH, MACHINED_IFACE,
                                               "RegisterMachineWithNetwork");

        k = k < 0 ? k : sd_bus_message_append(m, "s", w->strings[ANNOUNCE_MACHINE]);
        k = k < 0 ? k : sd_bus_message_append_array(m, 'y', w->head.uuid, sizeof w->head.uuid);
        k = k < 0 ? k
                  : sd_bus_message_append(m, "ssusai", w->strings[ANNOUNCE_SERVICE], "container",
                                          (uint32_t) w->head.leader, w->strings[ANNOUNCE_ROOT], 0);
        if (k < 0) {
                sd_bus_message_unref(m);
                return err_set(e, ERR_HOST, -k, "cannot write the registration of %s", w->strings[ANNOUNCE_MACHINE]);
        }
        return bus_call(a, m, on_registered, e);
}

static int call_unregister(struct agent *a, sd_bus_message_handler_t done) {
        sd_bus_message *m = NULL;
        int k = sd_bus_message_new_method_call(a->bus, &m, MACHINED_NAME, MACHINED_PATH, MACHINED_IFACE,
                                               "UnregisterMachine");

        k = k < 0 ? k : sd_bus_message_append(m, "s", a->announce.strings[ANNOUNCE_MACHINE]);
        if (k < 0) {
                sd_bus_message_unref(m);
                return k;
        }
        return bus_call(a, m, done, NULL);
}

static int on_taken_back(sd_bus_message *m, void *agent, sd_bus_error *error) {
        struct agent *a = agent;
        struct err e;

        a->announce.head.again = 0;
        if (a->state == AGENT_ANNOUNCING && call_register(a, &e) < 0)
                agent_fail(a, MANAGER_WORK_ANNOUNCE, &e);
        return 0;
}

/* A name that is registered is not registered once more. */
static int take_back(struct agent *a, struct err *e) {
        int k = call_unregister(a, on_taken_back);

        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot register %s anew", a->announce.strings[ANNOUNCE_MACHINE]) : 0;
}

void machine_announce(struct agent *a) {
        struct err e;
        int k = bus_connect(a, &e);

        if (k == 0 && !a->connected)
                return;
        a->register_tries = 0;
        if (k == 0)
                k = a->announce.head.again ? take_back(a, &e) : call_register(a, &e);
        a->has_machine = k == 0;
        if (k < 0)
                agent_fail(a, MANAGER_WORK_ANNOUNCE, &e);
}

static int on_unregistered(sd_bus_message *m, void *agent, sd_bus_error *error) {
        const sd_bus_error *said = sd_bus_message_get_error(m);

        /* machined may have noticed the leader's end first. */
        if (said)
                log_debug(LOG_MSG, "agent: unregister: %s", said->message);
        agent_left_one(agent);
        return 0;
}

void machine_leave(struct agent *a) {
        if (a->has_machine && a->connected && call_unregister(a, on_unregistered) == 0)
                a->leaving++;
}
