/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What each option puts into the spec, and what it refuses. */

#include <linux/capability.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/personality.h>

#include "base/parse.h"
#include "conf/setting.h"
#include "unit/trial.h"

static void test_self(struct tap *t) {
        GOOD(t, s->self.quiet, "-q");
        GOOD(t, s->self.quiet, "--quiet");
        GOOD(t, !s->self.quiet, "-q", "--quiet=no");
        BAD(t, "takes no value", "--quiet=x");
        BAD(t, "needs a value", "--quiet=");
        BAD(t, "unknown option", "--quiett=yes");
        GOOD(t, s->self.verbose, "-v");
        GOOD(t, s->self.verbose && s->self.quiet, "-vq");
        BAD(t, "takes no value", "--verbose=2");
        GOOD(t, s->self.dry_run == DRY_RUN_NO, "-q");
        GOOD(t, s->self.dry_run == DRY_RUN_TEXT, "--dry-run");
        GOOD(t, s->self.dry_run == DRY_RUN_TEXT, "--dry-run=text");
        GOOD(t, s->self.dry_run == DRY_RUN_JSON, "--dry-run=json");
        BAD(t, "--dry-run=xml: no such form (allowed: text, json)", "--dry-run=xml");
        BAD(t, "needs a value", "--dry-run=");
        BAD(t, "no such form", "--dry-run=JSON");
        GOOD(t, s->self.settings == SETTINGS_YES, "-q");
        GOOD(t, s->self.settings == SETTINGS_NO, "--settings=off");
        GOOD(t, s->self.settings == SETTINGS_OVERRIDE, "--settings", "override");
        GOOD(t, s->self.settings == SETTINGS_TRUSTED, "--settings=trusted");
        BAD(t, "no such mode", "--settings=maybe");
        BAD(t, "needs a value", "--settings=");
        BAD(t, "needs a value", "--settings");
        GOOD(t, s->exec.argv.n == 0, "--no-pager", "--no-ask-password", "--system");
}

static void test_root(struct tap *t) {
        GOOD(t, streq(s->root.directory, "/x"), "-D", "/x");
        GOOD(t, streq(s->root.directory, "x y"), "-Dx y");
        GOOD(t, streq(s->root.directory, "./x=y"), "--directory=./x=y");
        GOOD(t, streq(s->root.directory, "b"), "-D", "a", "-D", "b");
        BAD(t, "--directory= needs a value", "-D");
        BAD(t, "--directory= needs a value", "--directory=");
        BAD(t, "--directory= needs a value", "-qD");
        GOOD(t, s->root.read_only, "--read-only");
        GOOD(t, !s->root.read_only, "--read-only", "--read-only=no");
        BAD(t, "takes no value", "--read-only=rw");
        GOOD(t, s->host.no_lock, "--lock=no");
        GOOD(t, !s->host.no_lock, "--lock=yes");
        BAD(t, "not a boolean", "--lock=x");
        GOOD(t, s->host.no_os_release_check, "--os-release-check=0");
        BAD(t, "not a boolean (allowed: yes, no)", "--os-release-check=2");
}

static void test_mode(struct tap *t) {
        GOOD(t, s->exec.mode == EXEC_COMMAND, "true");
        GOOD(t, s->exec.mode == EXEC_STUB, "-a");
        GOOD(t, s->exec.mode == EXEC_BOOT, "-b");
        GOOD(t, s->exec.mode == EXEC_BOOT, "--boot");
        GOOD(t, s->exec.mode == EXEC_COMMAND, "-b", "--boot=no");
        GOOD(t, s->exec.mode == EXEC_STUB, "-a", "--boot=no");
        BAD(t, "--as-pid2 does not go with --boot", "-b", "-a");
        BAD(t, "--boot does not go with --as-pid2", "-ab");
        BAD(t, "takes no value", "--boot=maybe");
        GOOD(t, strv_is(&s->exec.argv, ARGV("ls", "-l")), "ls", "-l");
        GOOD(t, strv_is(&s->exec.argv, ARGV("-x", "--", "")), "--", "-x", "--", "");
        GOOD(t, strv_is(&s->exec.argv, ARGV("-")), "-");
        GOOD(t, s->exec.argv.n == 0, "--");
}

static void test_exec(struct tap *t) {
        GOOD(t, streq(s->exec.chdir, "/srv/x"), "--chdir=/srv/x");
        GOOD(t, streq(s->exec.chdir, "/device"), "--chdir=/device");
        BAD(t, "not a plain absolute path", "--chdir=srv");
        BAD(t, "not a plain absolute path", "--chdir=/a/../b");
        BAD(t, "below /dev", "--chdir=/proc/self/fd/3");
        BAD(t, "below /dev", "--chdir=/dev");
        BAD(t, "below /dev", "--chdir=/sys/");
        GOOD(t, strv_is(&s->exec.env, ARGV("A=b", "C=")), "-E", "A=b", "--setenv=C=");
        GOOD(t, strv_is(&s->exec.env, ARGV("A=c")), "-EA=b", "-E", "A=c");
        GOOD(t, strv_is(&s->exec.env, ARGV("A=x y\nz")), "-E", "A=x y\nz");
        BAD(t, "not a valid variable name", "-E", "1A=b");
        BAD(t, "not a valid variable name", "--setenv==b");
        BAD(t, "needs a value", "--setenv=");
        GOOD(t, streq(s->exec.user, "mockbuild"), "-u", "mockbuild");
        GOOD(t, streq(s->exec.user, "12345"), "--uid=12345");
        GOOD(t, streq(s->exec.user, "root"), "--user=root");
        GOOD(t, streq(s->exec.user, "root") && s->exec.argv.n == 1, "--user", "root", "true");
        BAD(t, "not a valid user", "--uid=-1");
        BAD(t, "not a valid user", "--uid=4294967295");
        BAD(t, "not a valid user", "--uid=65535");
        BAD(t, "not a valid user", "--uid=a b");
        GOOD(t, s->host.user_manager && !s->exec.user, "--user");
        GOOD(t, s->host.user_manager && s->self.quiet, "--user", "-q");
        GOOD(t, s->host.user_manager && s->exec.argv.n == 1, "--user", "--", "true");
        GOOD(t, !s->host.user_manager, "--user", "--system");
}

static void test_signals(struct tap *t) {
        GOOD(t, s->exec.kill_signal == SIGTERM, "--kill-signal=TERM");
        GOOD(t, s->exec.kill_signal == SIGNAL_RTMIN + 3, "--kill-signal=SIGRTMIN+3");
        GOOD(t, s->exec.kill_signal == 10, "--kill-signal", "10");
        BAD(t, "not a signal", "--kill-signal=FOO");
        BAD(t, "not a signal", "--kill-signal=0");
        BAD(t, "not a signal", "--kill-signal=RTMIN+99");
        GOOD(t, s->exec.notify_ready, "--notify-ready=yes");
        GOOD(t, s->exec.notify_ready, "--notify-read=yes");
        BAD(t, "not a boolean", "--notify-ready=ja");
        BAD(t, "needs a value", "--notify-ready=");
        BAD(t, "needs a value", "--notify-ready");
        GOOD(t, s->exec.suppress_sync, "--suppress-sync=true");
        BAD(t, "not a boolean", "--suppress-sync=2");
        BAD(t, "not a boolean", "--suppress-sync= yes");
        BAD(t, "needs a value", "--suppress-sync");
}

static void test_identity(struct tap *t) {
        static const uint8_t uuid[16] = { 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 1, 2, 3, 4, 5, 6, 7, 8 };

        GOOD(t, streq(s->id.machine, "a-b.c1"), "-M", "a-b.c1");
        BAD(t, "not a valid name", "-M", "a_b");
        BAD(t, "not a valid name", "-M", "../etc");
        BAD(t, "not a valid name", "-M", ".a");
        BAD(t, "not a valid name", "-Ma\nb");
        BAD(t, "not a valid name", "-M", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        GOOD(t, streq(s->id.hostname, "h.x"), "--hostname=h.x");
        BAD(t, "not a valid name", "--hostname=h.");
        BAD(t, "not a valid name", "--hostname=-h");
        BAD(t, "needs a value", "--hostname=");
        GOOD(t, s->id.has_uuid && memcmp(s->id.uuid, uuid, 16) == 0, "--uuid=12345678-9abc-def0-0102-030405060708");
        GOOD(t, s->id.has_uuid && memcmp(s->id.uuid, uuid, 16) == 0, "--uuid=123456789ABCDEF00102030405060708");
        GOOD(t, !s->id.has_uuid, "true");
        BAD(t, "all zeros", "--uuid=00000000000000000000000000000000");
        BAD(t, "not a UUID", "--uuid=1234");
        BAD(t, "not a UUID", "--uuid=123456789ABCDEF0010203040506070g");
        GOOD(t, streq(s->host.container_service, "lxc"), "--container-service=lxc");
        BAD(t, "not a valid name", "--container-service=a b");
        BAD(t, "not a valid name", "--container-service=a/b");
        BAD(t, "needs a value", "--container-service=");
}

static void test_place(struct tap *t) {
        GOOD(t, s->host.registered == NO, "--register=no");
        GOOD(t, s->host.registered == UNSAID, "--register", "auto");
        GOOD(t, s->host.registered == UNSAID, "--register=no", "--register=auto");
        GOOD(t, s->host.registered == NO, "--register=false");
        GOOD(t, s->host.registered == YES, "--register=yes");
        GOOD(t, streq(s->host.slice, "web.slice"), "--slice=web");
        GOOD(t, streq(s->host.slice, "a-b.slice"), "-S", "a-b.slice");
        GOOD(t, streq(s->host.slice, "-.slice"), "--slice=-.slice");
        BAD(t, "not a slice", "--slice=a/b");
        BAD(t, "not a slice", "--slice=-a");
        BAD(t, "not a slice", "--slice=a-");
        BAD(t, "not a slice", "--slice=a--b");
        BAD(t, "not a slice", "--slice=.slice");
        GOOD(t, strv_is(&s->host.properties, ARGV("MemoryMax=1G", "CPUQuota=")), "--property=MemoryMax=1G",
             "--property=CPUQuota=");
        BAD(t, "not NAME=VALUE", "--property=MemoryMax");
        BAD(t, "not NAME=VALUE", "--property==1");
        BAD(t, "not NAME=VALUE", "--property=A B=1");
        BAD(t, "a control character", "--property=Description=a\nb");
        BAD(t, "--slice= does not go with --keep-unit", "--slice=a", "--keep-unit");
        BAD(t, "--property= does not go with --keep-unit", "--property=A=1", "--keep-unit");
        BAD(t, "no such mode (allowed: yes, no, auto)", "--register=perhaps");
        BAD(t, "needs a value", "--register");
        GOOD(t, s->host.keep_unit, "--keep-unit");
        GOOD(t, !s->host.keep_unit, "--keep-unit", "--keep-unit=no");
        BAD(t, "takes no value", "--keep-unit=x");
        GOOD(t, s->host.api_vfs == API_VFS_WRITABLE, "--api-vfs=writable");
        GOOD(t, s->host.api_vfs == API_VFS_WRITABLE, "--api-vfs=yes");
        GOOD(t, s->host.api_vfs == API_VFS_NETWORK, "--api-vfs=network");
        GOOD(t, s->host.api_vfs == API_VFS_READ_ONLY, "--api-vfs=network", "--api-vfs=read-only");
        BAD(t, "no such mode", "--api-vfs=rw");
        BAD(t, "needs a value", "--api-vfs=");
        BAD(t, "needs a value", "--api-vfs");
        GOOD(t, s->host.no_tmpfs_tmp, "--tmp-tmpfs=no");
        BAD(t, "not a boolean", "--tmp-tmpfs=x");
}

static bool is_bind(const struct spec *s, size_t i, const char *source, const char *dst) {
        return i < s->mounts.n && s->mounts.items[i].kind == MOUNT_BIND &&
               streq(s->mounts.items[i].source.path, source) && streq(s->mounts.items[i].dst, dst);
}

static bool is_tmpfs(const struct spec *s, const char *options, uint64_t set) {
        const struct spec_mount *m = s->mounts.items;

        return s->mounts.n == 1 && m->kind == MOUNT_TMPFS && streq(m->options, options) && m->set == set;
}

static void test_mount_options(struct tap *t) {
        GOOD(t, streq(s->mounts.items[0].options, "size=1k,nr_inodes=10%,mode=1777,uid=5,huge=advise"),
             "--tmpfs=/x:size=1k,nr_inodes=10%,mode=1777,uid=5,huge=advise");
        BAD(t, "no option of a tmpfs: size=", "--tmpfs=/x:size=");
        BAD(t, "no option of a tmpfs: size=1x", "--tmpfs=/x:size=1x");
        BAD(t, "no option of a tmpfs: size=%", "--tmpfs=/x:size=%");
        BAD(t, "no option of a tmpfs: mode=9", "--tmpfs=/x:mode=9");
        BAD(t, "no option of a tmpfs: uid=root", "--tmpfs=/x:uid=root");
        BAD(t, "no option of a tmpfs: gid=-1", "--tmpfs=/x:gid=-1");
        BAD(t, "no option of a tmpfs: huge=yes", "--tmpfs=/x:huge=yes");
        BAD(t, "map= does not go with idmap", "--bind=/x:/x:map=1:1,idmap");
        BAD(t, "map= does not go with noidmap", "--bind=/x:/x:map=1:1,noidmap");
        BAD(t, "map= does not go with the one before", "--bind=/x:/x:rootidmap,map=1:1");
        GOOD(t, s->mounts.items[0].owners == OWNERS_ROOT, "--bind=/x:/x:idmap,rootidmap");
}

static void test_mounts(struct tap *t) {
        const uint64_t usual = MOUNT_ATTR_NODEV | MOUNT_ATTR_STRICTATIME;

        GOOD(t, s->mounts.n == 0, "true");
        GOOD(t, is_bind(s, 0, "/a", "a") && !s->mounts.items[0].read_only, "--bind=/a");
        GOOD(t, is_bind(s, 0, "/a/b//c", "a/b/c"), "--bind=/a/b//c");
        GOOD(t, is_bind(s, 0, "/a", "b") && s->mounts.items[0].read_only, "--bind-ro", "/a:/b");
        GOOD(t, is_bind(s, 0, "/a:b", "c:d"), "--bind=/a\\:b:/c\\:d");
        GOOD(t, is_bind(s, 0, "/a\\", "b"), "--bind=/a\\\\:/b");
        GOOD(t, is_bind(s, 0, "/a", "b/c") && s->mounts.items[0].optional, "--bind=-/a:/b/./c/");
        GOOD(t, is_bind(s, 0, "a", "b") && s->mounts.items[0].source.in_tree, "--bind=+/a:/b");
        GOOD(t, is_bind(s, 0, "a", "a") && s->mounts.items[0].source.in_tree, "--bind=+a");
        GOOD(t, s->mounts.items[0].optional && s->mounts.items[0].source.in_tree, "--bind=-+/a:/b");
        GOOD(t, is_bind(s, 0, "", "b"), "--bind=:/b");
        GOOD(t, s->mounts.items[0].source.path[0] == '/' && streq(s->mounts.items[0].dst, "b"), "--bind=a:/b");
        GOOD(t, s->mounts.items[0].alone, "--bind=/a:/b:norbind");
        GOOD(t, !s->mounts.items[0].alone, "--bind=/a:/b:");
        GOOD(t, !s->mounts.items[0].alone, "--bind=/a:/b:norbind,noidmap,rbind");
        GOOD(t, is_bind(s, 0, "/z", "b") && is_bind(s, 1, "/a", "b/c") && is_bind(s, 2, "/b", "b-c"), "--bind=/b:/b-c",
             "--bind=/a:/b/c", "--bind=/z:/b");
        GOOD(t, is_bind(s, 0, "/1", "b") && is_bind(s, 1, "/2", "b"), "--bind=/1:/b", "--bind=/2:/b");
        GOOD(t, s->mounts.items[0].owners == OWNERS_SAME, "--bind=/a:/b:idmap");
        GOOD(t, s->mounts.items[0].owners == OWNERS_ROOT, "--bind=/a:/b:norbind,rootidmap");
        GOOD(t, s->mounts.items[0].owners == OWNERS_OWNER, "--bind=/a:/b:owneridmap");
        GOOD(t, s->mounts.items[0].owners == OWNERS_KEPT, "--bind=/a:/b:idmap,noidmap");
        GOOD(t,
             s->mounts.items[0].owners == OWNERS_LIST && s->mounts.items[0].maps.n == 2 &&
                     s->mounts.items[0].maps.items[1].host == 2000 && s->mounts.items[0].maps.items[1].count == 10,
             "--bind=/a:/b:map=1000:0,map=2000:1:10");
        BAD(t, "unknown option map=1", "--bind=/a:/b:map=1");
        BAD(t, "unknown option map=1:2:0", "--bind=/a:/b:map=1:2:0");
        BAD(t, "unknown option map=1:2:3:4", "--bind=/a:/b:map=1:2:3:4");
        BAD(t, "unknown option map=1:4294967294:2", "--bind=/a:/b:map=1:4294967294:2");
        BAD(t, "unknown option map=-1:2", "--bind=/a:/b:map=-1:2");
        BAD(t, "no absolute path without ..", "--bind=/a:b");
        GOOD(t, is_bind(s, 0, "/a", "a"), "--bind=/a:");
        GOOD(t, is_bind(s, 0, "x:y", "x:y") && s->mounts.items[0].alone, "--bind=+/x\\:y::norbind");
        BAD(t, "no source and no destination", "--bind=::rbind");
        BAD(t, "/ is what the container itself is made of", "--bind=/");
        GOOD(t, s->mounts.n == 1 && streq(s->mounts.items[0].dst, "proc"), "--bind=/proc");
        BAD(t, "/proc is what the container itself is made of", "--bind=/sys:/proc");
        BAD(t, "/proc is what the container itself is made of", "--bind=+/proc");
        BAD(t, "/run is what the container itself is made of", "--tmpfs=/run");
        BAD(t, "/dev is what the container itself is made of", "--overlay=/a:/dev");
        BAD(t, "/dev/pts is what the container itself is made of", "--bind=/dev/pts");
        BAD(t, "/run/host/notify is what the container itself is made of", "--tmpfs=/run/host/notify");
        BAD(t, "/run/host is what the container itself is made of", "--tmpfs=/run/host/");
        GOOD(t, streq(s->mounts.items[0].dst, "run/host/notify2"), "--tmpfs=/run/host/notify2");
        GOOD(t, is_bind(s, 0, "/dev/kvm", "dev/kvm"), "--bind=/dev/kvm");
        BAD(t, "no absolute path without ..", "--bind=/a:/b/..");
        BAD(t, "no absolute path without ..", "--bind=/../a");
        BAD(t, "not a valid source", "--bind=+../a:/b");
        BAD(t, "unknown option x", "--bind=/a:/b:rbind,x");
        BAD(t, "unknown option rbind:", "--bind=/a:/b:rbind:");
        BAD(t, "no source and no destination", "--bind=-");
        BAD(t, "needs a value", "--bind=");
        BAD(t, "needs a value", "--bind-ro");
        GOOD(t, is_tmpfs(s, "mode=0755", usual), "--tmpfs=/a");
        GOOD(t, is_tmpfs(s, "mode=0755", usual), "--tmpfs=/a:");
        GOOD(t, is_tmpfs(s, "size=1m,uid=5", usual), "--tmpfs=/a:size=1m,,uid=5");
        GOOD(t, is_tmpfs(s, "", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOATIME), "--tmpfs=/a:ro,dev,noatime");
        GOOD(t, is_tmpfs(s, "", MOUNT_ATTR_NODEV), "--tmpfs=/a:ro,rw,relatime");
        BAD(t, "no option of a tmpfs: lowerdir=/", "--tmpfs=/a:lowerdir=/");
        BAD(t, "no option of a tmpfs: size", "--tmpfs=/a:size");
        BAD(t, "no absolute path", "--tmpfs=:size=1m");
        BAD(t, "no absolute path", "--tmpfs=a");
        GOOD(t, s->mounts.items[0].kind == MOUNT_INACCESSIBLE && streq(s->mounts.items[0].dst, "a:b"),
             "--inaccessible=/a:b");
        GOOD(t, streq(s->mounts.items[0].dst, "a"), "--inaccessible=+/a");
        BAD(t, "no absolute path", "--inaccessible=a");
        BAD(t, "no absolute path", "--inaccessible=/a/../b");
}

static void test_users(struct tap *t) {
        GOOD(t, s->ids.mode == USERS_DEFAULT, "true");
        GOOD(t, s->ids.mode == USERS_NO, "--private-users=no");
        GOOD(t, s->ids.mode == USERS_NO, "--private-users=0");
        GOOD(t, s->ids.mode == USERS_PICK && !s->ids.may_lack, "--private-users=pick");
        GOOD(t, s->ids.mode == USERS_PICK && s->ids.may_lack, "-U");
        GOOD(t, s->ids.mode == USERS_PICK && !s->ids.may_lack, "-U", "--private-users=pick");
        GOOD(t, s->ids.mode == USERS_OF_TREE, "--private-users", "true");
        GOOD(t, s->ids.mode == USERS_OF_TREE, "--private-users=yes");
        GOOD(t, s->ids.mode == USERS_RANGE && s->ids.base == 0 && s->ids.count == 65536, "--private-users=identity");
        GOOD(t, s->ids.mode == USERS_RANGE && s->ids.base == 65536 && s->ids.count == 65536, "--private-users=65536");
        GOOD(t, s->ids.mode == USERS_RANGE && s->ids.base == 7 && s->ids.count == 1, "--private-users=7:1");
        GOOD(t, s->ids.mode == USERS_MANAGED, "--private-users=managed");
        GOOD(t, s->ids.delegate == 16, "--private-users=managed", "--private-users-delegate=16");
        GOOD(t, s->ids.delegate == 0, "--private-users-delegate=0");
        BAD(t, "not a number", "--private-users-delegate=x");
        BAD(t, "no such mode", "--private-users=65536:");
        BAD(t, "no such mode", "--private-users=-1");
        BAD(t, "no such mode", "--private-users=0:0");
        BAD(t, "no such mode", "--private-users=4294901760:65537");
        BAD(t, "needs a value", "--private-users=");
        GOOD(t, s->ids.ownership == OWNERSHIP_AUTO, "--private-users-ownership=auto");
        GOOD(t, s->ids.ownership == OWNERSHIP_MAP, "--private-users-ownership=map");
        GOOD(t, s->ids.ownership == OWNERSHIP_CHOWN, "--private-users-ownership=chown");
        GOOD(t, s->ids.ownership == OWNERSHIP_OFF, "--private-users-ownership=off");
        GOOD(t, s->ids.ownership == OWNERSHIP_FOREIGN, "--private-users-ownership=foreign");
        GOOD(t, s->ids.ownership == OWNERSHIP_AUTO, "-U");
        GOOD(t, s->ids.ownership == OWNERSHIP_OFF, "--private-users=5");
        GOOD(t, s->ids.ownership == OWNERSHIP_OFF, "--private-users-chown=no");
        GOOD(t, s->ids.ownership == OWNERSHIP_AUTO, "--private-users-ownership=yes");
        GOOD(t, s->ids.ownership == OWNERSHIP_OFF, "--private-users-ownership=no");
        GOOD(t, s->ids.ownership == OWNERSHIP_CHOWN, "--private-users-chown");
        BAD(t, "not a boolean", "--private-users-chown=maybe");
        GOOD(t,
             s->ids.maps.n == 2 && s->ids.maps.items[0].host == 1000 && s->ids.maps.items[0].inside == 5 &&
                     s->ids.maps.items[0].count == 1 && s->ids.maps.items[1].count == 10,
             "-U", "--private-users-map=1000:5", "--private-users-map=2000:70000:10");
        BAD(t, "not HOST:INSIDE", "--private-users-map=1000");
        BAD(t, "not HOST:INSIDE", "--private-users-map=1:2:3:4");
        BAD(t, "not three numbers", "--private-users-map=1000:x");
        BAD(t, "not three numbers", "--private-users-map=1000:1:0");
        BAD(t, "not three numbers", "--private-users-map=1000:-1");
        BAD(t, "no such ids", "--private-users-map=4294967290:1:10");
        BAD(t, "no such ids", "--private-users-map=1:4294967290:10");
        BAD(t, "needs a value", "--private-users-map=");
}

static void test_net(struct tap *t) {
        GOOD(t, s->net.private == NO && !s->net.path, "true");
        GOOD(t, s->net.private == YES, "--private-network");
        GOOD(t, s->net.private == NO, "--private-network", "--private-network=no");
        BAD(t, "takes no value", "--private-network=lo");
        GOOD(t, streq(s->net.path, "/run/netns/x") && s->net.private == NO, "--network-namespace-path=/run/netns/x");
        GOOD(t, s->net.private == YES, "--network-namespace-path=/run/netns/x", "--private-network");
        BAD(t, "needs a value", "--network-namespace-path=");
        BAD(t, "needs a value", "--network-namespace-path");
        GOOD(t, s->exec.argv.n == 0, "--network-veth=no");
        BAD(t, "--network-veth is not supported", "-n");
}

#define CAP(x) (1ull << CAP_##x)

static void test_caps(struct tap *t) {
        GOOD(t, s->sec.caps_add == CAP(IPC_LOCK), "--capability=cap_ipc_lock", "--capability=CAP_IPC_LOCK");
        GOOD(t, s->sec.caps_add == (CAP(NET_ADMIN) | CAP(SYS_TIME)), "--capability=CAP_NET_ADMIN,sys_time");
        GOOD(t, (s->sec.caps_add & SPEC_CAPS_DEFAULT) == SPEC_CAPS_DEFAULT, "--capability=all");
        BAD(t, "unknown capability CAP_FOO", "--capability=CAP_FOO");
        BAD(t, "unknown capability", "--capability=64");
        BAD(t, "no capability", "--capability=,");
        GOOD(t, s->sec.caps_drop == CAP(SYS_MODULE), "--drop-capability=CAP_SYS_MODULE");
        GOOD(t, s->sec.caps_drop >= SPEC_CAPS_DEFAULT, "--drop-capability", "all");
        BAD(t, "unknown capability", "--drop-capability=none");
        BAD(t, "unknown capability", "--drop-capability=cap_");
        BAD(t, "needs a value", "--drop-capability=");
        GOOD(t, s->sec.caps_ambient == CAP(CHOWN), "--ambient-capability=chown");
        GOOD(t, s->sec.caps_ambient == CAP(SYS_TIME), "--ambient-capability=sys_time", "--capability=sys_time");
        BAD(t, "does not have", "--ambient-capability=sys_time");
        BAD(t, "does not have", "--ambient-capability=chown", "--drop-capability=chown");
        BAD(t, "unknown capability all", "--ambient-capability=all");
        BAD(t, "does not go with --boot", "--ambient-capability=chown", "-b");
        GOOD(t, s->sec.caps_ambient == CAP(NET_ADMIN), "--ambient-capability=net_admin", "--private-network");
        GOOD(t, s->sec.no_new_privileges, "--no-new-privileges=yes");
        BAD(t, "not a boolean", "--no-new-privileges=x");
        BAD(t, "needs a value", "--no-new-privileges");
        BAD(t, "needs a value", "--no-new-privileges=");
}

static void test_calls(struct tap *t) {
        GOOD(t, strv_is(&s->sec.calls_allow, ARGV("add_key", "keyctl")), "--system-call-filter=add_key keyctl");
        GOOD(t, strv_is(&s->sec.calls_deny, ARGV("@mount", "x")), "--system-call-filter=~@mount x");
        GOOD(t, s->sec.calls_allow.n == 4 && s->sec.calls_deny.n == 1, "--system-call-filter",
             "@memlock @pkey  @clock @cpu-emulation", "--system-call-filter=~bpf");
        BAD(t, "no name of a system call", "--system-call-filter=a,b");
        BAD(t, "no name of a system call", "--system-call-filter=a ~b");
        BAD(t, "no system call", "--system-call-filter=~");
        BAD(t, "no name of a system call", "--system-call-filter=@");
        GOOD(t, s->sec.no_filter, "--seccomp=no");
        GOOD(t, !s->sec.no_filter, "--seccomp=no", "--seccomp=yes");
        BAD(t, "not a boolean", "--seccomp=strict");
        GOOD(t, s->sec.nesting, "--nesting");
        BAD(t, "takes no value", "--nesting=1x");
}

static void test_families(struct tap *t) {
#define F "--restrict-address-families="
        GOOD(t, !s->sec.families_said, "true");
        GOOD(t,
             s->sec.families_said && !s->sec.families_deny_list &&
                     strv_is(&s->sec.families, ARGV("AF_UNIX", "AF_INET")),
             F "AF_UNIX AF_INET AF_LOCAL");
        GOOD(t, s->sec.families_deny_list && strv_is(&s->sec.families, ARGV("AF_PACKET", "AF_VSOCK")),
             F "~AF_PACKET AF_VSOCK");
        GOOD(t, strv_is(&s->sec.families, ARGV("AF_INET", "AF_INET6")) && !s->sec.families_deny_list, F "~AF_UNIX",
             F "AF_INET AF_UNIX", F "AF_INET6");
        GOOD(t, s->sec.families_none && s->sec.families.n == 0, F "none");
        GOOD(t, s->sec.families_none, F "AF_UNIX", F "~AF_LOCAL");
        GOOD(t, s->sec.families_said && s->sec.families_deny_list && s->sec.families.n == 0 && !s->sec.families_none,
             F);
        GOOD(t, s->sec.families_deny_list && s->sec.families.n == 0, F "none", F);
        BAD(t, "unknown address family AF_FOO", F "AF_FOO");
        BAD(t, "unknown address family ~AF_INET", F "AF_UNIX ~AF_INET");
        BAD(t, "unknown address family af_inet", F "af_inet");
        BAD(t, "no address family", F "~");
#undef F
}

static void test_limits(struct tap *t) {
        char buf[NTH_BUF];

#define LIMIT(x, soft, hard)                                                                                          \
        (s->limits.rlimit_said == 1u << RLIMIT_##x && s->limits.rlimit[RLIMIT_##x].rlim_cur == (soft) &&              \
         s->limits.rlimit[RLIMIT_##x].rlim_max == (hard))
        GOOD(t, LIMIT(NOFILE, 10240, 10240), "--rlimit=RLIMIT_NOFILE=10240");
        GOOD(t, LIMIT(CORE, 0, RLIM_INFINITY), "--rlimit=CORE=0:infinity");
        GOOD(t, LIMIT(AS, 1ull << 30, 2ull << 30), "--rlimit", "LimitAS=1G:2G");
        GOOD(t, LIMIT(NICE, 25, 25), "--rlimit=NICE=-5");
        GOOD(t, LIMIT(CPU, 120, 120), "--rlimit=cpu=2min");
        GOOD(t, LIMIT(NPROC, 2, 2), "--rlimit=NPROC=1", "--rlimit=NPROC=2");
        BAD(t, "no such resource", "--rlimit=FOO=1");
        BAD(t, "no limit", "--rlimit=NOFILE");
        BAD(t, "out of range, or soft is above hard", "--rlimit=NOFILE=2:1");
        BAD(t, "not a limit", "--rlimit=NOFILE=1K");
        BAD(t, "not a limit", "--rlimit=NOFILE=-1");
        GOOD(t, s->limits.oom_said && s->limits.oom_score_adjust == -1000, "--oom-score-adjust=-1000");
        GOOD(t, s->limits.oom_said && s->limits.oom_score_adjust == 0, "--oom-score-adjust", "0");
        BAD(t, "out of range", "--oom-score-adjust=1001");
        BAD(t, "not a number", "--oom-score-adjust=1.5");
        BAD(t, "needs a value", "--oom-score-adjust=");
        GOOD(t, s->limits.cpus_said && s->limits.cpus[0] == 0x0f && s->limits.cpus[1] == 1, "--cpu-affinity=0-3,8");
        GOOD(t, s->limits.cpus[0] == 2, "--cpu-affinity=0", "--cpu-affinity=1");
        BAD(t, "not a list of CPUs", "--cpu-affinity=a");
        BAD(t, "out of range", "--cpu-affinity=3-1");
        BAD(t, "out of range", "--cpu-affinity=1024");
        BAD(t, "not a list of CPUs", "--cpu-affinity=,");
        GOOD(t, s->exec.personality == PERSONALITY_UNSAID, "true");
        for (unsigned i = 0; nth_personality(i, buf); i++) {
                char word[64];

                snprintf(word, sizeof word, "--personality=%s", nth_personality(i, buf));
                GOOD(t, s->exec.personality == (i ? PER_LINUX32 : PER_LINUX), word);
        }
        BAD(t, "no such architecture", "--personality=vax");
        BAD(t, "no such architecture", "--personality=X86");
        BAD(t, "needs a value", "--personality=");
}

static void test_integration(struct tap *t) {
        GOOD(t, s->integration.resolv_conf == RESOLV_AUTO && s->integration.timezone == TIMEZONE_AUTO, "true");
        GOOD(t, s->integration.resolv_conf == RESOLV_COPY_HOST, "--resolv-conf=copy-host");
        GOOD(t, s->integration.resolv_conf == RESOLV_BIND_STUB, "--resolv-conf", "bind-stub");
        GOOD(t, s->integration.resolv_conf == RESOLV_OFF, "--resolv-conf=off");
        BAD(t, "no such mode", "--resolv-conf=copy");
        GOOD(t, s->integration.resolv_conf == RESOLV_OFF, "--resolv-conf=no");
        GOOD(t, s->integration.resolv_conf == RESOLV_AUTO, "--resolv-conf=off", "--resolv-conf=1");
        BAD(t, "needs a value", "--resolv-conf=");
        GOOD(t, s->integration.timezone == TIMEZONE_COPY, "--timezone=copy");
        GOOD(t, s->integration.timezone == TIMEZONE_DELETE, "--timezone=delete");
        BAD(t, "no such mode", "--timezone=Europe/Berlin");
        GOOD(t, s->integration.timezone == TIMEZONE_AUTO, "--timezone=off", "--timezone=yes");
        GOOD(t, s->integration.link_journal == JOURNAL_AUTO, "--link-journal=no", "--link-journal=on");
        BAD(t, "needs a value", "--timezone");
}

static void test_console(struct tap *t) {
        GOOD(t, s->console.mode == CONSOLE_DEFAULT && !s->console.background, "true");
        GOOD(t, s->console.mode == CONSOLE_PIPE && s->self.quiet, "-P");
        GOOD(t, s->console.mode == CONSOLE_PIPE, "--pipe");
        GOOD(t, s->console.mode == CONSOLE_AUTOPIPE && !s->self.quiet, "--console=autopipe");
        GOOD(t, s->console.mode == CONSOLE_READ_ONLY, "-P", "--console=read-only");
        GOOD(t, s->console.mode == CONSOLE_INTERACTIVE, "--console=interactive");
        GOOD(t, s->console.mode == CONSOLE_PASSIVE, "--console=passive");
        BAD(t, "no such mode (allowed: interactive,", "--console=tty");
        BAD(t, "no such mode", "--console=default");
        BAD(t, "needs a value", "--console=");
        BAD(t, "takes no value", "--pipe=no");
        GOOD(t, streq(s->console.background, "48;5;17"), "--background=48;5;17");
        GOOD(t, streq(s->console.background, "48:2::10:20:30"), "--background=48:2::10:20:30");
        GOOD(t, streq(s->console.background, ""), "--background=");
        BAD(t, "not a colour", "--background=red");
        BAD(t, "not a colour", "--background=44m");
        BAD(t, "not a colour", "--background=:");
        BAD(t, "not a colour", "--background=44;");
        BAD(t, "not a colour", "--background=;44");
        BAD(t, "needs a value", "--background");
}

int main(void) {
        struct tap t = { 0 };

        test_self(&t);
        test_root(&t);
        test_mode(&t);
        test_exec(&t);
        test_signals(&t);
        test_identity(&t);
        test_place(&t);
        test_mounts(&t);
        test_mount_options(&t);
        test_users(&t);
        test_net(&t);
        test_caps(&t);
        test_calls(&t);
        test_families(&t);
        test_limits(&t);
        test_integration(&t);
        test_console(&t);
        return tap_done(&t);
}
