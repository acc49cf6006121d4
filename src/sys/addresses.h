/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* IP addresses of a network namespace. */

#include "base/arena.h"

/* Those of the network namespace of a process, but for the loopback's: "10.0.0.2", "fe80::1%host0". 1: it is our own
 * namespace, nothing is listed. -errno. Enters the namespace for a moment: for a process with one thread. */
int addresses_list(int proc, int pidfd, struct arena *a, struct strv *ret);
