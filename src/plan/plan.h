/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What will be done, completely and in order. plan_make() is a pure function of a spec and facts: it makes no system
 * call, so a plan can be printed, compared and tested without root. Everything the guest does is in here. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "plan/facts.h"
#include "spec/spec.h"
#include "sys/devices.h"
#include "sys/filter.h"
#include "sys/idmap.h"

/* What a new file system is filled with while it is still detached. Paths are relative to it. */
enum seed_kind {
        SEED_DIR,
        SEED_LINK,
        SEED_FILE,
        SEED_FIFO,
        SEED_NODE,
        SEED_SOCKET,     /* a socket that nobody listens on */
        SEED_BOOT_ID,    /* a file with a random UUID, new at every start */
        SEED_NOTIFY,     /* the socket that sd_notify(3) of the payload writes to */
        SEED_REGISTER,   /* what is written to a file that is there: the kernel's own */
        SEED_CREDENTIAL, /* a file, with what only the launcher knows */
        SEED_KMSG,       /* a FIFO that the launcher holds open, so that readers wait instead of failing */
};
struct seed {
        enum seed_kind kind;
        mode_t mode; /* for SEED_NODE with S_IFCHR or S_IFBLK */
        const char *path;
        const char *text; /* content of a file, target of a link */
        dev_t dev;
};
struct seed_list {
        struct seed *items;
        size_t n;
};

/* One operation on the guest's file systems. */
enum fsop_kind {
        FSOP_FRESH,   /* a new file system of type src, seeded, then attached */
        FSOP_TREE,    /* the host's file or directory of a slot */
        FSOP_SELF,    /* what is at src (inside, "" for dst), once more at dst with attributes of its own */
        FSOP_HIDE,    /* cover it by an inaccessible file or directory */
        FSOP_WRITE,   /* a regular file in the tree itself: only where an option says so */
        FSOP_LINK,    /* a symbolic link in the tree itself: likewise */
        FSOP_REMOVE,  /* remove a file of the tree itself: likewise */
        FSOP_DIR,     /* a directory in the tree itself, where there is none: likewise */
        FSOP_KEEP,    /* remember what is at src (inside) in a slot */
        FSOP_DETACH,  /* take the mount at dst away again */
        FSOP_OVERLAY, /* several directories as one: made whole by the launcher (FSOP_BY_HOST) */
};

enum fsop_flags {
        FSOP_OPTIONAL = 1 << 0,  /* where dst is missing: skip */
        FSOP_MAKE_DIR = 1 << 1,  /* where dst is missing: make a directory */
        FSOP_MAKE_FILE = 1 << 2, /* where dst is missing: make an empty file */
        FSOP_BY_HOST = 1 << 3,   /* the launcher makes it: it has rights that the guest lacks */
        FSOP_RECURSIVE = 1 << 4,
        FSOP_IDMAP = 1 << 5,       /* owners are mapped by the guest's user namespace */
        FSOP_LATE = 1 << 6,        /* once the guest is in its final cgroup and network namespace */
        FSOP_FOLLOW = 1 << 7,      /* dst may be a link (resolved inside); otherwise that is refused */
        FSOP_ON_LINK = 1 << 8,     /* dst may be a link: the mount covers the link itself */
        FSOP_REPLACE = 1 << 9,     /* FSOP_WRITE: take the place of a link or other file */
        FSOP_SEAL = 1 << 10,       /* FSOP_FRESH: read-only once it is seeded */
        FSOP_OF_GUEST = 1 << 11,   /* FSOP_FRESH: it shows namespaces of the guest */
        FSOP_IN_TREE = 1 << 12,    /* FSOP_TREE: host is for people; the source is in the tree itself: src, links
                                      resolved inside, or without src dst, without links */
        FSOP_PARENTS = 1 << 13,    /* FSOP_MAKE_*: and the directories that lead to it */
        FSOP_OF_USER = 1 << 14,    /* asked for by name: where it cannot be had, there is no other plan */
        FSOP_OF_IMAGE = 1 << 15,   /* FSOP_TREE: host is for people; the source is a partition of the image */
        FSOP_WHOLE = 1 << 16,      /* FSOP_TREE: host is for people; the source is the whole tree of --pivot-root= */
        FSOP_OF_JOURNAL = 1 << 17, /* where it fails: a plan without it, unless it must be; a restart goes on */
        FSOP_OF_STACK = 1 << 18,   /* FSOP_TREE: host is for people; the source is the root of an image of a stack */
        FSOP_SLAVE = 1 << 19,      /* FSOP_TREE: what the host mounts there later comes along */
};

/* A directory that takes part in an overlay, opened by the launcher and taken as a mount of its own. */
struct layer {
        const char *inside; /* in the tree, "" its top; links are followed there, never out of it */
        const char *host;   /* where that is NULL: a path of the host */
        bool of_image;      /* host is for people: it is this one of facts.image.parts */
        bool of_stack;      /* host is for people: it is the root of this image of a mount stack */
        bool empty;         /* nothing is in it: the kernel wants two layers */
        unsigned part;
        bool idmap; /* owners are mapped by the guest's user namespace */
        bool upper; /* it is written to */
};
struct layer_list {
        struct layer *items;
        size_t n;
};

/* Nothing is ever written to a lower layer. */
struct overlay {
        struct layer_list lower; /* the first lies on top of the others */
        const char *memory;      /* what is written goes to a new tmpfs with these options, and with the container */
        bool lasting;            /* but not with a reboot */
        struct layer upper;      /* or to this directory, where it is kept; without both the overlay is read-only */
        const char *data, *work; /* below either: directories for what is written, and for the kernel's own use */
        const char *sub;         /* of each layer, and of data, only this directory; NULL: the whole */
};

/* Whose files are whose: inside is the number on the file system, outside what the host's kernel sees of it. */
struct fsop_owners {
        struct idmap_extents uids, gids;
};

struct fsop {
        enum fsop_kind kind;
        unsigned flags;
        const char *dst;     /* relative to the root, "" the root */
        const char *src;     /* file system type, link target, path inside, or content without a host, by kind */
        const char *options; /* FSOP_FRESH: mount options */
        uint64_t set, clear; /* MOUNT_ATTR_* */
        struct seed_list seeds;
        const struct overlay *overlay;    /* FSOP_OVERLAY */
        const struct fsop_owners *owners; /* FSOP_TREE: a map of its own, NULL: none */
        const char *host;                 /* FSOP_TREE, FSOP_WRITE: path on the host: opened by the launcher */
        int slot;                         /* index in the table of descriptors, -1: none */
        const char *why;                  /* for people: "API file system", "masked path", "--bind=" */
        unsigned part;                    /* FSOP_OF_IMAGE: index in facts.image.parts; FSOP_OF_STACK: the image */
};
/* Its descriptor comes from the launcher. */
static inline bool fsop_of_launcher(const struct fsop *op) {
        return op->slot >= 0 && (op->host || op->flags & FSOP_BY_HOST);
}

struct device_list {
        struct device_rule *items;
        size_t n;
};

struct fsop_list {
        struct fsop *items;
        size_t n;
};

/* Where a program is looked for, unless the payload gets a PATH of its own. */
#define PLAN_SEARCH_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* A tmpfs for what is thrown away: numbers as systemd-nspawn has them. */
#define PLAN_MEMORY "mode=0755,size=25%,nr_inodes=1m"

/* Where the payload finds credentials. */
#define PLAN_CREDENTIALS "/run/host/credentials"

/* Where the payload's journald finds who listens to it. */
#define PLAN_JOURNAL_SOCKET "/" FORWARD_PLACE "/socket"

/* Whose cgroup the guest ends up in. */
enum cgroup_of {
        CGROUP_CALLERS, /* the caller's */
        CGROUP_OWN,     /* one that the launcher makes below the caller's */
        CGROUP_UNIT,    /* the same in the caller's unit, which is delegated: payload, beside supervisor */
        CGROUP_SCOPE,   /* payload, in a scope that the service manager makes */
};
/* What the container's cgroup is limited by: written to it, or, where there is a scope, by the manager. */
struct plan_limit {
        const char *option;     /* long name */
        const char *controller; /* of cgroups(7) */
        const char *file, *text;
};
/* A node beyond those that every container has. */
struct plan_node {
        const char *path; /* on the host and inside */
        bool block;
        unsigned major, minor;
        unsigned rights; /* enum device_rights */
        mode_t mode;
};
enum announce { ANNOUNCE_NO, ANNOUNCE_TRY, ANNOUNCE_MUST };

/* A copy of the tree: made in dir under name, then called keep_as, or removed at the end (NULL). Of an image: it has
 * no name. */
enum copy_method { COPY_SNAPSHOT, COPY_REFLINK, COPY_FULL };
struct plan_copy {
        enum copy_method method;
        const char *from, *dir, *name, *keep_as;
        const char *path; /* dir/name */
};

enum { PLAN_OPS = 320, PLAN_SLOTS = 200, PLAN_DEVICES = 32, PLAN_NODES = 40, PLAN_ID_COUNT = 65536 };

struct plan {
        const char *machine;
        enum face face;
        uint64_t namespaces;    /* CLONE_NEW* made by clone3(); cgroup follows in the guest */
        const char *netns_path; /* join this network namespace instead */
        bool private_net;       /* the guest has a network namespace of its own making */
        bool loopback;          /* the guest brings the loopback interface up */
        bool net_admin;         /* and rules it: that one, or one that it joins as its own */

        struct {
                const char *path;
                const char
                        *image; /* NULL, or how to read it: "ext4", "gpt, partition 2, ext4"; it is locked already */
                const char *pivot; /* the directory of it that becomes the root, NULL: its top */
                bool read_only;
                bool idmap;
                const struct fsop *fresh;      /* the root directory is this FSOP_FRESH; NULL: the tree */
                const struct overlay *overlay; /* the root directory is this, with the tree as its first layer; NULL */
                const char *base;              /* of a mount stack: the root directory is this one of the host; NULL */
                bool idmap_host; /* and the host's root may make files through the mount, as machinectl copy-to does */
                bool check_submounts; /* refuse to go on where something is mounted inside that the plan does not know
                                       */
                enum { LOCK_NONE, LOCK_SHARED, LOCK_EXCLUSIVE } lock;
        } root;
        const struct plan_copy *copy; /* the root directory is this, NULL */
        struct {
                bool own;             /* a user namespace */
                bool picked;          /* the range is locked: nobody else shall have it */
                bool lent;            /* by systemd-nsresourced, with the user namespace; locked, too */
                bool single;          /* builder and guest are in one user namespace: the launcher locks the mounts */
                bool unknown;         /* it was not asked yet: the numbers stand for others */
                unsigned further;     /* of its ranges are for the payload to hand on */
                uint32_t base, count; /* the host's, of the container's ids from 0 on */
                uint32_t tree_base;   /* what these are in the tree */
                bool map_root;        /* owners of the tree are mapped; otherwise it is already shifted */
                bool chown;           /* or will be: the launcher changes them for good */
                bool resumed;         /* that was begun by another start, and broken off */
                uint32_t chown_from;  /* otherwise: what they are until then */
                /* All rows: of the container's user namespace; of the same as the builder's sees it; and by which
                 * files are mapped, those of the tree, and those whose numbers are the container's. */
                struct idmap_extents map, inner, in_tree, on_host;
                /* Where they are lent: those of the last two that an overlay may write to a disk. */
                struct idmap_extents kept_in_tree, kept_on_host;
        } ids;
        struct {
                enum cgroup_of of;
                const char *mount;  /* where the hierarchy is */
                const char *parent; /* path on the host of the cgroup that name is made in, NULL: not yet known */
                const char *name;   /* NULL: none is made */
                const char *inner;  /* the guest's, below that: limits are out of its reach then. NULL: name itself */
                const char *supervisor; /* the launcher moves to this one below parent, NULL: it stays */
                bool restrict_devices;  /* only the nodes that it gets can be opened or made, by a program of ours */
                bool tun, fuse;         /* and these */
                struct device_list devices; /* and those that are bound into it */
                struct plan_node *nodes;    /* and those of --device= */
                size_t n_nodes;
                struct plan_limit limits[LIMIT_MAX_];
                size_t n_limits;
        } cgroup;
        struct {
                bool scope, user; /* made by the service manager: the system's, or the user's */
                bool supervisor;  /* the launcher gets a unit of its own too: the caller's may end before it */
                bool serve;       /* a service, or a scope where that cannot be had */
                const char *name, *slice, *description;
                struct strv properties; /* dNAME=VALUE: a default, uNAME=VALUE: the user said so */
                enum announce announce; /* with systemd-machined, as service */
                bool announce_first;    /* the guest goes to the top of its unit, and to its cgroup after that */
                const char *service;
                const char *agent;  /* the program that does it */
                const char *tunnel; /* a directory of the host that is made for machined to bind by, NULL */
        } unit;

        struct {
                const char *program; /* is run on the host, and writes what journald sends; NULL: none */
                struct strv args;
                const char *socket, *ready; /* where it listens, and tells that it does */
        } forward;
        struct {
                const char *path; /* of the host, where it looks for the container's journal; NULL: nothing there */
                const char *link; /* it is a link to this directory of the tree; NULL: a directory */
                const char *replaced; /* a link to this, or "" an empty directory, makes room; NULL: nothing does */
                uint32_t owner;       /* of the directory and what is in it: the ids from this one on, 0: root */
                bool there;           /* nothing is to be made */
                bool must;            /* asked for by name */
        } journal;

        struct fsop_list fsops;
        int n_slots;
        bool one_by_one; /* few descriptors: each source is opened, sent and closed before the next; nothing is made
                            early */

        struct {
                const char *hostname;
                uint8_t uuid[16];
                char uuid_text[STR_UUID];
        } id;
        struct {
                enum console_mode mode; /* concrete */
                const char *background;
                bool journal;  /* what is shown there goes to the host's journal, too */
                bool detached; /* nobody's terminal: it goes to a log, for clients to attach to */
        } console;
        struct {
                enum exec_mode mode;
                struct strv argv;        /* empty where candidates decide */
                struct strv candidates;  /* files to try, in order: inits, shells */
                bool search_path;        /* argv[0] without a slash is looked up in PATH */
                const char *argv0_login; /* "-bash" style prefix for a login shell, NULL */
                struct strv env;
                const char *chdir; /* NULL: home of the user, else "/" */
                bool chdir_said;
                uid_t uid;
                gid_t gid;
                gid_t *groups;
                size_t n_groups;
                bool keep_groups;    /* setgroups(2) is forbidden here: the caller's groups stay */
                const char *home;    /* made if missing (--uid=), NULL: not */
                const char *foreign; /* the program is for this machine, as far as was looked; NULL: for this one */
                const char *foreign_hint; /* what is missing to run it, NULL */
                unsigned listen_fds;
                bool strict_stub; /* --as-pid2: 255 for a signal, as upstream */
                unsigned long personality;
                mode_t umask;
        } exec;
        struct {
                uint64_t bounding, permitted, effective, inheritable, ambient;
                const char *selinux; /* label of the payload, NULL */
                bool no_new_privileges;
                bool no_keyring; /* keyrings cannot be used here, so there is none to replace */
                bool no_filter;
                bool filter_before_caps; /* no CAP_SYS_ADMIN and no no_new_privs afterwards: order matters */
                bool filter_early;       /* it allows all that the guest still has to do: loaded while it waits */
                struct filter filter;
                bool close_abstract; /* Landlock closes abstract sockets of the host */
        } sec;
        struct {
                struct rlimit rlimit[RLIM_NLIMITS];
                uint32_t rlimit_said; /* the user named it: failing to set it as near as possible is shown */
                bool oom_said, cpus_said;
                int oom_score_adjust;
                uint8_t cpus[128];
        } limits;
        struct {
                int sig_stop;   /* what asks the payload to end; 0: it is killed */
                bool stop_said; /* by --kill-signal=: sent whatever the payload does with it */
                int sig_reboot, sig_poweroff;
                bool notify_ready;
                bool keep_unit;          /* a reboot ends with 133 instead of a new start */
                unsigned stop_timeout_s; /* then SIGKILL; for an OS: after so long without progress */
                unsigned most_stop_s;    /* and then SIGKILL in any case */
        } life;
        struct strv notes; /* one line each: what a default had to leave out */
};

/* Where the plan cannot hold (an option that the host cannot serve), e says so. */
int plan_make(const struct spec *s, const struct facts *f, struct arena *a, const struct plan **ret, struct err *e);

/* For people, and for machines. */
void plan_print(const struct plan *p, const struct spec *s, FILE *out);
void plan_print_json(const struct plan *p, const struct spec *s, FILE *out);
