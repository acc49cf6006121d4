/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What was planted outside and must not be readable. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe.h"

static bool descriptors(const struct planted *p, char detail[DETAIL]) {
        int n = 0;

        (void) p;
        for (int fd = 3; fd < 4096; fd++) {
                char link[64], target[DETAIL / 2];
                ssize_t k;

                if (fcntl(fd, F_GETFD) < 0)
                        continue;
                snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
                k = readlink(link, target, sizeof target - 1);
                target[k < 0 ? 0 : k] = '\0';
                snprintf(detail, DETAIL, "descriptor %d: %s", fd, target);
                n++;
        }
        if (n == 0)
                snprintf(detail, DETAIL, "0, 1 and 2 only");
        return n > 0;
}

static long keyctl(int operation, long a, long b, long c, long d) {
        return syscall(SYS_keyctl, operation, a, b, c, d);
}

/* A key by its name in a keyring that we can name, read as well. */
static bool key_in(long ring, const char *name, char detail[DETAIL]) {
        char content[64];
        long key = keyctl(KEYCTL_SEARCH, ring, (long) "user", (long) name, 0);

        if (key < 0 || keyctl(KEYCTL_READ, key, (long) content, sizeof content, 0) < 0) {
                snprintf(detail, DETAIL, "%s", outcome(errno));
                return false;
        }
        snprintf(detail, DETAIL, "%s in keyring %ld", name, ring);
        return true;
}

static bool session_key(const struct planted *p, char detail[DETAIL]) {
        const char *prefix = planted_value(p, "key");
        char name[128];

        snprintf(name, sizeof name, "%s-session", prefix ? prefix : "none");
        return key_in(KEY_SPEC_SESSION_KEYRING, name, detail) || key_in(KEY_SPEC_PROCESS_KEYRING, name, detail);
}

/* The user's keyring belongs to all containers of the same kernel user; linked to our session it can be searched. */
static bool user_key(const struct planted *p, char detail[DETAIL]) {
        const char *prefix = planted_value(p, "key");
        char name[128];

        snprintf(name, sizeof name, "%s-user", prefix ? prefix : "none");
        if (key_in(KEY_SPEC_USER_KEYRING, name, detail) || key_in(KEY_SPEC_USER_SESSION_KEYRING, name, detail))
                return true;
        if (keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0) < 0 ||
            keyctl(KEYCTL_LINK, KEY_SPEC_USER_KEYRING, KEY_SPEC_SESSION_KEYRING, 0, 0) < 0) {
                snprintf(detail, DETAIL, "link: %s", outcome(errno));
                return false;
        }
        return key_in(KEY_SPEC_SESSION_KEYRING, name, detail);
}

static bool file_has(const char *path, const char *text) {
        static char content[1 << 16];
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        ssize_t n = fd < 0 ? -1 : read(fd, content, sizeof content);

        if (fd >= 0)
                close(fd);
        return n > 0 && memmem(content, (size_t) n, text, strlen(text));
}

/* Not our own words, which name what to look for. */
static bool environment(const struct planted *p, char detail[DETAIL]) {
        const char *secret = planted_value(p, "secret");
        DIR *d = opendir("/proc");
        struct dirent *entry;
        bool found = false;

        while (secret && d && !found && (entry = readdir(d))) {
                char path[DETAIL];

                snprintf(path, sizeof path, "/proc/%.20s/environ", entry->d_name);
                found = entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && file_has(path, secret);
                if (found)
                        snprintf(detail, DETAIL, "%s", path);
        }
        if (d)
                closedir(d);
        if (!found)
                snprintf(detail, DETAIL, "no process has it");
        return found;
}

/* The list of keys names those of others. */
static bool list_of_keys(const struct planted *p, char detail[DETAIL]) {
        const char *prefix = planted_value(p, "key");

        if (prefix && file_has("/proc/keys", prefix)) {
                snprintf(detail, DETAIL, "/proc/keys names it");
                return true;
        }
        snprintf(detail, DETAIL, "/proc/keys does not name it");
        return false;
}

static bool covered_list_of_keys(const struct planted *p, char detail[DETAIL]) {
        if (own_mounts())
                (void) umount2("/proc/keys", MNT_DETACH);
        return list_of_keys(p, detail);
}

static bool kernel_log(const struct planted *p, char detail[DETAIL]) {
        enum { READ_ALL = 3 };
        char text[256];

        (void) p;
        if (klogctl(READ_ALL, text, sizeof text) > 0) {
                snprintf(detail, DETAIL, "syslog() reads it");
                return true;
        }
        snprintf(detail, DETAIL, "%s", outcome(errno));
        if (!may_read("/dev/kmsg") && !may_read("/proc/kmsg"))
                return false;
        snprintf(detail, DETAIL, "kmsg can be read");
        return true;
}

/* With and without its cover. Hidden addresses are written as zeros. */
static bool kernel_addresses(const struct planted *p, char detail[DETAIL]) {
        char line[256] = "";
        FILE *f;

        (void) p;
        if (own_mounts())
                (void) umount2("/proc/kallsyms", MNT_DETACH);
        f = fopen("/proc/kallsyms", "re");
        if (f && fgets(line, sizeof line, f) && strtoull(line, NULL, 16) != 0) {
                snprintf(detail, DETAIL, "/proc/kallsyms has real ones");
                fclose(f);
                return true;
        }
        snprintf(detail, DETAIL, f ? "empty or zero" : "%s", outcome(errno));
        if (f)
                fclose(f);
        return false;
}

/* Memory that outlived the exec is shared with whoever made it. */
static bool shared_memory(const struct planted *p, char detail[DETAIL]) {
        char line[512];
        FILE *f = fopen("/proc/self/maps", "re");
        bool found = false;

        (void) p;
        while (f && !found && fgets(line, sizeof line, f)) {
                char rights[8];

                found = sscanf(line, "%*s %7s", rights) == 1 && rights[3] == 's';
                if (found)
                        snprintf(detail, DETAIL, "%.*s", (int) strcspn(line, "\n"), line);
        }
        if (f)
                fclose(f);
        if (!found)
                snprintf(detail, DETAIL, "none");
        return found;
}

static const struct attempt items[] = {
        { "descriptors", descriptors },     { "session-key", session_key },
        { "user-key", user_key },           { "environment", environment },
        { "list-of-keys", list_of_keys },   { "covered-list-of-keys", covered_list_of_keys },
        { "kernel-log", kernel_log },       { "kernel-addresses", kernel_addresses },
        { "shared-memory", shared_memory },
};
const struct attempts leaks = { items, sizeof items / sizeof *items };
