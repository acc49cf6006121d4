/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A disk image as a source of file systems: opened, locked, taken apart, and its partitions mounted, detached. The
 * image is untrusted. Whatever happens to this process, nothing stays: loop devices and mounts vanish with the last
 * descriptor. */

#include "base/arena.h"
#include "base/err.h"
#include "image/roles.h"
#include "plan/facts.h"
#include "state/lock.h"

/* What stands between a partition and its file system. */
enum protection { PROTECTION_NONE, PROTECTION_VERITY, PROTECTION_LUKS };

/* Whom to ask for passphrases, and what partitions hold. */
struct image_ask {
        /* One for a partition; turn: how often this one was asked for before. Returns its length, 0: there is nobody.
         */
        int (*ask)(const char *path, const char *what, unsigned turn, char *buf, size_t size, struct err *e);
        const char *credentials; /* directory with berth's own; NULL */
        struct blkid_run *blkid; /* begun already; NULL */
};

struct verity;
struct image_part {
        enum part_role role;
        const struct dissected_part *part;
        const char *name;  /* of the directory that it belongs on, relative to the root */
        const char *where; /* the same without links; NULL: not mounted */
        enum spot spot;
        bool fixed; /* it can never be written to */
        bool read_only;
        enum protection protection;
        int loop; /* or the mapped device on it; -1: none yet */
        char device[32];
        bool opened;     /* that is a mapped device */
        uint64_t inside; /* its bytes, of an encrypted partition */
        int mount;       /* the first one, which others are copies of; -1 */
        bool damaged;    /* it could not be mounted for that */
        bool mended;     /* that was tried */
};

struct image {
        const char *path;
        int file; /* -1: closed */
        bool block, read_only, peek;
        bool copied; /* file is one of our own, gone with us */
        bool no_fsck;
        enum tristate direct_io;
        uint64_t size;
        struct lock lock;
        struct dissected *found;
        struct choice choice;
        struct image_part parts[ROLE_MAX_]; /* the root first */
        unsigned n;
        struct strv notes;
        const struct policy *policy;
        unsigned file_systems; /* as wanted */
        const struct spec_protection *protection;
        const struct image_ask *ask; /* NULL: nobody */
        struct blkid_run *blkid;     /* hung up; to be ended when it has had the time for that by itself */
        struct verity *verity;
};

struct image_want {
        const char *path;
        const struct policy *policy;
        unsigned file_systems; /* the POLICY_ flags of those that may be in it; 0: all that berth mounts */
        const struct spec_protection *protection; /* NULL: nothing was said */
        const struct image_ask *ask;
        bool read_only;
        bool copy; /* one that shares its blocks, where the file system can; otherwise read_only counts */
        enum tristate direct_io; /* UNSAID: where it is written to */
        bool lock;
        bool no_fsck;
        bool peek; /* --dry-run: nothing is written, whatever the plan says */
};

/* Which partitions there are, and which are used: needs no rights but to read the file. */
int image_open(const struct image_want *want, struct arena *a, struct image **ret, struct err *e);

/* The same, but nothing is refused for the policy or for what cannot be done: what there is to say to each role, and
 * of all that the first thing. ERR_NONE: nothing. */
struct image_verdict {
        struct err first, role[ROLE_MAX_];
};
int image_inspect(const struct image_want *want, struct arena *a, struct image **ret,
                  struct image_verdict *ret_verdict, struct err *e);

/* Is what is in the partition to be mounted, as far as it is known? Encrypted is not yet. */
int image_check_kind(const struct image *m, const struct image_part *i, struct err *e);

/* Its loop device, once. */
int image_device(struct image *m, struct image_part *p, struct err *e);

/* A new mount of partition number i of parts, detached. */
int image_mount(struct image *m, unsigned i, struct err *e);
static inline bool image_is_boot(const struct image_part *p) {
        return p->role == ROLE_ESP || p->role == ROLE_XBOOTLDR;
}

/* fsck.c: what is written to and was not left clean is checked, and mended as far as that takes no decision, as
 * fsck -a does; before the first mount. What cannot be is refused. Boot partitions are asked for by themselves, for
 * whether they will be mounted is known last. */
int image_fsck(struct image *m, bool boot, struct arena *a, struct err *e);
/* The same for what says that it was left clean, and could not be mounted for the damage that it has. */
bool image_may_mend(const struct image *m, const struct image_part *p);
/* Of those the one that was met: then it can be mounted. The facts get the note. */
int image_mend_damaged(struct image *m, struct arena *a, struct facts *f, struct err *e);
/* As image_mount(), with that, once, if it needs to be. a: NULL where it is too late for a note. */
int image_mount_mended(struct image *m, unsigned i, struct arena *a, struct err *e);
/* What fsck would have to say before a start; damaged: before one that failed for that. NULL: nothing. */
const char *image_fsck_why(const struct image *m, bool damaged, struct arena *a);

/* Those whose flag asks for it become as large as their partitions. */
int image_grow_all(struct image *m, struct arena *a, struct err *e);

/* The file system of a writable mount of it becomes as large as its partition. -errno: -EOPNOTSUPP where it cannot be
 * done while it is mounted. */
int image_grow(const struct image_part *p, int mount);

/* copy.c: a file of our own without a name takes the place of the image, all of whose partitions may be written to
 * then. The first shares its blocks: 0 where that cannot be, 1. The second copies all; tell may end it. What was
 * mounted until then stays with who has it. */
int image_share(struct image *m);
int image_copy(struct image *m, int (*tell)(void *arg, uint64_t files, uint64_t bytes), void *arg, struct err *e);

/* What is seen of the OS before it starts: a mount of the root, with /usr. a: NULL where its place is known. */
int image_open_os(struct image *m, struct arena *a, struct err *e);

/* places.c: where each partition goes in that tree, in an order in which none covers another one. Boot partitions may
 * be left out. The tree has all that is needed for that mounted in it then, or all there is but boot partitions, which
 * the second mounts. */
int image_place(struct image *m, int *root, bool join_all, struct arena *a, struct err *e);
int image_join_boot(struct image *m, int *root, struct arena *a, struct err *e);
/* For one. */
enum spot image_find_spot(int root, struct image_part *p, struct arena *a);

/* All that there is to know before a plan: opens the image, and its root as *ret_root. *ret is the caller's to close,
 * also after an error. */
int image_look(const struct spec *s, const struct image_ask *ask, struct arena *a, struct facts *f, int *ret_root,
               struct image **ret, struct err *e);

void image_facts(const struct image *m, struct arena *a, struct facts *f);

/* Twice is fine. image may be NULL. */
void image_close(struct image *m);
/* In a copy of the process: closes, but keeps what is the first one's. */
void image_forget(struct image *m);
