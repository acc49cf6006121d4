/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe/probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/parse.h"
#include "base/str.h"
#include "plan/root.h"
#include "sys/resolve.h"

#define TOP "/var/log/journal"

/* machine-id(5) */
static bool read_host_id(uint8_t ret[16]) {
        CLEAN_FD int fd = open("/etc/machine-id", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        char text[34] = "";

        if (fd < 0 || read(fd, text, sizeof text - 1) < 32)
                return false;
        text[32] = '\0';
        return parse_uuid(text, ret) == 0;
}

static bool is_empty(int dir /* taken over */) {
        CLEAN_DIR DIR *d = fdopendir(dir);
        bool empty = d;

        for (struct dirent *entry; empty && (entry = readdir(d));)
                empty = streq(entry->d_name, ".") || streq(entry->d_name, "..");
        return empty;
}

static enum journal_place look_at_place(int top, const char *name, struct arena *a, const char **ret_leads_to) {
        char link[PATH_MAX];
        struct stat st;
        ssize_t n;

        if (fstatat(top, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? PLACE_EMPTY : PLACE_OTHER;
        if (S_ISDIR(st.st_mode)) {
                int fd = openat(top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

                return fd >= 0 && is_empty(fd) ? PLACE_BARE_DIR : PLACE_DIR;
        }
        n = S_ISLNK(st.st_mode) ? readlinkat(top, name, link, sizeof link) : -1;
        if (n < 0)
                return PLACE_OTHER;
        *ret_leads_to = arena_strndup(a, link, (size_t) n);
        return fstatat(top, name, &st, 0) < 0 ? PLACE_LOST_LINK : PLACE_LINK;
}

static enum file_kind look_into_tree(int root, const char *path) {
        CLEAN_FD int fd = resolve_plain(root, path, O_PATH | O_DIRECTORY);

        return fd >= 0 ? AT_DIR : fd == -ENOENT ? AT_MISSING : fd == -ELOOP ? AT_LINK : AT_OTHER;
}

/* Its library is called like the version; to run it only to ask would cost more than the start. */
unsigned probe_systemd_version(void) {
        static const char places[][42] = {
                "/usr/lib/systemd/libsystemd-shared-*.so",
                "/usr/lib/*/systemd/libsystemd-shared-*.so",
                "/usr/lib64/systemd/libsystemd-shared-*.so",
        };
        unsigned version = 0;

        for (size_t i = 0; i < ELEMENTS(places) && version == 0; i++) {
                glob_t found = { 0 };

                if (glob(places[i], 0, NULL, &found) == 0)
                        (void) sscanf(strstr(found.gl_pathv[0], "-shared-"), "-shared-%u", &version);
                globfree(&found);
        }
        return version;
}

static void probe_forward(const struct spec *s, struct facts *f) {
        static const char programs[][40] = {
                "/usr/lib/systemd/systemd-journal-remote",
                "/lib/systemd/systemd-journal-remote",
        };
        struct stat st;

        for (size_t i = 0; i < ELEMENTS(programs) && !f->forward.program; i++)
                if (access(programs[i], X_OK) == 0)
                        f->forward.program = programs[i];
        f->forward.version = probe_systemd_version();
        f->forward.kind = stat(s->forward.to, &st) < 0 ? errno == ENOENT ? AT_MISSING : AT_OTHER
                          : S_ISDIR(st.st_mode)        ? AT_DIR
                          : S_ISREG(st.st_mode)        ? AT_FILE
                                                       : AT_OTHER;
}

void probe_journal(const struct spec *s, struct arena *a, struct facts *f, const struct opened *o) {
        CLEAN_FD int top = -1;
        uint8_t id[16], host[16];
        char name[33];

        if (s->forward.to)
                probe_forward(s, f);
        if (s->integration.link_journal == JOURNAL_NO || s->root.ephemeral || !plan_journal_id(s, f, id))
                return;
        for (int i = 0; i < 16; i++)
                snprintf(name + i * 2, 3, "%02x", id[i]);
        top = open(TOP, O_PATH | O_DIRECTORY | O_CLOEXEC);
        f->journal.kept = top >= 0;
        if (top >= 0)
                f->journal.at = look_at_place(top, name, a, &f->journal.leads_to);
        if (s->integration.link_journal == JOURNAL_AUTO && f->journal.at == PLACE_EMPTY)
                return;
        f->journal.host_id = read_host_id(host);
        f->journal.same_id = f->journal.host_id && memcmp(id, host, sizeof id) == 0;
        f->journal.in_tree = look_into_tree(o->root, arena_printf(a, "var/log/journal/%s", name));
}
