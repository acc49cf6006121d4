/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/err.h"
#include "image/dissect.h"

/* dissect() in a process that can do nothing but read this file and write its result into a pipe. ERR_IMAGE: what is
 * wrong with the image. path: for messages. */
int dissect_apart(int fd, uint64_t size, const char *path, struct dissected *ret, struct err *e);
