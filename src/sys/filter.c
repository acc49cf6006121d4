/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/filter.h"

#include <errno.h>

#include "sys/filter_policy.h"

static bool find_embedded(const struct filter_want *want, struct filter *ret) {
        struct filter_key k;

        if (!filter_key_make(want, &k))
                return false;
        for (unsigned i = 0; i < n_filter_embedded; i++) {
                const struct filter_embedded *f = &filter_embedded[i];

                if (f->when != k.when || f->caps != k.caps)
                        continue;
                *ret = (struct filter){ .insns = filter_insns + f->first, .n = f->n };
                return true;
        }
        return false;
}

int filter_make(const struct filter_want *want, struct arena *a, struct filter *ret, struct err *e) {
        struct call_table t;
        int r;

        if (find_embedded(want, ret))
                return 0;
        r = filter_names_add(&calls_native, want->allow, a, &t, e);
        if (r == 0)
                r = filter_names_add(&t, want->deny, a, &t, e);
        return r == 0 ? filter_build(want, &t, a, ret, e) : r;
}
