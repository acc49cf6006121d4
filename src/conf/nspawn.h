/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "conf/conf.h"

enum { NSPAWN_FILE_MAX = 1024 * 1024 };

/* One .nspawn file, already read. */
struct nspawn_file {
        const char *path; /* for messages */
        char *text;       /* NUL-terminated; is changed while it is parsed */
        size_t size;
        enum origin origin;
        bool trusted;
};

/* Record what it says. Returns -errno with e filled only where the start must not go on: a trusted file asks for
 * what this build cannot do. All else that is wrong becomes a warning with FILE:LINE. */
int nspawn_parse(struct conf *c, const struct nspawn_file *f, struct err *e);
