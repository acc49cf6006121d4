/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/rest.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include "base/clean.h"
#include "base/str.h"
#include "sys/caps.h"
#include "unit/test-filter-common.h"

static void print_yes(FILE *out, const char *name, bool value) {
        fprintf(out, "  %-22s%s\n", name, value ? "yes" : "no");
}

static void print_text(FILE *out, const char *name, const char *value) {
        fprintf(out, "  %-22s%s\n", name, value ? value : "(none)");
}

/* Only what differs from the bounding set: plan_print() shows that one. */
static void print_set(FILE *out, const char *name, uint64_t set, uint64_t bounding) {
        if (set == bounding)
                print_text(out, name, "(bounding set)");
        else
                fprintf(out, "  %-22s%llx\n", name, (unsigned long long) set);
}

static void print_exec(const struct plan *p, FILE *out) {
        print_yes(out, "searched in PATH", p->exec.search_path);
        print_text(out, "before argv[0]", p->exec.argv0_login);
        print_yes(out, "directory said", p->exec.chdir_said);
        print_yes(out, "groups stay", p->exec.keep_groups);
        print_yes(out, "strict stub", p->exec.strict_stub);
        fprintf(out, "  %-22s%04o\n", "umask", p->exec.umask);
        if (p->exec.foreign)
                print_text(out, "for", p->exec.foreign);
        if (p->exec.foreign_hint)
                print_text(out, "or it says", p->exec.foreign_hint);
}

/* Calls of which a setting, a face, a capability or a network decides. */
static const struct {
        const char *call;
        uint64_t arg0, arg1;
        const char *shown;
} calls[] = {
        { "mount", 0, 0, "mount" },
        { "chroot", 0, 0, "chroot" },
        { "fsync", 0, 0, "fsync" },
        { "keyctl", 0, 0, "keyctl" },
        { "io_uring_setup", 0, 0, "io_uring_setup" },
        { "userfaultfd", 0, 0, "userfaultfd" },
        { "bpf", 0, 0, "bpf" },
        { "clock_settime", 0, 0, "clock_settime" },
        { "init_module", 0, 0, "init_module" },
        { "ptrace", 0, 0, "ptrace" },
        { "socket", AF_UNIX, SOCK_STREAM, "socket(AF_UNIX)" },
        { "socket", AF_INET, SOCK_STREAM, "socket(AF_INET)" },
        { "socket", AF_PACKET, SOCK_RAW, "socket(AF_PACKET)" },
        { "socket", AF_VSOCK, SOCK_STREAM, "socket(AF_VSOCK)" },
        { "socket", AF_ALG, SOCK_SEQPACKET, "socket(AF_ALG)" },
};

/* Shown where it is open although the face closes it: on other machines there is none. */
static void print_socketcall(const struct plan *p, FILE *out) {
        for (unsigned abi = 0; abi < calls_native.n_abis && p->face == FACE_BERTH; abi++)
                if (number("socketcall", abi) >= 0 &&
                    decide(&p->sec.filter, abi, "socketcall", 1 /* SYS_SOCKET */, 0, 0) == SECCOMP_RET_ALLOW)
                        fprintf(out, "  %-22sallow\n", "socketcall");
}

static void print_security(const struct plan *p, FILE *out) {
        print_set(out, "caps permitted", p->sec.permitted, p->sec.bounding);
        print_set(out, "caps effective", p->sec.effective, p->sec.bounding);
        print_set(out, "caps inheritable", p->sec.inheritable, p->sec.bounding);
        print_yes(out, "own keyring", !p->sec.no_keyring);
        print_yes(out, "filter before caps", p->sec.filter_before_caps);
        for (size_t i = 0; i < ELEMENTS(calls) && !p->sec.no_filter; i++)
                print_text(out, calls[i].shown,
                           action_name(decide(&p->sec.filter, 0, calls[i].call, calls[i].arg0, calls[i].arg1, 0)));
        if (!p->sec.no_filter)
                print_socketcall(p, out);
}

static void print_limits(const struct plan *p, FILE *out) {
        fprintf(out, "  %-22s%x\n", "limits said", p->limits.rlimit_said);
}

static void print_life(const struct plan *p, FILE *out) {
        print_yes(out, "stop signal said", p->life.stop_said);
        fprintf(out, "  %-22s%d\n", "reboot signal", p->life.sig_reboot);
        fprintf(out, "  %-22s%d\n", "power-off signal", p->life.sig_poweroff);
}

/* A newline in a text is written as \n. */
static void print_seed_text(const char *text, FILE *out) {
        fputc('"', out);
        for (; *text; text++)
                if (*text == '\n')
                        fputs("\\n", out);
                else
                        fputc(*text, out);
        fputc('"', out);
}

static void print_seed(const struct fsop *op, const struct seed *s, FILE *out) {
        static const char *const kinds[] = {
                [SEED_DIR] = "directory",   [SEED_LINK] = "link",
                [SEED_FILE] = "file",       [SEED_FIFO] = "fifo",
                [SEED_NODE] = "node",       [SEED_SOCKET] = "socket",
                [SEED_BOOT_ID] = "boot-id", [SEED_REGISTER] = "register",
                [SEED_NOTIFY] = "notify",   [SEED_CREDENTIAL] = "credential",
                [SEED_KMSG] = "kmsg",
        };

        fprintf(out, "  %-10s /%s/%s", kinds[s->kind], op->dst, s->path);
        if (s->kind == SEED_LINK)
                fprintf(out, " to %s", s->text);
        else if (s->kind == SEED_NODE)
                fprintf(out, " %c %04o %u:%u", S_ISCHR(s->mode) ? 'c' : 'b', s->mode & 07777, (unsigned) s->dev >> 8,
                        (unsigned) s->dev & 0xff);
        else
                fprintf(out, " %04o", s->mode);
        if (s->kind == SEED_FILE || s->kind == SEED_REGISTER) {
                fputc(' ', out);
                print_seed_text(str_or(s->text, "(nothing)"), out);
        }
        fputc('\n', out);
}

static void print_files(const struct plan *p, FILE *out) {
        fprintf(out, "  %-22s%d\n", "slots", p->n_slots);
        if (p->one_by_one)
                fprintf(out, "  %-22s%s\n", "slots are sent", "one by one");
        for (size_t i = 0; i < p->fsops.n; i++) {
                const struct fsop *op = &p->fsops.items[i];

                if (op->slot >= 0)
                        fprintf(out, "  slot %-5d %s /%s\n", op->slot, op->kind == FSOP_KEEP ? "from" : "for",
                                op->dst);
                if (op->flags & FSOP_IN_TREE)
                        fprintf(out, "  %-10s /%s\n", "in tree",
                                op->flags & FSOP_WHOLE ? "" : str_or(op->src, op->dst));
                if (op->flags & FSOP_SEAL)
                        fprintf(out, "  %-10s /%s\n", "sealed", op->dst);
                for (size_t k = 0; k < op->seeds.n; k++)
                        print_seed(op, &op->seeds.items[k], out);
        }
}

void rest_print(const struct plan *p, FILE *out) {
        fputs("and what is not printed\n", out);
        print_yes(out, "own network", p->private_net);
        print_yes(out, "rules its network", p->net_admin);
        print_yes(out, "loopback comes up", p->loopback);
        print_yes(out, "devices restricted", p->cgroup.restrict_devices);
        print_yes(out, "but for tun", p->cgroup.tun);
        print_yes(out, "but for fuse", p->cgroup.fuse);
        for (size_t i = 0; i < p->cgroup.devices.n; i++) {
                const struct device_rule *d = &p->cgroup.devices.items[i];

                fprintf(out, "  %-22s%c %u:%d r%s\n", "but for", d->block ? 'b' : 'c', d->major, d->minor,
                        d->read_only ? "" : "w");
        }
        print_yes(out, "check for submounts", p->root.check_submounts);
        print_yes(out, "map owners", p->ids.map_root);
        print_yes(out, "and the host's root", p->root.idmap_host);
        print_text(out, "terminal tint", p->console.background);
        print_exec(p, out);
        print_security(p, out);
        print_limits(p, out);
        print_life(p, out);
        print_files(p, out);
}
