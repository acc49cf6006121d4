/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/nodes.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/str.h"
#include "plan/mounts.h"

const char *plan_device_rights(unsigned rights, char buf[4]) {
        char *o = buf;

        if (rights & DEVICE_READ)
                *o++ = 'r';
        if (rights & DEVICE_WRITE)
                *o++ = 'w';
        if (rights & DEVICE_MKNOD)
                *o++ = 'm';
        *o = '\0';
        return buf;
}

static const struct device_fact *find_fact(const struct facts *f, const char *path) {
        for (size_t i = 0; i < f->host.devices.n; i++)
                if (streq(f->host.devices.items[i].path, path))
                        return &f->host.devices.items[i];
        return NULL;
}

static struct plan_node *find_device(const struct plan *p, const char *path) {
        for (size_t i = 0; i < p->cgroup.n_nodes; i++)
                if (streq(p->cgroup.nodes[i].path, path))
                        return &p->cgroup.nodes[i];
        return NULL;
}

/* Nobody gets more by the node's mode than by its rights, and nobody more than on the host. */
static mode_t mode_of(const struct device_fact *d, unsigned rights) {
        mode_t may = (rights & DEVICE_READ ? 0444 : 0) | (rights & DEVICE_WRITE ? 0222 : 0);

        return (d->kind == DEVICE_BLOCK ? S_IFBLK : S_IFCHR) | (d->mode & may);
}

static int add_device(const struct spec_device *said, const struct facts *f, struct plan *p, struct err *e) {
        const struct device_fact *d = find_fact(f, said->path);
        struct plan_node *to = find_device(p, said->path);

        if (!d || d->kind == DEVICE_MISSING) {
                err_set(e, ERR_HOST, 0, "--device=%s: the host has no such device", said->path);
                return err_hint(e, "its driver may be missing: modprobe");
        }
        if (d->kind == DEVICE_NO_NODE) {
                err_set(e, ERR_USAGE, 0, "--device=%s: that is no device node", said->path);
                return err_hint(e, "--bind= brings files and directories inside");
        }
        if (!to && p->cgroup.n_nodes == PLAN_NODES)
                return err_set(e, ERR_USAGE, 0, "--device=%s: more than %d devices", said->path, PLAN_NODES);
        if (!to)
                to = &p->cgroup.nodes[p->cgroup.n_nodes++];
        /* Of two that name one node, the last one counts. */
        *to = (struct plan_node){ .path = said->path,
                                  .block = d->kind == DEVICE_BLOCK,
                                  .major = d->major,
                                  .minor = d->minor,
                                  .rights = said->rights,
                                  .mode = mode_of(d, said->rights) };
        return 0;
}

int plan_nodes(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        bool wanted = s->self.face == FACE_STRICT || s->sec.nesting;
        int r = 0;

        p->cgroup.tun = f->host.tun && wanted;
        p->cgroup.fuse = f->host.fuse && wanted;
        if (s->host.devices.n > 0)
                p->cgroup.nodes = arena_alloc(a, PLAN_NODES * sizeof *p->cgroup.nodes);
        for (size_t i = 0; r == 0 && i < s->host.devices.n; i++)
                r = add_device(&s->host.devices.items[i], f, p, e);
        /* In a user namespace the kernel makes no device nodes, and opens none where mounts say nodev; but it does
         * not know that one is to be read only. */
        p->cgroup.restrict_devices =
                (!p->ids.own || p->cgroup.n_nodes > 0) && f->host.first_userns && f->host.can_restrict_devices;
        return r;
}

int plan_check_nodes(const struct plan *p, struct err *e) {
        const unsigned both = DEVICE_READ | DEVICE_WRITE;
        char buf[4];

        for (size_t i = 0; i < p->cgroup.n_nodes; i++) {
                const struct plan_node *d = &p->cgroup.nodes[i];

                if (p->cgroup.restrict_devices || (d->rights & both) == both)
                        continue;
                err_set(e, ERR_HOST, 0, "--device=%s:%s: devices cannot be restricted here", d->path,
                        plan_device_rights(d->rights, buf));
                return err_hint(e, "that takes a cgroup2 of its own, and a kernel with CONFIG_CGROUP_BPF");
        }
        return 0;
}

/* --- in /dev --- */

bool plan_has_seed(const struct seed_list *seeds, const char *path) {
        for (size_t i = 0; i < seeds->n; i++)
                if (streq(seeds->items[i].path, path))
                        return true;
        return false;
}

void plan_seed_directories(const char *name, struct arena *a, struct seed_list *seeds) {
        for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
                const char *path = arena_strndup(a, name, (size_t) (slash - name));

                if (!plan_has_seed(seeds, path))
                        *arena_push(a, seeds) = (struct seed){ .kind = SEED_DIR, .path = path, .mode = 0755 };
        }
}

void plan_seed_nodes(const struct plan *p, bool nodes, struct arena *a, struct seed_list *seeds) {
        for (size_t i = 0; i < p->cgroup.n_nodes; i++) {
                const struct plan_node *d = &p->cgroup.nodes[i];
                const char *name = str_after(d->path, "/dev/"),
                           *number = arena_printf(a, "%s/%u:%u", d->block ? "block" : "char", d->major, d->minor);

                if (plan_has_seed(seeds, name))
                        continue;
                plan_seed_directories(name, a, seeds);
                if (nodes)
                        *arena_push(a, seeds) = (struct seed){
                                .kind = SEED_NODE, .path = name, .mode = d->mode, .dev = makedev(d->major, d->minor)
                        };
                if (!plan_has_seed(seeds, number))
                        *arena_push(a, seeds) = (struct seed){ .kind = SEED_LINK,
                                                               .path = number,
                                                               .text = arena_printf(a, "../%s", name) };
        }
}

static bool has_fsop(const struct plan *p, const char *dst) {
        for (size_t i = 0; i < p->fsops.n; i++)
                if (streq(p->fsops.items[i].dst, dst))
                        return true;
        return false;
}

void plan_bind_nodes(struct arena *a, struct plan *p) {
        for (size_t i = 0; i < p->cgroup.n_nodes; i++) {
                const char *path = p->cgroup.nodes[i].path;

                if (has_fsop(p, path + 1))
                        continue;
                plan_add_fsop(a, p,
                              &(struct fsop){ .kind = FSOP_TREE,
                                              .dst = path + 1,
                                              .host = path,
                                              .set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
                                              .slot = -1,
                                              .flags = FSOP_MAKE_FILE,
                                              .why = "--device=" });
        }
}
