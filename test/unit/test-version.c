/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/version.h"

#include "base/arch.h"
#include "base/clean.h"
#include "unit/tap.h"

static int sign(int r) {
        return (r > 0) - (r < 0);
}

/* UAPI.10 has most of these as its examples. */
static void test_order(struct tap *t) {
        static const struct {
                const char *a, *b;
                int want;
        } cases[] = {
                { "11", "11", 0 },
                { "systemd-123", "systemd-123", 0 },
                { "bar-123", "foo-123", -1 },
                { "123a", "123", 1 },
                { "123.a", "123", 1 },
                { "123.a", "123.b", -1 },
                { "123a", "123.a", 1 },
                { "11\u03b1", "11\u03b2", 0 },
                { "A", "a", -1 },
                { "", "0", -1 },
                { "0.", "0", 1 },
                { "0.0", "0", 1 },
                { "0", "~", 1 },
                { "", "~", 1 },
                { "1_", "1", 0 },
                { "_1", "1", 0 },
                { "1_", "1.2", -1 },
                { "1_2_3", "1.3.3", 1 },
                { "1+", "1", 0 },
                { "+1", "1", 0 },
                { "007", "7", 0 },
                { "os_9", "os_10", -1 },
                { "122.1", "123~rc1-1", -1 },
                { "123~rc1-1", "123", -1 },
                { "123", "123-a", -1 },
                { "123-a", "123-a.1", -1 },
                { "123-a.1", "123-1", -1 },
                { "123-1", "123-1.1", -1 },
                { "123-1.1", "123^post1", -1 },
                { "123^post1", "123.a-1", -1 },
                { "123.a-1", "123.1-1", -1 },
                { "123.1-1", "123a-1", -1 },
                { "123a-1", "124-1", -1 },
                { "99999999999999999999999999999999999", "100000000000000000000000000000000000", -1 },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                OK_INT(t, sign(version_compare(cases[i].a, cases[i].b)), cases[i].want, "'%s' and '%s'", cases[i].a,
                       cases[i].b);
                OK_INT(t, sign(version_compare(cases[i].b, cases[i].a)), -cases[i].want, "'%s' and '%s'", cases[i].b,
                       cases[i].a);
        }
}

static void test_names(struct tap *t) {
        struct versioned v;

        OK(t, version_parse("os_7.5.13.raw", "os", ".raw", &v), "a plain name");
        OK_STR(t, v.version, "7.5.13", "its version");
        OK(t, v.left == UINT64_MAX && v.done == 0 && v.fit == VERSION_FOR_ANY, "nothing else is in it");
        OK(t, version_parse("os_7_" ARCH_NATIVE "+3-2.raw", "os", ".raw", &v), "with architecture and tries");
        OK_STR(t, v.version, "7", "its version");
        OK(t, v.left == 3 && v.done == 2 && v.fit == VERSION_FOR_NATIVE, "both are read");
        OK(t, version_parse("os_7+0.raw", "os", ".raw", &v) && v.left == 0 && v.done == 0, "only tries left");
        OK(t, version_parse("os_7_sparc64", "os", "", &v) && v.fit == VERSION_FOR_FOREIGN, "another machine's");
        OK(t, version_parse("os_7_beta", "os", "", &v) && v.fit == VERSION_FOR_ANY, "no architecture");
        OK_STR(t, v.version, "7_beta", "but part of the version");
        OK(t, version_parse("os_7+git-1a", "os", "", &v) && v.left == UINT64_MAX, "no tries");
        OK_STR(t, v.version, "7+git-1a", "but part of the version");
        OK(t, !version_parse("os_.raw", "os", ".raw", &v), "no version");
        OK(t, !version_parse("os_+3.raw", "os", ".raw", &v), "only tries");
        OK(t, !version_parse("os.raw", "os", ".raw", &v), "no separator");
        OK(t, !version_parse("other_1.raw", "os", ".raw", &v), "another thing");
        OK(t, !version_parse("os_1.img", "os", ".raw", &v), "another suffix");
        OK(t, !version_parse("o", "os", "", &v) && !version_parse("", "", "", &v), "too short");
}

static int better(const char *a, const char *b) {
        struct versioned one, other;

        return version_parse(a, "os", "", &one) && version_parse(b, "os", "", &other)
                       ? sign(versioned_compare(&one, &other))
                       : -9;
}

static void test_choice(struct tap *t) {
        OK_INT(t, better("os_2", "os_1"), 1, "the newer one");
        OK_INT(t, better("os_1", "os_2+0-3"), 1, "no tries are left: the last choice");
        OK_INT(t, better("os_2+1", "os_1"), 1, "one is");
        OK_INT(t, better("os_2", "os_2+3"), 1, "a version that is known to work");
        OK_INT(t, better("os_2+3-1", "os_2+3-2"), 1, "the one that was tried less");
        OK_INT(t, better("os_2_" ARCH_NATIVE, "os_2"), 1, "one for this machine");
        OK_INT(t, better("os_3", "os_2_" ARCH_NATIVE), 1, "but not if it is older");
        OK_INT(t, better("os_2+0-1", "os_1+0-1"), 1, "none has tries left");
}

int main(void) {
        struct tap t = { 0 };

        test_order(&t);
        test_names(&t);
        test_choice(&t);
        return tap_done(&t);
}
