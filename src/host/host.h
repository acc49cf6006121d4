/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host's service manager, as the launcher sees it: implementations of struct manager. */

#include "run/manager.h"

/* By berth-agent, a process of its own: the only program of ours that speaks to a message bus. So a bus that hangs
 * cannot hang the launcher, and the launcher needs no library for it. */
struct manager manager_agent(void);

/* For a plan without a unit and without registration: does nothing. */
struct manager manager_none(void);
