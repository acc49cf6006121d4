/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe/tree_passwd.h"

#include <errno.h>

enum { PW_NAME, PW_PASSWORD, PW_UID, PW_GID, PW_GECOS, PW_HOME, PW_SHELL };
enum { GR_NAME, GR_PASSWORD, GR_GID, GR_MEMBERS };

/* (uid_t) -1 means "leave as it is" to the kernel, and 65535 is the same for the 16-bit calls. */
static bool parse_id(struct span s, uint32_t *ret) {
        uint32_t v;

        if (!span_u32(s, &v) || v == UINT32_MAX || v == UINT16_MAX)
                return false;
        *ret = v;
        return true;
}

static bool parse_entry(const struct colon_line *l, struct passwd_entry *ret) {
        *ret = (struct passwd_entry){
                .name = l->field[PW_NAME],
                .home = l->field[PW_HOME],
                .shell = l->field[PW_SHELL],
        };
        return ret->name.n > 0 && parse_id(l->field[PW_UID], &ret->uid) && parse_id(l->field[PW_GID], &ret->gid);
}

int passwd_by_name(struct span text, const char *name, struct passwd_entry *ret) {
        struct colon_line l;
        struct passwd_entry found;

        while (colon_next(&text, &l)) {
                if (!span_is(l.field[PW_NAME], name))
                        continue;
                /* A broken entry does not give way to a later one: that could be somebody else's. */
                if (!parse_entry(&l, &found))
                        return -EINVAL;
                *ret = found;
                return 1;
        }
        return 0;
}

int passwd_by_uid(struct span text, uid_t uid, struct passwd_entry *ret) {
        struct colon_line l;
        struct passwd_entry found;

        while (colon_next(&text, &l))
                if (parse_entry(&l, &found) && found.uid == uid) {
                        *ret = found;
                        return 1;
                }
        return 0;
}

static bool is_member(struct span members, const char *user) {
        struct span one;

        while (span_next(&members, ',', &one))
                if (span_is(one, user))
                        return true;
        return false;
}

static bool has_gid(const gid_t *list, size_t n, gid_t gid) {
        for (size_t i = 0; i < n; i++)
                if (list[i] == gid)
                        return true;
        return false;
}

ssize_t passwd_groups(struct span text, const char *user, gid_t primary, gid_t *ret, size_t room) {
        struct colon_line l;
        size_t n = 0;
        gid_t gid;

        while (colon_next(&text, &l)) {
                if (!parse_id(l.field[GR_GID], &gid) || gid == primary || !is_member(l.field[GR_MEMBERS], user))
                        continue;
                if (has_gid(ret, n, gid))
                        continue;
                if (n == room)
                        return -E2BIG;
                ret[n++] = gid;
        }
        return (ssize_t) n;
}
