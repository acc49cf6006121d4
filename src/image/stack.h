/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Mount stacks (systemd.mstack(7)): a directory whose entries say what the root is made of, by their names. The
 * directory is the administrator's; what the entries hold is untrusted, as any tree and any image. */

#include "image/image.h"

struct stack {
        struct image **images; /* those that are layers, then those that are mounted elsewhere */
        size_t n;
};

/* All that there is to know before a plan: reads the directory f->tree.path, opens its images, and what will be seen
 * of it as *ret_root. *ret is the caller's to close, also after an error. */
int stack_look(const struct spec *s, struct arena *a, struct facts *f, int *ret_root, struct stack **ret,
               struct err *e);

/* Twice is fine; stack may be NULL. The second: in a copy of the process. */
void stack_close(struct stack *stack);
void stack_forget(struct stack *stack);
