/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth-unlock: LUKS. libcryptsetup is asked for the key and for what it belongs to; it maps nothing. Its functions
 * are declared here, as libcryptsetup.h has them since version 2.0, so that building berth does not need it. */

#include "image/unlock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

struct crypt_device;

enum { ANY_SLOT = -1, FLAGS_REQUIREMENTS = 1, LOG_LEVEL_ERROR = 1 };

struct calls {
        int (*init)(struct crypt_device **cd, const char *device);
        void (*free)(struct crypt_device *cd);
        void (*set_log_callback)(struct crypt_device *cd, void (*log)(int level, const char *text, void *data),
                                 void *data);
        int (*metadata_locking)(struct crypt_device *cd, int enable);
        int (*load)(struct crypt_device *cd, const char *type, void *params);
        int (*volume_key_get)(struct crypt_device *cd, int slot, char *key, size_t *key_size, const char *secret,
                              size_t secret_size);
        const char *(*get_cipher)(struct crypt_device *cd);
        const char *(*get_cipher_mode)(struct crypt_device *cd);
        uint64_t (*get_data_offset)(struct crypt_device *cd);
        uint64_t (*get_iv_offset)(struct crypt_device *cd);
        int (*get_sector_size)(struct crypt_device *cd);
        int (*get_volume_key_size)(struct crypt_device *cd);
        int (*flags_get)(struct crypt_device *cd, int kind, uint32_t *flags);
        int (*get_integrity_info)(struct crypt_device *cd, void *params);
};

static const char *const names[] = {
        "crypt_init",
        "crypt_free",
        "crypt_set_log_callback",
        "crypt_metadata_locking",
        "crypt_load",
        "crypt_volume_key_get",
        "crypt_get_cipher",
        "crypt_get_cipher_mode",
        "crypt_get_data_offset",
        "crypt_get_iv_offset",
        "crypt_get_sector_size",
        "crypt_get_volume_key_size",
        "crypt_persistent_flags_get",
        "crypt_get_integrity_info",
        NULL,
};
_Static_assert(sizeof(struct calls) == (sizeof names / sizeof *names - 1) * sizeof(void *), "a name for each call");

/* The first complaint is the cause. */
static void note(int level, const char *text, void *data) {
        struct unlock_answer *a = data;

        if (level == LOG_LEVEL_ERROR && !*a->why)
                snprintf(a->why, sizeof a->why, "%.*s", (int) strcspn(text, "\n"), text);
}

static void fail(struct unlock_answer *a, int code, const char *what) {
        char cause[sizeof a->why];

        a->result = code == -EPERM ? UNLOCK_WRONG : UNLOCK_FAILED;
        snprintf(cause, sizeof cause, "%s", *a->why ? a->why : strerror(-code));
        snprintf(a->why, sizeof a->why, "%.50s: %.100s", what, cause);
}

static void describe(const struct calls *c, struct crypt_device *cd, struct unlock_answer *a) {
        snprintf(a->cipher, sizeof a->cipher, "%s-%s", str_or(c->get_cipher(cd), "none"),
                 str_or(c->get_cipher_mode(cd), "none"));
        a->offset = c->get_data_offset(cd);
        a->iv_offset = c->get_iv_offset(cd);
        a->sector_size = (uint32_t) c->get_sector_size(cd);
        a->key_size = (uint32_t) c->get_volume_key_size(cd);
}

/* The beginning of struct crypt_params_integrity; it ends with pointers and lengths. */
struct integrity {
        uint64_t journal_size;
        uint32_t watermark, commit_time, interleave, tag_size;
        char rest[256];
};

static bool has_integrity(const struct calls *c, struct crypt_device *cd) {
        struct integrity i = { 0 };

        return c->get_integrity_info(cd, &i) == 0 && i.tag_size > 0;
}

static bool refuse(struct unlock_answer *a, const char *what) {
        a->result = UNLOCK_FAILED;
        /* There is no key, of whatever size. */
        a->key_size = 0;
        snprintf(a->why, sizeof a->why, "%s", what);
        return true;
}

/* What is not opened is named before a passphrase is tried. */
static bool is_refused(const struct calls *c, struct crypt_device *cd, struct unlock_answer *a) {
        uint32_t flags = 0;

        if (c->flags_get(cd, FLAGS_REQUIREMENTS, &flags) == 0 && flags)
                return refuse(a, "it is being encrypted anew, or needs what is not known here");
        if (has_integrity(c, cd))
                return refuse(a, "it is encrypted with integrity");
        if (a->offset == 0)
                return refuse(a, "its header is for data that lie elsewhere");
        return (a->key_size == 0 || a->key_size > sizeof a->key) && refuse(a, "the size of its key");
}

static void open_one(const struct calls *c, struct crypt_device *cd, const struct secret *secret,
                     struct unlock_answer *a) {
        size_t size = sizeof a->key;
        int k;

        c->set_log_callback(cd, note, a);
        (void) c->metadata_locking(cd, 0);
        k = c->load(cd, NULL, NULL);
        if (k < 0) {
                fail(a, k == -EPERM ? -EINVAL : k, "its header cannot be used");
                return;
        }
        describe(c, cd, a);
        if (is_refused(c, cd, a))
                return;
        k = c->volume_key_get(cd, ANY_SLOT, (char *) a->key, &size, secret->bytes, secret->size);
        if (k < 0 || size != a->key_size) {
                explicit_bzero(a->key, sizeof a->key);
                fail(a, k < 0 ? k : -EINVAL, "no key");
                return;
        }
        *a->why = '\0';
        a->result = UNLOCK_DONE;
}

void unlock_luks(int header, const struct secret *secret, struct unlock_answer *ret) {
        struct crypt_device *cd = NULL;
        struct calls c;
        char path[32];
        int k;

        if (!unlock_library("libcryptsetup.so.12", names, (void **) &c)) {
                ret->result = UNLOCK_NO_LIBRARY;
                return;
        }
        k = unlock_close_doors();
        snprintf(path, sizeof path, "/proc/self/fd/%d", header);
        k = k < 0 ? k : c.init(&cd, path);
        if (k < 0) {
                fail(ret, k == -EPERM ? -EACCES : k, "cannot look at it");
                return;
        }
        open_one(&c, cd, secret, ret);
        c.free(cd);
}
