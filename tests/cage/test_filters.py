"""The seccomp program: the numbers of calls are the kernel's own, and every call that was meant is answered as it was meant."""

from __future__ import annotations

import errno
import re
import struct
from pathlib import Path

import pytest

from deployer.cage import filters

HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
NEWER = {"fchmodat2"}
"""Calls that the headers of older systems do not have yet."""


@pytest.mark.parametrize("machine", HEADERS)
def test_numbers_are_those_of_the_kernels_headers(machine: str) -> None:
    if not HEADERS[machine].exists():
        pytest.skip(f"{HEADERS[machine]} is not installed")
    text = HEADERS[machine].read_text()
    told = {
        name: int(number) for name, number in re.findall(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)", text, re.MULTILINE)
    }
    ours = filters.numbers(machine)
    assert {name: number for name, number in ours.items() if name not in NEWER} == {
        name: told.get(name) for name in ours if name not in NEWER
    }


def answer(program: bytes, machine: str, number: int, *arguments: int, arch: int | None = None) -> int:
    """What the kernel would answer: the program's own instructions, one after the other."""
    code = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    known = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7, "riscv64": 0xC00000F3}[machine]
    words = struct.pack("=iIQ6Q", number, known if arch is None else arch, 0, *[*arguments, *[0] * 6][:6])
    at = value = 0
    while True:
        what, true, false, k = code[at]
        at += 1
        match what:
            case 0x20:
                value = struct.unpack_from("=I", words, k)[0]
            case 0x54:
                value &= k
            case 0x15:
                at += true if value == k else false
            case 0x25:
                at += true if value > k else false
            case 0x06:
                return int(k)
            case _:
                raise AssertionError(what)


def strict(machine: str = "x86_64", **more: object) -> bytes:
    given = {"landlock": 7, "writes": False, "processes": False, "sockets": False, "tcp": False, "asks": True} | more
    return filters.program(machine, **given)  # type: ignore[arg-type]  # names and values are put together above


def refused(code: str) -> int:
    return filters.ERRNO | int(getattr(errno, code))


@pytest.mark.parametrize("machine", ["x86_64", "aarch64", "riscv64"])
def test_calls_by_name(machine: str) -> None:
    calls, program = filters.numbers(machine), strict(machine)
    expected = {
        "ptrace": "EPERM", "mount": "EPERM", "keyctl": "EPERM", "bpf": "EPERM", "open_by_handle_at": "EPERM", "fchmodat": "EPERM",
        "fsetxattr": "EPERM", "process_vm_readv": "EPERM", "shmat": "EPERM", "clone3": "ENOSYS", "openat2": "ENOSYS",
        "io_uring_setup": "ENOSYS", "connect": "EACCES", "bind": "EACCES", "truncate": "EACCES",
    }  # fmt: skip
    assert {name: answer(program, machine, calls[name]) for name in expected} == {
        name: refused(code) for name, code in expected.items()
    }
    assert answer(program, machine, calls["setsid"]) == filters.PRETEND
    for known in (0, 1, 3, filters.LAST_CALL):
        if known not in calls.values():
            assert answer(program, machine, known) == filters.ALLOW
    for unknown in (filters.LAST_CALL + 1, 0x40000000, 0x40000029, 0x7FFFFFFF):
        assert answer(program, machine, unknown) == refused("ENOSYS")
    assert answer(program, machine, 0, arch=0x40000003) == filters.KILL  # another processor's numbers


def test_sockets_by_family_and_kind() -> None:
    calls = filters.numbers("x86_64")

    def kinds(program: bytes) -> dict[tuple[int, int], int]:
        return {
            (family, kind): answer(program, "x86_64", calls["socket"], family, kind | 0o2004000)
            for family in range(48)
            for kind in range(1, 7)
            if answer(program, "x86_64", calls["socket"], family, kind | 0o2004000) != refused("EAFNOSUPPORT")
        }

    internet = {(family, kind): filters.ALLOW for family in (2, 10) for kind in (1, 2)}
    assert kinds(strict()) == {}
    assert kinds(strict(sockets=True)) == {(1, 1): filters.ASK}
    assert kinds(strict(tcp=True)) == internet
    assert kinds(strict(tcp=True, sockets=True)) == internet | {(1, 1): filters.ASK}
    assert kinds(strict(sockets=True, asks=False)) == {(1, 1): filters.ALLOW}


def test_processes_and_threads() -> None:
    clone, thread, namespace = filters.numbers("x86_64")["clone"], 0x3D0F00, 0x10000000
    answers = {
        (processes, flags): answer(strict(processes=processes), "x86_64", clone, flags)
        for processes in (False, True)
        for flags in (thread, 17, namespace | 17)
    }
    assert answers == {
        (False, thread): filters.ALLOW, (False, 17): refused("EPERM"), (False, namespace | 17): refused("EPERM"),
        (True, thread): filters.ALLOW, (True, 17): filters.ASK, (True, namespace | 17): refused("EPERM"),
    }  # fmt: skip


@pytest.mark.parametrize("landlock", range(8))
def test_what_older_kernels_do_not_keep_inside_is_refused_here(landlock: int) -> None:
    calls, program = filters.numbers("x86_64"), strict(landlock=landlock)
    emptying = answer(program, "x86_64", calls["openat"], 0, 0, 0o1000)
    assert (emptying == filters.ALLOW) == (landlock >= filters.TRUNCATE_SINCE)
    assert answer(program, "x86_64", calls["openat"], 0, 0, 0o2000000) == filters.ALLOW
    assert (answer(program, "x86_64", calls["kill"], 1, 9) == filters.ALLOW) == (landlock >= filters.SIGNALS_SINCE)
    assert answer(program, "x86_64", calls["tgkill"], 1, 1, 23) == filters.ALLOW
    assert (answer(program, "x86_64", calls["tgkill"], 1, 1, 9) == filters.ALLOW) == (landlock >= filters.SIGNALS_SINCE)


def test_limits_of_others_and_typing_into_a_terminal() -> None:
    calls, program = filters.numbers("x86_64"), strict()
    assert answer(program, "x86_64", calls["prlimit64"], 0) == filters.ALLOW
    assert answer(program, "x86_64", calls["prlimit64"], 1) == refused("EPERM")
    for request in (0x5412, 0x541C, 0x5423):
        assert answer(program, "x86_64", calls["ioctl"], 0, request) == refused("EPERM")
    assert answer(program, "x86_64", calls["ioctl"], 0, 0x5401) == filters.ALLOW
