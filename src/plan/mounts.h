/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The mount table: which file systems a guest gets, as rows with conditions. */

#include "plan/plan.h"

int plan_mounts(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e);

/* The partitions of a disk image; and, when all mounts are known, whether each of them is seen. */
int plan_image_parts(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e);
int plan_check_parts(const struct facts *f, const struct plan *p, struct err *e);

/* Files of the tree that follow the host: resolv.conf, localtime. */
int plan_files(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e);

/* What a user wants mounted. Of some the source is kept before anything lies on it: the first function says for each
 * of s->mounts in which slot (-1: it is not), and the second wants to know. */
const int *plan_keep_sources(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p);
int plan_binds(const struct spec *s, const struct facts *f, const int *kept, struct arena *a, struct plan *p,
               struct err *e);
/* Once that is done: what goes with the host's own /dev, /proc, /run or /sys in place of the container's. */
int plan_host_dir(const struct spec *s, const struct spec_mount *m, struct arena *a, struct plan *p, struct err *e);
/* Before plan_unit(): the devices among them. */
int plan_bind_devices(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e);
/* Is one of them at this place? */
bool plan_binds_at(const struct spec *s, const char *dst);
/* Does one of them end at this place, or below it, by links of the tree too? */
bool plan_binds_into(const struct spec *s, const struct facts *f, const struct plan *p, const char *dst);

/* What of the user's mounts a path inside lies on. */
enum laid_over {
        OVER_NOTHING,
        OVER_PASSING, /* it can be written to, and is gone with the container */
        OVER_KEPT,    /* the user's own, or nothing that can be written to */
        OVER_ITSELF,  /* the path is a mount of the user's */
};
enum laid_over plan_laid_over(const struct spec *s, const struct facts *f, const char *path);
/* Mount points in /run/host, which cannot be written to when the guest looks for them. */
void plan_seed_binds(const struct spec *s, const struct facts *f, struct arena *a, struct seed_list *seeds);

/* The container's journal, and where the host finds it. */
int plan_journal(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e);

/* What listens to the container's journald. */
int plan_forward(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e);

/* Users of the host that are brought inside; behind the table's mounts. */
int plan_bind_users(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e);

struct fsop *plan_add_fsop(struct arena *a, struct plan *p, const struct fsop *op);
void plan_note(struct arena *a, struct plan *p, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
