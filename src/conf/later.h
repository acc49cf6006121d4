/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Grammars of what this build cannot do yet: later.c. */

#include "conf/setting.h"

int later_flag(const struct saying *s, struct err *e);
int later_path(const struct saying *s, struct err *e);
int later_interface(const struct saying *s, struct err *e);
int later_zone(const struct saying *s, struct err *e);
int later_port(const struct saying *s, struct err *e);
