/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Setters for --forward-journal= and its limits. */

#include "conf/setting.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/parse.h"

int set_forward(const struct saying *s, struct err *e) {
        s->spec->forward.to = path_from_here(s, s->said->value);
        if (!s->spec->forward.to)
                return bad_value(s, e, "the directory that it is relative to is gone");
        return strlen(s->spec->forward.to) < PATH_MAX ? SET_OK : bad_value(s, e, "the path is too long");
}

int set_forward_limit(const struct saying *s, struct err *e) {
        struct spec_forward_limit *l = &s->spec->forward.limits[s->said->row->value];

        if (parse_size(s->said->value, &l->value) < 0)
                return bad_value(s, e, "not a size");
        l->said = true;
        return SET_OK;
}

int set_forward_files(const struct saying *s, struct err *e) {
        struct spec_forward_limit *l = &s->spec->forward.limits[FORWARD_MAX_FILES];
        int r = parse_u64(s->said->value, 0, INT32_MAX, &l->value);

        if (r < 0)
                return bad_value(s, e, r == -ERANGE ? "out of range" : "not a number");
        l->said = true;
        return SET_OK;
}
