/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/err.h"
#include "image/dissect.h"

/* A look in a process that can do nothing but read this file and write its result into a pipe: look() gets a zeroed
 * result of size bytes, allocates nothing, and what it has written is not to be believed. */
struct apart {
        void (*look)(const struct disk *d, const struct apart *what, void *ret);
        size_t size;
        uint64_t start, length; /* of the part of the file that it is about */
};
int apart(int fd, uint64_t size, const struct apart *what, const char *path, void *ret, struct err *e);

/* dissect() in a process that can do nothing but read this file and write its result into a pipe. ERR_IMAGE: what is
 * wrong with the image. path: for messages. */
int dissect_apart(int fd, uint64_t size, const char *path, struct dissected *ret, struct err *e);
