/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The whole system call table as text, one file per face, so that a change of it shows in review.
 * Arguments: the directory of the files, and --update to write them anew. */

#include <asm/ioctls.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/socket.h>

#include "base/clean.h"
#include "base/str.h"
#include "unit/test-filter-common.h"

/* Columns: what the face decides when booting a container with a network of its own, and with variations. */
static const struct face {
        const char *file;
        struct filter_want want;
} faces[] = {
        { "filter-berth.txt", { .face = FILTER_BERTH, .caps = CAPS_DEFAULT, .private_net = true } },
        { "filter-strict.txt", { .face = FILTER_STRICT, .caps = CAPS_DEFAULT, .private_net = true } },
};

static const struct {
        const char *what, *call;
        uint64_t arg0, arg1, arg2;
} cases[] = {
        { "AF_UNIX", "socket", AF_UNIX, SOCK_STREAM, 0 },
        { "AF_INET", "socket", AF_INET, SOCK_STREAM, 0 },
        { "AF_INET6", "socket", AF_INET6, SOCK_STREAM, 0 },
        { "AF_NETLINK", "socket", AF_NETLINK, SOCK_RAW, NETLINK_ROUTE },
        { "AF_NETLINK, NETLINK_AUDIT", "socket", AF_NETLINK, SOCK_RAW, NETLINK_AUDIT },
        { "AF_PACKET", "socket", AF_PACKET, SOCK_RAW, 0 },
        { "AF_VSOCK", "socket", AF_VSOCK, SOCK_STREAM, 0 },
        { "AF_ALG", "socket", AF_ALG, SOCK_SEQPACKET, 0 },
        { "AF_XDP", "socket", AF_XDP, SOCK_RAW, 0 },
        { "AF_KEY", "socket", AF_KEY, SOCK_RAW, 0 },
        { "AF_CAN", "socket", AF_CAN, SOCK_RAW, 0 },
        { "AF_TIPC", "socket", AF_TIPC, SOCK_RDM, 0 },
        { "AF_BLUETOOTH", "socket", AF_BLUETOOTH, SOCK_RAW, 0 },
        { "AF_PPPOX", "socket", AF_PPPOX, SOCK_STREAM, 0 },
        { "AF_UNIX", "socketpair", AF_UNIX, SOCK_STREAM, 0 },
        { "AF_TIPC", "socketpair", AF_TIPC, SOCK_STREAM, 0 },
        { "SYS_SOCKET", "socketcall", SYS_SOCKET, 0, 0 },
        { "SYS_SOCKETPAIR", "socketcall", SYS_SOCKETPAIR, 0, 0 },
        { "SYS_CONNECT", "socketcall", SYS_CONNECT, 0, 0 },
        { "TIOCSTI", "ioctl", 0, TIOCSTI, 0 },
        { "TIOCSTI + 2^32", "ioctl", 0, TIOCSTI | 1ull << 32, 0 },
        { "TIOCLINUX", "ioctl", 0, TIOCLINUX, 0 },
        { "TCGETS", "ioctl", 0, TCGETS, 0 },
        { "query", "personality", 0xffffffff, 0, 0 },
        { "PER_LINUX32", "personality", PER_LINUX32, 0, 0 },
        { "ADDR_NO_RANDOMIZE", "personality", ADDR_NO_RANDOMIZE, 0, 0 },
        { "READ_IMPLIES_EXEC", "personality", READ_IMPLIES_EXEC, 0, 0 },
        { "O_SYNC", "openat", 0, 0, O_SYNC },
};

static void add(struct arena *a, struct strv *lines, const char *text) {
        strv_add(a, lines, text);
}

static const char *cell(const struct filter *f, unsigned abi, const char *call, const uint64_t args[3]) {
        if (abi >= calls_native.n_abis || number(call, abi) < 0)
                return "-";
        return action_name(decide(f, abi, call, args[0], args[1], args[2]));
}

static void add_row(struct arena *a, struct strv *lines, const struct filter *f, const char *call, const char *what,
                    const uint64_t args[3]) {
        const char *name = what ? arena_printf(a, "%s(%s)", call, what) : call;

        add(a, lines,
            arena_printf(a, "%-34s %-12s %-12s %s\n", name, cell(f, 0, call, args), cell(f, 1, call, args),
                         cell(f, 2, call, args)));
}

static struct strv table(const struct filter *f, struct arena *a) {
        static const uint64_t zero[3];
        struct strv lines = { 0 };

        add(a, &lines,
            "# Decisions of the system call program. The first part has all arguments 0. \"ok\" is success\n");
        add(a, &lines, "# without the call, \"-\" a call that this ABI does not have.\n");
        add(a, &lines,
            arena_printf(a, "%-34s %-12s %-12s %s\n", "#", calls_native.abi[0].name, calls_native.abi[1].name,
                         calls_native.abi[2].name));
        for (size_t i = 0; i < calls_native.n; i++)
                add_row(a, &lines, f, calls_native.rows[i].name, NULL, zero);
        for (size_t i = 0; i < ELEMENTS(cases); i++)
                add_row(a, &lines, f, cases[i].call, cases[i].what,
                        (const uint64_t[]){ cases[i].arg0, cases[i].arg1, cases[i].arg2 });
        return lines;
}

static bool write_file(const char *path, const struct strv *lines) {
        FILE *out = fopen(path, "we");

        for (size_t i = 0; out && i < lines->n; i++)
                fputs(lines->items[i], out);
        return out && fclose(out) == 0;
}

static unsigned compare_file(const char *path, const struct strv *lines) {
        CLEAN_FILE FILE *in = fopen(path, "re");
        char have[256];
        unsigned differ = 0;

        for (size_t i = 0; i < lines->n; i++) {
                if (!in || !fgets(have, sizeof have, in))
                        strcpy(have, "end of file\n");
                if (streq(have, lines->items[i]))
                        continue;
                if (differ++ < 20)
                        printf("# line %zu was %s# and is now  %s", i + 1, have, lines->items[i]);
        }
        return differ + (in && fgets(have, sizeof have, in));
}

int main(int argc, char **argv) {
        CLEAN(arena_done) struct arena a = { 0 };
        bool update = argc == 3 && streq(argv[2], "--update");
        struct tap t = { 0 };

        if (argc != 2 && !update)
                return 2;
        if (calls_native.abi[0].audit_arch != AUDIT_ARCH_X86_64) {
                tap_skip(&t, "golden tables", "they are for x86-64");
                return tap_done(&t);
        }
        for (size_t i = 0; i < ELEMENTS(faces); i++) {
                struct filter f = build(&faces[i].want, &calls_native, &a);
                struct strv lines = table(&f, &a);
                const char *path = arena_printf(&a, "%s/%s", argv[1], faces[i].file);

                if (update && !write_file(path, &lines))
                        return 2;
                OK_INT(&t, compare_file(path, &lines), 0, "%s (update: %s %s --update)", faces[i].file, argv[0],
                       argv[1]);
        }
        return tap_done(&t);
}
