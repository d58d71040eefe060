"""The system calls that a cage is made of: Landlock, seccomp, prctl, capset. A page of ctypes, and nothing else.

The warden imports this module in an interpreter that has no other packages, before every first child: it imports
nothing that is slow. The bindings on PyPI (landlockpy, py-landlock, landlock) are young, have one user or none, and
know Landlock alone; the kernel's own documentation is Documentation/userspace-api/landlock.rst and seccomp_filter.rst.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

# --- Landlock: linux/landlock.h ---------------------------------------------------------------------------------------

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION = 1
_PATH_BENEATH = 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_RIGHTS_OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
_ALL_FILES = ((1, (1 << 13) - 1), (2, REFER), (3, TRUNCATE), (5, IOCTL_DEV))
"""(since which version of Landlock, rights)"""
BIND_TCP, CONNECT_TCP = 1 << 0, 1 << 1
NETWORK_SINCE = 4
SCOPES_SINCE = 6
_SCOPES = 1 << 0 | 1 << 1  # abstract unix sockets, signals

READ = READ_FILE | READ_DIR
RUN = READ | EXECUTE
DEVICE = READ_FILE | WRITE_FILE
EVERYTHING = sum(rights for _, rights in _ALL_FILES) & ~EXECUTE & ~IOCTL_DEV

# --- prctl: linux/prctl.h; capset: linux/capability.h -----------------------------------------------------------------

_SET_PDEATHSIG, _SET_DUMPABLE, _SET_NO_NEW_PRIVS, _SET_CHILD_SUBREAPER = 1, 4, 38, 36
_CAP_AMBIENT, _CAP_AMBIENT_CLEAR_ALL = 47, 4
_CAPABILITY_VERSION_3 = 0x20080522

_CLOSE_RANGE, _CLOSE_RANGE_CLOEXEC = 436, 1 << 2  # linux/close_range.h

# --- seccomp: linux/seccomp.h -----------------------------------------------------------------------------------------

_SET_MODE_FILTER, _GET_ACTION_AVAIL = 1, 2
_FLAG_NEW_LISTENER = 1 << 3
USER_NOTIF = 0x7FC00000

_SYSCALLS = {  # (seccomp, capset, process_vm_readv), of those architectures whose filter there is: see filters.py
    "x86_64": (317, 126, 310),
    "aarch64": (277, 91, 270),
    "riscv64": (277, 91, 270),
}
MACHINE = os.uname().machine
_SECCOMP, _CAPSET, _READV = _SYSCALLS.get(MACHINE, (-1, -1, -1))


def _call(number: int, *arguments: object) -> int:
    """OSError where the kernel refuses; ENOSYS where it does not know the call, or we do not know its number."""
    if number < 0 or sys.platform != "linux":
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    result = int(_libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def _prctl(option: int, *values: int) -> None:
    words = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    if _libc.prctl(ctypes.c_int(option), *words) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def landlock_version() -> int:
    """Of its ABI; 0 where the kernel has none, or it is not switched on (`lsm=` on the kernel's command line)."""
    try:
        return _call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    except OSError:
        return 0


def restrict_files(version: int, rules: Iterable[tuple[str, int]], *, tcp: bool) -> None:
    """Nothing but `rules`, (path, rights), is reachable for this thread and its children from now on.

    Paths that are not there are left out. TCP is left alone with `tcp`, but for listening.
    """
    handled = sum(rights for since, rights in _ALL_FILES if version >= since)
    network = (BIND_TCP if tcp else BIND_TCP | CONNECT_TCP) if version >= NETWORK_SINCE else 0
    attributes = struct.pack("=QQQ", handled, network, _SCOPES if version >= SCOPES_SINCE else 0)
    size = 24 if version >= SCOPES_SINCE else 16 if version >= NETWORK_SINCE else 8
    ruleset = _call(_CREATE_RULESET, attributes, ctypes.c_size_t(size), ctypes.c_uint32(0))
    try:
        for path, rights in rules:
            _allow(ruleset, path, rights & handled)
        _call(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= _RIGHTS_OF_A_FILE
        rule = struct.pack("=Qi", rights, place)
        _call(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint32(0))
    finally:
        os.close(place)


def filters_here() -> bool:
    """Whether the kernel takes seccomp filters, and there is one for this processor."""
    return _available(0x7FFF0000)


def listens_here() -> bool:
    """Whether it can ask a supervisor, too."""
    return _available(USER_NOTIF)


def _available(action: int) -> bool:
    try:
        _call(_SECCOMP, ctypes.c_uint(_GET_ACTION_AVAIL), ctypes.c_uint(0), ctypes.byref(ctypes.c_uint32(action)))
    except OSError:
        return False
    return True


def filter_calls(program: bytes, *, listen: bool) -> int:
    """Install a seccomp filter for this thread and its children; with `listen` the descriptor at which it asks, else -1."""
    code = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    flags = _FLAG_NEW_LISTENER if listen else 0
    got = _call(_SECCOMP, ctypes.c_uint(_SET_MODE_FILTER), ctypes.c_uint(flags), head)
    return got if listen else -1


def close_on_start(first: int) -> None:
    """No open file from the number `first` on reaches the program that this process becomes."""
    try:
        _call(_CLOSE_RANGE, ctypes.c_uint(first), ctypes.c_uint(0xFFFFFFFF), ctypes.c_uint(_CLOSE_RANGE_CLOEXEC))
    except OSError:  # before Linux 5.11
        for entry in os.scandir("/proc/self/fd"):
            if int(entry.name) >= first:
                _close_on_start(int(entry.name))


def _close_on_start(descriptor: int) -> None:
    try:
        os.set_inheritable(descriptor, False)
    except OSError:
        return  # that by which the list was read


def die_with_parent(signal: int) -> None:
    _prctl(_SET_PDEATHSIG, signal)


def gain_nothing() -> None:
    """No program that this process starts gains a privilege; Landlock and seccomp ask for it."""
    _prctl(_SET_NO_NEW_PRIVS, 1)


def adopt_orphans() -> None:
    """Whoever is left behind by a child becomes our child, so that it can be ended, too."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def drop_capabilities() -> None:
    """Root's, too: what is left of root is the owner of its files."""
    _prctl(_CAP_AMBIENT, _CAP_AMBIENT_CLEAR_ALL)
    _call(_CAPSET, struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), bytes(24))


def read_memory(process: int, address: int, size: int) -> bytes:
    """Bytes of another process, at most `size`; OSError where that is not allowed (Yama), or it has ended."""
    here = ctypes.create_string_buffer(size)
    mine = struct.pack("@PN", ctypes.addressof(here), size)
    theirs = struct.pack("@PN", address, size)
    one = ctypes.c_ulong(1)
    got = _call(_READV, ctypes.c_int(process), mine, one, theirs, one, ctypes.c_ulong(0))
    return here.raw[:got]
