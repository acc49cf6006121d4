/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the payload may do and sees. Calls have arguments that are refused later, or change nothing. */

#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <linux/keyctl.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* --- calls --- */

static int result(long r) {
        return r < 0 ? errno : 0;
}

static int make_user_namespace(void) {
        return result(unshare(CLONE_NEWUSER));
}

static int io_uring(void) {
        char params[120] = { 0 };

        return result(syscall(SYS_io_uring_setup, 2, params));
}

static int userfault_kernel(void) {
        return result(syscall(SYS_userfaultfd, O_CLOEXEC));
}

static int userfault_user(void) {
        return result(syscall(SYS_userfaultfd, O_CLOEXEC | 1 /* UFFD_USER_MODE_ONLY */));
}

static int bpf_map(void) {
        union bpf_attr attr = { .map_type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 4, .max_entries = 1 };

        return result(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr));
}

static int bpf_program(void) {
        static const struct bpf_insn insns[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K },
                                                 { .code = BPF_JMP | BPF_EXIT } };
        union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insn_cnt = 2 };

        attr.insns = (uint64_t) (uintptr_t) insns;
        attr.license = (uint64_t) (uintptr_t) "GPL";
        return result(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof attr));
}

static int perf_open(pid_t pid, int cpu) {
        struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE,
                                        .size = sizeof attr,
                                        .config = PERF_COUNT_SW_CPU_CLOCK };

        return result(syscall(SYS_perf_event_open, &attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC));
}

static int perf_self(void) {
        return perf_open(0, -1);
}

static int perf_cpu(void) {
        return perf_open(-1, 0);
}

static int add_key(void) {
        return result(syscall(SYS_add_key, "user", "probe-own", "x", 1, KEY_SPEC_PROCESS_KEYRING));
}

static int persistent_keyring(void) {
        return result(syscall(SYS_keyctl, KEYCTL_GET_PERSISTENT, -1, KEY_SPEC_PROCESS_KEYRING, 0, 0));
}

static int real_time(void) {
        struct sched_param p = { .sched_priority = 1 };

        return result(sched_setscheduler(0, SCHED_FIFO, &p));
}

static int nicer(void) {
        return result(setpriority(PRIO_PROCESS, 0, -5));
}

static int mount_tmpfs(void) {
        (void) own_mounts();
        return result(mount("tmpfs", spare_directory(), "tmpfs", 0, NULL));
}

static int secret_memory(void) {
        return result(syscall(SYS_memfd_secret, 0));
}

static int fanotify(void) {
        return result(fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC, O_RDONLY));
}

static int page_zero(void) {
        return mmap(NULL, 4096, PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
}

static int open_socket(int family, int type, int protocol) {
        return result(socket(family, type | SOCK_CLOEXEC, protocol));
}

static int raw_icmp(void) {
        return open_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static int packet_socket(void) {
        return open_socket(AF_PACKET, SOCK_RAW, 0);
}

static int vsock(void) {
        return open_socket(AF_VSOCK, SOCK_STREAM, 0);
}

static int crypto_socket(void) {
        return open_socket(AF_ALG, SOCK_SEQPACKET, 0);
}

static int netlink_audit(void) {
        return open_socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT);
}

static int netlink_route(void) {
        return open_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
}

/* Commands that no kernel knows: EINVAL says that the call was let through. */
static int reboot_call(void) {
        return result(syscall(SYS_reboot, 1, 2, 3, NULL));
}

static int load_module(void) {
        return result(syscall(SYS_finit_module, -1, "", 0));
}

static int kexec(void) {
        return result(syscall(SYS_kexec_load, 0, ~0UL, NULL, 0));
}

static int swap_on(void) {
        return result(syscall(SYS_swapon, "/nonexistent", 0));
}

static int account(void) {
        return result(syscall(SYS_acct, "/nonexistent"));
}

static int quota(void) {
        return result(syscall(SYS_quotactl, 0x800007 << 8, "/nonexistent", 0, NULL));
}

static int typed_input(void) {
        int error = 0;

        for (int fd = 0; fd < 3; fd++) {
                char c = 'x';

                if (syscall(SYS_ioctl, fd, (unsigned long) TIOCSTI, &c) == 0 ||
                    syscall(SYS_ioctl, fd, (unsigned long) TIOCSTI | (unsigned long) 1 << 32, &c) == 0)
                        return 0;
                error = errno;
        }
        return error;
}

static int higher_limit(void) {
        struct rlimit r;

        getrlimit(RLIMIT_NOFILE, &r);
        r.rlim_max++;
        return result(setrlimit(RLIMIT_NOFILE, &r));
}

static int safer_from_oom(void) {
        int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

        return fd < 0 ? errno : result(write(fd, "-1000", 5));
}

const struct call_fact call_facts[] = {
        { "user-namespace", make_user_namespace },
        { "io-uring", io_uring },
        { "userfaultfd-kernel", userfault_kernel },
        { "userfaultfd-user", userfault_user },
        { "bpf-map", bpf_map },
        { "bpf-program", bpf_program },
        { "perf-self", perf_self },
        { "perf-cpu", perf_cpu },
        { "add-key", add_key },
        { "persistent-keyring", persistent_keyring },
        { "real-time", real_time },
        { "nicer", nicer },
        { "mount-tmpfs", mount_tmpfs },
        { "secret-memory", secret_memory },
        { "fanotify", fanotify },
        { "page-zero", page_zero },
        { "raw-icmp", raw_icmp },
        { "packet-socket", packet_socket },
        { "vsock", vsock },
        { "crypto-socket", crypto_socket },
        { "netlink-audit", netlink_audit },
        { "netlink-route", netlink_route },
        { "reboot", reboot_call },
        { "load-module", load_module },
        { "kexec", kexec },
        { "swap", swap_on },
        { "accounting", account },
        { "quota", quota },
        { "typed-input", typed_input },
        { "higher-limit", higher_limit },
        { "safer-from-oom", safer_from_oom },
};
const size_t n_call_facts = sizeof call_facts / sizeof *call_facts;

/* --- looks --- */

/* The first word of a line of /proc/self/status; of a set of capabilities how many it has, too. */
static void tell_line(const char *key, const char *value) {
        char word[64] = "none";

        (void) sscanf(value, "%63s", word);
        printf("fact %s %s\n", key, word);
        if (strncmp(key, "Cap", 3) == 0)
                printf("fact %s-count %d\n", key, __builtin_popcountll(strtoull(word, NULL, 16)));
}

static void tell_status(void) {
        static const char *const keys[] = { "CapInh", "CapPrm",     "CapEff",          "CapBnd",
                                            "CapAmb", "NoNewPrivs", "Seccomp_filters", "Groups" };
        char line[4096];
        FILE *f = fopen("/proc/self/status", "re");

        while (f && fgets(line, sizeof line, f)) {
                size_t n = strcspn(line, ":");

                if (!line[n])
                        continue;
                line[n] = '\0';
                for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
                        if (strcmp(line, keys[i]) == 0)
                                tell_line(keys[i], line + n + 1);
        }
        if (f)
                fclose(f);
}

/* CAP_SYS_ADMIN counts for the host only in its own user namespace. */
static void tell_user_namespace(void) {
        unsigned inside = 0, outside_id = 0, count = 0;
        FILE *f = fopen("/proc/self/uid_map", "re");
        bool host = f && fscanf(f, "%u %u %u", &inside, &outside_id, &count) == 3 && outside_id == 0 &&
                    count == UINT32_MAX;

        if (f)
                fclose(f);
        printf("fact own-user-namespace %s\n", host ? "no" : "yes");
}

static bool is_network(const char *path) {
        return strncmp(path, "/proc/sys/net/", 14) == 0;
}

/* Writable files below a directory: counted by a walk of our own, since nftw(3) takes no data. */
static void count_writable(const char *dir, int *ret_all, int *ret_not_net) {
        DIR *d = opendir(dir);
        struct dirent *entry;

        while (d && (entry = readdir(d))) {
                char path[4096];

                if (entry->d_name[0] == '.')
                        continue;
                snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
                if (strcmp(path, "/sys/fs/cgroup") == 0)
                        continue;
                if (entry->d_type == DT_DIR)
                        count_writable(path, ret_all, ret_not_net);
                else if (entry->d_type == DT_REG && access(path, W_OK) == 0 && may_write(path)) {
                        ++*ret_all;
                        *ret_not_net += !is_network(path);
                }
        }
        if (d)
                closedir(d);
}

static void tell_writable(void) {
        static const struct {
                const char *dir, *name;
        } dirs[] = { { "/proc/sys", "writable-sysctl" }, { "/sys", "writable-sys" },
                     { "/proc/irq", "writable-irq" },    { "/proc/bus", "writable-bus" },
                     { "/proc/fs", "writable-proc-fs" }, { "/proc/acpi", "writable-acpi" } };

        for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
                int all = 0, not_net = 0;

                count_writable(dirs[i].dir, &all, &not_net);
                printf("fact %s %d\n", dirs[i].name, all);
                if (i == 0)
                        printf("fact %s-not-net %d\n", dirs[i].name, not_net);
        }
}

/* "readable", "hidden" (there, but nothing comes), or the errno. */
static void tell_readable(void) {
        static const char *const files[] = {
                "/proc/kallsyms",
                "/proc/keys",
                "/proc/timer_list",
                "/proc/kmsg",
                "/proc/kcore",
                "/proc/slabinfo",
                "/proc/vmallocinfo",
                "/proc/interrupts",
                "/proc/config.gz",
                "/proc/key-users",
                "/proc/diskstats",
                "/proc/partitions",
                "/proc/pagetypeinfo",
                "/proc/sched_debug",
                "/proc/iomem",
                "/proc/sysrq-trigger",
                "/sys/kernel/notes",
                "/sys/kernel/vmcoreinfo",
                "/sys/kernel/btf/vmlinux",
                "/sys/firmware/acpi/tables/DSDT",
                "/dev/kmsg",
                "/dev/mem",
        };

        for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
                struct stat st;
                bool there = stat(files[i], &st) == 0;

                printf("fact read:%s %s\n", files[i], may_read(files[i]) ? "readable" : there ? "hidden" : "absent");
        }
}

static void tell_devices(void) {
        DIR *d = opendir("/dev");
        struct dirent *entry;
        int nodes = 0;

        while (d && (entry = readdir(d))) {
                struct stat st;

                if (fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
                        nodes += S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode);
        }
        if (d)
                closedir(d);
        printf("fact device-nodes %d\n", nodes);
}

static void tell_mounts(void) {
        char line[8192], options[512];
        int total = 0, rw = 0, suid = 0, dev = 0, exec = 0;
        FILE *f = fopen("/proc/self/mountinfo", "re");

        while (f && fgets(line, sizeof line, f)) {
                if (sscanf(line, "%*s %*s %*s %*s %*s %511s", options) != 1)
                        continue;
                total++;
                rw += strncmp(options, "rw", 2) == 0;
                suid += !strstr(options, "nosuid");
                dev += !strstr(options, "nodev");
                exec += !strstr(options, "noexec");
        }
        if (f)
                fclose(f);
        printf("fact mounts %d\nfact mounts-rw %d\nfact mounts-suid %d\nfact mounts-dev %d\nfact mounts-exec %d\n",
               total, rw, suid, dev, exec);
}

static void tell_families(void) {
        static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_VSOCK,
                                        AF_ALG,  AF_XDP,  AF_KEY,   AF_CAN,     AF_TIPC };
        int n = 0;

        for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
                int fd = socket(families[i], SOCK_DGRAM | SOCK_CLOEXEC, 0), e = errno;

                if (fd < 0 && e != EAFNOSUPPORT && e != EPERM)
                        fd = socket(families[i], SOCK_RAW | SOCK_CLOEXEC, 0);
                n += fd >= 0;
                if (fd >= 0)
                        close(fd);
        }
        printf("fact socket-families %d\n", n);
}

/* A process that may not be seen: the visible ones must all be of this container. */
static void tell_processes(void) {
        DIR *d = opendir("/proc");
        struct dirent *entry;
        int n = 0;

        while (d && (entry = readdir(d)))
                n += entry->d_name[0] >= '1' && entry->d_name[0] <= '9';
        if (d)
                closedir(d);
        printf("fact processes %d\n", n);
}

void tell_facts(void) {
        tell_status();
        tell_user_namespace();
        tell_writable();
        tell_readable();
        tell_devices();
        tell_mounts();
        tell_families();
        tell_processes();
}
