# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the tests need from the distribution, by tier, and how to install it. Only what is missing is installed, and
# only after it was said.

# Columns: what, tiers that need it, how to see that it is there, package by apt, dnf, pacman, zypper, apk ("-": none).
# How to see: a command's name, lib:NAME for pkg-config, or the name of a function below.
needs_table() {
        cat <<'END'
meson        all            meson              meson                  meson               meson              meson                meson
ninja        all            ninja              ninja-build            ninja-build         ninja              ninja                samurai
compiler     all            gcc                gcc                    gcc                 gcc                gcc                  gcc
pkg-config   all            pkg-config         pkg-config             pkgconf-pkg-config  pkgconf            pkgconf-pkg-config   pkgconf
static-libc  all            can_link_static    libc6-dev              glibc-static        glibc              glibc-devel-static   musl-dev
musl         all            has_musl           musl-tools             musl-gcc            musl               -                    musl-dev
musl-static  all            has_musl           musl-tools             musl-libc-static    musl               -                    musl-dev
headers      all            has_kernel_headers linux-libc-dev         kernel-headers      linux-api-headers  linux-glibc-devel    linux-headers
libseccomp   all            lib:libseccomp     libseccomp-dev         libseccomp-devel    libseccomp         libseccomp-devel     libseccomp-dev
libcap       all            lib:libcap         libcap-dev             libcap-devel        libcap             libcap-devel         libcap-dev
libsystemd   all            lib:libsystemd     libsystemd-dev         systemd-devel        systemd-libs       systemd-devel      -
libblkid     all            lib:blkid          libblkid-dev           libblkid-devel       util-linux-libs    libblkid-devel       util-linux-dev
libmount     all            lib:mount          libmount-dev           libmount-devel      util-linux-libs    libmount-devel       util-linux-dev
scdoc        lint           scdoc              scdoc                  scdoc               scdoc              scdoc                scdoc
shellcheck   lint           shellcheck         shellcheck             ShellCheck          shellcheck         ShellCheck           shellcheck
clang-format lint           clang-format       clang-format           clang-tools-extra   clang              clang-tools          clang-extra-tools
zsh          lint           zsh                zsh                    zsh                 zsh                zsh                  zsh
fish         lint           fish               fish                   fish                fish               fish                 fish
python3      all            python3            python3                python3             python             python3              python3
bats         sys,compat     bats               bats                   bats                bats               bats                 bats
busybox      sys,host,vm,demo,probe,faults,perf has_static_busybox busybox-static         busybox             busybox            busybox-static       busybox-static
mmdebstrap   suite,sys,host,vm  mmdebstrap         mmdebstrap             mmdebstrap          -                  -                    -
debian-keys  suite,sys,host,vm  has_debian_keys    debian-archive-keyring debian-keyring      debian-archive-keyring -                -
iproute2     sys,faults     ip                 iproute2           iproute                iproute2            iproute2           iproute2
jq           sys            jq                 jq                 jq                     jq                  jq                 jq
qemu         vm             qemu-system-x86_64 qemu-system-x86        qemu-system-x86-core qemu-system-x86      qemu-x86           qemu-system-x86_64
qemu-user    sys            qemu-aarch64-static qemu-user-static  qemu-user-static       qemu-user-static    qemu-linux-user      qemu-aarch64
mke2fs       sys,vm,perf    mke2fs             e2fsprogs              e2fsprogs            e2fsprogs            e2fsprogs          e2fsprogs
sfdisk       sys            sfdisk             fdisk                  util-linux           util-linux           util-linux         sfdisk
squashfs     sys,perf       mksquashfs         squashfs-tools         squashfs-tools       squashfs-tools       squashfs           squashfs-tools
erofs        sys,perf       mkfs.erofs         erofs-utils            erofs-utils          erofs-utils          erofs-utils        erofs-utils
btrfs        sys            mkfs.btrfs         btrfs-progs            btrfs-progs          btrfs-progs          btrfsprogs         btrfs-progs
xfs          sys            mkfs.xfs           xfsprogs               xfsprogs             xfsprogs             xfsprogs           xfsprogs
f2fs         sys            mkfs.f2fs          f2fs-tools             f2fs-tools             f2fs-tools          f2fs-tools           f2fs-tools
cryptsetup   sys            cryptsetup         cryptsetup-bin         cryptsetup             cryptsetup          cryptsetup           cryptsetup
veritysetup  sys            veritysetup        cryptsetup-bin         veritysetup            cryptsetup          cryptsetup           cryptsetup
strace       sys,perf       strace             strace                 strace              strace             strace               strace
nspawn       sys,compat,perf,probe systemd-nspawn     systemd-container      systemd-container   systemd            systemd-container    -
udev         perf           udevadm            udev                   systemd-udev           systemd            udev                 -
bubblewrap   sys,perf       bwrap              bubblewrap             bubblewrap          bubblewrap         bubblewrap           bubblewrap
crun         perf           crun               crun                   crun                crun               crun                 crun
hyperfine    perf           hyperfine          hyperfine              hyperfine           hyperfine          hyperfine            hyperfine
clang        build-clang    clang              clang                  clang               clang              clang                clang
sanitizers   sanitize       can_sanitize       libgcc-12-dev          libasan             gcc                libasan8             -
ubsan        sanitize       can_sanitize       libgcc-12-dev          libubsan            gcc                libubsan1            -
END
}

can_compile() {
        printf 'int main(void) { return 0; }\n' | gcc -x c "$@" -o /dev/null - >/dev/null 2>&1
}

can_link_static() {
        can_compile -static
}

# Alpine's own library is musl.
has_musl() {
        command -v musl-gcc >/dev/null || [ -e /etc/alpine-release ]
}

can_sanitize() {
        can_compile -fsanitize=address,undefined
}

has_kernel_headers() {
        printf '#include <linux/mount.h>\n' | gcc -x c -fsyntax-only - >/dev/null 2>&1
}

has_static_busybox() {
        local box
        for box in /bin/busybox /usr/bin/busybox /usr/bin/busybox.static /bin/busybox.static /usr/bin/busybox-static \
                /usr/sbin/busybox; do
                [ -x "$box" ] && ! LC_ALL=C ldd "$box" >/dev/null 2>&1 && return 0
        done
        return 1
}

has_debian_keys() {
        [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || [ -e /usr/share/keyrings/debian-archive-keyring.pgp ]
}

package_manager() {
        local name
        for name in apt-get:apt dnf:dnf pacman:pacman zypper:zypper apk:apk; do
                command -v "${name%:*}" >/dev/null && printf '%s\n' "${name#*:}" && return 0
        done
        return 1
}

install_apt() {
        apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
}

install_dnf() {
        dnf install -y "$@"
}

install_pacman() {
        pacman -Sy --needed --noconfirm "$@"
}

install_zypper() {
        zypper --non-interactive install --no-recommends "$@"
}

install_apk() {
        apk add "$@"
}

is_there() {
        case $1 in
        lib:*) pkg-config --exists "${1#lib:}" 2>/dev/null ;;
        *) if declare -F "$1" >/dev/null; then "$1"; else command -v "$1" >/dev/null; fi ;;
        esac
}

# Does a list like "sys,compat" name one of the tiers that were asked for?
is_wanted() {
        local tier
        [ "$1" = all ] && return 0
        for tier in "${@:2}"; do
                case $tier in host-*) tier=host ;; vm-*) tier=vm ;; esac
                [[ ,$1, == *",$tier,"* ]] && return 0
        done
        return 1
}

# Packages that these tiers still need, one a line; "?WHAT" where the distribution is not known to have one.
missing_packages() {
        local manager=$1 what tiers check apt dnf pacman zypper apk
        while read -r what tiers check apt dnf pacman zypper apk; do
                is_wanted "$tiers" "${@:2}" || continue
                is_there "$check" && continue
                case $manager in
                apt) echo "$apt" ;; dnf) echo "$dnf" ;; pacman) echo "$pacman" ;; zypper) echo "$zypper" ;; apk) echo "$apk" ;;
                *) echo "?$what" ;;
                esac | sed "s/^-\$/?$what/"
        done < <(needs_table)
}

# install_needs TIER...: says what is missing, installs it. Fails where that cannot be done.
install_needs() {
        local manager missing unknown
        manager=$(package_manager) || manager=none
        mapfile -t missing < <(missing_packages "$manager" "$@" | grep -v '^?' | sort -u)
        mapfile -t unknown < <(missing_packages "$manager" "$@" | sed -n 's/^?//p' | sort -u)
        [ ${#unknown[@]} = 0 ] || echo "not installed, and no package known here: ${unknown[*]}"
        [ ${#missing[@]} = 0 ] && return 0
        echo "to be installed by $manager: ${missing[*]}"
        if [ "$(id -u)" != 0 ]; then
                echo "run this as root once, or install them yourself" >&2
                return 1
        fi
        "install_$manager" "${missing[@]}"
}
