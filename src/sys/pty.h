/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Pseudo terminals of a given devpts instance: pty(7). All return -errno. */

/* ptmx: descriptor of the directory where a devpts is mounted. Both ends, close-on-exec. */
int pty_open(int devpts, int *ret_master, int *ret_slave);
int pty_make_controlling(int slave); /* of a session leader without one */
