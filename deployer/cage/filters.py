"""Build the seccomp filter of a cage. It refuses what Landlock does not cover. Pure: names of calls become a BPF program.

Landlock knows files and TCP. It does not know file modes and owners, sockets of other kinds, other processes' memory, new
namespaces, keys, tracing: those calls are refused here, by number, and calls that came after this was written are said not to be there.
Some calls ask the warden (warden.py): making and connecting a unix socket, and starting a process where that is allowed at all.
"""

from __future__ import annotations

import errno
import struct

ALLOW = 0x7FFF0000
ERRNO = 0x00050000
KILL = 0x80000000
ASK = 0x7FC00000

PRETEND = ERRNO
"""The call does nothing and says that it did."""

Code = list[tuple[int, int, int, int]]

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7, "riscv64": 0xC00000F3}
LAST_CALL = 462
"""mseal, of Linux 6.10: what came later is not there for a caged program. Some of it changes files by other ways (setxattrat)."""

_NUMBERS = """
accept 43 202; accept4 288 242; acct 163 89; add_key 248 217; adjtimex 159 171; bind 49 200; bpf 321 280; chmod 90 -;
chown 92 -; chroot 161 51; clock_adjtime 305 266; clock_settime 227 112; clone 56 220; clone3 435 435; connect 42 203;
creat 85 -; delete_module 176 106; fanotify_init 300 262; fchmod 91 52; fchmodat 268 53; fchmodat2 452 452; fchown 93 55;
fchownat 260 54; finit_module 313 273; fork 57 -; fremovexattr 199 16; fsconfig 431 431; fsetxattr 190 7; fsmount 432 432;
fsopen 430 430; fspick 433 433; futimesat 261 -; init_module 175 105; io_uring_enter 426 426; io_uring_register 427 427;
io_uring_setup 425 425; ioctl 16 29; ioperm 173 -; iopl 172 -; ioprio_set 251 30; kcmp 312 272; kexec_file_load 320 294;
kexec_load 246 104; keyctl 250 219; kill 62 129; lchown 94 -; listen 50 201; lookup_dcookie 212 18; lremovexattr 198 15;
lsetxattr 189 6; migrate_pages 256 238; modify_ldt 154 -; mount 165 40; mount_setattr 442 442; move_mount 429 429;
move_pages 279 239; mq_open 240 180; mq_unlink 241 181; msgctl 71 187; msgget 68 186; msgrcv 70 188; msgsnd 69 189;
name_to_handle_at 303 264; nfsservctl 180 42; open 2 -; open_by_handle_at 304 265; open_tree 428 428; openat 257 56;
openat2 437 437; perf_event_open 298 241; personality 135 92; pidfd_getfd 438 438; pidfd_open 434 434;
pidfd_send_signal 424 424; pivot_root 155 41; prlimit64 302 261; process_madvise 440 440; process_mrelease 448 448;
process_vm_readv 310 270; process_vm_writev 311 271; ptrace 101 117; quotactl 179 60; quotactl_fd 443 443; reboot 169 142;
removexattr 197 14; request_key 249 218; rt_sigqueueinfo 129 138; rt_tgsigqueueinfo 297 240; sched_setaffinity 203 122;
sched_setattr 314 274; sched_setparam 142 118; sched_setscheduler 144 119; semctl 66 191; semget 64 190; semop 65 193;
semtimedop 220 192; setdomainname 171 162; sethostname 170 161; setns 308 268; setpgid 109 154; setpriority 141 140;
setsid 112 157; settimeofday 164 170; setxattr 188 5; shmat 30 196; shmctl 31 195; shmdt 67 197; shmget 29 194;
socket 41 198; socketpair 53 199; swapoff 168 225; swapon 167 224; syslog 103 116; tgkill 234 131; tkill 200 130;
truncate 76 45; umount2 166 39; unshare 272 97; uselib 134 -; userfaultfd 323 282; utime 132 -; utimensat 280 88;
utimes 235 -; vfork 58 -; vhangup 153 58
"""
"""name, number on x86_64, number in asm-generic/unistd.h (aarch64, riscv64)"""

_METADATA = """
chmod fchmod fchmodat fchmodat2 chown lchown fchown fchownat utime utimes futimesat utimensat
setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr
"""
_NEVER = """
ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp process_madvise process_mrelease move_pages migrate_pages
bpf perf_event_open userfaultfd keyctl add_key request_key fanotify_init lookup_dcookie
mount umount2 pivot_root chroot move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr unshare setns
open_by_handle_at name_to_handle_at quotactl quotactl_fd acct swapon swapoff reboot kexec_load kexec_file_load
init_module finit_module delete_module syslog settimeofday clock_settime adjtimex clock_adjtime sethostname setdomainname
iopl ioperm nfsservctl vhangup personality modify_ldt uselib
shmget shmat shmctl shmdt semget semop semctl semtimedop msgget msgsnd msgrcv msgctl mq_open mq_unlink
setpriority ioprio_set sched_setaffinity sched_setattr sched_setparam sched_setscheduler
"""
_NOT_THERE = "openat2 io_uring_setup io_uring_enter io_uring_register clone3"
"""Their arguments cannot be looked at from here; programs use the older call then."""
_SIGNALS_BY_DESCRIPTOR = "pidfd_open pidfd_send_signal rt_sigqueueinfo rt_tgsigqueueinfo"
TRUNCATE_SINCE, SIGNALS_SINCE = 3, 6
"""Versions of Landlock's ABI that know these."""

_THREAD = 0x00010000  # CLONE_THREAD
_NAMESPACES = 0x7E020000  # every CLONE_NEW*
_UNIX, _INET, _INET6 = 1, 2, 10
_STREAM, _DATAGRAM, _TYPE_MASK = 1, 2, 0xF
_TRUNC = 0o1000
_SIGURG = 23
_TIOCSTI, _TIOCLINUX, _TIOCSETD = 0x5412, 0x541C, 0x5423

_LOAD, _AND, _EQUAL, _ABOVE, _RETURN = 0x20, 0x54, 0x15, 0x25, 0x06
_NUMBER, _ARCH = 0, 4


def known(machine: str) -> bool:
    """Whether there is a filter for such a processor."""
    return machine in _AUDIT_ARCH


def numbers(machine: str) -> dict[str, int]:
    """System calls by name, as far as they are needed here and that processor has them."""
    column = 1 if machine == "x86_64" else 2
    words = (entry.split() for entry in _NUMBERS.replace("\n", " ").split(";"))
    return {one[0]: int(one[column]) for one in words if one[column] != "-"}


class _Program:
    """Instructions, one call after the other: what is not answered is allowed at the end."""

    def __init__(self, machine: str) -> None:
        self.calls = numbers(machine)
        self.code: Code = [
            (_LOAD, 0, 0, _ARCH),
            (_EQUAL, 1, 0, _AUDIT_ARCH[machine]),
            (_RETURN, 0, 0, KILL),
            (_LOAD, 0, 0, _NUMBER),
            (_ABOVE, 0, 1, LAST_CALL),
            (_RETURN, 0, 0, ERRNO | errno.ENOSYS),
        ]

    def answer(self, names: str, action: int) -> None:
        for name in names.split():
            self.inspect(name, [(_RETURN, 0, 0, action)])

    def inspect(self, name: str, body: Code) -> None:
        """`body` begins with the call's number loaded, and ends the program for this call."""
        if name in self.calls:  # some processors do without it
            self.code += [(_EQUAL, 0, len(body), self.calls[name]), *body]

    @property
    def packed(self) -> bytes:
        return b"".join(struct.pack("=HBBI", *one) for one in (*self.code, (_RETURN, 0, 0, ALLOW)))


def program(
    machine: str, *, landlock: int, writes: bool, processes: bool, sockets: bool, tcp: bool, asks: bool
) -> bytes:
    """The filter for a program that may write files, start processes, use the unix sockets that the warden connects, use TCP.

    `landlock` is the version of Landlock's ABI that is in force beside it; `asks` whether there is a warden who answers.
    KeyError for a processor that is not known.
    """
    made = _Program(machine)
    made.answer(_NOT_THERE, ERRNO | errno.ENOSYS)
    made.answer(_NEVER, ERRNO | errno.EPERM)
    made.answer(_METADATA, PRETEND if writes else ERRNO | errno.EPERM)
    made.answer("setsid setpgid", PRETEND)  # nobody leaves the group that is ended as one
    if not writes or landlock < TRUNCATE_SINCE:
        made.answer("truncate", ERRNO | errno.EACCES)
    if not writes and landlock < TRUNCATE_SINCE:  # before that version, opening a file to read it may empty it
        made.inspect("open", _when_bits(1, _TRUNC, ERRNO | errno.EACCES))
        made.inspect("openat", _when_bits(2, _TRUNC, ERRNO | errno.EACCES))
        made.answer("creat", ERRNO | errno.EACCES)
    _processes(made, (ASK if asks else ALLOW) if processes else ERRNO | errno.EPERM)
    if landlock < SIGNALS_SINCE:
        _signals(made, processes=processes)
    _sockets(made, sockets=sockets, tcp=tcp, asks=asks)
    made.inspect("ioctl", _when_equal(1, (_TIOCSTI, _TIOCLINUX, _TIOCSETD), ERRNO | errno.EPERM, ALLOW))
    made.inspect("prlimit64", _when_equal(0, (0,), ALLOW, ERRNO | errno.EPERM))  # one's own limits only
    return made.packed


def _processes(made: _Program, start: int) -> None:
    made.answer("fork vfork", start)
    spaces: Code = [
        (_LOAD, 0, 0, _argument(0)),
        (_AND, 0, 0, _NAMESPACES),
        (_EQUAL, 1, 0, 0),
        (_RETURN, 0, 0, ERRNO | errno.EPERM),
    ]
    made.inspect("clone", spaces + _when_bits(0, _THREAD, ALLOW, start))


def _signals(made: _Program, *, processes: bool) -> None:
    """Where the kernel does not keep them inside. A program with children has to end them, so it keeps `kill`."""
    made.answer(_SIGNALS_BY_DESCRIPTOR, ERRNO | errno.EPERM)
    if not processes:
        made.answer("kill tkill", ERRNO | errno.EPERM)
        made.inspect(
            "tgkill", _when_equal(2, (_SIGURG,), ALLOW, ERRNO | errno.EPERM)
        )  # Go wakes its own threads with it


def _sockets(made: _Program, *, sockets: bool, tcp: bool, asks: bool) -> None:
    refused = ERRNO | errno.EAFNOSUPPORT
    kinds = [(_UNIX, _STREAM, (ASK if asks else ALLOW) if sockets else refused)]
    kinds += [(family, kind, ALLOW) for family in (_INET, _INET6) for kind in (_STREAM, _DATAGRAM) if tcp]
    body: Code = []
    for family, kind, action in kinds:
        body += [
            (_LOAD, 0, 0, _argument(0)),
            (_EQUAL, 0, 4, family),
            (_LOAD, 0, 0, _argument(1)),
            (_AND, 0, 0, _TYPE_MASK),
            (_EQUAL, 0, 1, kind),
            (_RETURN, 0, 0, action),
        ]
    made.inspect("socket", [*body, (_RETURN, 0, 0, refused)])
    pair: Code = [
        (_LOAD, 0, 0, _argument(1)),
        (_AND, 0, 0, _TYPE_MASK),
        (_EQUAL, 0, 1, _STREAM),  # half a pair of datagram sockets can send to anybody
        (_RETURN, 0, 0, ALLOW),
        (_RETURN, 0, 0, refused),
    ]
    made.inspect("socketpair", pair)
    made.answer("connect", ASK if sockets and asks else ALLOW if sockets or tcp else ERRNO | errno.EACCES)
    made.answer("listen accept accept4", ERRNO | errno.EACCES)
    if not tcp:
        made.answer("bind", ERRNO | errno.EACCES)


def _argument(number: int) -> int:
    """The low half of an argument: the processors that are known here keep it first."""
    return 16 + 8 * number


def _when_bits(argument: int, bits: int, then: int, otherwise: int = ALLOW) -> Code:
    return [
        (_LOAD, 0, 0, _argument(argument)),
        (_AND, 0, 0, bits),
        (_EQUAL, 1, 0, 0),
        (_RETURN, 0, 0, then),
        (_RETURN, 0, 0, otherwise),
    ]


def _when_equal(argument: int, values: tuple[int, ...], then: int, otherwise: int) -> Code:
    tests: Code = [(_EQUAL, len(values) - index, 0, value) for index, value in enumerate(values)]
    return [(_LOAD, 0, 0, _argument(argument)), *tests, (_RETURN, 0, 0, otherwise), (_RETURN, 0, 0, then)]
