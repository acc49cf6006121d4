/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <sys/socket.h>

#include "base/clean.h"
#include "base/str.h"
#include "sys/filter_policy.h"
#include "sys/filter_tables.h"

#define FAMILY(x)                                                                                                     \
        { #x, x }

static const struct {
        char name[16];
        int number;
} families[] = {
        FAMILY(AF_ALG),     FAMILY(AF_APPLETALK), FAMILY(AF_ASH),     FAMILY(AF_ATMPVC),  FAMILY(AF_ATMSVC),
        FAMILY(AF_AX25),    FAMILY(AF_BLUETOOTH), FAMILY(AF_BRIDGE),  FAMILY(AF_CAIF),    FAMILY(AF_CAN),
        FAMILY(AF_DECnet),  FAMILY(AF_ECONET),    FAMILY(AF_FILE),    FAMILY(AF_IB),      FAMILY(AF_IEEE802154),
        FAMILY(AF_INET),    FAMILY(AF_INET6),     FAMILY(AF_IPX),     FAMILY(AF_IRDA),    FAMILY(AF_ISDN),
        FAMILY(AF_IUCV),    FAMILY(AF_KCM),       FAMILY(AF_KEY),     FAMILY(AF_LLC),     FAMILY(AF_LOCAL),
        { "AF_MCTP", 45 },  FAMILY(AF_MPLS),      FAMILY(AF_NETBEUI), FAMILY(AF_NETLINK), FAMILY(AF_NETROM),
        FAMILY(AF_NFC),     FAMILY(AF_PACKET),    FAMILY(AF_PHONET),  FAMILY(AF_PPPOX),   FAMILY(AF_QIPCRTR),
        FAMILY(AF_RDS),     FAMILY(AF_ROSE),      FAMILY(AF_ROUTE),   FAMILY(AF_RXRPC),   FAMILY(AF_SECURITY),
        FAMILY(AF_SMC),     FAMILY(AF_SNA),       FAMILY(AF_TIPC),    FAMILY(AF_UNIX),    FAMILY(AF_VSOCK),
        FAMILY(AF_WANPIPE), FAMILY(AF_X25),       FAMILY(AF_XDP),
};

int families_number(const char *name) {
        for (size_t i = 0; i < ELEMENTS(families); i++)
                if (streq(families[i].name, name))
                        return families[i].number;
        return -EINVAL;
}

static int read_list(const struct strv *names, uint64_t *ret, struct err *e) {
        uint64_t set = 0;

        for (size_t i = 0; names && i < names->n; i++) {
                int number = families_number(names->items[i]);

                if (number < 0) {
                        err_set(e, ERR_USAGE, 0, "unknown address family \"%s\"", names->items[i]);
                        err_blame(e, "restrict-address-families", names->items[i]);
                        return err_hint(e, "names are written as in address_families(7), for example AF_INET6");
                }
                set |= 1ull << number;
        }
        *ret = set;
        return 0;
}

static struct families of_face(unsigned when) {
        struct families f = { .open = UINT64_MAX, .others = true };

        if (!(when & WHEN_BERTH))
                return f;
        f = (struct families){ 0 };
        for (unsigned i = 0; i < n_family_rules; i++)
                if ((family_rules[i].when & when) == family_rules[i].when)
                        f.open |= 1ull << families_number(family_rules[i].family);
        return f;
}

int families_make(const struct filter_want *want, unsigned when, struct families *ret, struct err *e) {
        struct families f = of_face(when);
        uint64_t named = 0;
        int r = read_list(want->families, &named, e);

        if (r < 0)
                return r;
        if (want->families_said && want->families_none)
                f = (struct families){ 0 };
        else if (want->families_said && want->families_deny_list && named == 0)
                f = (struct families){ .open = UINT64_MAX, .others = true };
        else if (want->families_said && want->families_deny_list)
                f.open &= ~named;
        else if (want->families_said)
                f = (struct families){ .open = named };
        *ret = f;
        return 0;
}
