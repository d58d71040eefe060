"""What a program in a cage would do if it were hostile: one attempt a call, and what came of it on standard output, as JSON.

It runs in an interpreter without packages, and imports nothing of deployer's.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import signal
import socket
import sys
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: object) -> int:
    result = int(getattr(libc, name)(*arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def read(path: str) -> str:
    with open(path, "rb") as file:
        return file.read(100).decode(errors="replace")


def names(path: str) -> list[str]:
    return sorted(os.listdir(path))


def write(path: str) -> str:
    with open(path, "w") as file:
        file.write("pwned")
    return "written"


def append(path: str) -> str:
    os.close(os.open(path, os.O_WRONLY | os.O_APPEND))
    return "opened"


def empty(path: str) -> str:
    os.truncate(path, 0)
    return "emptied"


def empty_by_opening(path: str) -> str:
    os.close(os.open(path, os.O_RDONLY | os.O_TRUNC))
    return "emptied"


def mode(path: str) -> str:
    os.chmod(path, 0o777)
    return "changed"


def owner(path: str) -> str:
    os.chown(path, 12345, 12345)
    return "changed"


def attribute(path: str) -> str:
    os.setxattr(path, "user.pwned", b"1")
    return "set"


def remove(path: str) -> str:
    os.unlink(path)
    return "removed"


def link(path: str, to: str) -> str:
    os.link(path, to)
    return read(to)


def by_symlink(path: str, to: str) -> str:
    os.symlink(path, to)
    return read(to)


def run(path: str) -> str:
    os.execv(path, [path])


def tcp(port: str) -> str:
    with socket.create_connection(("127.0.0.1", int(port)), timeout=5):
        return "connected"


def udp(port: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.sendto(b"pwned", ("127.0.0.1", int(port)))
    return "sent"


def netlink() -> str:
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close()
    return "made"


def vsock() -> str:
    socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM).close()
    return "made"


def listen(path: str) -> str:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path)
        made.listen()
    return "listens"


def unix(path: str) -> str:
    """A path, or `@name` for an abstract socket."""
    with socket.socket(socket.AF_UNIX) as made:
        made.settimeout(5)
        made.connect("\0" + path[1:] if path.startswith("@") else path)
        made.sendall(b"hello")
        return made.recv(100).decode()


def unix_datagram(path: str) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.sendto(b"pwned", path)
    return "sent"


def half_a_pair(path: str) -> str:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    one.sendto(b"pwned", path)
    other.close()
    return "sent"


def race(allowed: str, forbidden: str, seconds: str) -> str:
    """Connect to the one while another thread writes the other's address over it; and reconnect what was connected."""

    class Address(ctypes.Structure):
        _fields_ = (("family", ctypes.c_ushort), ("path", ctypes.c_char * 108))

    texts = [text.encode().ljust(108, b"\0") for text in (allowed, forbidden)]
    address = Address(socket.AF_UNIX, texts[0])
    end = time.monotonic() + float(seconds)

    def flip() -> None:
        place = ctypes.addressof(address) + 2
        while time.monotonic() < end:
            for text in texts:
                ctypes.memmove(place, text, 108)

    thread = threading.Thread(target=flip)
    thread.start()
    tried = connected = 0
    while time.monotonic() < end:
        with socket.socket(socket.AF_UNIX) as made:
            tried += 1
            connected += libc.connect(made.fileno(), ctypes.byref(address), ctypes.sizeof(address)) == 0
            libc.connect(made.fileno(), ctypes.byref(address), ctypes.sizeof(address))
    thread.join()
    return f"{'many' if tried > 10 and connected else f'{connected} of {tried}'} connected"


def trace(process: str) -> str:
    call("ptrace", 16, int(process), 0, 0)
    return "attached"


def memory_of(process: str) -> str:
    here = ctypes.create_string_buffer(8)
    mine = (ctypes.c_void_p * 2)(ctypes.addressof(here), 8)
    call("process_vm_readv", int(process), mine, 1, mine, 1, 0)
    return "read"


def kill(process: str) -> str:
    os.kill(int(process), 0)
    return "reached"


def limit_of(process: str) -> str:
    resource.prlimit(int(process), resource.RLIMIT_CORE, (0, 0))
    return "set"


def limits() -> list[int]:
    return [resource.getrlimit(one)[0] for one in (resource.RLIMIT_CORE, resource.RLIMIT_NOFILE)]


def raise_limit() -> str:
    resource.setrlimit(resource.RLIMIT_CPU, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return "raised"


def capabilities() -> list[str]:
    with open("/proc/self/status") as told:
        return [line.split()[1] for line in told if line.startswith(("CapPrm", "CapEff", "CapInh", "CapAmb"))]


def unshare(flags: str) -> str:
    call("unshare", int(flags, 16))
    return "unshared"


def mount(path: str) -> str:
    call("mount", b"none", path.encode(), b"tmpfs", 0, None)
    return "mounted"


def root(path: str) -> str:
    os.chroot(path)
    return "changed"


def system_call(number: str) -> str:
    call("syscall", int(number), 0, 0, 0, 0, 0, 0)
    return "there"


def fork() -> str:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return "forked"


def forks(count: str) -> int:
    """How many processes could be started."""
    done = 0
    for _ in range(int(count)):
        try:
            fork()
        except BlockingIOError:
            continue
        done += 1
    return done


def bomb() -> None:
    while True:
        os.fork()


def threads(count: str) -> int:
    made = [threading.Thread(target=time.sleep, args=(0.1,)) for _ in range(int(count))]
    for one in made:
        one.start()
    for one in made:
        one.join()
    return len(made)


def leave(path: str) -> str:
    """A process that leaves the session and its parent, and tells its number; it would stay for a minute."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            with open(path, "w") as file:
                file.write(str(os.getpid()))
            time.sleep(60)
        os._exit(0)
    os.wait()
    while not (os.path.exists(path) and read(path)):
        time.sleep(0.01)
    return read(path)


def hog(mib: str) -> str:
    held = [b"x" * (1 << 20) for _ in range(int(mib))]
    return f"has {len(held)} MiB"


def spin() -> None:
    while True:
        pass


def sleep() -> None:
    signal.pause()


def write_and_sleep(path: str) -> None:
    with open(path, "w") as file:
        file.write(str(os.getpid()))
    signal.pause()


def fill(path: str, mib: str) -> str:
    with open(path, "wb") as file:
        file.writelines(b"x" * (1 << 20) for _ in range(int(mib)))
    return "filled"


def open_files() -> list[int]:
    found = []
    for number in range(256):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(number)
    return found


def environment() -> dict[str, str]:
    return dict(os.environ)


def die() -> None:
    os.abort()


def main() -> None:
    name, *arguments = sys.argv[1:]
    try:
        came = {"did": globals()[name](*arguments)}
    except MemoryError:
        came = {"refused": "ENOMEM"}
    except ValueError:  # Python's own for a limit that may not be raised
        came = {"refused": "EPERM"}
    except OSError as error:
        came = {"refused": errno.errorcode.get(error.errno or 0, str(error))}
    print(json.dumps(came))


if __name__ == "__main__":
    main()
