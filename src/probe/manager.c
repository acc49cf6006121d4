/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Is there a service manager to make a unit, and a machined to register with? Only looks for their sockets and files:
 * whether they answer, the launch finds out. */

#include "base/errno_text.h"
#include "probe/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"
#include "base/str.h"
#include "sys/cgroupfs.h"
#include "sys/process.h"

static bool exists(const char *path) {
        return access(path, F_OK) == 0;
}

/* sd_booted(3); a bus elsewhere is told by a variable. */
static void look_for_system(char **env, struct facts *f) {
        f->manager.found = exists("/run/systemd/system") &&
                           (exists("/run/dbus/system_bus_socket") || str_env(env, "DBUS_SYSTEM_BUS_ADDRESS"));
        f->manager.machined =
                f->manager.found && (exists("/run/systemd/machine") ||
                                     exists("/usr/share/dbus-1/system-services/org.freedesktop.machine1.service"));
        /* To ask for the version would cost more: managers from then on have this socket. */
        f->manager.parts = f->manager.machined && exists("/run/systemd/io.systemd.Manager");
}

/* sudo(8) may have kept another user's: who answers there is not the caller's manager. NULL: it is good. */
static const char *distrust(const char *dir, struct arena *a) {
        CLEAN_FD int fd = open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return errno == ENOENT ? NULL
                                       : arena_printf(a, "XDG_RUNTIME_DIR=%s: %s", dir,
                                                      errno == ENOTDIR || errno == ELOOP ? "not a directory, or a link"
                                                                                         : errno_text(errno));
        if (st.st_uid != geteuid())
                return arena_printf(a, "XDG_RUNTIME_DIR=%s belongs to user %u, and berth runs as user %u", dir,
                                    st.st_uid, geteuid());
        return st.st_mode & 022 ? arena_printf(a, "XDG_RUNTIME_DIR=%s has mode %04o: others may write to it", dir,
                                               st.st_mode & 07777)
                                : NULL;
}

static void look_for_users(char **env, struct arena *a, struct facts *f) {
        const char *dir = str_env(env, "XDG_RUNTIME_DIR"), *why = dir ? distrust(dir, a) : NULL;

        if (why) {
                f->manager.why = why;
                return;
        }
        f->manager.found = dir && exists(arena_printf(a, "%s/systemd/private", dir)) &&
                           (exists(arena_printf(a, "%s/bus", dir)) || str_env(env, "DBUS_SESSION_BUS_ADDRESS"));
        f->manager.machined =
                f->manager.found && exists("/usr/share/dbus-1/services/org.freedesktop.machine1.service");
        f->manager.parts = f->manager.machined && exists(arena_printf(a, "%s/systemd/io.systemd.Manager", dir));
}

const char *probe_agent(struct arena *a) {
        return process_helper("berth-agent", a);
}

/* The unit whose cgroup is handed to its processes: the caller's own, or the one above where DelegateSubgroup= put the
 * caller into a part of it. */
static void find_unit(struct arena *a, struct facts *f) {
        const char *own = f->cgroup.own, *slash;

        if (!own || f->cgroup.mount[0] != '/')
                return;
        if (cgroupfs_is_delegated(arena_printf(a, "%s%s", f->cgroup.mount, own))) {
                f->cgroup.unit = own;
                return;
        }
        slash = strrchr(own, '/');
        own = arena_strndup(a, own, (size_t) (slash - own));
        f->cgroup.in_subgroup = *own && cgroupfs_is_delegated(arena_printf(a, "%s%s", f->cgroup.mount, own));
        f->cgroup.unit = f->cgroup.in_subgroup ? own : NULL;
}

void probe_manager(const struct spec *s, char **env, struct arena *a, struct facts *f) {
        if (s->host.keep_unit)
                find_unit(a, f);
        if (s->host.keep_unit && s->host.registered == NO)
                return;
        if (s->host.user_manager)
                look_for_users(env, a, f);
        else
                look_for_system(env, f);
        if (f->manager.found)
                f->manager.agent = probe_agent(a);
        if (f->manager.machined && !s->host.user_manager && s->host.registered != NO && s->ids.mode == USERS_NO)
                f->manager.version = probe_systemd_version();
        log_debug(LOG_PROBE, "service manager %d, machined %d, agent %s", f->manager.found, f->manager.machined,
                  str_or(f->manager.agent, "none"));
}
