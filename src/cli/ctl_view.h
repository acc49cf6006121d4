/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All that is known of one running container, as status and show print it. */

#include "base/json.h"
#include "cli/ctl_target.h"
#include "cli/ctl_usage.h"

struct view {
        const char *name, *state /* "running", "paused" */, *mode, *root, *cgroup, *uuid;
        uint64_t leader, supervisor;
        const char *command; /* of the leader */
        uint64_t since_us;   /* CLOCK_REALTIME */
        uint64_t up_s;
        uint64_t id_base, id_count; /* 0: the host's ids */
        bool private_net;
        struct strv addresses;
        const char *os; /* PRETTY_NAME of os-release(5), NULL */
        struct usage usage;
};

int view_collect(struct ctl *c, const struct target *t, struct view *ret, struct err *e);

/* Its root directory as seen from the outside, O_PATH: names in it are looked up in-root (sys/resolve.h). */
int view_open_root(struct ctl *c, const struct target *t);

/* Is its cgroup frozen? By the path of its record. */
bool view_is_paused(const char *cgroup);

enum view_kind { VIEW_TEXT, VIEW_NUMBER, VIEW_TRUTH, VIEW_LIST };

/* One row per property: what show prints, as text and as JSON. */
struct view_property {
        const char *name, *json;
        enum view_kind kind;
        size_t at; /* in struct view */
};
extern const struct view_property view_properties[];
extern const size_t n_view_properties;

/* Numbers that are not known or not limited are left empty, and null. */
char *view_text(struct arena *a, const struct view *v, const struct view_property *p);
void view_json(struct json *j, const struct view *v, const struct view_property *p);
