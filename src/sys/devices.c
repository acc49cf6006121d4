/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/devices.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clean.h"

/* Jumps whose length is not known yet: out of the group of rules that does not fit, and to the end that allows it. */
enum { OUT = -1, YES = -2, MINOR_BITS = 20 };

struct program {
        struct bpf_insn *insns;
        unsigned n;
};

static void emit(struct program *p, uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm) {
        p->insns[p->n++] = (struct bpf_insn){ .code = code, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm };
}

/* struct bpf_cgroup_dev_ctx in r1. Then: r2 the type, r3 the access wanted, r4 the device number as the kernel keeps
 * it (12 bits major, 20 bits minor), r5 major. */
static void emit_head(struct program *p) {
        emit(p, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, access_type), 0);
        emit(p, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0);
        emit(p, BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_3, 0, 0, 16);
        emit(p, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_2, 0, 0, 0xffff);
        emit(p, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_5, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, major), 0);
        emit(p, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_4, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
        emit(p, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_0, BPF_REG_5, 0, 0);
        emit(p, BPF_ALU64 | BPF_LSH | BPF_K, BPF_REG_0, 0, 0, MINOR_BITS);
        emit(p, BPF_ALU64 | BPF_OR | BPF_X, BPF_REG_4, BPF_REG_0, 0, 0);
}

static int32_t refused(const struct device_rule *r) {
        return (r->mknod ? 0 : BPF_DEVCG_ACC_MKNOD) | (r->no_read ? BPF_DEVCG_ACC_READ : 0) |
               (r->read_only ? BPF_DEVCG_ACC_WRITE : 0);
}

static bool of_one_group(const struct device_rule *r, const struct device_rule *other) {
        return r->block == other->block && refused(r) == refused(other);
}

/* Where to jump is not known yet: land() fills it in. */
static void emit_group(struct program *p, const struct device_rule *rules, size_t n) {
        emit(p, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_2, 0, OUT, rules->block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
        if (refused(rules)) {
                emit(p, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_0, BPF_REG_3, 0, 0);
                emit(p, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_0, 0, 0, refused(rules));
                emit(p, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_0, 0, OUT, 0);
        }
        for (size_t i = 0; i < n; i++) {
                const struct device_rule *r = &rules[i];

                if (!of_one_group(r, rules))
                        continue;
                if (r->minor < 0)
                        emit(p, BPF_JMP32 | BPF_JEQ | BPF_K, BPF_REG_5, 0, YES, (int32_t) r->major);
                else
                        emit(p, BPF_JMP32 | BPF_JEQ | BPF_K, BPF_REG_4, 0, YES,
                             (int32_t) (r->major << MINOR_BITS | (unsigned) r->minor));
        }
}

/* Jumps of one kind, from the instruction from on, lead to where the program ends now. */
static void land(struct program *p, unsigned from, int16_t kind) {
        for (unsigned i = from; i < p->n; i++)
                if (BPF_CLASS(p->insns[i].code) != BPF_ALU64 && p->insns[i].off == kind)
                        p->insns[i].off = (int16_t) (p->n - i - 1);
}

static int bpf(int command, union bpf_attr *attr) {
        long r = syscall(SYS_bpf, command, attr, sizeof *attr);

        return r < 0 ? -errno : (int) r;
}

int devices_program(const struct device_rule *rules, size_t n, struct bpf_insn *ret) {
        struct program p = { .insns = ret };

        if (n > DEVICES_RULES)
                return -E2BIG;
        emit_head(&p);
        for (size_t i = 0; i < n; i++) {
                unsigned from = p.n;
                bool done = false;

                for (size_t k = 0; k < i; k++)
                        done = done || of_one_group(&rules[i], &rules[k]);
                if (done)
                        continue;
                emit_group(&p, rules + i, n - i);
                land(&p, from, OUT);
        }
        emit(&p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0);
        emit(&p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
        land(&p, 0, YES);
        emit(&p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1);
        emit(&p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
        return (int) p.n;
}

int devices_restrict(int cgroup, const struct device_rule *rules, size_t n) {
        struct bpf_insn insns[DEVICES_INSNS];
        union bpf_attr load, attach;
        CLEAN_FD int program = -1;
        int k = devices_program(rules, n, insns);

        if (k < 0)
                return k;
        memset(&load, 0, sizeof load);
        load.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
        load.insns = (uint64_t) (uintptr_t) insns;
        load.insn_cnt = (uint32_t) k;
        load.license = (uint64_t) (uintptr_t) "LGPL-2.1-or-later";
        program = bpf(BPF_PROG_LOAD, &load);
        if (program < 0)
                return program;
        memset(&attach, 0, sizeof attach);
        attach.target_fd = (uint32_t) cgroup;
        attach.attach_bpf_fd = (uint32_t) program;
        attach.attach_type = BPF_CGROUP_DEVICE;
        attach.attach_flags = BPF_F_ALLOW_MULTI;
        return bpf(BPF_PROG_ATTACH, &attach);
}
