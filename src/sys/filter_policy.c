/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/filter_policy.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

#include "base/str.h"
#include "sys/filter_tables.h"

/* What follows from the want alone. WHEN_FAMILIES and WHEN_RESTRICTED are added once the families are known. */
static unsigned when_of(const struct filter_want *w) {
        unsigned when = (w->nesting ? WHEN_NESTING : 0u) | (w->suppress_sync ? WHEN_SYNC : 0u);

        if (w->face == FILTER_BERTH)
                when |= WHEN_BERTH | (w->tree32 ? 0u : WHEN_TREE64) | (w->private_net ? WHEN_NET : 0u);
        return when;
}

static bool applies(const struct call_rule *r, unsigned when, uint64_t caps) {
        return (r->when & when) == r->when && (r->cap == CAP_ANY || caps >> r->cap & 1);
}

struct brush {
        struct filter_policy *policy;
        uint32_t action;
        uint32_t rules;
};

static int paint_action(void *data, size_t row) {
        const struct brush *b = data;

        b->policy->calls[row].action = b->action;
        return 0;
}

static int paint_rules(void *data, size_t row) {
        const struct brush *b = data;

        b->policy->calls[row].rules |= b->rules;
        return 0;
}

static int paint(struct filter_policy *p, const char *words, uint32_t action) {
        struct brush b = { .policy = p, .action = action };

        return calls_each(p->table, words, paint_action, &b);
}

static int paint_table(struct filter_policy *p, const struct call_rule *rules, unsigned n,
                       const struct filter_key *k) {
        int r = 0;

        for (unsigned i = 0; i < n && r == 0; i++)
                if (applies(&rules[i], k->when, k->caps))
                        r = paint(p, rules[i].calls, rules[i].action);
        return r;
}

static int paint_list(struct filter_policy *p, const struct strv *names, uint32_t action, struct err *e) {
        for (size_t i = 0; names && i < names->n; i++)
                if (paint(p, names->items[i], action) < 0) {
                        err_set(e, ERR_USAGE, 0, "unknown system call or group \"%s\"", names->items[i]);
                        return err_blame(e, "system-call-filter", names->items[i]);
                }
        return 0;
}

static bool has_name(const struct strv *names, const char *name) {
        for (size_t i = 0; names && i < names->n; i++)
                if (streq(names->items[i], name))
                        return true;
        return false;
}

static int add_arg_rules(struct filter_policy *p, const struct filter_want *w, unsigned when) {
        for (unsigned i = 0; i < n_arg_rules; i++) {
                struct brush b = { .policy = p, .rules = 1u << i };
                int r;

                if ((arg_rules[i].when & when) != arg_rules[i].when)
                        continue;
                if (arg_rules[i].yields && has_name(w->allow, arg_rules[i].calls))
                        continue;
                r = calls_each(p->table, arg_rules[i].calls, paint_rules, &b);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < p->table->n; i++)
                if (p->calls[i].action != SECCOMP_RET_ALLOW)
                        p->calls[i].rules = 0;
        return 0;
}

int filter_policy_make(const struct filter_want *want, const struct call_table *t, struct arena *a,
                       struct filter_policy *ret, struct err *e) {
        struct filter_policy p = { .table = t, .rare_abis = want->face == FILTER_STRICT };
        struct filter_key k = { .caps = want->caps, .when = when_of(want) };
        int r;

        r = families_make(want, k.when, &p.families, e);
        if (r < 0)
                return r;
        if (!families_all(&p.families))
                k.when |= WHEN_FAMILIES | (want->families_said ? WHEN_RESTRICTED : 0u);
        p.calls = arena_alloc(a, t->n * sizeof *p.calls);
        for (size_t i = 0; i < t->n; i++)
                p.calls[i].action = SECCOMP_RET_ERRNO | ENOSYS;
        r = paint_table(&p, call_rules, n_call_rules, &k);
        if (r == 0)
                r = paint_list(&p, want->allow, SECCOMP_RET_ALLOW, e);
        if (r == 0)
                r = paint_table(&p, call_rules_last, n_call_rules_last, &k);
        if (r == 0)
                r = paint_list(&p, want->deny, SECCOMP_RET_ERRNO | EPERM, e);
        if (r == 0)
                r = add_arg_rules(&p, want, k.when);
        if (r == -ENOENT)
                return err_set(e, ERR_BUG, 0, "a system call of the built-in tables has no number");
        if (r == 0)
                *ret = p;
        return r;
}

/* Only capabilities that some row asks for make a difference. */
static uint64_t caps_that_count(unsigned when) {
        uint64_t caps = 0;

        for (unsigned i = 0; i < n_call_rules; i++)
                if (call_rules[i].cap != CAP_ANY && (call_rules[i].when & when) == call_rules[i].when)
                        caps |= 1ull << call_rules[i].cap;
        return caps;
}

static bool is_empty(const struct strv *v) {
        return !v || v->n == 0;
}

bool filter_key_make(const struct filter_want *want, struct filter_key *ret) {
        unsigned when = when_of(want);
        bool no_restriction = want->families_deny_list && !want->families_none && is_empty(want->families);

        if (!is_empty(want->allow) || !is_empty(want->deny))
                return false;
        if (want->families_said && (!no_restriction || want->face == FILTER_BERTH))
                return false;
        *ret = (struct filter_key){ .caps = want->caps & caps_that_count(when), .when = when };
        return true;
}

int filter_build(const struct filter_want *want, const struct call_table *t, struct arena *a, struct filter *ret,
                 struct err *e) {
        struct filter_policy p;
        int r = filter_policy_make(want, t, a, &p, e);

        if (r < 0)
                return r;
        r = filter_compile(&p, a, ret);
        if (r == 0)
                return 0;
        err_set(e, ERR_USAGE, -r, "cannot make a system call program of these lists");
        return err_blame(e, "system-call-filter", NULL);
}
