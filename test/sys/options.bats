#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Options that are not the subject of another file: environment, limits, personality, help, dry runs.

load ../lib/common

# --- environment

@test "a plain command's environment is exactly what it should be" {
        PLANTED=x FOO=bar in_tree sh -c 'tr "\0" "\n" </proc/1/environ | sort'
        status_is 0
        local id version want
        id=$(sed -n 's/^ID=//p' /etc/os-release | tr -d '"')
        version=$(sed -n 's/^VERSION_ID=//p' /etc/os-release | tr -d '"')
        want=$(sort <<END
HOME=/root
LANG=C.UTF-8
LOGNAME=root
NOTIFY_SOCKET=/run/host/notify
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
USER=root
container=systemd-nspawn
container_host_id=$id
container_host_version_id=$version
END
)
        [ "$(grep -vE '^(container_uuid|TERM|container_host_(build|variant)_id)=' <<<"$output")" = "$want" ]
        output_matches '^container_uuid='
}

@test "-E sets, overrides what is built in, copies the caller's value, and may be empty" {
        opts=(-E ONE=1 --setenv=TWO=a=b -E HOME=/elsewhere -E container=mine -E PATH=/bin -E EMPTY=)
        in_tree env
        status_is 0
        line_is ONE=1
        line_is TWO=a=b
        line_is HOME=/elsewhere
        line_is container=mine
        line_is PATH=/bin
        line_is EMPTY=
        opts=(-E COPIED)
        COPIED=value in_tree env
        line_is COPIED=value
}

@test "-E: a name that is none is refused" {
        local bad
        for bad in '' = =x 1A=x 'A B=x' A-B=x $'A\n=x' 'ä=x'; do
                opts=("--setenv=$bad")
                in_tree true
                refused || fail "name: $bad"
        done
}

@test "-E of a variable that the caller does not have is empty inside" {
        opts=(-E NOT_SET_ANYWHERE)
        in_tree sh -c 'echo "${NOT_SET_ANYWHERE-unset}."'
        status_is 0
        output_is .
}

@test "-E: the last one wins" {
        opts=(-E A=1 -E A=2)
        in_tree sh -c 'echo $A; tr "\0" "\n" </proc/1/environ | grep -c ^A='
        output_is $'2\n1'
}

# --- limits

@test "default limits are the kernel's for PID 1, whatever the caller has" {
        (
                ulimit -S -c 0
                ulimit -S -n 256
                ulimit -S -s 1024
                in_tree cat /proc/1/limits
                status_is 0
                output_matches '^Max stack size +8388608 +(unlimited|1048576)'
                output_matches '^Max core file size +0 +unlimited'
                output_matches '^Max open files +1024 '
                output_matches '^Max file size +unlimited +unlimited'
                output_matches '^Max nice priority +0 +0'
                output_matches '^Max realtime priority +0 +0'
                output_matches '^Max msgqueue size +819200 +819200'
        )
}

@test "--rlimit: one value, two values, prefixes, units, infinity" {
        opts=(--rlimit=NOFILE=300 --rlimit=RLIMIT_CORE=1024:2048 --rlimit=LimitFSIZE=1M --rlimit=CPU=100:infinity --rlimit=nproc=77)
        in_tree cat /proc/1/limits
        status_is 0
        output_matches '^Max open files +300 +300'
        output_matches '^Max core file size +1024 +2048'
        output_matches '^Max file size +1048576 +1048576'
        output_matches '^Max cpu time +100 +unlimited'
        output_matches '^Max processes +77 +77'
}

@test "--rlimit that cannot be raised is set as near as possible" {
        (
                ulimit -S -n 4000
                ulimit -H -n 5000
                opts=(--rlimit=NOFILE=600:1000000)
                in_tree grep 'Max open files' /proc/1/limits
                status_is 0
                output_matches '^Max open files +600 +'
        )
}

@test "--rlimit: the payload's limits are not in the way of its start, nor is its system call program" {
        local mode small
        for mode in -q -a; do
                for small in FSIZE=0 FSIZE=1 NOFILE=6 MEMLOCK=0 MSGQUEUE=0 SIGPENDING=0 CORE=0; do
                        opts=("$mode" --rlimit="$small")
                        # A pipe: what a test looks at otherwise is a file, which has a limit here.
                        try bash -c '"$@" | cat; exit "${PIPESTATUS[0]}"' bash "$BERTH" -q "${opts[@]}" -D "$TREE" echo "$small"
                        status_is 0
                        output_is "$small"
                done
                opts=("$mode" '--system-call-filter=~memfd_create ftruncate getdents64 setrlimit')
                in_tree echo x
                status_is 0
                output_is x
        done
}

@test "--rlimit: as few open files as is said to be possible are possible" {
        local mode need
        for mode in -q -a; do
                try "$OUTSIDE" listen 2 -- "$BERTH" -q $mode --rlimit=NOFILE=6 -D "$TREE" true
                refused NOFILE=
                need=$(sed -n 's/.*NOFILE=\([0-9]*\) or more.*/\1/p' <<<"$errors")
                try "$OUTSIDE" listen 2 -- "$BERTH" -q $mode --rlimit=NOFILE="$need" -D "$TREE" /bin/inside listen
                status_is 0
                try berth -q $mode --rlimit=NOFILE=1 -D "$TREE" echo x
                refused NOFILE=
                need=$(sed -n 's/.*NOFILE=\([0-9]*\) or more.*/\1/p' <<<"$errors")
                try berth -q $mode --rlimit=NOFILE="$need" -D "$TREE" echo x
                status_is 0
                output_is x
        done
}

@test "--rlimit: bad values are refused, help lists the names" {
        local bad
        for bad in '' NOFILE NOFILE= =1 NOSUCH=1 NOFILE=-1 NOFILE=x NOFILE=2:1 NOFILE=1:2:3 NOFILE=1x NOFILE=99999999999999999999 'NOFILE= 1'; do
                opts=("--rlimit=$bad")
                in_tree true
                refused || fail "limit: $bad"
        done
        try berth --rlimit=help
        status_is 0
        output_matches NOFILE
        output_matches MSGQUEUE
}

@test "--oom-score-adjust" {
        opts=(--oom-score-adjust=500)
        in_tree cat /proc/1/oom_score_adj
        output_is 500
        opts=()
        in_tree cat /proc/1/oom_score_adj
        output_is "$(cat /proc/self/oom_score_adj)"
        local bad
        for bad in '' x 1001 -1001 1.5 0x10; do
                opts=("--oom-score-adjust=$bad")
                in_tree true
                refused || fail "value: $bad"
        done
}

@test "--cpu-affinity" {
        opts=(--cpu-affinity=0)
        in_tree grep Cpus_allowed_list /proc/1/status
        output_is $'Cpus_allowed_list:\t0'
        local bad
        for bad in '' x -1 0- 1-0 99999; do
                opts=("--cpu-affinity=$bad")
                in_tree true
                refused || fail "cpus: $bad"
        done
        opts=(--cpu-affinity=1023)
        in_tree true
        refused "none of these processors"
}

@test "the payload may be on the processors that its caller may be on" {
        local cpus
        cpus=$(grep Cpus_allowed_list /proc/self/status)
        in_tree grep Cpus_allowed_list /proc/1/status
        output_is "$cpus"
        taskset -cp 0 "$BASHPID" >/dev/null
        in_tree grep Cpus_allowed_list /proc/1/status
        output_is $'Cpus_allowed_list:\t0'
}

@test "--personality changes what uname says" {
        [ "$(uname -m)" = x86_64 ] || skip "another architecture"
        opts=(--personality=x86)
        in_tree uname -m
        output_is i686
        opts=(--personality=x86-64)
        in_tree uname -m
        output_is x86_64
        opts=(--personality=nonsense)
        in_tree true
        refused nonsense
}

@test "--private-network=no and --as-pid2=no undo" {
        opts=(--private-network --private-network=no)
        in_tree readlink /proc/self/ns/net
        status_is 0
        output_is "$(readlink /proc/self/ns/net)"
        opts=(-a --as-pid2=no)
        in_tree sh -c 'echo $$'
        output_is 1
}

@test "--boot=no is accepted by berth, and refused as systemd-nspawn does under the other name" {
        opts=(--boot=no)
        in_tree echo x
        status_is 0
        output_is x
}

# --- help and introspection

@test "--help and --version go to stdout with status 0, without a pager" {
        try berth --help
        status_is 0
        output_has --directory
        output_has --boot
        errors_is ""
        try berth -h
        status_is 0
        try berth --version
        status_is 0
        output_matches '^berth '
        SYSTEMD_PAGER=/bin/false PAGER=/bin/false try berth --no-pager --help
        status_is 0
}

@test "the other name's first line of --version is of systemd-nspawn's form: programs read word three" {
        try strict --version
        status_is 0
        [[ $(head -n 1 <<<"$output" | cut -d' ' -f1,2,3) =~ ^systemd\ [0-9]+\ \([0-9].*\)$ ]]
}

@test "--help does not name the hidden options" {
        try berth --help
        output_lacks --mstack
        output_lacks --private-users-chown
        output_lacks --share-system
}

@test "--help=differences lists what berth does differently" {
        try berth --help=differences
        status_is 0
        output_has --private-users
        output_has --private-network
        # The lint and test/unit/test-differences.c hold the rest against man page and plans.
        output_has "By both names:"
}

@test "--introspect-cli has every option of systemd-nspawn, with the same kind of argument" {
        try berth --introspect-cli
        status_is 0
        python3 - "$top/test/compat/options.tsv" "$work/.stdout" <<'END'
import json, sys
ours = {}
for row in json.load(open(sys.argv[2])):
    for name in ('-' + row['short'] if row['short'] else None, '--' + row['long'] if row['long'] else None):
        ours[name] = row['argument']
theirs = {}
for line in open(sys.argv[1]):
    if not line.startswith('#'):
        names, argument = line.split()[:2]
        theirs |= {name: argument for name in names.split(',')}
wrong = {n: (k, ours.get(n)) for n, k in theirs.items() if ours.get(n) != k}
if wrong or len(theirs) < 90:
    sys.exit(f'{len(theirs)} options; other than there: {wrong}')
END
}

@test "every option that --help names is in the table, and the other way round" {
        try berth --introspect-cli
        status_is 0
        cp "$work/.stdout" "$work/table.json"
        try berth --help
        python3 - "$work/table.json" "$work/.stdout" <<'END'
import json, re, sys
def names(node):
    if isinstance(node, dict):
        for k, v in node.items():
            if k in ('name', 'long') and isinstance(v, str):
                yield v.lstrip('-'), node
            yield from names(v)
    elif isinstance(node, list):
        for v in node:
            yield from names(v)
table = dict(names(json.load(open(sys.argv[1]))))
table = {k: v for k, v in table.items() if re.fullmatch(r'[a-z0-9-]{2,}', k)}
shown = set(re.findall(r'--([a-z0-9-]+)', open(sys.argv[2]).read()))
missing = sorted(shown - set(table))
assert not missing, f'in the help but not in the table: {missing}'
assert len(table) > 80, sorted(table)
END
}

# --- dry runs

@test "--dry-run prints the plan and changes nothing" {
        fresh_tree
        find "$TREE" -printf '%P %T@ %C@ %m %U\n' | sort >"$work/before"
        try berth --dry-run -D "$TREE" -E ONE=1 --read-only echo x
        status_is 0
        [ -n "$output" ]
        output_has "$TREE"
        output_has proc
        output_has "API file system"
        output_has --read-only
        find "$TREE" -printf '%P %T@ %C@ %m %U\n' | sort | cmp - "$work/before"
        never test -e /run/berth/tree
}

@test "--dry-run=json prints JSON" {
        try berth --dry-run=json -D "$TREE" echo x
        status_is 0
        python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); assert isinstance(d, dict) and len(d) > 5, d' "$work/.stdout"
}

@test "--dry-run shows where a setting comes from" {
        SYSTEMD_SECCOMP=0 try berth --dry-run -D "$TREE" --hostname=shown echo x
        status_is 0
        output_matches 'hostname.*'
        output_has "command line"
        output_has environment
}

@test "--dry-run makes no system call that changes the host" {
        strace -f -o "$work/trace" -e trace=mount,umount2,mkdir,mkdirat,mknod,mknodat,symlink,symlinkat,unlink,unlinkat,rename,renameat,renameat2,chown,fchown,lchown,fchownat,clone3,unshare,setns,move_mount,mount_setattr,fsmount,pivot_root,sethostname \
                "$BERTH" --dry-run -D "$TREE" --boot >/dev/null
        never grep -E '\) += +[0-9]' "$work/trace"
}

@test "--dry-run needs no root" {
        local mode
        make_open_place "$BERTH" "$TREE"
        for mode in text json; do
                as_nobody "$open_place/berth" --dry-run=$mode -D "$open_place/busybox" true
                status_is 0
                [ -n "$output" ]
        done
}

@test "--dry-run names the same refusals as a start" {
        try berth --dry-run -D /no/such/tree true
        refused /no/such/tree
        try berth --dry-run=nonsense -D "$TREE" true
        refused nonsense
}

@test "--dry-run says of a network namespace that is not there what a start says" {
        local path
        for path in /nonexistent /etc/passwd /proc/self/ns/uts; do
                try berth -q --network-namespace-path="$path" -D "$TREE" true
                refused "$path"
                cp "$work/.stderr" "$work/start"
                try berth -q --dry-run --network-namespace-path="$path" -D "$TREE" true
                refused "cannot enter the network namespace $path"
                cmp "$work/.stderr" "$work/start"
        done
}

# --- settings files

@test "a settings file beside the tree is read; an empty one changes nothing" {
        fresh_tree
        : >"$TREE.nspawn"
        in_tree sh -c 'echo $0 $ONE'
        status_is 0
        output_is sh
        printf '[Exec]\nEnvironment=ONE=1\nHostname=from-file\n' >"$TREE.nspawn"
        in_tree sh -c 'echo $ONE; hostname'
        output_is $'1\nfrom-file'
}

@test "the command line wins over a settings file, and can undo it" {
        fresh_tree
        printf '[Exec]\nHostname=from-file\nNoNewPrivileges=yes\n' >"$TREE.nspawn"
        opts=(--hostname=from-argv --no-new-privileges=no)
        in_tree sh -c 'hostname; grep NoNewPrivs /proc/self/status'
        line_is from-argv
        output_matches '^NoNewPrivs:.0$'
        opts=(--settings=no)
        in_tree hostname
        output_is tree
}

@test "a file beside the tree cannot ask for more than it may" {
        fresh_tree
        printf '[Exec]\nCapability=all\nPrivateUsers=no\nEnvironment=OK=1\n[Files]\nBind=/etc:/mnt\n[Network]\nPrivate=no\n' >"$TREE.nspawn"
        try berth -D "$TREE" sh -c 'grep ^CapBnd /proc/self/status; readlink /proc/self/ns/user; ls /mnt; echo $OK'
        status_is 0
        output_lacks passwd
        output_lacks "$(readlink /proc/self/ns/user)"
        [ $((0x$(awk '/^CapBnd/ { print $2 }' <<<"$output") >> 16 & 1)) = 0 ]
        line_is 1
        errors_has Capability
        errors_has Bind
}

# Each key by the table itself: one that is added is of one kind or the other. What is only a path, more rights or more of
# the host may not come from a file beside the tree; what may is listed here once more, so that nobody adds to it unseen.
@test "a file beside the tree: every key that only a trusted file may set changes nothing in the plan" {
        local harmless='Boot DropCapability Environment Hostname KillSignal NoNewPrivileges NotifyReady Personality ProcessTwo
                ReadOnly ResolvConf RestrictAddressFamilies SuppressSync SystemCallFilter Timezone User Volatile'
        local section key trusted value
        fresh_tree
        berth --introspect-cli >"$work/table"
        python3 - "$work/table" $harmless >"$work/keys" <<'END'
import json, sys
rows = [r for r in json.load(open(sys.argv[1])) if r['key']]
open_ones = {r['key'] for r in rows if r['untrusted']}
wrong = open_ones ^ set(sys.argv[2:])
if wrong:
    sys.exit(f'not harmless, or not open: {wrong}')
for r in rows:
    if not r['untrusted']:
        print(r['section'], r['key'].replace('*', 'NOFILE'))
END
        [ "$(wc -l <"$work/keys")" -ge 30 ]
        # Random numbers apart: the machine id, and what follows from it.
        plan() { try berth -q --dry-run --uuid=11112222333344445555666677778888 -D "$TREE" true; }
        plan
        status_is 0
        cp "$work/.stdout" "$work/bare"
        while read -r section key; do
                for value in yes 1 /etc map CAP_SYS_ADMIN 64 11112222-3333-4444-5555-666677778889 /etc:/mnt; do
                        printf '[%s]\n%s=%s\n' "$section" "$key" "$value" >"$TREE.nspawn"
                        plan
                        status_is 0
                        cmp "$work/.stdout" "$work/bare" || fail "$key=$value has changed the plan"
                        errors_has "$TREE.nspawn:2"
                done
        done <"$work/keys"
}

@test "an unknown key in a settings file is a warning with file and line" {
        fresh_tree
        printf '[Exec]\nNoSuchKey=1\n' >"$TREE.nspawn"
        try berth -D "$TREE" echo x
        status_is 0
        output_is x
        errors_has "$TREE.nspawn:2"
        errors_has NoSuchKey
        # Sections and keys that begin with X- are for others.
        printf '[X-Section]\nX-Key=1\nOther=1\n[Exec]\nX-Key=1\nEnvironment=A=b\n' >"$TREE.nspawn"
        try berth -q -D "$TREE" sh -c 'echo $A'
        output_is b
        [ -z "$errors" ]
}

@test "--settings=trusted trusts the file beside the tree" {
        fresh_tree
        printf '[Exec]\nPrivateUsers=no\n' >"$TREE.nspawn"
        opts=(--settings=trusted)
        in_tree readlink /proc/self/ns/user
        output_is "$(readlink /proc/self/ns/user)"
}
