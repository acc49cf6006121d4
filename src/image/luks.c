/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P: LUKS. A copy of the header goes to berth-unlock, which answers with the key; the table for dm-crypt is
 * made here, of a cipher that is on a list: a header that asks for none at all is not an encrypted one. */

#include "image/luks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/path_hint.h"
#include "base/str.h"
#include "image/apart.h"
#include "image/mapper.h"

enum { TRIES = 3, SECTOR = 512, PIECE = 64 * 1024 };

/* key: bytes that it may have. */
static const struct {
        char name[31];
        uint32_t key[2];
} ciphers[] = {
        { "aes-xts-plain64", { 32, 64 } },
        { "aes-xts-plain", { 32, 64 } },
        { "aes-cbc-essiv:sha256", { 16, 32 } },
        { "aes-cbc-plain64", { 16, 32 } },
        { "serpent-xts-plain64", { 32, 64 } },
        { "twofish-xts-plain64", { 32, 64 } },
        { "camellia-xts-plain64", { 32, 64 } },
        { "xchacha20,aes-adiantum-plain64", { 32, 32 } },
        { "xchacha12,aes-adiantum-plain64", { 32, 32 } },
};

static bool is_zero(const char *buf, size_t n) {
        return n == 0 || (buf[0] == 0 && memcmp(buf, buf + 1, n - 1) == 0);
}

/* As large as the partition, but with its beginning only, and nobody can change it any more. */
static int copy_header(const struct image *m, const struct image_part *p) {
        const struct disk d = { .fd = m->file, .size = m->size };
        uint64_t all = p->part->size < LUKS_HEADER_MAX ? p->part->size : LUKS_HEADER_MAX;
        CLEAN_FD int fd = memfd_create("header", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        char buf[PIECE];

        if (fd < 0 || ftruncate(fd, (off_t) p->part->size) < 0)
                return -errno;
        for (uint64_t at = 0; at < all; at += sizeof buf) {
                size_t n = all - at < sizeof buf ? (size_t) (all - at) : sizeof buf;
                int k = disk_read(&d, p->part->start + at, buf, n) ? 0 : -EIO;

                if (k == 0 && !is_zero(buf, n))
                        k = file_pwrite(fd, buf, n, (off_t) at);
                if (k < 0)
                        return k;
        }
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* --- passphrases --- */

/* Of a FIFO the writer may come later, but within this time. */
enum { PATIENCE_S = 30, PATIENCE_WORD_S = 90 };

static int read_secret(const char *path, struct secret *ret) {
        CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        const struct file_patience patience = { PATIENCE_S, PATIENCE_WORD_S };
        ssize_t n = fd < 0 ? -errno : file_read_awaited(fd, ret->bytes, sizeof ret->bytes, &patience);

        ret->size = n > 0 ? (uint32_t) n : 0;
        if (n == sizeof ret->bytes)
                return -EFBIG;
        return n < 0 ? (int) n : n > 0;
}

static bool ends_line(const struct secret *s) {
        return s->size > 1 && s->bytes[s->size - 1] == '\n';
}

/* One passphrase: with the newline at its end, as cryptsetup(8) reads a key file, and without. */
static int try_secret(const struct image *m, int header, const struct secret *s, struct unlock_answer *ret,
                      struct unlock_request *q, struct err *e) {
        for (int chop = 0, most = ends_line(s) ? 1 : 0; chop <= most; chop++) {
                int copy = fcntl(header, F_DUPFD_CLOEXEC, 3), k;

                if (copy < 0)
                        return err_set(e, ERR_SYSTEM, errno, "cannot pass on a header");
                q->work = UNLOCK_LUKS;
                memcpy(&q->secret, s, sizeof q->secret);
                q->secret.size -= (uint32_t) chop;
                k = unlock_run(q, copy, m->path, ret, e);
                explicit_bzero(q, sizeof *q);
                if (k < 0 || ret->result != UNLOCK_WRONG)
                        return k;
        }
        return 0;
}

static int explain(const struct image *m, const struct image_part *p, const struct unlock_answer *a, struct err *e) {
        if (a->result == UNLOCK_NO_LIBRARY) {
                err_set(e, ERR_HOST, 0, "%s: the %s partition is encrypted, and there is no libcryptsetup.so.12 here",
                        m->path, role_name(p->role));
                return err_hint(e, "install libcryptsetup; or cryptsetup open it elsewhere, and -i its /dev/mapper "
                                   "device");
        }
        err_set(e, ERR_IMAGE, 0, "%s: the encrypted %s partition cannot be opened: %s", m->path, role_name(p->role),
                a->why);
        return err_hint(e, "what cryptsetup open can do with it, -i can start from its /dev/mapper device");
}

/* code 0: the file is empty. */
static int no_key_file(const char *path, int code, struct err *e) {
        err_set(e, ERR_HOST, code == -ETIME ? ETIMEDOUT : -code, "cannot read a passphrase from %s", path);
        if (code == 0)
                err_hint(e, "it is empty");
        else if (code == -ETIMEDOUT)
                err_hint(e, "nothing came within %d seconds", PATIENCE_S);
        else if (code == -ETIME)
                err_hint(e, "it is open to be written to, but nothing came for %d seconds", PATIENCE_WORD_S);
        else if (code == -EFBIG)
                err_hint(e, "a passphrase has less than %d bytes", SECRET_MAX);
        else
                err_hint_path(e, path);
        return err_blame(e, "image-key-file", NULL);
}

/* Where the next passphrase is from. 1: there it is; 0: no more; errors. */
static int next_secret(const struct image *m, const struct image_part *p, unsigned turn, struct secrets *s,
                       struct arena *a, struct err *e) {
        const struct spec_protection *said = m->protection;
        static const char names[][22] = { "dissect.passphrase", "cryptsetup.passphrase" };
        int k;

        if (turn == 0 && s->good.size > 0) {
                s->next = s->good;
                return 1;
        }
        if (turn == 1 && said->key_file) {
                k = read_secret(said->key_file, &s->next);
                if (k > 0)
                        return 1;
                return no_key_file(said->key_file, k, e);
        }
        if ((turn == 2 || turn == 3) && m->ask && m->ask->credentials && !said->key_file)
                return read_secret(arena_printf(a, "%s/%s", m->ask->credentials, names[turn - 2]), &s->next) > 0;
        if (turn < 4 || turn >= 4 + TRIES || said->key_file || said->no_ask || !m->ask || !m->ask->ask)
                return 0;
        k = m->ask->ask(m->path, role_name(p->role), turn - 4, s->next.bytes, sizeof s->next.bytes, e);
        s->next.size = k > 0 ? (uint32_t) k : 0;
        return k < 0 ? k : k > 0;
}

static int give_up(const struct image *m, const struct image_part *p, bool tried, struct err *e) {
        err_set(e, tried ? ERR_IMAGE : ERR_USAGE, 0,
                tried ? "%s: no passphrase that was given fits the encrypted %s partition"
                      : "%s: the %s partition is encrypted, and there is no passphrase for it",
                m->path, role_name(p->role));
        return err_hint(e, "--image-key-file= names a file with it; it is asked for on a terminal, unless there is "
                           "--no-ask-password");
}

/* The answer holds the key then. */
static int find_key(const struct image *m, const struct image_part *p, int header, struct secrets *s, struct arena *a,
                    struct unlock_answer *ret, struct err *e) {
        struct unlock_request *q = arena_new(a, struct unlock_request);
        bool tried = false;

        for (unsigned turn = 0; turn < 4 + TRIES; turn++) {
                int k = next_secret(m, p, turn, s, a, e);

                if (k == 0)
                        continue;
                k = k < 0 ? k : try_secret(m, header, &s->next, ret, q, e);
                if (k < 0)
                        return k;
                tried = true;
                if (ret->result == UNLOCK_DONE) {
                        s->good = s->next;
                        return 0;
                }
                if (ret->result != UNLOCK_WRONG)
                        return explain(m, p, ret, e);
        }
        return give_up(m, p, tried, e);
}

/* --- the device --- */

static int check_answer(const struct image *m, const struct image_part *p, const struct unlock_answer *a,
                        struct err *e) {
        uint64_t sectors = p->part->size / SECTOR;
        size_t i;

        for (i = 0; i < ELEMENTS(ciphers) && !streq(ciphers[i].name, a->cipher); i++)
                ;
        if (i == ELEMENTS(ciphers) || (a->key_size != ciphers[i].key[0] && a->key_size != ciphers[i].key[1]))
                return err_set(e, ERR_IMAGE, 0,
                               "%s: the %s partition is encrypted by %s with a key of %u bytes, "
                               "which is none of what berth opens",
                               m->path, role_name(p->role), a->cipher, a->key_size);
        if (a->sector_size < SECTOR || a->sector_size > 4096 || a->sector_size & (a->sector_size - 1) ||
            a->offset >= sectors || (sectors - a->offset) * SECTOR < a->sector_size)
                return err_set(e, ERR_IMAGE, 0, "%s: the LUKS header of the %s partition does not hold together",
                               m->path, role_name(p->role));
        return 0;
}

/* Documentation/admin-guide/device-mapper/dm-crypt.rst. The key is taken from a keyring, and is in no table. */
static int map(const struct image *m, const struct image_part *p, const struct unlock_answer *a, char path[DM_PATH]) {
        uint64_t size = p->part->size / SECTOR * SECTOR - a->offset * SECTOR;
        char name[MAPPER_NAME], key_name[MAPPER_NAME + 8], params[DM_PARAMS];
        const struct dm_want want = { .name = name,
                                      .target = "crypt",
                                      .params = params,
                                      .size = size / a->sector_size * a->sector_size,
                                      .read_only = p->read_only || m->peek };
        const struct mapper_key key = { .type = "logon", .name = key_name, .data = a->key, .size = a->key_size };
        struct stat st;
        int k = mapper_name(name), n;

        if (k < 0 || fstat(p->loop, &st) < 0)
                return k < 0 ? k : -errno;
        snprintf(key_name, sizeof key_name, "berth:%s", name);
        n = snprintf(params, sizeof params, "%s :%u:logon:%s %llu %u:%u %llu", a->cipher, a->key_size, key_name,
                     (unsigned long long) a->iv_offset, major(st.st_rdev), minor(st.st_rdev),
                     (unsigned long long) a->offset);
        if (a->sector_size != SECTOR)
                n += snprintf(params + n, sizeof params - (size_t) n, " 1 sector_size:%u", a->sector_size);
        return n >= (int) sizeof params ? -E2BIG : mapper_make(&want, &key, path);
}

/* What was hidden until now gets the same look as all else. */
static int look_inside(struct image *m, struct image_part *p, int fd, struct arena *a, struct err *e) {
        struct dissected *d = arena_new(a, struct dissected);
        struct dissected_part *part = &m->found->parts[p->part - m->found->parts];
        struct blkid_run blkid = { .sock = -1 };
        uint64_t size = 0;
        int k;

        if (ioctl(fd, BLKGETSIZE64, &size) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot find out the size of what is in %s", m->path);
        k = dissect_apart(&(struct apart_image){ fd, size, m->path, &blkid }, d, e);
        (void) blkid_end(&blkid);
        if (k < 0)
                return k;
        if (d->table != TABLE_BARE)
                return err_set(e, ERR_IMAGE, 0, "%s: there is no file system in the encrypted %s partition", m->path,
                               role_name(p->role));
        memcpy(part->fs, d->parts[0].fs, sizeof part->fs);
        part->unclean = d->parts[0].unclean;
        p->inside = size;
        return 0;
}

int luks_open(struct image *m, struct image_part *p, struct secrets *s, struct arena *a, struct err *e) {
        CLEAN_FD int header = copy_header(m, p), fd = -1;
        struct unlock_answer answer = { 0 };
        char path[DM_PATH];
        int k;

        if (header < 0)
                return err_set(e, ERR_HOST, -header, "%s: cannot read the header of the encrypted %s partition",
                               m->path, role_name(p->role));
        k = find_key(m, p, header, s, a, &answer, e);
        k = k < 0 ? k : check_answer(m, p, &answer, e);
        if (k == 0) {
                k = fd = map(m, p, &answer, path);
                if (k < 0)
                        mapper_explain(k, "crypt", m->path, e);
        }
        explicit_bzero(&answer, sizeof answer);
        k = k < 0 ? k : look_inside(m, p, fd, a, e);
        if (k < 0)
                return k;
        clean_fd(&p->loop);
        p->loop = TAKE_FD(fd);
        p->opened = true;
        memcpy(p->device, path, DM_PATH);
        return 0;
}
