/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Setters for berth itself and for where the container lives: user namespace, unit, kernel file systems, terminal. */

#include "conf/setting.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/clean.h"
#include "base/parse.h"
#include "base/str.h"

int set_dry_run(const struct saying *s, struct err *e) {
        const char *v = s->said->value;
        bool on;

        if (streq(v, "text") || streq(v, "json"))
                s->spec->self.dry_run = *v == 't' ? DRY_RUN_TEXT : DRY_RUN_JSON;
        else if (parse_bool(v, &on) == 0)
                s->spec->self.dry_run = on ? DRY_RUN_TEXT : DRY_RUN_NO;
        else
                return bad_value(s, e, "no such form");
        return SET_OK;
}

int set_settings_mode(const struct saying *s, struct err *e) {
        const char *v = s->said->value;
        bool on;

        if (streq(v, "override"))
                s->spec->self.settings = SETTINGS_OVERRIDE;
        else if (streq(v, "trusted"))
                s->spec->self.settings = SETTINGS_TRUSTED;
        else if (parse_bool(v, &on) == 0)
                s->spec->self.settings = on ? SETTINGS_YES : SETTINGS_NO;
        else
                return bad_value(s, e, "no such mode");
        return SET_OK;
}

/* BASE[:COUNT] of user ids. */
static bool take_range(struct spec_ids *ids, const char *v) {
        size_t n = strcspn(v, ":");
        char base[16];
        uint64_t count = 65536;
        uid_t uid;

        if (n >= sizeof base)
                return false;
        memcpy(base, v, n);
        base[n] = '\0';
        if (parse_uid(base, &uid) < 0 || (v[n] && parse_u64(v + n + 1, 1, UINT32_MAX, &count) < 0) ||
            uid + count > UINT32_MAX)
                return false;
        ids->base = uid;
        ids->count = (uint32_t) count;
        ids->mode = USERS_RANGE;
        return true;
}

int set_private_users(const struct saying *s, struct err *e) {
        const char *v = s->said->value;
        struct spec_ids *ids = &s->spec->ids;
        bool on;

        ids->may_lack = false;
        if (parse_bool(v, &on) == 0)
                ids->mode = on ? USERS_OF_TREE : USERS_NO;
        else if (streq(v, "pick"))
                ids->mode = USERS_PICK;
        else if (streq(v, "managed"))
                ids->mode = USERS_MANAGED;
        else if (!take_range(ids, streq(v, "identity") ? "0" : v))
                return bad_value(s, e, "no such mode");
        return SET_OK;
}

int set_private_users_delegate(const struct saying *s, struct err *e) {
        uint64_t n;
        int r = parse_u64(s->said->value, 0, (uint64_t) s->said->row->value, &n);

        if (r < 0)
                return bad_value(s, e, r == -ERANGE ? "out of range" : "not a number");
        s->spec->ids.delegate = (unsigned) n;
        return SET_OK;
}

enum { MAPS_MAX = 30 };

int set_private_users_map(const struct saying *s, struct err *e) {
        const char *parts[4];
        uint64_t n[3] = { 0, 0, 1 };
        int count = split_colons(s->arena, s->said->value, parts, 4);

        if (count < 2 || count > 3)
                return bad_value(s, e, "not HOST:INSIDE or HOST:INSIDE:COUNT");
        for (int i = 0; i < count; i++)
                if (parse_u64(parts[i], i == 2, UINT32_MAX - 1, &n[i]) < 0)
                        return bad_value(s, e, "not three numbers of ids");
        if (n[0] + n[2] > UINT32_MAX || n[1] + n[2] > UINT32_MAX)
                return bad_value(s, e, "there are no such ids");
        if (s->spec->ids.maps.n >= MAPS_MAX)
                return bad_value(s, e, "there may be %d of them", MAPS_MAX);
        *arena_push(s->arena, &s->spec->ids.maps) =
                (struct owner_map){ (uint32_t) n[0], (uint32_t) n[1], (uint32_t) n[2] };
        return SET_OK;
}

int set_private_users_auto(const struct saying *s, struct err *e) {
        s->spec->ids.mode = USERS_PICK;
        s->spec->ids.may_lack = true;
        return SET_OK;
}

const char *nth_ownership(unsigned i, char buf[NTH_BUF]) {
        static const char names[][8] = { "auto", "map", "off", "chown", "foreign" };

        return i < ELEMENTS(names) ? names[i] : NULL;
}

int set_ownership(const struct saying *s, struct err *e) {
        static const enum ownership modes[] = { OWNERSHIP_AUTO, OWNERSHIP_MAP, OWNERSHIP_OFF, OWNERSHIP_CHOWN,
                                                OWNERSHIP_FOREIGN };
        const char *name, *value = choice_meant(s->said);

        for (unsigned i = 0; (name = nth_ownership(i, NULL)); i++)
                if (streq(value, name)) {
                        s->spec->ids.ownership = modes[i];
                        return SET_OK;
                }
        return bad_value(s, e, "no such mode");
}

int set_ownership_old(const struct saying *s, struct err *e) {
        bool v;

        if (parse_bool(s->said->value, &v) < 0)
                return bad_value(s, e, "not a boolean");
        s->spec->ids.ownership = v ? OWNERSHIP_CHOWN : OWNERSHIP_OFF;
        return SET_OK;
}

int set_register(const struct saying *s, struct err *e) {
        bool v;

        s->spec->host.registered = UNSAID;
        if (streq(s->said->value, "auto"))
                return SET_OK;
        if (parse_bool(s->said->value, &v) < 0)
                return bad_value(s, e, "no such mode");
        s->spec->host.registered = v ? YES : NO;
        return SET_OK;
}

/* systemd.slice(5): a name without the suffix is meant with it. */
int set_slice(const struct saying *s, struct err *e) {
        const char *v = s->said->value, *dot = strrchr(v, '.');
        size_t n = strlen(v);

        if (!*v || *v == '.' || n > 249 ||
            v[strspn(v, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:-_.\\")])
                return bad_value(s, e, "not a slice");
        s->spec->host.slice = dot && streq(dot, ".slice") ? v : arena_printf(s->arena, "%s.slice", v);
        /* The dash stands for the tree of slices: it only stands alone, or between names. */
        v = s->spec->host.slice;
        n = strlen(v) - strlen(".slice");
        if (!streq(v, "-.slice") && (*v == '-' || n == 0 || v[n - 1] == '-' || strstr(v, "--")))
                return bad_value(s, e, "not a slice");
        return SET_OK;
}

int set_property(const struct saying *s, struct err *e) {
        const char *v = s->said->value;
        size_t n = strcspn(v, "=");

        if (n == 0 || v[n] != '=' || !is_env_name(v, n))
                return bad_value(s, e, "not NAME=VALUE");
        for (const char *p = v; *p; p++)
                if ((unsigned char) *p < ' ' || *p == 0x7f)
                        return bad_value(s, e, "a control character in it");
        strv_add(s->arena, &s->spec->host.properties, v);
        return SET_OK;
}

/* A colon may be part of the name: /dev/disk/by-path/pci-0000:00:1f.2-ata-1. */
static unsigned device_rights(const char *text) {
        unsigned rights = 0;

        if (!text || !text[1] || text[1 + strspn(text + 1, "rwm")])
                return 0;
        rights |= strchr(text, 'r') ? DEVICE_READ : 0;
        rights |= strchr(text, 'w') ? DEVICE_WRITE : 0;
        return rights | (strchr(text, 'm') ? DEVICE_MKNOD : 0);
}

/* What /dev is made of anyway. */
static bool is_taken(const char *name) {
        static const char taken[][8] = { "pts",   "shm",    "mqueue", "char", "block",  "fd",
                                         "stdin", "stdout", "stderr", "ptmx", "console" };
        size_t n = strcspn(name, "/");

        for (size_t i = 0; i < ELEMENTS(taken); i++)
                if (strlen(taken[i]) == n && strncmp(taken[i], name, n) == 0)
                        return true;
        return false;
}

int set_device(const struct saying *s, struct err *e) {
        const char *v = s->said->value;
        unsigned rights = device_rights(strrchr(v, ':'));
        const char *path = rights ? arena_strndup(s->arena, v, (size_t) (strrchr(v, ':') - v)) : v;
        const char *name = str_after(path, "/dev/");
        struct spec_devices *list = &s->spec->host.devices;

        if (!is_plain_absolute(path) || !name || !*name || name[strlen(name) - 1] == '/')
                return bad_value(s, e, "not a path below /dev");
        for (const char *p = path; *p; p++)
                if ((unsigned char) *p <= ' ' || *p == 0x7f)
                        return bad_value(s, e, "a blank or control character in it");
        if (is_taken(name))
                return bad_value(s, e, "every container has its own");
        *arena_push(s->arena, list) =
                (struct spec_device){ path, rights ? rights : DEVICE_READ | DEVICE_WRITE | DEVICE_MKNOD };
        return SET_OK;
}

const char *nth_api_vfs(unsigned i, char buf[NTH_BUF]) {
        static const char names[][10] = { "read-only", "writable", "network" };

        return i < ELEMENTS(names) ? names[i] : NULL;
}

/* The booleans are those of $SYSTEMD_NSPAWN_API_VFS_WRITABLE. */
int set_api_vfs(const struct saying *s, struct err *e) {
        bool v;

        if (parse_bool(s->said->value, &v) < 0)
                return set_choice(s, e);
        s->spec->host.api_vfs = v ? API_VFS_WRITABLE : API_VFS_READ_ONLY;
        return SET_OK;
}

int set_background(const struct saying *s, struct err *e) {
        static const char digits[] = "0123456789";
        const char *v = s->said->value;
        size_t n = strlen(v);

        /* The numbers of a sequence SGR, console_codes(4); colons are ISO 8613-6's. Empty: no colour. */
        if (strspn(v, "0123456789;:") != n || n > 64 ||
            (n > 0 && (!strchr(digits, v[0]) || !strchr(digits, v[n - 1]))))
                return bad_value(s, e, "not a colour");
        s->spec->console.background = v;
        return SET_OK;
}

int set_volatile(const struct saying *s, struct err *e) {
        bool on;

        if (parse_bool(s->said->value, &on) < 0)
                return set_choice(s, e);
        s->spec->root.volatile_mode = on ? VOLATILE_YES : VOLATILE_NO;
        return SET_OK;
}

const char *nth_volatile(unsigned i, char buf[NTH_BUF]) {
        return i < VOLATILE_MAX_ ? volatile_mode_name((enum volatile_mode) i) : NULL;
}

/* It becomes $container and a file's content inside. */
int set_container_service(const struct saying *s, struct err *e) {
        const char *v = s->said->value;

        for (const char *p = v; *p; p++)
                if (*p <= ' ' || *p > '~' || *p == '/')
                        return bad_value(s, e, "not a valid name");
        if (!*v || strlen(v) > 64)
                return bad_value(s, e, "not a valid name");
        s->spec->host.container_service = v;
        return SET_OK;
}

const char *nth_console(unsigned i, char buf[NTH_BUF]) {
        return i + 1 < CONSOLE_MAX_ ? console_mode_name((enum console_mode)(i + 1)) : NULL;
}

const char *nth_resolv_conf(unsigned i, char buf[NTH_BUF]) {
        return i < RESOLV_MAX_ ? resolv_conf_name((enum resolv_conf) i) : NULL;
}

const char *nth_link_journal(unsigned i, char buf[NTH_BUF]) {
        return i < JOURNAL_MAX_ ? link_journal_name((enum link_journal) i) : NULL;
}

const char *nth_timezone(unsigned i, char buf[NTH_BUF]) {
        return i < TIMEZONE_MAX_ ? timezone_mode_name((enum timezone_mode) i) : NULL;
}
