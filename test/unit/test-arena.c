/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* base/arena.c: memory that is zeroed, aligned and stays where it is. */

#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "unit/tap.h"

static bool is_zero(const char *p, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (p[i])
                        return false;
        return true;
}

static void test_alloc(struct tap *t) {
        static const size_t sizes[] = { 0, 1, 7, 16, 17, 4096, 16 * 1024 - 16, 16 * 1024, 16 * 1024 + 1, 1 << 20 };
        char *kept[ELEMENTS(sizes) * 3];
        struct arena a = { 0 };
        bool good = true;

        for (size_t i = 0; i < ELEMENTS(kept); i++) {
                size_t n = sizes[i % ELEMENTS(sizes)];

                kept[i] = arena_alloc(&a, n);
                good = good && kept[i] && (uintptr_t) kept[i] % _Alignof(max_align_t) == 0 && is_zero(kept[i], n);
                memset(kept[i], (int) i + 1, n);
        }
        OK(t, good, "zeroed and aligned for any type");
        for (size_t i = 0; i < ELEMENTS(kept); i++)
                for (size_t k = 0; k < sizes[i % ELEMENTS(sizes)]; k++)
                        good = good && kept[i][k] == (char) (i + 1);
        OK(t, good, "no piece overlaps another");
        arena_done(&a);
        OK(t, !a.head, "empty when done");
        arena_done(&a);
        OK(t, arena_alloc(&a, 1), "done twice, and used again");
        arena_done(&a);
}

static void test_strings(struct tap *t) {
        char big[40000], *s, *copy;
        struct arena a = { 0 };

        OK(t, !arena_strdup(&a, NULL), "NULL stays NULL");
        copy = arena_strdup(&a, "abc");
        OK_STR(t, copy, "abc", "copy");
        OK_STR(t, arena_strdup(&a, ""), "", "empty");
        OK_STR(t, arena_strndup(&a, "abcdef", 3), "abc", "the first three");
        OK_STR(t, arena_strndup(&a, "ab", 30), "ab", "no further than the end");
        OK_STR(t, arena_strndup(&a, "ab", 0), "", "none");
        OK_STR(t, arena_strndup(&a, (char[]){ 'x', 'y' }, 2), "xy", "not terminated");
        OK_STR(t, arena_printf(&a, "%s-%d%%", "x", -3), "x--3%", "printf");
        OK_STR(t, arena_printf(&a, "%s", ""), "", "printf of nothing");
        memset(big, 'z', sizeof big - 1);
        big[sizeof big - 1] = '\0';
        s = arena_printf(&a, "<%s>", big);
        OK(t, strlen(s) == sizeof big + 1 && s[0] == '<' && s[sizeof big] == '>', "longer than a block");
        OK_STR(t, copy, "abc", "the first is still there");
        arena_done(&a);
}

/* Capacity follows from the number of elements, so every number around a power of two counts. */
static void test_push(struct tap *t) {
        struct {
                int *items;
                size_t n;
        } list = { 0 };
        struct strv v = { 0 };
        struct arena a = { 0 };
        bool good = true;
        char text[16];

        for (int i = 0; i < 1100; i++) {
                int *item = arena_push(&a, &list);

                good = good && *item == 0 && item == &list.items[i] && list.n == (size_t) i + 1;
                *item = i;
                for (int k = 0; k <= i; k += 1 + k / 3)
                        good = good && list.items[k] == k;
        }
        OK(t, good, "a list grows and keeps what it has");
        for (int i = 0; i < 1100; i++) {
                snprintf(text, sizeof text, "%d", i);
                strv_add(&a, &v, text);
                good = good && v.n == (size_t) i + 1 && !v.items[v.n] && atoi(v.items[i / 2]) == i / 2;
        }
        OK(t, good, "a list of strings ends with NULL at each length");
        for (int i = 0; i < 1100; i++)
                good = good && atoi(v.items[i]) == i;
        OK(t, good, "and keeps all of them");
        OK(t, strv_has(&v, "0") && strv_has(&v, "1099") && !strv_has(&v, "1100"), "what is in it is found");
        arena_done(&a);
}

static void test_too_much(struct tap *t) {
        int fds[2], status = 0;
        char text[128] = "";
        pid_t pid;

        if (pipe(fds) < 0)
                return;
        pid = fork();
        if (pid == 0) {
                struct arena a = { 0 };

                dup2(fds[1], STDERR_FILENO);
                arena_alloc(&a, SIZE_MAX - 8);
                _exit(77);
        }
        close(fds[1]);
        waitpid(pid, &status, 0);
        OK(t, WIFEXITED(status) && WEXITSTATUS(status) == 1, "no memory ends the process with status 1");
        OK(t, read(fds[0], text, sizeof text - 1) > 0 && strstr(text, "out of memory"), "and says so");
        close(fds[0]);
}

int main(void) {
        struct tap t = { 0 };

        test_alloc(&t);
        test_strings(&t);
        test_push(&t);
        test_too_much(&t);
        return tap_done(&t);
}
