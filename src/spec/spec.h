/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What was asked for: the data model, and the file to read first.
 *
 * argv, .nspawn files and (later) OCI bundles fill a struct draft through the rows of conf/settings.c. Sealing
 * checks the draft across its fields, fills in what follows from the face (berth or strict), and yields a
 * const struct spec *. Nothing changes a spec after that; nothing in it looks at the host.
 *
 * All strings live in the draft's arena. NULL means "not said" unless a field says otherwise. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "spec/policy.h"

/* Which defaults apply: berth's own, or systemd-nspawn's to the letter (called by that name). */
enum face { FACE_BERTH, FACE_STRICT };

/* Three-valued: what was not said is decided by the face or by the host. */
enum tristate { UNSAID = -1, NO = 0, YES = 1 };

/* Where a value came from, in rising order of precedence. */
enum origin { ORIGIN_DEFAULT, ORIGIN_IMAGE_FILE, ORIGIN_ADMIN_FILE, ORIGIN_ENVIRONMENT, ORIGIN_ARGV, ORIGIN_MAX_ };

enum dry_run { DRY_RUN_NO, DRY_RUN_TEXT, DRY_RUN_JSON };
enum settings_mode { SETTINGS_YES, SETTINGS_NO, SETTINGS_OVERRIDE, SETTINGS_TRUSTED };

struct spec_self {
        enum face face;
        bool quiet;
        bool verbose; /* -v: errors show where */
        bool json;    /* --inspect prints for programs */
        enum dry_run dry_run;
        enum settings_mode settings;
        bool detach;  /* the supervisor goes on in the background */
        bool cleanup; /* what a killed run left is removed, and nothing else is done */
        bool replace; /* a running container of that name is ended first */
};

enum volatile_mode {
        VOLATILE_NO,
        VOLATILE_YES,     /* an empty root in memory, with the tree's usr */
        VOLATILE_STATE,   /* the tree, read-only, with a var in memory */
        VOLATILE_OVERLAY, /* the tree; changes stay in memory */
        VOLATILE_MAX_,
};

enum { ROOT_HASH_MAX = 64, ROOT_HASH_SIG_MAX = 16 * 1024 };

/* dm-verity and LUKS of a disk image. */
struct spec_protection {
        unsigned hash_size; /* --root-hash=, bytes; 0: not said */
        uint8_t hash[ROOT_HASH_MAX];
        const char *sig_path; /* --root-hash-sig=; NULL */
        const uint8_t *sig;   /* base64:... of it, decoded; NULL */
        unsigned sig_size;
        const char *hash_data; /* --verity-data=; NULL: a partition of the image, or a file beside it */
        const char *key_file;  /* --image-key-file=; NULL */
        bool no_ask;           /* --no-ask-password */
        bool no_files;         /* nothing that lies beside the image, and no attribute of it, is looked at */
        bool no_embedded;      /* its own signature partition is not looked at */
        bool no_signature;     /* signatures are not checked: the root hash alone counts */
        bool no_certificates;  /* only the kernel's keyrings know who may sign */
        enum tristate guess;   /* the root hash from UUIDs of partitions; UNSAID: where the policy wants one */
};

struct spec_root {
        const char *directory; /* -D as given; NULL: by machine name, or the current directory */
        const char *image;     /* -i as given, NULL */
        const char *mstack;    /* --mstack as given, NULL */
        const char *inspect;   /* --inspect: an image to look at, and nothing else is done; NULL */
        bool policy_said;
        struct policy policy;    /* --image-policy= */
        unsigned file_systems;   /* of an image: POLICY_ flags of those that are allowed, 0: all */
        enum tristate direct_io; /* of an image's loop devices */
        bool no_fsck;            /* and are not checked */
        bool no_grow;            /* an image's file systems stay as large as they are */
        bool read_only;          /* sealed: also by volatile_mode */
        struct spec_protection protection;
        enum volatile_mode volatile_mode;
        bool ephemeral;            /* -x: a copy, or an overlay, that is gone at the end */
        const char *template;      /* --template=: the tree is made from this one where it is missing */
        const char *overlay_upper; /* --overlay-upper: the host's directory that changes are kept in */
        /* --pivot-root: the directory of the tree that becomes the root, and where in that one the whole tree is seen
         * then, NULL: nowhere. Both without the slash in front. */
        const char *pivot_new, *pivot_old;
};
/* What the payload writes into the root does not reach the tree. */
bool spec_root_spares_tree(const struct spec_root *r);
/* The root cannot be written to. One in memory can, as in systemd-nspawn: then --read-only is about the tree. */
bool spec_root_is_read_only(const struct spec_root *r);

struct spec_identity {
        const char *machine;  /* -M; NULL: from the directory's name */
        const char *hostname; /* NULL: the machine name */
        bool has_uuid;
        uint8_t uuid[16]; /* RFC 9562 byte order */
};

enum exec_mode {
        EXEC_COMMAND, /* the payload is PID 1 */
        EXEC_STUB,    /* --as-pid2: our stub init is PID 1 */
        EXEC_BOOT,    /* --boot: the tree's init is PID 1 */
};

struct spec_exec {
        enum exec_mode mode;
        struct strv argv;  /* command and arguments; empty: login shell. --boot: words for init */
        struct strv env;   /* NAME=VALUE, as said (-E without a value is already resolved) */
        const char *chdir; /* absolute, inside */
        const char *user;  /* name or number */
        int kill_signal;   /* 0: by the payload's kind */
        bool notify_ready;
        bool suppress_sync;
        unsigned long personality; /* PERSONALITY_UNSAID, or for personality(2) */
};
#define PERSONALITY_UNSAID 0xffffffffUL

enum users_mode {
        USERS_DEFAULT, /* by the face: berth: private where possible; strict: none */
        USERS_NO,
        USERS_PICK,
        USERS_OF_TREE, /* those of the range that the owner of the tree is in */
        USERS_RANGE,   /* base and count */
        USERS_MANAGED, /* of systemd-nsresourced */
};
enum ownership {
        OWNERSHIP_DEFAULT, /* by the mode: auto where ids are picked, otherwise off */
        OWNERSHIP_AUTO,
        OWNERSHIP_MAP,
        OWNERSHIP_OFF,
        OWNERSHIP_FOREIGN,
        OWNERSHIP_CHOWN,
};

/* Ids of the host, and what they are inside. */
struct owner_map {
        uint32_t host, inside, count;
};
struct owner_map_list {
        struct owner_map *items;
        size_t n;
};

struct spec_ids {
        enum users_mode mode;
        bool may_lack; /* -U: silently off where the kernel has no user namespaces */
        enum ownership ownership;
        uint32_t base, count;       /* USERS_RANGE */
        unsigned delegate;          /* USERS_MANAGED: how many further ranges the payload may hand on */
        struct owner_map_list maps; /* in place of those of the range, or beyond them */
};

/* What a user wants mounted. In this order where several go to one place. */
enum mount_kind { MOUNT_BIND, MOUNT_TMPFS, MOUNT_OVERLAY, MOUNT_INACCESSIBLE };

/* Whose the files of a bound source are inside. */
enum owners {
        OWNERS_KEPT,  /* the host's: nobody's, where the container has ids of its own */
        OWNERS_SAME,  /* the same number */
        OWNERS_ROOT,  /* root's, those of the source's owner */
        OWNERS_OWNER, /* those of the source's owner belong to the owner of the destination */
        OWNERS_LIST,  /* as the list says */
};

struct spec_source {
        const char *path; /* of the host, absolute; with in_tree of the tree; "": a new directory */
        bool in_tree;
};
struct spec_source_list {
        struct spec_source *items;
        size_t n;
};

/* Where the container's own cgroup file system is, without the slash in front. */
#define SPEC_CGROUP_DIR "sys/fs/cgroup"

struct spec_mount {
        enum mount_kind kind;
        const char *option; /* for messages: "--bind-ro=" */
        const char *dst;    /* inside, without the slash in front, the parts separated by single ones */
        struct spec_source source;
        struct spec_source_list layers; /* MOUNT_OVERLAY: the lowest first; the last is written to unless read_only */
        bool read_only;
        bool optional; /* nothing where the source is missing */
        bool alone;    /* without what is mounted below the source */
        enum owners owners;
        struct owner_map_list maps; /* OWNERS_LIST */
        const char *options;        /* MOUNT_TMPFS: of the file system, NULL */
        uint64_t set;               /* MOUNT_TMPFS: MOUNT_ATTR_* */
};
struct spec_mounts {
        struct spec_mount *items; /* sealed: sorted by destination */
        size_t n;
};

struct spec_net {
        enum tristate private; /* UNSAID: berth: private with --boot, otherwise the host's; strict: the host's */
        const char *path;      /* --network-namespace-path */
};

/* Capability sets are bit masks, bit N is capability N of linux/capability.h. */
/* systemd-nspawn's own default. No payload gets more unasked, but for CAP_NET_ADMIN. */
#define SPEC_CAPS_DEFAULT 0xfdecafffULL
struct spec_sec {
        uint64_t caps_add, caps_drop, caps_ambient;
        bool no_new_privileges;
        bool no_filter;                      /* SYSTEMD_SECCOMP=0 or --system-call-filter=off-style option */
        const char *selinux, *selinux_apifs; /* labels, NULL */
        bool nesting;                        /* --nesting: open what engines and sandboxes inside need */
        struct strv calls_allow;             /* system call names and @groups, without the ~ */
        struct strv calls_deny;
        bool families_said;          /* --restrict-address-families= was given */
        bool families_deny_list;     /* the list names what is forbidden */
        bool families_none;          /* "none": no family at all */
        struct strv families;        /* AF_* names; sealed: the one list that families_deny_list tells the sense of */
        struct strv families_denied; /* only while the draft is filled: sealing subtracts it */
};

/* What a cgroup holds all processes of the container to. */
enum cgroup_limit {
        LIMIT_MEMORY,
        LIMIT_MEMORY_HIGH,
        LIMIT_CPUS,
        LIMIT_CPU_WEIGHT,
        LIMIT_PIDS,
        LIMIT_IO_WEIGHT,
        LIMIT_MAX_,
};
struct spec_limit {
        bool said;
        bool share;     /* of the machine's memory: value is in hundredths of a percent */
        uint64_t value; /* bytes, processes, a weight, or thousandths of a processor; UINT64_MAX: no limit */
};

struct spec_limits {
        struct spec_limit cgroup[LIMIT_MAX_];
        struct rlimit rlimit[RLIM_NLIMITS];
        uint32_t rlimit_said; /* bit N: rlimit[N] was given */
        bool oom_said;
        int oom_score_adjust;
        bool cpus_said;
        uint8_t cpus[128]; /* CPU mask, bit N%8 of byte N/8 */
};

enum resolv_conf {
        RESOLV_AUTO,
        RESOLV_OFF,
        RESOLV_DELETE,
        RESOLV_COPY_HOST,
        RESOLV_COPY_STATIC,
        RESOLV_COPY_UPLINK,
        RESOLV_COPY_STUB,
        RESOLV_REPLACE_HOST,
        RESOLV_REPLACE_STATIC,
        RESOLV_REPLACE_UPLINK,
        RESOLV_REPLACE_STUB,
        RESOLV_BIND_HOST,
        RESOLV_BIND_STATIC,
        RESOLV_BIND_UPLINK,
        RESOLV_BIND_STUB,
        RESOLV_MAX_,
};
enum timezone_mode {
        TIMEZONE_AUTO,
        TIMEZONE_OFF,
        TIMEZONE_COPY,
        TIMEZONE_BIND,
        TIMEZONE_SYMLINK,
        TIMEZONE_DELETE,
        TIMEZONE_MAX_,
};

/* Where the host finds the container's journal, below its own /var/log/journal. */
enum link_journal {
        JOURNAL_AUTO, /* as JOURNAL_HOST, where the directory is there already */
        JOURNAL_NO,
        JOURNAL_GUEST,     /* a link to the tree */
        JOURNAL_TRY_GUEST, /* the same, where that can be had */
        JOURNAL_HOST,      /* a directory of the host, which is mounted inside */
        JOURNAL_TRY_HOST,
        JOURNAL_MAX_,
};

struct spec_integration {
        enum resolv_conf resolv_conf;
        enum timezone_mode timezone;
        enum link_journal link_journal;
};

enum console_mode {
        CONSOLE_DEFAULT, /* interactive on a terminal; otherwise read-only with --boot, pipe without */
        CONSOLE_INTERACTIVE,
        CONSOLE_READ_ONLY,
        CONSOLE_PASSIVE,
        CONSOLE_PIPE,
        CONSOLE_AUTOPIPE,
        CONSOLE_MAX_,
};

struct spec_console {
        enum console_mode mode;
        const char *background; /* SGR parameters of --background=; NULL or "": no tint */
};

/* What a device node may be used for. */
enum device_rights { DEVICE_READ = 1 << 0, DEVICE_WRITE = 1 << 1, DEVICE_MKNOD = 1 << 2 };
struct spec_device {
        const char *path; /* below /dev, outside and inside */
        unsigned rights;
};
struct spec_devices {
        struct spec_device *items;
        size_t n;
};

/* SYSTEMD_NSPAWN_* and the like: documented counterparts of what upstream hides in the environment. */
enum api_vfs { API_VFS_READ_ONLY, API_VFS_WRITABLE, API_VFS_NETWORK };
struct spec_host {
        enum api_vfs api_vfs;
        bool no_lock;
        bool no_os_release_check;
        bool no_tmpfs_tmp;
        const char *container_service; /* container= ; NULL: "systemd-nspawn" */
        bool keep_unit;
        bool user_manager;        /* --user: the caller's own service manager */
        enum tristate registered; /* with systemd-machined; UNSAID: where that can be had */
        const char *slice;        /* of the scope; NULL: machine.slice */
        struct spec_devices devices;
        struct strv properties; /* of the scope: NAME=VALUE as systemctl set-property takes them */
};

/* One thing that was said, for --dry-run: which setting, its value, from where. */
#define SAID_COMMAND "command"
struct said {
        const char *setting; /* long option name without dashes, "-x" where there is only that, or SAID_COMMAND */
        const char *value;   /* as written; NULL for a flag */
        enum origin origin;
        const char *where; /* "FILE:LINE" for files, NULL otherwise */
};
struct said_list {
        struct said *items;
        size_t n;
};

/* Users of the host that are brought inside. */
struct spec_bind_users {
        struct strv names, groups; /* groups of the container that they are in besides */
        bool own_shell;            /* they have the shell that they have on the host */
        const char *shell;         /* or this one; NULL: what the container gives them */
};

enum { CREDENTIAL_MAX = 1024 * 1024 };
struct credential {
        const char *id;
        const char *data; /* any bytes; where there is a source: not yet */
        size_t size;
        const char *source;  /* --load-credential=: a path, or the name of one that berth has got */
        const char *written; /* --set-credential=: the word of the command line that it is in */
};
struct credential_list {
        struct credential *items;
        size_t n;
};

/* Where journald inside shall send what it logs. */
enum forward_limit {
        FORWARD_MAX_USE,
        FORWARD_KEEP_FREE,
        FORWARD_MAX_FILE_SIZE,
        FORWARD_MAX_FILES,
        FORWARD_LIMIT_MAX_,
};
struct spec_forward_limit {
        bool said;
        uint64_t value;
};
struct spec_forward {
        const char *to; /* a file or directory of the host, absolute; NULL: nowhere */
        struct spec_forward_limit limits[FORWARD_LIMIT_MAX_];
};
/* What tells the payload's journald of it, and where, inside, the socket is (plan/plan.h). */
#define FORWARD_CREDENTIAL "journal.forward_to_socket"
#define FORWARD_PLACE      "run/host/journal"

struct spec {
        struct spec_self self;
        struct spec_root root;
        struct spec_identity id;
        struct spec_exec exec;
        struct spec_ids ids;
        struct spec_mounts mounts;
        struct spec_net net;
        struct spec_sec sec;
        struct spec_limits limits;
        struct spec_integration integration;
        struct spec_console console;
        struct spec_host host;
        struct credential_list credentials;
        struct spec_bind_users bind_users;
        struct spec_forward forward;
        struct said_list said;
};

/* A spec that is still being filled. What precedence and trust need to know is kept by conf/. */
struct draft {
        struct spec spec;
        struct arena arena;
        struct strv notes;    /* one-line remarks for the user, printed by cli/ (not with -q) */
        struct strv warnings; /* the same, but something that was asked for is not done: printed with -q too */
};

/* Defaults that do not depend on the host. */
struct spec spec_default(enum face face);
void draft_init(struct draft *d, enum face face);
void draft_done(struct draft *d);

/* Checks across fields; on success *ret points into the draft and must be treated as sealed. Resolved then:
 *   net.private is YES or NO (with net.path it tells whether --private-network was said too)
 *   ids.mode is USERS_NO in the strict face where nothing was said, ids.ownership is not OWNERSHIP_DEFAULT
 *   exec.env has the KEY=VALUE words of --boot, exec.argv has not
 *   self.quiet is set by console.mode CONSOLE_PIPE
 *   sec.families is the one list
 *   mounts are sorted */
int draft_seal(struct draft *d, const struct spec **ret, struct err *e);

/* "FILE:LINE" of the setting that an error is about, NULL where no file said it. */
const char *spec_error_source(const struct spec *s, const struct err *e);

/* Names for printing. */
const char *face_name(enum face f);
const char *origin_name(enum origin o);
const char *exec_mode_name(enum exec_mode m);
const char *console_mode_name(enum console_mode m);
const char *resolv_conf_name(enum resolv_conf m);
const char *volatile_mode_name(enum volatile_mode m);
const char *timezone_mode_name(enum timezone_mode m);
const char *link_journal_name(enum link_journal m);
const char *forward_limit_name(enum forward_limit l);
