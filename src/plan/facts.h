/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What probe/ found out about the host, the caller and the opened tree: the second input of plan_make(). Plain data;
 * no descriptors. Golden plan tests fill it from a file. Strings live in an arena. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/elf.h"
#include "plan/tree_facts.h"
#include "spec/policy.h"
#include "spec/spec.h"
#include "sys/idmap.h"

/* A fact that was taken for granted because looking costs more than it is worth; a step of the launch may find it
 * wrong. It is then corrected here and the plan is made again. */
enum refutable {
        REFUTED_NOTHING,
        REFUTED_NAME,
        REFUTED_MKNOD,
        REFUTED_DEVICES,
        REFUTED_USERNS,
        REFUTED_NESTED,
        REFUTED_PROC,
        REFUTED_SYSFS,
        REFUTED_IDMAP,
        REFUTED_LAYER,
        REFUTED_RANGE,
        REFUTED_CGROUP,
        REFUTED_TOP,
        REFUTED_SUBMOUNTS,
        REFUTED_MANAGER,
        REFUTED_OVERLAY,
        REFUTED_SNAPSHOT,
        REFUTED_REFLINK,
        REFUTED_IDLE,
        REFUTED_BINFMT,
        REFUTED_JOURNAL,
        REFUTED_LENT,
        REFUTED_SOUND,
        REFUTED_MAX_,
};

enum file_kind { AT_MISSING, AT_DIR, AT_FILE, AT_LINK, AT_OTHER };

/* A node that was asked for. */
enum device_kind { DEVICE_MISSING, DEVICE_NO_NODE, DEVICE_CHARACTER, DEVICE_BLOCK };
struct device_fact {
        const char *path;
        enum device_kind kind;
        unsigned major, minor;
        mode_t mode; /* permissions */
};
struct device_facts {
        struct device_fact *items;
        size_t n;
};

/* What the secret of a bound user is called among credentials, with its name behind it: no credential is called so. */
#define PASSWORD_OF "password/"

/* A user of the host who is brought inside. */
struct bound_user {
        const char *name, *home, *shell; /* shell: NULL: none */
        uint32_t uid, gid;               /* on the host */
        uint32_t inside;                 /* both, inside */
};
struct bound_user_list {
        struct bound_user *items;
        size_t n;
};

/* What is there already where the host looks for the container's journal. */
enum journal_place {
        PLACE_EMPTY,
        PLACE_DIR,       /* a directory with files in it */
        PLACE_BARE_DIR,  /* one without */
        PLACE_LINK,      /* a link that leads somewhere */
        PLACE_LOST_LINK, /* a link that leads to nothing */
        PLACE_OTHER,
};

struct submount {
        const char *path; /* relative to the root */
        bool can_idmap;
};
struct submount_list {
        struct submount *items;
        size_t n;
};

/* What a source of the spec's mounts leads to. */
struct source {
        mode_t type; /* S_IF*, 0: there is nothing */
        int why;     /* then: errno */
        int layer;   /* and of an overlay which one */
        dev_t device;
        uid_t uid; /* its owner */
        gid_t gid;
        bool to_found; /* something is at the destination in the tree; its owner */
        uid_t to_uid;
        gid_t to_gid;
        const char *leads_to; /* where the tree's links lead the destination; NULL: there are none on the way */
};
struct source_list {
        struct source *items; /* one for each of spec.mounts */
        size_t n;
};

/* What the tree has where a partition is to be mounted. */
enum spot {
        SPOT_THERE, /* a directory */
        SPOT_MISSING,
        SPOT_OTHER,  /* something else */
        SPOT_LOST,   /* a link that leads to what is not there */
        SPOT_CIRCLE, /* links without an end */
};

/* A partition of a disk image that is used. */
struct image_part_facts {
        enum part_role role;
        unsigned number;   /* 0: the image has no partitions */
        const char *where; /* relative to the root, no link on the way */
        const char *link;  /* that led there, NULL */
        enum spot spot;
        const char *fs;
        bool read_only;
        bool fixed; /* nor can a copy be written to */
};
struct image_part_list {
        struct image_part_facts *items;
        size_t n;
};

/* What a mount stack has, by its entries. */
struct stack_layer {
        const char *path, *id;
        bool image;
        unsigned number; /* of the images */
};
struct stack_layers {
        struct stack_layer *items; /* the lowest first */
        size_t n;
};
struct stack_bind {
        const char *path, *where; /* where: relative to the root */
        bool read_only;
        bool image;
        unsigned number; /* of the images */
};
struct stack_binds {
        struct stack_bind *items; /* what is above comes before what is below it */
        size_t n;
};

/* Where the directory of --overlay-upper= is. */
enum upper_place { UPPER_APART, UPPER_ABOVE_TREE, UPPER_IN_TREE };

/* What is known of systemd-nsresourced. */
#define ID_SERVICE "/run/systemd/io.systemd.NamespaceResource"
enum id_service {
        ID_SERVICE_MISSING, /* there is no socket */
        ID_SERVICE_SILENT,  /* nobody answers there */
        ID_SERVICE_OTHER,   /* somebody else does */
        ID_SERVICE_OLD,     /* it is of a systemd before 260 */
        ID_SERVICE_ANSWERS,
};

enum { LISTEN_FDS_MAX = 1024 };

struct facts {
        struct {
                bool first_userns;        /* not inside a user namespace */
                bool can_userns;          /* may make user namespaces */
                bool no_nested;           /* but nobody in one may make another (kernel.unprivileged_userns_clone) */
                bool no_tty_group;        /* gid 5, owner of terminals, does not exist in our user namespace */
                bool no_setgroups;        /* our user namespace forbids setgroups(2): user_namespaces(7) */
                bool can_mount_in_userns; /* a fresh proc and sysfs: not where the visible ones are covered in parts */
                bool can_mount_proc, can_mount_sysfs; /* at all; otherwise what is there is bound */
                bool net_locked; /* where that is proc: /proc/sys/net is read-only, and nobody here can undo that */
                bool can_mknod;
                bool can_restrict_devices;       /* by a program on the cgroup */
                bool can_idmap_tmpfs;            /* Linux 6.3 */
                bool no_overlay;                 /* overlayfs is not there, or not for such layers */
                const char *emulator;            /* runs programs of the kind tree.foreign, NULL: none is there */
                bool emulates;                   /* the host's binfmt_misc has one for that, which works inside */
                bool no_binfmt;                  /* a user namespace cannot have a binfmt_misc of its own */
                uint64_t caps;                   /* our bounding set: more cannot be given */
                bool no_keyring;                 /* keyctl(2) is refused or missing */
                int landlock_abi;                /* 0: none */
                bool journald;                   /* it listens: looked for where the console is kept */
                bool selinux;                    /* it runs: looked for where a label is asked for */
                enum id_service id_service;      /* looked for where ids shall come from it */
                bool mount_service;              /* systemd-mountfsd listens: looked for with further ranges */
                mode_t tun, fuse;                /* modes of /dev/net/tun, /dev/fuse; 0: they cannot be used */
                struct device_facts devices;     /* those of --device= */
                struct rlimit nproc, sigpending; /* of PID 1 */
                uint64_t memory;                 /* bytes of the machine; 0: not looked for */
                bool few_descriptors; /* RLIMIT_NOFILE leaves room for what is open all the time, and little more */
                const char *os_id, *os_version_id, *os_build_id, *os_variant_id; /* of os-release, NULL: not there */
                const char *os_release;     /* text of the host's os-release file, NULL */
                const char *resolv_conf[4]; /* by source: host, static, uplink, stub; NULL: not there */
                const char *localtime; /* "": none; a zone name ("Europe/Berlin"); "/etc/localtime": a plain file */
        } host;
        struct {
                bool found;        /* a cgroup2 hierarchy is mounted */
                bool writable;     /* and we may make a cgroup below our own */
                const char *mount; /* its path on the host */
                const char *own;   /* the caller's cgroup */
                const char *unit;  /* --keep-unit: the cgroup of the caller's unit where that is delegated, or NULL */
                bool in_subgroup;  /* and the caller is in one below it */
                bool top_closed;   /* and it takes no process itself */
                /* Names with blanks in between; only where a limit was asked for, otherwise NULL. */
                const char *controllers;     /* of the cgroup that ours is made in */
                const char *all_controllers; /* of the hierarchy's top */
        } cgroup;
        struct {
                bool found;        /* systemd runs this host (--user: for this user), and there is a bus to it */
                bool machined;     /* systemd-machined is there */
                bool parts;        /* and takes a machine in a part of a unit for no owner of the unit (258) */
                unsigned version;  /* looked at where machined binds as it did of old, 0: not known */
                const char *why;   /* what a launch found wrong with it, NULL */
                const char *agent; /* the path of berth-agent, NULL */
        } manager;
        struct {
                struct strv env; /* TERM, COLORTERM, NO_COLOR as the caller has them: NAME=VALUE */
                bool terminal_in, terminal_out, terminal_err;
                unsigned listen_fds;
                const char *listen_fdnames;
                bool notify;          /* NOTIFY_SOCKET is set */
                bool service;         /* and its manager has executed us, and no shell or the like in between */
                const char *unit;     /* the service that --detach was given to, which we are in, NULL */
                uint64_t watchdog_us; /* how often we are to tell that we live, 0: never */
                const char *hostname;
        } caller;
        struct {
                const char *path;       /* for messages and the record: absolute, resolved */
                const char *name;       /* machine name: -M or made from the path */
                const char *pivot;      /* where below the path the directory is that becomes the root, NULL: there */
                const char *first_name; /* before it was found busy, NULL */
                unsigned name_tries;
                uint64_t dev, ino;
                uid_t uid;
                gid_t gid;      /* owner of the top directory */
                bool host_root; /* it is the host's own root directory */
                bool read_only; /* the file system is */
                bool vendor;    /* found by name below /usr: never written to */
                bool reachable; /* by others of the host; looked for where set-user-ID files may be made in it */
                bool can_idmap;
                const char *layer_why; /* a layer of an overlay cannot be mapped; NULL */
                uint32_t range_base;   /* a free range of 65536 ids, 0: none found */
                bool range_is_owner;   /* the tree is already shifted to it */
                unsigned range_tries;  /* how many were found busy */
                bool has_machine_id;
                uint8_t machine_id[16];
                bool has_os_release;
                bool lacks_program; /* no usr, and not what is to run: asked where --boot is not */
                bool lacks_command; /* what is to run: asked where somebody would be ended for it (--replace) */
                const char
                        *template; /* the tree is not there: it is to be made from this one, which the facts are of */
                bool made;         /* it was made from one since */
                bool subvolume;    /* a snapshot of it can be made, and is the whole; asked for copies only, as is: */
                bool can_reflink;  /* files can share blocks */
                bool in_use;       /* somebody writes to it */
                enum upper_place upper;
                bool split_usr;        /* bin is a directory of its own: looked for with --volatile=yes */
                struct strv usr_links; /* of bin, sbin, lib, lib32, lib64: those that only usr has */
                bool elf32;            /* its programs are 32-bit: /bin/sh or the init is */
                struct elf_kind
                        foreign;     /* its programs are for another machine: for that one; class 0: they are not */
                bool etc_writable;   /* may be written by the payload's root */
                struct strv missing; /* of proc, sys, dev, run, tmp: looked for only where none can be made */
                enum file_kind resolv_conf, localtime;
                bool zoneinfo; /* the host's zone exists in the tree */
                struct tree_init init;
                struct tree_user user;
                bool user_said;
                bool submounts_known; /* otherwise the launch finds out whether there are any */
                struct submount_list submounts;
        } tree;
        /* The rows that systemd-nsresourced has given our user namespace: the container's own range, then further
         * ones. None: it was not asked yet. */
        struct idmap_extents lent;
        struct source_list sources;
        struct {
                bool used;                    /* the tree comes from a disk image */
                bool copied;                  /* --ephemeral: it is a copy already, whose blocks are shared */
                const char *table;            /* "gpt", "mbr"; "bare": no partitions */
                struct image_part_list parts; /* the first one is the root */
                struct strv notes;
        } image;
        struct {
                bool used; /* the tree is made of a mount stack */
                struct stack_layers layers;
                struct stack_binds binds;
                const char *rw;   /* the directory for changes, NULL */
                bool unused;      /* nothing was written there yet */
                const char *root; /* the directory that is the root, with usr of all the layers; NULL: they are it */
                struct strv notes;
        } stack;
        struct bound_user_list bound_users;
        /* Looked for where the container's machine id is known, see plan_journal_id(). */
        struct {
                bool host_id;           /* the host has one too */
                bool same_id;           /* and both are the same */
                bool kept;              /* the host has a /var/log/journal */
                enum journal_place at;  /* what is in there under the container's id */
                const char *leads_to;   /* PLACE_LINK, PLACE_LOST_LINK: where */
                enum file_kind in_tree; /* the same place in the tree; AT_LINK: it is, or leads through, a link */
                const char *why;        /* what a launch found wrong with the link, NULL */
        } journal;
        struct {
                const char *program; /* systemd-journal-remote, NULL: not there */
                unsigned version;    /* of systemd, 0: not known */
                enum file_kind kind; /* of what --forward-journal= names; links are followed */
        } forward;
        uint8_t random[32]; /* for ids the plan has to make up */
};
