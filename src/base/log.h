/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Debug traces, chosen by BERTH_DEBUG=TOPIC[,TOPIC...] or BERTH_DEBUG=all. Nothing is written otherwise. This is
 * the one channel that levels below cli/ may print to: stderr, one line, escaped. */

#include <stdbool.h>

enum log_topic { LOG_CONF, LOG_PROBE, LOG_PLAN, LOG_STEP, LOG_MSG, LOG_CONSOLE, LOG_LIFE, LOG_TOPIC_MAX_ };
#define LOG_TOPICS "conf, probe, plan, step, msg, console, life, all"

/* Read the list. Returns false when it has an unknown topic. */
bool log_init(const char *topics);
bool log_on(enum log_topic topic);
void log_write(enum log_topic topic, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(topic, ...) ((void) (log_on(topic) && (log_write(topic, __VA_ARGS__), 0)))
