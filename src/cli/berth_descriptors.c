/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the caller left open: what is passed on, what options name (as a shell's <(command) does), and the rest, which
 * is closed before anything is opened. */

#include "cli/berth.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/str.h"
#include "probe/probe.h"

/* A directory handed to the payload would be a way out of its tree. */
static int check_descriptor(int fd, struct err *e) {
        struct stat st;

        if (fstat(fd, &st) < 0) {
                err_set(e, ERR_USAGE, errno, "LISTEN_FDS= announces descriptor %d, which is not open", fd);
                return err_hint(e, "unset LISTEN_FDS");
        }
        if (!S_ISDIR(st.st_mode) && !(fcntl(fd, F_GETFL) & O_PATH))
                return 0;
        err_set(e, ERR_USAGE, 0, "descriptor %d is a directory: it would lead the payload out of its tree", fd);
        return err_hint(e, fd < 3 ? "redirect it elsewhere" : "do not pass it");
}

/* While nothing of ours is open yet: later, numbers could be ours. */
static int check_descriptors(char **env, struct err *e) {
        unsigned n = probe_listen_fds(env);
        int k = 0;

        if (n > LISTEN_FDS_MAX) {
                err_set(e, ERR_USAGE, 0, "LISTEN_FDS=%u is more than %d descriptors", n, LISTEN_FDS_MAX);
                return err_hint(e, "unset LISTEN_FDS");
        }
        for (int fd = 0; k == 0 && fd < 3 + (int) n; fd++)
                k = check_descriptor(fd, e);
        return k;
}

/* With fewer, a look at the host would find that nothing can be opened, and take that for an answer. */
enum { LEAST = 8 };

/* Room for our own descriptors beside those passed. The payload gets limits of its own. */
static int raise_limit(unsigned passed, struct err *e) {
        struct rlimit files;
        rlim_t want = 1024 + passed;

        if (getrlimit(RLIMIT_NOFILE, &files) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot read the limit of open files");
        if (files.rlim_cur < want) {
                files.rlim_cur = files.rlim_max < want ? files.rlim_max : want;
                (void) setrlimit(RLIMIT_NOFILE, &files);
        }
        if (files.rlim_cur < LEAST) {
                err_set(e, ERR_HOST, 0, "no more than %llu files may be open here",
                        (unsigned long long) files.rlim_cur);
                return err_hint(e, "raise the limit: ulimit -n 64");
        }
        if (passed == 0 || files.rlim_cur >= passed + 64)
                return 0;
        return err_set(e, ERR_USAGE, 0, "LISTEN_FDS=%u is too much for berth's own limit of %llu open files", passed,
                       (unsigned long long) files.rlim_cur);
}

int berth_check_descriptors(char **env, struct err *e) {
        while (fcntl(0, F_GETFD) < 0 || fcntl(1, F_GETFD) < 0 || fcntl(2, F_GETFD) < 0)
                if (open("/dev/null", O_RDWR) < 0)
                        return err_set(e, ERR_HOST, errno, "cannot open /dev/null");
        return check_descriptors(env, e);
}

/* Which descriptor a path is, -1: none, or one that stays in any case. */
static int descriptor_of(const char *path, unsigned first) {
        const char *number = path ? str_after(path, "/dev/fd/") : NULL;
        unsigned long n;
        char *end;

        number = number || !path ? number : str_after(path, "/proc/self/fd/");
        if (!number || *number < '0' || *number > '9')
                return -1;
        n = strtoul(number, &end, 10);
        return *end == '\0' && n >= first && n <= INT_MAX ? (int) n : -1;
}

/* What is read before the start, and never again: the i-th file that an option names, and that option. */
static const char *named(const struct spec *s, size_t i, const char **ret_option) {
        if (i < s->credentials.n) {
                *ret_option = "load-credential";
                return s->credentials.items[i].source;
        }
        *ret_option = "image-key-file";
        return i == s->credentials.n ? s->root.protection.key_file : NULL;
}

static size_t n_named(const struct spec *s) {
        return s->credentials.n + 1;
}

/* The lowest one from `from` on that is named, 0: none. It goes no further than to us. */
static int next_named(const struct spec *s, unsigned from, struct err *e) {
        const char *option, *of = NULL;
        int lowest = 0;

        for (size_t i = 0; i < n_named(s); i++) {
                int fd = descriptor_of(named(s, i, &option), from);

                if (fd > 0 && (lowest == 0 || fd < lowest)) {
                        lowest = fd;
                        of = option;
                }
        }
        if (lowest == 0 || fcntl(lowest, F_SETFD, FD_CLOEXEC) == 0)
                return lowest;
        err_set(e, ERR_USAGE, errno, "--%s=: descriptor %d is not open", of, lowest);
        err_hint(e, "in a shell %d<FILE opens it", lowest);
        return err_blame(e, of, NULL);
}

/* They would take up room, and could be waited for. A number that is named and not open would soon be one of ours. */
int berth_close_descriptors(const struct spec *s, char **env, struct err *e) {
        unsigned passed = probe_listen_fds(env), from = 3 + passed;

        for (int fd; (fd = next_named(s, from, e)) != 0; from = (unsigned) fd + 1) {
                if (fd < 0)
                        return fd;
                if ((unsigned) fd > from && syscall(SYS_close_range, from, (unsigned) fd - 1, 0) < 0)
                        break;
        }
        if (syscall(SYS_close_range, from, ~0U, 0) < 0)
                return err_set(e, ERR_HOST, errno, "close_range() fails: berth needs Linux 5.9");
        return raise_limit(passed, e);
}

int berth_passed_descriptors(const struct spec *s, char **env, int *ret, size_t room) {
        size_t passed = 3 + probe_listen_fds(env), n = 0;
        struct err e;
        int fd;

        if (passed > room)
                return -E2BIG;
        for (; n < passed; n++)
                ret[n] = (int) n;
        for (unsigned from = (unsigned) passed; (fd = next_named(s, from, &e)) > 0; from = (unsigned) fd + 1) {
                if (n == room)
                        return -E2BIG;
                ret[n++] = fd;
        }
        return fd < 0 ? fd : (int) n;
}

void berth_close_named(const struct spec *s, char **env) {
        const char *option;

        for (size_t i = 0; i < n_named(s); i++) {
                int fd = descriptor_of(named(s, i, &option), 3 + probe_listen_fds(env));

                if (fd >= 0)
                        close(fd);
        }
}
