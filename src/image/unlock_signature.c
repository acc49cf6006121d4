/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth-unlock: signatures. As systemd does it, a root hash is signed where a certificate that the host has been given
 * for this purpose has signed it (PKCS#7, detached; the certificate's own issuer is not asked for). Functions of
 * libcrypto are declared here, as its headers have them since version 3.0. */

#include "image/unlock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum { NOINTERN = 0x10, NOVERIFY = 0x20, BINARY = 0x80 };
enum { LIBRARY_SHIFT = 23, LIBRARY_PKCS7 = 33, REASON_NO_SIGNER = 128, REASON_MASK = 0x7fffff };

struct calls {
        void *(*mem_buf)(const void *buf, int size);
        void *(*read_certificate)(void *bio, void **x, void *callback, void *data);
        void *(*stack_new)(void);
        int (*stack_push)(void *stack, const void *x);
        int (*stack_num)(const void *stack);
        void *(*read_signature)(void **p7, const unsigned char **in, long size);
        int (*verify)(void *p7, void *certificates, void *store, void *in, void *out, int flags);
        unsigned long (*last_error)(void);
        void (*clear_error)(void);
};

static const char *const names[] = {
        "BIO_new_mem_buf", "PEM_read_bio_X509", "OPENSSL_sk_new_null", "OPENSSL_sk_push", "OPENSSL_sk_num",
        "d2i_PKCS7",       "PKCS7_verify",      "ERR_peek_last_error", "ERR_clear_error", NULL,
};
_Static_assert(sizeof(struct calls) == (sizeof names / sizeof *names - 1) * sizeof(void *), "a name for each call");

static void check(const struct calls *c, const char *text, const uint32_t sizes[3], struct unlock_answer *a) {
        const unsigned char *at = (const unsigned char *) text + sizes[0];
        void *in = c->mem_buf(text, (int) sizes[0]), *certificates = c->stack_new(), *one;
        void *pem = c->mem_buf(text + sizes[0] + sizes[1], (int) sizes[2]);
        void *p7 = c->read_signature(NULL, &at, (long) sizes[1]);
        unsigned long why;

        a->result = UNLOCK_WRONG;
        snprintf(a->why, sizeof a->why, "it is no PKCS#7 signature");
        if (!p7 || !in || !certificates || !pem)
                return;
        while ((one = c->read_certificate(pem, NULL, NULL, NULL)))
                (void) c->stack_push(certificates, one);
        c->clear_error();
        if (c->verify(p7, certificates, NULL, in, NULL, NOINTERN | NOVERIFY | BINARY) == 1) {
                a->result = UNLOCK_DONE;
                *a->why = '\0';
                return;
        }
        why = c->last_error();
        a->result = (why >> LIBRARY_SHIFT & 0xff) == LIBRARY_PKCS7 && (why & REASON_MASK) == REASON_NO_SIGNER
                            ? UNLOCK_UNKNOWN
                            : UNLOCK_WRONG;
        snprintf(a->why, sizeof a->why, "it is not one of this root hash");
}

void unlock_signature(int texts, const uint32_t sizes[3], struct unlock_answer *ret) {
        char text[HASH_MAX * 2 + SIGNATURE_MAX + CERTIFICATES_MAX];
        size_t all = (size_t) sizes[0] + sizes[1] + sizes[2];
        struct calls c;
        int k;

        if (!unlock_library("libcrypto.so.3", names, (void **) &c)) {
                ret->result = UNLOCK_NO_LIBRARY;
                return;
        }
        k = unlock_close_doors();
        if (k < 0 || all > sizeof text || file_read(texts, text, all) != (ssize_t) all) {
                snprintf(ret->why, sizeof ret->why, "it cannot be read");
                return;
        }
        check(&c, text, sizes, ret);
}
