/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* landlock(7), ABI 6 (Linux 6.12): from here on this process and its descendants connect only to abstract sockets of
 * their own. Returns -errno. */
int landlock_scope_abstract(void);
