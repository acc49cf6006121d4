/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Image policies, roles of partitions, and the process that looks at an image. Malformed images: test/sys/image.bats.
 */

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/msg.h"
#include "base/str.h"
#include "image/apart.h"
#include "image/roles.h"
#include "unit/tap.h"

static unsigned rule(const char *text, enum part_role role) {
        struct policy p;

        return policy_parse(text, &p) < 0 ? 0 : p.role[role];
}

static void test_parse(struct tap *t) {
        static const char *const bad[] = {
                "",
                ":",
                "root",
                "root=nothing",
                "root=open:",
                "root=open:root=open",
                "=open:=x",
                "root=open,x",
                "ROOT=open",
                "root=open=verity",
                "root=+",
                "root=open+",
                "boot=open",
                "root =open",
                "root=open::=",
                "root=ext4+ext5:=open",
                "root==",
                "*:root=open",
        };

        for (size_t i = 0; i < ELEMENTS(bad); i++)
                OK(t, rule(bad[i], ROLE_ROOT) == 0, "\"%s\" is no policy", bad[i]);
        OK(t, rule("*", ROLE_SWAP) == POLICY_OPEN, "* opens all");
        OK(t, rule("-", ROLE_ROOT) == POLICY_IGNORE, "- ignores all");
        OK(t, rule("~", ROLE_ROOT) == POLICY_ABSENT, "~ wants nothing");
        OK(t, rule("root=verity", ROLE_ROOT) == POLICY_VERITY, "one flag");
        OK(t, rule("root=verity+unused", ROLE_ROOT) == (POLICY_VERITY | POLICY_UNUSED), "two flags");
        OK(t, rule("root=", ROLE_ROOT) == POLICY_OPEN, "no flag is open");
        OK(t, rule("root=read-only-on", ROLE_ROOT) == (POLICY_OPEN | POLICY_READ_ONLY_ON),
           "so is one of another kind");
        OK(t, rule("root=verity", ROLE_HOME) == POLICY_IGNORE, "what is not listed is ignored");
        OK(t, rule("root=verity:=absent", ROLE_HOME) == POLICY_ABSENT, "unless the rest is");
        for (size_t i = 0; i < 3; i++) {
                static const char *const rules[] = { "root=verity+signed", "root=open+read-only-on+btrfs",
                                                     "root=ignore" };
                char text[POLICY_RULE_MAX];
                struct policy p;

                OK(t, policy_parse(rules[i], &p) == 0 && streq(policy_rule(&p, ROLE_ROOT, text), rules[i]),
                   "\"%s\" is written as it was said", rules[i]);
        }
        OK(t, rule("root=signed", ROLE_ROOT_VERITY_SIG) == POLICY_UNPROTECTED, "a signature that is needed is wanted");
        OK(t, rule("root=verity", ROLE_ROOT_VERITY) == POLICY_UNPROTECTED, "hash data that are needed are wanted");
        OK(t, rule("root=unprotected", ROLE_ROOT_VERITY) == POLICY_IGNORE, "those that are not needed are left");
        OK(t, rule("usr=verity+unprotected", ROLE_USR_VERITY) == (POLICY_UNPROTECTED | POLICY_IGNORE),
           "or may be there");
}

static enum verdict judge(const char *text, enum part_role role, struct policy_part part) {
        struct policy p;

        return policy_parse(text, &p) < 0 ? VERDICT_USE : policy_judge(&p, role, &part);
}

static void test_judge(struct tap *t) {
        const struct policy_part none = { 0 }, plain = { .found = true, .file_system = "ext4" },
                                 ro = { .found = true, .read_only = true },
                                 luks = { .found = true, .encrypted = true },
                                 verity = { .found = true, .verity = true },
                                 sig = { .found = true, .verity = true, .has_sig = true };
        const struct policy usual = policy_default();

#define IS(want, text, role, part) OK(t, judge(text, role, part) == (want), "%s: " #part, text)
        IS(VERDICT_MISSING, "root=unprotected", ROLE_ROOT, none);
        IS(VERDICT_LEAVE, "root=unprotected+absent", ROLE_ROOT, none);
        IS(VERDICT_USE, "root=unprotected", ROLE_ROOT, plain);
        IS(VERDICT_USE, "root=unprotected", ROLE_ROOT, sig);
        IS(VERDICT_FORBIDDEN, "home=absent", ROLE_HOME, plain);
        IS(VERDICT_LEAVE, "home=unused", ROLE_HOME, plain);
        IS(VERDICT_ENCRYPTED, "home=unprotected", ROLE_HOME, luks);
        IS(VERDICT_LEAVE, "home=unprotected+unused", ROLE_HOME, luks);
        IS(VERDICT_USE, "home=encrypted", ROLE_HOME, luks);
        IS(VERDICT_UNPROTECTED, "home=encrypted", ROLE_HOME, plain);
        IS(VERDICT_UNPROTECTED, "root=verity", ROLE_ROOT, plain);
        IS(VERDICT_USE, "root=verity", ROLE_ROOT, verity);
        IS(VERDICT_UNPROTECTED, "root=signed", ROLE_ROOT, verity);
        IS(VERDICT_USE, "root=signed", ROLE_ROOT, sig);
        IS(VERDICT_READ_ONLY, "root=read-only-on", ROLE_ROOT, plain);
        IS(VERDICT_READ_ONLY, "root=read-only-off", ROLE_ROOT, ro);
        IS(VERDICT_USE, "root=read-only-off", ROLE_ROOT, plain);
        IS(VERDICT_USE, "root=read-only-off+read-only-on", ROLE_ROOT, ro);
        IS(VERDICT_GROWFS, "root=growfs-on", ROLE_ROOT, plain);
        IS(VERDICT_FILE_SYSTEM, "root=btrfs+xfs", ROLE_ROOT, plain);
        IS(VERDICT_USE, "root=ext4+xfs", ROLE_ROOT, plain);
#undef IS
        OK(t, policy_judge(&usual, ROLE_ROOT, &plain) == VERDICT_USE, "the default takes a plain root");
        OK(t, policy_judge(&usual, ROLE_HOME, &none) == VERDICT_LEAVE, "and does without a home");
        OK(t, policy_judge(&usual, ROLE_SWAP, &plain) == VERDICT_LEAVE, "swap is left alone");
}

#define ROOT_X86   "44479540-f297-41b2-9af7-d131d5f0458a"
#define ROOT_X64   "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"
#define ROOT_ARM64 "b921b045-1df0-41c3-af44-4c6f280d3fae"
#define ROOT_S390X "5eead9a9-fe09-4a1e-a1d7-520d00531306"
#define HOME       "933ac7e1-2eb4-4f13-b844-0e14e2aef915"
#define PLAIN      "0fc63daf-8483-4772-8e79-3d69d8477de4"
#define HASH_X64   "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5"

#if defined(__x86_64__)
#define ROOT_OWN ROOT_X64
#elif defined(__aarch64__)
#define ROOT_OWN ROOT_ARM64
#else
#define ROOT_OWN ROOT_S390X
#endif

struct row {
        const char *type, *label;
        bool no_auto, bootable;
};

/* The number of the partition that has the role, 0: none, -1: nothing can be the root. */
static int chosen(enum table_kind table, enum part_role role, const struct row *rows, size_t n) {
        CLEAN_FREE struct dissected *d = calloc(1, sizeof *d);
        struct choice c;
        struct err e = { .kind = ERR_NONE };

        if (!d)
                return -2;
        d->table = table;
        for (size_t i = 0; i < n; i++) {
                struct dissected_part *p = &d->parts[d->n++];

                p->number = (unsigned) i + 1;
                p->no_auto = rows[i].no_auto;
                p->bootable = rows[i].bootable;
                snprintf(p->type, sizeof p->type, "%s", rows[i].type);
                snprintf(p->label, sizeof p->label, "%s", str_or(rows[i].label, ""));
        }
        if (choose_parts(d, "x.raw", &c, &e) < 0)
                return e.kind == ERR_IMAGE ? -1 : -2;
        return c.part[role] + 1;
}
#define CHOSEN(want, table, role, ...)                                                                                \
        do {                                                                                                          \
                const struct row rows_[] = { __VA_ARGS__ };                                                           \
                int got_ = chosen(table, role, rows_, ELEMENTS(rows_));                                               \
                OK(t, got_ == (want), "%s of %s: %d", #role, #__VA_ARGS__, got_);                                     \
        } while (0)

static void test_choice(struct tap *t) {
        CHOSEN(1, TABLE_GPT, ROLE_ROOT, { ROOT_OWN });
        CHOSEN(2, TABLE_GPT, ROLE_ROOT, { "6523f8ae-3eb1-4e2a-a05a-18b695ae656f" }, { ROOT_OWN });
        CHOSEN(1, TABLE_GPT, ROLE_ROOT, { ROOT_OWN }, { "6523f8ae-3eb1-4e2a-a05a-18b695ae656f" });
        CHOSEN(1, TABLE_GPT, ROLE_ROOT, { "6523f8ae-3eb1-4e2a-a05a-18b695ae656f" });
        CHOSEN(2, TABLE_GPT, ROLE_ROOT, { ROOT_OWN, "os_9" }, { ROOT_OWN, "os_10" }, { ROOT_OWN, "os_2" });
        CHOSEN(1, TABLE_GPT, ROLE_ROOT, { ROOT_OWN, "os_9" }, { ROOT_OWN, "_empty" });
        CHOSEN(1, TABLE_GPT, ROLE_ROOT, { ROOT_OWN, "a" }, { ROOT_OWN, "b", .no_auto = true });
        CHOSEN(1, TABLE_GPT, ROLE_ROOT, { ROOT_OWN }, { ROOT_OWN });
        CHOSEN(2, TABLE_GPT, ROLE_HOME, { ROOT_OWN }, { HOME, "a" }, { HOME, "b" });
        CHOSEN(1, TABLE_GPT, ROLE_ROOT, { PLAIN });
        CHOSEN(-1, TABLE_GPT, ROLE_ROOT, { PLAIN }, { PLAIN });
        CHOSEN(2, TABLE_GPT, ROLE_ROOT, { PLAIN }, { ROOT_OWN }, { PLAIN });
        CHOSEN(-1, TABLE_GPT, ROLE_ROOT, { HOME });
        CHOSEN(-1, TABLE_GPT, ROLE_ROOT, { ROOT_OWN, "a", .no_auto = true });
        CHOSEN(2, TABLE_GPT, ROLE_ROOT_VERITY, { ROOT_X64 }, { HASH_X64 });
        CHOSEN(0, TABLE_GPT, ROLE_ROOT_VERITY, { ROOT_S390X }, { HASH_X64 });
        CHOSEN(-1, TABLE_GPT, ROLE_ROOT, { ROOT_X64 }, { "b0e01050-ee5f-4390-949a-9101b17104e9" });
        CHOSEN(1, TABLE_GPT, ROLE_ROOT, { ROOT_X64 }, { "8484680c-9521-48c6-9c11-b0720656f69e" });
        CHOSEN(2, TABLE_MBR, ROLE_ROOT, { "07", .bootable = true }, { "83", .bootable = true });
        CHOSEN(-1, TABLE_MBR, ROLE_ROOT, { "83" });
        CHOSEN(1, TABLE_MBR, ROLE_ESP, { "ef" }, { "ea" }, { "83", .bootable = true });
        CHOSEN(2, TABLE_MBR, ROLE_XBOOTLDR, { "ef" }, { "ea" }, { "83", .bootable = true });
        CHOSEN(1, TABLE_MBR, ROLE_XBOOTLDR, { "ea" }, { "ea" }, { "83", .bootable = true });
        CHOSEN(-1, TABLE_MBR, ROLE_ROOT, { "83", .bootable = true }, { "83", .bootable = true });
}

static int memory_file(const char *text, size_t size) {
        int fd = memfd_create("image", MFD_CLOEXEC);

        return fd < 0 || ftruncate(fd, (off_t) size) < 0 || pwrite(fd, text, strlen(text), 0) < 0 ? -1 : fd;
}

/* A berth-blkid that has one answer for all, of so many bytes; none: it ends at the first question. */
static struct blkid_run fake_blkid(const struct told *answer, size_t size, bool slow) {
        const struct timeval patience = { .tv_usec = 200 * 1000 };
        struct disk_range range;
        int pair[2], k = msg_pair(pair);
        pid_t pid = k < 0 ? -1 : fork();

        if (pid == 0) {
                struct msg_fds image = { 0 };

                close(pair[0]);
                if (msg_recv(pair[1], &(char){ 0 }, 1, &image, 0) != 1 || image.n != 1)
                        _exit(1);
                while (size > 0 && read(pair[1], &range, sizeof range) == sizeof range)
                        if (slow || write(pair[1], answer, size) != (ssize_t) size)
                                (void) pause();
                _exit(0);
        }
        if (pid < 0 || setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0)
                return (struct blkid_run){ .sock = -1 };
        close(pair[1]);
        return (struct blkid_run){ .sock = pair[0], .pid = pid };
}

static int dissect_with(int fd, struct blkid_run run, struct dissected *d, struct err *e) {
        int k;

        *e = (struct err){ .kind = ERR_NONE };
        k = dissect_apart(&(struct apart_image){ fd, 65536, "x", &run }, d, e);
        (void) blkid_end(&run);
        return k;
}

static void test_apart(struct tap *t) {
        CLEAN_FREE struct dissected *d = calloc(1, sizeof *d);
        CLEAN_FD int fd = memory_file("hsqs", 65536);
        const uint8_t rest[] = { 4, 0, [12] = 0, 0x10 };
        const struct told one = { .result = TOLD_ONE, .name = { "squashfs" } };
        static const struct {
                struct told told;
                size_t size;
                bool slow;
                enum err_kind kind;
                const char *words;
        } bad[] = {
                { { TOLD_NOTHING }, sizeof one, false, ERR_IMAGE, "no known file system" },
                { { TOLD_FOREIGN, 0, { "ntfs" } }, sizeof one, false, ERR_IMAGE, "and ntfs, which is not mounted" },
                { { TOLD_TWO, 0, { "ext2", "xfs" } }, sizeof one, false, ERR_IMAGE, "like ext4 and xfs at once" },
                { { TOLD_DAMAGED, 0, { "xfs" } }, sizeof one, false, ERR_IMAGE, "the xfs in it is damaged" },
                { { TOLD_FAILED, 12 }, sizeof one, false, ERR_HOST, "too much memory" },
                { { TOLD_FAILED, 5 }, sizeof one, false, ERR_HOST, "cannot be read" },
                { { TOLD_ONE, 0, { "xfs" } }, 0, false, ERR_HOST, "has ended" },
                { { TOLD_ONE, 0, { "xfs" } }, sizeof one, true, ERR_HOST, "within" },
                { { TOLD_ONE, 0, { "xfs" } }, sizeof one - 1, false, ERR_HOST, "has ended" },
                { { TOLD_ONE, 0, { "ntfs" } }, sizeof one, false, ERR_HOST, "has ended" },
                { { TOLD_ONE, 0, { "" } }, sizeof one, false, ERR_HOST, "has ended" },
                { { TOLD_FOREIGN, 0, { "ext2" } }, sizeof one, false, ERR_HOST, "has ended" },
                { { TOLD_FOREIGN, 0, { "a\033[m" } }, sizeof one, false, ERR_HOST, "has ended" },
                { { TOLD_FOREIGN, 0, { "0123456789012345678901234567890", "9" } },
                  sizeof one,
                  false,
                  ERR_IMAGE,
                  "901" },
                { { TOLD_LATE }, sizeof one, false, ERR_HOST, "has ended" },
                { { 77 }, sizeof one, false, ERR_HOST, "has ended" },
        };
        struct told endless = { .result = TOLD_FOREIGN };
        struct err e;

        if (!OK(t, d && fd >= 0 && pwrite(fd, rest, sizeof rest, 28) == sizeof rest, "a file in memory"))
                return;
        OK(t,
           dissect_with(fd, fake_blkid(&one, sizeof one, false), d, &e) == 0 && d->n == 1 &&
                   streq(d->parts[0].fs, "squashfs"),
           "a process of its own finds a squashfs where one is told (%s)", e.text);
        for (size_t i = 0; i < ELEMENTS(bad); i++)
                OK(t,
                   dissect_with(fd, fake_blkid(&bad[i].told, bad[i].size, bad[i].slow), d, &e) < 0 &&
                           e.kind == bad[i].kind && strstr(e.text, bad[i].words),
                   "answer %zu: %s (%s)", i, bad[i].words, e.text);
        memset(endless.name, 'a', sizeof endless.name);
        OK(t, dissect_with(fd, fake_blkid(&endless, sizeof endless, false), d, &e) < 0 && strstr(e.text, "has ended"),
           "a name without an end");
        OK(t, dissect_with(-1, fake_blkid(&one, sizeof one, false), d, &e) < 0 && e.kind == ERR_IMAGE,
           "and it fails where there is nothing to read");
}

static void tell_ext4(int teller, const struct disk_range *range, struct told *ret) {
        *ret = (struct told){ .result = TOLD_ONE, .name = { "ext3" } };
}

static void tell_vfat(int teller, const struct disk_range *range, struct told *ret) {
        *ret = (struct told){ .result = TOLD_ONE, .name = { "vfat" } };
}

static bool looks_unclean(const uint8_t *bytes, size_t size, const char *fs) {
        const struct disk d = {
                .fd = -1, .bytes = bytes, .size = size, .tell = streq(fs, "ext4") ? tell_ext4 : tell_vfat
        };
        struct dissected_part p = { .size = size };
        char why[160];

        return superblock_look(&d, &p, why) == 1 && streq(p.fs, fs) && p.unclean;
}

/* What a superblock says of how it was left: e2fsck(8), fsck.fat(8). */
static void test_unclean(struct tap *t) {
        static uint8_t ext[65536], fat[65536];

        ext[1024 + 4] = 8; /* blocks of 4096 bytes */
        ext[1024 + 24] = 2;
        ext[1024 + 58] = 1;
        ext[1024 + 54] = ext[1024 + 55] = 0xff; /* mounted as often as one likes */
        ext[1024 + 72] = 1;                     /* made by another system, which is no limit to anything */
        ext[1024 + 92] = 0x20;                  /* directories have indexes, and how they are hashed is said */
        ext[1024 + 352] = 1;
        OK(t, !looks_unclean(ext, sizeof ext, "ext4"), "an ext4 that was left clean");
        for (size_t i = 0; i < 10; i++) {
                static const struct {
                        unsigned at;
                        uint8_t is;
                        const char *what;
                } ways[] = {
                        { 58, 0, "not unmounted" },
                        { 58, 3, "errors" },
                        { 96, 4, "a journal to replay" },
                        { 232, 12, "a file that was being removed" },
                        { 68, 1, "a check after some time" },
                        { 55, 0, "as many mounts as it may have" },
                        { 102, 1, "files that were being removed" },
                        { 352, 0, "no word on how directories are hashed" },
                        { 12, 9, "more free blocks than it has" },
                        { 16, 1, "more free files than it has" },
                };
                uint8_t was = ext[1024 + ways[i].at];

                ext[1024 + ways[i].at] = ways[i].is;
                ext[1024 + 53] = i == 5;
                OK(t, looks_unclean(ext, sizeof ext, "ext4"), "an ext4 with %s", ways[i].what);
                ext[1024 + ways[i].at] = was;
                ext[1024 + 53] = 0;
        }
        fat[12] = 2; /* 128 sectors of 512 bytes */
        fat[13] = 1;
        fat[14] = 4; /* the first FAT is behind these */
        fat[19] = 128;
        memset(fat + 4 * 512, 0xff, 8);
        OK(t, !looks_unclean(fat, sizeof fat, "vfat"), "a FAT32 that was left clean");
        fat[65] = 1;
        OK(t, looks_unclean(fat, sizeof fat, "vfat"), "a FAT32 in use");
        fat[65] = 0;
        fat[4 * 512 + 7] = 0x07;
        OK(t, looks_unclean(fat, sizeof fat, "vfat"), "a FAT32 whose FAT says so");
        fat[65] = 1;
        fat[22] = 1; /* sectors of a FAT */
        memcpy(fat + 54, "FAT16   ", 8);
        fat[37] = 0;
        OK(t, !looks_unclean(fat, sizeof fat, "vfat"), "a FAT16 that was left clean");
        fat[37] = 2;
        OK(t, looks_unclean(fat, sizeof fat, "vfat"), "a FAT16 with errors");
        fat[37] = 0;
        fat[4 * 512 + 3] = 0x7f;
        OK(t, looks_unclean(fat, sizeof fat, "vfat"), "a FAT16 whose FAT says so");
        memcpy(fat + 54, "FAT12   ", 8);
        OK(t, !looks_unclean(fat, sizeof fat, "vfat"), "a FAT12 has no such bit");
        /* The place is a number like any other. */
        memset(fat + 14, 0xff, 2);
        OK(t, !looks_unclean(fat, sizeof fat, "vfat"), "a FAT that would be outside");
}

int main(void) {
        struct tap t = { 0 };

        test_unclean(&t);
        test_parse(&t);
        test_judge(&t);
        test_choice(&t);
        test_apart(&t);
        return tap_done(&t);
}
