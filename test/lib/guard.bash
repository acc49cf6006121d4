# SPDX-License-Identifier: LGPL-2.1-or-later
#
# shellcheck disable=SC2034,SC2154 # what one file sets, another reads
# What a test may not leave behind, or take away. guard_begin notes the state of the machine, guard_end compares and says
# what differs: mounts, loop devices, cgroups, interfaces, files where programs put temporary ones, processes, terminal
# settings, a few kernel settings, and the tree that all tests share.

# Directories whose entries are compared. What others on the machine do in /run is not ours to judge.
guard_places=(/tmp /var/tmp /dev/shm /run /run/berth /run/systemd/nspawn /run/systemd/nspawn-uid /var/lib/machines)
guard_foreign='^file /run/(systemd/(?!nspawn)|udev/|log/|user/|lock/|mount/|blkid/|utmp|initctl)'
# Where locks are kept stays once it was made.
guard_foreign+='|^file /run/(berth|systemd/nspawn|systemd/nspawn/locks|systemd/nspawn-uid) d '
guard_top=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
# Lines of any kind that a place where tests run leaves out.
guard_ignore='^$'

# Descendants of the subreaper that the tests run under, except of the process whose number is given (the one that asks)
# and of those above it: "process PID STARTTIME COMM".
guard_processes() {
        cat /proc/[0-9]*/stat 2>/dev/null | awk -v top="${BERTH_TEST_REAPER:-1}" -v asks="$1" '
                {
                        pid = $1
                        name = $0; sub(/^[0-9]+ \(/, "", name); sub(/\) [A-Za-z] .*$/, "", name)
                        rest = $0; sub(/^.*\) /, "", rest); split(rest, f, " ")
                        state[pid] = f[1]; above[pid] = f[2]; start[pid] = f[20]; comm[pid] = name
                }
                function is_below(pid, of,    depth) {
                        for (depth = 0; pid in above && depth < 64; depth++) {
                                pid = above[pid]
                                if (pid == of) return 1
                        }
                        return 0
                }
                END {
                        for (pid in above)
                                if (is_below(pid, top) && pid != asks && !is_below(pid, asks) && !is_below(asks, pid))
                                        printf "process %s %s %s\n", pid, start[pid], comm[pid]
                }'
}

# What others have mounted in their directories came along when isolate made our namespace; where that lies now is theirs
# to change.
guard_mounts() {
        local ours
        ours="^($guard_top|${BERTH_BUILD:-$guard_top}|${TMPDIR:-/tmp}|/(tmp|run|var|dev|proc|sys|etc|usr|mnt|root|home)|/$)"
        cut -d' ' -f3- /proc/self/mountinfo | sed -E 's/ (shared|master|propagate_from):[0-9]+//g; s/^/mount /' |
                awk -v ours="$ours" '$4 !~ ours { $4 = "elsewhere" } { print }'
}

guard_cgroups() {
        local point
        while read -r point; do
                find "$point" -xdev -mindepth 1 -type d -printf 'cgroup %p\n' 2>/dev/null
        done < <(awk '{ for (i = 7; i < NF; i++) if ($i == "-" && $(i + 1) == "cgroup2") print $5 }' /proc/self/mountinfo)
}

# Loop devices are one table for the whole machine: those on files where tests keep theirs.
guard_loops() {
        local file backing
        for file in /sys/block/loop*/loop/backing_file; do
                backing=$(cat "$file" 2>/dev/null) || continue
                case $backing in
                "$guard_top"/* | "${BERTH_BUILD:-$guard_top}"/* | "${TMPDIR:-/tmp}"/* | /tmp/* | /var/tmp/* | /run/* | /var/lib/machines/*)
                        printf 'loop %s %s\n' "$file" "$backing"
                        ;;
                esac
        done
}

guard_snapshot() {
        local self=$BASHPID file
        {
                guard_mounts
                guard_loops
                for file in /sys/block/dm-*/dm/name; do
                        [ -e "$file" ] && printf 'mapped %s %s\n' "$file" "$(<"$file")"
                done
                guard_cgroups
                awk -F: 'NR > 2 { gsub(/ /, "", $1); print "interface " $1 }' /proc/net/dev
                find "${guard_places[@]}" -xdev -mindepth 1 -printf 'file %p %y %i\n' 2>/dev/null |
                        grep -vP "$guard_foreign"
                guard_processes "$self"
                guard_more
                { printf 'terminal ' && stty -g </dev/tty; } 2>/dev/null || echo none
                for file in hostname domainname core_pattern; do
                        printf 'kernel %s %s\n' "$file" "$(<"/proc/sys/kernel/$file")"
                done
                if [ -n "${guard_tree-}" ]; then
                        find "$guard_tree" -printf 'tree %P %y %m %U:%G %s %T@ %l\n'
                fi
        } | grep -vP "$guard_ignore" | sort -u
}

# What a place where tests run looks at too.
guard_more() {
        :
}

guard_begin() {
        guard_snapshot >"$BATS_TEST_TMPDIR/guard.before"
}

# Differences, as "left behind: ..." and "gone: ...". Waits up to $GUARD_SETTLE milliseconds for them to settle.
guard_compare() {
        local start=${EPOCHREALTIME/./}
        while true; do
                guard_snapshot >"$BATS_TEST_TMPDIR/guard.after"
                cmp -s "$BATS_TEST_TMPDIR/guard.before" "$BATS_TEST_TMPDIR/guard.after" && return 0
                [ $((${EPOCHREALTIME/./} - start)) -lt $((${GUARD_SETTLE:-3000} * 1000)) ] || break
                sleep 0.05
        done
        comm -13 "$BATS_TEST_TMPDIR/guard.before" "$BATS_TEST_TMPDIR/guard.after" | sed 's/^/left behind: /'
        comm -23 "$BATS_TEST_TMPDIR/guard.before" "$BATS_TEST_TMPDIR/guard.after" | sed 's/^/gone: /'
        return 1
}

# Ends what a failed test left, so that the next one starts clean: processes below our own subreaper, mounts, which nobody
# may remove files through, cgroups, and files in the directories that isolate made for the tests.
guard_sweep() {
        local kind what rest
        [ -n "${BERTH_TEST_REAPER-}" ] || return 0
        while read -r kind what rest; do
                case $kind in
                process) kill -KILL "$what" 2>/dev/null ;;
                cgroup) rmdir -- "$what" 2>/dev/null ;;
                file) case $what in /tmp/* | /var/tmp/* | /dev/shm/* | /run/berth/* | /run/systemd/nspawn*/*)
                        [ -z "${BERTH_TEST_DIRS-}" ] || rm -rf --one-file-system -- "$what" ;; esac ;;
                mount) umount -l -- "$(cut -d" " -f2 <<<"$rest")" 2>/dev/null ;;
                esac
        done < <(comm -13 "$BATS_TEST_TMPDIR/guard.before" "$BATS_TEST_TMPDIR/guard.after" | sort -r)
        guard_sweep_more
        return 0
}

# Ends what else such a place knows of.
guard_sweep_more() {
        :
}

guard_end() {
        local differences
        differences=$(guard_compare) && return 0
        guard_sweep
        printf '%s\n' "the host is not as it was before the test:" "$differences" | head -40 >&2
        return 1
}
