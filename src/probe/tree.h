/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Facts about the opened OS tree. Everything is read through one O_PATH descriptor of its root with
 * openat2(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS), O_NONBLOCK | O_NOCTTY, regular files only, at most
 * TREE_FILE_MAX bytes: the tree is untrusted and may be hostile. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/elf.h"
#include "base/err.h"
#include "plan/tree_facts.h"
#include "spec/spec.h"

enum { TREE_FILE_MAX = 64 * 1024, TREE_PASSWD_MAX = 1024 * 1024, TREE_GROUPS_MAX = 1024 };

/* Read a small regular file of the tree. Returns its length, -ENOENT where there is none, -EFBIG, -ELOOP, -EINVAL (not
 * a regular file) ... *ret is NUL-terminated and lives in a. */
ssize_t tree_read(int root, const char *path, size_t max, struct arena *a, char **ret);

/* A user of the tree, from its own /etc/passwd and /etc/group, parsed here: no NSS, no program of the tree.
 * name may be a number without an entry: then home is "/", shell NULL. ERR_PAYLOAD where the name is not found. */
int tree_user(int root, const char *name, struct arena *a, struct tree_user *ret, struct err *e);

/* The machine id of the tree: 1 and ret filled where /etc/machine-id is valid, 0 where it is missing, empty,
 * "uninitialized" or malformed. */
int tree_machine_id(int root, uint8_t ret[16]);

/* Is there a /etc/os-release or /usr/lib/os-release? A positive answer needs a regular file (links resolved in-root).
 */
bool tree_has_os_release(int root);

/* A tree without usr and without the program that it is to run: no OS tree, and nothing else that can be started. */
bool tree_lacks_program(int root, const struct spec_exec *x);

/* A tree without the command that it is to run (there is one), as far as that can be said from outside. */
bool tree_lacks_command(int root, const struct spec_exec *x);

/* The program that will run is read ahead, if it can be found. init: of --boot; NULL. */
void tree_read_ahead(int root, const struct spec_exec *x, const char *init);

/* Which program --boot starts, and what kind of init it is: decides the stop signals. */
int tree_init(int root, struct arena *a, struct tree_init *ret, struct err *e);
const char *init_kind_name(enum init_kind k);

/* What machine a file in the tree is for: 1 and filled, or 0 where it is no ELF file, or -errno. */
int tree_elf(int root, const char *path, struct elf_kind *ret);
