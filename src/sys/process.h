/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Processes by descriptor: clone3(2), pidfd_send_signal(2), waitid(2). All return -errno. */

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"

struct process {
        pid_t pid;
        int pidfd;
};

/* Like fork(2), with new namespaces (CLONE_NEW*), straight into a cgroup (directory descriptor, -1: the caller's;
 * Linux 5.7), with a pidfd. Returns 1 in the launcher with *ret filled, 0 in the guest. */
int process_clone(uint64_t namespaces, int cgroup, struct process *ret);

/* The same with a user namespace among them (CLONE_NEWUSER) that belongs to the user owner, not to us: what is limited
 * for each user (user_namespaces(7), inotify(7), RLIMIT_SIGPENDING of getrlimit(2)) is counted for owner up to us, and
 * not for our own user. Our own ids, capabilities and signal for our parent's death are as before in the end. */
int process_clone_owned(uint64_t namespaces, int cgroup, uid_t owner, struct process *ret);

/* A sister: it has our parent for its own (CLONE_PARENT), and begins as a copy of us otherwise. */
int process_clone_sister(uint64_t namespaces, struct process *ret);

/* Like process_clone() with CLONE_FILES, with a number of our choice in the process namespace for children (clone3(2),
 * set_tid, Linux 5.5): so the next one born there gets the number that it would have had. */
int process_clone_as(pid_t tid, struct process *ret);

/* A sister in the process namespace for children (setns(2)). Its number, as this process sees it, is stored in
 * *ret_pid by the kernel before it runs: in memory that is shared, others know of it whatever becomes of us. */
int process_clone_inside(pid_t *ret_pid);

/* The process namespace of a process (Linux 6.11). */
int process_pid_namespace(int pidfd);

/* The path of a program of ours: beside this one (a build directory), or where it is installed. NULL: neither. */
const char *process_helper(const char *name, struct arena *a);

/* Run a program. It has pass as its descriptor .fd besides 0, 1 and 2, which lead nowhere, default signals, a session
 * of its own, and / for its directory. Returns its number once it runs. */
struct process_spawn {
        const char *path;
        char *const *argv, *const *env;
        int fd;
        bool keep_stderr;
        char *number;      /* a place in an argument or variable for 10 digits and a NUL: the program's own number */
        bool dies_with_us; /* SIGTERM then */
};
pid_t process_spawn(const struct process_spawn *s, int pass);

int process_signal(int pidfd, int sig);

/* Is there a request to end (SIGTERM, SIGINT, SIGHUP, SIGQUIT) among signals that are blocked, and not waited for? */
bool process_shall_end(void);

/* Wait for the end. *ret_code and *ret_status as in siginfo_t: CLD_EXITED and exit status, or CLD_KILLED/CLD_DUMPED
 * and signal. block false: -EAGAIN while it lives. */
int process_wait(int pidfd, bool block, int *ret_code, int *ret_status);

/* How a process that is not our child ended, as wait(2) would tell. -EAGAIN: it lives, or waits to be reaped.
 * -ENODATA: the kernel does not keep it (Linux 6.15 does). */
int process_left(int pidfd, int *ret_wait_status);

/* A file of a process below proc (a descriptor of it), as file_read_at(). */
ssize_t process_read(int proc, pid_t pid, const char *name, char *text, size_t size);

/* proc_pid_stat(5), field 22: with the number, it tells a process from a later one of the same number. */
int process_start_time(int proc, pid_t pid, uint64_t *ret);

/* The same, field 4: the process that is told of its end. */
int process_above(int proc, pid_t pid, pid_t *ret);

/* proc_pid_status(5), NSpid: the number it has in the process namespace that leader is PID 1 of. -ESRCH: none. */
int process_inside(int proc, pid_t pid, pid_t leader, pid_t *ret);

/* Is it PID 1 of a process namespace below ours? */
bool process_is_leader(int proc, pid_t pid);

/* Dead, or about to be: SIGKILL is pending until a process is reaped (proc_pid_status(5), ShdPnd). No such process:
 * true. */
bool process_is_ending(int proc, pid_t pid);

/* A duplicate of another process's descriptor (pidfd_getfd(2), Linux 5.6). */
int process_borrow(int pidfd, int fd);

int process_open(pid_t pid); /* pidfd_open(2); -ESRCH: none of that number */

/* Kill the process that has this number and start time and wait until it is gone, for two seconds. None such: 0.
 * -EBUSY: it does not end. */
int process_end(int proc, pid_t pid, uint64_t start);

/* Would PID 1 of a process namespace get this signal: does it catch or block it (SigCgt, SigBlk of
 * proc_pid_status(5))? 1, 0. */
int process_heeds(int proc, pid_t pid, int sig);
