/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Words for the values of a plan, for both ways of printing it. */

#include "plan/plan.h"

enum { PLAN_WORDS = 16 };

const char *fsop_kind_name(enum fsop_kind k);
/* The operation failed with k: e says which option asked for it. What an option asks for begins its .why with it.
 * Returns k. */
int fsop_blame(const struct fsop *op, int k, struct err *e);
/* The label of --selinux-apifs-context= in what berth itself mounts, NULL; and the error where it is not known. */
const char *fsop_label(const struct fsop *op);
int fsop_refuse_label(const struct fsop *op, struct err *e);
const char *lock_name(int lock);
const char *copy_method_name(enum copy_method m);
const char *rlimit_name(int what);
/* As --cpu-affinity= takes them: "0-3,8". */
enum { PLAN_CPUS = 4096 };
const char *cpu_list(const uint8_t cpus[128], char buf[PLAN_CPUS]);
/* "x86", "native", or the number. */
const char *personality_name(unsigned long personality, char buf[32]);
/* NULL-terminated lists. */
void plan_attr_words(const struct fsop *op, const char *ret[PLAN_WORDS]);
void plan_flag_words(const struct fsop *op, const char *ret[PLAN_WORDS]);
void plan_namespace_words(const struct plan *p, const char *ret[PLAN_WORDS]);
