/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* conf/differences.c: what --help=differences says of the two faces is all that differs between their plans, and each
 * thing it says is seen there. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/str.h"
#include "conf/setting.h"
#include "plan/diff.h"
#include "plan/facts-file.h"
#include "plan/plan.h"
#include "plan/rest.h"
#include "unit/tap.h"
#include "unit/test-filter-common.h"

enum { ROWS_MAX = 64, WORDS_MAX = 8 };

#define USER_IDS  "user ids"
#define NETWORK   "network, --boot"
#define ABSTRACT  "abstract sockets of the host, in its network"
#define CALLS     "system calls"
#define FAMILIES  "socket families"
#define X32       "x32 system calls, and those of other rare ABIs"
#define COVERED   "covered in /proc and /sys"
#define OWN_SYS   "/sys, own network"
#define DEVICES   "/dev/fuse and /dev/net/tun"
#define FILE_     "a settings file beside the tree"
#define LACKING   "--capability= with one that berth itself lacks"
#define KEPT      "--slice=, --property= with --keep-unit"
#define TERM      "TERM to berth, without --boot"
#define STUB_END  "--as-pid2: ended by a signal"
#define STUB_HEAR "--as-pid2: signals to process 1"
#define VERSION   "--version"

/* What a line of a plan that only one face has is due to: it begins with head and has part in it. First match. */
static const struct claim {
        const char *head, *part, *what, *also;
} claims[] = {
        { "face ", "", USER_IDS, NULL },
        { "root ", "", USER_IDS, NULL },
        { "namespaces ", "", USER_IDS, NETWORK },
        { "ids ", "", USER_IDS, NULL },
        { "  map owners", "", USER_IDS, NULL },
        { "  and the host's root", "", USER_IDS, NULL },
        { "  devices restricted", "", USER_IDS, NULL },
        { "  slot", "", USER_IDS, NETWORK },
        { "capabilities ", "", USER_IDS, NETWORK }, /* test_caps() knows which */
        { "  fresh   /sys  sysfs", "", NETWORK, NULL },
        { "  fresh ", "owners-mapped", USER_IDS, NULL },
        { "  fresh   /dev ", "", USER_IDS, NULL },
        { "  fresh   /run", "", USER_IDS, NULL },
        { "  bind    /proc/sys/net", "", NETWORK, NULL },
        { "  bind    /proc/", "", USER_IDS, NULL }, /* --nesting opens what a user namespace protects */
        { "  own network", "", NETWORK, NULL },
        { "  rules its network", "", NETWORK, NULL },
        { "  loopback comes up", "", NETWORK, NULL },
        { "  bind    /etc/resolv.conf", "", NETWORK, NULL },
        { "landlock ", "", ABSTRACT, NULL },
        { "stop signal ", "", TERM, NULL },
        { "  hide    ", "masked kernel interface", COVERED, NULL },
        { "  keep    /sys/", "", OWN_SYS, NULL },
        { "  detach  /sys", "", OWN_SYS, NULL },
        { "  fresh   /sys  tmpfs", "", OWN_SYS, NULL },
        { "  bind    /sys/", "part of sysfs", OWN_SYS, NULL },
        { "  sealed     /sys", "", OWN_SYS, NULL },
        { "  directory  /sys/", "", OWN_SYS, NULL },
        { "  strict stub", "", STUB_END, STUB_HEAR },
        { "  keyctl", "", CALLS, NULL },
        { "  io_uring_setup", "", CALLS, NULL },
        { "  userfaultfd", "", CALLS, NULL },
        { "system calls ", "", CALLS, NULL },
        { "  socket(", "", FAMILIES, NULL },
        { "  but for ", "", DEVICES, NULL },
        { "  directory  /dev/net", "", DEVICES, NULL },
        { "  node       /dev/net/tun", "", DEVICES, NULL },
        { "  node       /dev/fuse", "", DEVICES, NULL },
        { "  link       /dev/char/10:", "", DEVICES, NULL },
        { "             DeviceAllow=/dev/", "", DEVICES, NULL },
        { "error ", "--keep-unit", KEPT, NULL },
        { "warning: ", "RestrictAddressFamilies", FILE_, NULL },
        { "             --restrict-address-families", "", FILE_, NULL },
        { "error ", "--capability=", LACKING, NULL },
        { "notes", "", LACKING, NULL },
        { "             some capabilities are missing", "", LACKING, NULL },
};

static const struct {
        const char *words[WORDS_MAX];
        const char *fact;     /* one line, or NULL */
        const char *families; /* what an untrusted file says of RestrictAddressFamilies=, or NULL */
} cases[] = {
        { { "/bin/true" }, NULL, NULL },
        { { "-b" }, NULL, NULL },
        { { "-a", "/bin/true" }, NULL, NULL },
        { { "--private-network", "/bin/true" }, NULL, NULL },
        { { "--private-users=no", "/bin/true" }, NULL, NULL },
        { { "--private-users=pick", "/bin/true" }, NULL, NULL },
        { { "--nesting", "/bin/true" }, NULL, NULL },
        { { "--network-namespace-path=/run/netns/x", "/bin/true" }, NULL, NULL },
        { { "--read-only", "--uid=anna", "/bin/true" }, NULL, NULL },
        { { "--console=pipe", "/bin/true" }, "caller.terminal=no", NULL },
        { { "/bin/true" }, "caller.terminal=no", NULL },
        { { "/bin/true" }, "tree.etc-writable=no", NULL },
        { { "--private-users=no", "--capability=CAP_SYS_TIME", "/bin/true" }, "host.caps=fdecafff", NULL },
        { { "/bin/true" }, NULL, "AF_UNIX AF_ALG" },
        { { "--keep-unit", "--slice=web", "/bin/true" }, NULL, NULL },
};

struct side {
        struct draft draft;
        struct conf conf;
        const struct spec *spec;
        struct facts facts;
        const struct plan *plan; /* NULL: err says why */
        struct err err;
        char *text;
};

static void say_families(struct side *s, const char *families) {
        conf_say(&s->conf,
                 &(struct statement){ .row = setting_by_name("restrict-address-families"),
                                      .value = families,
                                      .as = "RestrictAddressFamilies",
                                      .where = "x.nspawn:1",
                                      .origin = ORIGIN_IMAGE_FILE },
                 &s->err);
}

static void print_side(struct side *s, FILE *out) {
        char line[1024];

        for (size_t i = 0; i < s->draft.warnings.n; i++)
                fprintf(out, "warning: %s\n", s->draft.warnings.items[i]);
        if (!s->plan) {
                fprintf(out, "error %s\n", err_format(&s->err, false, line, sizeof line));
                return;
        }
        plan_print(s->plan, s->spec, out);
        rest_print(s->plan, out);
}

static void make_side(struct side *s, const char *name, size_t n) {
        const char *argv[WORDS_MAX + 1] = { name };
        enum conf_action action;
        int argc = 1, r;
        size_t size;
        FILE *out;

        for (; cases[n].words[argc - 1]; argc++)
                argv[argc] = cases[n].words[argc - 1];
        draft_init(&s->draft, conf_face(name));
        conf_init(&s->conf, &s->draft, NULL);
        r = conf_argv(&s->conf, argc, (char **) argv, &action, &s->err);
        if (cases[n].families)
                say_families(s, cases[n].families);
        r = r < 0 ? r : conf_fill(&s->conf, &s->err);
        r = r < 0 ? r : draft_seal(&s->draft, &s->spec, &s->err);
        if (r == 0) {
                facts_usual(s->spec, &s->draft.arena, &s->facts);
                if (cases[n].fact)
                        r = facts_say(&s->facts, &s->draft.arena, arena_strdup(&s->draft.arena, cases[n].fact));
        }
        if (r < 0 || plan_make(s->spec, &s->facts, &s->draft.arena, &s->plan, &s->err) < 0)
                s->plan = NULL;
        out = open_memstream(&s->text, &size);
        print_side(s, out);
        fclose(out);
}

static void end_side(struct side *s) {
        free(s->text);
        draft_done(&s->draft);
}

static size_t row_of(struct tap *t, const char *what) {
        for (size_t i = 0; i < n_differences; i++)
                if (streq(differences[i].what, what))
                        return i;
        OK(t, false, "no row says: %s", what);
        return ROWS_MAX - 1;
}

static void see(struct tap *t, bool seen[ROWS_MAX], const char *what) {
        if (what)
                seen[row_of(t, what)] = true;
}

static bool claim_line(struct tap *t, bool seen[ROWS_MAX], const char *line) {
        for (size_t i = 0; i < ELEMENTS(claims); i++)
                if (str_after(line, claims[i].head) && strstr(line, claims[i].part)) {
                        see(t, seen, claims[i].what);
                        see(t, seen, claims[i].also);
                        return true;
                }
        return false;
}

/* Every line that one side alone has. Where one has no plan at all, that is the difference. */
static void compare(struct tap *t, bool seen[ROWS_MAX], size_t n) {
        struct side berth = { 0 }, other = { 0 };
        bool plans, good = true;
        char *diff, *line;

        make_side(&berth, "berth", n);
        make_side(&other, "systemd-nspawn", n);
        plans = berth.plan && other.plan;
        diff = diff_text(&berth.draft.arena, other.text, berth.text);
        while ((line = strsep(&diff, "\n"))) {
                bool matters = (*line == '+' || *line == '-') && (plans || str_after(line + 1, "error "));

                if (!matters || claim_line(t, seen, line + 1))
                        continue;
                printf("# nobody says: %s\n", line);
                good = false;
        }
        OK(t, good, "case %zu (%s): all that differs is said", n, cases[n].words[0]);
        end_side(&berth);
        end_side(&other);
}

/* In a plain command only this one, in a booted system what comes with its network. */
static void test_caps(struct tap *t) {
        struct side berth = { 0 }, other = { 0 };

        make_side(&berth, "berth", 0);
        make_side(&other, "systemd-nspawn", 0);
        OK_INT(t, other.plan->sec.bounding & ~berth.plan->sec.bounding, 1 << 10, "CAP_NET_BIND_SERVICE");
        OK_INT(t, berth.plan->sec.bounding & ~other.plan->sec.bounding, 0, "none more");
        end_side(&berth);
        end_side(&other);
        berth = other = (struct side){ 0 };
        make_side(&berth, "berth", 1);
        make_side(&other, "systemd-nspawn", 1);
        OK_INT(t, berth.plan->sec.bounding & ~other.plan->sec.bounding, 1 << 12, "CAP_NET_ADMIN");
        OK_INT(t, other.plan->sec.bounding & ~berth.plan->sec.bounding, 0, "none less");
        end_side(&berth);
        end_side(&other);
}

/* A machine without such an ABI has nothing to close. */
static void test_rare_abis(struct tap *t, bool seen[ROWS_MAX]) {
        struct side berth = { 0 }, other = { 0 };
        unsigned closed = 0;

        make_side(&berth, "berth", 0);
        make_side(&other, "systemd-nspawn", 0);
        for (unsigned abi = 0; abi < calls_native.n_abis; abi++)
                closed += decide(&other.plan->sec.filter, abi, "getppid", 0, 0, 0) == SECCOMP_RET_ALLOW &&
                          decide(&berth.plan->sec.filter, abi, "getppid", 0, 0, 0) != SECCOMP_RET_ALLOW;
        OK_INT(t, closed, calls_native.n_abis > 2 ? 1 : 0, "rare ABIs are closed by one name only");
        see(t, seen, X32);
        end_side(&berth);
        end_side(&other);
}

static void test_version(struct tap *t, bool seen[ROWS_MAX]) {
        char *text[2] = { NULL, NULL };
        size_t size;

        for (int i = 0; i < 2; i++) {
                FILE *out = open_memstream(&text[i], &size);

                conf_print_version(out, i ? FACE_STRICT : FACE_BERTH);
                fclose(out);
        }
        OK(t, str_after(text[0], "berth ") && str_after(text[1], "systemd 262 ("), "versions");
        see(t, seen, VERSION);
        free(text[0]);
        free(text[1]);
}

static void test_rows(struct tap *t) {
        for (size_t i = 0; i < n_differences; i++) {
                const struct difference *d = &differences[i];

                OK(t, *d->what && *d->berth && *d->other && (!*d->setting || setting_by_name(d->setting)),
                   "row %zu: %s", i, d->what);
        }
        for (size_t i = 0; i < n_differences_always; i++) {
                const struct difference_always *d = &differences_always[i];

                OK(t, *d->text && (!*d->setting || setting_by_name(d->setting)), "by both names %zu", i);
        }
}

int main(void) {
        bool seen[ROWS_MAX] = { false };
        struct tap t = { 0 };

        OK(&t, n_differences < ROWS_MAX, "room");
        test_rows(&t);
        for (size_t i = 0; i < ELEMENTS(cases); i++)
                compare(&t, seen, i);
        test_caps(&t);
        test_rare_abis(&t, seen);
        test_version(&t, seen);
        for (size_t i = 0; i < n_differences; i++)
                OK(&t, seen[i], "it is so: %s", differences[i].what);
        return tap_done(&t);
}
