/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Setters for disk images. */

#include "conf/setting.h"

#include <limits.h>
#include <string.h>

#include "base/binary.h"
#include "base/str.h"

enum { HASH_MIN = 16 };

int set_policy(const struct saying *s, struct err *e) {
        if (policy_parse(s->said->value, &s->spec->root.policy) < 0)
                return bad_value(s, e, "not an image policy");
        s->spec->root.policy_said = true;
        return SET_OK;
}

/* Between colons, as in $SYSTEMD_DISSECT_FILE_SYSTEMS, or commas. Swap may stand there: nobody mounts it. */
int set_file_systems(const struct saying *s, struct err *e) {
        unsigned all = 0;

        for (const char *v = s->said->value;; v++) {
                size_t n = strcspn(v, ":,");
                const char *name = arena_strndup(s->arena, v, n);
                unsigned flag = policy_file_system(name);

                if (!flag && !streq(name, "swap"))
                        return bad_value(s, e, "not a list of file systems that are mounted from images");
                all |= flag;
                v += n;
                if (!*v)
                        break;
        }
        if (!all)
                return bad_value(s, e, "nothing could be mounted");
        s->spec->root.file_systems = all;
        return SET_OK;
}

int set_root_hash(const struct saying *s, struct err *e) {
        struct spec_protection *p = &s->spec->root.protection;
        const char *v = s->said->value;
        ssize_t n = binary_from_hex(v, strlen(v), p->hash, sizeof p->hash);

        if (n < HASH_MIN)
                return bad_value(s, e, "not a hash");
        p->hash_size = (unsigned) n;
        return SET_OK;
}

int set_root_hash_sig(const struct saying *s, struct err *e) {
        struct spec_protection *p = &s->spec->root.protection;
        const char *data = str_after(s->said->value, "base64:");
        uint8_t *bytes;
        ssize_t n;

        p->sig = NULL;
        p->sig_path = NULL;
        if (!data) {
                if (!*s->said->value || strlen(s->said->value) >= PATH_MAX)
                        return bad_value(s, e, "not a valid path");
                p->sig_path = s->said->value;
                return SET_OK;
        }
        bytes = arena_alloc(s->arena, ROOT_HASH_SIG_MAX);
        n = binary_from_base64(data, strlen(data), bytes, ROOT_HASH_SIG_MAX);
        if (n <= 0)
                return bad_value(s, e, "not base64");
        p->sig = bytes;
        p->sig_size = (unsigned) n;
        return SET_OK;
}
