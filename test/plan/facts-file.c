/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/facts-file.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/clean.h"
#include "base/elf.h"
#include "base/parse.h"
#include "base/str.h"
#include "plan/idrange.h"

/* Each setter fills what is at p; f is for those that fill more than one thing. */
struct target {
        struct facts *f;
        struct arena *a;
        void *p;
};

static int set_bool(const struct target *t, const char *v) {
        return parse_bool(v, t->p);
}

/* A mode, or no. */
static int set_node(const struct target *t, const char *v) {
        char *end;

        *(mode_t *) t->p = streq(v, "no") ? 0 : (mode_t) strtoul(v, &end, 8);
        return streq(v, "no") || (*v && !*end) ? 0 : -EINVAL;
}

static int set_unsigned(const struct target *t, const char *v) {
        uint64_t n;
        int r = parse_u64(v, 0, UINT32_MAX, &n);

        if (r == 0)
                *(uint32_t *) t->p = (uint32_t) n;
        return r;
}

static int set_u64(const struct target *t, const char *v) {
        return parse_u64(v, 0, UINT64_MAX, t->p);
}

/* Nothing behind the = is NULL. */
static int set_text(const struct target *t, const char *v) {
        *(const char **) t->p = *v ? arena_strdup(t->a, v) : NULL;
        return 0;
}

/* \n stands for a newline. */
static int set_lines(const struct target *t, const char *v) {
        char *s = arena_strdup(t->a, v), *out = s;

        *(const char **) t->p = *v ? s : NULL;
        for (; *v; v++)
                if (v[0] == '\\' && v[1] == 'n')
                        *out++ = '\n', v++;
                else
                        *out++ = *v;
        *out = '\0';
        return 0;
}

/* "" is a value: the host has none. */
static int set_localtime(const struct target *t, const char *v) {
        *(const char **) t->p = arena_strdup(t->a, v);
        return 0;
}

static int set_limit(const struct target *t, const char *v) {
        return parse_rlimit(RLIMIT_NOFILE, v, t->p);
}

static int set_list(const struct target *t, const char *v) {
        if (*v)
                strv_add(t->a, t->p, v);
        else
                *(struct strv *) t->p = (struct strv){ 0 };
        return 0;
}

/* A mask in hexadecimal. */
static int set_mask(const struct target *t, const char *v) {
        char *end;

        errno = 0;
        *(uint64_t *) t->p = strtoull(v, &end, 16);
        return *v && !*end && errno == 0 ? 0 : -EINVAL;
}

static int set_terminal(const struct target *t, const char *v) {
        int r = parse_bool(v, t->p);

        t->f->caller.terminal_out = t->f->caller.terminal_err = t->f->caller.terminal_in;
        return r;
}

static int set_kind(const struct target *t, const char *v) {
        static const char *const names[] = { "missing", "directory", "file", "link", "other" };

        for (size_t i = 0; i < ELEMENTS(names); i++)
                if (streq(names[i], v)) {
                        *(enum file_kind *) t->p = (enum file_kind) i;
                        return 0;
                }
        return -EINVAL;
}

static int set_machine(const struct target *t, const char *v) {
        static const struct elf_kind known[] = { { ELFCLASS64, ELFDATA2LSB, EM_AARCH64 },
                                                 { ELFCLASS64, ELFDATA2MSB, EM_S390 } };

        for (size_t i = 0; i < ELEMENTS(known); i++)
                if (streq(elf_machine_name(&known[i]), v)) {
                        *(struct elf_kind *) t->p = known[i];
                        return 0;
                }
        return -EINVAL;
}

static int set_upper(const struct target *t, const char *v) {
        static const char *const names[] = { "apart", "above", "inside" };

        for (size_t i = 0; i < ELEMENTS(names); i++)
                if (streq(names[i], v)) {
                        *(enum upper_place *) t->p = (enum upper_place) i;
                        return 0;
                }
        return -EINVAL;
}

static int set_id_service(const struct target *t, const char *v) {
        static const char *const names[] = { "missing", "silent", "other", "old", "answers" };

        for (size_t i = 0; i < ELEMENTS(names); i++)
                if (streq(names[i], v)) {
                        *(enum id_service *) t->p = (enum id_service) i;
                        return 0;
                }
        return -EINVAL;
}

/* Bases, in the order in which they were lent. */
static int set_lent(const struct target *t, const char *v) {
        struct idmap_extents *l = t->p;

        for (char *end; *v; v = end + (*end == ' ')) {
                uint32_t base = (uint32_t) strtoul(v, &end, 10);

                if (end == v || !idrange_valid(base))
                        return -EINVAL;
                *arena_push(t->a, l) = (struct idmap_extent){ .outside = base, .count = IDRANGE_SIZE };
                l->items[l->n - 1].inside = l->n > 1 ? base : 0;
        }
        return 0;
}

static int set_place(const struct target *t, const char *v) {
        static const char *const names[] = { "empty", "directory", "bare-directory", "link", "lost-link", "other" };

        for (size_t i = 0; i < ELEMENTS(names); i++)
                if (streq(names[i], v)) {
                        *(enum journal_place *) t->p = (enum journal_place) i;
                        return 0;
                }
        return -EINVAL;
}

/* The range that follows from the name too, as in probe/. */
static int set_name(const struct target *t, const char *v) {
        if (!is_hostname(v))
                return -EINVAL;
        t->f->tree.range_base = idrange_candidate(v, 0, 0);
        return set_text(t, v);
}

static int set_machine_id(const struct target *t, const char *v) {
        t->f->tree.has_machine_id = *v;
        return *v ? parse_uuid(v, t->p) : 0;
}

/* Signals as probe/tree_init.c knows them. */
static int set_init(const struct target *t, const char *v) {
        static const struct {
                const char *name;
                struct tree_init init;
        } inits[] = {
                { "none", { INIT_NONE, NULL, 0, 0 } },
                { "systemd", { INIT_SYSTEMD, "/usr/lib/systemd/systemd", SIGNAL_RTMIN + 3, SIGNAL_RTMIN + 5 } },
                { "busybox", { INIT_BUSYBOX, "/sbin/init", SIGUSR2, SIGTERM } },
                { "sysvinit", { INIT_SYSVINIT, "/sbin/init", SIGINT, SIGINT } },
                { "openrc", { INIT_OPENRC, "/sbin/init", SIGTERM, SIGINT } },
                { "runit", { INIT_RUNIT, "/sbin/init", SIGPWR, 0 } },
                { "s6", { INIT_S6, "/sbin/init", SIGPWR, SIGINT } },
                { "dinit", { INIT_DINIT, "/sbin/init", SIGTERM, SIGINT } },
                { "finit", { INIT_FINIT, "/sbin/init", SIGUSR2, SIGTERM } },
                { "other", { INIT_OTHER, "/sbin/init", SIGTERM, 0 } },
        };

        for (size_t i = 0; i < ELEMENTS(inits); i++)
                if (streq(inits[i].name, v)) {
                        t->f->tree.init = inits[i].init;
                        return 0;
                }
        return -EINVAL;
}

static int set_signal(const struct target *t, const char *v) {
        *(int *) t->p = 0;
        return streq(v, "0") ? 0 : parse_signal(v, t->p);
}

/* Numbers with blanks in between. */
static int set_groups(const struct target *t, const char *v) {
        struct {
                gid_t *items;
                size_t n;
        } list = { 0 };
        char *rest = arena_strdup(t->a, v), *word;
        uid_t gid;

        while ((word = strsep(&rest, " "))) {
                if (parse_uid(word, &gid) < 0)
                        return -EINVAL;
                *arena_push(t->a, &list) = gid;
        }
        t->f->tree.user.groups = list.items;
        t->f->tree.user.n_groups = list.n;
        return 0;
}

/* PATH, or PATH and "unmapped" behind a blank: owners cannot be mapped there. */
static int set_submount(const struct target *t, const char *v) {
        size_t n = strcspn(v, " ");
        struct submount *m = arena_push(t->a, &t->f->tree.submounts);

        t->f->tree.submounts_known = true;
        *m = (struct submount){ arena_strndup(t->a, v, n), !v[n] };
        return n > 0 && (!v[n] || streq(v + n, " unmapped")) ? 0 : -EINVAL;
}

/* NAME UID INSIDE, with the home /home/NAME and the shell /bin/NAMEsh. */
static int set_bound_user(const struct target *t, const char *v) {
        struct bound_user *u = arena_push(t->a, &t->f->bound_users);
        char name[33];

        if (sscanf(v, "%32s %u %u", name, &u->uid, &u->inside) != 3)
                return -EINVAL;
        u->name = arena_strdup(t->a, name);
        u->home = arena_printf(t->a, "/home/%s", name);
        u->shell = arena_printf(t->a, "/bin/%ssh", name);
        u->gid = u->uid;
        return 0;
}

/* NUMBER KIND: the source of which mount, in the order of their destinations, counted from 0. A device has its numbers
 * behind the kind: "character 10:232". */
static int set_source(const struct target *t, const char *v) {
        unsigned n, major = 0, minor = 0;
        char kind[16];
        int words = sscanf(v, "%u %15s %u:%u", &n, kind, &major, &minor);
        struct source *s;

        if (words < 2 || n >= t->f->sources.n)
                return -EINVAL;
        s = &t->f->sources.items[n];
        *s = (struct source){ .type = streq(kind, "directory")   ? S_IFDIR
                                      : streq(kind, "file")      ? S_IFREG
                                      : streq(kind, "character") ? S_IFCHR
                                      : streq(kind, "block")     ? S_IFBLK
                                                                 : 0,
                              .device = makedev(major, minor) };
        s->why = s->type ? 0 : ENOENT;
        return s->type || streq(kind, "missing") ? 0 : -EINVAL;
}

/* NUMBER UID:GID */
static struct source *owner_of_source(const struct target *t, const char *v, unsigned *uid, unsigned *gid) {
        unsigned n;

        return sscanf(v, "%u %u:%u", &n, uid, gid) == 3 && n < t->f->sources.n ? &t->f->sources.items[n] : NULL;
}

static int set_source_owner(const struct target *t, const char *v) {
        unsigned uid, gid;
        struct source *s = owner_of_source(t, v, &uid, &gid);

        if (!s)
                return -EINVAL;
        s->uid = uid;
        s->gid = gid;
        return 0;
}

static int set_destination_owner(const struct target *t, const char *v) {
        unsigned uid, gid;
        struct source *s = owner_of_source(t, v, &uid, &gid);

        if (!s)
                return -EINVAL;
        s->to_found = true;
        s->to_uid = uid;
        s->to_gid = gid;
        return 0;
}

/* NUMBER PATH */
static int set_leads_to(const struct target *t, const char *v) {
        char path[256];
        unsigned n;

        if (sscanf(v, "%u %255s", &n, path) != 2 || n >= t->f->sources.n)
                return -EINVAL;
        t->f->sources.items[n].leads_to = arena_strdup(t->a, path);
        return 0;
}

/* PATH c|b MAJOR MINOR MODE, PATH none: no node. */
static int set_device(const struct target *t, const char *v) {
        struct device_fact *d = arena_push(t->a, &t->f->host.devices);
        char path[256], kind[8];
        unsigned mode = 0;
        int n;

        *d = (struct device_fact){ .kind = DEVICE_NO_NODE };
        n = sscanf(v, "%255s %7s %u %u %o", path, kind, &d->major, &d->minor, &mode);
        d->path = arena_strdup(t->a, path);
        d->mode = mode;
        if (n == 2 && streq(kind, "none"))
                return 0;
        d->kind = streq(kind, "b") ? DEVICE_BLOCK : DEVICE_CHARACTER;
        return n == 5 ? 0 : -EINVAL;
}

/* PATH ID, and "image" behind that. */
static int set_stack_layer(const struct target *t, const char *v) {
        char *rest = arena_strdup(t->a, v), *path = strsep(&rest, " "), *id = strsep(&rest, " ");
        struct stack_layer *l = arena_push(t->a, &t->f->stack.layers);

        t->f->stack.used = t->f->tree.submounts_known = true;
        if (!id)
                return -EINVAL;
        *l = (struct stack_layer){ .path = path, .id = id, .image = rest };
        return 0;
}

/* PATH WHERE, and "read-only" behind that. */
static int set_stack_bind(const struct target *t, const char *v) {
        char *rest = arena_strdup(t->a, v), *path = strsep(&rest, " "), *where = strsep(&rest, " ");
        struct stack_bind *b = arena_push(t->a, &t->f->stack.binds);

        t->f->stack.used = t->f->tree.submounts_known = true;
        if (!where)
                return -EINVAL;
        *b = (struct stack_bind){ .path = path,
                                  .where = where,
                                  .read_only = rest && strstr(rest, "read-only"),
                                  .image = rest && strstr(rest, "image") };
        return 0;
}

/* What may follow of a partition: "read-only", "fixed" (a copy too), "by=LINK", a word for what is there. */
static int set_part_word(struct image_part_facts *p, const char *word) {
        static const char *const spots[] = {
                [SPOT_MISSING] = "missing", [SPOT_OTHER] = "other", [SPOT_LOST] = "lost", [SPOT_CIRCLE] = "circle"
        };

        p->read_only = p->read_only || streq(word, "read-only") || streq(word, "fixed");
        p->fixed = p->fixed || streq(word, "fixed");
        if (streq(word, "read-only") || streq(word, "fixed"))
                return 0;
        if (str_after(word, "by=")) {
                p->link = str_after(word, "by=");
                return 0;
        }
        for (size_t i = SPOT_MISSING; i < ELEMENTS(spots); i++)
                if (streq(word, spots[i])) {
                        p->spot = (enum spot) i;
                        return 0;
                }
        return -EINVAL;
}

/* ROLE WHERE NUMBER FILESYSTEM, and more words; WHERE is - for the root, / for the root by a link. */
static int set_part(const struct target *t, const char *v) {
        char *rest = arena_strdup(t->a, v), *word[6] = { NULL };
        struct image_part_facts *p = arena_push(t->a, &t->f->image.parts);
        uint64_t number;
        int role = 0, k = 0;

        for (size_t i = 0; i < ELEMENTS(word); i++)
                word[i] = strsep(&rest, " ");
        if (rest || !word[3] || parse_u64(word[2], 0, 128, &number) < 0)
                return -EINVAL;
        while (role < ROLE_MAX_ && !streq(role_name((enum part_role) role), word[0]))
                role++;
        *p = (struct image_part_facts){
                .role = (enum part_role) role,
                .number = (unsigned) number,
                .where = streq(word[1], "-") || streq(word[1], "/") ? "" : word[1],
                .fs = word[3],
        };
        for (size_t i = 4; k == 0 && i < ELEMENTS(word) && word[i]; i++)
                k = set_part_word(p, word[i]);
        t->f->image.used = t->f->tree.submounts_known = true;
        return role < ROLE_MAX_ ? k : -EINVAL;
}

static int set_random(const struct target *t, const char *v) {
        int r = strlen(v) == 64 ? 0 : -EINVAL;
        char half[33] = "";

        for (int i = 0; r == 0 && i < 2; i++) {
                memcpy(half, v + i * 32, 32);
                r = parse_uuid(half, t->f->random + i * 16);
        }
        return r;
}

static const struct {
        const char *key;
        size_t at;
        int (*set)(const struct target *t, const char *v);
} rows[] = {
#define ROW(key_, field_, set_)                                                                                       \
        { key_, offsetof(struct facts, field_), set_ }
        ROW("host.first-userns", host.first_userns, set_bool),
        ROW("host.can-userns", host.can_userns, set_bool),
        ROW("host.no-nested", host.no_nested, set_bool),
        ROW("host.no-tty-group", host.no_tty_group, set_bool),
        ROW("host.emulator", host.emulator, set_text),
        ROW("host.emulates", host.emulates, set_bool),
        ROW("host.no-binfmt", host.no_binfmt, set_bool),
        ROW("host.no-setgroups", host.no_setgroups, set_bool),
        ROW("host.can-restrict-devices", host.can_restrict_devices, set_bool),
        ROW("host.no-keyring", host.no_keyring, set_bool),
        ROW("host.can-mount-in-userns", host.can_mount_in_userns, set_bool),
        ROW("host.can-mount-proc", host.can_mount_proc, set_bool),
        ROW("host.net-locked", host.net_locked, set_bool),
        ROW("host.can-mount-sysfs", host.can_mount_sysfs, set_bool),
        ROW("host.can-mknod", host.can_mknod, set_bool),
        ROW("host.journald", host.journald, set_bool),
        ROW("host.selinux", host.selinux, set_bool),
        ROW("host.no-overlay", host.no_overlay, set_bool),
        ROW("host.can-idmap-tmpfs", host.can_idmap_tmpfs, set_bool),
        ROW("host.caps", host.caps, set_mask),
        ROW("host.landlock-abi", host.landlock_abi, set_unsigned),
        ROW("host.tun", host.tun, set_node),
        ROW("host.fuse", host.fuse, set_node),
        ROW("host.device", host.devices, set_device),
        ROW("host.nproc", host.nproc, set_limit),
        ROW("host.sigpending", host.sigpending, set_limit),
        ROW("host.memory", host.memory, set_u64),
        ROW("host.few-descriptors", host.few_descriptors, set_bool),
        ROW("host.os-id", host.os_id, set_text),
        ROW("host.os-version-id", host.os_version_id, set_text),
        ROW("host.os-build-id", host.os_build_id, set_text),
        ROW("host.os-variant-id", host.os_variant_id, set_text),
        ROW("host.os-release", host.os_release, set_lines),
        ROW("host.resolv-conf.host", host.resolv_conf[0], set_text),
        ROW("host.resolv-conf.static", host.resolv_conf[1], set_text),
        ROW("host.resolv-conf.uplink", host.resolv_conf[2], set_text),
        ROW("host.resolv-conf.stub", host.resolv_conf[3], set_text),
        ROW("host.localtime", host.localtime, set_localtime),
        ROW("host.id-service", host.id_service, set_id_service),
        ROW("host.mount-service", host.mount_service, set_bool),
        ROW("lent", lent, set_lent),
        ROW("cgroup.found", cgroup.found, set_bool),
        ROW("cgroup.writable", cgroup.writable, set_bool),
        ROW("cgroup.mount", cgroup.mount, set_text),
        ROW("cgroup.own", cgroup.own, set_text),
        ROW("cgroup.unit", cgroup.unit, set_text),
        ROW("cgroup.in-subgroup", cgroup.in_subgroup, set_bool),
        ROW("cgroup.top-closed", cgroup.top_closed, set_bool),
        ROW("cgroup.controllers", cgroup.controllers, set_text),
        ROW("cgroup.all-controllers", cgroup.all_controllers, set_text),
        ROW("manager.found", manager.found, set_bool),
        ROW("manager.machined", manager.machined, set_bool),
        ROW("manager.parts", manager.parts, set_bool),
        ROW("manager.version", manager.version, set_unsigned),
        ROW("manager.why", manager.why, set_text),
        ROW("manager.agent", manager.agent, set_text),
        ROW("caller.env", caller.env, set_list),
        ROW("caller.terminal", caller.terminal_in, set_terminal),
        ROW("caller.terminal-in", caller.terminal_in, set_bool),
        ROW("caller.terminal-out", caller.terminal_out, set_bool),
        ROW("caller.terminal-err", caller.terminal_err, set_bool),
        ROW("caller.listen-fds", caller.listen_fds, set_unsigned),
        ROW("caller.listen-fdnames", caller.listen_fdnames, set_text),
        ROW("caller.notify", caller.notify, set_bool),
        ROW("caller.service", caller.service, set_bool),
        ROW("caller.unit", caller.unit, set_text),
        ROW("caller.hostname", caller.hostname, set_text),
        ROW("stack.used", stack.used, set_bool),
        ROW("stack.layer", stack.layers, set_stack_layer),
        ROW("stack.bind", stack.binds, set_stack_bind),
        ROW("stack.root", stack.root, set_text),
        ROW("stack.rw", stack.rw, set_text),
        ROW("stack.unused", stack.unused, set_bool),
        ROW("image.table", image.table, set_text),
        ROW("image.copied", image.copied, set_bool),
        ROW("image.part", image.parts, set_part),
        ROW("image.note", image.notes, set_list),
        ROW("tree.path", tree.path, set_text),
        ROW("tree.name", tree.name, set_name),
        ROW("tree.pivot", tree.pivot, set_text),
        ROW("tree.first-name", tree.first_name, set_text),
        ROW("tree.name-tries", tree.name_tries, set_unsigned),
        ROW("tree.dev", tree.dev, set_u64),
        ROW("tree.ino", tree.ino, set_u64),
        ROW("tree.uid", tree.uid, set_unsigned),
        ROW("tree.gid", tree.gid, set_unsigned),
        ROW("tree.host-root", tree.host_root, set_bool),
        ROW("tree.read-only", tree.read_only, set_bool),
        ROW("tree.reachable", tree.reachable, set_bool),
        ROW("tree.can-idmap", tree.can_idmap, set_bool),
        ROW("tree.layer-why", tree.layer_why, set_text),
        ROW("tree.range-base", tree.range_base, set_unsigned),
        ROW("tree.range-is-owner", tree.range_is_owner, set_bool),
        ROW("tree.range-tries", tree.range_tries, set_unsigned),
        ROW("tree.machine-id", tree.machine_id, set_machine_id),
        ROW("tree.os-release", tree.has_os_release, set_bool),
        ROW("tree.lacks-program", tree.lacks_program, set_bool),
        ROW("tree.lacks-command", tree.lacks_command, set_bool),
        ROW("bound-user", bound_users, set_bound_user),
        ROW("tree.template", tree.template, set_text),
        ROW("tree.subvolume", tree.subvolume, set_bool),
        ROW("tree.can-reflink", tree.can_reflink, set_bool),
        ROW("tree.in-use", tree.in_use, set_bool),
        ROW("tree.upper", tree.upper, set_upper),
        ROW("tree.split-usr", tree.split_usr, set_bool),
        ROW("tree.usr-link", tree.usr_links, set_list),
        ROW("tree.elf32", tree.elf32, set_bool),
        ROW("tree.foreign", tree.foreign, set_machine),
        ROW("tree.etc-writable", tree.etc_writable, set_bool),
        ROW("tree.missing", tree.missing, set_list),
        ROW("tree.resolv-conf", tree.resolv_conf, set_kind),
        ROW("tree.localtime", tree.localtime, set_kind),
        ROW("tree.zoneinfo", tree.zoneinfo, set_bool),
        ROW("tree.init", tree.init, set_init),
        ROW("tree.init.path", tree.init.path, set_text),
        ROW("tree.init.stop", tree.init.sig_stop, set_signal),
        ROW("tree.init.reboot", tree.init.sig_reboot, set_signal),
        ROW("tree.user.uid", tree.user.uid, set_unsigned),
        ROW("tree.user.gid", tree.user.gid, set_unsigned),
        ROW("tree.user.name", tree.user.name, set_text),
        ROW("tree.user.home", tree.user.home, set_text),
        ROW("tree.user.shell", tree.user.shell, set_text),
        ROW("tree.user.groups", tree.user.groups, set_groups),
        ROW("tree.user-said", tree.user_said, set_bool),
        ROW("tree.submounts-known", tree.submounts_known, set_bool),
        ROW("tree.submount", tree.submounts, set_submount),
        ROW("journal.host-id", journal.host_id, set_bool),
        ROW("journal.same-id", journal.same_id, set_bool),
        ROW("journal.kept", journal.kept, set_bool),
        ROW("journal.at", journal.at, set_place),
        ROW("journal.leads-to", journal.leads_to, set_text),
        ROW("journal.in-tree", journal.in_tree, set_kind),
        ROW("journal.why", journal.why, set_text),
        ROW("forward.program", forward.program, set_text),
        ROW("forward.version", forward.version, set_unsigned),
        ROW("forward.kind", forward.kind, set_kind),
        ROW("source", sources, set_source),
        ROW("source.owner", sources, set_source_owner),
        ROW("source.destination-owner", sources, set_destination_owner),
        ROW("source.leads-to", sources, set_leads_to),
        ROW("random", random, set_random),
#undef ROW
};

int facts_say(struct facts *f, struct arena *a, char *line) {
        char *equal = strchr(line, '=');

        if (!equal)
                return -EINVAL;
        *equal = '\0';
        for (size_t i = 0; i < ELEMENTS(rows); i++)
                if (streq(rows[i].key, line))
                        return rows[i].set(&(struct target){ f, a, (char *) f + rows[i].at }, equal + 1);
        return -EINVAL;
}

/* probe_user(): root unless another was asked for; a login shell looks up root's. */
static struct tree_user usual_user(const struct spec *s, struct arena *a) {
        bool shell = s->exec.mode != EXEC_BOOT && s->exec.argv.n == 0;
        const char *name = s->exec.user;
        uid_t uid;

        if (!name || streq(name, "root") || streq(name, "0"))
                return (struct tree_user){ .name = "root", .home = "/root", .shell = shell ? "/bin/bash" : NULL };
        if (parse_uid(name, &uid) == 0)
                return (struct tree_user){ .uid = uid, .gid = uid, .home = "/" };
        return (struct tree_user){
                .uid = 1000, .gid = 1000, .name = name, .home = arena_printf(a, "/home/%s", name), .shell = "/bin/sh"
        };
}

void facts_usual(const struct spec *s, struct arena *a, struct facts *ret) {
        *ret = (struct facts) {
                .host = {
                        .first_userns = true, .can_userns = true, .can_mount_in_userns = true, .can_mount_proc = true,
                        .can_mount_sysfs = true, .can_mknod = true, .can_restrict_devices = true,
                        .can_idmap_tmpfs = true,
                        .caps = 0x1ffffffffff, .landlock_abi = 6, .tun = 0666, .fuse = 0666,
                        .nproc = { 31000, 31000 }, .sigpending = { 31000, 31000 },
                        .memory = UINT64_C(8) << 30,
                        .os_id = "debian", .os_version_id = "13", .os_release = "ID=debian\nVERSION_ID=\"13\"\n",
                        .resolv_conf = { "/etc/resolv.conf" }, .localtime = "Europe/Berlin",
                },
                .cgroup = { .found = true, .writable = true, .mount = "/sys/fs/cgroup",
                            .own = "/user.slice/user-0.slice/session-1.scope",
                            .controllers = "cpuset cpu io memory pids",
                            .all_controllers = "cpuset cpu io memory hugetlb pids rdma misc" },
                .manager = { .found = true, .machined = true, .agent = "/usr/libexec/berth-agent" },
                .caller = { .terminal_in = true, .terminal_out = true, .terminal_err = true, .hostname = "host" },
                .tree = {
                        .path = "/srv/t", .name = str_or(s->id.machine, "t"), .dev = 0x803, .ino = 42,
                        .can_idmap = true, .has_os_release = true,
                        .etc_writable = !s->root.read_only, .resolv_conf = AT_FILE, .localtime = AT_LINK,
                        .zoneinfo = true, .user = usual_user(s, a), .user_said = s->exec.user,
                        .init = { INIT_SYSTEMD, "/usr/lib/systemd/systemd", SIGNAL_RTMIN + 3, SIGNAL_RTMIN + 5 },
                },
        };
        for (size_t i = 0; i < s->mounts.n; i++) {
                struct source *source = arena_push(a, &ret->sources);

                source->type = S_IFDIR;
        }
        strv_add(a, &ret->caller.env, "TERM=xterm-256color");
        ret->tree.range_base = idrange_candidate(ret->tree.name, 0, 0);
        for (size_t i = 0; i < sizeof ret->random; i++)
                ret->random[i] = (uint8_t) i;
}
