/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LAST = CAPS_MAX - 1 };

#define PREFIX "cap_"

int caps_from_name(const char *name, uint64_t *ret_bit) {
        /* Numbers, as upstream takes them. */
        if (*name && strlen(name) <= 2 && name[strspn(name, "0123456789")] == '\0') {
                unsigned long n = strtoul(name, NULL, 10);

                if (n > LAST)
                        return -EINVAL;
                *ret_bit = 1ull << n;
                return 0;
        }
        if (strncasecmp(name, PREFIX, strlen(PREFIX)) == 0)
                name += strlen(PREFIX);
        for (unsigned i = 0; i <= LAST; i++)
                if (*caps_names[i] && strcasecmp(name, caps_names[i] + strlen(PREFIX)) == 0) {
                        *ret_bit = 1ull << i;
                        return 0;
                }
        return -EINVAL;
}

const char *caps_name(unsigned number) {
        return number <= LAST && *caps_names[number] ? caps_names[number] : NULL;
}

/* The kernel says EINVAL above its last capability. Every kernel that berth runs on knows FIRST_END and more, so
 * EINVAL below is no answer, and neither is a single one above: a capability that is overlooked would stay with the
 * payload. */
enum { FIRST_END = 38 /* behind CAP_AUDIT_READ, Linux 3.16 */ };

static int bounding_read(unsigned i) {
        int r = prctl(PR_CAPBSET_READ, i, 0, 0, 0);

        return r < 0 ? -errno : r;
}

/* Of the capabilities in ask: which exist, and which of them are in the bounding set. A system call each. */
static int read_bounding(uint64_t ask, uint64_t *ret_all, uint64_t *ret_bounding) {
        uint64_t all = 0, bounding = 0;

        for (unsigned i = 0; i <= LAST; i++) {
                int r = ask >> i & 1 ? bounding_read(i) : 0;

                if (r == -EINVAL && i >= FIRST_END) {
                        /* The end, if the next one is not there either. */
                        if (bounding_read(i + 1) != -EINVAL)
                                return -EIO;
                        break;
                }
                if (r < 0)
                        return r;
                all |= (ask >> i & 1) << i;
                bounding |= (uint64_t) r << i;
        }
        *ret_all = all;
        *ret_bounding = bounding;
        return 0;
}

int caps_bounding(uint64_t *ret) {
        uint64_t all;

        return read_bounding(~0ull, &all, ret);
}

int caps_bounding_within(uint64_t may) {
        uint64_t all, more;
        int r = read_bounding(~may, &all, &more);

        return r < 0 ? r : more == 0;
}

uint64_t caps_all(void) {
        uint64_t all, bounding;

        return read_bounding(~0ull, &all, &bounding) < 0 ? ~0ull >> (LAST - CAP_LAST_CAP) : all;
}

/* capget(2) and capset(2) of version 3 take two words of 32 bits each. */
static int get_sets(struct __user_cap_data_struct data[2]) {
        struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };

        return syscall(SYS_capget, &head, data) < 0 ? -errno : 0;
}

static uint64_t join(uint32_t low, uint32_t high) {
        return low | (uint64_t) high << 32;
}

int caps_get(struct caps_state *ret) {
        struct __user_cap_data_struct d[2];
        struct caps_state s = { 0 };
        int r = get_sets(d);

        if (r < 0)
                return r;
        s.effective = join(d[0].effective, d[1].effective);
        s.permitted = join(d[0].permitted, d[1].permitted);
        s.inheritable = join(d[0].inheritable, d[1].inheritable);
        /* Ambient ones are always inheritable too (capabilities(7)): mostly there is nothing to ask. */
        for (unsigned i = 0; i <= LAST && s.inheritable; i++) {
                int ambient = s.inheritable >> i & 1 ? prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) : 0;

                if (ambient < 0)
                        return -errno;
                s.ambient |= (uint64_t) ambient << i;
        }
        *ret = s;
        return 0;
}

int caps_set(uint64_t effective, uint64_t permitted, uint64_t inheritable) {
        struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct d[2] = {
                { (uint32_t) effective, (uint32_t) permitted, (uint32_t) inheritable },
                { (uint32_t) (effective >> 32), (uint32_t) (permitted >> 32), (uint32_t) (inheritable >> 32) },
        };

        return syscall(SYS_capset, &head, d) < 0 ? -errno : 0;
}

int caps_drop_bounding(uint64_t keep) {
        uint64_t all, bounding;
        int r = read_bounding(~keep, &all, &bounding);

        for (unsigned i = 0; r == 0 && i <= LAST; i++)
                if (bounding >> i & 1 && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
                        r = -errno;
        return r;
}

int caps_set_ambient(uint64_t mask) {
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
                return -errno;
        for (unsigned i = 0; i <= LAST; i++)
                if (mask >> i & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) < 0)
                        return -errno;
        return 0;
}
