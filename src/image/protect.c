/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/protect.h"

#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "base/str.h"
#include "image/luks.h"
#include "image/verity.h"

static int refuse(const struct image *m, const struct image_part *i, const char *what, const char *hint,
                  struct err *e) {
        err_set(e, ERR_IMAGE, 0, "the policy does not allow %s: the %s partition %s", m->path, role_name(i->role),
                what);
        return err_hint(e, "%s", hint);
}

static int choose_luks(const struct image *m, struct image_part *i, struct err *e) {
        unsigned rule = m->policy->role[i->role];

        i->protection = PROTECTION_LUKS;
        if (rule & POLICY_ENCRYPTED)
                return 0;
        return refuse(m, i, "must be encrypted with integrity", "berth opens LUKS without it only", e);
}

int protect_choose(const struct image *m, struct image_part *i, struct err *e) {
        unsigned rule = m->policy->role[i->role];
        bool sig = verity_is_signed(m, i->role) && !m->protection->no_signature;

        i->protection = PROTECTION_NONE;
        if (streq(i->part->fs, "crypto_LUKS"))
                return choose_luks(m, i, e);
        if (verity_is_ready(m, i->role) && m->protection->no_signature &&
            (m->verity->sig_said || !(rule & (POLICY_VERITY | POLICY_UNPROTECTED)))) {
                err_set(e, ERR_USAGE, 0, "%s: the root hash of %s must be signed, and signatures are not checked",
                        m->path, role_name(i->role));
                err_blame(e, "image-verity-signature", NULL);
                return err_hint(e, "a policy of verity is content with the root hash");
        }
        if (verity_is_ready(m, i->role) && (rule & POLICY_VERITY || (rule & POLICY_SIGNED && sig))) {
                i->protection = PROTECTION_VERITY;
                i->fixed = i->read_only = true;
                return 0;
        }
        if (rule & POLICY_UNPROTECTED)
                return 0;
        if (!verity_is_ready(m, i->role))
                return refuse(m, i, "must be protected by dm-verity, and its root hash is not known",
                              "--root-hash= says it, or a file beside the image", e);
        return refuse(m, i, "must be protected by a signature, and there is none",
                      "--root-hash-sig= names one; or a policy of verity", e);
}

int protect_check(const struct image *m, struct err *e) {
        const struct verity *v = m->verity;
        bool used = false;

        for (unsigned i = 0; i < m->n; i++)
                used = used || m->parts[i].protection == PROTECTION_VERITY;
        if (used || (v->source != HASH_SAID && !v->sig_said && !v->data_said))
                return 0;
        if (v->source == HASH_NONE) {
                err_set(e, ERR_USAGE, 0, "%s has no root hash that this could be for", m->path);
                err_blame(e, v->sig_said ? "root-hash-sig" : "verity-data", NULL);
                return err_hint(e, "--root-hash= says it");
        }
        if (v->found)
                err_set(e, ERR_USAGE, 0, "the policy does not let dm-verity be used for %s", m->path);
        else
                err_set(e, ERR_USAGE, 0, "%s has no hash data for dm-verity", m->path);
        err_blame(e, v->source == HASH_SAID ? "root-hash" : v->sig_said ? "root-hash-sig" : "verity-data", NULL);
        return err_hint(e, v->found ? "--image-policy=root=verity" : "--verity-data= names them");
}

/* What was not known of a partition as long as it was closed. */
static int check_inside(const struct image *m, const struct image_part *i, struct err *e) {
        const struct policy_part seen = { .found = true,
                                          .read_only = i->part->read_only,
                                          .growfs = i->part->growfs,
                                          .encrypted = false,
                                          .file_system = *i->part->fs ? i->part->fs : NULL };
        struct policy p = *m->policy;
        enum verdict v;

        p.role[i->role] |= POLICY_UNPROTECTED;
        v = policy_judge(&p, i->role, &seen);
        if (verdict_text(v))
                return refuse(m, i, verdict_text(v), "--image-policy= says what is allowed", e);
        return image_check_kind(m, i, e);
}

static int open_one(struct image *m, struct image_part *p, struct secrets *s, struct arena *a, struct err *e) {
        int k;

        if (p->protection == PROTECTION_NONE)
                return 0;
        k = image_device(m, p, e);
        if (k < 0 || p->protection == PROTECTION_VERITY)
                return k < 0 ? k : verity_open(m, p, a, e);
        k = luks_open(m, p, s, a, e);
        if (k < 0)
                return k;
        p->fixed = p->fixed || streq(p->part->fs, "squashfs") || streq(p->part->fs, "erofs");
        p->read_only = p->read_only || p->fixed;
        return check_inside(m, p, e);
}

int protect_open(struct image *m, struct arena *a, struct err *e) {
        struct secrets *s = arena_new(a, struct secrets);
        int k = 0;

        for (unsigned i = 0; k == 0 && i < m->n; i++)
                k = open_one(m, &m->parts[i], s, a, e);
        explicit_bzero(s, sizeof *s);
        return k;
}

const char *protection_name(const struct image *m, const struct image_part *i) {
        switch (i->protection) {
        case PROTECTION_NONE: break;
        case PROTECTION_LUKS: return "LUKS";
        case PROTECTION_VERITY: return verity_is_signed(m, i->role) ? "dm-verity, signed" : "dm-verity";
        }
        return NULL;
}
