/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is open and what is closed. Argument: the directory with the lists of other programs' filters. */

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/socket.h>

#include "base/clean.h"
#include "base/str.h"
#include "spec/spec.h"
#include "sys/filter_tables.h"
#include "unit/test-filter-common.h"

_Static_assert((int) FILTER_BERTH == (int) FACE_BERTH && (int) FILTER_STRICT == (int) FACE_STRICT, "same numbers");
_Static_assert(CAPS_DEFAULT == SPEC_CAPS_DEFAULT, "same sets");

#define CAP(c)     (1ull << (c))
#define ERROR(n)   (SECCOMP_RET_ERRNO | (n))
#define NATIVE     0u
#define COMPAT     1u
#define WORDS(...) ((const char *[]){ __VA_ARGS__ })
#define LIST(...)  (&(struct strv){ .items = (char **) WORDS(__VA_ARGS__, NULL), .n = ELEMENTS(WORDS(__VA_ARGS__)) })

struct exception {
        const char *calls, *why;
};

/* What the strict face opens and systemd-nspawn does not. */
static const struct exception over_nspawn[] = {
        { "futex_requeue futex_wait futex_wake", "futex, which is open, in three parts; newer C libraries use them" },
        { "map_shadow_stack",
          "a stack for the caller itself; a C library with shadow stacks needs it for each thread" },
        { "mlock mlock2 mlockall munlock munlockall", "RLIMIT_MEMLOCK and CAP_IPC_LOCK are the guard" },
        { "uprobe uretprobe",
          "only works where the kernel itself put it; refused, a probe from the host kills the process" },
};

/* What podman closes and berth's face does not. */
static const struct exception over_podman[] = {
        { "sethostname setdomainname", "systemd and hostnamed set them, in the container's own UTS namespace" },
        { "vhangup kcmp process_madvise", "follow capabilities that an init has" },
        { "cachestat fchmodat2 file_getattr file_setattr getxattrat listxattrat removexattrat setxattrat",
          "calls on files that have an older open twin; systemd and coreutils use them" },
        { "listmount open_tree_attr statmount", "systemd and libmount look at and make mounts that way" },
        { "futex_requeue futex_wait futex_waitv futex_wake io_pgetevents mseal",
          "C libraries use them; older twins are open" },
        { "map_shadow_stack", "as above" },
        { "uprobe uretprobe", "as above" },
};

static const char *find_exception(const struct exception *list, size_t n, const char *name) {
        struct word w;

        for (size_t i = 0; i < n; i++)
                for (const char *words = list[i].calls; word_next(&words, &w);)
                        if (w.n == strlen(name) && strncmp(w.s, name, w.n) == 0)
                                return list[i].why;
        return NULL;
}

static unsigned count_words(const struct exception *list, size_t n) {
        unsigned count = 0;
        struct word w;

        for (size_t i = 0; i < n; i++)
                for (const char *words = list[i].calls; word_next(&words, &w);)
                        count++;
        return count;
}

/* For some arguments at least: 0, or 1, which is AF_UNIX. */
static bool is_open(const struct filter *f, unsigned abi, const char *name) {
        return decide(f, abi, name, 0, 0, 0) == SECCOMP_RET_ALLOW ||
               decide(f, abi, name, 1, 0, 0) == SECCOMP_RET_ALLOW;
}

static unsigned count_blocked(const struct filter *f, unsigned abi) {
        unsigned n = 0;

        for (size_t i = 0; i < calls_native.n; i++)
                n += calls_native.rows[i].nr[abi] >= 0 && !is_open(f, abi, calls_native.rows[i].name);
        return n;
}

static void test_strict_and_nspawn(struct tap *t, struct arena *a, const char *dir) {
        const struct filter_want want = { .face = FILTER_STRICT, .caps = CAPS_DEFAULT };
        struct filter f = build(&want, &calls_native, a);
        struct strv nspawn = read_words(a, dir, "filter-nspawn-262.txt");
        unsigned over = 0, under = 0, used = 0;

        for (size_t i = 0; i < calls_native.n; i++) {
                const char *name = calls_native.rows[i].name;
                bool theirs = has_word(&nspawn, name);

                if (calls_native.rows[i].nr[NATIVE] < 0 || theirs == is_open(&f, NATIVE, name))
                        continue;
                if (theirs)
                        printf("# closed, but open in systemd-nspawn: %s\n", name), under++;
                else if (find_exception(over_nspawn, ELEMENTS(over_nspawn), name))
                        used++;
                else
                        printf("# open, but closed in systemd-nspawn: %s\n", name), over++;
        }
        OK_INT(t, nspawn.n, 327, "the list of systemd-nspawn is whole");
        OK_INT(t, over, 0, "the strict face opens nothing over systemd-nspawn without a reason");
        OK_INT(t, used, count_words(over_nspawn, ELEMENTS(over_nspawn)), "each reason has its call");
        OK_INT(t, under, 0, "the strict face opens all that systemd-nspawn opens");
        printf("# strict: %u of the x86-64 calls blocked, %u of i386, %u instructions\n", count_blocked(&f, NATIVE),
               count_blocked(&f, COMPAT), f.n);
        OK_INT(t, count_blocked(&f, NATIVE), 47, "number of blocked native calls");
}

static void test_berth_and_podman(struct tap *t, struct arena *a, const char *dir) {
        const struct filter_want want = { .face = FILTER_BERTH, .caps = CAPS_DEFAULT };
        struct filter f = build(&want, &calls_native, a);
        struct strv podman = read_words(a, dir, "filter-podman.txt");
        unsigned missing = 0, used = 0, needed = count_words(over_podman, ELEMENTS(over_podman));

        for (size_t i = 0; i < podman.n; i++) {
                if (!is_open(&f, NATIVE, podman.items[i]))
                        continue;
                if (find_exception(over_podman, ELEMENTS(over_podman), podman.items[i]))
                        used++;
                else
                        printf("# open, but closed in podman: %s\n", podman.items[i]), missing++;
        }
        OK(t, podman.n >= 71, "the list of podman is whole");
        OK_INT(t, missing, 0, "berth's face opens nothing over podman without a reason");
        OK_INT(t, used, needed, "each reason has its call");
        printf("# berth: %u of the x86-64 calls blocked, %u of i386, %u instructions\n", count_blocked(&f, NATIVE),
               count_blocked(&f, COMPAT), f.n);
        OK(t, count_blocked(&f, NATIVE) >= podman.n - needed, "berth's face blocks at least what podman blocks");
        OK_INT(t, count_blocked(&f, NATIVE), 62, "number of blocked native calls");
}

static void test_tables(struct tap *t) {
        unsigned without = 0;

        for (unsigned i = 0; i < n_call_rules; i++)
                without += call_rules[i].why[0] == '\0';
        for (unsigned i = 0; i < n_arg_rules; i++)
                without += arg_rules[i].why[0] == '\0';
        OK_INT(t, without, 0, "each rule says why");
        for (size_t i = 1; i < calls_native.n; i++)
                if (strcmp(calls_native.rows[i - 1].name, calls_native.rows[i].name) >= 0)
                        without++;
        OK_INT(t, without, 0, "the numbers are sorted by name");
}

/* All that a start asks for without lists of its own. */
static void test_embedded(struct tap *t, struct arena *a) {
        unsigned differ = 0, made = 0;
        uint16_t longest = 0;

        for (unsigned i = 0; i < 32; i++) {
                const struct filter_want want = {
                        .face = i & 1 ? FILTER_STRICT : FILTER_BERTH,
                        .private_net = i & 2,
                        .suppress_sync = i & 4,
                        .caps = i & 8 ? 0
                                      : CAPS_DEFAULT | (i & 2 ? CAP(CAP_NET_ADMIN) : 0) |
                                                (i & 4 ? CAP(CAP_IPC_LOCK) : 0),
                        .nesting = (i & 21) == 16,
                };
                struct filter embedded, built = build(&want, &calls_native, a);
                struct err e = { 0 };

                if (filter_make(&want, a, &embedded, &e) < 0 || embedded.built)
                        made++;
                else if (embedded.n != built.n || memcmp(embedded.insns, built.insns, built.n * sizeof *built.insns))
                        differ++;
                longest = built.n > longest ? built.n : longest;
        }
        OK_INT(t, made, 0, "what a start usually needs is embedded");
        OK_INT(t, differ, 0, "embedded programs are what would be built");
        printf("# longest embedded program: %u instructions\n", longest);
        OK(t, longest <= 300, "programs are small");
}

/* A guest that has a builder loads its program while it waits (plan: filter_early): then all that it does from
 * "take over" to exec must be open, whatever capabilities beside CAP_SYS_ADMIN were taken away. */
static void test_early(struct tap *t, struct arena *a) {
        static const char *const needed[] = {
                "brk",
                "capget",
                "capset",
                "chdir",
                "close",
                "close_range",
                "dup3",
                "execve",
                "execveat",
                "exit_group",
                "faccessat2",
                "fchdir",
                "fchmod",
                "fchownat",
                "fcntl",
                "fsconfig",
                "fsmount",
                "fsopen",
                "fstat",
                "getcwd",
                "getdents64",
                "getgroups",
                "getpid",
                "getresgid",
                "getresuid",
                "ioctl",
                "memfd_create",
                "mkdirat",
                "mmap",
                "mount_setattr",
                "move_mount",
                "munmap",
                "newfstatat",
                "open_tree",
                "openat",
                "openat2",
                "prctl",
                "pread64",
                "prlimit64",
                "read",
                "readlink",
                "recvmsg",
                "sendmsg",
                "setgroups",
                "setresgid",
                "setresuid",
                "statfs",
                "statx",
                "umask",
                "umount2",
                "unshare",
                "write",
                "landlock_create_ruleset",
                "landlock_restrict_self",
        };
        unsigned closed = 0;

        for (unsigned i = 0; i < 8; i++) {
                const struct filter_want want = { .face = i & 1 ? FILTER_STRICT : FILTER_BERTH,
                                                  .private_net = i & 2,
                                                  .nesting = !(i & 1) && i & 4,
                                                  .caps = CAP(CAP_SYS_ADMIN) };
                struct filter f = build(&want, &calls_native, a);

                for (size_t k = 0; k < ELEMENTS(needed); k++)
                        if (!is_open(&f, 0, needed[k])) {
                                printf("# %s is closed in program %u\n", needed[k], i);
                                closed++;
                        }
        }
        OK_INT(t, closed, 0, "a guest can go on below an early program");
}

static void test_unknown(struct tap *t, struct arena *a) {
        struct filter_want want = { .caps = CAPS_DEFAULT, .allow = LIST("no_such_call") };
        struct filter f = { .n = 7 };
        struct err e = { 0 };

        OK(t, filter_make(&want, a, &f, &e) < 0 && e.kind == ERR_USAGE && strstr(e.text, "no_such_call"),
           "unknown call");
        want = (struct filter_want){ .deny = LIST("@nonsense") };
        OK(t, filter_make(&want, a, &f, &e) < 0 && e.kind == ERR_USAGE && strstr(e.text, "@nonsense"),
           "unknown group");
        want = (struct filter_want){ .deny = LIST("@") };
        OK(t, filter_make(&want, a, &f, &e) < 0 && e.kind == ERR_USAGE, "empty group");
        want = (struct filter_want){ .deny = LIST("read write") };
        OK(t, filter_make(&want, a, &f, &e) < 0 && e.kind == ERR_USAGE, "two names in one");
        want = (struct filter_want){ .families_said = true, .families = LIST("AF_INET", "AF_NONE") };
        OK(t, filter_make(&want, a, &f, &e) < 0 && e.kind == ERR_USAGE && strstr(e.text, "AF_NONE"), "unknown family");
        OK_INT(t, f.n, 7, "nothing is written on failure");
}

/* A table without a name that libseccomp knows stands for a build that is older than the call. */
static void test_newer_names(struct tap *t, struct arena *a) {
        struct call_row *rows = arena_alloc(a, calls_native.n * sizeof *rows);
        struct call_table old = calls_native, grown;
        struct err e = { 0 };
        size_t n = 0;

        for (size_t i = 0; i < calls_native.n; i++)
                if (!streq(calls_native.rows[i].name, "swapon") && !streq(calls_native.rows[i].name, "vm86"))
                        rows[n++] = calls_native.rows[i];
        old.rows = rows, old.n = n;
        OK(t, filter_names_add(&old, LIST("read", "vm86", "swapon"), a, &grown, &e) == 0, "names from libseccomp: %s",
           e.text);
        OK_INT(t, grown.n, calls_native.n, "two more rows");
        OK(t, grown.n == calls_native.n && memcmp(grown.rows, calls_native.rows, n * sizeof *rows) == 0,
           "the same rows");
        OK(t, filter_names_add(&old, LIST("no_such_call"), a, &grown, &e) < 0,
           "a name that libseccomp does not know either");
}

static void test_user_lists(struct tap *t, struct arena *a) {
        struct filter_want want = { .face = FILTER_STRICT, .caps = CAPS_DEFAULT, .allow = LIST("bpf", "@swap") };
        struct filter f;
        struct err e = { 0 };

        OK(t, filter_make(&want, a, &f, &e) == 0 && f.built, "a list makes a program of its own");
        OK(t, is_open(&f, NATIVE, "bpf") && is_open(&f, NATIVE, "swapon"), "allowed by name and by group");
        OK(t, !is_open(&f, NATIVE, "kexec_load"), "the rest is as before");
        want.deny = LIST("swapoff", "@keyring", "read");
        OK(t, filter_make(&want, a, &f, &e) == 0, "both lists");
        OK(t, is_open(&f, NATIVE, "swapon"), "allowed and not denied");
        OK_STR(t, action_name(decide(&f, NATIVE, "swapoff", 0, 0, 0)), "EPERM", "deny wins over the user's own group");
        OK_STR(t, action_name(decide(&f, NATIVE, "keyctl", 0, 0, 0)), "EPERM", "a denied group");
        OK_STR(t, action_name(decide(&f, COMPAT, "read", 0, 0, 0)), "EPERM", "denied on the compat ABI too");
        want = (struct filter_want){ .allow = LIST("@known") };
        OK(t, filter_make(&want, a, &f, &e) == 0 && is_open(&f, NATIVE, "bpf") && is_open(&f, COMPAT, "vm86"),
           "@known");
        OK_STR(t, action_name(decide(&f, NATIVE, "ioctl", 0, TIOCSTI, 0)), "EPERM", "TIOCSTI stays closed");
        want.deny = LIST("@known");
        OK(t, filter_make(&want, a, &f, &e) == 0 && !is_open(&f, NATIVE, "read"), "everything denied");
}

static void test_caps(struct tap *t, struct arena *a) {
        static const struct {
                const char *call;
                int cap;
        } follow[] = {
                { "clock_settime", CAP_SYS_TIME }, { "adjtimex", CAP_SYS_TIME },
                { "init_module", CAP_SYS_MODULE }, { "iopl", CAP_SYS_RAWIO },
                { "acct", CAP_SYS_PACCT },         { "ptrace", CAP_SYS_PTRACE },
                { "reboot", CAP_SYS_BOOT },        { "vhangup", CAP_SYS_TTY_CONFIG },
                { "syslog", CAP_SYSLOG },          { "bpf", CAP_BPF },
        };

        for (size_t i = 0; i < 2 * ELEMENTS(follow); i++) {
                const char *call = follow[i / 2].call;
                struct filter_want want = { .face = i % 2 ? FILTER_STRICT : FILTER_BERTH,
                                            .caps = ~CAP(follow[i / 2].cap) };
                struct filter f = build(&want, &calls_native, a);

                OK_STR(t, action_name(decide(&f, NATIVE, call, 0, 0, 0)), "EPERM", "%s without capability %d", call,
                       follow[i / 2].cap);
                want.caps = CAP(follow[i / 2].cap);
                f = build(&want, &calls_native, a);
                OK(t, is_open(&f, NATIVE, call), "%s with it alone", call);
        }
}

static void test_faces(struct tap *t, struct arena *a) {
        static const struct {
                const char *call, *berth, *nesting, *strict;
        } cases[] = {
                { "io_uring_setup", "ENOSYS", "ENOSYS", "allow" }, { "keyctl", "ENOSYS", "allow", "allow" },
                { "add_key", "ENOSYS", "allow", "allow" },         { "userfaultfd", "EPERM", "EPERM", "allow" },
                { "pidfd_getfd", "EPERM", "allow", "EPERM" },      { "bpf", "EPERM", "EPERM", "EPERM" },
                { "clone3", "allow", "allow", "allow" },           { "mlockall", "allow", "allow", "allow" },
                { "memfd_secret", "ENOSYS", "ENOSYS", "ENOSYS" },  { "open_by_handle_at", "EPERM", "EPERM", "EPERM" },
                { "pkey_alloc", "ENOSYS", "ENOSYS", "ENOSYS" },    { "perf_event_open", "EPERM", "EPERM", "EPERM" },
                { "mount_setattr", "allow", "allow", "allow" },    { "uselib", "ENOSYS", "ENOSYS", "ENOSYS" },
                { "unshare", "allow", "allow", "allow" },          { "seccomp", "allow", "allow", "allow" },
        };
        struct filter_want want = { .face = FILTER_BERTH, .caps = CAPS_DEFAULT };
        struct filter berth = build(&want, &calls_native, a), nesting, strict;

        want.nesting = true;
        nesting = build(&want, &calls_native, a);
        want = (struct filter_want){ .face = FILTER_STRICT, .caps = CAPS_DEFAULT };
        strict = build(&want, &calls_native, a);
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                OK_STR(t, action_name(decide(&berth, NATIVE, cases[i].call, 0, 0, 0)), cases[i].berth, "%s",
                       cases[i].call);
                OK_STR(t, action_name(decide(&nesting, NATIVE, cases[i].call, 0, 0, 0)), cases[i].nesting,
                       "... nesting");
                OK_STR(t, action_name(decide(&strict, NATIVE, cases[i].call, 0, 0, 0)), cases[i].strict, "... strict");
        }
}

static void test_unlisted(struct tap *t, struct arena *a) {
        for (int face = FILTER_BERTH; face <= FILTER_STRICT; face++) {
                const struct filter_want want = { .face = face, .caps = CAPS_DEFAULT };
                struct filter f = build(&want, &calls_native, a);
                struct seccomp_data d = { .nr = 999, .arch = calls_native.abi[NATIVE].audit_arch };

                OK_STR(t, action_name(filter_run(&f, &d)), "ENOSYS", "a number that nobody knows");
                d.nr = -1;
                OK_STR(t, action_name(filter_run(&f, &d)), "ENOSYS", "-1");
                d.nr = 0x40000000 | number("read", NATIVE);
                OK_STR(t, action_name(filter_run(&f, &d)), face == FILTER_STRICT ? "allow" : "ENOSYS", "read of x32");
                d = (struct seccomp_data){ .nr = number("read", NATIVE), .arch = AUDIT_ARCH_SPARC };
                OK_STR(t, action_name(filter_run(&f, &d)), "kill", "an unknown architecture");
        }
}

static const char *ask_socket(const struct filter *f, unsigned abi, const char *call, uint64_t arg0, uint64_t arg2) {
        return action_name(decide(f, abi, call, arg0, SOCK_RAW, arg2));
}

static void test_families(struct tap *t, struct arena *a) {
        static const int exotic[] = { AF_VSOCK,     AF_ALG, AF_XDP,    AF_KEY, AF_CAN, AF_TIPC,
                                      AF_BLUETOOTH, AF_RDS, AF_PACKET, 63,     64,     -1 };
        struct filter_want want = { .face = FILTER_BERTH };
        struct filter f = build(&want, &calls_native, a);

        for (size_t i = 0; i < ELEMENTS(exotic); i++)
                OK_STR(t, ask_socket(&f, NATIVE, "socket", (uint64_t) exotic[i], 0), "EAFNOSUPPORT", "family %d",
                       exotic[i]);
        OK_STR(t, ask_socket(&f, NATIVE, "socket", AF_UNIX, 0), "allow", "AF_UNIX");
        OK_STR(t, ask_socket(&f, NATIVE, "socket", AF_INET6 | 1ull << 32, 0), "allow", "AF_INET6, upper half set");
        OK_STR(t, ask_socket(&f, NATIVE, "socket", AF_NETLINK, NETLINK_ROUTE), "allow", "AF_NETLINK");
        OK_STR(t, ask_socket(&f, NATIVE, "socket", AF_NETLINK, NETLINK_AUDIT), "EAFNOSUPPORT", "audit");
        OK_STR(t, ask_socket(&f, NATIVE, "socket", AF_NETLINK | 1ull << 40, NETLINK_AUDIT | 1ull << 40),
               "EAFNOSUPPORT", "audit, upper halves set");
        OK_STR(t, ask_socket(&f, NATIVE, "socketpair", AF_TIPC, 0), "EAFNOSUPPORT", "a pair of AF_TIPC");
        OK_STR(t, ask_socket(&f, NATIVE, "socketpair", AF_UNIX, 0), "allow", "a pair of AF_UNIX");
        want.private_net = true;
        f = build(&want, &calls_native, a);
        OK_STR(t, ask_socket(&f, NATIVE, "socket", AF_PACKET, 0), "allow", "AF_PACKET with an own network");
        want.face = FILTER_STRICT;
        f = build(&want, &calls_native, a);
        OK_STR(t, ask_socket(&f, NATIVE, "socket", AF_VSOCK, 0), "allow", "strict: AF_VSOCK");
        OK_STR(t, ask_socket(&f, NATIVE, "socket", AF_NETLINK, NETLINK_AUDIT), "EAFNOSUPPORT", "strict: audit");
}

static void test_restricted(struct tap *t, struct arena *a) {
        struct filter_want want = { .face = FILTER_STRICT,
                                    .families_said = true,
                                    .families = LIST("AF_INET", "AF_VSOCK") };
        struct filter f = build(&want, &calls_native, a);

        OK_STR(t, ask_socket(&f, NATIVE, "socket", AF_VSOCK, 0), "allow", "in the allow list");
        OK_STR(t, ask_socket(&f, NATIVE, "socket", AF_UNIX, 0), "EAFNOSUPPORT", "not in the allow list");
        OK_STR(t, ask_socket(&f, NATIVE, "socketpair", AF_UNIX, 0), "allow", "but a pair");
        OK_STR(t, action_name(decide(&f, NATIVE, "io_uring_setup", 0, 0, 0)), "ENOSYS", "io_uring is closed by it");
        want.families_deny_list = true;
        f = build(&want, &calls_native, a);
        OK_STR(t, ask_socket(&f, NATIVE, "socket", AF_VSOCK, 0), "EAFNOSUPPORT", "in the deny list");
        OK_STR(t, ask_socket(&f, NATIVE, "socket", 64, 0), "allow", "not in the deny list");
        want.face = FILTER_BERTH;
        f = build(&want, &calls_native, a);
        OK_STR(t, ask_socket(&f, NATIVE, "socket", AF_ALG, 0), "EAFNOSUPPORT", "a deny list opens nothing");
        want.families = NULL;
        f = build(&want, &calls_native, a);
        OK_STR(t, ask_socket(&f, NATIVE, "socket", AF_ALG, 0), "allow", "an empty one lifts all restrictions");
        want.families_none = true;
        f = build(&want, &calls_native, a);
        OK_STR(t, ask_socket(&f, NATIVE, "socket", AF_UNIX, 0), "EAFNOSUPPORT", "none");
}

/* Only where the compat ABI is i386. */
static void test_socketcall(struct tap *t, struct arena *a) {
        struct filter_want want = { .face = FILTER_BERTH };
        struct filter f = build(&want, &calls_native, a);

        if (number("socketcall", COMPAT) < 0)
                return tap_skip(t, "socketcall", "not on this machine");
        OK_STR(t, ask_socket(&f, COMPAT, "socketcall", SYS_SOCKET, 0), "EAFNOSUPPORT", "berth: socket by socketcall");
        OK_STR(t, ask_socket(&f, COMPAT, "socketcall", SYS_SOCKETPAIR, 0), "EAFNOSUPPORT", "berth: socketpair by it");
        OK_STR(t, ask_socket(&f, COMPAT, "socketcall", SYS_CONNECT, 0), "allow", "berth: connect by it");
        OK_STR(t, ask_socket(&f, COMPAT, "socket", AF_VSOCK, 0), "EAFNOSUPPORT",
               "berth: the direct call is closed alike");
        want.tree32 = true;
        f = build(&want, &calls_native, a);
        OK_STR(t, ask_socket(&f, COMPAT, "socketcall", SYS_SOCKET, 0), "allow", "a tree of 32-bit programs");
        want = (struct filter_want){ .face = FILTER_BERTH, .allow = LIST("socketcall") };
        f = build(&want, &calls_native, a);
        OK_STR(t, ask_socket(&f, COMPAT, "socketcall", SYS_SOCKET, 0), "allow", "named by the user");
        want.families_said = true, want.families = LIST("AF_UNIX");
        f = build(&want, &calls_native, a);
        OK_STR(t, ask_socket(&f, COMPAT, "socketcall", SYS_SOCKET, 0), "EAFNOSUPPORT", "but not with a restriction");
        want = (struct filter_want){ .face = FILTER_STRICT };
        f = build(&want, &calls_native, a);
        OK_STR(t, ask_socket(&f, COMPAT, "socketcall", SYS_SOCKET, 0), "allow", "strict");
        want.families_said = true, want.families = LIST("AF_UNIX");
        f = build(&want, &calls_native, a);
        OK_STR(t, ask_socket(&f, COMPAT, "socketcall", SYS_SOCKET, 0), "EAFNOSUPPORT", "strict with a restriction");
}

static void test_arguments(struct tap *t, struct arena *a) {
        struct filter_want want = { .face = FILTER_BERTH };
        struct filter f = build(&want, &calls_native, a);

        OK_STR(t, action_name(decide(&f, NATIVE, "ioctl", 0, TIOCSTI, 0)), "EPERM", "TIOCSTI");
        OK_STR(t, action_name(decide(&f, NATIVE, "ioctl", 0, 1ull << 32 | TIOCSTI, 0)), "EPERM",
               "TIOCSTI, upper half set");
        OK_STR(t, action_name(decide(&f, COMPAT, "ioctl", 0, TIOCLINUX, 0)), "EPERM", "TIOCLINUX, compat");
        OK_STR(t, action_name(decide(&f, NATIVE, "ioctl", 0, TIOCGWINSZ, 0)), "allow", "TIOCGWINSZ");
        OK_STR(t, action_name(decide(&f, NATIVE, "personality", 0xffffffff, 0, 0)), "allow", "personality: ask");
        OK_STR(t, action_name(decide(&f, NATIVE, "personality", PER_LINUX32 | ADDR_NO_RANDOMIZE, 0, 0)), "allow",
               "... harmless");
        OK_STR(t, action_name(decide(&f, NATIVE, "personality", READ_IMPLIES_EXEC, 0, 0)), "EPERM",
               "... executable data");
        OK_STR(t, action_name(decide(&f, NATIVE, "personality", PER_SVR4, 0, 0)), "EPERM", "... another system");
        want.allow = LIST("personality");
        f = build(&want, &calls_native, a);
        OK_STR(t, action_name(decide(&f, NATIVE, "personality", READ_IMPLIES_EXEC, 0, 0)), "allow",
               "... named by the user");
        want = (struct filter_want){ .face = FILTER_STRICT, .suppress_sync = true };
        f = build(&want, &calls_native, a);
        OK_STR(t, action_name(decide(&f, NATIVE, "fsync", 3, 0, 0)), "ok", "fsync is suppressed");
        OK_STR(t, action_name(decide(&f, NATIVE, "fsync", 0xffffffff, 0, 0)), "allow", "... not for a bad descriptor");
        OK_STR(t, action_name(decide(&f, NATIVE, "sync", 0, 0, 0)), "ok", "sync");
        OK_STR(t, action_name(decide(&f, COMPAT, "msync", 0, 0, 0)), "ok", "msync, compat");
        OK_STR(t, action_name(decide(&f, NATIVE, "openat", 0, 0, O_DSYNC | O_RDWR)), "EINVAL", "O_DSYNC");
        OK_STR(t, action_name(decide(&f, NATIVE, "openat", 0, 0, O_RDWR | O_CREAT)), "allow", "no O_DSYNC");
        OK_STR(t, action_name(decide(&f, NATIVE, "openat2", 0, 0, 0)), "ENOSYS", "openat2");
}

int main(int argc, char **argv) {
        CLEAN(arena_done) struct arena a = { 0 };
        struct tap t = { 0 };

        if (argc != 2)
                return 2;
        test_tables(&t);
        test_strict_and_nspawn(&t, &a, argv[1]);
        test_berth_and_podman(&t, &a, argv[1]);
        test_faces(&t, &a);
        test_caps(&t, &a);
        test_unlisted(&t, &a);
        test_families(&t, &a);
        test_restricted(&t, &a);
        test_socketcall(&t, &a);
        test_arguments(&t, &a);
        test_embedded(&t, &a);
        test_early(&t, &a);
        test_unknown(&t, &a);
        test_newer_names(&t, &a);
        test_user_lists(&t, &a);
        return tap_done(&t);
}
