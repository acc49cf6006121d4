/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"
#include "base/path_hint.h"
#include "base/str.h"
#include "image/apart.h"
#include "image/protect.h"
#include "image/verity.h"
#include "sys/loopdev.h"

/* In the order in which they are mounted. The boot partitions' place depends on the tree: see
 * places.c. */
static const struct {
        enum part_role role;
        char where[8];
} places[] = {
        { ROLE_ROOT, "" },   { ROLE_USR, "usr" },     { ROLE_HOME, "home" }, { ROLE_SRV, "srv" },
        { ROLE_VAR, "var" }, { ROLE_TMP, "var/tmp" }, { ROLE_ESP, "efi" },   { ROLE_XBOOTLDR, "boot" },
};

static int open_file(struct image *m, struct err *e) {
        struct stat st;
        int fixed;

        m->file = open(m->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (m->file < 0) {
                err_set(e, errno == ENOENT ? ERR_USAGE : ERR_HOST, errno, "cannot open the image %s", m->path);
                return err_hint_path(e, m->path);
        }
        if (fstat(m->file, &st) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot look at %s", m->path);
        if (S_ISDIR(st.st_mode)) {
                err_set(e, ERR_USAGE, 0, "the image %s is a directory", m->path);
                return err_hint(e, "-D starts a directory");
        }
        m->block = S_ISBLK(st.st_mode);
        if (!m->block && !S_ISREG(st.st_mode)) {
                err_set(e, ERR_USAGE, 0, "%s is neither a file nor a block device", m->path);
                return err_hint(e, "-i starts what one of these holds");
        }
        m->size = (uint64_t) st.st_size;
        if (m->block && ioctl(m->file, BLKGETSIZE64, &m->size) < 0)
                return err_set(e, ERR_HOST, errno, "cannot find out the size of %s", m->path);
        /* It can be opened for writing all the same. */
        if (!(st.st_mode & 0222) || (m->block && ioctl(m->file, BLKROGET, &fixed) == 0 && fixed))
                m->read_only = true;
        return 0;
}

/* For writing, the same file once more. A block device that is in use (mounted, say) is nobody else's then. */
static int open_writable(struct image *m, struct err *e) {
        char self[32];
        int fd;

        if (m->read_only || m->peek)
                return 0;
        snprintf(self, sizeof self, "/proc/self/fd/%d", m->file);
        fd = open(self, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (m->block ? O_EXCL : 0));
        if (fd < 0 && (errno == EROFS || errno == EACCES || errno == EPERM)) {
                m->read_only = true;
                return 0;
        }
        if (fd < 0) {
                err_set(e, errno == EBUSY ? ERR_BUSY : ERR_HOST, errno, "cannot open %s for writing", m->path);
                return err_hint(e, "--read-only does without");
        }
        clean_fd(&m->file);
        m->file = fd;
        return 0;
}

static int busy(const struct image *m, struct err *e) {
        err_set(e, ERR_BUSY, EBUSY, "Disk image %s is currently busy", m->path);
        return err_hint(e, m->read_only ? "another program writes to it, and must end first"
                                        : "another program uses it; --read-only lets several share it");
}

/* mount(8) takes no lock: a file system that is mounted twice and written to is lost. What somebody has just unmounted
 * may take a moment to go. */
static int check_loops(struct image *m, struct err *e) {
        for (int tries = 0; !m->read_only && !m->block && loopdev_writes_to(m->file); tries++) {
                if (tries == 50)
                        return busy(m, e);
                usleep(10 * 1000);
        }
        return 0;
}

/* Ours, shared with systemd-nspawn, and the one that other programs put on disks (flock(2)). */
static int lock_file(struct image *m, struct err *e) {
        struct stat st;
        int k, pauses = 0;

        if (fstat(m->file, &st) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot look at %s", m->path);
        do
                k = lock_tree(&m->lock, st.st_dev, st.st_ino, !m->read_only, m->path, e);
        while (k == -EBUSY && lock_pause(&pauses, LOCK_PAUSES));
        if (k < 0)
                return k == -EBUSY ? busy(m, e) : k;
        for (int tries = 0; flock(m->file, (m->read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) < 0; tries++) {
                if (errno != EWOULDBLOCK)
                        return err_set(e, ERR_HOST, errno, "cannot lock %s", m->path);
                if (tries == 50)
                        return busy(m, e);
                usleep(10 * 1000);
        }
        return check_loops(m, e);
}

static const struct dissected_part *part_of(const struct image *m, enum part_role role) {
        return m->choice.part[role] < 0 ? NULL : &m->found->parts[m->choice.part[role]];
}

/* Hash data and signature need no partition where they are in files. */
static bool is_elsewhere(const struct image *m, enum part_role role) {
        switch (role) {
        case ROLE_ROOT_VERITY: return verity_is_ready(m, ROLE_ROOT);
        case ROLE_USR_VERITY: return verity_is_ready(m, ROLE_USR);
        case ROLE_ROOT_VERITY_SIG: return verity_is_signed(m, ROLE_ROOT);
        case ROLE_USR_VERITY_SIG: return verity_is_signed(m, ROLE_USR);
        default: return false;
        }
}

static struct policy_part as_policy_sees(const struct image *m, enum part_role role) {
        const struct dissected_part *p = part_of(m, role);
        bool usr = role == ROLE_USR, has = usr || role == ROLE_ROOT;

        if (!p)
                return (struct policy_part){ .found = is_elsewhere(m, role) };
        return (struct policy_part){
                .found = true,
                .read_only = p->read_only,
                .growfs = p->growfs,
                .encrypted = streq(p->fs, "crypto_LUKS"),
                .verity = has && (verity_is_ready(m, role) || part_of(m, usr ? ROLE_USR_VERITY : ROLE_ROOT_VERITY)),
                .has_sig = has &&
                           (verity_is_signed(m, role) || part_of(m, usr ? ROLE_USR_VERITY_SIG : ROLE_ROOT_VERITY_SIG)),
                .file_system = *p->fs ? p->fs : NULL,
        };
}

static const char *describe(const struct dissected_part *p, enum part_role role, char buf[64]) {
        if (!p)
                snprintf(buf, 64, "the %s partition", role_name(role));
        else if (p->number == 0)
                snprintf(buf, 64, "the file system in it");
        else
                snprintf(buf, 64, "partition %u (%s)", p->number, role_name(role));
        return buf;
}

int image_check_kind(const struct image *m, const struct image_part *i, struct err *e) {
        unsigned kind = policy_file_system(i->part->fs);
        char what[64];

        describe(i->part, i->role, what);
        if (m->file_systems && kind && !(m->file_systems & kind)) {
                err_set(e, ERR_IMAGE, 0, "%s: %s has a file system that is not allowed: %s", m->path, what,
                        i->part->fs);
                err_blame(e, "image-file-systems", NULL);
                return err_hint(e, "--image-file-systems= is the list");
        }
        /* Boot partitions are left out then. */
        if (!*i->part->fs && i->role == ROLE_ROOT && m->found->foreign)
                return foreign_refuse(m->found->foreign, m->path, e);
        if (*i->part->other && i->role != ROLE_ESP && i->role != ROLE_XBOOTLDR)
                return err_set(e, ERR_IMAGE, 0, "%s: %s holds %s, which is not mounted from images", m->path, what,
                               i->part->other);
        if (!*i->part->fs && i->role != ROLE_ESP && i->role != ROLE_XBOOTLDR) {
                err_set(e, ERR_IMAGE, 0, "%s: there is no known file system in %s", m->path, what);
                return err_hint(e, "berth --inspect shows what is in it; it may be empty, damaged, or compressed");
        }
        if (streq(i->part->fs, "verity") || streq(i->part->fs, "swap"))
                return err_set(e, ERR_IMAGE, 0, "%s: %s holds %s, which is no file system to mount", m->path, what,
                               i->part->fs);
        return 0;
}

static int judge(struct image *m, enum part_role role, struct err *e) {
        const struct policy_part seen = as_policy_sees(m, role);
        enum verdict v = policy_judge(m->policy, role, &seen);
        char what[64];

        if (v == VERDICT_LEAVE)
                m->choice.part[role] = -1;
        if (!verdict_text(v))
                return 0;
        err_set(e, ERR_IMAGE, 0, "the policy does not allow %s: %s %s", m->path,
                describe(part_of(m, role), role, what), verdict_text(v));
        return err_hint(e, "--image-policy= says what is allowed; berth --inspect shows what there is");
}

/* Those that are used. */
static int collect(struct image *m, size_t place, struct err *e) {
        const struct dissected_part *p = part_of(m, places[place].role);
        struct image_part *i = &m->parts[m->n];
        int r;

        if (!p)
                return 0;
        *i = (struct image_part){
                .role = places[place].role,
                .part = p,
                .name = places[place].where,
                .where = places[place].where,
                .loop = -1,
                .mount = -1,
        };
        i->fixed = p->read_only || streq(p->fs, "squashfs") || streq(p->fs, "erofs");
        i->read_only = m->read_only || i->fixed;
        r = protect_choose(m, i, e);
        r = r < 0 ? r : image_check_kind(m, i, e);
        m->n += r == 0;
        return r;
}

/* All have their say, whatever is said to one. */
static void judge_all(struct image *m, struct image_verdict *v) {
        const struct err *first = NULL;

        m->n = 0;
        for (size_t i = 0; i < ROLE_MAX_; i++) {
                v->role[i].kind = ERR_NONE;
                if (judge(m, (enum part_role) i, &v->role[i]) < 0 && !first)
                        first = &v->role[i];
        }
        for (size_t i = 0; i < ELEMENTS(places); i++) {
                struct err *of = &v->role[places[i].role];

                if (of->kind == ERR_NONE && collect(m, i, of) < 0 && !first)
                        first = of;
        }
        v->first.kind = ERR_NONE;
        if (first)
                v->first = *first;
        else if (m->n == 0 || (m->parts[0].role != ROLE_ROOT && m->parts[0].role != ROLE_USR))
                err_set(&v->first, ERR_IMAGE, 0, "%s has no root partition that the policy lets be used", m->path);
        else
                (void) protect_check(m, &v->first);
}

static void make_notes(struct image *m, struct arena *a) {
        const char *unopened = part_unopened(m->found, a);

        if (unopened)
                strv_add(a, &m->notes, unopened);
        if (m->found->from_backup)
                strv_add(a, &m->notes, "the image's partition table is damaged: its copy at the end is used");
        if (m->verity->source == HASH_NONE && (part_of(m, ROLE_ROOT_VERITY) || part_of(m, ROLE_USR_VERITY)))
                strv_add(a, &m->notes,
                         "the image has hash data for dm-verity, and no root hash was given: it is used "
                         "without verification");
}

static void prepare(struct image *m, struct image_verdict *v) {
        bool all = true;

        judge_all(m, v);
        for (unsigned i = 0; i < m->n; i++)
                all = all && m->parts[i].read_only;
        if (all)
                m->read_only = true;
}

static struct image *new_image(const struct image_want *want, struct arena *a) {
        struct image *m = arena_new(a, struct image);

        m->path = want->path;
        m->file = -1;
        m->read_only = want->read_only;
        m->peek = want->peek;
        m->no_fsck = want->no_fsck;
        m->direct_io = want->direct_io;
        m->file_systems = want->file_systems;
        m->found = arena_new(a, struct dissected);
        m->policy = want->policy;
        if (!m->policy) {
                struct policy *usual = arena_new(a, struct policy);

                *usual = policy_default();
                m->policy = usual;
        }
        m->protection = want->protection ? want->protection : arena_new(a, struct spec_protection);
        m->ask = want->ask;
        m->blkid = want->ask ? want->ask->blkid : NULL;
        if (!m->blkid) {
                m->blkid = arena_new(a, struct blkid_run);
                m->blkid->sock = -1;
        }
        m->verity = arena_new(a, struct verity);
        lock_init(&m->lock);
        return m;
}

/* Which partitions count is also for the root hash to say. */
static int choose(struct image *m, struct arena *a, struct err *e) {
        int k = verity_find_hash(m, a, e);

        k = k < 0 ? k : choose_parts(m->found, m->path, &m->choice, e);
        return k < 0 ? k : verity_choose(m, a, e);
}

static int dissect_all(struct image *m, struct err *e) {
        return dissect_apart(&(struct apart_image){ m->file, m->size, m->path, m->blkid }, m->found, e);
}

static int take_apart(struct image *m, struct arena *a, struct err *e) {
        int k = open_file(m, e);

        k = k < 0 ? k : dissect_all(m, e);
        return k < 0 ? k : choose(m, a, e);
}

static int finish(struct image *m, struct arena *a, struct image **ret) {
        make_notes(m, a);
        log_debug(LOG_PROBE, "image %s: %u partitions, %u of them used%s", m->path, m->found->n, m->n,
                  m->copied ? ", copied" : "");
        *ret = m;
        return 0;
}

int image_open(const struct image_want *want, struct arena *a, struct image **ret, struct err *e) {
        struct image *m = new_image(want, a);
        struct image_verdict *v = arena_new(a, struct image_verdict);
        int k = take_apart(m, a, e);

        if (k == 0)
                prepare(m, v);
        if (k == 0 && v->first.kind != ERR_NONE) {
                if (e)
                        *e = v->first;
                k = -EINVAL;
        }
        /* A copy is nobody else's, whoever uses the original. */
        if (k == 0 && want->copy && !m->parts[0].fixed && image_share(m) > 0)
                return finish(m, a, ret);
        k = k < 0 ? k : open_writable(m, e);
        k = k < 0 || !want->lock ? k : lock_file(m, e);
        for (unsigned i = 0; k == 0 && i < m->n; i++)
                m->parts[i].read_only = m->parts[i].read_only || m->read_only;
        if (k < 0) {
                image_close(m);
                return k;
        }
        return finish(m, a, ret);
}

int image_inspect(const struct image_want *want, struct arena *a, struct image **ret,
                  struct image_verdict *ret_verdict, struct err *e) {
        struct image *m = new_image(want, a);
        int k = open_file(m, e);

        k = k < 0 ? k : dissect_all(m, e);
        if (k < 0) {
                image_close(m);
                return k;
        }
        *ret_verdict = (struct image_verdict){ 0 };
        if (choose(m, a, &ret_verdict->first) == 0)
                prepare(m, ret_verdict);
        make_notes(m, a);
        *ret = m;
        return 0;
}

void image_facts(const struct image *m, struct arena *a, struct facts *f) {
        static const char tables[][5] = { "bare", "gpt", "mbr" };

        f->image.used = true;
        f->image.copied = m->copied;
        f->image.table = tables[m->found->table];
        f->image.notes = m->notes;
        for (unsigned i = 0; i < m->n; i++) {
                const struct image_part *p = &m->parts[i];

                *arena_push(a, &f->image.parts) = (struct image_part_facts){
                        .role = p->role,
                        .number = p->part->number,
                        .where = p->where,
                        .link = p->where && !streq(p->where, p->name) ? p->name : NULL,
                        .spot = p->spot,
                        .fs = p->part->fs,
                        .read_only = p->read_only,
                        .fixed = p->fixed,
                };
        }
}

void image_forget(struct image *m) {
        if (!m)
                return;
        for (unsigned i = 0; i < m->n; i++) {
                clean_fd(&m->parts[i].loop);
                clean_fd(&m->parts[i].mount);
                m->parts[i].loop = m->parts[i].mount = -1;
        }
        clean_fd(&m->file);
        m->file = -1;
        clean_fd(&m->lock.fd);
        m->lock.fd = -1;
}

void image_close(struct image *m) {
        if (!m)
                return;
        (void) blkid_end(m->blkid);
        lock_drop(&m->lock);
        image_forget(m);
}
