/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is decided differently where nothing was said. --help=differences prints it; a lint holds a chapter of the man
 * page and SECURITY.md against it. test/unit/test-differences.c compares plans of both faces: a difference without a
 * row here fails there, and so does a row without a difference. */

#include "conf/setting.h"

#include "base/clean.h"

/* clang-format off */
const struct difference differences[] = {
        { "user ids", "private-users",
          "a range of their own, mapped without touching the tree, wherever that is possible",
          "the host's: root inside is root outside" },
        { "network, --boot", "private-network", "its own, with a loopback interface only", "the host's" },
        { "abstract sockets of the host, in its network", "private-network", "closed (Linux 6.12)", "open" },
        { "system calls", "nesting",
          "none for keyrings, io_uring, userfaultfd and others that few programs use; personality(2) for Linux only",
          "those of systemd-nspawn 262" },
        { "socket families", "restrict-address-families",
          "AF_UNIX, AF_INET, AF_INET6, AF_NETLINK; AF_PACKET with an own network", "all" },
        { "x32 system calls, and those of other rare ABIs", "", "closed", "filtered as others" },
        { "covered in /proc and /sys", "api-vfs", "more that tells about the host", "what systemd-nspawn covers" },
        { "/sys, own network", "", "all of it, read-only", "the parts that systemd-nspawn shows" },
        { "/dev/fuse and /dev/net/tun", "nesting", "with --nesting", "where berth can open them" },
        { "a settings file beside the tree", "settings", "cannot open socket families", "can" },
        { "--capability= with one that berth itself lacks", "", "refused", "left out, and one line says so" },
        { "--slice=, --property= with --keep-unit", "", "refused", "no effect, and one line says so" },
        { "TERM to berth, without --boot", "kill-signal", "passed on", "the payload is killed" },
        { "--as-pid2: ended by a signal", "", "status 128 and its number", "status 255" },
        { "--as-pid2: signals to process 1", "", "passed on to the command",
          "INT asks for a reboot, others do nothing" },
        { "--version", "", "berth and its version", "systemd 262, and berth's version behind it" },
};
const size_t n_differences = ELEMENTS(differences);

const struct difference_always differences_always[] = {
        { "resolv-conf", "--resolv-conf=auto never writes to the tree." },
        { "timezone", "--timezone=auto never writes to the tree." },
        { "timezone",
          "--timezone=bind and --resolv-conf=bind-... make no file in the tree to cover: they are refused where it is "
          "missing. So is --timezone=symlink where the tree lacks the zone." },
        { "read-only", "--read-only makes no mount points: the tree must have them." },
        { "bind",
          "What is mounted below the tree or the source of --bind= during the run does not appear inside; on /, "
          "/proc, /sys, /dev and /run itself nothing can be mounted." },
        { "",
          "Some words that it mends or passes over are refused: .. in the destination of a mount, a slash in "
          "--slice=, system calls and groups that nobody knows." },
        { "bind", "An empty source of --bind= or --overlay= is in memory." },
        { "background",
          "It does not tint the terminal, set its title, or ask it anything, unless --background= is given." },
        { "console", "Without a terminal, and without --boot, --console= is pipe instead of read-only." },
        { "as-pid2", "The small init of --as-pid2 has the payload's rights and none of the caller's environment." },
        { "notify-ready", "With --as-pid2, READY=1 is heard from the payload." },
        { "network-namespace-path",
          "The loopback interface of a joined network is brought up, and /sys shows that network." },
        { "ephemeral", "--ephemeral uses an overlay where files cannot share blocks." },
        { "ephemeral", "A copy of --ephemeral has a machine id and an /etc/hostname of its own." },
        { "uid",
          "A user without an entry in the tree's /etc/passwd can be given by number; with one, a number means the "
          "same as its name: variables and groups too." },
        { "private-users", "In a user namespace, /proc/PID/uid_map inside does not tell the range of the host." },
        { "settings", "With --settings=no, too, no limit is the caller's." },
        { "",
          "A program that is called by a symbolic link has the name of what the link leads to in /proc/PID/comm." },
        { "", "The set of inheritable capabilities is empty." },
        { "", "System calls of an unknown architecture end the process, instead of being allowed." },
        { "", "Device nodes in the tree itself do not work: the root is mounted nodev." },
};
/* clang-format on */
const size_t n_differences_always = ELEMENTS(differences_always);
