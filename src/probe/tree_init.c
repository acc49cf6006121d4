/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What --boot would start, and which signals it understands. Nothing of the tree runs for that: the name that links
 * lead to tells most, marks in the file and its configuration the rest. A wrong guess costs a time-out at the stop, no
 * more. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/colon.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/str.h"
#include "probe/tree.h"
#include "probe/tree_open.h"
#include "sys/resolve.h"

enum { LINKS_MAX = 40, SCAN_MAX = 4 * 1024 * 1024, SCAN_CHUNK = 32 * 1024, SCAN_OVERLAP = 64 };

struct init_row {
        char mark[22];
        enum init_kind kind;
        int sig_stop, sig_reboot;
};

/* By the name of the program.
 * systemd(1): SIGRTMIN+3 halt.target, SIGRTMIN+5 reboot.target. busybox (init/init.c): USR2 power off, TERM reboot.
 * openrc-init (src/openrc-init/openrc-init.c): TERM and PWR shut down, INT reboots.
 * runit(8), runit-init(8): see runit_signals(). s6-svscan(8): TERM stops the tree and runs the finish script; what
 * reboots is up to that script. s6-linux-init(7): its generated handlers take PWR for power off and INT for reboot.
 * dinit(8): TERM halts, INT reboots. finit(8): USR2 power off, TERM reboot. */
static const struct init_row by_name[] = {
        { "systemd", INIT_SYSTEMD, SIGNAL_RTMIN + 3, SIGNAL_RTMIN + 5 },
        { "busybox", INIT_BUSYBOX, SIGUSR2, SIGTERM },
        { "openrc-init", INIT_OPENRC, SIGTERM, SIGINT },
        { "runit-init", INIT_RUNIT, 0, 0 },
        { "runit", INIT_RUNIT, 0, 0 },
        { "s6-svscan", INIT_S6, SIGTERM, 0 },
        { "s6-linux-init", INIT_S6, SIGPWR, SIGINT },
        { "dinit", INIT_DINIT, SIGTERM, SIGINT },
        { "finit", INIT_FINIT, SIGUSR2, SIGTERM },
};

/* By what is written in a program or script that goes by a name of no meaning (/sbin/init). */
static const struct init_row by_text[] = {
        { "INIT_VERSION=sysvinit", INIT_SYSVINIT, 0, 0 },
        { "BusyBox v", INIT_BUSYBOX, SIGUSR2, SIGTERM },
        { "OpenRC init version", INIT_OPENRC, SIGTERM, SIGINT },
        { "/runit.stopit", INIT_RUNIT, 0, 0 },
        { "/runit/stopit", INIT_RUNIT, 0, 0 },
        { "s6-linux-init", INIT_S6, SIGPWR, SIGINT },
        { "/dinit.d", INIT_DINIT, SIGTERM, SIGINT },
        { "/etc/finit.conf", INIT_FINIT, SIGUSR2, SIGTERM },
        { "libsystemd-core-", INIT_SYSTEMD, SIGNAL_RTMIN + 3, SIGNAL_RTMIN + 5 },
        { "/lib/systemd/systemd", INIT_SYSTEMD, SIGNAL_RTMIN + 3, SIGNAL_RTMIN + 5 }, /* a script that ends in it */
};

/* Debian's runit keeps its flag in /run; it takes SIGPWR since 2.1.2-27 (changelog). */
static const struct init_row runit_in_run[] = { { "/run/runit.stopit", INIT_RUNIT, SIGPWR, 0 } };

const char *init_kind_name(enum init_kind k) {
        static const char names[][12] = {
                [INIT_NONE] = "none",
                [INIT_SYSTEMD] = "systemd",
                [INIT_BUSYBOX] = "busybox",
                [INIT_SYSVINIT] = "sysvinit",
                [INIT_OPENRC] = "openrc-init",
                [INIT_RUNIT] = "runit",
                [INIT_S6] = "s6",
                [INIT_DINIT] = "dinit",
                [INIT_FINIT] = "finit",
                [INIT_OTHER] = "other",
        };

        return (unsigned) k < ELEMENTS(names) ? names[k] : "unknown";
}

/* path, and where it is a link, what it points to. 1: *path was replaced; 0: it is no link. Only the last component is
 * followed here: the kernel does the rest in-root, so ".." and absolute links mean what they mean inside. */
static int follow_once(int root, char path[PATH_MAX]) {
        CLEAN_FD int fd = resolve_in_root(root, path, O_PATH | O_NOFOLLOW);
        char target[PATH_MAX], joined[PATH_MAX];
        struct stat st;
        ssize_t n;
        int dir, len;

        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISLNK(st.st_mode))
                return 0;
        n = readlinkat(fd, "", target, sizeof target);
        if (n <= 0 || n == sizeof target)
                return n < 0 ? -errno : -ENAMETOOLONG;
        dir = target[0] == '/' ? 0 : (int) (strrchr(path, '/') + 1 - path);
        len = snprintf(joined, sizeof joined, "%.*s%.*s", dir, path, (int) n, target);
        if (len < 0 || (size_t) len >= sizeof joined)
                return -ENAMETOOLONG;
        memcpy(path, joined, (size_t) len + 1);
        return 1;
}

/* The name of the file that path leads to, without directories; "" where it cannot be told. */
static void final_name(int root, const char *path, char ret[NAME_MAX + 1]) {
        char cur[PATH_MAX];
        int r = 1;

        snprintf(cur, sizeof cur, "%s", path);
        for (int i = 0; r == 1 && i < LINKS_MAX; i++)
                r = follow_once(root, cur);
        ret[0] = '\0';
        if (r == 0)
                snprintf(ret, NAME_MAX + 1, "%.*s", NAME_MAX, strrchr(cur, '/') + 1);
}

static const struct init_row *find_name(const char *name) {
        for (size_t i = 0; i < ELEMENTS(by_name); i++)
                if (streq(by_name[i].mark, name))
                        return &by_name[i];
        return NULL;
}

/* The first row of which a mark is found, reading from the front. */
static const struct init_row *find_text(int fd, const struct init_row *rows, size_t n_rows) {
        char buf[SCAN_OVERLAP + SCAN_CHUNK];
        size_t have = 0;
        ssize_t n;

        for (off_t at = 0; at < SCAN_MAX; at += n) {
                n = file_pread(fd, buf + have, SCAN_CHUNK, at);
                if (n <= 0)
                        break;
                have += (size_t) n;
                for (size_t i = 0; i < n_rows; i++)
                        if (memmem(buf, have, rows[i].mark, strlen(rows[i].mark)))
                                return &rows[i];
                if (have > SCAN_OVERLAP) { /* a mark may lie across two chunks */
                        memmove(buf, buf + have - SCAN_OVERLAP, SCAN_OVERLAP);
                        have = SCAN_OVERLAP;
                }
        }
        return NULL;
}

enum outcome { GOES_ON, GOES_OFF, REBOOTS };

static struct span base_name(struct span s) {
        const char *slash = memrchr(s.s, '/', s.n);

        return slash ? (struct span){ slash + 1, s.n - (size_t) (slash + 1 - s.s) } : s;
}

/* What a command of inittab(5) does to the machine, as far as its words tell. */
static enum outcome command_outcome(struct span command) {
        bool init = false, shutdown = false;
        struct span word;

        while (span_next(&command, ' ', &word)) {
                bool option = word.n > 1 && word.s[0] == '-';

                word = base_name(word);
                if (span_is(word, "poweroff") || span_is(word, "halt") || (init && span_is(word, "0")))
                        return GOES_OFF;
                if (span_is(word, "reboot") || (init && span_is(word, "6")))
                        return REBOOTS;
                if (shutdown && option && memchr(word.s, 'r', word.n))
                        return REBOOTS;
                if (shutdown && option && (memchr(word.s, 'h', word.n) || memchr(word.s, 'P', word.n)))
                        return GOES_OFF;
                init = init || span_is(word, "init") || span_is(word, "telinit");
                shutdown = shutdown || span_is(word, "shutdown");
        }
        return GOES_ON;
}

/* init(8): SIGINT runs the ctrlaltdel entry, SIGPWR the power failure ones. Which of them stops the machine is up to
 * inittab(5); Debian's has shutdown -r for the one and a script that is not there for the other, so that an orderly
 * stop ends in a reboot, which its supervisor has to take for the stop it asked for. */
static void sysvinit_signals(int root, struct arena *a, struct tree_init *t) {
        struct colon_line l;
        struct span text;
        char *s;
        ssize_t n = tree_read(root, "/etc/inittab", TREE_FILE_MAX, a, &s);

        if (n < 0)
                return;
        text = (struct span){ s, (size_t) n };
        while (colon_next(&text, &l)) {
                const struct span *first = &l.field[3], *last = &l.field[l.n - 1];
                enum outcome o;

                if (l.n < 4)
                        continue;
                o = command_outcome((struct span){ first->s, (size_t) (last->s + last->n - first->s) });
                if (o == GOES_OFF && (span_is(l.field[2], "powerfail") || span_is(l.field[2], "powerwait")))
                        t->sig_stop = SIGPWR;
                if (o == REBOOTS && span_is(l.field[2], "ctrlaltdel"))
                        t->sig_reboot = SIGINT;
                if (o != GOES_ON && span_is(l.field[2], "ctrlaltdel") && t->sig_stop == 0)
                        t->sig_stop = SIGINT;
        }
}

/* runit(8): SIGINT runs /etc/runit/ctrlaltdel, which as delivered asks for the end; Debian's adds SIGPWR. */
static void runit_signals(int fd, struct tree_init *t) {
        const struct init_row *row = find_text(fd, runit_in_run, ELEMENTS(runit_in_run));

        t->sig_stop = row ? row->sig_stop : SIGINT;
        t->sig_reboot = 0;
}

static bool has_inittab(int root) {
        struct stat st;
        CLEAN_FD int fd = tree_open_regular(root, "/etc/inittab", &st);

        return fd >= 0;
}

static void classify(int root, int fd, struct arena *a, struct tree_init *t) {
        char name[NAME_MAX + 1];
        const struct init_row *row;

        final_name(root, t->path, name);
        row = find_name(name);
        if (!row)
                row = find_text(fd, by_text, ELEMENTS(by_text));
        t->kind = row ? row->kind : has_inittab(root) ? INIT_SYSVINIT : INIT_OTHER;
        /* Whoever does not say otherwise most likely takes TERM for the end. */
        t->sig_stop = row ? row->sig_stop : t->kind == INIT_OTHER ? SIGTERM : 0;
        t->sig_reboot = row ? row->sig_reboot : 0;
        if (t->kind == INIT_SYSVINIT)
                sysvinit_signals(root, a, t);
        if (t->kind == INIT_RUNIT)
                runit_signals(fd, t);
}

int tree_init(int root, struct arena *a, struct tree_init *ret, struct err *e) {
        static const char places[][25] = { "/usr/lib/systemd/systemd", "/lib/systemd/systemd", "/sbin/init" };
        const char *broken = NULL;
        int why = 0;

        for (size_t i = 0; i < ELEMENTS(places); i++) {
                struct tree_init t = { .path = places[i] };
                struct stat st;
                CLEAN_FD int fd = tree_open_regular(root, places[i], &st);

                if (fd >= 0 && (st.st_mode & 0111)) {
                        classify(root, fd, a, &t);
                        *ret = t;
                        return 0;
                }
                if (fd != -ENOENT && fd != -ENOTDIR && !broken) {
                        broken = places[i];
                        why = fd >= 0 ? EACCES : -fd;
                }
        }
        if (broken)
                return err_set(e, ERR_IMAGE, why, "the tree's %s is not an executable file", broken);
        err_set(e, ERR_IMAGE, ENOENT, "the tree has no init: %s, %s or %s", places[0], places[1], places[2]);
        return err_hint(e, "without --boot a command or a shell can be started");
}
