/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/err.h"
#include "image/dissect.h"

/* A look in a process that can do nothing but read this file and write its result into a pipe: look() gets a zeroed
 * result of size bytes, allocates nothing, and what it has written is not to be believed. */
struct apart {
        void (*look)(const struct disk *d, const struct apart *what, void *ret);
        size_t size;
        uint64_t start, length;        /* of the part of the file that it is about */
        const struct blkid_run *blkid; /* it may ask this one; NULL */
};
int apart(int fd, uint64_t size, const struct apart *what, const char *path, void *ret, struct err *e);

/* What is looked at: path is for messages. blkid: was begun for it, or is begun (.sock is -1). It has hung up in the
 * end, and is the caller's to end when there is time for that. */
struct apart_image {
        int fd;
        uint64_t size;
        const char *path;
        struct blkid_run *blkid;
};
/* dissect() in such a process, and with berth-blkid. ERR_IMAGE: what is wrong with the image. */
int dissect_apart(const struct apart_image *m, struct dissected *ret, struct err *e);
