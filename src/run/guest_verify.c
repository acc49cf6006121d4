/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process G, last thing before READY: compares what it is with what the plan says it shall be. Any difference ends the
 * start: a container that is silently weaker than promised does not exist. Only the system call program and exec come
 * later, and those answer for themselves.
 *
 * To list all mounts takes as long as to make a tenth of them. So where there is a builder, it compares what it has
 * mounted, while the guest is about to copy it: the copy differs in nothing but that it is locked. The guest looks at
 * what it mounts itself, and does not go on without the builder's word. */

#include "run/guest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/str.h"
#include "stub/stub.h"
#include "sys/caps.h"
#include "sys/mounts.h"
#include "sys/ns.h"

static int differs(struct err *e, const char *what) {
        return err_set(e, ERR_BUG, 0, "%s: not what the plan says, so the container is not started", what);
}

static int verify_bounding(const struct guest *g, struct err *e) {
        int k = g->bounded ? 1 : caps_bounding_within(g->plan->sec.bounding);

        return k > 0    ? 0
               : k == 0 ? differs(e, "capability bounding set")
                        : err_set(e, ERR_SYSTEM, -k, "cannot read the capability bounding set");
}

static int verify_caps(const struct guest *g, struct err *e) {
        const struct plan *p = g->plan;
        uint64_t keep = p->sec.filter_before_caps ? UINT64_C(1) << CAP_SYS_ADMIN : 0;
        struct caps_state now;
        int k = caps_get(&now);

        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot read the capabilities");
        if (now.effective != (p->sec.effective | keep) || now.permitted != (p->sec.permitted | keep) ||
            now.inheritable != p->sec.inheritable || now.ambient != p->sec.ambient)
                return differs(e, "capabilities");
        k = verify_bounding(g, e);
        if (k < 0)
                return k;
        /* It may be there unplanned, when an outer sandbox set it: it cannot be taken back. */
        if (p->sec.no_new_privileges && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
                return differs(e, "no_new_privs");
        return 0;
}

static int verify_ids(const struct guest *g, struct err *e) {
        uid_t u[3];
        gid_t v[3];

        if (getresuid(&u[0], &u[1], &u[2]) < 0 || getresgid(&v[0], &v[1], &v[2]) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot read the user ids");
        for (int i = 0; i < 3; i++)
                if (u[i] != g->plan->exec.uid || v[i] != g->plan->exec.gid)
                        return differs(e, "user and group");
        if (!g->plan->exec.keep_groups && getgroups(0, NULL) != (int) g->plan->exec.n_groups)
                return differs(e, "supplementary groups");
        return 0;
}

static int look_at(struct guest *g, int proc, unsigned kinds, struct err *e) {
        for (enum namespace_kind i = 0; i < NS_MAX_; i++) {
                /* A joiner is not in it; what it makes will be. */
                const char *name = g->joins && i == NS_PID ? "pid_for_children" : namespace_name(i);
                char path[32];
                int k;

                if (!(kinds & 1u << i) || g->ns[i] > 0 || !run_owns_ns(g->plan, i))
                        continue;
                str_join(path, sizeof path, "self/ns/", name, NULL);
                k = ns_inode(proc, path, &g->ns[i]);
                if (k < 0)
                        return err_set(e, ERR_SYSTEM, -k, "cannot look at the %s namespace of the guest",
                                       namespace_name(i));
        }
        return 0;
}

/* While there is time: namespaces that will not change any more, through the host's proc, which is still there; and
 * the bounding set, which gets nothing back (capabilities(7)) but in a new user namespace. */
int guest_look_at_self(struct guest *g, struct err *e) {
        unsigned settled = 1u << NS_PID | 1u << NS_UTS | 1u << NS_IPC | 1u << NS_NET | 1u << NS_USER;
        int k = verify_bounding(g, e);

        g->bounded = k == 0;
        return k < 0 ? k : look_at(g, g->run->opened->proc, settled, e);
}

/* Each is another one than the launcher's. */
static int verify_namespaces(struct guest *g, struct err *e) {
        int k = look_at(g, g->proc, ~0u, e);

        for (enum namespace_kind i = 0; k == 0 && i < NS_MAX_; i++)
                if (run_owns_ns(g->plan, i) && g->ns[i] == g->run->host_ns[i])
                        return differs(e, namespace_name(i));
        return k;
}

static bool comes_later(const struct fsop_list *l, size_t k, size_t i) {
        bool late = l->items[k].flags & FSOP_LATE;

        return late == !!(l->items[i].flags & FSOP_LATE) ? k > i : late;
}

/* What lies at each place is what was put there, with its flags. A later operation on the same place covers an earlier
 * one, and what a user wants mounted all that was mounted below. */
static bool covered_later(const struct guest *g, size_t i) {
        const struct fsop_list *l = &g->plan->fsops;

        for (size_t k = 0; k < l->n; k++) {
                const char *rest = str_after(l->items[i].dst, l->items[k].dst);

                if (g->mounted[k].ino && rest && comes_later(l, k, i) &&
                    (!*rest || (*rest == '/' && l->items[k].flags & FSOP_OF_USER)))
                        return true;
        }
        return false;
}

/* Two names of the tree may lead to one place: then the later one is on top. */
static bool covered_by_link(const struct guest *g, size_t i, dev_t dev, ino_t ino) {
        const struct fsop_list *l = &g->plan->fsops;

        for (size_t k = i + 1; k < l->n; k++)
                if (l->items[k].flags & FSOP_FOLLOW && g->mounted[k].dev == dev && g->mounted[k].ino == ino)
                        return true;
        return false;
}

static uint64_t wanted(const struct fsop *op) {
        uint64_t want = op->set | (op->flags & FSOP_SEAL ? MOUNT_ATTR_RDONLY : 0);

        return want & (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

/* A link in what is bound leads below a mount that comes later: nobody knew before. */
static int mislaid(const struct fsop *op, struct err *e) {
        if (!(op->flags & FSOP_FOLLOW))
                return differs(e, op->dst);
        err_set(e, ERR_IMAGE, 0, "/%s (%s) is not seen inside: another mount came on top of it", op->dst, op->why);
        return err_hint(e, "if a link is on the way, name the place that it leads to");
}

static int verify_mount(const struct guest *g, size_t i, struct err *e) {
        const struct fsop *op = &g->plan->fsops.items[i];
        uint64_t want = wanted(op), now;
        char path[PATH_MAX + 1];
        dev_t dev;
        ino_t ino;

        /* We are inside: no name leads out any more, and what covers a link is found at its name. */
        if (str_join(path, sizeof path, "/", op->dst, NULL) >= sizeof path ||
            mount_root_of_path(path, op->flags & FSOP_FOLLOW, &dev, &ino) < 0 || mount_attrs_of_path(path, &now) < 0)
                return mislaid(op, e);
        if (dev == g->mounted[i].dev && ino == g->mounted[i].ino)
                return (now & want) == want ? 0 : differs(e, op->dst);
        return covered_by_link(g, i, dev, ino) ? 0 : mislaid(op, e);
}

/* --- most of it at one look: what mountinfo says --- */

/* proc_pid_mountinfo(5), fields 3, 5 and 6. */
struct line {
        dev_t dev;
        const char *path;
        size_t n_path;
        uint64_t attrs;
};

/* Up to a blank, the end of the line, or the byte stop. By hand: strcspn(3) makes a table each time. */
static size_t field_length(const char *s, char stop) {
        size_t n = 0;

        while (s[n] && s[n] != ' ' && s[n] != '\n' && s[n] != stop)
                n++;
        return n;
}

static uint64_t attrs_of(const char *options) {
        static const struct {
                char word[7];
                uint64_t attr;
        } map[] = {
                { "ro", MOUNT_ATTR_RDONLY },
                { "nosuid", MOUNT_ATTR_NOSUID },
                { "nodev", MOUNT_ATTR_NODEV },
                { "noexec", MOUNT_ATTR_NOEXEC },
        };
        uint64_t attrs = 0;

        for (size_t n; (n = field_length(options, ',')) > 0; options += n + (options[n] == ','))
                for (size_t i = 0; i < ELEMENTS(map); i++)
                        if (strlen(map[i].word) == n && strncmp(options, map[i].word, n) == 0)
                                attrs |= map[i].attr;
        return attrs;
}

static const char *next_field(const char *s) {
        s += field_length(s, ' ');
        return *s == ' ' ? s + 1 : s;
}

static bool parse_line(const char *s, struct line *ret) {
        unsigned long major, minor;
        char *end;

        s = next_field(next_field(s));
        major = strtoul(s, &end, 10);
        if (*end != ':')
                return false;
        minor = strtoul(end + 1, &end, 10);
        if (*end != ' ')
                return false;
        ret->dev = makedev(major, minor);
        ret->path = next_field(end + 1);
        ret->n_path = field_length(ret->path, ' ');
        s = next_field(ret->path);
        ret->attrs = attrs_of(s);
        return *s && *s != '\n';
}

/* What is known of the place of each operation. */
struct place {
        size_t n_dst; /* 0: nothing was mounted */
        uint8_t lines;
        bool good;
};

/* One line for a place, of the file system expected, with its flags: nothing more to ask. Any doubt (two mounts on one
 * place, an odd name, a file system whose files are on another device) leaves it to verify_mount(). */
static void note_line(const struct guest *g, const struct line *l, struct place places[GUEST_OPS]) {
        for (size_t i = 0; i < g->plan->fsops.n; i++) {
                const struct fsop *op = &g->plan->fsops.items[i];
                struct place *p = &places[i];

                if (p->n_dst == 0 || p->n_dst + 1 != l->n_path || memcmp(op->dst, l->path + 1, p->n_dst) != 0)
                        continue;
                p->lines = p->lines < 2 ? p->lines + 1 : 2;
                p->good = p->lines == 1 && l->dev == g->mounted[i].dev && (l->attrs & wanted(op)) == wanted(op);
        }
}

/* What is mounted on / itself: one, and with its flags. The host's would be a second one. */
struct root_seen {
        size_t lines;
        uint64_t attrs;
};

static int verify_root(const struct guest *g, const struct root_seen *r, struct err *e) {
        uint64_t want = MOUNT_ATTR_NODEV | (g->plan->root.read_only ? MOUNT_ATTR_RDONLY : 0), now = r->attrs;

        /* What a running container has done to its own is its own affair. */
        if (g->joins)
                return 0;
        if (r->lines > 1 || (r->lines == 0 && mount_attrs_of_path("/", &now) < 0))
                return differs(e, "the root directory");
        return (now & want) == want ? 0 : differs(e, "the root directory");
}

static int look_at_list(const struct guest *g, int proc, struct place places[GUEST_OPS], struct root_seen *ret,
                        struct err *e) {
        char *text = g->run->room->text;
        ssize_t n = file_read_at(proc, "self/mountinfo", text, sizeof g->run->room->text);

        if (n < 0)
                return err_set(e, ERR_SYSTEM, (int) -n, "cannot list mounts");
        for (char *s = text, *end; (end = strchr(s, '\n')); s = end + 1) {
                struct line l;

                if (!parse_line(s, &l))
                        continue;
                if (l.n_path == 1) {
                        ret->lines++;
                        ret->attrs = l.attrs;
                }
                note_line(g, &l, places);
        }
        return 0;
}

static bool is_mounted(const struct guest *g, size_t i, unsigned skip) {
        return g->mounted[i].ino && !(g->plan->fsops.items[i].flags & skip);
}

/* Those without the flags of skip. */
static int verify_mounts(const struct guest *g, int proc, unsigned skip, struct err *e) {
        struct place places[GUEST_OPS];
        struct root_seen root = { 0 };
        int k;

        for (size_t i = 0; i < g->plan->fsops.n; i++)
                places[i] =
                        (struct place){ .n_dst = is_mounted(g, i, skip) ? strlen(g->plan->fsops.items[i].dst) : 0 };
        k = look_at_list(g, proc, places, &root, e);
        k = k < 0 ? k : verify_root(g, &root, e);
        for (size_t i = 0; k == 0 && i < g->plan->fsops.n; i++)
                if (is_mounted(g, i, skip) && !places[i].good && !covered_later(g, i))
                        k = verify_mount(g, i, e);
        return k;
}

/* Without a look at the list of all: what comes late, and what may be below that by a link of the tree. */
static int verify_late_mounts(const struct guest *g, struct err *e) {
        const struct root_seen unseen = { 0 };
        int k = verify_root(g, &unseen, e);

        for (size_t i = 0; k == 0 && i < g->plan->fsops.n; i++)
                if (is_mounted(g, i, 0) && g->plan->fsops.items[i].flags & (FSOP_LATE | FSOP_OF_USER) &&
                    !covered_later(g, i))
                        k = verify_mount(g, i, e);
        return k;
}

int guest_verify_built(struct guest *g, struct err *e) {
        return verify_mounts(g, g->run->opened->proc, FSOP_LATE, e);
}

static int list_descriptors(const struct guest *g, int last, struct err *e) {
        CLEAN_FD int fd = openat(g->proc, "self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _Alignas(struct dirent64) char buf[4096];
        ssize_t n = fd < 0 ? -1 : 0;

        while (fd >= 0 && (n = getdents64(fd, (void *) buf, sizeof buf)) > 0)
                for (ssize_t at = 0; at < n;) {
                        const struct dirent64 *d = (const void *) (buf + at);
                        int open = d->d_name[0] == '.' ? 0 : atoi(d->d_name);

                        if (open >= last && open != fd)
                                return differs(e, "open descriptors");
                        at += d->d_reclen;
                }
        return n < 0 ? err_set(e, ERR_SYSTEM, errno, "cannot list open descriptors") : 0;
}

/* Is no descriptor open but below end? The size of proc's directory is the number of open ones since Linux 6.2; it was
 * 0 before, which is no answer. */
static bool none_open_from(const struct guest *g, int end) {
        off_t below = 0;
        struct stat st;

        for (int fd = 0; fd < end; fd++)
                below += fcntl(fd, F_GETFD) >= 0;
        return below > 0 && fstatat(g->proc, "self/fd", &st, 0) == 0 && st.st_size == below;
}

/* Only what the payload shall have: 0, 1, 2, passed ones, and a few of ours that close on exec, with those this look
 * takes. */
static int verify_descriptors(const struct guest *g, struct err *e) {
        unsigned copies = g->plan->exec.mode == EXEC_STUB ? STUB_COPIES : 0;
        int last = (int) (GUEST_FIRST_FD + g->plan->exec.listen_fds + GUEST_KEEP + copies);

        return none_open_from(g, last) ? 0 : list_descriptors(g, last, e);
}

int guest_verify(struct guest *g, struct err *e) {
        int k = verify_caps(g, e);

        k = k < 0 ? k : verify_ids(g, e);
        k = k < 0 ? k : verify_namespaces(g, e);
        k = k < 0 ? k : g->plan->ids.own && !g->joins ? verify_late_mounts(g, e) : verify_mounts(g, g->proc, 0, e);
        return k < 0 ? k : verify_descriptors(g, e);
}
