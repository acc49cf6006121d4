/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What errno(3) means, in the words of the C library of the machine that built this, whatever it is linked to. */
const char *errno_text(int code);
