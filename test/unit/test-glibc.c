/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* libc/glibc.c: what glibc does by these names, and its checks. */

#include "libc/glibc.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "unit/tap.h"

enum { ALL = 3 };

/* What the compiler is not to see through. */
static volatile size_t five = 5, three = 3;
static volatile unsigned many = 12345;

/* glibc ends the process so. */
static bool aborts(void (*with)(void)) {
        int status = 0;
        pid_t pid = fork();

        if (pid == 0) {
                (void) setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
                with();
                _exit(0);
        }
        return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void print_beyond(void) {
        char buf[4];

        (void) __snprintf_chk(buf, five, ALL, sizeof buf, "x");
}

static void erase_beyond(void) {
        char buf[4];

        __explicit_bzero_chk(buf, five, sizeof buf);
}

static void create_without_mode(void) {
        (void) __open_2("/dev/null", O_RDWR | O_CREAT);
}

static void create_at_without_mode(void) {
        (void) __openat_2(AT_FDCWD, "/dev", O_RDWR | O_TMPFILE);
}

static void test_text(struct tap *t) {
        char buf[8] = "", *made = NULL;
        FILE *f = tmpfile();

        OK_INT(t, __snprintf_chk(buf, sizeof buf, ALL, sizeof buf, "%s-%u", "loop", many), 10, "what it would take");
        OK_STR(t, buf, "loop-12", "cut off");
        OK_INT(t, __snprintf_chk(buf, three, ALL, (size_t) -1, "%u", many), 5, "room that the compiler does not know");
        OK_STR(t, buf, "12", "cut off by size");
        OK_INT(t, __asprintf_chk(&made, ALL, "%s/%u", "/sys", 7u), 6, "allocated");
        OK_STR(t, made, "/sys/7", "and printed");
        free(made);
        OK(t,
           f && __fprintf_chk(f, ALL, "%d:%s", 8, "x") == 3 && fseek(f, 0, SEEK_SET) == 0 && fgets(buf, sizeof buf, f),
           "into a file");
        OK_STR(t, buf, "8:x", "as it was said");
        if (f)
                fclose(f);
        OK(t, aborts(print_beyond), "more than there is room for");
}

static void test_rest(struct tap *t) {
        CLEAN_FD int null = __open_2("/dev/null", O_RDONLY | O_CLOEXEC), dir = __openat_2(AT_FDCWD, "/dev", O_PATH);
        char secret[4] = "abc";
        unsigned char *set = __sched_cpualloc(65);
        bool empty = set;

        OK(t, null >= 0 && dir >= 0, "files are opened");
        OK(t, aborts(create_without_mode) && aborts(create_at_without_mode), "none is made");
        __explicit_bzero_chk(secret, 3, sizeof secret);
        OK(t, !secret[0] && !secret[1] && !secret[2], "erased");
        OK(t, aborts(erase_beyond), "and nothing behind it");
        for (int i = 0; set && i < 16; i++)
                empty = empty && set[i] == 0;
        OK(t, empty, "a set for 65 processors is empty, and has two words");
        __sched_cpufree(set);
}

int main(void) {
        struct tap t = { 0 };

        test_text(&t);
        test_rest(&t);
        return tap_done(&t);
}
