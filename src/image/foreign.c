/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What else people have for images: said by its name, with what makes one of it that can be started. Only marks are
 * looked at, and only of what does not start in any case. */

#include "image/dissect.h"

#include <errno.h>
#include <string.h>

#include "base/clean.h"

#define CONVERT "qemu-img convert -O raw makes a disk image of it"
#define UNPACK  "unpack it into a directory, and start that with -D"
#define DEVICES "-i takes block devices, too: losetup --find --partscan makes them of it, and "

enum when {
        ON_FAILURE,
        IF_ALONE /* neither a table nor a file system */,
        BESIDE /* a table in order, without a root */
};

static const struct {
        char name[55];
        unsigned at, n;
        char mark[22], hint[112];
        enum when when;
} foreign[] = {
        { "", 0, 0, "", "", ON_FAILURE },
        { "a disk of a virtual machine, of the kind qcow", 0, 4, "QFI\xfb", CONVERT, ON_FAILURE },
        { "a disk of a virtual machine, of the kind vmdk", 0, 4, "KDMV", CONVERT, ON_FAILURE },
        { "a description of a vmdk, whose data is in another file", 0, 21, "# Disk DescriptorFile", CONVERT,
          ON_FAILURE },
        { "a disk of a virtual machine, of the kind vdi", 64, 4, "\x7f\x10\xda\xbe", CONVERT, ON_FAILURE },
        { "a disk of a virtual machine, of the kind vhdx", 0, 8, "vhdxfile", CONVERT, ON_FAILURE },
        { "a disk of a virtual machine, of the kind vhd", 0, 8, "conectix", CONVERT, ON_FAILURE },
        { "a disk of a virtual machine, of the kind qed", 0, 4, "QED", CONVERT, ON_FAILURE },
        { "a disk of a virtual machine, of the kind parallels", 0, 6, "Withou", CONVERT, ON_FAILURE },
        { "a sparse image of Android", 0, 4, "\x3a\xff\x26\xed", "simg2img makes a disk image of it", ON_FAILURE },
        { "compressed by gzip", 0, 3, "\x1f\x8b\x08", "gunzip makes a disk image of it", ON_FAILURE },
        { "compressed by xz", 0, 6, "\xfd\x37zXZ", "unxz makes a disk image of it", ON_FAILURE },
        { "compressed by zstd", 0, 4, "\x28\xb5\x2f\xfd", "unzstd makes a disk image of it", ON_FAILURE },
        { "compressed by bzip2", 0, 3, "BZh", "bunzip2 makes a disk image of it", ON_FAILURE },
        { "compressed by lz4", 0, 4, "\x04\x22\x4d\x18", "unlz4 makes a disk image of it", ON_FAILURE },
        { "a zip archive", 0, 4, "PK\3\4", "unzip shows what is in it", ON_FAILURE },
        { "a tar archive", 257, 5, "ustar", UNPACK, ON_FAILURE },
        { "a cpio archive, as initrds are", 0, 6, "070701", UNPACK, ON_FAILURE },
        { "a program for UEFI or Windows", 0, 2, "MZ", "-i starts what has a root file system", IF_ALONE },
        { "a physical volume of LVM", 512, 8, "LABELONE", DEVICES "vgchange -ay those of its volumes", IF_ALONE },
        { "a part of a RAID", 0, 4, "\xfc\x4e\x2b\xa9", DEVICES "mdadm --assemble that of the whole", IF_ALONE },
        { "a part of a RAID", 4096, 4, "\xfc\x4e\x2b\xa9", DEVICES "mdadm --assemble that of the whole", IF_ALONE },
        { "an ISO 9660 image, as CDs are", 32769, 5, "CD001",
          "what it boots may be a squashfs in it: copy that out, and start it with -i", BESIDE },
};

static bool has_mark(const struct disk *d, size_t i) {
        uint8_t mark[32];

        return foreign[i].n <= sizeof mark && disk_read(d, foreign[i].at, mark, foreign[i].n) &&
               memcmp(mark, foreign[i].mark, foreign[i].n) == 0;
}

/* k: what dissecting it came to. */
static bool counts(enum when when, int k) {
        switch (when) {
        case ON_FAILURE: return k != 0;
        case IF_ALONE: return k > 0;
        default: return true;
        }
}

unsigned foreign_look(const struct disk *d, int k) {
        for (unsigned i = 1; i < ELEMENTS(foreign); i++)
                if (counts(foreign[i].when, k) && has_mark(d, i))
                        return i;
        return 0;
}

const char *foreign_name(unsigned kind) {
        return kind < ELEMENTS(foreign) ? foreign[kind].name : "";
}

int foreign_refuse(unsigned kind, const char *path, struct err *e) {
        err_set(e, ERR_IMAGE, 0, "%s is no disk image to start from: it is %s", path, foreign_name(kind));
        return kind < ELEMENTS(foreign) ? err_hint(e, "%s", foreign[kind].hint) : -EINVAL;
}
