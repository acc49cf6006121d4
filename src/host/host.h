/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host's service manager, as the launcher sees it: implementations of struct manager. */

#include "run/manager.h"

/* By berth-agent, a process of its own: the only program of ours that speaks to a message bus. So a bus that hangs
 * cannot hang the launcher, and the launcher needs no library for it. */
struct manager manager_agent(void);

/* For a plan without a unit and without registration: does nothing. */
struct manager manager_none(void);

/* A transient service of the system's manager that runs program with argv0 and the machine's name for its words. */
struct host_service {
        const char *agent; /* the path of berth-agent */
        const char *machine, *slice, *program, *argv0;
        unsigned stop_seconds; /* that it may take to end */
};
/* sock becomes its standard input. Returns the number of a process, a child of ours, that asks for it, and ends: with
 * 0 once the manager has taken the request. */
int host_ask_for_service(const struct host_service *s, int sock, struct err *e);
