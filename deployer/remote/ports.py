"""Try which ways between machines are open: somebody listens over there for a moment, and somebody knocks here.

Both are a few lines of Perl, which every Debian and Ubuntu has (`perl-base` is essential there): nothing is installed.
Where a program has the port already, TCP is told by it: who is refused has got through. UDP cannot be told then.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from deployer.errors import DeployerError
from deployer.model.command import Command
from deployer.remote.together import together

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from deployer.model.command import Completed
    from deployer.model.ports import Port
    from deployer.remote.connection import Connection

KNOCK_SECONDS: Final = 3
LISTEN_SECONDS: Final = 30
"""It is ended when all have knocked; by itself where nobody can any more: four times a second it says a word, and is ended by that
when nobody hears it. Who was killed would else have taken 4789/udp from the overlay networks of whoever applies next."""

LISTEN: Final = r"""
use strict; use IO::Socket::IP; use IO::Select; use Socket;
$| = 1;
my ($seconds, $word, @ports) = @ARGV;
alarm $seconds;
my $all = IO::Select->new;
for my $port (@ports) {
    my ($number, $protocol) = split m{/}, $port;
    my @how = $protocol eq "udp" ? (Type => SOCK_DGRAM) : (Type => SOCK_STREAM, Listen => 64, ReuseAddr => 1);
    my $socket = IO::Socket::IP->new(LocalHost => "::", V6Only => 0, LocalPort => $number, @how)
        || IO::Socket::IP->new(LocalHost => "0.0.0.0", LocalPort => $number, @how);
    if ($socket) { $all->add($socket) } else { print "busy $port\n" }
}
print "ready $$\n";
while ($all->count && print "beat\n") {
    for my $socket ($all->can_read(0.25)) {
        if ($socket->socktype == SOCK_DGRAM) {
            my $from = recv($socket, my $said, 64, 0);
            send($socket, $said, 0, $from) if $from && $said eq $word;
        } else { my $caller = $socket->accept; close $caller if $caller }
    }
}
"""
_KNOCK: Final = r"""
use strict; use Errno; use IO::Socket::IP; use IO::Select; use Socket;
$| = 1;
my ($seconds, $word, @places) = @ARGV;
for my $place (@places) {
    next if fork;
    my ($number, $protocol, $host) = split m{/}, $place, 3;
    my $told = "silent";
    if ($protocol eq "tcp") {
        my $socket = IO::Socket::IP->new(PeerHost => $host, PeerPort => $number, Type => SOCK_STREAM, Timeout => $seconds);
        $told = $socket ? "open" : $!{ECONNREFUSED} ? "refused" : $!{ETIMEDOUT} ? "silent" : "shut";
    } else {
        my $socket = IO::Socket::IP->new(PeerHost => $host, PeerPort => $number, Type => SOCK_DGRAM);
        for (1 .. 2 * $seconds) {
            last unless $socket;
            send($socket, $word, 0);
            next unless IO::Select->new($socket)->can_read(0.5);
            if (defined recv($socket, my $said, 64, 0)) { if ($said eq $word) { $told = "open"; last } }
            else { $told = "refused"; select undef, undef, undef, 0.5 }
        }
    }
    print "$told $place\n";
    exit;
}
1 while wait != -1;
"""


@dataclass(frozen=True)
class Way:
    """From one machine to a port of another. `sure`: something listens there, so that it has to answer."""

    origin: str
    target: str
    address: str
    port: Port
    sure: bool = False

    @property
    def place(self) -> str:
        return f"{_named(self.port)}/{self.address}"


@dataclass(frozen=True)
class Found:
    way: Way
    state: Literal["open", "closed", "unknown"]
    why: str = ""


async def look(
    connections: Mapping[str, Connection], ways: Sequence[Way], listeners: Collection[str]
) -> tuple[Found, ...]:
    """What became of each way. On the `listeners` somebody listens meanwhile, wherever a port is free.

    Raises ConnectionFailedError where a connection breaks, TimedOutError.
    """
    word = secrets.token_hex(8)
    wanted = {name: sorted({way.port for way in ways if way.target == name}) for name in sorted(listeners)}
    origins = sorted({way.origin for way in ways})
    listening = {name: _Listener(connections[name]) for name in wanted}
    try:
        async with together() as group:
            begun = {name: group.create_task(listening[name].begin(word, ports)) for name, ports in wanted.items()}
        async with together() as group:
            asked = {name: group.create_task(_knock(connections[name], word, _from(name, ways))) for name in origins}
    finally:
        await asyncio.gather(*(one.end() for one in listening.values()))
    free = {name: task.result() for name, task in begun.items()}
    told = {name: task.result() for name, task in asked.items()}
    return tuple(_judged(way, told[way.origin], free.get(way.target)) for way in ways)


def complaints(found: Iterable[Found]) -> tuple[str, ...]:
    """A line for each pair of machines with what is closed between them, in that direction."""
    pairs: dict[tuple[str, str, str], list[str]] = {}
    for one in found:
        if one.state == "closed":
            key = (one.way.origin, one.way.target, one.way.address)
            pairs.setdefault(key, []).append(_named(one.way.port))
    return tuple(
        f"{origin} cannot reach {target} at {address} port{'s' if len(ports) > 1 else ''} {', '.join(ports)}"
        for (origin, target, address), ports in pairs.items()
    )


def _from(name: str, ways: Sequence[Way]) -> list[str]:
    return sorted({way.place for way in ways if way.origin == name})


def _judged(way: Way, told: Mapping[str, str] | None, free: Collection[Port] | None) -> Found:
    if told is None:
        return Found(way, "unknown", f"there is no perl on {way.origin}")
    said = told.get(way.place, "silent")
    if said == "open":
        return Found(way, "open")
    listens = way.sure or (free is not None and way.port in free)
    if way.port[1] == "udp" and not listens:
        reason = f"there is no perl on {way.target}" if free is None else "the port is in use, and UDP does not tell"
        return Found(way, "unknown", reason)
    if said == "refused" and not listens:
        return Found(way, "open", "nobody listens there")
    return Found(way, "closed", {"silent": "no answer", "refused": "refused"}.get(said, "no way leads there"))


class _Listener:
    """Somebody who listens on a machine until it is told to stop."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._running: asyncio.Future[Completed] | None = None
        self._process = ""

    async def begin(self, word: str, ports: Sequence[Port]) -> Collection[Port] | None:
        """The ports at which it listens: those that were free. None where there is no Perl."""
        ready = asyncio.Event()
        busy: set[str] = set()

        def hear(line: str) -> None:
            kind, _, what = line.partition(" ")
            if kind == "busy":
                busy.add(what)
            elif kind == "ready":
                self._process = what
                ready.set()

        argv = ("perl", "-", str(LISTEN_SECONDS), word, *map(_named, ports))
        self._running = asyncio.ensure_future(self._connection.run(Command(argv, stdin=LISTEN.encode()), hear))
        self._running.add_done_callback(lambda _: ready.set())
        await ready.wait()
        if not self._process:
            await self._running  # which raises where the connection is broken
            return None
        return {port for port in ports if _named(port) not in busy}

    async def end(self) -> None:
        """The ports are free again afterwards."""
        if self._running is None:
            return
        with contextlib.suppress(DeployerError, TimeoutError):
            if self._process:
                await self._connection.run(Command(("kill", "--", self._process), timeout=KNOCK_SECONDS))
                await asyncio.wait_for(self._running, KNOCK_SECONDS)
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)


async def _knock(connection: Connection, word: str, places: Sequence[str]) -> dict[str, str] | None:
    """What was said at each place; None where there is no Perl."""
    argv = ("perl", "-", str(KNOCK_SECONDS), word, *places)
    done = await connection.run(Command(argv, stdin=_KNOCK.encode(), timeout=LISTEN_SECONDS))
    if not done.ok:
        return None
    lines = (line.partition(" ") for line in done.stdout.splitlines())
    return {place: told for told, _, place in lines}


def _named(port: Port) -> str:
    return f"{port[0]}/{port[1]}"
