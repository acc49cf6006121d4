/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Between the files of berth-agent. One container, one connection to a bus; everything is asked for and answered in
 * the event loop, nothing waits. */

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "host/agent.h"

struct agent {
        sd_event *event;
        sd_bus *bus;         /* NULL: not connected */
        const char *address; /* of the bus */
        int sock;            /* the launcher */
        enum agent_state state;
        bool connected; /* the bus has given us a name */
        bool watching;  /* it tells of jobs */
        bool orphaned;  /* the launcher is gone: leave, and end */
        bool ending;    /* somebody ends the unit that we are in */
        bool lost;      /* the manager does not know us: the bus has been away, or another agent made the scope */

        struct agent_message place, announce; /* what was asked for */
        int leader;                           /* the guest, a pidfd, -1 */
        bool dropped[AGENT_STRINGS];          /* properties of .place that the manager does not know */
        char types[AGENT_STRINGS][8];         /* of properties that are not in our table, "": not asked for yet */
        bool no_pidfd;                        /* the manager takes no descriptors of processes */
        unsigned tries;                       /* while the unit of an earlier start is still there */
        unsigned register_tries;              /* while the machine of an earlier registration is still there */
        bool own_asked;                       /* the scope of launcher and agent */
        bool has_scope, has_machine;          /* there is, or may be, something to end */
        unsigned leaving;                     /* answers that are still to come */
        bool hurried;                         /* the launcher does not wait for them: it only ends */
        uint64_t retry_usec;                  /* until we look for the bus again */
        char stop_job[128];                   /* the job that ends the unit, its path on the bus */
};

/* agent.c: to the launcher */
void agent_say(struct agent *a, enum agent_kind kind);
void agent_note(struct agent *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void agent_fail(struct agent *a, enum manager_work work, const struct err *why);
void agent_left_one(struct agent *a); /* one answer less to wait for */

/* agent_list.c: to a pipe, taken over */
int agent_list(const char *address, int fd);

/* agent_service.c: words as agent.h has them; the descriptor stays open */
int agent_service(const char *address, char *const words[SERVICE_WORDS], int fd);

/* agent_bus.c */
#define MANAGER_NAME  "org.freedesktop.systemd1"
#define MANAGER_PATH  "/org/freedesktop/systemd1"
#define MANAGER_IFACE "org.freedesktop.systemd1.Manager"
/* For CLEAN(). */
static inline void clean_message(sd_bus_message **m) {
        sd_bus_message_unref(*m);
}
static inline void clean_bus(sd_bus **b) {
        sd_bus_flush_close_unref(*b);
}
int bus_open(const char *address, sd_bus **ret); /* to ask and wait; the caller's to close, also after a failure */
int bus_connect(struct agent *a, struct err *e);
void bus_drop(struct agent *a);
/* Call a method whose arguments are in m; m is taken over. */
int bus_call(struct agent *a, sd_bus_message *m, sd_bus_message_handler_t done, struct err *e);
int bus_method(struct agent *a, const char *member, sd_bus_message **ret, struct err *e); /* of the manager */
/* "cannot ...: what the other side said" */
int bus_error(struct err *e, enum err_kind kind, const sd_bus_error *said, const char *fmt, ...)
        __attribute__((format(printf, 4, 5)));

/* How long the unit of an earlier start of a name may take to go: each pause is twice the one before, a second and a
 * bit in all. */
enum { UNIT_RETRY_USEC = 5 * 1000, UNIT_RETRIES = 8 };

/* agent_scope.c, agent_machine.c */
void scope_place(struct agent *a);
void scope_leave(struct agent *a);
int scope_on_signal(sd_bus_message *m, void *agent, sd_bus_error *error); /* a filter */
void machine_announce(struct agent *a);
void machine_leave(struct agent *a);

/* agent_watch.c */
void watch_again(struct agent *a); /* the bus is gone: connect to it when it is back */
void watch_scope(struct agent *a);
void watch_adopted(struct agent *a); /* a scope that an earlier agent has made */

/* agent_property.c: NAME=VALUE as of systemctl(1) to one or more (sv) of a message. -ENOENT: a name that is not in the
 * table: then the type is needed. Anything else is an error of the value, in e. */
int property_append(sd_bus_message *m, const char *text, const char *type, struct err *e);
bool property_known(const char *text, const char *type);
/* Is it one that managers had before cgroup2 alone? */
bool property_is_past(const char *text);
/* Does the bus name that the manager complains of come from this NAME=VALUE? */
bool property_is(const char *text, const char *bus_name);
