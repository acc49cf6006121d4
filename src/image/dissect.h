/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is on a disk image: partition table and kinds of file systems. The image is hostile: every number in it is
 * checked before it is used, nothing is allocated, and each loop has a bound. dissect() reads and computes, no more;
 * it runs in a process of its own (apart.c), so its result is one plain struct. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "image/blkid.h"

enum { DISSECT_PARTS = 128 };

enum table_kind { TABLE_BARE, TABLE_GPT, TABLE_MBR };

struct dissected_part {
        unsigned number;       /* from 1, as the kernel counts; 0: the whole of a bare image */
        uint64_t start, size;  /* bytes */
        char type[37];         /* UUID in lower case; MBR: two hexadecimal digits */
        char uuid[37];         /* "": none */
        char label[112];       /* UTF-8, "": none */
        char fs[16];           /* see superblock.c; "": none that berth knows */
        char other[TOLD_NAME]; /* what it is then, by libblkid; to be shown only. "": that is not known either */
        bool no_auto, read_only, growfs, bootable;
        bool unclean; /* the file system was not unmounted, or had errors, or is due for a check */
};

struct dissected {
        enum table_kind table;
        unsigned sector;  /* bytes */
        bool from_backup; /* the first GPT is damaged */
        unsigned n;
        bool untold;      /* why is no fault of the image's */
        char why[160];    /* what is wrong with it */
        unsigned foreign; /* foreign.c: what the whole of it is, too; 0: nothing known */
        struct dissected_part parts[DISSECT_PARTS];
};

/* A file, or bytes in memory. */
struct disk {
        int fd;
        const uint8_t *bytes; /* NULL: fd */
        uint64_t size;
        /* What is in a range: blkid_ask() with a socket to berth-blkid, or what a test makes up. NULL, -1: not asked.
         */
        void (*tell)(int teller, const struct disk_range *range, struct told *ret);
        int teller;
};

/* All n bytes at a place, or false: they are not there. */
bool disk_read(const struct disk *d, uint64_t at, void *buf, size_t n);

/* 0, or -EINVAL or -EIO with why filled: the second where nobody told what is in it. */
int dissect(const struct disk *d, struct dissected *ret);

/* gpt.c. 1: found and filled; 0: there is none; -EINVAL with why filled. */
int gpt_read(const struct disk *d, struct dissected *ret);
/* Does the first sector, an old-style table whose first partition covers the disk, say that there is one? */
bool gpt_is_announced(const uint8_t first[512]);

/* superblock.c: what is in the range that p has. 1: p->fs and p->unclean filled; 0: nothing known, p->other filled
 * where that has a name; -EINVAL: why filled, it is not as large as it says, or it is two things at once; -EIO: why
 * filled, nobody told. */
int superblock_look(const struct disk *d, struct dissected_part *p, char why[160]);

/* What may be in p->fs? "" may. */
bool superblock_is_known(const char *fs);

/* libblkid's names of all that, NULL at the end. */
enum { SUPERBLOCK_NAMES = 16 };
void superblock_names(const char *ret[SUPERBLOCK_NAMES]);

/* foreign.c: a kind of file that is no disk image, or is one of another sort; 0: none that is known. k: 0 there is a
 * table or a file system, 1 there is neither, -EINVAL there is something wrong with it. */
unsigned foreign_look(const struct disk *d, int k);
const char *foreign_name(unsigned kind);
int foreign_refuse(unsigned kind, const char *path, struct err *e);

/* Little-endian numbers at any address. */
static inline uint16_t le16(const uint8_t *p) {
        return (uint16_t) (p[0] | p[1] << 8);
}
static inline uint32_t le32(const uint8_t *p) {
        return p[0] | (uint32_t) p[1] << 8 | (uint32_t) p[2] << 16 | (uint32_t) p[3] << 24;
}
static inline uint64_t le64(const uint8_t *p) {
        return le32(p) | (uint64_t) le32(p + 4) << 32;
}
