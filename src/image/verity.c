/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P: dm-verity. The kernel checks each block against the hash data and these against the root hash when it is
 * read, and answers with an I/O error where they differ. The signature of the root hash is first for the kernel's own
 * keyrings; where these do not know who signed it, for the certificates that the host has been given. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/binary.h"
#include "base/clean.h"
#include "base/file.h"
#include "base/path_hint.h"
#include "base/str.h"
#include "image/apart.h"
#include "image/mapper.h"
#include "image/unlock.h"
#include "image/verity.h"
#include "sys/loopdev.h"

/* Where hash data are: a part of the image, or a file. */
struct hash_place {
        int file; /* owned where it is not the image's */
        uint64_t start, size;
};

static int open_data(struct image *m, const struct image_part *p, struct hash_place *ret, struct err *e) {
        const char *path = m->verity->data;
        const struct dissected_part *part;
        struct stat st;

        if (!verity_is_in_file(m)) {
                part = &m->found->parts[m->choice.part[p->role == ROLE_USR ? ROLE_USR_VERITY : ROLE_ROOT_VERITY]];
                ret->start = part->start;
                ret->size = part->size;
                ret->file = fcntl(m->file, F_DUPFD_CLOEXEC, 3);
                return ret->file < 0 ? err_set(e, ERR_SYSTEM, errno, "cannot keep %s open", m->path) : 0;
        }
        ret->file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (ret->file < 0 || fstat(ret->file, &st) < 0) {
                err_set(e, ERR_HOST, errno, "cannot open the hash data %s", path);
                err_hint_path(e, path);
        } else if (!S_ISREG(st.st_mode))
                err_set(e, ERR_USAGE, 0, "the hash data %s are no file", path);
        else {
                ret->start = 0;
                ret->size = (uint64_t) st.st_size;
                return 0;
        }
        err_blame(e, m->verity->data_said ? "verity-data" : "", NULL);
        return -EINVAL;
}

static void look_at_super(const struct disk *d, const struct apart *what, void *ret) {
        struct verity_super *v = ret;
        uint8_t s[512];

        if (what->length < sizeof s || !disk_read(d, what->start, s, sizeof s))
                snprintf(v->why, sizeof v->why, "they are too short");
        else
                (void) verity_super_parse(s, v);
}

static int read_super(const struct image *m, const struct hash_place *h, struct verity_super *ret, struct err *e) {
        const struct apart what = { .look = look_at_super, .size = sizeof *ret, .start = h->start, .length = h->size };
        int k = apart(h->file, h->start + h->size, &what, m->path, ret, e);

        if (k < 0)
                return k;
        ret->why[sizeof ret->why - 1] = ret->algorithm[sizeof ret->algorithm - 1] = '\0';
        if (*ret->why)
                return err_set(e, ERR_IMAGE, 0, "%s: the hash data cannot be used: %s", m->path, ret->why);
        if (ret->algorithm[strspn(ret->algorithm, "abcdefghijklmnopqrstuvwxyz0123456789-")] ||
            ret->salt_size > sizeof ret->salt || ret->data_block < 512 || ret->hash_block < 512)
                return err_set(e, ERR_IMAGE, 0, "%s: the hash data do not hold together", m->path);
        return 0;
}

static int check_super(const struct image *m, const struct image_part *p, const struct verity_super *s,
                       struct err *e) {
        if (s->data_blocks > p->part->size / s->data_block)
                return err_set(e, ERR_IMAGE, 0, "%s: the hash data are of more than partition %u has", m->path,
                               p->part->number);
        return 0;
}

static void put_device(int fd, char ret[24]) {
        struct stat st;

        snprintf(ret, 24, "0:0");
        if (fstat(fd, &st) == 0)
                snprintf(ret, 24, "%u:%u", major(st.st_rdev), minor(st.st_rdev));
}

/* Documentation/admin-guide/device-mapper/verity.rst. The hash tree begins in the block behind the header. */
static int map(struct image *m, struct image_part *p, int hash, const struct verity_super *s, bool with_signature,
               char path[DM_PATH]) {
        const struct verity *v = m->verity;
        char name[MAPPER_NAME], data[24], tree[24], root[HASH_MAX * 2 + 1], salt[2 * sizeof s->salt + 1],
                params[DM_PARAMS];
        const struct dm_want want = { .name = name,
                                      .target = "verity",
                                      .params = params,
                                      .size = s->data_blocks * s->data_block,
                                      .read_only = true };
        const struct mapper_key key = {
                .type = "user", .name = name, .data = with_signature ? v->sig : NULL, .size = v->sig_size
        };
        int k = mapper_name(name), n;

        if (k < 0)
                return k;
        put_device(p->loop, data);
        put_device(hash, tree);
        n = snprintf(params, sizeof params, "%u %s %s %u %u %llu 1 %s %s %s", s->hash_type, data, tree, s->data_block,
                     s->hash_block, (unsigned long long) s->data_blocks, s->algorithm,
                     binary_to_hex(v->hash.bytes, v->hash.size, root),
                     s->salt_size ? binary_to_hex(s->salt, s->salt_size, salt) : "-");
        if (with_signature)
                n += snprintf(params + n, sizeof params - (size_t) n, " 2 root_hash_sig_key_desc %s", name);
        return n >= (int) sizeof params ? -E2BIG : mapper_make(&want, &key, path);
}

/* --- signatures --- */

/* Where systemd looks for certificates, too. */
static const char certificate_dirs[][24] = { "/etc/verity.d", "/run/verity.d", "/usr/local/lib/verity.d",
                                             "/usr/lib/verity.d" };

static size_t read_certificates(const struct image *m, char *buf, size_t size) {
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTS(certificate_dirs) && !m->protection->no_certificates; i++) {
                CLEAN_DIR DIR *dir = opendir(certificate_dirs[i]);

                for (struct dirent *d; dir && (d = readdir(dir));) {
                        CLEAN_FD int fd = str_ending(d->d_name, ".crt")
                                                  ? openat(dirfd(dir), d->d_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
                                                  : -1;
                        ssize_t k = fd < 0 ? -1 : file_read(fd, buf + n, size - n - 1);

                        /* One cut off in the middle is none. */
                        if (k <= 0 || n + (size_t) k >= size - 1)
                                continue;
                        n += (size_t) k;
                        buf[n++] = '\n';
                }
        }
        return n;
}

/* 0 with the answer. */
static int check_signature(const struct image *m, struct arena *a, struct unlock_answer *ret, struct err *e) {
        const struct verity *v = m->verity;
        struct unlock_request *q = arena_new(a, struct unlock_request);
        char *certificates = arena_alloc(a, CERTIFICATES_MAX), text[HASH_MAX * 2 + 1];
        CLEAN_FD int fd = memfd_create("signature", MFD_CLOEXEC);

        binary_to_hex(v->hash.bytes, v->hash.size, text);
        q->work = UNLOCK_SIGNATURE;
        q->sizes[0] = (uint32_t) v->hash.size * 2;
        q->sizes[1] = v->sig_size;
        q->sizes[2] = (uint32_t) read_certificates(m, certificates, CERTIFICATES_MAX);
        if (q->sizes[2] == 0) {
                ret->result = UNLOCK_UNKNOWN;
                return 0;
        }
        if (fd < 0 || write(fd, text, q->sizes[0]) != (ssize_t) q->sizes[0] ||
            write(fd, v->sig, q->sizes[1]) != (ssize_t) q->sizes[1] ||
            write(fd, certificates, q->sizes[2]) != (ssize_t) q->sizes[2] || lseek(fd, 0, SEEK_SET) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot pass on a signature");
        return unlock_run(q, TAKE_FD(fd), m->path, ret, e);
}

static bool is_for_others_to_tell(int kernel) {
        return kernel != -ENODEV && kernel != -ENOPROTOOPT && kernel != -EPERM && kernel != -EACCES;
}

/* 0: go on without the kernel's check. kernel: what that said. */
static int judge_signature(struct image *m, const struct image_part *p, int kernel, struct arena *a, struct err *e) {
        struct unlock_answer answer = { .result = UNLOCK_UNKNOWN };
        bool must = m->verity->sig_said || !(m->policy->role[p->role] & POLICY_VERITY);
        const char *of = role_name(p->role);
        int k = check_signature(m, a, &answer, e);

        if (k < 0)
                return k;
        if (answer.result == UNLOCK_DONE) {
                m->verity->checked = true;
                return 0;
        }
        if (answer.result == UNLOCK_WRONG || answer.result == UNLOCK_FAILED || kernel == -EBADMSG ||
            kernel == -EKEYREJECTED)
                return err_set(e, ERR_IMAGE, 0, "%s: the signature of the root hash of %s is wrong%s%s", m->path, of,
                               *answer.why ? ": " : "", answer.why);
        if (!must) {
                strv_add(a, &m->notes,
                         "the signature of the image's root hash is by nobody whom this host knows: it is used for "
                         "what the root hash alone says");
                return 0;
        }
        err_set(e, ERR_IMAGE, 0, "%s: nobody whom this host knows has signed the root hash of %s", m->path, of);
        if (m->protection->no_certificates)
                return err_hint(e, "with --image-verity-certificates=no only keys of the kernel's keyrings count");
        return err_hint(e, answer.result == UNLOCK_NO_LIBRARY
                                   ? "to check certificates of /etc/verity.d needs libcrypto.so.3"
                                   : "the certificate belongs into /etc/verity.d, its name ending in .crt");
}

static int map_plain(struct image *m, struct image_part *p, int hash, const struct verity_super *s, char path[DM_PATH],
                     struct err *e) {
        int fd = map(m, p, hash, s, false, path);

        return fd < 0 ? mapper_explain(fd, "verity", m->path, e) : fd;
}

static int map_signed(struct image *m, struct image_part *p, int hash, const struct verity_super *s, struct arena *a,
                      char path[DM_PATH], struct err *e) {
        int fd = map(m, p, hash, s, true, path), k;

        if (fd >= 0) {
                m->verity->checked = true;
                return fd;
        }
        if (!is_for_others_to_tell(fd))
                return mapper_explain(fd, "verity", m->path, e);
        k = judge_signature(m, p, fd, a, e);
        return k < 0 ? k : map_plain(m, p, hash, s, path, e);
}

/* --- */

static int make_hash_loop(struct image *m, const struct hash_place *h, struct err *e) {
        const struct loopdev_want want = {
                .file = h->file, .start = h->start, .size = h->size, .sector = 512, .read_only = true
        };
        char path[LOOPDEV_PATH];
        int fd = loopdev_make(&want, path);

        return fd < 0 ? err_set(e, ERR_HOST, -fd, "cannot make a loop device for the hash data of %s", m->path) : fd;
}

/* The first read tells whether hash and data belong together at all. */
static int try_out(const struct image *m, const struct image_part *p, int fd, unsigned block, struct err *e) {
        char buf[65536];

        if (pread(fd, buf, block, 0) == (ssize_t) block)
                return 0;
        err_set(e, ERR_IMAGE, errno, "%s: the %s partition is not what its root hash says", m->path,
                role_name(p->role));
        return err_hint(e, "the root hash is of another image, or the image was changed");
}

int verity_open(struct image *m, struct image_part *p, struct arena *a, struct err *e) {
        struct verity_super s;
        struct hash_place h = { .file = -1 };
        CLEAN_FD int hash = -1, file = -1;
        char path[DM_PATH];
        bool with_signature = m->verity->sig_size > 0 && !m->protection->no_signature &&
                              (m->policy->role[p->role] & POLICY_SIGNED || m->verity->sig_said);
        int k = open_data(m, p, &h, e), fd;

        file = h.file;
        k = k < 0 ? k : read_super(m, &h, &s, e);
        k = k < 0 ? k : check_super(m, p, &s, e);
        if (k == 0)
                k = hash = make_hash_loop(m, &h, e);
        if (k < 0)
                return k;
        fd = with_signature ? map_signed(m, p, hash, &s, a, path, e) : map_plain(m, p, hash, &s, path, e);
        if (fd < 0)
                return fd;
        k = try_out(m, p, fd, s.data_block, e);
        if (k < 0) {
                clean_fd(&fd);
                return k;
        }
        clean_fd(&p->loop);
        p->loop = fd;
        _Static_assert(sizeof p->device == DM_PATH, "it gets the path");
        p->opened = true;
        memcpy(p->device, path, DM_PATH);
        return 0;
}
