/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looks at the network pieces, each in a network namespace that ends with the process that looks. The kernel may load
 * a module for it, as it would for the first container that uses it. */

#include <errno.h>
#include <linux/if_link.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clean.h"
#include "probe/check.h"

struct request {
        struct nlmsghdr head;
        union {
                struct ifinfomsg link;
                struct nfgenmsg table;
        };
        char attributes[128];
};

static void add(struct request *r, unsigned short type, const void *data, size_t size) {
        struct nlattr *a = (struct nlattr *) ((char *) r + NLMSG_ALIGN(r->head.nlmsg_len));

        a->nla_type = type;
        a->nla_len = (unsigned short) (NLA_HDRLEN + size);
        memcpy((char *) a + NLA_HDRLEN, data, size);
        r->head.nlmsg_len = NLMSG_ALIGN(r->head.nlmsg_len) + NLA_ALIGN(a->nla_len);
}

/* The kernel's answer: 0 or -errno. Another message than an error says that the request was understood. */
static int ask(int protocol, const struct request *r) {
        CLEAN_FD int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
        struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
        union {
                struct nlmsghdr head;
                char bytes[4096];
        } answer;
        const struct nlmsgerr *error = NLMSG_DATA(&answer.head);
        ssize_t n;

        if (fd < 0 || sendto(fd, r, r->head.nlmsg_len, 0, (struct sockaddr *) &kernel, sizeof kernel) < 0)
                return -errno;
        n = recv(fd, &answer, sizeof answer, 0);
        if (n < 0)
                return -errno;
        if (n < (ssize_t) NLMSG_LENGTH(sizeof *error) || answer.head.nlmsg_type != NLMSG_ERROR)
                return 0;
        return error->error;
}

static int add_link(const void *data) {
        const char *kind = data;
        struct request r = {
                .head = { .nlmsg_len = NLMSG_LENGTH(sizeof r.link),
                          .nlmsg_type = RTM_NEWLINK,
                          .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL },
                .link = { .ifi_family = AF_UNSPEC },
        };
        struct nlattr *nest;

        if (unshare(CLONE_NEWNET) < 0)
                return -errno;
        nest = (struct nlattr *) ((char *) &r + NLMSG_ALIGN(r.head.nlmsg_len));
        add(&r, IFLA_LINKINFO, "", 0);
        add(&r, IFLA_INFO_KIND, kind, strlen(kind) + 1);
        nest->nla_len = (unsigned short) ((char *) &r + r.head.nlmsg_len - (char *) nest);
        return ask(NETLINK_ROUTE, &r);
}

void check_veth(const struct check_context *c, struct check_finding *ret) {
        check_result(ret, check_apart(add_link, "veth"));
}

void check_bridge(const struct check_context *c, struct check_finding *ret) {
        check_result(ret, check_apart(add_link, "bridge"));
}

static int ask_tables(const void *data) {
        struct request r = {
                .head = { .nlmsg_len = NLMSG_LENGTH(sizeof r.table),
                          .nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN,
                          .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
                .table = { .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0 },
        };

        if (unshare(CLONE_NEWNET) < 0)
                return -errno;
        return ask(NETLINK_NETFILTER, &r);
}

void check_nftables(const struct check_context *c, struct check_finding *ret) {
        check_result(ret, check_apart(ask_tables, NULL));
}
