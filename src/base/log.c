/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/str.h"

static const char names[LOG_TOPIC_MAX_][8] = {
        [LOG_CONF] = "conf", [LOG_PROBE] = "probe",     [LOG_PLAN] = "plan", [LOG_STEP] = "step",
        [LOG_MSG] = "msg",   [LOG_CONSOLE] = "console", [LOG_LIFE] = "life",
};

/* Written once, by log_init(), before there is a second process. */
static unsigned topics_on;

static unsigned find(const char *s, size_t n) {
        if (n == 3 && strncmp(s, "all", 3) == 0)
                return ~0u;
        for (unsigned i = 0; i < LOG_TOPIC_MAX_; i++)
                if (strlen(names[i]) == n && strncmp(names[i], s, n) == 0)
                        return 1u << i;
        return 0;
}

bool log_init(const char *topics) {
        bool known = true;

        for (const char *s = str_or(topics, ""); *s;) {
                size_t n = strcspn(s, ",");
                unsigned bit = find(s, n);

                known = known && (bit || n == 0);
                topics_on |= bit;
                s += n + (s[n] == ',');
        }
        return known;
}

bool log_on(enum log_topic topic) {
        return topics_on & 1u << topic;
}

void log_write(enum log_topic topic, const char *fmt, ...) {
        char text[512], line[1024];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        str_escape(text, line, sizeof line);
        dprintf(STDERR_FILENO, "berth[%d] %s: %s\n", (int) getpid(), names[topic], line);
}
