/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/roles.h"

#include <string.h>

#include "base/arch.h"
#include "base/clean.h"
#include "base/str.h"
#include "base/version.h"

/* clang-format off */
static const struct {
        char type[37];
        enum part_role role;
        char arch[12]; /* none: any */
} types[] = {
        { "933ac7e1-2eb4-4f13-b844-0e14e2aef915", ROLE_HOME, "" },
        { "3b8f8425-20e0-4f3b-907f-1a25a76f98e8", ROLE_SRV, "" },
        { "4d21b016-b534-45c2-a9fb-5c16e091fd2d", ROLE_VAR, "" },
        { "7ec6f557-3bc5-4aca-b293-16ef5df639d1", ROLE_TMP, "" },
        { "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", ROLE_SWAP, "" },
        { "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", ROLE_ESP, "" },
        { "bc13c2ff-59e6-4262-a352-b275fd6f7172", ROLE_XBOOTLDR, "" },
        { "ef", ROLE_ESP, "" }, /* of old-style tables: Boot Loader Specification */
        { "ea", ROLE_XBOOTLDR, "" },
        { "44479540-f297-41b2-9af7-d131d5f0458a", ROLE_ROOT, "x86" },
        { "75250d76-8cc6-458e-bd66-bd47cc81a812", ROLE_USR, "x86" },
        { "d13c5d3b-b5d1-422a-b29f-9454fdc89d76", ROLE_ROOT_VERITY, "x86" },
        { "8f461b0d-14ee-4e81-9aa9-049b6fb97abd", ROLE_USR_VERITY, "x86" },
        { "5996fc05-109c-48de-808b-23fa0830b676", ROLE_ROOT_VERITY_SIG, "x86" },
        { "974a71c0-de41-43c3-be5d-5c5ccd1ad2c0", ROLE_USR_VERITY_SIG, "x86" },
        { "4f68bce3-e8cd-4db1-96e7-fbcaf984b709", ROLE_ROOT, "x86-64" },
        { "8484680c-9521-48c6-9c11-b0720656f69e", ROLE_USR, "x86-64" },
        { "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5", ROLE_ROOT_VERITY, "x86-64" },
        { "77ff5f63-e7b6-4633-acf4-1565b864c0e6", ROLE_USR_VERITY, "x86-64" },
        { "41092b05-9fc8-4523-994f-2def0408b176", ROLE_ROOT_VERITY_SIG, "x86-64" },
        { "e7bb33fb-06cf-4e81-8273-e543b413e2e2", ROLE_USR_VERITY_SIG, "x86-64" },
        { "6523f8ae-3eb1-4e2a-a05a-18b695ae656f", ROLE_ROOT, "alpha" },
        { "e18cf08c-33ec-4c0d-8246-c6c6fb3da024", ROLE_USR, "alpha" },
        { "fc56d9e9-e6e5-4c06-be32-e74407ce09a5", ROLE_ROOT_VERITY, "alpha" },
        { "8cce0d25-c0d0-4a44-bd87-46331bf1df67", ROLE_USR_VERITY, "alpha" },
        { "d46495b7-a053-414f-80f7-700c99921ef8", ROLE_ROOT_VERITY_SIG, "alpha" },
        { "5c6e1c76-076a-457a-a0fe-f3b4cd21ce6e", ROLE_USR_VERITY_SIG, "alpha" },
        { "d27f46ed-2919-4cb8-bd25-9531f3c16534", ROLE_ROOT, "arc" },
        { "7978a683-6316-4922-bbee-38bff5a2fecc", ROLE_USR, "arc" },
        { "24b2d975-0f97-4521-afa1-cd531e421b8d", ROLE_ROOT_VERITY, "arc" },
        { "fca0598c-d880-4591-8c16-4eda05c7347c", ROLE_USR_VERITY, "arc" },
        { "143a70ba-cbd3-4f06-919f-6c05683a78bc", ROLE_ROOT_VERITY_SIG, "arc" },
        { "94f9a9a1-9971-427a-a400-50cb297f0f35", ROLE_USR_VERITY_SIG, "arc" },
        { "69dad710-2ce4-4e3c-b16c-21a1d49abed3", ROLE_ROOT, "arm" },
        { "7d0359a3-02b3-4f0a-865c-654403e70625", ROLE_USR, "arm" },
        { "7386cdf2-203c-47a9-a498-f2ecce45a2d6", ROLE_ROOT_VERITY, "arm" },
        { "c215d751-7bcd-4649-be90-6627490a4c05", ROLE_USR_VERITY, "arm" },
        { "42b0455f-eb11-491d-98d3-56145ba9d037", ROLE_ROOT_VERITY_SIG, "arm" },
        { "d7ff812f-37d1-4902-a810-d76ba57b975a", ROLE_USR_VERITY_SIG, "arm" },
        { "b921b045-1df0-41c3-af44-4c6f280d3fae", ROLE_ROOT, "arm64" },
        { "b0e01050-ee5f-4390-949a-9101b17104e9", ROLE_USR, "arm64" },
        { "df3300ce-d69f-4c92-978c-9bfb0f38d820", ROLE_ROOT_VERITY, "arm64" },
        { "6e11a4e7-fbca-4ded-b9e9-e1a512bb664e", ROLE_USR_VERITY, "arm64" },
        { "6db69de6-29f4-4758-a7a5-962190f00ce3", ROLE_ROOT_VERITY_SIG, "arm64" },
        { "c23ce4ff-44bd-4b00-b2d4-b41b3419e02a", ROLE_USR_VERITY_SIG, "arm64" },
        { "993d8d3d-f80e-4225-855a-9daf8ed7ea97", ROLE_ROOT, "ia64" },
        { "4301d2a6-4e3b-4b2a-bb94-9e0b2c4225ea", ROLE_USR, "ia64" },
        { "86ed10d5-b607-45bb-8957-d350f23d0571", ROLE_ROOT_VERITY, "ia64" },
        { "6a491e03-3be7-4545-8e38-83320e0ea880", ROLE_USR_VERITY, "ia64" },
        { "e98b36ee-32ba-4882-9b12-0ce14655f46a", ROLE_ROOT_VERITY_SIG, "ia64" },
        { "8de58bc2-2a43-460d-b14e-a76e4a17b47f", ROLE_USR_VERITY_SIG, "ia64" },
        { "77055800-792c-4f94-b39a-98c91b762bb6", ROLE_ROOT, "loongarch64" },
        { "e611c702-575c-4cbe-9a46-434fa0bf7e3f", ROLE_USR, "loongarch64" },
        { "f3393b22-e9af-4613-a948-9d3bfbd0c535", ROLE_ROOT_VERITY, "loongarch64" },
        { "f46b2c26-59ae-48f0-9106-c50ed47f673d", ROLE_USR_VERITY, "loongarch64" },
        { "5afb67eb-ecc8-4f85-ae8e-ac1e7c50e7d0", ROLE_ROOT_VERITY_SIG, "loongarch64" },
        { "b024f315-d330-444c-8461-44bbde524e99", ROLE_USR_VERITY_SIG, "loongarch64" },
        { "e9434544-6e2c-47cc-bae2-12d6deafb44c", ROLE_ROOT, "mips" },
        { "773b2abc-2a99-4398-8bf5-03baac40d02b", ROLE_USR, "mips" },
        { "7a430799-f711-4c7e-8e5b-1d685bd48607", ROLE_ROOT_VERITY, "mips" },
        { "6e5a1bc8-d223-49b7-bca8-37a5fcceb996", ROLE_USR_VERITY, "mips" },
        { "bba210a2-9c5d-45ee-9e87-ff2ccbd002d0", ROLE_ROOT_VERITY_SIG, "mips" },
        { "97ae158d-f216-497b-8057-f7f905770f54", ROLE_USR_VERITY_SIG, "mips" },
        { "d113af76-80ef-41b4-bdb6-0cff4d3d4a25", ROLE_ROOT, "mips64" },
        { "57e13958-7331-4365-8e6e-35eeee17c61b", ROLE_USR, "mips64" },
        { "579536f8-6a33-4055-a95a-df2d5e2c42a8", ROLE_ROOT_VERITY, "mips64" },
        { "81cf9d90-7458-4df4-8dcf-c8a3a404f09b", ROLE_USR_VERITY, "mips64" },
        { "43ce94d4-0f3d-4999-8250-b9deafd98e6e", ROLE_ROOT_VERITY_SIG, "mips64" },
        { "05816ce2-dd40-4ac6-a61d-37d32dc1ba7d", ROLE_USR_VERITY_SIG, "mips64" },
        { "37c58c8a-d913-4156-a25f-48b1b64e07f0", ROLE_ROOT, "mips-le" },
        { "0f4868e9-9952-4706-979f-3ed3a473e947", ROLE_USR, "mips-le" },
        { "d7d150d2-2a04-4a33-8f12-16651205ff7b", ROLE_ROOT_VERITY, "mips-le" },
        { "46b98d8d-b55c-4e8f-aab3-37fca7f80752", ROLE_USR_VERITY, "mips-le" },
        { "c919cc1f-4456-4eff-918c-f75e94525ca5", ROLE_ROOT_VERITY_SIG, "mips-le" },
        { "3e23ca0b-a4bc-4b4e-8087-5ab6a26aa8a9", ROLE_USR_VERITY_SIG, "mips-le" },
        { "700bda43-7a34-4507-b179-eeb93d7a7ca3", ROLE_ROOT, "mips64-le" },
        { "c97c1f32-ba06-40b4-9f22-236061b08aa8", ROLE_USR, "mips64-le" },
        { "16b417f8-3e06-4f57-8dd2-9b5232f41aa6", ROLE_ROOT_VERITY, "mips64-le" },
        { "3c3d61fe-b5f3-414d-bb71-8739a694a4ef", ROLE_USR_VERITY, "mips64-le" },
        { "904e58ef-5c65-4a31-9c57-6af5fc7c5de7", ROLE_ROOT_VERITY_SIG, "mips64-le" },
        { "f2c2c7ee-adcc-4351-b5c6-ee9816b66e16", ROLE_USR_VERITY_SIG, "mips64-le" },
        { "1aacdb3b-5444-4138-bd9e-e5c2239b2346", ROLE_ROOT, "parisc" },
        { "dc4a4480-6917-4262-a4ec-db9384949f25", ROLE_USR, "parisc" },
        { "d212a430-fbc5-49f9-a983-a7feef2b8d0e", ROLE_ROOT_VERITY, "parisc" },
        { "5843d618-ec37-48d7-9f12-cea8e08768b2", ROLE_USR_VERITY, "parisc" },
        { "15de6170-65d3-431c-916e-b0dcd8393f25", ROLE_ROOT_VERITY_SIG, "parisc" },
        { "450dd7d1-3224-45ec-9cf2-a43a346d71ee", ROLE_USR_VERITY_SIG, "parisc" },
        { "1de3f1ef-fa98-47b5-8dcd-4a860a654d78", ROLE_ROOT, "ppc" },
        { "7d14fec5-cc71-415d-9d6c-06bf0b3c3eaf", ROLE_USR, "ppc" },
        { "98cfe649-1588-46dc-b2f0-add147424925", ROLE_ROOT_VERITY, "ppc" },
        { "df765d00-270e-49e5-bc75-f47bb2118b09", ROLE_USR_VERITY, "ppc" },
        { "1b31b5aa-add9-463a-b2ed-bd467fc857e7", ROLE_ROOT_VERITY_SIG, "ppc" },
        { "7007891d-d371-4a80-86a4-5cb875b9302e", ROLE_USR_VERITY_SIG, "ppc" },
        { "912ade1d-a839-4913-8964-a10eee08fbd2", ROLE_ROOT, "ppc64" },
        { "2c9739e2-f068-46b3-9fd0-01c5a9afbcca", ROLE_USR, "ppc64" },
        { "9225a9a3-3c19-4d89-b4f6-eeff88f17631", ROLE_ROOT_VERITY, "ppc64" },
        { "bdb528a5-a259-475f-a87d-da53fa736a07", ROLE_USR_VERITY, "ppc64" },
        { "f5e2c20c-45b2-4ffa-bce9-2a60737e1aaf", ROLE_ROOT_VERITY_SIG, "ppc64" },
        { "0b888863-d7f8-4d9e-9766-239fce4d58af", ROLE_USR_VERITY_SIG, "ppc64" },
        { "c31c45e6-3f39-412e-80fb-4809c4980599", ROLE_ROOT, "ppc64-le" },
        { "15bb03af-77e7-4d4a-b12b-c0d084f7491c", ROLE_USR, "ppc64-le" },
        { "906bd944-4589-4aae-a4e4-dd983917446a", ROLE_ROOT_VERITY, "ppc64-le" },
        { "ee2b9983-21e8-4153-86d9-b6901a54d1ce", ROLE_USR_VERITY, "ppc64-le" },
        { "d4a236e7-e873-4c07-bf1d-bf6cf7f1c3c6", ROLE_ROOT_VERITY_SIG, "ppc64-le" },
        { "c8bfbd1e-268e-4521-8bba-bf314c399557", ROLE_USR_VERITY_SIG, "ppc64-le" },
        { "60d5a7fe-8e7d-435c-b714-3dd8162144e1", ROLE_ROOT, "riscv32" },
        { "b933fb22-5c3f-4f91-af90-e2bb0fa50702", ROLE_USR, "riscv32" },
        { "ae0253be-1167-4007-ac68-43926c14c5de", ROLE_ROOT_VERITY, "riscv32" },
        { "cb1ee4e3-8cd0-4136-a0a4-aa61a32e8730", ROLE_USR_VERITY, "riscv32" },
        { "3a112a75-8729-4380-b4cf-764d79934448", ROLE_ROOT_VERITY_SIG, "riscv32" },
        { "c3836a13-3137-45ba-b583-b16c50fe5eb4", ROLE_USR_VERITY_SIG, "riscv32" },
        { "72ec70a6-cf74-40e6-bd49-4bda08e8f224", ROLE_ROOT, "riscv64" },
        { "beaec34b-8442-439b-a40b-984381ed097d", ROLE_USR, "riscv64" },
        { "b6ed5582-440b-4209-b8da-5ff7c419ea3d", ROLE_ROOT_VERITY, "riscv64" },
        { "8f1056be-9b05-47c4-81d6-be53128e5b54", ROLE_USR_VERITY, "riscv64" },
        { "efe0f087-ea8d-4469-821a-4c2a96a8386a", ROLE_ROOT_VERITY_SIG, "riscv64" },
        { "d2f9000a-7a18-453f-b5cd-4d32f77a7b32", ROLE_USR_VERITY_SIG, "riscv64" },
        { "08a7acea-624c-4a20-91e8-6e0fa67d23f9", ROLE_ROOT, "s390" },
        { "cd0f869b-d0fb-4ca0-b141-9ea87cc78d66", ROLE_USR, "s390" },
        { "7ac63b47-b25c-463b-8df8-b4a94e6c90e1", ROLE_ROOT_VERITY, "s390" },
        { "b663c618-e7bc-4d6d-90aa-11b756bb1797", ROLE_USR_VERITY, "s390" },
        { "3482388e-4254-435a-a241-766a065f9960", ROLE_ROOT_VERITY_SIG, "s390" },
        { "17440e4f-a8d0-467f-a46e-3912ae6ef2c5", ROLE_USR_VERITY_SIG, "s390" },
        { "5eead9a9-fe09-4a1e-a1d7-520d00531306", ROLE_ROOT, "s390x" },
        { "8a4f5770-50aa-4ed3-874a-99b710db6fea", ROLE_USR, "s390x" },
        { "b325bfbe-c7be-4ab8-8357-139e652d2f6b", ROLE_ROOT_VERITY, "s390x" },
        { "31741cc4-1a2a-4111-a581-e00b447d2d06", ROLE_USR_VERITY, "s390x" },
        { "c80187a5-73a3-491a-901a-017c3fa953e9", ROLE_ROOT_VERITY_SIG, "s390x" },
        { "3f324816-667b-46ae-86ee-9b0c0c6c11b4", ROLE_USR_VERITY_SIG, "s390x" },
        { "c50cdd70-3862-4cc3-90e1-809a8c93ee2c", ROLE_ROOT, "tilegx" },
        { "55497029-c7c1-44cc-aa39-815ed1558630", ROLE_USR, "tilegx" },
        { "966061ec-28e4-4b2e-b4a5-1f0a825a1d84", ROLE_ROOT_VERITY, "tilegx" },
        { "2fb4bf56-07fa-42da-8132-6b139f2026ae", ROLE_USR_VERITY, "tilegx" },
        { "b3671439-97b0-4a53-90f7-2d5a8f3ad47b", ROLE_ROOT_VERITY_SIG, "tilegx" },
        { "4ede75e2-6ccc-4cc8-b9c7-70334b087510", ROLE_USR_VERITY_SIG, "tilegx" },
};
/* clang-format on */

#define TYPE_GENERIC "0fc63daf-8483-4772-8e79-3d69d8477de4"
#define TYPE_LINUX   "83"

enum part_role role_of_type(const char *type, enum part_fit *ret_fit, const char **ret_arch) {
        for (size_t i = 0; i < ELEMENTS(types); i++) {
                const char *arch = str_or_null(types[i].arch);

                if (!streq(types[i].type, type))
                        continue;
                *ret_arch = arch;
                *ret_fit = !arch                         ? FIT_ANY
                           : streq(arch, ARCH_NATIVE)    ? FIT_NATIVE
                           : streq(arch, ARCH_SECONDARY) ? FIT_SECONDARY
                                                         : FIT_FOREIGN;
                return types[i].role;
        }
        *ret_arch = NULL;
        *ret_fit = FIT_ANY;
        return ROLE_NONE;
}

static bool has_versions(enum part_role role) {
        switch (role) {
        case ROLE_ROOT:
        case ROLE_ROOT_VERITY:
        case ROLE_ROOT_VERITY_SIG:
        case ROLE_USR:
        case ROLE_USR_VERITY:
        case ROLE_USR_VERITY_SIG: return true;
        default: return false;
        }
}

/* Is the candidate better than what was chosen so far? Of one kind the first one counts, but of root and usr, and what
 * goes with them, the one with the highest version in its label. */
static bool is_better(const struct dissected *d, enum part_role role, const struct dissected_part *new, int old) {
        enum part_fit fit, best;
        const char *arch;

        if (old < 0)
                return true;
        (void) role_of_type(new->type, &fit, &arch);
        (void) role_of_type(d->parts[old].type, &best, &arch);
        if (fit != best)
                return fit > best;
        return has_versions(role) && version_compare(new->label, d->parts[old].label) > 0;
}

static void choose_by_type(const struct dissected *d, struct choice *c) {
        for (unsigned i = 0; i < d->n; i++) {
                const struct dissected_part *p = &d->parts[i];
                enum part_fit fit;
                const char *arch;
                enum part_role role = role_of_type(p->type, &fit, &arch);

                /* A label "_empty" is that of a slot for a version to come. */
                if (role != ROLE_NONE && !p->no_auto && !streq(p->label, "_empty") &&
                    is_better(d, role, p, c->part[role]))
                        c->part[role] = (int) i;
        }
}

/* What protects another partition must be of the same architecture, or it is not for it. */
static void drop_foreign(const struct dissected *d, struct choice *c, enum part_role role, enum part_role data) {
        const char *arch, *of;
        enum part_fit fit;

        if (c->part[role] < 0)
                return;
        if (c->part[data] >= 0) {
                (void) role_of_type(d->parts[c->part[role]].type, &fit, &arch);
                (void) role_of_type(d->parts[c->part[data]].type, &fit, &of);
                if (of && streq(arch, of))
                        return;
        }
        c->part[role] = -1;
}

/* A usr for another machine than its root is none of it. */
static int check_usr(const struct dissected *d, const struct choice *c, const char *path, struct err *e) {
        const char *root, *usr;
        enum part_fit fit;

        if (c->part[ROLE_ROOT] < 0 || c->part[ROLE_USR] < 0)
                return 0;
        (void) role_of_type(d->parts[c->part[ROLE_ROOT]].type, &fit, &root);
        (void) role_of_type(d->parts[c->part[ROLE_USR]].type, &fit, &usr);
        return !root || !usr || streq(root, usr)
                       ? 0
                       : err_set(e, ERR_IMAGE, 0, "%s has a root partition for %s and a usr partition for %s", path,
                                 root, usr);
}

/* A single partition of the plain Linux kind; in an old-style table, one that is marked bootable. Returns how many
 * there are. */
static unsigned choose_plain(const struct dissected *d, struct choice *c) {
        unsigned n = 0;

        for (unsigned i = 0; i < d->n; i++) {
                const struct dissected_part *p = &d->parts[i];

                if (d->table == TABLE_GPT ? !streq(p->type, TYPE_GENERIC) || p->no_auto
                                          : !streq(p->type, TYPE_LINUX) || !p->bootable)
                        continue;
                c->part[ROLE_ROOT] = (int) i;
                n++;
        }
        return n;
}

/* What holds the root of many installed systems, and has to be opened by the host. */
static const struct {
        char type[37], what[8], opens[24];
} layers[] = {
        { "e6d6d379-f507-44c2-a23c-238f2a3df928", "LVM", "vgchange -ay" },
        { "8e", "LVM", "vgchange -ay" },
        { "a19d880f-05fc-4d3b-a006-743f0f84911e", "a RAID", "mdadm --assemble --scan" },
        { "fd", "a RAID", "mdadm --assemble --scan" },
};

/* ELEMENTS(layers): none is in it. */
static size_t find_layer(const struct dissected *d, const struct dissected_part **ret) {
        for (unsigned i = 0; i < d->n; i++)
                for (size_t k = 0; k < ELEMENTS(layers); k++)
                        if (streq(d->parts[i].type, layers[k].type)) {
                                *ret = &d->parts[i];
                                return k;
                        }
        return ELEMENTS(layers);
}

const char *part_unopened(const struct dissected *d, struct arena *a) {
        const struct dissected_part *p;
        size_t layer = find_layer(d, &p);

        return layer == ELEMENTS(layers) ? NULL
                                         : arena_printf(a, "partition %u of the image is left out: it is for %s",
                                                        p->number, layers[layer].what);
}

/* The only one that could be marked; 0. */
static unsigned only_linux(const struct dissected *d) {
        unsigned found = 0, n = 0;

        for (unsigned i = 0; i < d->n; i++)
                if (streq(d->parts[i].type, TYPE_LINUX)) {
                        found = d->parts[i].number;
                        n++;
                }
        return n == 1 ? found : 0;
}

/* The first root that only a flag keeps from being used; 0. */
static unsigned kept_back(const struct dissected *d) {
        for (unsigned i = 0; i < d->n; i++) {
                enum part_fit fit;
                const char *arch;

                if (d->parts[i].no_auto && (role_of_type(d->parts[i].type, &fit, &arch) == ROLE_ROOT ||
                                            streq(d->parts[i].type, TYPE_GENERIC)))
                        return d->parts[i].number;
        }
        return 0;
}

static int refuse_rootless(const struct dissected *d, const char *path, struct err *e) {
        const struct dissected_part *p;
        size_t layer = find_layer(d, &p);

        if (*foreign_name(d->foreign))
                return foreign_refuse(d->foreign, path, e);
        if (layer < ELEMENTS(layers)) {
                err_set(e, ERR_IMAGE, 0,
                        "%s has no partition that could be the root, and partition %u is for %s, which berth does "
                        "not open",
                        path, p->number, layers[layer].what);
                return err_hint(e,
                                "losetup --find --partscan and %s make block devices of it: -i takes the one with the "
                                "root",
                                layers[layer].opens);
        }
        err_set(e, ERR_IMAGE, 0, "%s has no partition that could be the root", path);
        if (kept_back(d))
                return err_hint(e, "partition %u would be, but for its flag no-auto: sfdisk --part-attrs FILE %u ''",
                                kept_back(d), kept_back(d));
        if (d->table == TABLE_GPT)
                return err_hint(e, "a root partition has a type of its own; berth --inspect shows them");
        if (only_linux(d))
                return err_hint(e, "one of type 83 counts if it is marked bootable: sfdisk --activate FILE %u",
                                only_linux(d));
        return err_hint(e, "it needs one of type 83 that is marked bootable");
}

static const char *native_root(void) {
        for (size_t i = 0; i < ELEMENTS(types); i++)
                if (types[i].role == ROLE_ROOT && streq(types[i].arch, ARCH_NATIVE))
                        return types[i].type;
        return "TYPE";
}

int choose_parts(const struct dissected *d, const char *path, struct choice *ret, struct err *e) {
        unsigned n = 1;

        for (size_t i = 0; i < ROLE_MAX_; i++)
                ret->part[i] = -1;
        if (d->table == TABLE_BARE) {
                ret->part[ROLE_ROOT] = 0;
                return 0;
        }
        choose_by_type(d, ret);
        drop_foreign(d, ret, ROLE_ROOT_VERITY, ROLE_ROOT);
        drop_foreign(d, ret, ROLE_ROOT_VERITY_SIG, ROLE_ROOT);
        drop_foreign(d, ret, ROLE_USR_VERITY, ROLE_USR);
        drop_foreign(d, ret, ROLE_USR_VERITY_SIG, ROLE_USR);
        if (ret->part[ROLE_ROOT] < 0 && ret->part[ROLE_USR] < 0)
                n = choose_plain(d, ret);
        if (n == 1)
                return check_usr(d, ret, path, e);
        if (n > 1) {
                err_set(e, ERR_IMAGE, 0,
                        "%s has %u partitions of the plain Linux kind, and nothing says which is the root", path, n);
                if (d->table != TABLE_GPT)
                        return err_hint(e, "mark only the root bootable: sfdisk --activate FILE NUMBER");
                return err_hint(e, "give that one the type of a root partition: sfdisk --part-type FILE NUMBER %s",
                                native_root());
        }
        return refuse_rootless(d, path, e);
}
