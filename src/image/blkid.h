/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* berth-blkid: a program of its own that tells by libblkid what is in ranges of an image. The image is hostile, and
 * the library has a parser for each of a hundred formats. So the program is nobody, without a capability, and has
 * nearly no system call when it reads the first byte: it can read this image and write answers into one socket.
 *
 * First a datagram with the image's descriptor; then a range for each answer, one at a time, until the socket closes.
 * An answer is not believed: who asks accepts only names of a list of its own, or shows what it got. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum { BLKID_FD = 3, TOLD_NAME = 32 };

/* What one answer may take, and all of them. */
enum { BLKID_PATIENCE_S = 10, BLKID_PATIENCE_ALL_S = 60 };

struct disk_range {
        uint64_t start, size;
};

enum told_result {
        TOLD_NOTHING,
        TOLD_ONE,     /* name[0] */
        TOLD_FOREIGN, /* name[0] is none of superblock_names() */
        TOLD_TWO,     /* both names: it looks like either */
        TOLD_DAMAGED, /* name[0], but its checksum is wrong */
        TOLD_FAILED,  /* error */
        /* Said by who asks: */
        TOLD_LATE, /* no answer in time */
        TOLD_GONE, /* no answer, or none that makes sense */
};

/* Names are libblkid's. */
struct told {
        uint32_t result;
        int32_t error;
        char name[2][TOLD_NAME];
};

/* --- the program (blkid_tell.c is what of it knows libblkid) --- */

struct teller;
/* All that has to be made before the doors are closed. names: NULL at their end. NULL: there is no memory. */
struct teller *teller_new(const char *const *names);
void teller_tell(struct teller *t, int image, const struct disk_range *range, struct told *ret);
void teller_free(struct teller *t);

/* --- who runs it (blkid_client.c) --- */

struct blkid_run {
        int sock; /* -1: not running, or not any more */
        pid_t pid;
};

/* Before there is an image: it takes most of its time to start. path: for messages. */
int blkid_begin(const char *path, struct blkid_run *ret, struct err *e);
/* Once. The descriptor stays the caller's. */
void blkid_give(const struct blkid_run *run, int image);
/* Asks by the socket alone, with read(2) and write(2). What comes back has a result, and names that are text. */
void blkid_ask(int sock, const struct disk_range *range, struct told *ret);
/* It ends by itself then. */
void blkid_hang_up(struct blkid_run *run);
/* Twice is fine. Returns whether it could not even start: its library is missing. */
bool blkid_end(struct blkid_run *run);
