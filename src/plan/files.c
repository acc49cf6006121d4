/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/mounts.h"

#include <errno.h>
#include <sys/mount.h>

#include "base/str.h"
#include "plan/root.h"

/* resolv.conf and localtime follow the host. What was not asked for by name never writes to the tree: the automatic
 * modes cover what is there by a mount, which is gone with the container. */

enum how { HOW_NOTHING, HOW_COVER, HOW_COPY, HOW_REPLACE, HOW_DELETE };

enum { COVER_ATTRS = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC };

/* clang-format off */
static const struct {
        enum how how;
        int source; /* index in facts.host.resolv_conf */
} resolv_modes[RESOLV_MAX_] = {
        [RESOLV_OFF] = { HOW_NOTHING },          [RESOLV_DELETE] = { HOW_DELETE },
        [RESOLV_COPY_HOST] = { HOW_COPY, 0 },    [RESOLV_COPY_STATIC] = { HOW_COPY, 1 },
        [RESOLV_COPY_UPLINK] = { HOW_COPY, 2 },  [RESOLV_COPY_STUB] = { HOW_COPY, 3 },
        [RESOLV_REPLACE_HOST] = { HOW_REPLACE, 0 },   [RESOLV_REPLACE_STATIC] = { HOW_REPLACE, 1 },
        [RESOLV_REPLACE_UPLINK] = { HOW_REPLACE, 2 }, [RESOLV_REPLACE_STUB] = { HOW_REPLACE, 3 },
        [RESOLV_BIND_HOST] = { HOW_COVER, 0 },   [RESOLV_BIND_STATIC] = { HOW_COVER, 1 },
        [RESOLV_BIND_UPLINK] = { HOW_COVER, 2 }, [RESOLV_BIND_STUB] = { HOW_COVER, 3 },
};
/* clang-format on */

static const char resolv_sources[][38] = {
        "/etc/resolv.conf",
        "/usr/lib/systemd/resolv.conf",
        "/run/systemd/resolve/resolv.conf",
        "/run/systemd/resolve/stub-resolv.conf",
};

static void cover(struct arena *a, struct plan *p, const char *dst, const char *host, const char *why) {
        plan_add_fsop(a, p,
                      &(struct fsop){
                              .kind = FSOP_TREE,
                              .dst = dst,
                              .host = host,
                              .slot = -1,
                              .set = COVER_ATTRS,
                              .flags = FSOP_OPTIONAL | FSOP_ON_LINK,
                              .why = why,
                      });
}

static void write_file(struct arena *a, struct plan *p, const char *dst, const char *host, unsigned flags,
                       const char *why) {
        plan_add_fsop(a, p,
                      &(struct fsop){
                              .kind = FSOP_WRITE,
                              .dst = dst,
                              .host = host,
                              .slot = -1,
                              .flags = flags,
                              .why = why,
                      });
}

/* A mount of the user's on the file itself is what was asked for: a mode that was asked for too is in its way. Returns
 * 1 where it wins. */
static int yields(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, const char *file,
                  const char *said, struct err *e) {
        if (plan_laid_over(s, f, file) != OVER_ITSELF)
                return 0;
        if (said && s->self.face == FACE_BERTH) {
                err_set(e, ERR_USAGE, 0, "%s does not go with a mount on /%s", said, file);
                return err_hint(e, "without it, the mount is what is seen inside");
        }
        if (said)
                plan_note(a, p, "%s has no effect: there is a mount on /%s", said, file);
        return 1;
}

/* What is asked for by nobody is not written to what a user has mounted and keeps. */
static bool may_write(const struct spec *s, const struct facts *f, const char *file) {
        return plan_laid_over(s, f, file) <= OVER_PASSING;
}

static int read_only(struct err *e, const char *option, const char *mode, const struct facts *f) {
        err_set(e, ERR_IMAGE, EROFS, "%s=%s would write to %s", option, mode, f->tree.path);
        return err_hint(e, "drop --read-only, or choose another mode");
}

static int resolv_said(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        enum resolv_conf mode = s->integration.resolv_conf;
        enum how how = resolv_modes[mode].how;
        const char *host;

        if (how == HOW_NOTHING)
                return 0;
        if (how == HOW_DELETE && !f->tree.etc_writable && f->tree.resolv_conf == AT_MISSING)
                return 0;
        if (how == HOW_DELETE && !f->tree.etc_writable)
                return read_only(e, "--resolv-conf", "delete", f);
        if (how == HOW_DELETE) {
                plan_add_fsop(a, p,
                              &(struct fsop){ .kind = FSOP_REMOVE,
                                              .dst = "etc/resolv.conf",
                                              .slot = -1,
                                              .flags = FSOP_OPTIONAL,
                                              .why = "--resolv-conf=delete" });
                return 0;
        }
        host = f->host.resolv_conf[resolv_modes[mode].source];
        if (!host) {
                err_set(e, ERR_HOST, 0, "--resolv-conf=%s: the host has no file %s", resolv_conf_name(mode),
                        resolv_sources[resolv_modes[mode].source]);
                return err_hint(e, "--resolv-conf=off leaves the tree's own file as it is");
        }
        if (how == HOW_COVER) {
                if (f->tree.resolv_conf == AT_MISSING) {
                        err_set(e, ERR_IMAGE, 0, "--resolv-conf=%s: the tree has no /etc/resolv.conf to cover",
                                resolv_conf_name(mode));
                        return err_hint(e, "--resolv-conf=copy-host makes one");
                }
                cover(a, p, "etc/resolv.conf", host, "--resolv-conf=");
                return 0;
        }
        if (!f->tree.etc_writable && how == HOW_COPY && f->tree.resolv_conf == AT_FILE)
                /* As upstream: what cannot be written is covered. */
                cover(a, p, "etc/resolv.conf", host, "--resolv-conf=");
        else if (!f->tree.etc_writable)
                return read_only(e, "--resolv-conf", resolv_conf_name(mode), f);
        else if (how == HOW_COPY && f->tree.resolv_conf == AT_LINK)
                plan_note(a, p,
                          "/etc/resolv.conf of the tree is a link, and left as it is; --resolv-conf=replace-%s "
                          "replaces it",
                          str_after(resolv_conf_name(mode), "copy-"));
        else
                write_file(a, p, "etc/resolv.conf", host, how == HOW_REPLACE ? FSOP_REPLACE : 0, "--resolv-conf=");
        return 0;
}

/* What is written to such a root is gone with it: no tree is changed. */
static bool is_thrown_away(const struct facts *f, const struct plan *p) {
        bool copy = (p->root.overlay && p->root.overlay->memory) || (p->copy && !p->copy->keep_as);

        return !p->root.read_only && (p->root.fresh || (copy && plan_owns_tree(f, p)));
}

/* Private network: the guest's own business. Otherwise the network is the host's, and so its file is right as it is,
 * resolved's stub address included. */
static int resolv_auto(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        const char *host = f->host.resolv_conf[0];

        if (p->private_net || p->netns_path || !host)
                return 0;
        if (f->tree.resolv_conf == AT_FILE || f->tree.resolv_conf == AT_LINK)
                cover(a, p, "etc/resolv.conf", host, "names as on the host (--resolv-conf=auto)");
        else if (!may_write(s, f, "etc/resolv.conf"))
                return 0;
        else if (f->tree.resolv_conf == AT_MISSING && is_thrown_away(f, p))
                write_file(a, p, "etc/resolv.conf", host, FSOP_OPTIONAL, "names as on the host (--resolv-conf=auto)");
        else if (f->tree.resolv_conf == AT_MISSING)
                plan_note(a, p,
                          "names do not resolve inside: no /etc/resolv.conf in the tree to cover; "
                          "--resolv-conf=copy-host writes one");
        return 0;
}

static int add_resolv_conf(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p,
                           struct err *e) {
        enum resolv_conf mode = s->integration.resolv_conf;
        bool by_name = mode != RESOLV_AUTO && mode != RESOLV_OFF;
        const char *said = by_name ? arena_printf(a, "--resolv-conf=%s", resolv_conf_name(mode)) : NULL;
        int k = yields(s, f, a, p, "etc/resolv.conf", said, e);

        if (k != 0)
                return k < 0 ? k : 0;
        return mode == RESOLV_AUTO ? resolv_auto(s, f, a, p, e) : resolv_said(s, f, a, p, e);
}

/* Wherever the host keeps its zones: this name leads to the right one. */
static const char zone_file[] = "/etc/localtime";

static int add_timezone_link(const struct facts *f, struct arena *a, struct plan *p, const char *why, struct err *e) {
        const char *zone = f->host.localtime;

        if (zone[0] == '/') {
                err_set(e, ERR_HOST, 0, "--timezone=symlink: the host's /etc/localtime is no link");
                return err_hint(e, "--timezone=copy copies it");
        }
        if (!f->tree.zoneinfo) {
                err_set(e, ERR_IMAGE, 0,
                        "--timezone=symlink: no link at /etc/localtime: the tree has no /usr/share/zoneinfo/%s", zone);
                return err_hint(e, "--timezone=copy copies the host's");
        }
        plan_add_fsop(a, p,
                      &(struct fsop){
                              .kind = FSOP_LINK,
                              .dst = "etc/localtime",
                              .src = arena_printf(a, "../usr/share/zoneinfo/%s", zone),
                              .slot = -1,
                              .flags = FSOP_REPLACE,
                              .why = why,
                      });
        return 0;
}

/* A default: the tree is not written to, but for a root that is thrown away. */
static int timezone_auto(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        static const char why[] = "time zone of the host (--timezone=auto)";
        bool writes = p->root.fresh && f->tree.etc_writable && may_write(s, f, "etc/localtime");

        if (!f->host.localtime[0])
                return 0;
        if (f->tree.localtime == AT_FILE || f->tree.localtime == AT_LINK)
                cover(a, p, "etc/localtime", zone_file, why);
        else if (writes && f->tree.zoneinfo)
                return add_timezone_link(f, a, p, why, e);
        else if (writes)
                write_file(a, p, "etc/localtime", zone_file, 0, why);
        return 0;
}

static int no_zone(enum timezone_mode mode, struct err *e) {
        err_set(e, ERR_HOST, 0, "--timezone=%s: the host has no file /etc/localtime", timezone_mode_name(mode));
        return err_hint(e, "--timezone=off leaves the tree's own as it is; timedatectl set-timezone makes one");
}

static int timezone_said(enum timezone_mode mode, const struct facts *f, struct arena *a, struct plan *p,
                         struct err *e) {
        bool writes = mode == TIMEZONE_DELETE || mode == TIMEZONE_COPY || mode == TIMEZONE_SYMLINK;

        if (mode == TIMEZONE_DELETE && !f->tree.etc_writable && f->tree.localtime == AT_MISSING)
                return 0;
        if (writes && !f->tree.etc_writable)
                return read_only(e, "--timezone", timezone_mode_name(mode), f);
        if (mode == TIMEZONE_DELETE) {
                plan_add_fsop(a, p,
                              &(struct fsop){ .kind = FSOP_REMOVE,
                                              .dst = "etc/localtime",
                                              .slot = -1,
                                              .flags = FSOP_OPTIONAL,
                                              .why = "--timezone=delete" });
                return 0;
        }
        if (!f->host.localtime[0])
                return no_zone(mode, e);
        if (mode == TIMEZONE_SYMLINK)
                return add_timezone_link(f, a, p, "--timezone=symlink", e);
        if (mode == TIMEZONE_BIND && f->tree.localtime == AT_MISSING) {
                err_set(e, ERR_IMAGE, 0, "--timezone=bind: the tree has no /etc/localtime to cover");
                return err_hint(e, "--timezone=copy makes one");
        }
        if (mode == TIMEZONE_COPY)
                write_file(a, p, "etc/localtime", zone_file, FSOP_REPLACE, "--timezone=copy");
        else
                cover(a, p, "etc/localtime", zone_file, "--timezone=bind");
        return 0;
}

static int add_timezone(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        enum timezone_mode mode = s->integration.timezone;
        bool by_name = mode != TIMEZONE_AUTO && mode != TIMEZONE_OFF;
        const char *said = by_name ? arena_printf(a, "--timezone=%s", timezone_mode_name(mode)) : NULL;
        int k = yields(s, f, a, p, "etc/localtime", said, e);

        if (k != 0)
                return k < 0 ? k : 0;
        switch (mode) {
        case TIMEZONE_OFF: return 0;
        case TIMEZONE_AUTO: return timezone_auto(s, f, a, p, e);
        default: return timezone_said(mode, f, a, p, e);
        }
}

/* A root with nothing but usr (mounted or copied there) still wants the links that a merged /usr has: without lib64,
 * no program of it finds its dynamic linker (file-hierarchy(7)). */
static void add_usr_links(const struct facts *f, struct arena *a, struct plan *p) {
        for (size_t i = 0; i < f->tree.usr_links.n && f->tree.etc_writable; i++)
                plan_add_fsop(a, p,
                              &(struct fsop){
                                      .kind = FSOP_LINK,
                                      .dst = f->tree.usr_links.items[i],
                                      .src = arena_printf(a, "usr/%s", f->tree.usr_links.items[i]),
                                      .slot = -1,
                                      .why = "missing link into usr",
                              });
}

/* machine-id(5): without dashes. */
static const char *plain_uuid(struct arena *a, const char *uuid) {
        char *text = arena_strdup(a, uuid), *to = text;

        for (; *uuid; uuid++)
                if (*uuid != '-')
                        *to++ = *uuid;
        *to = '\0';
        return text;
}

static void write_text(struct arena *a, struct plan *p, const char *dst, const char *text, const char *why) {
        plan_add_fsop(a, p,
                      &(struct fsop){
                              .kind = FSOP_WRITE,
                              .dst = dst,
                              .src = arena_printf(a, "%s\n", text),
                              .slot = -1,
                              .flags = FSOP_REPLACE | FSOP_OPTIONAL,
                              .why = why,
                      });
}

/* An init would take both from the files that came with the copy. */
static void add_identity(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p) {
        if (f->tree.has_machine_id && may_write(s, f, "etc/machine-id"))
                write_text(a, p, "etc/machine-id", plain_uuid(a, p->id.uuid_text),
                           "a machine id of its own (--ephemeral)");
        if (may_write(s, f, "etc/hostname"))
                write_text(a, p, "etc/hostname", p->id.hostname, "a host name of its own (--ephemeral)");
}

int plan_files(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        int r;

        add_usr_links(f, a, p);
        if (plan_has_own_id(s, f, p))
                add_identity(s, f, a, p);
        r = add_resolv_conf(s, f, a, p, e);
        if (r < 0)
                return err_blame(e, "resolv-conf", NULL);
        r = add_timezone(s, f, a, p, e);
        return r < 0 ? err_blame(e, "timezone", NULL) : 0;
}
