/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* berth-unlock: a program of its own for the work of large libraries on what an image says of itself. libcryptsetup
 * reads LUKS headers and makes keys out of passphrases, libcrypto checks PKCS#7 signatures. It opens the one it needs
 * when it runs, gives up root and nearly all system calls, and only then reads a byte of the image.
 *
 * One request on a socket, with a memfd; one answer. The answer is not believed but for the key, which either fits or
 * does not, and for "good" of a signature. */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "image/signature.h"

enum { UNLOCK_FD = 3, SECRET_MAX = 32 * 1024, KEY_MAX = 64, CERTIFICATES_MAX = 128 * 1024 };

/* The part of an image that is read as LUKS header with its key slots, at most. */
#define LUKS_HEADER_MAX (32ULL << 20)

struct secret {
        uint32_t size;
        char bytes[SECRET_MAX];
};

enum unlock_work {
        UNLOCK_LUKS,      /* the memfd: the beginning of the partition; secret: the passphrase */
        UNLOCK_SIGNATURE, /* the memfd: what is signed, signature, certificates (PEM) */
};

struct unlock_request {
        enum unlock_work work;
        uint32_t sizes[3]; /* UNLOCK_SIGNATURE: of the three parts */
        struct secret secret;
};

enum unlock_result {
        UNLOCK_DONE,    /* the key; a good signature */
        UNLOCK_WRONG,   /* no passphrase of it; no signature of this, or damaged */
        UNLOCK_UNKNOWN, /* the signature is of somebody else's */
        UNLOCK_NO_LIBRARY,
        UNLOCK_FAILED, /* why says it */
};

struct unlock_answer {
        enum unlock_result result;
        char why[160];
        /* Of LUKS: */
        char cipher[64];                /* as dm-crypt takes it */
        uint64_t offset, iv_offset;     /* sectors of 512 bytes */
        uint32_t sector_size, key_size; /* bytes */
        uint8_t key[KEY_MAX];
};

/* --- the program --- */

void unlock_luks(int header, const struct secret *secret, struct unlock_answer *ret);
void unlock_signature(int texts, const uint32_t sizes[3], struct unlock_answer *ret);
/* The library and what is needed of it, in the order of names: false where something is missing. */
bool unlock_library(const char *name, const char *const *names, void **ret);
/* Then, before anything of the image is read. */
int unlock_close_doors(void);

/* --- who runs it (unlock_client.c) --- */

/* memfd: handed over. path: of the image, for messages. 0 with the answer, which holds a secret then, or -errno. */
int unlock_run(const struct unlock_request *q, int memfd, const char *path, struct unlock_answer *ret, struct err *e);
