/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Setters for capabilities, system calls and socket families. */

#include "conf/setting.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clean.h"
#include "base/str.h"
#include "sys/caps.h"

/* One word of a list. Returns false at its end. */
static bool next_item(struct arena *a, const char **p, const char *separators, const char **ret) {
        size_t n;

        *p += strspn(*p, separators);
        n = strcspn(*p, separators);
        if (n == 0)
                return false;
        *ret = arena_strndup(a, *p, n);
        *p += n;
        return true;
}

int set_caps(const struct saying *s, struct err *e) {
        uint64_t *mask = (uint64_t *) ((char *) s->spec + s->said->row->at), bit = 0;
        const char *p = s->said->value, *name;
        bool any = false;

        while (next_item(s->arena, &p, ", \t", &name)) {
                if (streq(name, "all") && s->said->row->value)
                        bit = caps_all();
                else if (caps_from_name(name, &bit) < 0)
                        return bad_value(s, e, "unknown capability %.40s", name);
                *mask |= bit;
                any = true;
        }
        return any ? SET_OK : bad_value(s, e, "no capability");
}

const char *nth_cap(unsigned i, char buf[NTH_BUF]) {
        return caps_name(i);
}

/* There are fewer than 500 system calls. */
enum { CALLS_MAX = 4096 };

static bool is_call_name(const char *s) {
        return *s && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] == '\0';
}

/* A leading ~ is for the whole list. Whether the names exist is known to sys/filter only. */
int set_call_filter(const struct saying *s, struct err *e) {
        struct spec_sec *sec = &s->spec->sec;
        const char *p = s->said->value, *name;
        bool deny = *p == '~', any = false;

        if (!deny && !s->said->trusted)
                return SET_UNTRUSTED;
        for (p += deny; next_item(s->arena, &p, " \t", &name); any = true) {
                if (sec->calls_allow.n + sec->calls_deny.n >= CALLS_MAX)
                        return bad_value(s, e, "more than %d names", CALLS_MAX);
                if (!is_call_name(name + (*name == '@')))
                        return bad_value(s, e, "%.40s is no name of a system call or @group", name);
                strv_add(s->arena, deny ? &sec->calls_deny : &sec->calls_allow, name);
        }
        return any ? SET_OK : bad_value(s, e, "no system call");
}

/* clang-format off */
#define FAMILY(x) { #x, x }
static const struct {
        char name[14];
        int family;
} families[] = {
        FAMILY(AF_UNIX), FAMILY(AF_LOCAL), FAMILY(AF_INET), FAMILY(AF_INET6), FAMILY(AF_NETLINK), FAMILY(AF_PACKET),
        FAMILY(AF_VSOCK), FAMILY(AF_BLUETOOTH), FAMILY(AF_CAN), FAMILY(AF_ALG), FAMILY(AF_TIPC), FAMILY(AF_XDP),
        FAMILY(AF_QIPCRTR), FAMILY(AF_SMC), FAMILY(AF_KCM), FAMILY(AF_AX25), FAMILY(AF_IPX), FAMILY(AF_APPLETALK),
        FAMILY(AF_NETROM), FAMILY(AF_BRIDGE), FAMILY(AF_ATMPVC), FAMILY(AF_X25), FAMILY(AF_ROSE), FAMILY(AF_DECnet),
        FAMILY(AF_NETBEUI), FAMILY(AF_SECURITY), FAMILY(AF_KEY), FAMILY(AF_ASH), FAMILY(AF_ECONET), FAMILY(AF_ATMSVC),
        FAMILY(AF_RDS), FAMILY(AF_SNA), FAMILY(AF_IRDA), FAMILY(AF_PPPOX), FAMILY(AF_WANPIPE), FAMILY(AF_LLC),
        FAMILY(AF_IB), FAMILY(AF_MPLS), FAMILY(AF_RXRPC), FAMILY(AF_ISDN), FAMILY(AF_PHONET), FAMILY(AF_IEEE802154),
        FAMILY(AF_CAIF), FAMILY(AF_NFC), FAMILY(AF_ROUTE), { "AF_MCTP", 45 }, /* Linux 5.15 */
};
/* clang-format on */

/* The name as it is first in the table: AF_LOCAL is AF_UNIX. NULL: none of the kernel's. */
static const char *family_name(const char *name) {
        for (size_t i = 0; i < ELEMENTS(families); i++) {
                if (!streq(families[i].name, name))
                        continue;
                for (size_t k = 0;; k++)
                        if (families[k].family == families[i].family)
                                return families[k].name;
        }
        return NULL;
}

/* Families that berth's own default leaves open in any case: naming them in an allow list can only close others. */
static bool is_everyday(const char *name) {
        return streq(name, "AF_UNIX") || streq(name, "AF_INET") || streq(name, "AF_INET6") ||
               streq(name, "AF_NETLINK");
}

static void add_once(struct arena *a, struct strv *v, const char *name) {
        for (size_t i = 0; i < v->n; i++)
                if (streq(v->items[i], name))
                        return;
        strv_add(a, v, name);
}

/* A file beside the image may close families. In the berth face it may not open one that the default closes. */
static bool may_allow(const struct saying *s, const char *name) {
        return s->said->trusted || s->spec->self.face == FACE_STRICT || is_everyday(name);
}

int set_families(const struct saying *s, struct err *e) {
        struct spec_sec *sec = &s->spec->sec;
        const char *p = s->said->value, *name;
        bool deny = *p == '~', any = false;

        sec->families_said = true;
        if (!*p && !s->said->trusted && s->spec->self.face != FACE_STRICT)
                return SET_UNTRUSTED;
        if (!*p) {
                sec->families = sec->families_denied = (struct strv){ 0 };
                sec->families_none = false;
                return SET_OK;
        }
        if (streq(p, "none")) {
                sec->families = sec->families_denied = (struct strv){ 0 };
                sec->families_none = true;
                return SET_OK;
        }
        for (p += deny; next_item(s->arena, &p, " \t", &name); any = true) {
                const char *family = family_name(name);

                if (!family)
                        return bad_value(s, e, "unknown address family %.40s", name);
                if (!deny && !may_allow(s, family))
                        return SET_UNTRUSTED;
                add_once(s->arena, deny ? &sec->families_denied : &sec->families, family);
        }
        return any ? SET_OK : bad_value(s, e, "no address family");
}

/* It becomes a mount option, whose value has at most 255 characters (fsconfig(2)). */
int set_label(const struct saying *s, struct err *e) {
        const char *v = s->said->value;

        for (const char *p = v; *p; p++)
                if ((unsigned char) *p < ' ' || *p == 0x7f)
                        return bad_value(s, e, "a control character in it");
        if (!*v || strlen(v) > 255)
                return bad_value(s, e, "empty or too long");
        return set_string(s, e);
}
