/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A settings file. Input: a byte (bit 0: trusted, bit 1: strict face, bit 2: --settings=override), then the file. */

#include <string.h>

#include "base/str.h"
#include "conf/nspawn.h"
#include "conf/setting.h"
#include "fuzz/fuzz.h"

/* A file beside the image has no say in these, whatever is in it. */
static void check_untrusted(const struct spec *s) {
        MUST(!s->sec.caps_add && !s->sec.caps_ambient && !s->sec.no_filter && !s->sec.nesting);
        MUST(!s->sec.calls_allow.n);
        MUST(s->ids.mode == (s->self.face == FACE_STRICT ? USERS_NO : USERS_DEFAULT));
        MUST(!s->net.path && (s->self.face == FACE_BERTH || s->net.private == NO));
        MUST(!s->limits.rlimit_said && !s->limits.oom_said && !s->limits.cpus_said);
        MUST(!s->exec.chdir && !s->id.has_uuid && !s->id.machine && !s->root.directory);
        MUST(!s->host.no_lock && s->host.api_vfs == API_VFS_READ_ONLY && !s->host.container_service);
        MUST(s->console.mode == CONSOLE_DEFAULT && !s->console.background);
}

static void check_warnings(const struct draft *d) {
        MUST(d->warnings.n <= 64 + 4096 + 2);
        for (size_t i = 0; i < d->warnings.n; i++)
                MUST(str_after(d->warnings.items[i], "x.nspawn"));
}

static int parse(struct conf *c, const uint8_t *data, size_t size, bool trusted, struct err *e) {
        struct nspawn_file f = {
                .path = "x.nspawn",
                .text = calloc(1, size + 1),
                .size = size,
                .origin = trusted ? ORIGIN_ADMIN_FILE : ORIGIN_IMAGE_FILE,
                .trusted = trusted,
        };
        int r;

        MUST(f.text);
        memcpy(f.text, data, size);
        r = nspawn_parse(c, &f, e);
        if (r == 0)
                r = conf_fill(c, e);
        free(f.text);
        return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static char *const guarded[] = { (char *) "berth", (char *) "--settings=override",
                                         (char *) "--no-new-privileges=yes", (char *) "--drop-capability=all", NULL };
        bool trusted, override;
        enum conf_action action;
        struct draft d;
        struct conf c;
        struct err e = { 0 };
        const struct spec *s = NULL;
        int r;

        if (size < 1 || size > NSPAWN_FILE_MAX)
                return 0;
        trusted = data[0] & 1;
        override = data[0] & 4;
        draft_init(&d, data[0] & 2 ? FACE_STRICT : FACE_BERTH);
        conf_init(&c, &d, NULL);
        if (override)
                MUST(conf_argv(&c, 4, (char **) guarded, &action, &e) == 0);
        r = parse(&c, data + 1, size - 1, trusted, &e);
        if (r == 0)
                r = draft_seal(&d, &s, &e);
        MUST(r == 0 || e.text[0]);
        if (s && !trusted)
                check_untrusted(s);
        if (s && !trusted && override)
                MUST(s->sec.no_new_privileges && s->sec.caps_drop >= SPEC_CAPS_DEFAULT);
        check_warnings(&d);
        draft_done(&d);
        return 0;
}
