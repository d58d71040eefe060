"""The commands that this process becomes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from deployer.errors import DeployerError, UsageError
from deployer.machines import copying
from deployer.machines.enter import logs, ssh

if TYPE_CHECKING:
    from pathlib import Path

    from deployer.workflow.validate import Source
    from tests.source.conftest import Repo

MACHINES = {
    "cluster/nodes/a.yaml": "address: 192.0.2.1\nswarm: none\n",
    "cluster/nodes/b.yaml": "address: 2001:db8::1\nswarm: none\nssh: {user: admin}\n",
    "cluster/nodes/c.yaml": "address: 192.0.2.1\nswarm: none\nssh: {port: 2222}\n",
    "cluster/nodes/here.yaml": "address: local\nswarm: none\n",
}


@pytest.fixture(autouse=True)
def _machines(repository: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    repository.commit(MACHINES)


def test_no_shell_of_this_machine_is_ever_opened(source: Source) -> None:
    with pytest.raises(DeployerError) as caught:
        ssh(source, "here")
    assert caught.value.message == "here is this machine, which needs no SSH"


def test_logs_become_roots_where_the_user_is_not(source: Source) -> None:
    argv = logs(source, "a", lines=5, follow=True, since="1 hour ago")
    assert argv[-3:-1] == ("192.0.2.1", "--")
    assert argv[-1].startswith(
        'sh -c \'if [ "$(id -u)" = 0 ]; then exec "$@"; else exec sudo -n -- "$@"; fi\' sh journalctl '
    )
    assert argv[-1].endswith(" --lines=5 --output=short-iso --follow '--since=1 hour ago'")
    assert logs(source, "here", lines=5, follow=False, since=None)[0] == "journalctl"


@pytest.mark.parametrize(
    ("text", "machine", "user", "path"),
    [
        ("a:/x", "a", None, "/x"),
        ("ops@a:x y", "a", "ops", "x y"),
        ("a:", "a", None, ""),
        ("./a:x", None, None, "./a:x"),
        ("/srv/a:b", None, None, "/srv/a:b"),
        ("localhost:/x", None, None, "/x"),
        ("file", None, None, "file"),
    ],
)
def test_places(text: str, machine: str | None, user: str | None, path: str) -> None:
    assert copying.read_place(text) == copying.Place(machine, user, path)


def test_copies_by_scp_itself(source: Source) -> None:
    argv = copying.scp(source, ("b:/x y", "root@a:/tmp/"), recursive=True, delta=False, quiet=True)
    assert argv[:3] == ("scp", "-3", "-F")
    assert argv[4:] == ("-r", "-q", "--", "admin@[2001:db8::1]:/x y", "root@192.0.2.1:/tmp/")
    with open(argv[3], encoding="utf-8") as file:  # noqa: PTH123 - a name, as scp gets it
        assert [line.strip() for line in file if line.startswith("Host ")] == ["Host 2001:db8::1", "Host 192.0.2.1"]
    assert os.stat(argv[3]).st_mode & 0o077 == 0  # noqa: PTH116 - as above


@pytest.mark.parametrize(
    ("places", "message"),
    [
        (("x", "localhost:y"), "neither of them is on a machine"),
        (("a:x", "c:y"), "a and c have the same address, and differ in the port only"),
        (("nobody:x", "y"), "there is no machine 'nobody'"),
    ],
)
def test_what_cannot_be_copied(source: Source, places: tuple[str, str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        copying.scp(source, places, recursive=False, delta=False, quiet=False)
    assert caught.value.message == message


def test_what_differs_by_rsync(source: Source, programs: Path) -> None:
    with pytest.raises(DeployerError, match="there is no `rsync`"):
        copying.scp(source, ("x", "a:y"), recursive=False, delta=True, quiet=False)
    (programs / "rsync").touch(0o755)
    argv = copying.scp(source, ("x", "a:y"), recursive=True, delta=True, quiet=False)
    assert argv[:3] == ("rsync", "--compress", "--rsh")
    assert argv[4:] == ("--recursive", "--progress", "--", "x", "root@192.0.2.1:y")
    with pytest.raises(UsageError, match="--delta copies between this machine and another"):
        copying.scp(source, ("a:x", "b:y"), recursive=False, delta=True, quiet=False)


def test_mounts_by_sshfs(source: Source, programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(DeployerError) as caught:
        copying.mount(source, "b:/srv", None)
    assert (caught.value.message, "apt-get install sshfs" in caught.value.help) == (
        "there is no `sshfs` on this machine",
        True,
    )
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    (programs / "sshfs").touch(0o755)
    argv = copying.mount(source, "b:/srv", None)
    assert (argv[0], argv[3:]) == ("sshfs", ("admin@[2001:db8::1]:/srv", "/srv"))
    assert copying.mount(source, "b:/srv", "here")[-1] == "here"
    (programs / "fusermount3").touch(0o755)
    assert copying.unmount("b:/srv", None) == ("fusermount3", "-u", "--", "/srv")
