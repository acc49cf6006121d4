/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Signatures of root hashes, root hashes as text, headers of hash data: what images say of themselves. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/str.h"
#include "image/signature.h"
#include "image/verity.h"
#include "unit/tap.h"

#define HASH  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define PRINT "ffeeddccbbaa99887766554433221100FFEEDDCCBBAA99887766554433221100"

static struct signature got;

static int parse(const char *text) {
        return signature_parse(text, strlen(text), &got);
}

static void test_signature(struct tap *t) {
        OK(t,
           parse("{\"rootHash\":\"" HASH "\",\"signature\":\"QUJD\"}") == 0 && got.hash.size == 32 &&
                   got.hash.bytes[31] == 0xff && got.size == 3 && memcmp(got.bytes, "ABC", 3) == 0 &&
                   !*got.fingerprint,
           "the two that are needed");
        OK(t,
           parse(" { \"certificateFingerprint\" : \"" PRINT "\" , \"signature\":\"QUJD\",\n\t\"rootHash\":\"" HASH
                 "\" } \n") == 0 &&
                   streq(got.fingerprint, "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"),
           "in any order, with blanks and the certificate");
        OK(t,
           parse("{\"x\":{\"a\":[1,{\"b\":\"}]\"}],\"c\":\"\\\"\"},\"rootHash\":\"" HASH
                 "\",\"n\":-1.5e3,\"t\":true,\"signature\":\"QUJD\",\"z\":null}") == 0,
           "what is not known is passed over, whatever it is");
        OK(t, signature_parse("{\"rootHash\":\"" HASH "\",\"signature\":\"QUJD\"}\0\0\0", 101, &got) == 0,
           "zero bytes fill the partition");
}

static void test_bad_signature(struct tap *t) {
        static const char *const bad[] = {
                "",
                "x",
                "[]",
                "{}",
                "{",
                "{\"rootHash\"}",
                "{\"rootHash\":}",
                "{\"rootHash\":\"" HASH "\"}",
                "{\"signature\":\"QUJD\"}",
                "{\"rootHash\":\"" HASH "\",\"signature\":\"\"}",
                "{\"rootHash\":\"" HASH "\",\"signature\":\"QUJ\"}",
                "{\"rootHash\":\"" HASH "\",\"signature\":1}",
                "{\"rootHash\":\"0011\",\"signature\":\"QUJD\"}",
                "{\"rootHash\":\"" HASH HASH HASH "\",\"signature\":\"QUJD\"}",
                "{\"rootHash\":\"x" HASH "\",\"signature\":\"QUJD\"}",
                "{\"rootHash\":\"" HASH "\",\"rootHash\":\"" HASH "\",\"signature\":\"QUJD\"}",
                "{\"rootHash\":\"" HASH "\",\"signature\":\"QUJD\",\"signature\":\"QUJD\"}",
                "{\"rootHash\":\"" HASH "\",\"signature\":\"QUJD\"",
                "{\"rootHash\":\"" HASH "\",\"signature\":\"QUJD",
                "{\"rootHash\":\"" HASH "\",\"signature\":\"QUJD\"}x",
                "{\"rootHash\":\"" HASH "\",\"signature\":\"QUJD\",}",
                "{\"rootHash\":\"" HASH "\",\"signature\":\"QUJD\",\"a\":[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]}",
                "{\"rootHash\":\"" HASH "\",\"signature\":\"QUJD\",\"a\":{}",
                "{\"rootHash\":\"" HASH "\",\"signature\":\"QUJD\",\"a\":]}",
                "{\"rootHash\":\"" HASH "\",\"signature\":\"QUJD\",\"a\\",
                "{\"rootHash\":\"" HASH "\",\"certificateFingerprint\":\"00\",\"signature\":\"QUJD\"}",
        };

        for (size_t i = 0; i < ELEMENTS(bad); i++)
                OK(t, parse(bad[i]) == -EINVAL && *got.why, "no signature: %.60s: %s", bad[i], got.why);
        OK(t, signature_parse("{\"rootHash\":\"" HASH "\",\"signature\":\"QUJD\"}\0x", 100, &got) == -EINVAL,
           "there is something behind the zero bytes");
}

static void test_long_signature(struct tap *t) {
        char *text = malloc(SIGNATURE_TEXT_MAX * 2);
        int n = sprintf(text, "{\"rootHash\":\"" HASH "\",\"signature\":\"");

        memset(text + n, 'A', 22000);
        strcpy(text + n + 21844, "\"}");
        OK(t, parse(text) == 0 && got.size == 16383, "16 KiB are enough");
        memset(text + n, 'A', 22000);
        strcpy(text + n + 21848, "\"}");
        OK(t, parse(text) == -EINVAL && streq(got.why, "it is too long"), "and no more");
        free(text);
}

static void test_hash(struct tap *t) {
        static const char *const bad[] = { "", "\n", "00", HASH "0", HASH " " HASH, "x" HASH, HASH HASH HASH };
        struct root_hash h;

        OK(t, root_hash_parse("\t" HASH " \n", 67, &h) == 0 && h.size == 32, "with blanks around it");
        OK(t, root_hash_parse(HASH HASH, 128, &h) == 0 && h.size == 64, "64 bytes");
        for (size_t i = 0; i < ELEMENTS(bad); i++)
                OK(t, root_hash_parse(bad[i], strlen(bad[i]), &h) == -EINVAL, "no hash: %s", bad[i]);
}

/* --- headers of hash data --- */

static void put(uint8_t *p, uint64_t v, int n) {
        for (int i = 0; i < n; i++)
                p[i] = (uint8_t) (v >> 8 * i);
}

static const uint8_t *header(uint8_t s[512]) {
        memset(s, 0, 512);
        memcpy(s, "verity", 6);
        put(s + 8, 1, 4);
        put(s + 12, 1, 4);
        memcpy(s + 32, "sha256", 6);
        put(s + 64, 4096, 4);
        put(s + 68, 1024, 4);
        put(s + 72, 1000, 8);
        put(s + 80, 2, 2);
        memcpy(s + 88, "\x12\x34", 2);
        return s;
}

static void test_super(struct tap *t) {
        static const struct {
                size_t at;
                int n;
                uint64_t value;
                const char *what;
        } bad[] = {
                { 0, 1, 'V', "no mark" },
                { 8, 4, 2, "another version" },
                { 12, 4, 2, "another kind of hash tree" },
                { 32, 4, 0x31616873, "an algorithm that is broken" },
                { 38, 1, 'x', "an algorithm that is none" },
                { 64, 4, 0, "no data block" },
                { 64, 4, 4095, "an odd data block" },
                { 64, 4, 1 << 17, "a large data block" },
                { 68, 4, 256, "a small hash block" },
                { 72, 8, 0, "no blocks" },
                { 72, 8, UINT64_MAX, "too many blocks" },
                { 72, 8, UINT64_MAX / 4096, "just too many blocks" },
                { 80, 2, 257, "a long salt" },
        };
        struct verity_super v;
        uint8_t s[512];

        OK(t, verity_super_parse(header(s), &v) == 0, "a header");
        OK(t, v.hash_type == 1 && v.data_block == 4096 && v.hash_block == 1024 && v.data_blocks == 1000,
           "its numbers");
        OK(t, streq(v.algorithm, "sha256") && v.salt_size == 2 && v.salt[1] == 0x34, "its texts");
        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                header(s);
                put(s + bad[i].at, bad[i].value, bad[i].n);
                OK(t, verity_super_parse(s, &v) == -EINVAL && *v.why, "%s: %s", bad[i].what, v.why);
        }
}

int main(void) {
        struct tap t = { 0 };

        test_signature(&t);
        test_bad_signature(&t);
        test_long_signature(&t);
        test_hash(&t);
        test_super(&t);
        return tap_done(&t);
}
