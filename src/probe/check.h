/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What this host offers to containers, as a table of looks. A look tries the thing itself where that leaves nothing
 * behind: in a process of its own that ends, on mounts that nobody sees. */

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

enum check_state { CHECK_YES, CHECK_PART, CHECK_NO };

struct check_finding {
        enum check_state state;
        char detail[256]; /* may be empty */
};

struct check_context {
        int proc; /* the host's, O_PATH */
        struct arena *arena;
};

struct check_row {
        const char *group, *name;
        void (*look)(const struct check_context *c, struct check_finding *ret);
        bool needed;         /* without it nothing starts */
        const char *without; /* what follows where it is not there, or only in part */
        const char *help;    /* what to do about it; NULL: nothing */
};
extern const struct check_row check_rows[];
extern const size_t n_check_rows;

const char *check_state_name(enum check_state s); /* "yes", "part", "no" */

/* For looks. */
void check_say(struct check_finding *f, enum check_state state, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
/* yes, or no with the error's text. k: 0 or -errno. */
void check_result(struct check_finding *f, int k);
/* fn in a process of its own: what it returns, which is 0 or -errno. -ETIMEDOUT where it hangs. */
int check_apart(int (*fn)(const void *data), const void *data);
/* A small file of the host; "" where it cannot be read. The last newline is cut off. */
const char *check_text(const struct check_context *c, const char *path);

/* check_kernel.c */
void check_root(const struct check_context *c, struct check_finding *ret);
void check_admin(const struct check_context *c, struct check_finding *ret);
void check_caps(const struct check_context *c, struct check_finding *ret);
void check_release(const struct check_context *c, struct check_finding *ret);
void check_calls(const struct check_context *c, struct check_finding *ret);
void check_filters(const struct check_context *c, struct check_finding *ret);
void check_landlock(const struct check_context *c, struct check_finding *ret);
void check_keyrings(const struct check_context *c, struct check_finding *ret);
void check_device_programs(const struct check_context *c, struct check_finding *ret);
void check_modules(const struct check_context *c, struct check_finding *ret);

/* check_namespaces.c */
void check_ns_mount(const struct check_context *c, struct check_finding *ret);
void check_ns_pid(const struct check_context *c, struct check_finding *ret);
void check_ns_uts(const struct check_context *c, struct check_finding *ret);
void check_ns_ipc(const struct check_context *c, struct check_finding *ret);
void check_ns_cgroup(const struct check_context *c, struct check_finding *ret);
void check_ns_net(const struct check_context *c, struct check_finding *ret);
void check_ns_user(const struct check_context *c, struct check_finding *ret);
void check_proc(const struct check_context *c, struct check_finding *ret);
void check_sysfs(const struct check_context *c, struct check_finding *ret);
void check_idmap_tmpfs(const struct check_context *c, struct check_finding *ret);
void check_idmap_root(const struct check_context *c, struct check_finding *ret);
void check_idmap_machines(const struct check_context *c, struct check_finding *ret);
void check_mknod(const struct check_context *c, struct check_finding *ret);

/* check_host.c */
void check_overlay(const struct check_context *c, struct check_finding *ret);
void check_cgroup2(const struct check_context *c, struct check_finding *ret);
void check_own_cgroup(const struct check_context *c, struct check_finding *ret);
void check_controllers(const struct check_context *c, struct check_finding *ret);
void check_run(const struct check_context *c, struct check_finding *ret);
void check_ranges(const struct check_context *c, struct check_finding *ret);
void check_manager(const struct check_context *c, struct check_finding *ret);
void check_bus(const struct check_context *c, struct check_finding *ret);
void check_machined(const struct check_context *c, struct check_finding *ret);
void check_journal(const struct check_context *c, struct check_finding *ret);
void check_tun(const struct check_context *c, struct check_finding *ret);
void check_fuse(const struct check_context *c, struct check_finding *ret);
void check_loop(const struct check_context *c, struct check_finding *ret);
void check_mapper(const struct check_context *c, struct check_finding *ret);
void check_files(const struct check_context *c, struct check_finding *ret);
void check_pids(const struct check_context *c, struct check_finding *ret);
void check_terminals(const struct check_context *c, struct check_finding *ret);
void check_inotify(const struct check_context *c, struct check_finding *ret);

/* check_network.c */
void check_veth(const struct check_context *c, struct check_finding *ret);
void check_bridge(const struct check_context *c, struct check_finding *ret);
void check_nftables(const struct check_context *c, struct check_finding *ret);
