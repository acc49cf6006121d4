/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/resource.h>

/* What a process of ours gives up before it touches what is hostile: root, for nobody and no group; all capabilities;
 * and for good the means to get any back. It leaves no core, may have so much memory (bytes; a build with sanitizers
 * has no limit) and processor time, or what the caller has where that is less, and dies with who made it. Where there
 * is no nobody to become (a user namespace with few ids, a container without CAP_SETUID), it keeps its number. 0 or
 * -errno. */
int confine(rlim_t memory, rlim_t cpu_s);
