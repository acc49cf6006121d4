/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* struct facts as text: what probe/ would find on a usual host, and a file of KEY=VALUE lines that changes some of it.
 * README.md lists the keys and the defaults. */

#include "plan/facts.h"

/* Debian 13 with systemd, on which root calls berth from a shell. Some facts follow from the spec, as they do in
 * probe/: whose entry of passwd(5) was read, which ranges of ids were looked for. */
void facts_usual(const struct spec *s, struct arena *a, struct facts *ret);

/* One line of the file; in place. -EINVAL: no such key, or not a value for it. */
int facts_say(struct facts *f, struct arena *a, char *line);
