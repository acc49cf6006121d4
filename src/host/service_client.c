/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The caller of a detached container: a service for its supervisor, by way of berth-agent. */

#include <stdio.h>

#include "base/log.h"
#include "host/agent.h"
#include "host/host.h"
#include "sys/process.h"

int host_ask_for_service(const struct host_service *s, int sock, struct err *e) {
        char seconds[16];
        char *const argv[] = {
                (char *) "berth-agent",
                (char *) "service",
                (char *) s->machine,
                (char *) s->slice,
                seconds,
                (char *) s->program,
                (char *) s->argv0,
                NULL,
        };
        const char *env[AGENT_VARIABLES];
        const struct process_spawn spawn = {
                .path = s->agent,
                .argv = argv,
                .env = (char *const *) env,
                .fd = AGENT_FD,
                .keep_stderr = log_on(LOG_MSG),
                .dies_with_us = true,
        };
        int k;

        snprintf(seconds, sizeof seconds, "%u", s->stop_seconds);
        agent_environment(env);
        k = process_spawn(&spawn, sock);
        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot run %s", s->agent) : k;
}
