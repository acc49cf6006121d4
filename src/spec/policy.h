/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Roles of partitions (Discoverable Partitions Specification), and what an image policy demands of each: the string of
 * --image-policy=, systemd.image-policy(7). Pure. */

#include <stdbool.h>
#include <stdint.h>

enum part_role {
        ROLE_ROOT,
        ROLE_USR,
        ROLE_HOME,
        ROLE_SRV,
        ROLE_ESP,
        ROLE_XBOOTLDR,
        ROLE_SWAP,
        ROLE_ROOT_VERITY,
        ROLE_ROOT_VERITY_SIG,
        ROLE_USR_VERITY,
        ROLE_USR_VERITY_SIG,
        ROLE_TMP,
        ROLE_VAR,
        ROLE_MAX_,
        ROLE_NONE = ROLE_MAX_, /* of another specification */
};

enum policy_flags {
        POLICY_UNPROTECTED = 1 << 0,
        POLICY_VERITY = 1 << 1,
        POLICY_SIGNED = 1 << 2,
        POLICY_ENCRYPTED = 1 << 3,
        POLICY_ENCRYPTED_WITH_INTEGRITY = 1 << 4,
        POLICY_UNUSED = 1 << 5, /* may be there, and is left alone */
        POLICY_ABSENT = 1 << 6,
        POLICY_USES = POLICY_UNPROTECTED | POLICY_VERITY | POLICY_SIGNED | POLICY_ENCRYPTED |
                      POLICY_ENCRYPTED_WITH_INTEGRITY,
        POLICY_IGNORE = POLICY_UNUSED | POLICY_ABSENT,
        POLICY_OPEN = POLICY_USES | POLICY_IGNORE,
        /* Neither or both of a pair: the partition's own flag may have any value. */
        POLICY_READ_ONLY_ON = 1 << 7,
        POLICY_READ_ONLY_OFF = 1 << 8,
        POLICY_GROWFS_ON = 1 << 9,
        POLICY_GROWFS_OFF = 1 << 10,
        /* None: any file system. */
        POLICY_BTRFS = 1 << 11,
        POLICY_EROFS = 1 << 12,
        POLICY_EXT4 = 1 << 13,
        POLICY_F2FS = 1 << 14,
        POLICY_SQUASHFS = 1 << 15,
        POLICY_VFAT = 1 << 16,
        POLICY_XFS = 1 << 17,
        POLICY_FILE_SYSTEMS = 127 << 11,
};

struct policy {
        unsigned role[ROLE_MAX_]; /* never 0 once parsed */
};

/* A partition as a policy sees it. */
struct policy_part {
        bool found;
        bool read_only, growfs;  /* its own flags */
        bool encrypted;          /* LUKS */
        bool verity, has_sig;    /* there is a partition with hash data for it, with a signature */
        const char *file_system; /* NULL: unknown */
};

enum verdict {
        VERDICT_USE,
        VERDICT_LEAVE,     /* as if it were not there */
        VERDICT_MISSING,   /* the policy wants one */
        VERDICT_FORBIDDEN, /* the policy wants none */
        VERDICT_UNPROTECTED,
        VERDICT_ENCRYPTED,
        VERDICT_READ_ONLY, /* its flag is not as the policy wants */
        VERDICT_GROWFS,
        VERDICT_FILE_SYSTEM,
};

/* -EINVAL where it is none. */
int policy_parse(const char *text, struct policy *ret);

/* systemd-nspawn's, where none is given. */
struct policy policy_default(void);

/* Without help of verity: a partition that may only be used with it is refused. */
enum verdict policy_judge(const struct policy *p, enum part_role role, const struct policy_part *part);

/* The flag of a file system by its name, 0 where there is none. */
unsigned policy_file_system(const char *name);

/* The rule for a role, as it would be written: "root=verity+signed". */
enum { POLICY_RULE_MAX = 320 };
const char *policy_rule(const struct policy *p, enum part_role role, char buf[POLICY_RULE_MAX]);

/* "root", ...; "other" for ROLE_NONE. */
const char *role_name(enum part_role role);
/* What broke the rule, as the end of a sentence about a partition; NULL where nothing did. */
const char *verdict_text(enum verdict v);
