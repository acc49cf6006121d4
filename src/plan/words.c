/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/words.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>

#include "base/clean.h"
#include "base/str.h"

const char *fsop_kind_name(enum fsop_kind k) {
        static const char names[][9] = {
                [FSOP_FRESH] = "fresh",   [FSOP_TREE] = "bind",       [FSOP_SELF] = "bind",     [FSOP_HIDE] = "hide",
                [FSOP_WRITE] = "write",   [FSOP_LINK] = "link",       [FSOP_REMOVE] = "remove", [FSOP_KEEP] = "keep",
                [FSOP_DETACH] = "detach", [FSOP_OVERLAY] = "overlay", [FSOP_DIR] = "make-dir",
        };

        return names[k];
}

int fsop_blame(const struct fsop *op, int k, struct err *e) {
        if (op->why && str_after(op->why, "--"))
                err_blame(e, op->why, NULL);
        return k;
}

const char *fsop_label(const struct fsop *op) {
        bool ours = op->options && !(op->flags & FSOP_OF_USER);
        const char *label = ours ? strstr(op->options, ",context=") : NULL;

        return label ? label + strlen(",context=") : NULL;
}

int fsop_refuse_label(const struct fsop *op, struct err *e) {
        err_set(e, ERR_HOST, EINVAL, "cannot give what is mounted on /%s the label %s", op->dst, fsop_label(op));
        return err_blame(e, "selinux-apifs-context", NULL);
}

const char *lock_name(int lock) {
        static const char names[][10] = {
                [LOCK_NONE] = "none", [LOCK_SHARED] = "shared", [LOCK_EXCLUSIVE] = "exclusive"
        };

        return names[lock];
}

const char *copy_method_name(enum copy_method m) {
        static const char names[][9] = {
                [COPY_SNAPSHOT] = "snapshot", [COPY_REFLINK] = "reflinks", [COPY_FULL] = "copy"
        };

        return names[m];
}

const char *rlimit_name(int what) {
        static const char names[RLIM_NLIMITS][11] = {
                [RLIMIT_CPU] = "CPU",           [RLIMIT_FSIZE] = "FSIZE",
                [RLIMIT_DATA] = "DATA",         [RLIMIT_STACK] = "STACK",
                [RLIMIT_CORE] = "CORE",         [RLIMIT_RSS] = "RSS",
                [RLIMIT_NPROC] = "NPROC",       [RLIMIT_NOFILE] = "NOFILE",
                [RLIMIT_MEMLOCK] = "MEMLOCK",   [RLIMIT_AS] = "AS",
                [RLIMIT_LOCKS] = "LOCKS",       [RLIMIT_SIGPENDING] = "SIGPENDING",
                [RLIMIT_MSGQUEUE] = "MSGQUEUE", [RLIMIT_NICE] = "NICE",
                [RLIMIT_RTPRIO] = "RTPRIO",     [RLIMIT_RTTIME] = "RTTIME",
        };

        return names[what];
}

static bool has_cpu(const uint8_t cpus[128], int n) {
        return n < 1024 && cpus[n / 8] >> n % 8 & 1;
}

const char *cpu_list(const uint8_t cpus[128], char buf[PLAN_CPUS]) {
        size_t n = 0;
        int last;

        buf[0] = '\0';
        for (int first = 0; first < 1024; first = last + 1) {
                for (last = first; has_cpu(cpus, first) && has_cpu(cpus, last + 1);)
                        last++;
                if (has_cpu(cpus, first))
                        n += (size_t) snprintf(buf + n, PLAN_CPUS - n, last > first ? "%s%d-%d" : "%s%d", n ? "," : "",
                                               first, last);
        }
        return buf;
}

const char *personality_name(unsigned long personality, char buf[32]) {
        if (personality == PER_LINUX)
                return "native";
        if (personality == PER_LINUX32)
                return "32 bits";
        snprintf(buf, 32, "%#lx", personality);
        return buf;
}

struct word {
        uint64_t bit;
        char word[14];
};

static void words_of(uint64_t bits, const struct word *table, size_t n, const char *ret[PLAN_WORDS]) {
        size_t k = 0;

        for (size_t i = 0; i < n && k < PLAN_WORDS - 1; i++)
                if (bits & table[i].bit)
                        ret[k++] = table[i].word;
        ret[k] = NULL;
}

void plan_attr_words(const struct fsop *op, const char *ret[PLAN_WORDS]) {
        static const struct word table[] = {
                { MOUNT_ATTR_RDONLY, "ro" },
                { MOUNT_ATTR_NOSUID, "nosuid" },
                { MOUNT_ATTR_NODEV, "nodev" },
                { MOUNT_ATTR_NOEXEC, "noexec" },
                { MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow" },
                { MOUNT_ATTR_STRICTATIME, "strictatime" },
                { UINT64_C(1) << 63, "rw" },
        };
        uint64_t rw = op->clear & MOUNT_ATTR_RDONLY ? UINT64_C(1) << 63 : 0;
        uint64_t sealed = op->flags & FSOP_SEAL ? MOUNT_ATTR_RDONLY : 0;

        words_of(op->set | sealed | rw, table, ELEMENTS(table), ret);
}

void plan_flag_words(const struct fsop *op, const char *ret[PLAN_WORDS]) {
        static const struct word table[] = {
                { FSOP_OPTIONAL, "optional" },   { FSOP_MAKE_DIR, "make-dir" },   { FSOP_MAKE_FILE, "make-file" },
                { FSOP_BY_HOST, "by-launcher" }, { FSOP_RECURSIVE, "recursive" }, { FSOP_IDMAP, "owners-mapped" },
                { FSOP_LATE, "late" },           { FSOP_FOLLOW, "follow" },       { FSOP_ON_LINK, "over-link" },
                { FSOP_REPLACE, "replace" },     { FSOP_OF_GUEST, "of-guest" },   { FSOP_PARENTS, "make-parents" },
                { FSOP_SLAVE, "from-host" },
        };

        words_of(op->flags, table, ELEMENTS(table), ret);
}

void plan_namespace_words(const struct plan *p, const char *ret[PLAN_WORDS]) {
        static const struct word table[] = {
                { CLONE_NEWNS, "mount" },  { CLONE_NEWPID, "pid" },       { CLONE_NEWUTS, "uts" },
                { CLONE_NEWIPC, "ipc" },   { CLONE_NEWCGROUP, "cgroup" }, { CLONE_NEWNET, "net" },
                { CLONE_NEWUSER, "user" },
        };

        words_of(p->namespaces | CLONE_NEWIPC | CLONE_NEWCGROUP, table, ELEMENTS(table), ret);
}
