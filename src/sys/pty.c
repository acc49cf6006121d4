/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clean.h"
#include "sys/resolve.h"

int pty_open(int devpts, int *ret_master, int *ret_slave) {
        CLEAN_FD int master = resolve_beneath(devpts, "ptmx", O_RDWR | O_NOCTTY);
        int unlock = 0, slave;

        if (master < 0)
                return master;
        if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
                return -errno;
        /* Without a path, so that no other terminal can take its place (ioctl_tty(2), Linux 4.13). */
        slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (slave < 0)
                return -errno;
        *ret_master = TAKE_FD(master);
        *ret_slave = slave;
        return 0;
}

int pty_make_controlling(int slave) {
        return ioctl(slave, TIOCSCTTY, 0) < 0 ? -errno : 0;
}
