/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth-agent: the scope, org.freedesktop.systemd1(5). */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"
#include "base/str.h"
#include "host/agent_work.h"

static const char *unit_of(const struct agent *a) {
        return a->place.strings[PLACE_UNIT];
}

static void fail(struct agent *a, const struct err *e) {
        a->has_scope = false;
        agent_fail(a, MANAGER_WORK_PLACE, e);
}

/* --- what is asked for --- */

enum { UNIT_NAME = 256 };

/* The scope of launcher and agent. */
static const char *own_name(const struct agent *a, char buf[UNIT_NAME]) {
        snprintf(buf, UNIT_NAME, "berth-%.*s-%d.scope", (int) (strlen(unit_of(a)) - strlen(".scope")), unit_of(a),
                 a->place.head.supervisor);
        return buf;
}

static int append_basics(struct agent *a, sd_bus_message *m) {
        const char *const *s = a->place.strings, *name = NULL;
        int k = sd_bus_get_unique_name(a->bus, &name);
        char own[UNIT_NAME];

        k = k < 0 ? k : sd_bus_message_append(m, "(sv)", "Description", "s", s[PLACE_DESCRIPTION]);
        k = k < 0 ? k : sd_bus_message_append(m, "(sv)", "Slice", "s", s[PLACE_SLICE]);
        k = k < 0 ? k : sd_bus_message_append(m, "(sv)", "Controller", "s", name);
        /* What starts later is stopped first. When the host goes down, the bus may be gone before RequestStop gets to
         * us, and a controller that is not there is not waited for. The launcher is asked by SIGTERM, and ends the
         * container; then there is nothing left to stop. Said here and not there: older managers take a unit that
         * another one names for one that they have. */
        if (k >= 0 && a->own_asked)
                k = sd_bus_message_append(m, "(sv)", "Before", "as", 1, own_name(a, own));
        if (k < 0)
                return k;
        if (a->no_pidfd || a->leader < 0)
                return sd_bus_message_append(m, "(sv)", "PIDs", "au", 1, (uint32_t) a->place.head.leader);
        return sd_bus_message_append(m, "(sv)", "PIDFDs", "ah", 1, a->leader);
}

static int append_properties(struct agent *a, sd_bus_message *m, struct err *e) {
        int k = 0;

        for (size_t i = PLACE_PROPERTIES; k >= 0 && i < a->place.n; i++)
                if (!a->dropped[i])
                        k = property_append(m, a->place.strings[i] + 1, a->types[i], e);
        return k;
}

/* <property name="NAME" type="TYPE" ...>: as every implementation of the bus writes it. */
static void find_type(const char *xml, const char *text, char ret[8]) {
        char want[160];
        const char *at;

        snprintf(want, sizeof want, "<property name=\"%.*s\" type=\"", (int) strcspn(text, "="), text);
        at = strstr(xml, want);
        at = at ? at + strlen(want) : "?";
        snprintf(ret, 8, "%.*s", (int) strcspn(at, "\""), at);
}

/* What no table of ours knows, the manager may: it tells of the properties of any scope, as its own. */
static int on_types(sd_bus_message *m, void *agent, sd_bus_error *error) {
        const sd_bus_error *said = sd_bus_message_get_error(m);
        struct agent *a = agent;
        const char *xml;
        struct err e;

        if (a->state != AGENT_PLACING)
                return 0;
        if (said || sd_bus_message_read(m, "s", &xml) < 0) {
                bus_error(&e, ERR_HOST, said, "cannot ask the service manager for its properties");
                fail(a, &e);
                return 0;
        }
        for (size_t i = PLACE_PROPERTIES; i < a->place.n; i++)
                find_type(xml, a->place.strings[i] + 1, a->types[i]);
        scope_place(a);
        return 0;
}

static int ask_types(struct agent *a, struct err *e) {
        sd_bus_message *m = NULL;
        int k = sd_bus_message_new_method_call(a->bus, &m, MANAGER_NAME, MANAGER_PATH "/unit/init_2escope",
                                               "org.freedesktop.DBus.Introspectable", "Introspect");

        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot ask for properties") : bus_call(a, m, on_types, e);
}

/* -ENOENT: which of the user's it is. 1: those that a newer manager no longer has, since what they ask for is always
 * so, are left out. */
static int unknown_name(struct agent *a, struct err *e) {
        int left_out = 0;

        for (size_t i = PLACE_PROPERTIES; i < a->place.n; i++) {
                const char *text = a->place.strings[i] + 1;

                if (a->dropped[i] || property_known(text, a->types[i]))
                        continue;
                if (!property_is_past(text))
                        return err_set(e, ERR_USAGE, 0,
                                       "--property=%.120s: the service manager knows no such property"
                                       " of a scope, or none that can be set",
                                       text);
                agent_note(a, "--property=%.120s: the service manager does so for every unit: left out", text);
                a->dropped[i] = true;
                left_out++;
        }
        return left_out > 0 ? 1 : err_set(e, ERR_BUG, 0, "no property is unknown");
}

static int build(struct agent *a, sd_bus_message *m, struct err *e) {
        int k = sd_bus_message_append(m, "ss", unit_of(a), "fail");

        k = k < 0 ? k : sd_bus_message_open_container(m, 'a', "(sv)");
        k = k < 0 ? k : append_basics(a, m);
        if (k < 0)
                return err_set(e, ERR_HOST, -k, "cannot write the properties of %s", unit_of(a));
        k = append_properties(a, m, e);
        if (k < 0)
                return k;
        k = sd_bus_message_close_container(m);
        k = k < 0 ? k : sd_bus_message_append(m, "a(sa(sv))", 0);
        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot write the properties of %s", unit_of(a)) : 0;
}

/* --- what is answered --- */

/* The name in the manager's complaint about a property that it does not know: "Cannot set property NAME, or unknown
 * property." */
static const char *unknown_property(const sd_bus_error *said, char buf[64]) {
        static const char *const heads[] = { "Cannot set property ", "Unknown property " };

        for (size_t i = 0; i < ELEMENTS(heads); i++) {
                const char *rest = said->message ? str_after(said->message, heads[i]) : NULL;

                if (!rest)
                        continue;
                snprintf(buf, 64, "%.*s", (int) strcspn(rest, ", .'\""), rest);
                return buf;
        }
        return NULL;
}

/* 1: another try is worth it. What the user said is not left out. */
static int drop_property(struct agent *a, const sd_bus_error *said, struct err *e) {
        char buf[64];
        const char *name = unknown_property(said, buf);
        bool found = false;

        if (name && streq(name, "PIDFDs") && !a->no_pidfd)
                return a->no_pidfd = true;
        for (size_t i = PLACE_PROPERTIES; name && i < a->place.n; i++) {
                const char *text = a->place.strings[i];

                if (a->dropped[i] || !property_is(text + 1, name))
                        continue;
                if (*text == 'u')
                        return bus_error(e, ERR_USAGE, said, "--property=%s", text + 1);
                a->dropped[i] = found = true;
        }
        if (found)
                agent_note(a, "the service manager does not know %s: left out", name);
        return found;
}

static int try_again(sd_event_source *s, uint64_t now, void *agent) {
        struct agent *a = agent;

        if (a->state == AGENT_PLACING)
                scope_place(a);
        return 0;
}

/* 1: later, 0: never. */
static int wait_for_name(struct agent *a, const sd_bus_error *said, struct err *e) {
        uint64_t pause = (uint64_t) UNIT_RETRY_USEC << a->tries;

        if (a->tries++ < UNIT_RETRIES)
                return sd_event_add_time_relative(a->event, NULL, CLOCK_MONOTONIC, pause, 1, try_again, a) >= 0;
        err_set(e, ERR_BUSY, EEXIST, "the service manager has a unit %s already", unit_of(a));
        err_hint(e, "-M gives this one another name; systemctl status %s", unit_of(a));
        return 0;
}

static int on_started(sd_bus_message *m, void *agent, sd_bus_error *error) {
        struct agent *a = agent;
        const sd_bus_error *said = sd_bus_message_get_error(m);
        struct err e = { 0 };
        int k;

        if (!said || a->state != AGENT_PLACING)
                return 0;
        log_debug(LOG_MSG, "agent: StartTransientUnit: %s: %s", said->name, said->message);
        if (sd_bus_error_has_name(said, "org.freedesktop.systemd1.UnitExists")) {
                if (wait_for_name(a, said, &e) == 0)
                        fail(a, &e);
                return 0;
        }
        k = drop_property(a, said, &e);
        if (k > 0) {
                scope_place(a);
                return 0;
        }
        if (k == 0)
                bus_error(&e, ERR_HOST, said, "cannot make %s", unit_of(a));
        fail(a, &e);
        return 0;
}

/* JobRemoved(u id, o job, s unit, s result) */
static int on_job(struct agent *a, sd_bus_message *m) {
        const char *job, *unit, *result;
        struct err e;
        uint32_t id;

        if (sd_bus_message_read(m, "uoss", &id, &job, &unit, &result) < 0 || !streq(unit, unit_of(a)))
                return 0;
        log_debug(LOG_MSG, "agent: job of %s: %s", unit, result);
        if (a->leaving > 0 && streq(job, a->stop_job))
                agent_left_one(a);
        if (a->state != AGENT_PLACING)
                return 0;
        if (streq(result, "done")) {
                agent_say(a, AGENT_PLACED);
                return 0;
        }
        err_set(&e, ERR_HOST, 0, "cannot start %s: %.100s", unit, result);
        fail(a, &e);
        return 0;
}

static int on_watched(sd_bus_message *m, void *agent, sd_bus_error *error) {
        const sd_bus_error *said = sd_bus_message_get_error(m);

        if (said)
                log_debug(LOG_MSG, "agent: AddMatch: %s", said->message);
        return 0;
}

/* The match goes out before the request that it is for. It is the bus that looks at the third argument: the library's
 * own matches stop at the first that is no string, so the signal is met in the filter. */
static int watch_jobs(struct agent *a, struct err *e) {
        sd_bus_message *m = NULL;
        char match[512];
        int k;

        if (a->watching)
                return 0;
        snprintf(match, sizeof match,
                 "type='signal',sender='" MANAGER_NAME "',path='" MANAGER_PATH "',interface='" MANAGER_IFACE
                 "',member='JobRemoved',arg2='%s'",
                 unit_of(a));
        k = sd_bus_message_new_method_call(a->bus, &m, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                           "org.freedesktop.DBus", "AddMatch");
        k = k < 0 ? k : sd_bus_message_append(m, "s", match);
        if (k < 0) {
                sd_bus_message_unref(m);
                return err_set(e, ERR_HOST, -k, "cannot watch %s", unit_of(a));
        }
        k = bus_call(a, m, on_watched, e);
        a->watching = k == 0;
        return k;
}

/* --- the scope of launcher and agent --- */

static int on_own_started(sd_bus_message *m, void *agent, sd_bus_error *error) {
        const sd_bus_error *said = sd_bus_message_get_error(m);

        if (said)
                agent_note(agent, "berth stays in the unit of its caller, and ends with it: %s",
                           str_or(said->message, said->name));
        return 0;
}

/* As long as the guest's. */
static int append_time_out(const struct agent *a, sd_bus_message *m) {
        int k = 0;

        for (size_t i = PLACE_PROPERTIES; k >= 0 && i < a->place.n; i++)
                if (str_after(a->place.strings[i] + 1, "TimeoutStopSec="))
                        k = property_append(m, a->place.strings[i] + 1, NULL, NULL);
        return k;
}

/* Asked to end by SIGTERM, the launcher asks the container. So it has no controller. */
static int append_own(struct agent *a, sd_bus_message *m, const char *name, const char *description) {
        const char *const *s = a->place.strings;
        int k = sd_bus_message_append(m, "ss", name, "fail");

        k = k < 0 ? k : sd_bus_message_open_container(m, 'a', "(sv)");
        k = k < 0 ? k : sd_bus_message_append(m, "(sv)", "Description", "s", description);
        k = k < 0 ? k : sd_bus_message_append(m, "(sv)", "Slice", "s", s[PLACE_SLICE]);
        k = k < 0 ? k : sd_bus_message_append(m, "(sv)", "CollectMode", "s", "inactive-or-failed");
        k = k < 0 ? k : append_time_out(a, m);
        k = k < 0 ? k
                  : sd_bus_message_append(m, "(sv)", "PIDs", "au", 2, (uint32_t) a->place.head.supervisor,
                                          (uint32_t) getpid());
        k = k < 0 ? k : sd_bus_message_close_container(m);
        return k < 0 ? k : sd_bus_message_append(m, "a(sa(sv))", 0);
}

/* Nothing waits for it: it holds nothing of the container. It is empty, and gone, when both have ended. */
static void place_own(struct agent *a) {
        size_t n = strlen(unit_of(a));
        char name[UNIT_NAME], description[UNIT_NAME];
        sd_bus_message *m = NULL;
        int k;

        if (a->own_asked || a->place.head.supervisor <= 0 || n <= strlen(".scope"))
                return;
        a->own_asked = true;
        snprintf(description, sizeof description, "Supervisor of container %.*s", (int) (n - strlen(".scope")),
                 unit_of(a));
        k = bus_method(a, "StartTransientUnit", &m, NULL);
        k = k < 0 ? k : append_own(a, m, own_name(a, name), description);
        if (k < 0)
                sd_bus_message_unref(m);
        else
                (void) bus_call(a, m, on_own_started, NULL);
}

static int start(struct agent *a, struct err *e) {
        sd_bus_message *m = NULL;
        int k = watch_jobs(a, e);

        k = k < 0 ? k : bus_method(a, "StartTransientUnit", &m, e);
        if (k < 0)
                return k;
        k = build(a, m, e);
        if (k < 0)
                sd_bus_message_unref(m);
        if (k == -ENOENT) {
                k = a->types[PLACE_PROPERTIES][0] ? unknown_name(a, e) : ask_types(a, e);
                return k > 0 ? start(a, e) : k;
        }
        return k < 0 ? k : bus_call(a, m, on_started, e);
}

void scope_place(struct agent *a) {
        struct err e;
        int k = bus_connect(a, &e);

        if (k == 0 && !a->connected)
                return;
        if (k == 0)
                place_own(a);
        k = k < 0 ? k : start(a, &e);
        a->has_scope = k >= 0;
        if (k < 0)
                fail(a, &e);
}

/* --- the end --- */

int scope_on_signal(sd_bus_message *m, void *agent, sd_bus_error *error) {
        struct agent *a = agent;

        if (sd_bus_message_is_signal(m, MANAGER_IFACE, "JobRemoved") > 0)
                return on_job(a, m);
        if (sd_bus_message_is_signal(m, MANAGER_NAME ".Scope", "RequestStop") > 0)
                agent_say(a, AGENT_STOP);
        return 0;
}

/* The bus keeps the order of what one connection says: what machined was asked before is in its queue by now, and what
 * the manager was asked after is ahead of what anybody else may want of it. */
static int on_abandoned(sd_bus_message *m, void *agent, sd_bus_error *error) {
        struct agent *a = agent;

        if (a->hurried && a->state == AGENT_LEAVING)
                agent_say(a, AGENT_LEFT);
        return 0;
}

/* Gone already: there is no job to wait for. */
static int on_stopped(sd_bus_message *m, void *agent, sd_bus_error *error) {
        struct agent *a = agent;
        const char *job;

        if (sd_bus_message_get_error(m) || sd_bus_message_read(m, "o", &job) < 0)
                agent_left_one(a);
        else
                snprintf(a->stop_job, sizeof a->stop_job, "%s", job);
        return 0;
}

static int call_unit(struct agent *a, const char *member, const char *mode, sd_bus_message_handler_t done) {
        sd_bus_message *m = NULL;
        int k = bus_method(a, member, &m, NULL);

        k = k < 0 ? k : sd_bus_message_append(m, "s", unit_of(a));
        k = k < 0 || !mode ? k : sd_bus_message_append(m, "s", mode);
        if (k < 0) {
                sd_bus_message_unref(m);
                return k;
        }
        return bus_call(a, m, done, NULL);
}

/* A scope that is controlled asks its controller first; abandoned, it is stopped at once. */
void scope_leave(struct agent *a) {
        if (!a->has_scope || !a->connected)
                return;
        (void) call_unit(a, "AbandonScope", NULL, on_abandoned);
        if (watch_jobs(a, NULL) == 0 && call_unit(a, "StopUnit", "replace", on_stopped) == 0)
                a->leaving++;
}
