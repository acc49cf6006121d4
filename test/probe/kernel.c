/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ways to the host through the kernel's own file systems. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "probe.h"

/* Files that act on the whole machine. */
static const char *const acting[] = {
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/kernel/modprobe",
        "/proc/sys/kernel/hotplug",
        "/proc/sys/kernel/poweroff_cmd",
        "/proc/sys/kernel/panic",
        "/proc/sys/vm/panic_on_oom",
        "/proc/sys/vm/overcommit_memory",
        "/proc/sys/fs/file-max",
        "/proc/sys/fs/suid_dumpable",
        "/proc/sys/fs/binfmt_misc/register",
        "/proc/sysrq-trigger",
        "/proc/irq/default_smp_affinity",
        "/sys/kernel/uevent_helper",
        "/sys/kernel/mm/ksm/run",
        "/sys/kernel/mm/transparent_hugepage/enabled",
        "/sys/power/state",
        "/sys/module/printk/parameters/time",
};

static bool reach_directly(const struct planted *p, char detail[DETAIL]) {
        (void) p;
        for (size_t i = 0; i < sizeof acting / sizeof *acting; i++)
                if (may_write(acting[i])) {
                        snprintf(detail, DETAIL, "%s can be written to", acting[i]);
                        return true;
                }
        snprintf(detail, DETAIL, "%s", outcome(errno));
        return false;
}

/* Memory type ranges of the machine's memory. */
static bool memory_ranges(const struct planted *p, char detail[DETAIL]) {
        bool through = may_write("/proc/mtrr");

        (void) p;
        snprintf(detail, DETAIL, "%s", through ? "/proc/mtrr can be written to" : outcome(errno));
        return through;
}

static bool fresh(const char *type, const char *options, const char *file, char detail[DETAIL]) {
        char path[128];

        if (!own_mounts() || mount(type, spare_directory(), type, 0, options) < 0) {
                snprintf(detail, DETAIL, "mount: %s", outcome(errno));
                return false;
        }
        snprintf(path, sizeof path, "%s/%s", spare_directory(), file);
        if (may_write(path)) {
                snprintf(detail, DETAIL, "%s of a new %s can be written to", file, type);
                return true;
        }
        snprintf(detail, DETAIL, "open: %s", outcome(errno));
        return false;
}

static bool fresh_proc(const struct planted *p, char detail[DETAIL]) {
        (void) p;
        return fresh("proc", NULL, "sys/kernel/core_pattern", detail);
}

static bool fresh_sysfs(const struct planted *p, char detail[DETAIL]) {
        (void) p;
        return fresh("sysfs", NULL, "kernel/mm/ksm/run", detail);
}

/* Every mount that is read-only is made writable, as far as it goes; then the acting files are tried again. */
static bool after_remount(const struct planted *p, char detail[DETAIL]) {
        char line[4096], point[2048], options[512];
        FILE *f = fopen("/proc/self/mountinfo", "re");
        int changed = 0;

        if (!own_mounts())
                snprintf(detail, DETAIL, "no mount namespace: %s", outcome(errno));
        while (f && fgets(line, sizeof line, f)) {
                if (sscanf(line, "%*s %*s %*s %*s %2047s %511s", point, options) != 2 ||
                    strncmp(options, "ro", 2) != 0)
                        continue;
                changed += mount(NULL, point, NULL, MS_REMOUNT | MS_BIND, NULL) == 0;
        }
        if (f)
                fclose(f);
        if (reach_directly(p, detail))
                return true;
        snprintf(detail, DETAIL, "%d mounts made writable, files: %s", changed, outcome(errno));
        return false;
}

static int below_kernel_interfaces(const char *point) {
        return strncmp(point, "/proc/", 6) == 0 || strncmp(point, "/sys/", 5) == 0;
}

/* Every cover below /proc and /sys is taken off, the last one first. Returns how many went. */
static int uncover(void) {
        static char points[256][128];
        char line[4096], point[2048];
        FILE *f = fopen("/proc/self/mountinfo", "re");
        int n = 0, gone = 0;

        while (f && n < 256 && fgets(line, sizeof line, f))
                if (sscanf(line, "%*s %*s %*s %*s %2047s", point) == 1 && below_kernel_interfaces(point))
                        snprintf(points[n++], sizeof *points, "%.127s", point);
        if (f)
                fclose(f);
        while (n-- > 0)
                gone += umount2(points[n], MNT_DETACH) == 0;
        return gone;
}

static bool after_umount(const struct planted *p, char detail[DETAIL]) {
        int gone;

        if (!own_mounts())
                snprintf(detail, DETAIL, "no mount namespace: %s", outcome(errno));
        gone = uncover();
        if (reach_directly(p, detail))
                return true;
        snprintf(detail, DETAIL, "%d covers taken off, files: %s", gone, outcome(errno));
        return false;
}

/* CVE-2022-0492: the host runs what is written there. */
static bool release_agent(const struct planted *p, char detail[DETAIL]) {
        static const char *const hierarchies[] = { "memory", "pids", "freezer", "rdma",
                                                   "misc",   "cpu",  "devices", "none,name=probe" };
        int error = 0;

        (void) p;
        if (!own_mounts()) {
                snprintf(detail, DETAIL, "no mount namespace: %s", outcome(errno));
                return false;
        }
        for (size_t i = 0; i < sizeof hierarchies / sizeof *hierarchies; i++) {
                char path[128];

                if (mount("cgroup", spare_directory(), "cgroup", 0, hierarchies[i]) < 0) {
                        error = errno;
                        continue;
                }
                snprintf(path, sizeof path, "%s/release_agent", spare_directory());
                if (may_write(path)) {
                        snprintf(detail, DETAIL, "release_agent of %s", hierarchies[i]);
                        return true;
                }
                error = errno;
                (void) umount2(spare_directory(), MNT_DETACH);
        }
        snprintf(detail, DETAIL, "%s", outcome(error));
        return false;
}

/* A cgroup above our own: by "..", and in a new mount of the hierarchy. */
static bool cgroup_above(const struct planted *p, char detail[DETAIL]) {
        char line[512] = "";
        FILE *f = fopen("/proc/self/cgroup", "re");
        struct statfs sf;

        (void) p;
        while (f && fgets(line, sizeof line, f))
                if (strncmp(line, "0::", 3) == 0 && strstr(line, "/..")) {
                        snprintf(detail, DETAIL, "%.*s", (int) strcspn(line, "\n"), line);
                        fclose(f);
                        return true;
                }
        if (f)
                fclose(f);
        if (statfs("/sys/fs/cgroup/..", &sf) == 0 && sf.f_type == 0x63677270 &&
            may_write("/sys/fs/cgroup/../cgroup.procs")) {
                snprintf(detail, DETAIL, "/sys/fs/cgroup/../cgroup.procs can be written to");
                return true;
        }
        snprintf(detail, DETAIL, "the own one is the root");
        return false;
}

/* The root of the host's file system by its handle (inode 2, as on ext file systems; 1 is the type of such a handle).
 */
static bool by_handle(const struct planted *p, char detail[DETAIL]) {
        struct {
                struct file_handle head;
                unsigned char bytes[8];
        } h = { .head = { .handle_bytes = 8, .handle_type = 1 }, .bytes = { 2 } };
        int at = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;
        struct stat found, own;

        (void) p;
        fd = open_by_handle_at(at, &h.head, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) {
                snprintf(detail, DETAIL, "%s", outcome(errno));
                return false;
        }
        snprintf(detail, DETAIL, "the root of the file system was opened");
        return fstat(fd, &found) < 0 || stat("/", &own) < 0 || found.st_ino != own.st_ino ||
               found.st_dev != own.st_dev;
}

/* CVE-2015-2925 and older: a directory that is open while the root moves below it. */
static bool double_chroot(const struct planted *p, char detail[DETAIL]) {
        struct stat root, top;
        int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        (void) p;
        if (fd < 0 || stat("/", &root) < 0 || chroot(spare_directory()) < 0 || fchdir(fd) < 0) {
                snprintf(detail, DETAIL, "%s", outcome(errno));
                return false;
        }
        for (int i = 0; i < 64; i++)
                if (chdir("..") < 0)
                        break;
        snprintf(detail, DETAIL, "64 times up");
        return stat(".", &top) == 0 && (top.st_ino != root.st_ino || top.st_dev != root.st_dev);
}

static const struct attempt items[] = {
        { "direct", reach_directly },       { "mtrr", memory_ranges },        { "fresh-proc", fresh_proc },
        { "fresh-sysfs", fresh_sysfs },     { "remount", after_remount },     { "umount", after_umount },
        { "release-agent", release_agent }, { "cgroup-above", cgroup_above }, { "handle", by_handle },
        { "double-chroot", double_chroot },
};
const struct attempts escapes_kernel = { items, sizeof items / sizeof *items };
