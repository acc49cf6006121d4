# SPDX-License-Identifier: LGPL-2.1-or-later
#
# shellcheck disable=SC2034,SC2154 # what one file sets, another reads
# A tree with all that files can have, and what it has, file by file.

# A tree with all that has an owner in it: set-user-ID bits, ACLs, capabilities, hard links, links out of it.
special_tree() {
        fresh_tree
        make_special
}

make_special() {
        /usr/bin/python3 - "$TREE/srv" <<'END'
import os, struct, sys
os.chdir(sys.argv[1])
def acl(*ids):
    return struct.pack('<I', 2) + b''.join(struct.pack('<HHI', *e) for e in (
        (1, 6, 2**32 - 1), *((2, 4, i) for i in ids), (4, 4, 2**32 - 1), (8, 6, 7), (16, 6, 2**32 - 1), (32, 0, 2**32 - 1)))
def make(name, uid, gid, mode):
    open(name, 'w').close()
    os.chown(name, uid, gid)
    os.chmod(name, mode)
for n in range(20):
    os.mkdir(f'd{n}')
    for k in range(20):
        make(f'd{n}/f{k}', k, n, 0o4755 if k % 5 == 0 else 0o640)
    make(f'd{n}/acl', 1000, 1000, 0o660)
    os.setxattr(f'd{n}/acl', 'system.posix_acl_access', acl(1, 1000))
    os.setxattr(f'd{n}', 'system.posix_acl_default', acl(5))
    make(f'd{n}/caps', 0, 0, 0o755)
    os.setxattr(f'd{n}/caps', 'security.capability', struct.pack('<5I', 0x02000001, 1 << 13, 0, 0, 0))
os.chmod('d1', 0o2775)
make('sgid', 3, 4, 0o2755)
os.link('sgid', 'd2/same')
os.symlink('/etc/passwd', 'out')
os.symlink('../../..', 'up')
os.mkfifo('fifo', 0o620)
os.mknod('disk', 0o060640, os.makedev(7, 200))
END
}

# Runs the program on standard input, which says what one(path) is to do, for each file of the tree $1, in an order that
# does not change; top is the tree itself. Paths are bytes: names may be of any.
each_file() {
        /usr/bin/python3 -c "import os, sys
top = os.fsencode(sys.argv[1])
$(cat)
one(top)
for at, dirs, files in os.walk(top):
    dirs.sort()
    for name in sorted(files + dirs):
        one(os.path.join(at, name))" "$@"
}

# What the tree has, file by file, with all ids less $1; what is of another range shows as it is. $links: in place of the
# number of names.
list_owners() {
        each_file "$TREE" "$1" "${links-}" <<'END'
import struct
base = int(sys.argv[2])
def back(i):
    return i - base if base <= i < base + 65536 else -i - 1 if i < 65536 and base else i
def acl(b):
    return [(t, p, back(i) if t in (2, 8) else 0) for t, p, i in struct.iter_unpack('<HHI', b[4:])]
def caps(b):
    return (b[0], b[4:20], back(struct.unpack('<I', b[20:24])[0] if len(b) == 24 else 0))
def one(path):
    st = os.lstat(path)
    more = []
    # What xfs calls its lists by itself is the same once more.
    for name in () if os.path.islink(path) else sorted(n for n in os.listxattr(path) if 'SGI_ACL' not in n):
        b = os.getxattr(path, name)
        more.append((name, acl(b) if 'posix_acl' in name else caps(b)[1:] if name == 'security.capability' else b))
    print(os.fsdecode(os.path.relpath(path, top)), back(st.st_uid), back(st.st_gid), oct(st.st_mode), sys.argv[3] or st.st_nlink, more)
END
}

small_special_tree() {
        mkdir -p "$TREE"/{usr/bin,usr/sbin,etc,dev,proc,sys,run,tmp,var,root,srv}
        ln -s usr/bin usr/sbin "$TREE"
        cp "$helpers/inside" "$TREE/usr/bin/inside"
        make_special
}

with_subvolume() {
        small_special_tree
        btrfs -q subvolume create "$TREE/srv/volume"
        touch "$TREE/srv/volume/file"
        chown 7:8 "$TREE/srv/volume/file"
}
