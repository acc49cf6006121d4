/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/mounts.h"

#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/clean.h"
#include "base/str.h"
#include "plan/idmaps.h"
#include "plan/ids.h"
#include "plan/foreign.h"
#include "plan/root.h"
#include "plan/nodes.h"

enum {
        RO = MOUNT_ATTR_RDONLY,
        NOSUID = MOUNT_ATTR_NOSUID,
        NODEV = MOUNT_ATTR_NODEV,
        NOEXEC = MOUNT_ATTR_NOEXEC,
        STRICTATIME = MOUNT_ATTR_STRICTATIME,
        INERT = NOSUID | NODEV | NOEXEC,
};

/* Conditions of a row: all of need must hold and none of unless. */
enum condition {
        C_BERTH = 1 << 0,       /* berth's own face */
        C_PRIVATE_NET = 1 << 1, /* the guest has a network namespace of its own making */
        C_USERNS = 1 << 2,
        C_OPEN_API = 1 << 3, /* --api-vfs=writable: no masks at all */
        C_NET_API = 1 << 4,  /* --api-vfs=network */
        C_NESTING = 1 << 5,  /* in a user namespace: a full proc and sysfs let engines inside mount their own */
        C_NODES = 1 << 6,    /* device nodes are made; otherwise the host's are bound */
        C_CGROUP = 1 << 7,   /* the host has a cgroup2 hierarchy */
        C_NO_TMP = 1 << 8,
        C_TUN = 1 << 9,
        C_FUSE = 1 << 10,
        C_SKELETON = 1 << 11, /* /sys is a skeleton with parts of sysfs */
        C_CONSOLE = 1 << 12,  /* the guest has a pseudo terminal as its console */
        C_OS_RELEASE = 1 << 13,
        C_NET_ADMIN = 1 << 14, /* the network is the guest's to set up */
        C_NO_PROC = 1 << 15,   /* a fresh proc cannot be mounted */
        C_NO_SYSFS = 1 << 16,
        C_NO_TTY_GROUP = 1 << 17,
        C_STATE = 1 << 19,       /* --volatile=state */
        C_CREDENTIALS = 1 << 20, /* there are some */
        C_EMULATOR = 1 << 21,    /* programs for another machine are run by an emulator of the host */
        C_FORWARD = 1 << 22,     /* somebody listens to the payload's journald */
        C_NET_LOCKED = 1 << 23,  /* an outer container's /proc/sys/net is read-only for good */
        C_FILL = 1 << 18, /* the launcher can fill /run/host: owners can be mapped, and there are descriptors enough */
};

/* It owns terminals. */
enum { TTY_GROUP = 5 };

static unsigned conditions(const struct spec *s, const struct facts *f, const struct plan *p) {
        bool made_net = p->namespaces & CLONE_NEWNET;
        uint32_t tty;
        unsigned c = 0;

        c |= s->self.face == FACE_BERTH ? C_BERTH : 0;
        c |= p->private_net ? C_PRIVATE_NET : 0;
        c |= p->ids.own ? C_USERNS : 0;
        c |= s->host.api_vfs == API_VFS_WRITABLE ? C_OPEN_API : 0;
        c |= s->host.api_vfs == API_VFS_NETWORK ? C_NET_API : 0;
        c |= s->sec.nesting && p->ids.own ? C_NESTING : 0;
        c |= f->host.can_mknod && (!p->ids.own || f->host.can_idmap_tmpfs) ? C_NODES : 0;
        c |= (!p->ids.own || f->host.can_idmap_tmpfs) && !f->host.few_descriptors ? C_FILL : 0;
        c |= f->cgroup.found ? C_CGROUP : 0;
        c |= s->host.no_tmpfs_tmp ? C_NO_TMP : 0;
        c |= f->host.tun && (s->self.face == FACE_STRICT || s->sec.nesting) ? C_TUN : 0;
        c |= f->host.fuse && (s->self.face == FACE_STRICT || s->sec.nesting) ? C_FUSE : 0;
        c |= p->net_admin ? C_NET_ADMIN : 0;
        c |= (p->ids.own ? plan_id_outside(p, TTY_GROUP, &tty) == 0 : f->host.no_tty_group) ? C_NO_TTY_GROUP : 0;
        c |= f->host.can_mount_proc ? 0 : C_NO_PROC;
        c |= !f->host.can_mount_proc && f->host.net_locked ? C_NET_LOCKED : 0;
        c |= f->host.can_mount_sysfs ? 0 : C_NO_SYSFS;
        c |= s->self.face == FACE_STRICT && s->host.api_vfs != API_VFS_WRITABLE && f->host.can_mount_sysfs &&
                             (made_net || p->netns_path || s->host.api_vfs == API_VFS_NETWORK)
                     ? C_SKELETON
                     : 0;
        c |= p->console.mode != CONSOLE_PIPE ? C_CONSOLE : 0;
        c |= f->host.os_release ? C_OS_RELEASE : 0;
        c |= s->root.volatile_mode == VOLATILE_STATE ? C_STATE : 0;
        c |= plan_emulates(f, p) ? C_EMULATOR : 0;
        c |= s->credentials.n > 0 || s->forward.to ? C_CREDENTIALS : 0;
        c |= s->forward.to ? C_FORWARD : 0;
        return c;
}

/* Tables read best as tables. */
/* clang-format off */

struct seed_row {
        struct {
                enum seed_kind kind;
                mode_t mode;
                char path[32];
                char text[20];
                dev_t dev;
        } seed;
        unsigned need, unless;
};

#define DIR_(path_, mode_)                                                                                            \
        { .kind = SEED_DIR, .path = path_, .mode = mode_ }
#define LINK_(path_, to_)                                                                                             \
        { .kind = SEED_LINK, .path = path_, .text = to_ }
#define NODE_(path_, major_, minor_)                                                                                  \
        { .kind = SEED_NODE, .path = path_, .mode = S_IFCHR | 0666, .dev = (major_) << 8 | (minor_) }

/* Numbers: Linux' Documentation/admin-guide/devices.txt. */
static const struct seed_row dev_seeds[] = {
        { NODE_("null", 1, 3), C_NODES },
        { NODE_("zero", 1, 5), C_NODES },
        { NODE_("full", 1, 7), C_NODES },
        { NODE_("random", 1, 8), C_NODES },
        { NODE_("urandom", 1, 9), C_NODES },
        { NODE_("tty", 5, 0), C_NODES },
        { DIR_("net", 0755), C_TUN },
        { NODE_("net/tun", 10, 200), C_TUN | C_NODES },
        { NODE_("fuse", 10, 229), C_FUSE | C_NODES },
        { DIR_("char", 0755) },
        { DIR_("block", 0755) },
        { LINK_("char/1:3", "../null") },
        { LINK_("char/1:5", "../zero") },
        { LINK_("char/1:7", "../full") },
        { LINK_("char/1:8", "../random") },
        { LINK_("char/1:9", "../urandom") },
        { LINK_("char/5:0", "../tty") },
        { LINK_("char/10:200", "../net/tun"), C_TUN },
        { LINK_("char/10:229", "../fuse"), C_FUSE },
        { LINK_("fd", "/proc/self/fd") },
        { LINK_("stdin", "/proc/self/fd/0") },
        { LINK_("stdout", "/proc/self/fd/1") },
        { LINK_("stderr", "/proc/self/fd/2") },
        { LINK_("ptmx", "pts/ptmx") },
        { LINK_("console", "pts/0"), C_CONSOLE },
        { DIR_("pts", 0755) },
        { DIR_("shm", 0755) },
        { DIR_("mqueue", 0755) },
};

static const struct seed_row run_seeds[] = {
        { DIR_("host", 0755) },
};

static const struct seed_row run_host_seeds[] = {
        { { .kind = SEED_FILE, .path = "container-manager", .mode = 0444 } }, /* text filled below */
        { { .kind = SEED_FILE, .path = "container-uuid", .mode = 0444 } },
        { { .kind = SEED_FILE, .path = "os-release", .mode = 0444 }, C_OS_RELEASE },
        { { .kind = SEED_NOTIFY, .path = "notify", .mode = 0200 } },
        { { .kind = SEED_KMSG, .path = "proc-kmsg", .mode = 0600 } },
        { { .kind = SEED_BOOT_ID, .path = "proc-sys-kernel-random-boot-id", .mode = 0444 } },
        { DIR_("incoming", 0755) },
        { DIR_("unix-export", 0755) },
        { DIR_("credentials", 0755), C_CREDENTIALS },
        { DIR_("journal", 0755), C_FORWARD },
        { { .kind = SEED_FILE, .path = "journal/socket", .mode = 0444 }, C_FORWARD },
        { DIR_("inaccessible", 0755) },
        { { .kind = SEED_FILE, .path = "inaccessible/reg", .mode = 0 } },
        { DIR_("inaccessible/dir", 0) },
        { { .kind = SEED_FIFO, .path = "inaccessible/fifo", .mode = 0 } },
        { { .kind = SEED_SOCKET, .path = "inaccessible/sock", .mode = 0 } },
        { { .kind = SEED_NODE, .path = "inaccessible/chr", .mode = S_IFCHR }, C_NODES | C_FILL },
        { { .kind = SEED_NODE, .path = "inaccessible/blk", .mode = S_IFBLK }, C_NODES | C_FILL },
        /* A user namespace may not make these. */
        { { .kind = SEED_NODE, .path = "inaccessible/chr", .mode = S_IFCHR }, C_NODES, C_FILL | C_USERNS },
        { { .kind = SEED_NODE, .path = "inaccessible/blk", .mode = S_IFBLK }, C_NODES, C_FILL | C_USERNS },
};

static const struct seed_row sys_seeds[] = {
        { DIR_("block", 0755) }, { DIR_("bus", 0755) },       { DIR_("class", 0755) },
        { DIR_("dev", 0755) },   { DIR_("devices", 0755) },   { DIR_("kernel", 0755) },
        { DIR_("fs", 0755) },    { DIR_("fs/cgroup", 0755) }, { DIR_("fs/bpf", 0755) },
};

static const struct seed_row binfmt_seeds[] = {
        { { .kind = SEED_REGISTER, .path = "register" } }, /* text filled below */
};

enum seeds { SEEDS_NONE, SEEDS_DEV, SEEDS_RUN, SEEDS_RUN_HOST, SEEDS_SYS, SEEDS_BINFMT };

static const struct {
        const struct seed_row *rows;
        size_t n;
} seed_lists[] = {
        [SEEDS_DEV] = { dev_seeds, ELEMENTS(dev_seeds) },
        [SEEDS_RUN] = { run_seeds, ELEMENTS(run_seeds) },
        [SEEDS_RUN_HOST] = { run_host_seeds, ELEMENTS(run_host_seeds) },
        [SEEDS_SYS] = { sys_seeds, ELEMENTS(sys_seeds) },
        [SEEDS_BINFMT] = { binfmt_seeds, ELEMENTS(binfmt_seeds) },
};

struct mount_row {
        /* As in struct fsop, but that a text that is not there is empty. */
        struct {
                enum fsop_kind kind;
                int slot;
                unsigned flags;
                uint64_t set, clear;
                char dst[32], src[44], options[44], host[16], why[44];
        } op;
        unsigned need, unless;
        enum seeds seeds;
        char without[52]; /* what to say where there is no mount point and none can be made; none: no start */
};

#define API       "API file system"
#define READ_ONLY "read-only kernel interface"
#define MASKED    "masked kernel interface"
#define FRESH(dst_, type_, options_, attrs_)                                                                          \
        .kind = FSOP_FRESH, .dst = dst_, .src = type_, .options = options_, .set = attrs_, .slot = -1, .why = API
#define NODE_OF_HOST(name_, need_)                                                                                    \
        {                                                                                                             \
                { .kind = FSOP_TREE,                                                                                  \
                  .dst = "dev/" name_,                                                                                \
                  .host = "/dev/" name_,                                                                              \
                  .set = NOSUID | NOEXEC,                                                                             \
                  .slot = -1,                                                                                         \
                  .flags = FSOP_MAKE_FILE,                                                                            \
                  .why = "device node of the host" },                                                                 \
                        .need = need_, .unless = C_NODES                                                              \
        }
#define KEEP(part_, slot_)                                                                                            \
        {                                                                                                             \
                { .kind = FSOP_KEEP,                                                                                  \
                  .dst = "sys/" part_,                                                                                \
                  .slot = slot_,                                                                                      \
                  .flags = FSOP_OPTIONAL,                                                                             \
                  .why = "part of sysfs" },                                                                           \
                        .need = C_SKELETON                                                                            \
        }
#define PART(part_, slot_)                                                                                            \
        {                                                                                                             \
                { .kind = FSOP_TREE,                                                                                  \
                  .dst = "sys/" part_,                                                                                \
                  .slot = slot_,                                                                                      \
                  .set = RO | INERT,                                                                                  \
                  .flags = FSOP_OPTIONAL,                                                                             \
                  .why = "part of sysfs" },                                                                           \
                        .need = C_SKELETON                                                                            \
        }
#define PROC_RO(part_)                                                                                                \
        {                                                                                                             \
                { .kind = FSOP_SELF,                                                                                  \
                  .dst = "proc/" part_,                                                                               \
                  .set = RO | INERT,                                                                                  \
                  .slot = -1,                                                                                         \
                  .flags = FSOP_OPTIONAL,                                                                             \
                  .why = READ_ONLY },                                                                                 \
                        .unless = C_OPEN_API | C_NESTING                                                              \
        }
#define HIDE(dst_, need_)                                                                                             \
        {                                                                                                             \
                { .kind = FSOP_HIDE, .dst = dst_, .slot = -1, .flags = FSOP_OPTIONAL, .why = MASKED },                \
                        .need = need_, .unless = C_OPEN_API | C_NESTING                                               \
        }

/* Slots of the parts of sysfs; the launcher's own begin behind them. */
enum { SLOT_BLOCK, SLOT_BUS, SLOT_CLASS, SLOT_DEV, SLOT_DEVICES, SLOT_KERNEL, SLOT_FIRST_FREE };

/* The order is the order of work. A fresh proc or sysfs can be mounted in a user namespace only while a full instance
 * is visible (mnt_already_visible() in the kernel's fs/namespace.c), so all of this happens before the old root goes.
 */
static const struct mount_row rows[] = {
        { { .kind = FSOP_FRESH,
            .dst = "var",
            .src = "tmpfs",
            .options = "mode=0755,size=25%,nr_inodes=1m",
            .set = NODEV | STRICTATIME,
            .slot = -1,
            .why = "--volatile=state" },
          .need = C_STATE },
        /* /dev comes whole from the launcher: a user namespace cannot make device nodes. */
        { { FRESH("dev", "tmpfs", "mode=0755,size=4m,nr_inodes=64k", NOSUID | STRICTATIME),
            .flags = FSOP_BY_HOST | FSOP_MAKE_DIR | FSOP_IDMAP },
          .seeds = SEEDS_DEV,
          .need = C_NODES },
        { { FRESH("dev", "tmpfs", "mode=0755,size=4m,nr_inodes=64k", NOSUID | STRICTATIME), .flags = FSOP_MAKE_DIR },
          .seeds = SEEDS_DEV,
          .unless = C_NODES },
        NODE_OF_HOST("null", 0),
        NODE_OF_HOST("zero", 0),
        NODE_OF_HOST("full", 0),
        NODE_OF_HOST("random", 0),
        NODE_OF_HOST("urandom", 0),
        NODE_OF_HOST("tty", 0),
        NODE_OF_HOST("net/tun", C_TUN),
        NODE_OF_HOST("fuse", C_FUSE),
        /* All instances together have 4096 terminals (kernel.pty.max): one container shall not use them up. */
        { { FRESH("dev/pts", "devpts", "ptmxmode=0666,mode=0600,gid=5,max=1024", NOSUID | NOEXEC) },
          .unless = C_NO_TTY_GROUP },
        { { FRESH("dev/pts", "devpts", "ptmxmode=0666,mode=0600,max=1024", NOSUID | NOEXEC) },
          .need = C_NO_TTY_GROUP },
        { { FRESH("dev/shm", "tmpfs", "mode=1777,size=10%,nr_inodes=400k", NOSUID | NODEV | STRICTATIME) } },
        { { FRESH("dev/mqueue", "mqueue", "", INERT), .flags = FSOP_OF_GUEST } },

        { { FRESH("run", "tmpfs", "mode=0755,size=20%,nr_inodes=800k", NOSUID | NODEV | STRICTATIME),
            .flags = FSOP_MAKE_DIR },
          .seeds = SEEDS_RUN },
        /* Much to make, and the launcher has the time. */
        { { FRESH("run/host", "tmpfs", "mode=0755,size=4m,nr_inodes=1k", INERT),
            .flags = FSOP_BY_HOST | FSOP_IDMAP | FSOP_SEAL },
          .seeds = SEEDS_RUN_HOST,
          .need = C_FILL },
        { { FRESH("run/host", "tmpfs", "mode=0755,size=4m,nr_inodes=1k", INERT), .flags = FSOP_SEAL },
          .seeds = SEEDS_RUN_HOST,
          .unless = C_FILL },
        { { FRESH("run/host/unix-export", "tmpfs", "mode=0755,size=4m,nr_inodes=64",
                  INERT | MOUNT_ATTR_NOSYMFOLLOW) } },
        /* By the launcher, which knows what they hold. In memory that is never swapped out. */
        { { FRESH("run/host/credentials", "ramfs", "mode=0500", INERT | MOUNT_ATTR_NOSYMFOLLOW),
            .flags = FSOP_BY_HOST | FSOP_SEAL },
          .need = C_CREDENTIALS },
        /* By the guest itself, so not locked: an init unmounts it when it shuts down. Below is the tree's own. */
        { { FRESH("tmp", "tmpfs", "mode=1777,size=10%,nr_inodes=400k", NOSUID | NODEV | STRICTATIME),
            .flags = FSOP_MAKE_DIR | FSOP_LATE },
          .unless = C_NO_TMP,
          .without = "no /tmp inside: the tree has none, and is read-only" },

        { { FRESH("proc", "proc", "", INERT), .flags = FSOP_MAKE_DIR | FSOP_OF_GUEST }, .unless = C_NO_PROC },
        { { .kind = FSOP_TREE,
            .dst = "proc",
            .host = "/proc",
            .set = INERT,
            .slot = -1,
            .flags = FSOP_MAKE_DIR | FSOP_RECURSIVE,
            .why = "the proc that is there" },
          .need = C_NO_PROC,
          .unless = C_OPEN_API },
        { { .kind = FSOP_TREE,
            .dst = "proc",
            .host = "/proc",
            .set = INERT,
            .clear = RO,
            .slot = -1,
            .flags = FSOP_MAKE_DIR | FSOP_RECURSIVE,
            .why = "the proc that is there, --api-vfs=writable" },
          .need = C_NO_PROC | C_OPEN_API },

        /* The guest may mount the sysfs of a network namespace that its user namespace owns; any other comes from the
           launcher. */
        { { FRESH("sys", "sysfs", "", RO | INERT), .flags = FSOP_MAKE_DIR | FSOP_OF_GUEST },
          .need = C_PRIVATE_NET,
          .unless = C_OPEN_API | C_NO_SYSFS },
        { { FRESH("sys", "sysfs", "", INERT), .flags = FSOP_MAKE_DIR | FSOP_OF_GUEST },
          .need = C_PRIVATE_NET | C_OPEN_API,
          .unless = C_NO_SYSFS },
        { { FRESH("sys", "sysfs", "", RO | INERT), .flags = FSOP_MAKE_DIR | FSOP_BY_HOST },
          .unless = C_PRIVATE_NET | C_OPEN_API | C_NO_SYSFS },
        { { FRESH("sys", "sysfs", "", INERT), .flags = FSOP_MAKE_DIR | FSOP_BY_HOST },
          .need = C_OPEN_API,
          .unless = C_PRIVATE_NET | C_NO_SYSFS },
        { { .kind = FSOP_TREE,
            .dst = "sys",
            .host = "/sys",
            .set = RO | INERT,
            .slot = -1,
            .flags = FSOP_MAKE_DIR | FSOP_RECURSIVE,
            .why = "the sysfs that is there" },
          .need = C_NO_SYSFS,
          .unless = C_OPEN_API },
        { { .kind = FSOP_TREE,
            .dst = "sys",
            .host = "/sys",
            .set = INERT,
            .clear = RO,
            .slot = -1,
            .flags = FSOP_MAKE_DIR | FSOP_RECURSIVE,
            .why = "the sysfs that is there, --api-vfs=writable" },
          .need = C_NO_SYSFS | C_OPEN_API },
        KEEP("block", SLOT_BLOCK),
        KEEP("bus", SLOT_BUS),
        KEEP("class", SLOT_CLASS),
        KEEP("dev", SLOT_DEV),
        KEEP("devices", SLOT_DEVICES),
        KEEP("kernel", SLOT_KERNEL),
        { { .kind = FSOP_DETACH, .dst = "sys", .slot = -1, .why = "its parts are kept" }, .need = C_SKELETON },
        { { FRESH("sys", "tmpfs", "mode=0555,size=64k,nr_inodes=32", INERT), .flags = FSOP_SEAL },
          .seeds = SEEDS_SYS,
          .need = C_SKELETON },
        PART("block", SLOT_BLOCK),
        PART("bus", SLOT_BUS),
        PART("class", SLOT_CLASS),
        PART("dev", SLOT_DEV),
        PART("devices", SLOT_DEVICES),
        PART("kernel", SLOT_KERNEL),
        { { FRESH("sys/fs/cgroup", "cgroup2", "", INERT), .flags = FSOP_LATE | FSOP_OPTIONAL }, .need = C_CGROUP },

        PROC_RO("sys"),
        { { .kind = FSOP_SELF,
            .dst = "proc/sys/net",
            .clear = RO,
            .slot = -1,
            .flags = FSOP_OPTIONAL,
            .why = "settings of the own network namespace" },
          .need = C_NET_ADMIN,
          .unless = C_OPEN_API | C_NESTING | C_NET_LOCKED },
        { { .kind = FSOP_SELF,
            .dst = "proc/sys/net",
            .clear = RO,
            .slot = -1,
            .flags = FSOP_OPTIONAL,
            .why = "--api-vfs=network" },
          .need = C_NET_API,
          .unless = C_NET_ADMIN | C_NESTING },
        PROC_RO("acpi"),
        PROC_RO("apm"),
        PROC_RO("asound"),
        PROC_RO("bus"),
        PROC_RO("fs"),
        PROC_RO("irq"),
        PROC_RO("scsi"),
        /* Found by the kernel through the user namespaces above the payload's; it lasts as long as the mount. */
        { { .kind = FSOP_FRESH,
            .dst = "proc/sys/fs/binfmt_misc",
            .src = "binfmt_misc",
            .set = INERT,
            .slot = -1,
            .flags = FSOP_SEAL,
            .why = "emulator for the tree's programs" },
          .seeds = SEEDS_BINFMT,
          .need = C_EMULATOR },
        HIDE("proc/kallsyms", 0),
        HIDE("proc/kcore", 0),
        HIDE("proc/keys", 0),
        HIDE("proc/sysrq-trigger", 0),
        HIDE("proc/timer_list", 0),
        /* Beyond upstream's list: what tells about the host and serves no program in a container. */
        HIDE("proc/config.gz", C_BERTH),
        HIDE("proc/diskstats", C_BERTH),
        HIDE("proc/interrupts", C_BERTH),
        HIDE("proc/key-users", C_BERTH),
        HIDE("proc/latency_stats", C_BERTH),
        HIDE("proc/pagetypeinfo", C_BERTH),
        HIDE("proc/partitions", C_BERTH),
        HIDE("proc/sched_debug", C_BERTH),
        HIDE("proc/slabinfo", C_BERTH),
        HIDE("proc/vmallocinfo", C_BERTH),
        HIDE("sys/firmware", C_BERTH),
        HIDE("sys/devices/virtual/powercap", C_BERTH),
        HIDE("sys/kernel/btf", C_BERTH),
        HIDE("sys/kernel/debug", C_BERTH),
        HIDE("sys/kernel/notes", C_BERTH),
        HIDE("sys/kernel/slab", C_BERTH),
        HIDE("sys/kernel/tracing", C_BERTH),
        HIDE("sys/kernel/vmcoreinfo", C_BERTH),
        { { .kind = FSOP_SELF,
            .src = "run/host/proc-sys-kernel-random-boot-id",
            .dst = "proc/sys/kernel/random/boot_id",
            .set = RO | INERT,
            .slot = -1,
            .flags = FSOP_OPTIONAL,
            .why = "a boot id of its own" },
          .unless = C_OPEN_API | C_NESTING },
        { { .kind = FSOP_SELF,
            .src = "run/host/proc-kmsg",
            .dst = "proc/kmsg",
            .set = INERT,
            .slot = -1,
            .flags = FSOP_OPTIONAL,
            .why = "the host's kernel log stays outside" },
          .unless = C_OPEN_API | C_NESTING },
};

/* clang-format on */

/* What the row says lies in the table: it is there for as long as the program. */
static struct fsop op_of(const struct mount_row *row) {
        return (struct fsop){
                .kind = row->op.kind,
                .flags = row->op.flags,
                .dst = row->op.dst,
                .src = str_or_null(row->op.src),
                .options = str_or_null(row->op.options),
                .set = row->op.set,
                .clear = row->op.clear,
                .host = str_or_null(row->op.host),
                .slot = row->op.slot,
                .why = row->op.why,
        };
}

static struct seed seed_of(const struct seed_row *row) {
        bool has_text = row->seed.kind == SEED_FILE || row->seed.kind == SEED_LINK;

        return (struct seed){
                .kind = row->seed.kind,
                .mode = row->seed.mode,
                .path = row->seed.path,
                .text = has_text ? row->seed.text : NULL,
                .dev = row->seed.dev,
        };
}

static void add_seeds(enum seeds which, unsigned now, const struct facts *f, struct arena *a, struct fsop *op) {
        for (size_t i = 0; i < seed_lists[which].n; i++) {
                const struct seed_row *row = &seed_lists[which].rows[i];
                struct seed seed = seed_of(row);

                if ((row->need & now) != row->need || row->unless & now)
                        continue;
                /* For nobody more than on the host. */
                if (seed.kind == SEED_NODE && streq(seed.path, "net/tun"))
                        seed.mode = S_IFCHR | f->host.tun;
                if (seed.kind == SEED_NODE && streq(seed.path, "fuse"))
                        seed.mode = S_IFCHR | f->host.fuse;
                *arena_push(a, &op->seeds) = seed;
        }
}

/* A program that cannot become root again may read them as it is: there is nobody else inside. */
static void add_credentials(const struct spec *s, const struct plan *p, struct arena *a, struct fsop *op) {
        bool open = p->sec.no_new_privileges && p->exec.uid != 0 && p->exec.mode == EXEC_COMMAND;

        if (!streq(op->dst, &PLAN_CREDENTIALS[1]))
                return;
        op->options = open ? "mode=0555" : op->options;
        for (size_t i = 0; i < s->credentials.n; i++)
                *arena_push(a, &op->seeds) = (struct seed){
                        .kind = SEED_CREDENTIAL,
                        .path = s->credentials.items[i].id,
                        .text = s->credentials.items[i].id,
                        .mode = open ? 0444 : 0400,
                };
        if (s->forward.to)
                *arena_push(a, &op->seeds) = (struct seed){
                        .kind = SEED_CREDENTIAL,
                        .path = FORWARD_CREDENTIAL,
                        .text = FORWARD_CREDENTIAL,
                        .mode = open ? 0444 : 0400,
                };
}

/* Texts that depend on the run. */
static void fill_seeds(const struct spec *s, const struct facts *f, const struct plan *p, struct arena *a,
                       struct fsop *op) {
        for (size_t i = 0; i < op->seeds.n; i++) {
                struct seed *seed = &op->seeds.items[i];

                if (seed->kind == SEED_REGISTER)
                        seed->text = plan_emulator_line(f, a);
                if (seed->kind != SEED_FILE || (seed->text && *seed->text))
                        continue;
                if (streq(seed->path, "container-manager"))
                        seed->text = arena_printf(a, "%s\n", str_or(s->host.container_service, "systemd-nspawn"));
                else if (streq(seed->path, "container-uuid"))
                        seed->text = arena_printf(a, "%s\n", p->id.uuid_text);
                else if (streq(seed->path, "os-release"))
                        seed->text = f->host.os_release;
        }
}

struct fsop *plan_add_fsop(struct arena *a, struct plan *p, const struct fsop *op) {
        struct fsop *new = arena_push_many(a, &p->fsops, 64);

        *new = *op;
        if (new->slot >= 0 && new->slot >= p->n_slots)
                p->n_slots = new->slot + 1;
        return new;
}

/* Mounts inside the tree (a /usr that is bound into it, say) come along, except where ours cover them. */
static void add_submounts(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p) {
        static const char covered[][5] = { "proc", "sys", "dev", "run", "tmp" };
        size_t n = ELEMENTS(covered) - (s->host.no_tmpfs_tmp ? 1 : 0);
        bool read_only = p->root.read_only || p->root.overlay;

        /* Of a new root they are no part (with usr come those below it), nor of a copy. */
        for (size_t i = 0; i < f->tree.submounts.n && !p->root.fresh && !p->copy; i++) {
                const struct submount *sub = &f->tree.submounts.items[i];
                bool skip = false;

                for (size_t k = 0; k < n; k++) {
                        const char *rest = str_after(sub->path, covered[k]);

                        skip = skip || (rest && (*rest == '\0' || *rest == '/'));
                }
                if (!skip && p->ids.map_root && !sub->can_idmap)
                        plan_note(a, p,
                                  "what is mounted on /%s inside the tree belongs to nobody: its owners cannot be "
                                  "mapped",
                                  sub->path);
                if (!skip && read_only && !p->root.read_only)
                        plan_note(a, p,
                                  "what is mounted on /%s inside the tree is read-only: it is no part of the overlay",
                                  sub->path);
                if (!skip)
                        plan_add_fsop(
                                a, p,
                                &(struct fsop){
                                        .kind = FSOP_TREE,
                                        .dst = sub->path,
                                        .slot = -1,
                                        .host = arena_printf(a, "%s/%s", plan_tree_name(f, a), sub->path),
                                        .set = NODEV | (read_only ? RO : 0),
                                        .flags = FSOP_IN_TREE | (p->ids.map_root && sub->can_idmap ? FSOP_IDMAP : 0),
                                        .why = "mounted inside the tree",
                                });
        }
}

/* Where --pivot-root= wants the old root: as it is, with what is mounted in it left out. A tree that is spared shall
 * not be changed there either. */
static void add_whole(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p) {
        bool spared = spec_root_spares_tree(&s->root) && !p->copy;

        if (!s->root.pivot_old)
                return;
        plan_add_fsop(a, p,
                      &(struct fsop){
                              .kind = FSOP_TREE,
                              .dst = s->root.pivot_old,
                              .host = f->tree.path,
                              .slot = -1,
                              .set = NODEV | (p->root.read_only || spared ? RO : 0),
                              .flags = FSOP_IN_TREE | FSOP_WHOLE | FSOP_MAKE_DIR | FSOP_PARENTS | FSOP_FOLLOW |
                                       FSOP_OF_USER | (p->ids.map_root ? FSOP_IDMAP : 0),
                              .why = "--pivot-root=",
                      });
}

/* Below a root of its own there is only usr of the layers. */
static void add_stack_usr(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p) {
        const struct overlay *o = f->stack.root ? plan_stack_layers(s, f, a, p) : NULL;

        if (!o)
                return;
        plan_add_fsop(a, p,
                      &(struct fsop){
                              .kind = FSOP_OVERLAY,
                              .dst = "usr",
                              .slot = -1,
                              .overlay = o,
                              .set = NODEV | (o->memory || o->upper.host ? 0 : RO),
                              .flags = FSOP_BY_HOST | (f->tree.etc_writable ? FSOP_MAKE_DIR : 0),
                              .why = "mount stack, usr of its layers",
                      });
}

/* What a mount stack wants mounted into its root. */
static void add_stack_binds(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p) {
        add_stack_usr(s, f, a, p);
        for (size_t i = 0; i < f->stack.binds.n; i++) {
                const struct stack_bind *b = &f->stack.binds.items[i];
                bool read_only = b->read_only || s->root.read_only || spec_root_spares_tree(&s->root);

                plan_add_fsop(a, p,
                              &(struct fsop){
                                      .kind = FSOP_TREE,
                                      .dst = b->where,
                                      .slot = -1,
                                      .host = b->path,
                                      .part = b->number,
                                      .set = NODEV | (read_only ? RO : 0),
                                      .flags = (p->ids.map_root ? FSOP_IDMAP : 0) | (b->image ? FSOP_OF_STACK : 0) |
                                               (f->tree.etc_writable ? FSOP_MAKE_DIR | FSOP_PARENTS : 0),
                                      .why = read_only ? "mount stack, read-only" : "mount stack",
                              });
        }
}

/* Every operation that needs a descriptor from the launcher gets a slot. */
static int number_slots(struct plan *p, struct err *e) {
        for (size_t i = 0; i < p->fsops.n; i++) {
                struct fsop *op = &p->fsops.items[i];

                if (op->slot < 0 && (op->host || op->flags & FSOP_BY_HOST))
                        op->slot = p->n_slots++;
        }
        if (p->n_slots > PLAN_SLOTS)
                return err_set(e, ERR_HOST, 0, "%s has more mounts than can be made (%d of %d)", p->root.path,
                               p->n_slots, PLAN_SLOTS);
        if (p->fsops.n > PLAN_OPS)
                return err_set(e, ERR_HOST, 0, "%s has more file systems than can be made (%zu of %d)", p->root.path,
                               p->fsops.n, PLAN_OPS);
        return 0;
}

static const char *join(struct arena *a, const struct strv *words) {
        const char *text = "";

        for (size_t i = 0; i < words->n; i++)
                text = arena_printf(a, "%s%s%s", text, *text ? ", " : "", words->items[i]);
        return text;
}

/* Nothing is made in a tree that is read-only. Returns 1 where the row is left out for it. */
static int check_mount_point(const struct facts *f, struct arena *a, struct plan *p, const struct mount_row *row,
                             struct err *e) {
        if (!(row->op.flags & FSOP_MAKE_DIR) || p->root.fresh || !strv_has(&f->tree.missing, row->op.dst))
                return 0;
        if (*row->without) {
                plan_note(a, p, "%s", row->without);
                return 1;
        }
        err_set(e, ERR_IMAGE, 0, "%s has no directory %s to mount on", p->root.path, row->op.dst);
        return err_hint(e, "empty ones are needed, and not made in what is read-only: %s", join(a, &f->tree.missing));
}

static void add_row(const struct mount_row *row, unsigned now, const struct spec *s, const struct facts *f,
                    struct arena *a, struct plan *p) {
        const struct fsop said = op_of(row);
        struct fsop *op = plan_add_fsop(a, p, &said);

        /* An outer container's covers are locked to what they cover: they come along, or nothing does. */
        if (op->kind == FSOP_SELF && !op->src && now & C_NO_PROC)
                op->flags |= FSOP_RECURSIVE;
        if (!p->ids.own)
                op->flags &= ~(unsigned) FSOP_IDMAP;
        /* What is mounted there needs it first. */
        if (streq(op->dst, "tmp") && plan_binds_into(s, f, p, "tmp"))
                op->flags &= ~(unsigned) FSOP_LATE;
        add_seeds(row->seeds, now, f, a, op);
        if (row->seeds == SEEDS_DEV)
                plan_seed_nodes(p, now & C_NODES, a, &op->seeds);
        if (row->seeds == SEEDS_RUN_HOST) {
                plan_seed_binds(s, f, a, &op->seeds);
                plan_seed_lenders(f, p, a, &op->seeds);
        }
        fill_seeds(s, f, p, a, op);
        add_credentials(s, p, a, op);
        /* Last: a label may have commas in it. */
        if (s->sec.selinux_apifs && op->kind == FSOP_FRESH && (streq(op->src, "tmpfs") || streq(op->src, "devpts")))
                op->options = arena_printf(a, "%s,context=%s", op->options, s->sec.selinux_apifs);
}

static int add_rows(unsigned now, const struct spec *s, const struct facts *f, struct arena *a, struct plan *p,
                    struct err *e) {
        for (size_t i = 0; i < ELEMENTS(rows); i++) {
                const struct mount_row *row = &rows[i];
                int r;

                if ((row->need & now) != row->need || row->unless & now)
                        continue;
                /* Late, it would be on top. */
                if (row->op.flags & FSOP_LATE && !streq(row->op.dst, SPEC_CGROUP_DIR) && plan_binds_at(s, row->op.dst))
                        continue;
                r = check_mount_point(f, a, p, row, e);
                if (r < 0)
                        return r;
                if (r == 0)
                        add_row(row, now, s, f, a, p);
        }
        return 0;
}

/* Its own mount in the container, so that what is in the host's directory cannot be written to. */
static void add_tunnel(struct arena *a, struct plan *p) {
        if (p->unit.tunnel)
                plan_add_fsop(a, p,
                              &(struct fsop){ .kind = FSOP_TREE,
                                              .dst = "run/host/incoming",
                                              .host = p->unit.tunnel,
                                              .slot = -1,
                                              .set = RO | INERT,
                                              .flags = FSOP_SLAVE,
                                              .why = "for machinectl bind" });
}

int plan_mounts(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        unsigned now = conditions(s, f, p);
        const int *kept;
        int r;

        p->n_slots = SLOT_FIRST_FREE;
        add_submounts(s, f, a, p);
        r = plan_image_parts(s, f, a, p, e);
        if (r < 0)
                return r;
        add_stack_binds(s, f, a, p);
        kept = plan_keep_sources(s, f, a, p);
        add_whole(s, f, a, p);
        if (!(now & C_NODES))
                plan_note(a, p, "device nodes are the host's own: berth may not make any here");
        if (!f->host.can_mount_proc || !f->host.can_mount_sysfs)
                plan_note(a, p, "proc or sysfs is the outer container's: it shows more than this one's own");
        if (now & C_NET_LOCKED && now & C_NET_ADMIN && !(now & (C_OPEN_API | C_NESTING)))
                plan_note(a, p, "/proc/sys/net is read-only, as it is in the outer container");
        r = add_rows(now, s, f, a, p, e);
        if (r < 0)
                return r;
        if (!(now & C_NODES))
                plan_bind_nodes(a, p);
        plan_bind_lenders(f, a, p);
        add_tunnel(a, p);
        r = plan_bind_users(s, f, a, p, e);
        r = r < 0 ? r : plan_binds(s, f, kept, a, p, e);
        r = r < 0 ? r : plan_journal(s, f, a, p, e);
        r = r < 0 ? r : plan_forward(s, f, a, p, e);
        r = r < 0 ? r : plan_files(s, f, a, p, e);
        r = r < 0 ? r : plan_check_parts(f, p, e);
        return r < 0 ? r : number_slots(p, e);
}
