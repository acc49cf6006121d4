/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "plan/idrange.h"

#include <stdlib.h>

#include "base/clean.h"
#include "unit/tap.h"

static void test_names(struct tap *t) {
        /* What systemd-nspawn 252 and 262 pick for these names. */
        static const struct {
                const char *name;
                uint32_t base;
        } picked[] = {
                { "t", 998178816 },
                { "mt", 523632640 },
                { "a", 90374144 },
                { "nt", 1767505920 },
                { "web-1", 763887616 },
                { "debian-13", 24248320 },
                { "x0123456789012345678901234567890123456789", 317784064 },
        };

        for (size_t i = 0; i < ELEMENTS(picked); i++)
                OK_INT(t, idrange_candidate(picked[i].name, 0, 0), picked[i].base, "%s", picked[i].name);
        OK_INT(t, idrange_candidate("t", 0, 77), 998178816, "attempt 0 does not depend on chance");
        OK(t, idrange_candidate("t", 1, 77) != idrange_candidate("t", 1, 78), "attempt 1 does");
        OK_INT(t, idrange_candidate("t", 1, 77), idrange_candidate("other", 1, 77), "and on nothing else");
}

static int by_value(const void *a, const void *b) {
        uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;

        return (x > y) - (x < y);
}

static void test_candidates(struct tap *t) {
        uint32_t all[IDRANGE_ATTEMPTS];
        unsigned valid = 0, distinct = 1;

        for (unsigned i = 0; i < IDRANGE_ATTEMPTS; i++) {
                all[i] = idrange_candidate("machine", i, 12345);
                valid += idrange_valid(all[i]);
        }
        OK_INT(t, valid, IDRANGE_ATTEMPTS, "all candidates are valid");
        qsort(all, IDRANGE_ATTEMPTS, sizeof *all, by_value);
        for (unsigned i = 1; i < IDRANGE_ATTEMPTS; i++)
                distinct += all[i] != all[i - 1];
        OK(t, distinct > IDRANGE_ATTEMPTS - 5, "nearly all differ: %u", distinct);
        OK(t, all[0] < 0x20000000 && all[IDRANGE_ATTEMPTS - 1] > 0x50000000,
           "and they are spread over the whole range");
}

static void test_valid(struct tap *t) {
        static const struct {
                uint32_t base;
                bool valid;
        } cases[] = {
                { 0, false },          { 65536, false },     { 524288, true },      { 524289, false },
                { 524288 - 1, false }, { 1878982656, true }, { 1879048192, false }, { 0x7ffe0000, false },
                { 0xffff0000, false }, { 998178816, true },  { 0x6ffeffff, false },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++)
                OK_INT(t, idrange_valid(cases[i].base), cases[i].valid, "valid: %u", cases[i].base);
        OK_INT(t, idrange_of_owner(998178816, 998178816), 998178816, "the owner's range");
        OK_INT(t, idrange_of_owner(998178816, 0), 0, "a foreign group");
        OK_INT(t, idrange_of_owner(998178817, 998178817), 0, "not the first of it");
        OK_INT(t, idrange_of_owner(0, 0), 0, "root's tree");
        OK_INT(t, idrange_of_owner(1000, 1000), 0, "a user's tree");
}

static void test_in_use(struct tap *t) {
        enum { BASE = 1048576 };
        static const struct {
                const char *text, *what;
                bool passwd, subuid; /* the answer where it stands as that */
        } cases[] = {
                { "", "nothing", false, false },
                { "a:x:1048575:1:\n", "just below", false, false },
                { "a:x:1048576:1:\n", "the first", true, false },
                { "a:x:1114111:1:\n", "the last", true, false },
                { "a:x:1114112:1:\n", "just above", false, false },
                { "a:x:1:1048580:\n", "as a group", true, false },
                { "b:x:7:\na:x:1050000:m,n\n", "second line, and the form of group(5)", true, false },
                { "#a:x:1048576:1:\n", "a comment", false, false },
                { "a:x:4295015872:1:\n", "2^32 + base + ...", false, false },
                { "a:100000:65536\n", "lower range", false, false },
                { "a:983040:65536\n", "ends just below", false, false },
                { "a:983040:65537\n", "one id reaches in", false, true },
                { "a:1114111:1\n", "the last id", false, true },
                { "a:1114112:65536\n", "starts just above", false, false },
                { "a:1048580:0\n", "empty", false, false },
                { "a:1000000:1000000000\n", "a very large one", false, true },
                { "a:500000:4294967295\n", "to the end", false, true },
                { "a:500000:99999999999999\n", "beyond the end", false, true },
                { "a:4294967295:4294967295\n", "wraps around", false, false },
                { "a:99999999999:5\n", "starts nowhere", false, false },
                { "a:1048576\n", "no count", false, false },
                { "x\na:1048576:10", "no end of line", false, true },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                const char *s = cases[i].text;

                OK_INT(t, idrange_in_use(BASE, &(struct idrange_files){ .passwd = s }), cases[i].passwd, "passwd: %s",
                       cases[i].what);
                OK_INT(t, idrange_in_use(BASE, &(struct idrange_files){ .group = s }), cases[i].passwd, "group: %s",
                       cases[i].what);
                OK_INT(t, idrange_in_use(BASE, &(struct idrange_files){ .subuid = s }), cases[i].subuid, "subuid: %s",
                       cases[i].what);
                OK_INT(t, idrange_in_use(BASE, &(struct idrange_files){ .subgid = s }), cases[i].subuid, "subgid: %s",
                       cases[i].what);
        }
}

int main(void) {
        struct tap t = { 0 };

        test_names(&t);
        test_candidates(&t);
        test_valid(&t);
        test_in_use(&t);
        return tap_done(&t);
}
