/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who runs programs for another machine here: asked only where the tree has such. */

#include "probe/probe.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/elf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"

/* Of the file's beginning: the list of its parts follows its head, in all that linkers make. */
enum { LOOK_AT = 4096 };

/* One that needs nothing of the host beside itself, for it runs inside the tree; and everybody may run it. */
static bool is_static_program(const char *path) {
        CLEAN_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        uint8_t head[LOOK_AT];
        struct elf_kind kind;
        struct stat st;
        ssize_t n;

        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (st.st_mode & 0005) != 0005)
                return false;
        n = read(fd, head, sizeof head);
        return n > 0 && elf_kind_of(head, (size_t) n, &kind) && elf_is_native(&kind) &&
               !elf_is_dynamic(head, (size_t) n);
}

static const char *find(const char *name, struct arena *a) {
        static const char places[][30] = { "/usr/local/bin/qemu-%s-static", "/usr/bin/qemu-%s-static",
                                           "/usr/local/bin/qemu-%s", "/usr/bin/qemu-%s" };

        for (size_t i = 0; i < ELEMENTS(places); i++) {
                const char *rest = strstr(places[i], "%s");
                const char *path = arena_printf(a, "%.*s%s%s", (int) (rest - places[i]), places[i], name, rest + 2);

                if (is_static_program(path))
                        return path;
        }
        return NULL;
}

/* Registered with the host, and opened then (flag F): it works inside as it is. */
static bool is_registered(int proc, const char *name, struct arena *a) {
        const char *path = arena_printf(a, "sys/fs/binfmt_misc/qemu-%s", name), *flags;
        char text[1024];
        ssize_t n = file_read_at(proc, path, text, sizeof text - 1);

        if (n <= 0)
                return false;
        text[n] = '\0';
        flags = strstr(text, "\nflags:");
        return str_after(text, "enabled") && flags && memchr(flags, 'F', strcspn(flags + 1, "\n") + 1);
}

void probe_emulator(struct arena *a, struct facts *f, const struct opened *o) {
        const char *name = f->tree.foreign.class ? elf_machine_name(&f->tree.foreign) : NULL;

        if (!name)
                return;
        f->host.emulates = is_registered(o->proc, name, a);
        f->host.emulator = find(name, a);
        log_debug(LOG_PROBE, "programs for %s: emulator %s, registered %d", name, str_or(f->host.emulator, "none"),
                  f->host.emulates);
}
