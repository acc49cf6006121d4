/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Both ends of the control socket: messages, and the block of EXEC. What comes from the other end is checked like any
 * input. */

#include "run/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"
#include "state/record.h"

enum { BLOCK_MAGIC = 0x63786562, SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

/* Followed by its strings, each with its end: argv, env, user, chdir. */
struct block {
        uint32_t magic, flags, n_argv, n_env;
        uint16_t rows, columns;
        uint8_t has_user, has_chdir;
};

/* --- the block --- */

static int put(FILE *f, const char *s) {
        return fwrite(s, 1, strlen(s) + 1, f) == strlen(s) + 1 ? 0 : -EIO;
}

static int write_block(FILE *f, const struct control_exec *x) {
        const struct block b = {
                .magic = BLOCK_MAGIC,
                .flags = x->flags,
                .n_argv = (uint32_t) x->argv.n,
                .n_env = (uint32_t) x->env.n,
                .rows = x->rows,
                .columns = x->columns,
                .has_user = x->user != NULL,
                .has_chdir = x->chdir != NULL,
        };
        int k = fwrite(&b, sizeof b, 1, f) == 1 ? 0 : -EIO;

        for (size_t i = 0; k == 0 && i < x->argv.n; i++)
                k = put(f, x->argv.items[i]);
        for (size_t i = 0; k == 0 && i < x->env.n; i++)
                k = put(f, x->env.items[i]);
        k = k < 0 || !x->user ? k : put(f, x->user);
        k = k < 0 || !x->chdir ? k : put(f, x->chdir);
        return k < 0 ? k : fflush(f) == 0 ? 0 : -errno;
}

int control_exec_store(const struct control_exec *x) {
        CLEAN_FD int fd = memfd_create("berth-exec", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3), k;
        CLEAN_FILE FILE *f = copy < 0 ? NULL : fdopen(copy, "w");

        if (!f) {
                k = -errno;
                clean_fd(&copy);
                return k;
        }
        k = write_block(f, x);
        if (k == 0 && ftell(f) > CONTROL_EXEC_MAX)
                return -E2BIG;
        if (k == 0 && fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) < 0)
                return -errno;
        return k < 0 ? k : TAKE_FD(fd);
}

struct reader {
        const char *at, *end;
        struct arena *a;
};

static const char *next(struct reader *r) {
        const char *s = r->at, *end = memchr(s, '\0', (size_t) (r->end - s));

        if (!end)
                return NULL;
        r->at = end + 1;
        return arena_strdup(r->a, s);
}

static int read_list(struct reader *r, uint32_t n, struct strv *ret) {
        /* Each has at least its end. */
        if (n > (size_t) (r->end - r->at))
                return -EBADMSG;
        for (uint32_t i = 0; i < n; i++) {
                const char *s = next(r);

                if (!s)
                        return -EBADMSG;
                strv_add(r->a, ret, s);
        }
        return 0;
}

static int read_block(const char *p, size_t size, struct arena *a, struct control_exec *ret) {
        struct reader r = { .at = p + sizeof(struct block), .end = p + size, .a = a };
        struct block b;
        int k;

        memcpy(&b, p, sizeof b);
        if (b.magic != BLOCK_MAGIC || b.flags & ~(unsigned) (CONTROL_TTY | CONTROL_LOGIN) ||
            (b.n_argv == 0) != !!(b.flags & CONTROL_LOGIN))
                return -EBADMSG;
        *ret = (struct control_exec){ .flags = b.flags, .rows = b.rows, .columns = b.columns };
        k = read_list(&r, b.n_argv, &ret->argv);
        k = k < 0 ? k : read_list(&r, b.n_env, &ret->env);
        if (k < 0)
                return k;
        ret->user = b.has_user ? next(&r) : NULL;
        ret->chdir = b.has_chdir ? next(&r) : NULL;
        if ((b.has_user && !ret->user) || (b.has_chdir && !ret->chdir) || r.at != r.end)
                return -EBADMSG;
        for (size_t i = 0; i < ret->env.n; i++)
                if (ret->env.items[i][0] == '=' || !strchr(ret->env.items[i], '='))
                        return -EBADMSG;
        return 0;
}

int control_exec_load(int fd, struct arena *a, struct control_exec *ret) {
        int seals = fcntl(fd, F_GET_SEALS), k;
        struct stat st;
        void *p;

        if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) < 0 || st.st_size < (off_t) sizeof(struct block) ||
            st.st_size > CONTROL_EXEC_MAX)
                return -EBADMSG;
        p = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED)
                return -errno;
        k = read_block(p, (size_t) st.st_size, a, ret);
        munmap(p, (size_t) st.st_size);
        return k;
}

/* --- messages --- */

const char *control_name(unsigned kind) {
        static const char names[CONTROL_KIND_MAX_][9] = {
                [CONTROL_NONE] = "nothing",      [CONTROL_EXEC] = "EXEC",       [CONTROL_SIGNAL] = "SIGNAL",
                [CONTROL_STOP] = "STOP",         [CONTROL_KILL] = "KILL",       [CONTROL_POWEROFF] = "POWEROFF",
                [CONTROL_REBOOT] = "REBOOT",     [CONTROL_WAIT] = "WAIT",       [CONTROL_ATTACH] = "ATTACH",
                [CONTROL_REQUESTS_] = "nothing", [CONTROL_STARTED] = "STARTED", [CONTROL_EXITED] = "EXITED",
                [CONTROL_DONE] = "DONE",         [CONTROL_ENDED] = "ENDED",     [CONTROL_FAIL] = "FAIL",
        };

        return kind < CONTROL_KIND_MAX_ ? names[kind] : "unknown";
}

static size_t size_of(unsigned kind) {
        return kind == CONTROL_FAIL ? sizeof(struct control_message) : offsetof(struct control_message, err);
}

int control_send(int sock, const struct control_message *m, const struct msg_fds *fds, int flags) {
        struct control_message out = { 0 };
        int k;

        memcpy(&out, m, size_of(m->kind));
        out.version = CONTROL_VERSION;
        k = msg_send_flags(sock, &out, size_of(m->kind), fds, flags);
        log_debug(LOG_MSG, "control: sent %s (%d)", control_name(m->kind), k);
        return k;
}

/* Descriptors: EXEC a block, or with it three more; STARTED perhaps a terminal; no other has any. */
static bool well_formed(const struct control_message *m, ssize_t n, const struct msg_fds *fds, bool from_client) {
        if (m->kind >= CONTROL_KIND_MAX_ || (size_t) n != size_of(m->kind) || m->kind == CONTROL_NONE ||
            m->kind == CONTROL_REQUESTS_ || (m->kind < CONTROL_REQUESTS_) != from_client)
                return false;
        if (m->kind == CONTROL_FAIL && (m->err.kind <= ERR_NONE || m->err.kind >= ERR_KIND_MAX_ || m->err.code < 0))
                return false;
        if (m->kind == CONTROL_EXEC)
                return fds->n == 1 || fds->n == 4;
        return fds->n == 0 || (fds->n == 1 && m->kind == CONTROL_STARTED);
}

int control_receive(int sock, int flags, bool from_client, struct control_message *ret, struct msg_fds *ret_fds) {
        ssize_t n;

        *ret = (struct control_message){ 0 };
        n = msg_recv(sock, ret, sizeof *ret, ret_fds, flags);
        if (n == 0 && ret_fds->n == 0)
                return 0;
        if (n < 0)
                return n == -ECONNRESET ? 0 : (int) n;
        if ((size_t) n < 2 * sizeof(uint32_t) || ret->version != CONTROL_VERSION ||
            !well_formed(ret, n, ret_fds, from_client)) {
                msg_fds_close(ret_fds);
                return (size_t) n >= 2 * sizeof(uint32_t) && ret->version != CONTROL_VERSION ? -EPROTONOSUPPORT
                                                                                             : -EBADMSG;
        }
        err_terminate(&ret->err);
        log_debug(LOG_MSG, "control: received %s", control_name(ret->kind));
        return 1;
}

int control_connect(const char *machine, struct err *e) {
        CLEAN_FD int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        struct sockaddr_un to = { .sun_family = AF_UNIX };
        int k;

        if (record_control_path(machine, to.sun_path, sizeof to.sun_path) < 0)
                return err_set(e, ERR_USAGE, 0, "\"%s\" is no machine name", machine);
        if (sock >= 0 && connect(sock, (const struct sockaddr *) &to, sizeof to) == 0)
                return TAKE_FD(sock);
        if (errno == ENOENT || errno == ECONNREFUSED) {
                err_set(e, ERR_USAGE, 0, "no container named %s is running", machine);
                return err_hint(e, "berthctl list shows those that are");
        }
        k = err_set(e, ERR_HOST, errno, "cannot reach the supervisor of %s", machine);
        return k == -EACCES ? err_hint(e, "it is for root alone: sudo berthctl ...") : k;
}
