/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/policy.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "base/str.h"

static const char role_names[][16] = {
        "root",
        "usr",
        "home",
        "srv",
        "esp",
        "xbootldr",
        "swap",
        "root-verity",
        "root-verity-sig",
        "usr-verity",
        "usr-verity-sig",
        "tmp",
        "var",
};
_Static_assert(ELEMENTS(role_names) == ROLE_MAX_, "each role has a name");

static const struct {
        char name[23];
        unsigned flags;
} flag_names[] = {
        { "unprotected", POLICY_UNPROTECTED },
        { "verity", POLICY_VERITY },
        { "signed", POLICY_SIGNED },
        { "encrypted", POLICY_ENCRYPTED },
        { "encryptedwithintegrity", POLICY_ENCRYPTED_WITH_INTEGRITY },
        { "unused", POLICY_UNUSED },
        { "absent", POLICY_ABSENT },
        { "open", POLICY_OPEN },
        { "ignore", POLICY_IGNORE },
        { "read-only-on", POLICY_READ_ONLY_ON },
        { "read-only-off", POLICY_READ_ONLY_OFF },
        { "growfs-on", POLICY_GROWFS_ON },
        { "growfs-off", POLICY_GROWFS_OFF },
        { "btrfs", POLICY_BTRFS },
        { "erofs", POLICY_EROFS },
        { "ext4", POLICY_EXT4 },
        { "f2fs", POLICY_F2FS },
        { "squashfs", POLICY_SQUASHFS },
        { "vfat", POLICY_VFAT },
        { "xfs", POLICY_XFS },
};

const char *role_name(enum part_role role) {
        return (unsigned) role < ROLE_MAX_ ? role_names[role] : "other";
}

/* Words for several flags come first, and what they have said is not said again. */
const char *policy_rule(const struct policy *p, enum part_role role, char buf[POLICY_RULE_MAX]) {
        unsigned flags = p->role[role];
        size_t n = (size_t) snprintf(buf, POLICY_RULE_MAX, "%s=", role_name(role));
        const char *between = "";

        for (int several = 1; several >= 0; several--)
                for (size_t i = 0; i < ELEMENTS(flag_names); i++) {
                        unsigned f = flag_names[i].flags;

                        if ((flags & f) != f || (several && !(f & (f - 1))))
                                continue;
                        n += (size_t) snprintf(buf + n, POLICY_RULE_MAX - n, "%s%s", between, flag_names[i].name);
                        flags &= ~f;
                        between = "+";
                }
        return buf;
}

static bool same(const char *name, const char *s, size_t n) {
        return strlen(name) == n && strncmp(name, s, n) == 0;
}

/* FLAG+FLAG..., n characters; none at all is "open". Returns the flags, 0 where one is unknown. */
static unsigned parse_flags(const char *s, size_t n) {
        unsigned all = 0;

        while (n > 0) {
                size_t m = strcspn(s, "+:"), i;

                for (i = 0; i < ELEMENTS(flag_names) && !same(flag_names[i].name, s, m); i++)
                        ;
                if (i == ELEMENTS(flag_names))
                        return 0;
                all |= flag_names[i].flags;
                if (m == n)
                        break;
                if (m + 1 == n)
                        return 0;
                s += m + 1, n -= m + 1;
        }
        return all & POLICY_OPEN ? all : all | POLICY_OPEN;
}

/* The rule of a role is at its number, that of all others behind them. */
static int parse_rule(const char *s, size_t n, unsigned rules[ROLE_MAX_ + 1]) {
        const char *equals = memchr(s, '=', n);
        size_t name = equals ? (size_t) (equals - s) : n, role;

        if (!equals)
                return -EINVAL;
        for (role = 0; role < ROLE_MAX_ && !same(role_names[role], s, name); role++)
                ;
        if ((role == ROLE_MAX_ && name > 0) || rules[role])
                return -EINVAL;
        rules[role] = parse_flags(equals + 1, n - name - 1);
        return rules[role] ? 0 : -EINVAL;
}

/* Hash data and signature follow from what they protect. */
static unsigned derived(const unsigned *rules, size_t role) {
        bool of_usr = role == ROLE_USR_VERITY || role == ROLE_USR_VERITY_SIG;
        unsigned data = rules[of_usr ? ROLE_USR : ROLE_ROOT];
        unsigned wanted = role == ROLE_ROOT_VERITY_SIG || role == ROLE_USR_VERITY_SIG ? POLICY_SIGNED
                                                                                      : POLICY_VERITY | POLICY_SIGNED;

        if (role < ROLE_ROOT_VERITY || role > ROLE_USR_VERITY_SIG || !data)
                return 0;
        if (!(data & wanted))
                return POLICY_IGNORE;
        return data & POLICY_USES & ~wanted || data & POLICY_IGNORE ? POLICY_UNPROTECTED | POLICY_IGNORE
                                                                    : POLICY_UNPROTECTED;
}

int policy_parse(const char *text, struct policy *ret) {
        unsigned rules[ROLE_MAX_ + 1] = { 0 };

        if (streq(text, "*"))
                rules[ROLE_MAX_] = POLICY_OPEN;
        else if (streq(text, "-"))
                rules[ROLE_MAX_] = POLICY_IGNORE;
        else if (streq(text, "~"))
                rules[ROLE_MAX_] = POLICY_ABSENT;
        else
                for (const char *s = text;; s++) {
                        size_t n = strcspn(s, ":");

                        if (parse_rule(s, n, rules) < 0)
                                return -EINVAL;
                        s += n;
                        if (!*s)
                                break;
                }
        if (!rules[ROLE_MAX_])
                rules[ROLE_MAX_] = POLICY_IGNORE;
        for (size_t i = 0; i < ROLE_MAX_; i++) {
                unsigned rule = rules[i] ? rules[i] : derived(rules, i);

                ret->role[i] = rule ? rule : rules[ROLE_MAX_];
        }
        return 0;
}

struct policy policy_default(void) {
        struct policy p;

        (void) policy_parse("root=verity+signed+encrypted+encryptedwithintegrity+unprotected+absent:"
                            "usr=verity+signed+encrypted+encryptedwithintegrity+unprotected+absent:"
                            "home=encrypted+encryptedwithintegrity+unprotected+absent:"
                            "srv=encrypted+encryptedwithintegrity+unprotected+absent:"
                            "tmp=encrypted+encryptedwithintegrity+unprotected+absent:"
                            "var=encrypted+encryptedwithintegrity+unprotected+absent:"
                            "esp=unprotected+absent:xbootldr=unprotected+absent",
                            &p);
        return p;
}

/* Does the flag have a value that the pair of policy flags does not name? */
static bool breaks(unsigned rule, unsigned on, unsigned off, bool value) {
        unsigned said = rule & (on | off);

        return said == (value ? off : on);
}

unsigned policy_file_system(const char *name) {
        for (size_t i = 0; i < ELEMENTS(flag_names); i++)
                if (flag_names[i].flags & POLICY_FILE_SYSTEMS && streq(flag_names[i].name, name))
                        return flag_names[i].flags;
        return 0;
}

static bool is_data(enum part_role role) {
        return role < ROLE_ROOT_VERITY || role > ROLE_USR_VERITY_SIG;
}

enum verdict policy_judge(const struct policy *p, enum part_role role, const struct policy_part *part) {
        unsigned rule = p->role[role];

        if (!part->found)
                return rule & POLICY_ABSENT ? VERDICT_LEAVE : VERDICT_MISSING;
        if (!(rule & POLICY_USES))
                return rule & POLICY_UNUSED ? VERDICT_LEAVE : VERDICT_FORBIDDEN;
        if (part->encrypted && !(rule & (POLICY_ENCRYPTED | POLICY_ENCRYPTED_WITH_INTEGRITY)))
                return rule & POLICY_UNUSED ? VERDICT_LEAVE : VERDICT_ENCRYPTED;
        if (!part->encrypted && !(rule & POLICY_UNPROTECTED) && !(part->verity && rule & POLICY_VERITY) &&
            !(part->verity && part->has_sig && rule & POLICY_SIGNED))
                return rule & POLICY_UNUSED ? VERDICT_LEAVE : VERDICT_UNPROTECTED;
        if (!is_data(role))
                return VERDICT_USE;
        if (breaks(rule, POLICY_READ_ONLY_ON, POLICY_READ_ONLY_OFF, part->read_only))
                return VERDICT_READ_ONLY;
        if (breaks(rule, POLICY_GROWFS_ON, POLICY_GROWFS_OFF, part->growfs))
                return VERDICT_GROWFS;
        if (rule & POLICY_FILE_SYSTEMS && part->file_system && !part->encrypted &&
            !(rule & policy_file_system(part->file_system)))
                return VERDICT_FILE_SYSTEM;
        return VERDICT_USE;
}

const char *verdict_text(enum verdict v) {
        switch (v) {
        case VERDICT_USE:
        case VERDICT_LEAVE: break;
        case VERDICT_MISSING: return "is missing";
        case VERDICT_FORBIDDEN: return "must not be there";
        case VERDICT_UNPROTECTED: return "is not protected as it must be";
        case VERDICT_ENCRYPTED: return "is encrypted";
        case VERDICT_READ_ONLY: return "has the wrong read-only flag";
        case VERDICT_GROWFS: return "has the wrong growfs flag";
        case VERDICT_FILE_SYSTEM: return "has a file system of another type";
        }
        return NULL;
}
