/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The device program, decided by a small machine of our own: kernels without BPF for cgroups cannot load it. */

#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>

#include "base/clean.h"
#include "sys/devices.h"
#include "unit/tap.h"

static uint64_t load(const struct bpf_cgroup_dev_ctx *ctx, int offset) {
        return offset == 0 ? ctx->access_type : offset == 4 ? ctx->major : ctx->minor;
}

/* -1: an instruction that the program should not have, or no end. */
static int decide(const struct bpf_insn *p, int n, const struct bpf_cgroup_dev_ctx *ctx) {
        uint64_t r[11] = { 0 };

        for (int i = 0; i >= 0 && i < n; i++) {
                const struct bpf_insn *x = &p[i];

                switch (x->code) {
                case BPF_LDX | BPF_MEM | BPF_W: r[x->dst_reg] = load(ctx, x->off); break;
                case BPF_ALU64 | BPF_MOV | BPF_X: r[x->dst_reg] = r[x->src_reg]; break;
                case BPF_ALU64 | BPF_MOV | BPF_K: r[x->dst_reg] = (uint64_t) x->imm; break;
                case BPF_ALU64 | BPF_RSH | BPF_K: r[x->dst_reg] >>= x->imm; break;
                case BPF_ALU64 | BPF_AND | BPF_K: r[x->dst_reg] &= (uint64_t) x->imm; break;
                case BPF_ALU64 | BPF_LSH | BPF_K: r[x->dst_reg] <<= x->imm; break;
                case BPF_ALU64 | BPF_OR | BPF_X: r[x->dst_reg] |= r[x->src_reg]; break;
                case BPF_JMP32 | BPF_JEQ | BPF_K:
                        i += (uint32_t) r[x->dst_reg] == (uint32_t) x->imm ? x->off : 0;
                        break;
                case BPF_JMP | BPF_JNE | BPF_K: i += r[x->dst_reg] != (uint64_t) x->imm ? x->off : 0; break;
                case BPF_JMP | BPF_EXIT: return (int) r[0];
                default: return -1;
                }
        }
        return -1;
}

static const struct device_rule rules[] = {
        { false, 1, 3, true },
        { false, 5, 2, true },
        { false, 136, -1, false },
        { true, 7, 1, true },
        { false, 10, 5, true, .read_only = true },
        { false, 10, 6, false, .no_read = true },
        { false, 4095, 1048575, false },
        { false, 1, 4, true, .read_only = true },
        { false, 1, 4, false, .no_read = true },
};

static int ask(unsigned type, unsigned access, unsigned major, unsigned minor) {
        struct bpf_insn program[DEVICES_INSNS];
        int n = devices_program(rules, ELEMENTS(rules), program);

        return decide(program, n, &(struct bpf_cgroup_dev_ctx){ access << 16 | type, major, minor });
}

int main(void) {
        enum {
                C = BPF_DEVCG_DEV_CHAR,
                B = BPF_DEVCG_DEV_BLOCK,
                R = BPF_DEVCG_ACC_READ,
                W = BPF_DEVCG_ACC_WRITE,
                M = BPF_DEVCG_ACC_MKNOD
        };
        struct device_rule many[DEVICES_RULES + 1] = { 0 };
        struct bpf_insn program[DEVICES_INSNS];
        struct tap t = { 0 };

        OK_INT(&t, ask(C, R | W, 1, 3), 1, "null is opened");
        OK_INT(&t, ask(C, M, 1, 3), 1, "null is made");
        OK_INT(&t, ask(C, R, 1, 11), 0, "kmsg is not");
        OK_INT(&t, ask(C, R, 5, 2), 1, "the second rule is reached");
        OK_INT(&t, ask(C, R | W, 136, 77), 1, "any terminal is opened");
        OK_INT(&t, ask(C, M, 136, 77), 0, "but none is made");
        OK_INT(&t, ask(B, R, 1, 3), 0, "a block device of the same number is another one");
        OK_INT(&t, ask(B, R | M, 7, 1), 1, "a block device by rule, after a rule for any minor");
        OK_INT(&t, ask(B, R, 7, 2), 0, "its neighbour is not");
        OK_INT(&t, ask(B, R, 8, 0), 0, "a disk is not");
        OK_INT(&t, ask(C, R, 10, 5), 1, "what is to be read is read");
        OK_INT(&t, ask(C, W, 10, 5), 0, "but not written");
        OK_INT(&t, ask(C, R | W, 10, 5), 0, "nor both at once");
        OK_INT(&t, ask(C, M, 10, 5), 1, "made it may be");
        OK_INT(&t, ask(C, W, 10, 6), 1, "what is to be written is written");
        OK_INT(&t, ask(C, R, 10, 6), 0, "but not read");
        OK_INT(&t, ask(C, R, 4095, 1048575), 1, "the last device number there is");
        OK_INT(&t, ask(C, R, 4095, 1048574), 0, "its neighbour is not");
        OK_INT(&t, ask(C, W, 1, 4), 1, "of two rules for a device the second one fits");
        OK_INT(&t, ask(C, R | W, 1, 4), 0, "but they do not add up");
        OK_INT(&t, devices_program(many, ELEMENTS(many), program), -E2BIG, "too many rules");
        for (size_t i = 0; i < DEVICES_RULES; i++)
                many[i] = (struct device_rule){ i & 1, 1, 1, i & 2, i & 4, i & 8 };
        OK(&t, devices_program(many, DEVICES_RULES, program) <= DEVICES_INSNS, "as many as there may be fit");
        return tap_done(&t);
}
