/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/errno_text.h"
#include "probe/probe.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/elf.h"
#include "base/log.h"
#include "base/str.h"
#include "plan/idrange.h"
#include "probe/tree.h"
#include "sys/btrfs.h"
#include "sys/resolve.h"

/* File systems whose mounts are known not to be idmapped (mount_setattr(2), NOTES lists those that can). Any other is
 * tried. */
static bool known_without_idmap(long type) {
        static const long types[] = {
                0x794c7630 /* overlayfs */, 0x6969 /* nfs */,      0x01021997 /* 9p */,   0x858458f6 /* ramfs */,
                0xff534d42 /* cifs */,      0xfe534d42 /* smb2 */, 0x61756673 /* aufs */, 0xf15f /* ecryptfs */,
        };

        for (size_t i = 0; i < ELEMENTS(types); i++)
                if (type == types[i])
                        return true;
        return false;
}

/* ioctl_ficlonerange(2) names btrfs and XFS, where it was not left out; others are known to have it too. */
static bool may_share_blocks(long type) {
        return type == 0x9123683e /* btrfs */ || type == 0x58465342 /* xfs */ || type == 0xca451a4e /* bcachefs */ ||
               type == 0x7461636f /* ocfs2 */;
}

/* Are this directory and all above it open to everybody? What cannot be looked at counts as closed: we are root. Each
 * by its own name from here, "..", "../..": every start asks, and that is one call for each. */
static bool others_reach(int root) {
        struct stat here, above;
        char up[512] = "..";

        if (fstat(root, &here) < 0)
                return false;
        for (size_t n = strlen(up); here.st_mode & S_IXOTH; n += strlen("/..")) {
                if (fstatat(root, up, &above, 0) < 0 || n + sizeof "/.." > sizeof up)
                        return false;
                if (above.st_dev == here.st_dev && above.st_ino == here.st_ino)
                        return true;
                here = above;
                memcpy(up + n, "/..", sizeof "/..");
        }
        return false;
}

/* Is it this directory, or one of those above it? Only those of the same file system, where mounts are not crossed. */
static bool is_above(const struct stat *what, int from, bool crossing) {
        CLEAN_FD int at = fcntl(from, F_DUPFD_CLOEXEC, 3);
        struct stat here, above;

        if (at < 0 || fstat(at, &here) < 0)
                return false;
        while (here.st_dev != what->st_dev || here.st_ino != what->st_ino) {
                int up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

                clean_fd(&at);
                at = up;
                if (at < 0 || fstat(at, &above) < 0)
                        return false;
                if ((above.st_dev == here.st_dev && above.st_ino == here.st_ino) ||
                    (!crossing && above.st_dev != here.st_dev))
                        return false;
                here = above;
        }
        return true;
}

/* One that is not there is an error of the launch. Below a mount point in the tree it is apart from that. */
static void probe_upper(const struct spec *s, struct facts *f, const struct opened *o) {
        int tree = o->whole >= 0 ? o->whole : o->root;
        struct stat top, upper;
        CLEAN_FD int fd = -1;

        if (!s->root.overlay_upper || f->image.used || f->stack.used)
                return;
        fd = open(s->root.overlay_upper, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &upper) < 0 || fstat(tree, &top) < 0)
                return;
        f->tree.upper = is_above(&top, fd, false)      ? UPPER_IN_TREE
                        : is_above(&upper, tree, true) ? UPPER_ABOVE_TREE
                                                       : UPPER_APART;
}

static int probe_file_system(const struct spec *s, struct facts *f, const struct opened *o, struct err *e) {
        struct statfs sf;
        bool written;

        if (fstatfs(o->root, &sf) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot look at the file system of %s", f->tree.path);
        /* An image may be mounted in another way to look at it than to run it; without a root it gets a new one. */
        f->tree.read_only = !f->image.used
                                    ? sf.f_flags & ST_RDONLY
                                    : f->image.parts.items[0].role == ROLE_ROOT && f->image.parts.items[0].read_only;
        if (f->stack.used)
                f->tree.read_only = !f->stack.root && !f->stack.rw && f->stack.layers.n > 0;
        f->tree.can_idmap = f->host.first_userns && (f->stack.used || !known_without_idmap(sf.f_type));
        f->tree.etc_writable = !spec_root_is_read_only(&s->root) &&
                               (spec_root_spares_tree(&s->root) || (!f->tree.read_only && !f->tree.vendor));
        if ((s->root.ephemeral || f->tree.template) && !f->image.used && !f->stack.used) {
                CLEAN_FD int fd = openat(o->whole >= 0 ? o->whole : o->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

                f->tree.subvolume = fd >= 0 && btrfs_is_lone_subvolume(fd);
                f->tree.can_reflink = may_share_blocks(sf.f_type);
        }
        /* A copy lies beside the tree. */
        written =
                !spec_root_spares_tree(&s->root) || (s->root.ephemeral && (f->tree.subvolume || f->tree.can_reflink));
        f->tree.reachable = !f->image.used && !f->stack.used && !(sf.f_flags & ST_NOSUID) && f->tree.etc_writable &&
                            written && others_reach(o->root);
        return 0;
}

/* A link where a directory should be, or one that leads nowhere, is an answer about a tree; a failure to look is not.
 */
static bool is_missing(int code) {
        return code == ENOENT || code == ENOTDIR || code == ELOOP || code == EXDEV;
}

static int kind_of(int dir, const char *name, enum file_kind *ret) {
        struct stat st;

        *ret = AT_MISSING;
        if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return is_missing(errno) ? 0 : -errno;
        *ret = S_ISDIR(st.st_mode) ? AT_DIR : S_ISREG(st.st_mode) ? AT_FILE : S_ISLNK(st.st_mode) ? AT_LINK : AT_OTHER;
        return 0;
}

/* Where the launch cannot make mount points, they must be there. */
static int probe_mount_points(struct arena *a, struct facts *f, const struct opened *o, struct err *e) {
        static const char names[][5] = { "proc", "sys", "dev", "run", "tmp" };

        for (size_t i = 0; i < ELEMENTS(names) && !f->tree.etc_writable; i++) {
                enum file_kind kind;
                int k = kind_of(o->root, names[i], &kind);

                if (k < 0)
                        return err_set(e, ERR_IMAGE, -k, "cannot look for %s in %s", names[i], f->tree.path);
                if (kind == AT_MISSING)
                        strv_add(a, &f->tree.missing, names[i]);
        }
        return 0;
}

static int probe_etc(const struct spec *s, struct facts *f, const struct opened *o, struct err *e) {
        CLEAN_FD int etc = resolve_in_root(o->root, "etc", O_PATH | O_DIRECTORY);
        bool fresh = s->root.volatile_mode == VOLATILE_YES;
        int k;

        f->tree.resolv_conf = f->tree.localtime = AT_MISSING;
        if (etc < 0 && is_missing(-etc))
                return 0;
        k = etc < 0 || fresh ? etc : kind_of(etc, "resolv.conf", &f->tree.resolv_conf);
        k = k < 0 || fresh ? k : kind_of(etc, "localtime", &f->tree.localtime);
        if (k < 0)
                return err_set(e, ERR_IMAGE, -k, "cannot look into etc of %s", f->tree.path);
        if ((s->integration.timezone == TIMEZONE_SYMLINK || fresh) && f->host.localtime[0] &&
            f->host.localtime[0] != '/') {
                char zone[512];
                CLEAN_FD int fd = -1;

                snprintf(zone, sizeof zone, "usr/share/zoneinfo/%s", f->host.localtime);
                fd = resolve_in_root(o->root, zone, O_PATH);
                f->tree.zoneinfo = fd >= 0;
        }
        return 0;
}

static bool has(int dir, const char *name) {
        enum file_kind kind;

        return kind_of(dir, name, &kind) < 0 || kind != AT_MISSING;
}

static void probe_usr(const struct spec *s, struct arena *a, struct facts *f, const struct opened *o) {
        static const char links[][6] = { "bin", "sbin", "lib", "lib32", "lib64" };
        bool fresh = s->root.volatile_mode == VOLATILE_YES;
        enum file_kind bin = AT_MISSING;
        CLEAN_FD int usr = -1;

        if (kind_of(o->root, "bin", &bin) < 0 || (bin != AT_MISSING && !fresh))
                return;
        f->tree.split_usr = bin == AT_DIR;
        usr = resolve_in_root(o->root, "usr", O_PATH | O_DIRECTORY);
        for (size_t i = 0; i < ELEMENTS(links) && usr >= 0; i++)
                if ((fresh || !has(o->root, links[i])) && has(usr, links[i]))
                        strv_add(a, &f->tree.usr_links, links[i]);
}

static char *read_host(const char *path, struct arena *a) {
        CLEAN_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        struct stat st;
        char *text;
        ssize_t n;

        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > 4 << 20)
                return NULL;
        text = arena_alloc(a, (size_t) st.st_size + 1);
        n = read(fd, text, (size_t) st.st_size);
        text[n > 0 ? n : 0] = '\0';
        return text;
}

/* A range of ids that nobody else has: the tree's own, then one that follows from the name, then random ones. The
 * lock that makes it ours is taken later. */
static void probe_range(struct facts *f, struct arena *a) {
        const struct idrange_files files = {
                .passwd = read_host("/etc/passwd", a),
                .group = read_host("/etc/group", a),
                .subuid = read_host("/etc/subuid", a),
                .subgid = read_host("/etc/subgid", a),
        };
        uint64_t random;

        memcpy(&random, f->random + 16, sizeof random);
        f->tree.range_is_owner = false;
        f->tree.range_base = 0;
        if (f->tree.range_tries == 0 && idrange_of_owner(f->tree.uid, f->tree.gid)) {
                f->tree.range_base = f->tree.uid;
                f->tree.range_is_owner = true;
                return;
        }
        for (; f->tree.range_tries < IDRANGE_ATTEMPTS; f->tree.range_tries++) {
                uint32_t base = idrange_candidate(f->tree.name, f->tree.range_tries, random);

                if (idrange_in_use(base, &files))
                        continue;
                f->tree.range_base = base;
                return;
        }
}

static int probe_user(const struct spec *s, struct arena *a, struct facts *f, const struct opened *o, struct err *e) {
        bool shell = s->exec.mode != EXEC_BOOT && s->exec.argv.n == 0;

        f->tree.user_said = s->exec.user;
        f->tree.user = (struct tree_user){ .name = "root", .home = "/root" };
        if (s->exec.user && !streq(s->exec.user, "root") && !streq(s->exec.user, "0"))
                return tree_user(o->root, s->exec.user, a, &f->tree.user, e) < 0 ? err_blame(e, "uid", NULL) : 0;
        /* Root's entry is needed for its login shell only, and a tree without one is no error. */
        if (shell)
                (void) tree_user(o->root, "root", a, &f->tree.user, NULL);
        f->tree.user.uid = 0;
        f->tree.user.gid = 0;
        f->tree.user.n_groups = 0;
        return 0;
}

/* From here on the tree is what is below that directory: whose files they are, what is in them, what is copied or
 * covered. Its lock, its name and copies are the whole's. */
static int enter_pivot(const struct spec *s, struct facts *f, struct opened *o, struct err *e) {
        struct stat st;

        if (!s->root.pivot_new)
                return 0;
        o->whole = TAKE_FD(o->root);
        o->root = resolve_in_root(o->whole, s->root.pivot_new, O_PATH | O_DIRECTORY);
        if (o->root < 0 || fstat(o->root, &st) < 0) {
                err_set(e, ERR_IMAGE, o->root < 0 ? -o->root : errno,
                        "cannot make /%s of %s the root directory (--pivot-root=)", s->root.pivot_new, f->tree.path);
                return err_blame(e, "pivot-root", NULL);
        }
        f->tree.pivot = s->root.pivot_new;
        f->tree.uid = st.st_uid;
        f->tree.gid = st.st_gid;
        return 0;
}

/* Settings were looked for by the name of the tree; what runs is another one. */
static void name_copy(struct arena *a, struct facts *f) {
        uint64_t random;

        memcpy(&random, f->random + 24, sizeof random);
        f->tree.name = arena_printf(a, "%.47s-%016llx", f->tree.name, (unsigned long long) random);
}

/* By the program itself, where its place is known, or by the shell. */
static void probe_machine(const struct spec *s, struct arena *a, struct facts *f, const struct opened *o) {
        const char *word = s->exec.mode != EXEC_BOOT && s->exec.argv.n > 0 ? s->exec.argv.items[0] : "";
        struct elf_kind kind;

        if (tree_elf(o->root, *word == '/' ? word : str_or(f->tree.init.path, "/bin/sh"), &kind) <= 0)
                return;
        f->tree.elf32 = s->self.face == FACE_BERTH && elf_is_native(&kind) && kind.class == ELFCLASS32;
        if (elf_is_native(&kind))
                return;
        f->tree.foreign = kind;
        probe_emulator(a, f, o);
}

/* The tree is all that there will be, and it is worth a look. */
static bool may_lack_command(const struct spec *s, const struct facts *f) {
        return s->self.replace && s->exec.argv.n > 0 && s->mounts.n == 0 && !s->root.overlay_upper && !f->image.used &&
               !f->stack.used;
}

int probe_tree(const struct spec *s, struct arena *a, struct facts *f, struct opened *o, struct err *e) {
        bool users = s->ids.mode == USERS_PICK || (s->ids.mode == USERS_DEFAULT && s->self.face == FACE_BERTH);
        bool ahead = f->image.used && s->self.dry_run == DRY_RUN_NO;
        int r = enter_pivot(s, f, o, e);

        r = r < 0 ? r : probe_file_system(s, f, o, e);
        if (r < 0)
                return r;
        if (s->exec.mode != EXEC_BOOT && ahead)
                tree_read_ahead(o->root, &s->exec, NULL);
        if (s->root.ephemeral && !s->id.machine)
                name_copy(a, f);
        f->tree.has_machine_id = tree_machine_id(o->root, f->tree.machine_id) > 0;
        r = probe_mount_points(a, f, o, e);
        r = r < 0 ? r : probe_etc(s, f, o, e);
        if (r < 0)
                return r;
        probe_usr(s, a, f, o);
        probe_upper(s, f, o);
        if (s->exec.mode == EXEC_BOOT) {
                f->tree.has_os_release = tree_has_os_release(o->root);
                r = tree_init(o->root, a, &f->tree.init, e);
                if (r < 0 && r != -ENOENT)
                        return err_blame(e, "boot", NULL);
                /* The plan says it, with the name of the tree and what else it lacks. */
                if (r == -ENOENT)
                        *e = (struct err){ .kind = ERR_NONE };
                if (ahead)
                        tree_read_ahead(o->root, &s->exec, f->tree.init.path);
        } else {
                f->tree.lacks_program = tree_lacks_program(o->root, &s->exec);
                f->tree.lacks_command = may_lack_command(s, f) && tree_lacks_command(o->root, &s->exec);
        }
        probe_machine(s, a, f, o);
        if (users && f->host.first_userns && f->host.can_userns)
                probe_range(f, a);
        probe_sources(s, a, f, o);
        probe_journal(s, a, f, o);
        r = probe_bind_users(s, a, f, o, e);
        if (r < 0)
                return r;
        if (!f->tree.submounts_known)
                return probe_user(s, a, f, o, e);
        r = probe_submounts(a, f, o, e);
        return r < 0 ? r : probe_user(s, a, f, o, e);
}

/* A name that follows from the directory is only a proposal: several read-only runs of one tree each need their own.
 */
static int another_name(const struct spec *s, struct arena *a, struct facts *f, struct err *e) {
        if (s->id.machine || f->tree.name_tries++ >= 64) {
                /* The launch has said who has it. */
                if (e && e->kind == ERR_BUSY)
                        return -EBUSY;
                err_set(e, ERR_BUSY, EBUSY, "a container named %s is running", f->tree.name);
                return err_hint(e, "-M gives this one another name");
        }
        if (!f->tree.first_name)
                f->tree.first_name = f->tree.name;
        f->tree.name = arena_printf(a, "%.50s-%04x", f->tree.first_name,
                                    ((f->random[8] << 8 | f->random[9]) + f->tree.name_tries) & 0xffff);
        return 0;
}

/* First without a user namespace, for which the kernel's rule is stricter; then with what is there. */
static int no_fresh(bool *can, struct facts *f, struct err *e) {
        if (f->host.can_mount_in_userns && f->host.first_userns)
                f->host.can_mount_in_userns = false;
        else if (*can)
                *can = false;
        else
                return err_set(e, ERR_HOST, EPERM, "cannot mount proc and sysfs here, fresh or bound");
        return 0;
}

/* What is read-only of the proc that is there stays so. */
static int no_proc(struct facts *f, const struct opened *o, struct err *e) {
        CLEAN_FD int net = openat(o->proc, "sys/net", O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct statfs sf;

        f->host.net_locked = net >= 0 && fstatfs(net, &sf) == 0 && sf.f_flags & ST_RDONLY;
        return no_fresh(&f->host.can_mount_proc, f, e);
}

/* Why is said in the launch's own error. */
static int no_manager(struct arena *a, struct facts *f, const struct err *e) {
        f->manager.why = "the service manager did not do it";
        if (e && e->kind != ERR_NONE)
                f->manager.why =
                        arena_printf(a, "%s%s%s", e->text, e->code ? ": " : "", e->code ? errno_text(e->code) : "");
        return 0;
}

int probe_correct(enum refutable what, const struct spec *s, struct arena *a, struct facts *f, struct opened *o,
                  struct err *e) {
        log_debug(LOG_PROBE, "a fact was wrong (%d), looking again", what);
        switch (what) {
        case REFUTED_NAME: return another_name(s, a, f, e);
        case REFUTED_MKNOD: f->host.can_mknod = false; return 0;
        case REFUTED_DEVICES: f->host.can_restrict_devices = false; return 0;
        case REFUTED_USERNS: f->host.can_userns = false; return 0;
        case REFUTED_NESTED: f->host.no_nested = true; return 0;
        case REFUTED_PROC: return no_proc(f, o, e);
        case REFUTED_SYSFS: return no_fresh(&f->host.can_mount_sysfs, f, e);
        case REFUTED_IDMAP: f->tree.can_idmap = false; return 0;
        case REFUTED_LAYER: f->tree.layer_why = arena_strdup(a, e->text); return 0;
        case REFUTED_RANGE:
                f->tree.range_tries++;
                probe_range(f, a);
                return 0;
        case REFUTED_CGROUP: f->cgroup.writable = false; return 0;
        case REFUTED_TOP: f->cgroup.top_closed = true; return 0;
        case REFUTED_SUBMOUNTS: return probe_submounts(a, f, o, e);
        case REFUTED_MANAGER: return no_manager(a, f, e);
        case REFUTED_OVERLAY: f->host.no_overlay = true; return 0;
        case REFUTED_SNAPSHOT: f->tree.subvolume = false; return 0;
        case REFUTED_REFLINK: f->tree.can_reflink = false; return 0;
        case REFUTED_IDLE: f->tree.in_use = true; return 0;
        case REFUTED_BINFMT: f->host.no_binfmt = true; return 0;
        case REFUTED_LENT: return probe_lend(s, a, f, o, e);
        case REFUTED_JOURNAL: f->journal.why = arena_strdup(a, e ? e->text : "it does not work"); return 0;
        case REFUTED_SOUND: /* the caller's, who has the image */
        case REFUTED_NOTHING:
        case REFUTED_MAX_: break;
        }
        return err_set(e, ERR_BUG, 0, "nothing to correct");
}
