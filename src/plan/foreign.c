/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/foreign.h"

#include <elf.h>
#include <stdint.h>
#include <string.h>

#include "base/elf.h"
#include "base/str.h"
#include "plan/mounts.h"

bool plan_emulates(const struct facts *f, const struct plan *p) {
        return p->ids.own && f->tree.foreign.class && f->host.emulator && !f->host.emulates && !f->host.no_binfmt;
}

static const char *escape(const uint8_t *bytes, size_t n, struct arena *a) {
        const char *text = "";

        for (size_t i = 0; i < n; i++)
                text = arena_printf(a, "%s\\x%02x", text, bytes[i]);
        return text;
}

/* Linux' Documentation/admin-guide/binfmt-misc.rst. F: the emulator is opened now, and need not be in the tree; P: it
 * is told argv[0], by which a busybox knows what it is; O and C: it gets the program opened, and the rights of that.
 */
const char *plan_emulator_line(const struct facts *f, struct arena *a) {
        const struct elf_kind *k = &f->tree.foreign;
        bool little = k->data == ELFDATA2LSB;
        uint8_t magic[ELF_HEAD] = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, k->class, k->data, EV_CURRENT },
                mask[ELF_HEAD];

        /* Any system (EI_OSABI), and both kinds of programs: ET_EXEC is 2, ET_DYN 3. */
        memset(mask, 0xff, sizeof mask);
        mask[EI_OSABI] = 0;
        magic[little ? EI_NIDENT : EI_NIDENT + 1] = ET_EXEC;
        mask[little ? EI_NIDENT : EI_NIDENT + 1] = 0xfe;
        magic[EI_NIDENT + 2] = (uint8_t) (little ? k->machine : k->machine >> 8);
        magic[EI_NIDENT + 3] = (uint8_t) (little ? k->machine >> 8 : k->machine);
        return arena_printf(a, ":berth:M::%s:%s:%s:FPOC", escape(magic, sizeof magic, a), escape(mask, sizeof mask, a),
                            f->host.emulator);
}

void plan_foreign(const struct facts *f, struct arena *a, struct plan *p) {
        const char *name = f->tree.foreign.class ? elf_machine_name(&f->tree.foreign) : NULL;

        if (!name)
                return;
        p->exec.foreign = name;
        if (f->host.emulates || plan_emulates(f, p)) {
                plan_note(a, p, "programs for %s are run by %s", name,
                          str_or(f->host.emulator, "the host's emulator"));
                return;
        }
        if (!f->host.emulator)
                p->exec.foreign_hint = arena_printf(a, "install qemu-%s-static (the package qemu-user-static)", name);
        else if (f->host.no_binfmt)
                p->exec.foreign_hint =
                        arena_printf(a,
                                     "register %s with the host's binfmt_misc, with the flag F: a container's own "
                                     "wants Linux 6.7",
                                     f->host.emulator);
        else
                p->exec.foreign_hint =
                        arena_printf(a,
                                     "with --private-users=pick the container is given %s; without, register it "
                                     "with the host's binfmt_misc, with the flag F",
                                     f->host.emulator);
}
