/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* state/container.c on a /run of their own: what records say, and what is believed of it. */

#include "state/container.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/str.h"
#include "sys/process.h"
#include "unit/own-run.h"
#include "unit/tap.h"

static void test_parse(struct tap *t) {
        static const char whole[] =
                "{\"version\":1,\"machine\":\"t\",\"leader\":4711,\"leaderStart\":18446744073709551615,"
                "\"supervisor\":4710,\"mode\":\"boot\",\"uuid\":\"00010203-0405-4607-8809-0a0b0c0d0e0f\","
                "\"idBase\":655360,\"idCount\":65536,\"privateNetwork\":true,\"root\":\"/a\\u00ff\\u0001\\u00e4\","
                "\"cgroup\":null}\n";
        static const char *const bad[] = {
                "",
                "{}",
                "[]",
                "{\"machine\":\"t\",\"leader\":1}",
                "{\"machine\":\"t\",\"leader\":0,\"supervisor\":1}",
                "{\"machine\":\"t\",\"leader\":-1,\"supervisor\":1}",
                "{\"machine\":\"t\",\"leader\":\"1\",\"supervisor\":1}",
                "{\"machine\":\"t\",\"leader\":4294967297,\"supervisor\":1}",
                "{\"machine\":5,\"leader\":1,\"supervisor\":1}",
                "{\"machine\":\"\\u20ac\",\"leader\":1,\"supervisor\":1}",
                "{\"machine\":\"t\",\"leader\":1,\"supervisor\":1",
        };
        static const char begun[] = "{\"supervisor\":4710}\n";
        struct record_content c = { 0 };
        struct arena a = { 0 };

        OK_INT(t, container_parse(&a, begun, strlen(begun), &c), 1, "a start that has just begun");
        OK_INT(t, container_parse(&a, whole, strlen(whole), &c), 0, "a record");
        OK(t,
           c.leader == 4711 && c.supervisor == 4710 && c.leader_start == UINT64_MAX && c.id_base == 655360 &&
                   c.id_count == 65536 && c.private_net && !c.cgroup && streq(c.mode, "boot"),
           "what it says");
        OK_STR(t, c.root, "/a\xff\x01\xe4", "bytes of a path come back");
        for (size_t i = 0; i < ELEMENTS(bad); i++)
                OK_INT(t, container_parse(&a, bad[i], strlen(bad[i]), &c), -EINVAL, "none: %s", bad[i]);
        arena_done(&a);
}

/* A supervisor with a leader below it, both asleep. Lives until *ret is killed. */
struct fake {
        pid_t supervisor, leader;
};

static struct fake fake_start(const char *name, bool handed_on) {
        struct record_content content = { .machine = name, .root = "/", .uuid = "", .mode = "command" };
        struct record r;
        struct fake f;
        int fds[2];

        record_init(&r);
        if (pipe2(fds, O_CLOEXEC) < 0)
                exit(1);
        if (handed_on && record_take(&r, name, NULL) != 0)
                exit(1);
        f.supervisor = fork();
        if (f.supervisor == 0) {
                CLEAN_FD int proc = open("/proc", O_PATH | O_CLOEXEC);

                if (!handed_on && record_take(&r, name, NULL) != 0)
                        _exit(1);
                f.leader = fork();
                if (f.leader == 0) {
                        close(r.fd);
                        for (;;)
                                pause();
                }
                content.leader = f.leader;
                content.supervisor = getpid();
                process_start_time(proc, f.leader, &content.leader_start);
                if (record_write(&r, &content, NULL) < 0 || write(fds[1], &f.leader, sizeof f.leader) < 0)
                        _exit(1);
                for (;;)
                        pause();
        }
        if (read(fds[0], &f.leader, sizeof f.leader) != sizeof f.leader)
                exit(1);
        close(fds[0]);
        close(fds[1]);
        if (handed_on)
                close(r.fd);
        return f;
}

static void fake_end(struct fake f) {
        kill(f.leader, SIGKILL);
        kill(f.supervisor, SIGKILL);
        waitpid(f.supervisor, NULL, 0);
        waitpid(f.leader, NULL, 0);
}

static const char *state_of(const char *name) {
        struct container c = { 0 };
        struct arena a = { 0 };
        int k = container_find(name, &a, &c, NULL);

        arena_done(&a);
        return k < 0 ? "none" : container_state_name(c.state);
}

static int open_result(int proc, const char *name, struct err *e) {
        CLEAN(container_close) struct container_open o;
        struct container c = { 0 };
        struct arena a = { 0 };
        int k;

        container_open_init(&o);
        k = container_find(name, &a, &c, e);
        k = k < 0 ? k : container_open(proc, &c, &o, e);
        if (k == 0 && (o.supervisor < 0 || o.leader < 0))
                k = -EBADF;
        arena_done(&a);
        return k;
}

static void rewrite(const char *name, const char *text) {
        char path[128];
        int fd;

        snprintf(path, sizeof path, "/run/berth/%s/record", name);
        fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
        if (fd < 0 || write(fd, text, strlen(text)) < 0)
                printf("# cannot write %s\n", path);
        close(fd);
}

static void test_alive(struct tap *t, int proc) {
        struct err e = { 0 };
        struct fake f = fake_start("alive", false), g = fake_start("handed", true);

        OK_STR(t, state_of("alive"), "running", "its supervisor lives");
        OK_INT(t, open_result(proc, "alive", &e), 0, "and can be opened: %s", e.text);
        OK_STR(t, state_of("handed"), "running", "a lock that was handed on");
        OK_INT(t, open_result(proc, "handed", &e), 0, "is as good: %s", e.text);
        OK_STR(t, state_of("ali"), "none", "a part of a name is none");
        OK_STR(t, state_of("../run"), "none", "nor is a path");
        fake_end(f);
        OK_STR(t, state_of("alive"), "dead", "killed");
        OK_INT(t, open_result(proc, "alive", &e), -ESRCH, "cannot be opened: %s", e.text);
        fake_end(g);
}

static void say(char *text, size_t size, const char *name, const pid_t pids[2], uint64_t start) {
        snprintf(text, size, "{\"machine\":\"%s\",\"leader\":%d,\"leaderStart\":%llu,\"supervisor\":%d}", name,
                 (int) pids[1], (unsigned long long) start, (int) pids[0]);
}

/* Whatever a record says, nobody is taken for a container's process who is not. */
static void test_lies(struct tap *t, int proc) {
        struct fake f = fake_start("lies", false), other = fake_start("other", false);
        uint64_t start = 0, other_start = 0;
        struct err e = { 0 };
        char text[256];

        process_start_time(proc, f.leader, &start);
        process_start_time(proc, other.leader, &other_start);
        say(text, sizeof text, "lies", (pid_t[2]){ f.supervisor, f.leader }, start);
        rewrite("lies", text);
        OK_INT(t, open_result(proc, "lies", &e), 0, "the truth: %s", e.text);
        say(text, sizeof text, "lies", (pid_t[2]){ other.supervisor, f.leader }, start);
        rewrite("lies", text);
        OK(t, open_result(proc, "lies", &e) < 0, "another's supervisor: %s", e.text);
        say(text, sizeof text, "lies", (pid_t[2]){ other.supervisor, other.leader }, other_start);
        rewrite("lies", text);
        OK(t, open_result(proc, "lies", &e) < 0, "another's both: %s", e.text);
        say(text, sizeof text, "lies", (pid_t[2]){ 1, f.leader }, start);
        rewrite("lies", text);
        OK(t, open_result(proc, "lies", &e) < 0, "process 1 as supervisor: %s", e.text);
        say(text, sizeof text, "lies", (pid_t[2]){ f.supervisor, other.leader }, other_start);
        rewrite("lies", text);
        OK(t, open_result(proc, "lies", &e) < 0, "another's leader: %s", e.text);
        say(text, sizeof text, "lies", (pid_t[2]){ f.supervisor, f.leader }, start + 1);
        rewrite("lies", text);
        OK(t, open_result(proc, "lies", &e) < 0, "a number that came to mean another: %s", e.text);
        say(text, sizeof text, "other", (pid_t[2]){ f.supervisor, f.leader }, start);
        rewrite("lies", text);
        OK_STR(t, state_of("lies"), "broken", "a record of another name");
        OK(t, open_result(proc, "lies", &e) < 0, "cannot be opened: %s", e.text);
        rewrite("lies", "x");
        OK_STR(t, state_of("lies"), "broken", "no record");
        rewrite("lies", "{\"supervisor\":4710}\n");
        OK_STR(t, state_of("lies"), "starting", "no container in it yet");
        OK(t, open_result(proc, "lies", &e) < 0, "cannot be opened: %s", e.text);
        rewrite("lies", "");
        OK_STR(t, state_of("lies"), "starting", "nothing in it yet");
        OK(t, open_result(proc, "lies", &e) < 0, "cannot be opened: %s", e.text);
        fake_end(f);
        OK_STR(t, state_of("lies"), "dead", "and left over");
        fake_end(other);
}

/* Who has the record open is not who holds it. */
static void test_reader(struct tap *t, int proc) {
        struct fake f = fake_start("read", false), g;
        struct err e = { 0 };
        uint64_t start = 0;
        char text[256];
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                exit(1);
        g.supervisor = fork();
        if (g.supervisor == 0) {
                int fd = open("/run/berth/read/record", O_RDONLY | O_CLOEXEC);

                g.leader = fork();
                if (g.leader != 0 && (fd < 0 || write(fds[1], &g.leader, sizeof g.leader) < 0))
                        _exit(1);
                for (;;)
                        pause();
        }
        if (read(fds[0], &g.leader, sizeof g.leader) != sizeof g.leader)
                exit(1);
        process_start_time(proc, g.leader, &start);
        say(text, sizeof text, "read", (pid_t[2]){ g.supervisor, g.leader }, start);
        rewrite("read", text);
        OK_STR(t, state_of("read"), "running", "a record that names somebody who reads it");
        OK(t, open_result(proc, "read", &e) < 0, "cannot be opened: %s", e.text);
        fake_end(g);
        fake_end(f);
        close(fds[0]);
        close(fds[1]);
}

/* Whoever looks has the lock for a moment: a start waits for that, and for nobody else. */
static void test_looked_at(struct tap *t) {
        struct record r;
        pid_t looker;
        int fd;

        record_init(&r);
        mkdir("/run/berth/looked", 0700);
        fd = open("/run/berth/looked/record", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        OK_INT(t, flock(fd, LOCK_SH), 0, "somebody looks");
        looker = fork();
        if (looker == 0) {
                usleep(20 * 1000);
                _exit(0);
        }
        close(fd); /* the looker's end gives it back */
        OK_INT(t, record_take(&r, "looked", NULL), 0, "who starts gets it after that");
        waitpid(looker, NULL, 0);
        OK_STR(t, state_of("looked"), "starting", "and nobody who looks then is in the way");
        record_drop(&r);
        fd = open("/run/berth/looked/record", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        OK(t, fd < 0, "all is gone again");
}

static void test_list(struct tap *t) {
        struct fake f = fake_start("l.one", false);
        struct container_list l = { 0 };
        struct arena a = { 0 };
        struct err e = { 0 };
        int fd;

        mkdir("/run/berth/empty", 0700);
        mkdir("/run/berth/..odd", 0700);
        mkdir("/run/berth/fifo", 0700);
        mkfifo("/run/berth/fifo/record", 0600);
        mkdir("/run/berth/link", 0700);
        OK_INT(t, symlink("/run/berth/l.one/record", "/run/berth/link/record"), 0, "a link");
        fd = open("/run/berth/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        close(fd);
        OK_INT(t, container_list(&a, &l, &e), 0, "whatever lies there: %s", e.text);
        OK(t, l.n >= 2 && streq(l.items[0].name, "alive") && streq(l.items[1].name, "handed"), "sorted by name");
        for (size_t i = 0; i < l.n; i++)
                OK(t,
                   !streq(l.items[i].name, "fifo") && !streq(l.items[i].name, "link") &&
                           !streq(l.items[i].name, "empty") && !streq(l.items[i].name, "file"),
                   "%s is a record", l.items[i].name);
        fake_end(f);
        OK_INT(t, chmod("/run/berth", 0777), 0, "an open directory");
        OK(t, container_list(&a, &l, &e) < 0 && e.kind == ERR_HOST, "is not trusted: %s", e.text);
        arena_done(&a);
}

static void test_none(struct tap *t, int proc) {
        struct container_list l = { 0 };
        struct arena a = { 0 };
        struct err e = { 0 };

        OK_INT(t, container_list(&a, &l, &e), 0, "nothing was ever started");
        OK_INT(t, l.n, 0, "no containers");
        OK_INT(t, open_result(proc, "x", &e), -ENOENT, "%s", e.text);
        arena_done(&a);
}

int main(void) {
        struct tap t = { 0 };
        CLEAN_FD int proc = open("/proc", O_PATH | O_CLOEXEC);

        test_parse(&t);
        if (geteuid() != 0 || !own_run()) {
                tap_skip(&t, "containers", "no root");
                return tap_done(&t);
        }
        umask(022);
        alarm(120);
        /* What a supervisor leaves behind is ours to reap, and not of an init that may take its time. */
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        test_none(&t, proc);
        test_alive(&t, proc);
        test_lies(&t, proc);
        test_reader(&t, proc);
        test_looked_at(&t);
        test_list(&t);
        return tap_done(&t);
}
