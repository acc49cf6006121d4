/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Fills struct facts. Opens the tree and a few of the host's directories on the way; changes nothing,
 * but for probe_lend(). */

#include "plan/facts.h"

/* Descriptors the launch goes on with. Owned; -1 where there is none. */
struct opened {
        int proc;   /* the host's proc, O_PATH */
        int root;   /* the tree, or the directory of --pivot-root= in it, O_PATH */
        int whole;  /* and then: the whole tree, O_PATH */
        int cgroup; /* the caller's cgroup, where containers' cgroups are made, O_PATH */
        int lent;   /* the user namespace that systemd-nsresourced has lent ids to: they go with it */
        bool made;  /* root (whole) is what --template= has made, since the facts were found */
};

void opened_init(struct opened *o);

/* sd_listen_fds(3): how many descriptors from 3 on are passed to this process; 0 where the variables are another's. */
unsigned probe_listen_fds(char **env);

/* The name that a container of this spec has, whether its tree is there or not. */
const char *probe_name(const struct spec *s, struct arena *a);

/* Step one: which tree, and the machine's name: enough to look for settings files. Where f->image.used is set then,
 * the tree is in the disk image f->tree.path, and o->root is for image/ to open. */
int probe_root(const struct spec *s, struct arena *a, struct facts *f, struct opened *o, struct err *e);

/* Facts of the opened top directory; for a directory part of the above. */
int probe_top(struct facts *f, int root, struct err *e);

/* A launch that failed may have made the tree by then: from now on it is the one that the facts are of. */
int probe_made(struct facts *f, struct opened *o, struct err *e);

/* Step two, once the spec is sealed: all the rest. */
int probe_host(const struct spec *s, char **env, struct arena *a, struct facts *f, struct opened *o, struct err *e);
int probe_tree(const struct spec *s, struct arena *a, struct facts *f, struct opened *o, struct err *e);

/* Part of the above: service manager and machined; needs f->cgroup. */
void probe_manager(const struct spec *s, char **env, struct arena *a, struct facts *f);

/* Who answers at this socket, within ten seconds. */
enum id_service probe_nsresourced(const char *path, struct arena *a);
/* Ask it for ids: o->lent, and f->lent. They are ours for as long as that user namespace is there. Only in a launch.
 */
int probe_lend(const struct spec *s, struct arena *a, struct facts *f, struct opened *o, struct err *e);

/* Has the tree what the plan mounts on? In a launch the guest says so. */
struct plan;
int probe_places(const struct plan *p, const struct opened *o, struct err *e);

/* The path of berth-agent, NULL: it is not there. */
const char *probe_agent(struct arena *a);
unsigned probe_systemd_version(void); /* of the host, 0: not known */

/* What the sources of --bind= and its kin lead to. */
void probe_sources(const struct spec *s, struct arena *a, struct facts *f, const struct opened *o);

/* Where the host would find the container's journal, and who can write it down. */
void probe_journal(const struct spec *s, struct arena *a, struct facts *f, const struct opened *o);

/* Contents of what shall be passed, with those that are to be loaded. Not with --dry-run: a socket tells once. */
int probe_credentials(const struct spec *s, char **env, struct arena *a, struct credential_list *ret, struct err *e);

/* Who runs programs of the kind f->tree.foreign. */
void probe_emulator(struct arena *a, struct facts *f, const struct opened *o);

/* Whom --bind-user= names. */
int probe_bind_users(const struct spec *s, struct arena *a, struct facts *f, const struct opened *o, struct err *e);
/* And their passwords (hashed), as user records have them; with the credentials, and not with --dry-run. */
int probe_passwords(const struct spec *s, struct arena *a, struct credential_list *ret, struct err *e);

/* What is mounted inside the tree, from mountinfo: costs time in proportion to the mounts of the host. */
int probe_submounts(struct arena *a, struct facts *f, const struct opened *o, struct err *e);

/* A step of the launch found a fact wrong, for the reason in e: look again. Returns an error where there is no other
 * way. */
int probe_correct(enum refutable what, const struct spec *s, struct arena *a, struct facts *f, struct opened *o,
                  struct err *e);
