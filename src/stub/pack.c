/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "stub/stub.h"

enum { BLOCK_MAX = 16 * 1024 * 1024 };

static const char LISTEN_PID[] = "LISTEN_PID=0000000000";

/* Called twice with the same job: once with buf NULL, to measure, and once to write. */
struct pen {
        unsigned char *buf;
        size_t at;
};

static uint32_t put(struct pen *p, const void *data, size_t n, size_t align) {
        size_t start = (p->at + align - 1) & ~(align - 1);

        if (p->buf && data)
                memcpy(p->buf + start, data, n);
        p->at = start + n;
        return (uint32_t) start;
}

static size_t count(char *const *v) {
        size_t n = 0;

        while (v && v[n])
                n++;
        return n;
}

static uint32_t put_string(struct pen *p, const char *s) {
        return put(p, s, strlen(s) + 1, 1);
}

/* Strings first, then the vector of their offsets, with one more entry for last where that is not 0. */
static uint32_t put_vector(struct pen *p, char *const *v, uint32_t last) {
        size_t n = count(v), size = (n + (last ? 1 : 0) + 1) * sizeof(uintptr_t);
        uint32_t start = put(p, NULL, size, sizeof(uintptr_t));
        uintptr_t entry;

        for (size_t i = 0; i <= n; i++) {
                entry = i < n ? put_string(p, v[i]) : last;
                if (p->buf)
                        memcpy(p->buf + start + i * sizeof entry, &entry, sizeof entry);
        }
        return start;
}

static void write_block(struct pen *p, const struct stub_job *j) {
        struct stub_block b = {
                .magic = STUB_MAGIC,
                .flags = j->flags,
                .stop_ms = j->stop_ms,
                .exec_fd = j->exec_fd,
                .status_fd = j->status_fd,
                .life_fd = j->life_fd,
                .n_pass = (uint32_t) j->n_pass,
                .n_argv = (uint32_t) count(j->argv),
                .n_envp = (uint32_t) count(j->envp),
        };

        put(p, NULL, sizeof b, _Alignof(struct stub_block));
        b.pass = put(p, j->pass, j->n_pass * sizeof(int32_t), _Alignof(int32_t));
        b.argv = put_vector(p, j->argv, 0);
        if (j->flags & STUB_LISTEN_PID) {
                uint32_t entry = put_string(p, LISTEN_PID);

                b.n_envp++;
                b.listen_pid = entry + (uint32_t) (strchr(LISTEN_PID, '=') + 1 - LISTEN_PID);
                b.envp = put_vector(p, j->envp, entry);
        } else
                b.envp = put_vector(p, j->envp, 0);
        if (j->path)
                b.path = put_string(p, j->path);
        b.size = (uint32_t) p->at;
        if (p->buf)
                memcpy(p->buf, &b, sizeof b);
}

static bool is_free(int fd, const struct stub_job *j) {
        return fd > STUB_JOB_FD && (size_t) fd >= 3 + j->n_pass;
}

static bool fds_are_fine(const struct stub_job *j) {
        if (!is_free(j->exec_fd, j) || (j->status_fd >= 0 && !is_free(j->status_fd, j)) ||
            (j->life_fd >= 0 && !is_free(j->life_fd, j)))
                return false;
        for (size_t i = 0; i < j->n_pass; i++)
                if (!is_free(j->pass[i], j) && !stub_in_place(j, i))
                        return false;
        return true;
}

ssize_t stub_pack(const struct stub_job *job, void *buf, size_t size) {
        struct pen p = { 0 };

        if (count(job->argv) == 0 || job->n_pass > 1024 || !fds_are_fine(job))
                return -EINVAL;
        write_block(&p, job);
        if (p.at > BLOCK_MAX)
                return -E2BIG;
        if (buf && p.at <= size) {
                memset(buf, 0, p.at);
                p = (struct pen){ .buf = buf };
                write_block(&p, job);
        }
        return (ssize_t) p.at;
}
