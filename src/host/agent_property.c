/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth-agent: properties of a unit as systemctl set-property takes them, to the values that the manager takes on the
 * bus: systemd.resource-control(5), systemd.kill(5), systemd.scope(5), org.freedesktop.systemd1(5). */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/parse.h"
#include "base/str.h"
#include "host/agent_work.h"

/* What a value is appended as: inside of the variant; the name is already there. Returns 0, -EINVAL (not of the
 * grammar), or an error of the library. */
struct property;
typedef int (*append_fn)(sd_bus_message *m, const struct property *p, const char *value);

struct property {
        const char *name;     /* as the user writes it */
        const char *bus_name; /* NULL: the same */
        append_fn append;
        const char *type;
};

static int put(sd_bus_message *m, const char *name, const char *type, const void *value) {
        int k = sd_bus_message_open_container(m, 'r', "sv");

        k = k < 0 ? k : sd_bus_message_append_basic(m, 's', name);
        k = k < 0 ? k : sd_bus_message_open_container(m, 'v', type);
        k = k < 0 ? k : sd_bus_message_append_basic(m, type[0], value);
        k = k < 0 ? k : sd_bus_message_close_container(m);
        return k < 0 ? k : sd_bus_message_close_container(m);
}

static const char *bus_name_of(const struct property *p) {
        return str_or(p->bus_name, p->name);
}

static int open_value(sd_bus_message *m, const struct property *p) {
        int k = sd_bus_message_open_container(m, 'r', "sv");

        k = k < 0 ? k : sd_bus_message_append_basic(m, 's', bus_name_of(p));
        return k < 0 ? k : sd_bus_message_open_container(m, 'v', p->type);
}

static int close_value(sd_bus_message *m) {
        int k = sd_bus_message_close_container(m);

        return k < 0 ? k : sd_bus_message_close_container(m);
}

static int put_u64(sd_bus_message *m, const struct property *p, uint64_t v) {
        return put(m, bus_name_of(p), "t", &v);
}

static int append_string(sd_bus_message *m, const struct property *p, const char *value) {
        return put(m, bus_name_of(p), "s", value);
}

static int append_bool(sd_bus_message *m, const struct property *p, const char *value) {
        bool v;
        int b;

        if (parse_bool(value, &v) < 0)
                return -EINVAL;
        b = v;
        return put(m, bus_name_of(p), "b", &b);
}

static int append_int(sd_bus_message *m, const struct property *p, const char *value) {
        int64_t v;
        int32_t i;

        if (parse_i64(value, INT32_MIN, INT32_MAX, &v) < 0)
                return -EINVAL;
        i = (int32_t) v;
        return put(m, bus_name_of(p), "i", &i);
}

static int append_unsigned(sd_bus_message *m, const struct property *p, const char *value) {
        uint64_t v;
        uint32_t u;

        if (parse_u64(value, 0, UINT32_MAX, &v) < 0)
                return -EINVAL;
        u = (uint32_t) v;
        return put(m, bus_name_of(p), "u", &u);
}

static int append_signal(sd_bus_message *m, const struct property *p, const char *value) {
        int sig;
        int32_t v;

        if (parse_signal(value, &sig) < 0)
                return -EINVAL;
        v = sig;
        return put(m, bus_name_of(p), "i", &v);
}

/* A share of what there is: NAMEScale, of UINT32_MAX. Up to two decimals. */
static int append_share(sd_bus_message *m, const struct property *p, const char *value, double max) {
        char name[96], *end;
        double percent = strtod(value, &end);
        uint32_t v;

        if (end == value || !streq(end, "%") || !(percent >= 0 && percent <= max))
                return -EINVAL;
        snprintf(name, sizeof name, "%sScale", bus_name_of(p));
        v = (uint32_t) (percent / 100 * UINT32_MAX + 0.5);
        return put(m, name, "u", &v);
}

static bool is_infinite(const char *value) {
        return !*value || streq(value, "infinity");
}

static bool is_share(const char *value) {
        return *value && value[strlen(value) - 1] == '%';
}

static int append_size(sd_bus_message *m, const struct property *p, const char *value) {
        uint64_t v;

        if (is_infinite(value))
                return put_u64(m, p, UINT64_MAX);
        if (is_share(value))
                return append_share(m, p, value, 100);
        return parse_size(value, &v) < 0 ? -EINVAL : put_u64(m, p, v);
}

static int append_count(sd_bus_message *m, const struct property *p, const char *value) {
        uint64_t v;

        if (is_infinite(value))
                return put_u64(m, p, UINT64_MAX);
        if (is_share(value))
                return append_share(m, p, value, 100);
        return parse_u64(value, 0, UINT64_MAX, &v) < 0 ? -EINVAL : put_u64(m, p, v);
}

static int append_weight(sd_bus_message *m, const struct property *p, const char *value) {
        uint64_t v;

        if (!*value)
                return put_u64(m, p, UINT64_MAX);
        if (streq(value, "idle"))
                return put_u64(m, p, 0);
        return parse_u64(value, 1, 10000, &v) < 0 ? -EINVAL : put_u64(m, p, v);
}

/* CPUQuota=: of one processor's time; microseconds in a second. */
static int append_quota(sd_bus_message *m, const struct property *p, const char *value) {
        double percent;
        char *end;

        if (!*value)
                return put_u64(m, p, UINT64_MAX);
        percent = strtod(value, &end);
        if (end == value || !streq(end, "%") || !(percent > 0 && percent < 1e9))
                return -EINVAL;
        return put_u64(m, p, (uint64_t) (percent * 10000 + 0.5));
}

/* systemd.time(7): sums of numbers with units; seconds where there is none. */
static int append_time(sd_bus_message *m, const struct property *p, const char *value) {
        static const struct {
                const char *unit;
                double usec;
        } units[] = { { "us", 1 },        { "usec", 1 },        { "ms", 1e3 },        { "msec", 1e3 },
                      { "", 1e6 },        { "s", 1e6 },         { "sec", 1e6 },       { "second", 1e6 },
                      { "seconds", 1e6 }, { "m", 6e7 },         { "min", 6e7 },       { "minute", 6e7 },
                      { "minutes", 6e7 }, { "h", 3.6e9 },       { "hr", 3.6e9 },      { "hour", 3.6e9 },
                      { "hours", 3.6e9 }, { "d", 8.64e10 },     { "day", 8.64e10 },   { "days", 8.64e10 },
                      { "w", 6.048e11 },  { "week", 6.048e11 }, { "weeks", 6.048e11 } };
        double sum = 0;

        if (is_infinite(value))
                return *value ? put_u64(m, p, UINT64_MAX) : -EINVAL;
        while (*value) {
                char *end;
                double n = strtod(value, &end), unit = -1;
                size_t len;

                if (end == value || n < 0)
                        return -EINVAL;
                end += strspn(end, " ");
                len = strspn(end, "abcdefghijklmnopqrstuvwxyz");
                for (size_t i = 0; i < ELEMENTS(units); i++)
                        if (strlen(units[i].unit) == len && strncmp(units[i].unit, end, len) == 0)
                                unit = units[i].usec;
                if (unit < 0)
                        return -EINVAL;
                sum += n * unit;
                value = end + len + strspn(end + len, " ");
        }
        return sum < 1.8e19 ? put_u64(m, p, (uint64_t) sum) : -EINVAL;
}

static int append_words(sd_bus_message *m, const struct property *p, const char *value) {
        CLEAN_FREE char *copy = strdup(value);
        char *rest = copy, *word;
        int k = copy ? open_value(m, p) : -ENOMEM;

        k = k < 0 ? k : sd_bus_message_open_container(m, 'a', "s");
        while (k >= 0 && (word = strsep(&rest, " ")))
                if (*word)
                        k = sd_bus_message_append_basic(m, 's', word);
        k = k < 0 ? k : sd_bus_message_close_container(m);
        return k < 0 ? k : close_value(m);
}

/* A boolean, or the controllers that are handed on. */
static int append_delegate(sd_bus_message *m, const struct property *p, const char *value) {
        static const struct property controllers = { "DelegateControllers", NULL, append_words, "as" };
        bool v;

        return parse_bool(value, &v) == 0 ? append_bool(m, p, value) : append_words(m, &controllers, value);
}

/* PATH RIGHTS; without rights, all of them. */
static int append_device(sd_bus_message *m, const struct property *p, const char *value) {
        size_t n = strcspn(value, " ");
        const char *rights = value[n] ? value + n + strspn(value + n, " ") : "rwm";
        CLEAN_FREE char *path = strndup(value, n);
        int k = path ? open_value(m, p) : -ENOMEM;

        if (n > 0 && (!*rights || rights[strspn(rights, "rwm")]))
                return -EINVAL;
        k = k < 0 ? k : sd_bus_message_open_container(m, 'a', "(ss)");
        if (k >= 0 && n > 0)
                k = sd_bus_message_append(m, "(ss)", path, rights);
        k = k < 0 ? k : sd_bus_message_close_container(m);
        return k < 0 ? k : close_value(m);
}

/* PATH NUMBER: bytes, operations, a weight or a time. */
static int append_path_number(sd_bus_message *m, const struct property *p, const char *value) {
        size_t n = strcspn(value, " ");
        const char *text = value + n + strspn(value + n, " ");
        CLEAN_FREE char *path = strndup(value, n);
        uint64_t number = UINT64_MAX;
        int k;

        if (!path)
                return -ENOMEM;
        if (n > 0 && !streq(text, "infinity") && parse_size(text, &number) < 0)
                return -EINVAL;
        k = open_value(m, p);
        k = k < 0 ? k : sd_bus_message_open_container(m, 'a', "(st)");
        if (k >= 0 && n > 0)
                k = sd_bus_message_append(m, "(st)", path, number);
        k = k < 0 ? k : sd_bus_message_close_container(m);
        return k < 0 ? k : close_value(m);
}

/* Numbers and ranges as a mask. */
static int append_mask(sd_bus_message *m, const struct property *p, const char *value) {
        uint8_t mask[1024] = { 0 };
        size_t n = sizeof mask;
        int k;

        if (*value && parse_cpus(value, mask, sizeof mask) < 0)
                return -EINVAL;
        while (n > 0 && mask[n - 1] == 0)
                n--;
        k = open_value(m, p);
        k = k < 0 ? k : sd_bus_message_append_array(m, 'y', mask, n);
        return k < 0 ? k : close_value(m);
}

struct network {
        int family;
        uint8_t address[16];
        uint32_t prefix;
};

static int parse_network(const char *word, struct network *ret) {
        char text[64];
        const char *slash = strchr(word, '/');
        size_t n = slash ? (size_t) (slash - word) : strlen(word);
        uint64_t prefix;

        if (n >= sizeof text)
                return -EINVAL;
        snprintf(text, sizeof text, "%.*s", (int) n, word);
        ret->family = strchr(text, ':') ? AF_INET6 : AF_INET;
        prefix = ret->family == AF_INET ? 32 : 128;
        if (inet_pton(ret->family, text, ret->address) != 1 || (slash && parse_u64(slash + 1, 0, prefix, &prefix) < 0))
                return -EINVAL;
        ret->prefix = (uint32_t) prefix;
        return 0;
}

static int append_network(sd_bus_message *m, const char *word) {
        struct network net;
        int k = parse_network(word, &net);

        k = k < 0 ? k : sd_bus_message_open_container(m, 'r', "iayu");
        k = k < 0 ? k : sd_bus_message_append(m, "i", net.family);
        k = k < 0 ? k : sd_bus_message_append_array(m, 'y', net.address, net.family == AF_INET ? 4 : 16);
        k = k < 0 ? k : sd_bus_message_append(m, "u", net.prefix);
        return k < 0 ? k : sd_bus_message_close_container(m);
}

/* Networks, or the four words that stand for some. */
static int append_networks(sd_bus_message *m, const struct property *p, const char *value) {
        static const char *const names[][3] = {
                { "any", "0.0.0.0/0", "::/0" },
                { "localhost", "127.0.0.0/8", "::1/128" },
                { "link-local", "169.254.0.0/16", "fe80::/64" },
                { "multicast", "224.0.0.0/4", "ff00::/8" },
        };
        CLEAN_FREE char *copy = strdup(value);
        char *rest = copy, *word;
        int k = copy ? open_value(m, p) : -ENOMEM;

        k = k < 0 ? k : sd_bus_message_open_container(m, 'a', "(iayu)");
        while (k >= 0 && (word = strsep(&rest, " "))) {
                size_t i = 0;

                while (i < ELEMENTS(names) && !streq(names[i][0], word))
                        i++;
                if (i < ELEMENTS(names)) {
                        k = append_network(m, names[i][1]);
                        k = k < 0 ? k : append_network(m, names[i][2]);
                } else if (*word)
                        k = append_network(m, word);
        }
        k = k < 0 ? k : sd_bus_message_close_container(m);
        return k < 0 ? k : close_value(m);
}

/* One property a line; those of systemd 249 and later that a scope has. What is missing here is looked up by its type
 * in the manager. */
/* clang-format off */
static const struct property properties[] = {
        { "AllowedCPUs", NULL, append_mask, "ay" },
        { "AllowedMemoryNodes", NULL, append_mask, "ay" },
        { "CPUQuota", "CPUQuotaPerSecUSec", append_quota, "t" },
        { "CPUQuotaPeriodSec", "CPUQuotaPeriodUSec", append_time, "t" },
        { "CPUWeight", NULL, append_weight, "t" },
        { "DefaultMemoryLow", NULL, append_size, "t" },
        { "DefaultMemoryMin", NULL, append_size, "t" },
        { "DefaultStartupMemoryLow", NULL, append_size, "t" },
        { "Delegate", NULL, append_delegate, "b" },
        { "DeviceAllow", NULL, append_device, "a(ss)" },
        { "DisableControllers", NULL, append_words, "as" },
        { "IODeviceLatencyTargetSec", "IODeviceLatencyTargetUSec", append_path_number, "a(st)" },
        { "IODeviceWeight", NULL, append_path_number, "a(st)" },
        { "IOReadBandwidthMax", NULL, append_path_number, "a(st)" },
        { "IOReadIOPSMax", NULL, append_path_number, "a(st)" },
        { "IOWeight", NULL, append_weight, "t" },
        { "IOWriteBandwidthMax", NULL, append_path_number, "a(st)" },
        { "IOWriteIOPSMax", NULL, append_path_number, "a(st)" },
        { "IPAddressAllow", NULL, append_networks, "a(iayu)" },
        { "IPAddressDeny", NULL, append_networks, "a(iayu)" },
        { "JobRunningTimeoutSec", "JobRunningTimeoutUSec", append_time, "t" },
        { "JobTimeoutSec", "JobTimeoutUSec", append_time, "t" },
        { "KillSignal", NULL, append_signal, "i" },
        { "FinalKillSignal", NULL, append_signal, "i" },
        { "RestartKillSignal", NULL, append_signal, "i" },
        { "WatchdogSignal", NULL, append_signal, "i" },
        { "MemoryHigh", NULL, append_size, "t" },
        { "MemoryLow", NULL, append_size, "t" },
        { "MemoryMax", NULL, append_size, "t" },
        { "MemoryMin", NULL, append_size, "t" },
        { "MemoryPressureThresholdSec", "MemoryPressureThresholdUSec", append_time, "t" },
        { "MemorySwapMax", NULL, append_size, "t" },
        { "MemoryZSwapMax", NULL, append_size, "t" },
        { "RuntimeMaxSec", "RuntimeMaxUSec", append_time, "t" },
        { "RuntimeRandomizedExtraSec", "RuntimeRandomizedExtraUSec", append_time, "t" },
        { "StartupAllowedCPUs", NULL, append_mask, "ay" },
        { "StartupAllowedMemoryNodes", NULL, append_mask, "ay" },
        { "StartupCPUWeight", NULL, append_weight, "t" },
        { "StartupIOWeight", NULL, append_weight, "t" },
        { "StartupMemoryHigh", NULL, append_size, "t" },
        { "StartupMemoryLow", NULL, append_size, "t" },
        { "StartupMemoryMax", NULL, append_size, "t" },
        { "StartupMemorySwapMax", NULL, append_size, "t" },
        { "StartupMemoryZSwapMax", NULL, append_size, "t" },
        { "TasksMax", NULL, append_count, "t" },
        { "TimeoutStopSec", "TimeoutStopUSec", append_time, "t" },
        /* Known by their names and types, so that a start with defaults asks nothing. */
        { "Before", NULL, append_words, "as" },
        { "BindNetworkInterface", NULL, append_string, "s" },
        { "CollectMode", NULL, append_string, "s" },
        { "CoredumpReceive", NULL, append_bool, "b" },
        { "DevicePolicy", NULL, append_string, "s" },
        { "KillMode", NULL, append_string, "s" },
        { "OOMPolicy", NULL, append_string, "s" },
};
/* clang-format on */

/* Types of the manager's own properties that need no grammar of their own. */
static const struct property by_type[] = {
        { NULL, NULL, append_string, "s" }, { NULL, NULL, append_bool, "b" },     { NULL, NULL, append_int, "i" },
        { NULL, NULL, append_count, "t" },  { NULL, NULL, append_unsigned, "u" }, { NULL, NULL, append_words, "as" },
};

static const struct property *find(const char *text, size_t n, const char *type, struct property *made) {
        for (size_t i = 0; i < ELEMENTS(properties); i++)
                if (strlen(properties[i].name) == n && strncmp(properties[i].name, text, n) == 0)
                        return &properties[i];
        for (size_t i = 0; type && i < ELEMENTS(by_type); i++)
                if (streq(by_type[i].type, type)) {
                        *made = by_type[i];
                        return made;
                }
        return NULL;
}

int property_append(sd_bus_message *m, const char *text, const char *type, struct err *e) {
        size_t n = strcspn(text, "=");
        char name[128];
        struct property made;
        const struct property *p = find(text, n, type, &made);
        int k;

        if (!p)
                return -ENOENT;
        snprintf(name, sizeof name, "%.*s", (int) n, text);
        if (p == &made)
                made.name = name;
        k = p->append(m, p, text + n + 1);
        if (k == -EINVAL)
                return err_set(e, ERR_USAGE, 0, "--property=%.120s: not a value of %.60s", text, name);
        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot write the property %.60s", name) : 0;
}

bool property_known(const char *text, const char *type) {
        struct property made;

        return find(text, strcspn(text, "="), type, &made);
}

/* systemd 258: the processor's time is always accounted for. */
bool property_is_past(const char *text) {
        return str_after(text, "CPUAccounting=");
}

bool property_is(const char *text, const char *bus_name) {
        size_t n = strcspn(text, "=");
        const struct property *p = find(text, n, NULL, NULL);
        const char *name = p ? bus_name_of(p) : NULL, *rest;

        if (!name)
                return strlen(bus_name) == n && strncmp(text, bus_name, n) == 0;
        rest = str_after(bus_name, name);
        return rest && (!*rest || streq(rest, "Scale"));
}
