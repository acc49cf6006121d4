/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where the root hash of an image comes from: what was said, an attribute of the file, a file beside it, a signature
 * in a partition of its own. As systemd-nspawn does it, one of these decides all. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/path_hint.h"
#include "base/str.h"
#include "image/apart.h"
#include "image/verity.h"

enum { HASH_TEXT_MAX = 512 };

static const struct {
        enum part_role role, data, sig;
        char attribute[21], ending[9];
} kinds[] = {
        { ROLE_ROOT, ROLE_ROOT_VERITY, ROLE_ROOT_VERITY_SIG, "user.verity.roothash", "roothash" },
        { ROLE_USR, ROLE_USR_VERITY, ROLE_USR_VERITY_SIG, "user.verity.usrhash", "usrhash" },
};

static size_t kind_of(enum part_role role) {
        return role == ROLE_USR;
}

/* NAME.ENDING beside NAME.raw. */
static const char *beside(const struct image *m, const char *ending, struct arena *a) {
        const char *raw = str_ending(m->path, ".raw");

        return arena_printf(a, "%.*s.%s", (int) (raw ? raw - m->path : (long) strlen(m->path)), m->path, ending);
}

/* Up to size bytes of a file. Returns how many, -ENOENT, -EFBIG: there are more, -EINVAL: no file. */
static ssize_t read_small(const char *path, void *buf, size_t size) {
        CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        return st.st_size > (off_t) size ? -EFBIG : file_read(fd, buf, size);
}

/* Beside an image of a long name there can be no file of a longer one. */
static bool is_missing(ssize_t n) {
        return n == -ENOENT || n == -ENAMETOOLONG;
}

static int take_hash(struct image *m, size_t kind, enum hash_source source, const char *text, size_t n,
                     const char *where, struct err *e) {
        if (root_hash_parse(text, n, &m->verity->hash) < 0)
                return err_set(e, ERR_IMAGE, 0, "what %s of %s holds is no root hash", where, m->path);
        m->verity->role = kinds[kind].role;
        m->verity->source = source;
        return 1;
}

/* 1: found. 0: none. */
static int look_beside(struct image *m, size_t kind, struct arena *a, struct err *e) {
        const char *path = beside(m, kinds[kind].ending, a);
        char text[HASH_TEXT_MAX];
        ssize_t n = fgetxattr(m->file, kinds[kind].attribute, text, sizeof text);

        if (n >= 0)
                return take_hash(m, kind, HASH_ATTRIBUTE, text, (size_t) n, kinds[kind].attribute, e);
        n = read_small(path, text, sizeof text - 1);
        if (is_missing(n))
                return 0;
        /* Its first line. */
        if (n >= 0) {
                text[n] = '\0';
                n = (ssize_t) strcspn(text, "\n");
        }
        if (n < 0)
                return err_set(e, ERR_IMAGE, (int) -n, "cannot read the root hash %s", path);
        return take_hash(m, kind, HASH_FILE, text, (size_t) n, path, e);
}

/* NAME.roothash.p7s or NAME.usrhash.p7s; of a hash that was said, it tells which one that is. */
static const char *signature_beside(struct image *m, struct arena *a) {
        const char *path = beside(m, arena_printf(a, "%s.p7s", kinds[kind_of(m->verity->role)].ending), a), *usr;

        if (m->verity->source != HASH_SAID || access(path, F_OK) == 0)
                return path;
        usr = beside(m, "usrhash.p7s", a);
        if (access(usr, F_OK) < 0)
                return path;
        m->verity->role = ROLE_USR;
        return usr;
}

static int take_signature(struct image *m, struct arena *a, struct err *e) {
        const struct spec_protection *said = m->protection;
        const char *path = said->sig_path;
        ssize_t n;

        m->verity->sig_said = path || said->sig;
        if (said->sig) {
                memcpy(m->verity->sig, said->sig, said->sig_size);
                m->verity->sig_size = said->sig_size;
                return 0;
        }
        if (!path && (m->block || said->no_files || m->verity->source == HASH_NONE))
                return 0;
        if (!path)
                path = signature_beside(m, a);
        n = read_small(path, m->verity->sig, sizeof m->verity->sig);
        if (is_missing(n) && !said->sig_path)
                return 0;
        if (n <= 0) {
                err_set(e, said->sig_path ? ERR_USAGE : ERR_IMAGE, n < 0 ? (int) -n : 0,
                        "cannot read the signature %s", path);
                err_hint_path(e, path);
                return err_blame(e, said->sig_path ? "root-hash-sig" : "", NULL);
        }
        m->verity->sig_size = (unsigned) n;
        return 0;
}

static void take_data(struct image *m, struct arena *a) {
        const char *path = m->protection->hash_data;

        m->verity->data_said = path;
        if (!path && !m->block && !m->protection->no_files)
                path = beside(m, "verity", a);
        m->verity->data = path && (m->verity->data_said || access(path, F_OK) == 0) ? path : NULL;
}

int verity_find_hash(struct image *m, struct arena *a, struct err *e) {
        const struct spec_protection *said = m->protection;
        int k = 0;

        if (said->hash_size) {
                memcpy(m->verity->hash.bytes, said->hash, said->hash_size);
                m->verity->hash.size = said->hash_size;
                m->verity->source = HASH_SAID;
        }
        /* A device has nothing beside it. */
        for (size_t i = 0; k == 0 && i < ELEMENTS(kinds) && !said->hash_size && !m->block && !said->no_files; i++)
                k = look_beside(m, i, a, e);
        k = k < 0 ? k : take_signature(m, a, e);
        if (k == 0)
                take_data(m, a);
        return k;
}

static void put_uuid(const uint8_t b[16], char ret[37]) {
        snprintf(ret, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
                 b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static bool is_of(const struct image *m, int i, enum part_role role) {
        const struct dissected_part *p = &m->found->parts[i];
        enum part_fit fit;
        const char *arch;

        return role_of_type(p->type, &fit, &arch) == role && !p->no_auto;
}

static int find_part(const struct image *m, enum part_role role, const char *uuid) {
        for (int i = 0; i < (int) m->found->n; i++)
                if (is_of(m, i, role) && streq(m->found->parts[i].uuid, uuid))
                        return i;
        return -1;
}

/* Its first half is the identity of the partition, its last half that of the hash data. */
static bool choose_by_hash(struct image *m, size_t kind, const struct root_hash *h) {
        char first[37], last[37];
        int data, hash;

        put_uuid(h->bytes, first);
        put_uuid(h->bytes + h->size - 16, last);
        data = find_part(m, kinds[kind].role, first);
        hash = find_part(m, kinds[kind].data, last);
        if (data < 0 || hash < 0)
                return false;
        m->choice.part[kinds[kind].role] = data;
        m->choice.part[kinds[kind].data] = hash;
        return true;
}

static void look_at_signature(const struct disk *d, const struct apart *what, void *ret) {
        char text[SIGNATURE_TEXT_MAX];
        size_t n = what->length < sizeof text ? (size_t) what->length : sizeof text;

        if (!disk_read(d, what->start, text, n))
                n = 0;
        (void) signature_parse(text, n, ret);
}

static int read_signature(struct image *m, int i, struct signature *ret, struct err *e) {
        const struct dissected_part *p = &m->found->parts[i];
        const struct apart what = {
                .look = look_at_signature, .size = sizeof *ret, .start = p->start, .length = p->size
        };
        int k = apart(m->file, m->size, &what, m->path, ret, e);

        ret->why[sizeof ret->why - 1] = ret->fingerprint[sizeof ret->fingerprint - 1] = '\0';
        if (k == 0 && (ret->size > sizeof ret->bytes || ret->hash.size > HASH_MAX || ret->hash.size < 16) &&
            !*ret->why)
                snprintf(ret->why, sizeof ret->why, "it does not hold together");
        return k;
}

static bool is_same(const struct root_hash *a, const struct root_hash *b) {
        return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

static void use_signature(struct image *m, int i, const struct signature *s) {
        m->choice.part[kinds[kind_of(m->verity->role)].sig] = i;
        memcpy(m->verity->sig, s->bytes, s->size);
        m->verity->sig_size = s->size;
        memcpy(m->verity->fingerprint, s->fingerprint, sizeof s->fingerprint);
}

/* Of several signatures, the one that is of the hash; where there is no hash yet, one whose partitions are there. */
static int choose_signature(struct image *m, size_t kind, struct arena *a, struct err *e) {
        struct signature *s = arena_new(a, struct signature);
        struct verity *v = m->verity;
        const char *why = NULL;
        int n = m->protection->no_embedded ? 0 : (int) m->found->n;

        for (int i = 0; i < n; i++) {
                int k;

                if (!is_of(m, i, kinds[kind].sig))
                        continue;
                k = read_signature(m, i, s, e);
                if (k < 0)
                        return k;
                if (*s->why) {
                        why = arena_printf(a, "the signature in partition %u of the image is of no use: %s",
                                           m->found->parts[i].number, s->why);
                        continue;
                }
                if (v->source != HASH_NONE ? !is_same(&s->hash, &v->hash) : !choose_by_hash(m, kind, &s->hash))
                        continue;
                if (v->source == HASH_NONE) {
                        v->role = kinds[kind].role;
                        v->source = HASH_SIGNATURE;
                        v->hash = s->hash;
                }
                use_signature(m, i, s);
                return 0;
        }
        if (why)
                strv_add(a, &m->notes, why);
        return 0;
}

/* Partitions that were made with a root hash in mind have its halves as their UUIDs, so the two that were chosen say
 * it. That tells of damage, as long as nobody means it. */
static bool guess(struct image *m, size_t kind) {
        struct verity *v = m->verity;
        int data = m->choice.part[kinds[kind].role], hash = m->choice.part[kinds[kind].data];
        unsigned rule = m->policy->role[kinds[kind].role];

        if (m->protection->guess == NO || (m->protection->guess == UNSAID && rule & POLICY_UNPROTECTED) ||
            !(rule & POLICY_VERITY) || data < 0 || hash < 0)
                return false;
        if (parse_uuid(m->found->parts[data].uuid, v->hash.bytes) < 0 ||
            parse_uuid(m->found->parts[hash].uuid, v->hash.bytes + 16) < 0)
                return false;
        v->hash.size = 32;
        v->role = kinds[kind].role;
        v->source = HASH_GUESSED;
        return true;
}

static int say_none(struct image *m, size_t kind, struct err *e) {
        char first[37], last[37];

        put_uuid(m->verity->hash.bytes, first);
        put_uuid(m->verity->hash.bytes + m->verity->hash.size - 16, last);
        err_set(e, ERR_IMAGE, 0, "%s has no pair of %s partitions for this root hash", m->path,
                role_name(kinds[kind].role));
        if (m->verity->source == HASH_SAID)
                err_blame(e, "root-hash", NULL);
        return err_hint(e, "the data must have the UUID %s, its hash data %s", first, last);
}

int verity_choose(struct image *m, struct arena *a, struct err *e) {
        struct verity *v = m->verity;
        size_t kind = kind_of(v->role);
        int k = 0;

        if (v->source == HASH_NONE) {
                for (size_t i = 0; k == 0 && i < ELEMENTS(kinds) && v->source == HASH_NONE; i++)
                        if (m->found->table == TABLE_GPT)
                                k = choose_signature(m, i, a, e);
                for (size_t i = 0; k == 0 && i < ELEMENTS(kinds) && v->source == HASH_NONE; i++)
                        (void) (m->found->table == TABLE_GPT && guess(m, i));
                v->found = v->source != HASH_NONE;
                return k;
        }
        if (verity_is_in_file(m)) {
                v->found = m->choice.part[v->role] >= 0;
                return 0;
        }
        if (m->found->table == TABLE_GPT) {
                v->found = choose_by_hash(m, kind, &v->hash);
                if (!v->found)
                        return say_none(m, kind, e);
                return v->sig_size ? 0 : choose_signature(m, kind, a, e);
        }
        return 0;
}

bool verity_is_in_file(const struct image *m) {
        return m->verity->data && (m->verity->data_said || m->found->table != TABLE_GPT);
}

/* The policy may have taken the partition with the hash data away. */
bool verity_is_ready(const struct image *m, enum part_role role) {
        return m->verity->source != HASH_NONE && m->verity->found && m->verity->role == role &&
               (verity_is_in_file(m) || m->choice.part[kinds[kind_of(role)].data] >= 0);
}

bool verity_is_signed(const struct image *m, enum part_role role) {
        return verity_is_ready(m, role) && m->verity->sig_size > 0;
}
