/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* state/record.c on a /run of its own: a name is somebody's or nobody's, and what a killed one leaves can be read. */

#include "state/record.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/str.h"
#include "unit/own-run.h"
#include "unit/tap.h"

static const struct record_content plain = {
        .machine = "t",
        .root = "/srv/t",
        .cgroup = "/sys/fs/cgroup/berth-t",
        .uuid = "00010203-0405-4607-8809-0a0b0c0d0e0f",
        .leader = 4711,
        .supervisor = 4710,
        .leader_start = 18446744073709551615ull,
        .id_base = 655360,
        .id_count = 65536,
        .private_net = true,
        .mode = "boot",
};

static const char *text_of(const char *path, char *buf, size_t size) {
        CLEAN_FILE FILE *f = fopen(path, "re");
        size_t n = f ? fread(buf, 1, size - 1, f) : 0;

        buf[n] = '\0';
        return buf;
}

static void test_take(struct tap *t) {
        struct record a, b;
        struct err e = { 0 };
        uint64_t start = 0;
        char buf[1024];
        struct stat st;
        pid_t leader = 0;

        record_init(&a);
        record_init(&b);
        OK_INT(t, record_take(&a, "t", &e), 0, "a name");
        OK(t, stat("/run/berth", &st) == 0 && (st.st_mode & 07777) == 0700, "the directory is root's alone");
        OK(t, stat("/run/berth/t/record", &st) == 0 && (st.st_mode & 07777) == 0600, "and so is the record");
        OK_INT(t, record_take(&b, "t", &e), 1, "somebody else's is no error");
        OK_INT(t, b.fd, -1, "nothing is held");
        OK_INT(t, record_take(&b, "other.name", &e), 0, "another name");
        record_drop(&b);
        OK_INT(t, record_stale_leader(&a, &leader, &start), 0, "a new record tells of nobody");
        OK_INT(t, record_write(&a, &plain, &e), 0, "written");
        OK_STR(t, text_of("/run/berth/t/record", buf, sizeof buf),
               "{\"version\":1,\"machine\":\"t\",\"leader\":4711,\"leaderStart\":18446744073709551615,"
               "\"supervisor\":4710,\"mode\":\"boot\",\"uuid\":\"00010203-0405-4607-8809-0a0b0c0d0e0f\","
               "\"idBase\":655360,\"idCount\":65536,\"privateNetwork\":true,\"root\":\"/srv/t\","
               "\"cgroup\":\"/sys/fs/cgroup/berth-t\"}\n",
               "as JSON");
        OK_INT(t, record_stale_leader(&a, &leader, &start), 1, "and read again");
        OK(t, leader == plain.leader && start == plain.leader_start, "who it was");
        record_drop(&a);
        record_drop(&a);
        OK(t, access("/run/berth/t", F_OK) < 0 && access("/run/berth", F_OK) == 0, "nothing is left of it");
}

static void test_rewrite(struct tap *t) {
        struct record_content c = plain;
        struct err e = { 0 };
        struct record a;
        char buf[1024];

        record_init(&a);
        record_take(&a, "t", &e);
        record_write(&a, &plain, &e);
        c.cgroup = NULL;
        c.root = "/";
        c.leader = 7;
        c.leader_start = 1;
        c.private_net = false;
        OK_INT(t, record_write(&a, &c, &e), 0, "a shorter one over it");
        text_of("/run/berth/t/record", buf, sizeof buf);
        OK(t, buf[strlen(buf) - 1] == '\n' && strstr(buf, "\"cgroup\":null}\n") && !strstr(buf, "srv"),
           "nothing of the old one stays");
        record_drop(&a);
}

/* Paths are bytes: what is not printable ASCII is escaped, and the record stays JSON. */
static void test_paths(struct tap *t) {
        static const struct {
                const char *root, *written;
        } cases[] = {
                { "/a\"b\\c", "\"root\":\"/a\\\"b\\\\c\"," },
                { "/a\nb\x1b", "\"root\":\"/a\\u000ab\\u001b\"," },
                { "/\x7f", "\"root\":\"/\\u007f\"," },
                { "/\xc3\xa4", "\"root\":\"/\\u00c3\\u00a4\"," },
                { "/\xff", "\"root\":\"/\\u00ff\"," },
                { "/x\",\"leader\":1,\"y\":\"", "\"root\":\"/x\\\",\\\"leader\\\":1,\\\"y\\\":\\\"\"," },
        };
        static char longest[4096], too_long[RECORD_MAX + 1], buf[RECORD_MAX + 1];
        struct record_content c = plain;
        struct err e = { 0 };
        struct record a;

        record_init(&a);
        record_take(&a, "t", &e);
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                c.root = cases[i].root;
                OK_INT(t, record_write(&a, &c, &e), 0, "an odd path");
                OK(t, strstr(text_of("/run/berth/t/record", buf, sizeof buf), cases[i].written), "%s",
                   cases[i].written);
        }
        memset(longest, 'x', sizeof longest - 1);
        longest[0] = '/';
        c.root = c.cgroup = longest;
        OK_INT(t, record_write(&a, &c, &e), 0, "the longest path there is");
        text_of("/run/berth/t/record", buf, sizeof buf);
        OK(t, strlen(buf) > 2 * strlen(longest) && buf[strlen(buf) - 1] == '\n', "is there as a whole");
        memset(longest + 1, '\x01', sizeof longest - 2);
        OK(t, record_write(&a, &c, &e) == 0 || e.code == ENAMETOOLONG, "one that takes six times the room");
        c.root = too_long;
        memset(too_long, 'x', sizeof too_long - 1);
        OK_INT(t, record_write(&a, &c, &e), -ENAMETOOLONG, "a longer one is refused, and not cut off");
        record_drop(&a);
}

static void test_stale(struct tap *t) {
        static const struct {
                const char *text;
                int is;
        } cases[] = {
                { "", 0 },
                { "{}", 0 },
                { "{\"leader\":5}", 0 },
                { "{\"leaderStart\":5}", 0 },
                { "{\"leader\":0,\"leaderStart\":5}", 0 },
                { "{\"leader\":-1,\"leaderStart\":5}", 0 },
                { "{\"leader\":,\"leaderStart\":}", 0 },
                { "{\"leader\":x,\"leaderStart\":5}", 0 },
                { "{\"leader\":5,\"leaderStart\":6", 1 },
        };
        struct err e = { 0 };
        uint64_t start;
        struct record a;
        pid_t leader;

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                CLEAN_FD int fd = -1;

                mkdir("/run/berth/s", 0700);
                fd = open("/run/berth/s/record", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
                if (fd < 0 || write(fd, cases[i].text, strlen(cases[i].text)) < 0)
                        printf("# cannot write\n");
                record_init(&a);
                OK_INT(t, record_take(&a, "s", &e), 0, "a record that nobody holds");
                OK_INT(t, record_stale_leader(&a, &leader, &start), cases[i].is, "left: %s", cases[i].text);
                record_drop(&a);
        }
}

/* Another process that has a name, for a container whose leader is this; 0: there is none yet. */
static pid_t supervise(struct tap *t, const char *name, pid_t leader) {
        struct record a;
        int fds[2];
        pid_t pid;
        char c;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -1;
        record_init(&a);
        pid = fork();
        if (pid == 0) {
                const struct record_content content = { .machine = name,
                                                        .mode = "boot",
                                                        .uuid = "",
                                                        .leader = leader,
                                                        .leader_start = 1,
                                                        .supervisor = getpid() };

                if (record_take(&a, name, NULL) != 0)
                        _exit(1);
                record_begin(&a);
                if ((leader > 0 && record_write(&a, &content, NULL) < 0) || write(fds[1], "x", 1) != 1)
                        _exit(1);
                for (;;)
                        pause();
        }
        close(fds[1]);
        OK_INT(t, read(fds[0], &c, 1), 1, "a supervisor");
        close(fds[0]);
        return pid;
}

static void test_killed(struct tap *t) {
        CLEAN_FD int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct err e = { 0 };
        uint64_t start = 0;
        pid_t pid = supervise(t, "k", getpid()), leader = 0;
        struct record a;

        record_init(&a);
        OK_INT(t, record_take(&a, "k", &e), 1, "has the name");
        OK(t, !record_is_ending(&a, proc), "for as long as it lives");
        kill(pid, SIGKILL);
        OK(t, record_is_ending(&a, proc), "killed, it will not have it for long");
        waitpid(pid, NULL, 0);
        OK(t, record_is_ending(&a, proc), "dead neither, whoever has a copy of its lock");
        OK_INT(t, record_take(&a, "k", &e), 0, "until it is killed");
        OK(t, record_stale_leader(&a, &leader, &start) == 1 && leader == getpid(), "and leaves word of its container");
        record_drop(&a);
}

static void test_killed_early(struct tap *t) {
        CLEAN_FD int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        pid_t pid = supervise(t, "k", 0), leader;
        struct err e = { 0 };
        uint64_t start;
        struct record a;

        record_init(&a);
        OK_INT(t, record_take(&a, "k", &e), 1, "has the name, and no container yet");
        OK(t, !record_is_ending(&a, proc), "for as long as it lives");
        kill(pid, SIGKILL);
        OK(t, record_is_ending(&a, proc), "killed, it will not have it for long");
        waitpid(pid, NULL, 0);
        OK_INT(t, record_take(&a, "k", &e), 0, "until it is killed");
        OK_INT(t, record_stale_leader(&a, &leader, &start), 0, "and leaves word of no container");
        record_drop(&a);
}

static void test_ended(struct tap *t) {
        CLEAN_FD int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct err e = { 0 };
        pid_t dead = fork(), pid;
        struct record a;

        if (dead == 0)
                _exit(0);
        waitpid(dead, NULL, 0);
        pid = supervise(t, "k", dead);
        record_init(&a);
        OK_INT(t, record_take(&a, "k", &e), 1, "has the name");
        OK(t, record_is_ending(&a, proc), "but not for long: its container has ended");
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        OK_INT(t, record_take(&a, "k", &e), 0, "then it is free");
        record_drop(&a);
}

static void be_one(int *shared, int rounds) {
        struct record r;

        record_init(&r);
        for (int done = 0; done < rounds;) {
                int k = record_take(&r, "race", NULL);

                if (k < 0)
                        __atomic_add_fetch(&shared[2], 1, __ATOMIC_SEQ_CST);
                if (k != 0)
                        continue;
                if (__atomic_add_fetch(&shared[0], 1, __ATOMIC_SEQ_CST) != 1)
                        __atomic_add_fetch(&shared[1], 1, __ATOMIC_SEQ_CST);
                done++;
                __atomic_sub_fetch(&shared[0], 1, __ATOMIC_SEQ_CST);
                record_drop(&r);
        }
        _exit(0);
}

static void test_race(struct tap *t) {
        enum { CHILDREN = 4, ROUNDS = 300 };
        int *shared = mmap(NULL, sizeof *shared * 3, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        for (int i = 0; i < CHILDREN; i++)
                if (fork() == 0)
                        be_one(shared, ROUNDS);
        while (wait(NULL) > 0)
                ;
        OK_INT(t, shared[1], 0, "one at a time");
        OK_INT(t, shared[2], 0, "and no error in between");
        OK(t, access("/run/berth/race", F_OK) < 0, "nothing is left");
        munmap(shared, sizeof *shared * 3);
}

static void test_trust(struct tap *t) {
        struct err e = { 0 };
        struct record a;
        int fd;

        record_init(&a);
        OK_INT(t, mkdir("/run/elsewhere", 0700), 0, "a directory");
        OK_INT(t, symlink("/run/elsewhere", "/run/berth/link"), 0, "a link to it for a name");
        OK(t, record_take(&a, "link", &e) < 0 && access("/run/elsewhere/record", F_OK) < 0 && a.fd == -1,
           "is not followed: %s", e.text);
        fd = open("/run/berth/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        close(fd);
        OK(t, record_take(&a, "file", &e) < 0, "a file for a name: %s", e.text);
        mkdir("/run/berth/deep", 0700);
        OK_INT(t, symlink("/run/elsewhere/x", "/run/berth/deep/record"), 0, "a link for a record");
        OK(t, record_take(&a, "deep", &e) < 0 && access("/run/elsewhere/x", F_OK) < 0, "is not followed");
        OK_INT(t, chmod("/run/berth", 0777), 0, "an open directory");
        OK(t, record_take(&a, "t", &e) < 0 && e.kind == ERR_HOST, "is not trusted: %s", e.text);
}

static void test_read_only(struct tap *t) {
        struct err e = { 0 };
        struct record a;

        record_init(&a);
        OK_INT(t, chmod("/run/berth", 0700), 0, "closed again");
        OK_INT(t, mount(NULL, "/run", NULL, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL), 0, "/run read-only");
        OK(t, record_take(&a, "new", &e) == -EROFS && e.kind == ERR_HOST && a.fd == -1, "%s", e.text);
}

int main(void) {
        struct tap t = { 0 };

        if (!own_run()) {
                tap_skip(&t, "records", "no mount namespace can be made here");
                return tap_done(&t);
        }
        umask(022);
        alarm(120);
        test_take(&t);
        test_rewrite(&t);
        test_paths(&t);
        test_stale(&t);
        test_killed(&t);
        test_killed_early(&t);
        test_ended(&t);
        test_race(&t);
        test_trust(&t);
        test_read_only(&t);
        return tap_done(&t);
}
