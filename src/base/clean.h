/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Cleanup at the point of birth: attributes for locals. An early return is always right. */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEAN(f) __attribute__((cleanup(f)))

static inline void clean_fd(int *fd) {
        if (*fd >= 0)
                close(*fd);
}
static inline void clean_free(void *p) {
        free(*(void **) p);
}
static inline void clean_file(FILE **f) {
        if (*f)
                fclose(*f);
}
static inline void clean_dir(DIR **d) {
        if (*d)
                closedir(*d);
}

#define CLEAN_FD   CLEAN(clean_fd)
#define CLEAN_FREE CLEAN(clean_free)
#define CLEAN_FILE CLEAN(clean_file)
#define CLEAN_DIR  CLEAN(clean_dir)

/* Hand the value on: the local no longer owns it. */
#define TAKE_FD(fd)                                                                                                   \
        ({                                                                                                            \
                int *p_ = &(fd), v_ = *p_;                                                                            \
                *p_ = -1;                                                                                             \
                v_;                                                                                                   \
        })
#define TAKE_PTR(p)                                                                                                   \
        ({                                                                                                            \
                __typeof__(p) v_ = (p);                                                                               \
                (p) = NULL;                                                                                           \
                v_;                                                                                                   \
        })

#define ELEMENTS(a) (sizeof(a) / sizeof *(a))
