/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Grammars of options whose feature is still to come. A bad value gets its error today; a good one is refused by name,
 * or accepted where it asks for nothing (SET_NOTHING). When a feature comes, its setter takes the place of one of
 * these. */

#include "conf/setting.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "base/clean.h"
#include "base/parse.h"
#include "base/str.h"

int later_flag(const struct saying *s, struct err *e) {
        bool v;

        if (parse_bool(s->said->value, &v) < 0)
                return bad_value(s, e, "not a boolean");
        return v ? SET_OK : SET_NOTHING;
}

int later_path(const struct saying *s, struct err *e) {
        if (!*s->said->value || strlen(s->said->value) >= PATH_MAX)
                return bad_value(s, e, "not a valid path");
        return SET_OK;
}

enum { PARTS_MAX = 64 };

/* Returns -EINVAL where there are more parts than max. */
static int split_max(struct arena *a, const char *v, const char **parts, int max) {
        const char *all[PARTS_MAX + 1];
        int n = split_colons(a, v, all, max + 1);

        for (int i = 0; i < n && i < max; i++)
                parts[i] = all[i];
        return n > max ? -EINVAL : n;
}

/* The host's interface may be known by an alternative name of up to 127 characters. */
static bool is_host_ifname(const char *v) {
        size_t n = strlen(v);

        if (n < 16)
                return is_ifname(v);
        for (; *v; v++)
                if (*v <= ' ' || *v > '~' || strchr("/:%", *v))
                        return false;
        return n < 128;
}

int later_interface(const struct saying *s, struct err *e) {
        const char *parts[2];
        int n = split_max(s->arena, s->said->value, parts, 2);

        if (n < 0 || !is_host_ifname(parts[0]) || (n > 1 && !is_ifname(parts[1])))
                return bad_value(s, e, "not a valid interface name");
        return SET_OK;
}

/* The bridge of a zone is vz-NAME. */
int later_zone(const struct saying *s, struct err *e) {
        return is_ifname(arena_printf(s->arena, "vz-%s", s->said->value)) && *s->said->value
                       ? SET_OK
                       : bad_value(s, e, "not a valid zone name");
}

int later_port(const struct saying *s, struct err *e) {
        const char *v = s->said->value, *rest = str_after(v, "tcp:");
        const char *parts[2];
        uint64_t port;
        int n;

        if (!rest)
                rest = str_after(v, "udp:");
        n = split_max(s->arena, rest ? rest : v, parts, 2);
        for (int i = 0; i < n; i++)
                if (parse_u64(parts[i], 1, UINT16_MAX, &port) < 0)
                        n = -EINVAL;
        return n < 0 ? bad_value(s, e, "not a port") : SET_OK;
}
