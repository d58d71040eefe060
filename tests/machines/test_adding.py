"""Machines are added over real SSH, and nothing is written where anything is wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest

from deployer.cli.machine.consent import added_document, added_text
from deployer.entry import wait_for
from deployer.errors import DeployerError, GuardRefusedError, InvalidFilesError, UsageError
from deployer.machines import check
from deployer.machines.adding import Added, Consent, survey, write
from deployer.machines.adopting import keep_settings
from deployer.machines.host_key import Shown, agree
from deployer.machines.node_file import Wanted
from deployer.model.cluster import Engine as EngineSettings
from deployer.model.observed import Silent
from tests.literals.desired import make_node
from tests.literals.machines import DEBIAN, make_engine, make_machine
from tests.machines.engines import ALONE, closed, served
from tests.remote.sshd import HOST_KEY, USER_KEY
from tests.report import schemas

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deployer.workflow.validate import Source
    from tests.source.conftest import Repo

PRINT = HOST_KEY.get_fingerprint()
KEY = " ".join(HOST_KEY.export_public_key().decode().split()[:2])
SHOWN = Shown(f"192.0.2.1 {KEY}\n", PRINT, "ED25519", "")


@dataclass
class There:
    port: int
    key: str

    def wanted(self, **changes: Any) -> Wanted:
        return replace(Wanted("web1", "127.0.0.1", user="root", port=self.port, key=self.key), **changes)


@pytest.fixture
def there(tmp_path: Path) -> Iterator[There]:
    """A machine with an engine, served from a loop of its own: what is tested has its own one, too."""
    key = tmp_path / "id"
    key.write_bytes(USER_KEY.export_private_key())
    key.chmod(0o600)
    with served(ALONE, commands=True) as (port,):
        yield There(port, str(key))


def survey_now(*given: Any) -> Added:
    return wait_for(survey(*given))


@pytest.fixture(autouse=True)
def _committed(repository: Repo) -> None:
    repository.commit({"cluster/nodes/first.yaml": "address: 192.0.2.9\nswarm: manager\n"})


def test_a_machine_is_looked_at_written_and_committed(there: There, repository: Repo, source: Source) -> None:
    repository.write({"cluster/README": "not ours", "cluster/known_hosts": "192.0.2.9 " + KEY})
    repository.git("add", "cluster/known_hosts")
    repository.git("commit", "-q", "-m", "keys")
    added = survey_now(source, there.wanted(labels={"zone": "par1"}), Consent(fingerprint=PRINT))
    assert added.shown
    assert added.shown.fingerprint == PRINT
    assert repository.git("status", "--porcelain") == "?? cluster/README"
    made = write(source, [added], "Add machine web1\n")
    assert made == repository.git("rev-parse", "HEAD")
    assert repository.git("show", "--name-only", "--format=%s", "HEAD").split("\n") == [
        "Add machine web1", "", "cluster/known_hosts", "cluster/nodes/web1.yaml",
    ]  # fmt: skip
    assert repository.git("show", "HEAD:cluster/known_hosts").splitlines() == [
        f"192.0.2.9 {KEY}", f"[127.0.0.1]:{there.port} {KEY}",
    ]  # fmt: skip
    with pytest.raises(UsageError, match=r"the machine web1 is already in cluster/nodes/web1\.yaml"):
        survey_now(source, there.wanted(), Consent(yes=True))


def wrong(there: There, tmp_path: Path, what: str) -> tuple[Wanted, Consent]:
    other = tmp_path / "other"
    other.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    other.chmod(0o600)
    yes = Consent(yes=True)
    return {
        "nobody to ask": (there.wanted(), Consent()),
        "another fingerprint": (there.wanted(), Consent(fingerprint="SHA256:other")),
        "somebody says no": (there.wanted(), Consent(ask=lambda _name, _shown: False)),
        "wrong key": (there.wanted(key=str(other)), yes),
        "no such key": (there.wanted(key=str(tmp_path / "nowhere")), yes),
        "nothing listens": (there.wanted(port=closed()), yes),
        "no name": (there.wanted(name="Web_1"), yes),
        "no address": (there.wanted(address="1.2.3.400"), yes),
        "an address that is taken": (there.wanted(address="192.0.2.9", port=None), yes),
        "a bad label": (there.wanted(labels={"deployer.x": "y"}), yes),
        "an interface that is not there": (there.wanted(role="worker", advertise="eth77"), yes),
    }[what]


@pytest.mark.parametrize(
    ("what", "kind", "message"),
    [
        ("nobody to ask", UsageError, "the ED25519 host key of web1 is {}: is it web1's?"),
        ("another fingerprint", GuardRefusedError, "the ED25519 host key of web1 is {}, and not SHA256:other"),
        ("somebody says no", GuardRefusedError, "the host key of web1 is not believed: nothing was written"),
        ("wrong key", DeployerError, "web1: 127.0.0.1 does not let root in: no key is accepted"),
        ("no such key", DeployerError, "web1: identity file"),
        ("nothing listens", DeployerError, "127.0.0.1: Connection refused"),
        ("no name", UsageError, "'Web_1' is no name for a machine"),
        ("no address", InvalidFilesError, "1 problems in the repository's files"),
        ("an address that is taken", InvalidFilesError, "1 problems in the repository's files"),
        ("a bad label", InvalidFilesError, "1 problems in the repository's files"),
        ("an interface that is not there", DeployerError, "web1: it has no interface eth77"),
    ],
)
def test_what_is_wrong_is_one_line_and_the_files_are_as_they_were(  # noqa: PLR0917 - fixtures
    there: There, tmp_path: Path, repository: Repo, source: Source, what: str, kind: type[DeployerError], message: str
) -> None:
    with pytest.raises(kind) as caught:
        survey_now(source, *wrong(there, tmp_path, what))
    assert caught.value.message.startswith(message.format(PRINT))
    assert "\n" not in caught.value.message
    assert repository.git("status", "--porcelain") == ""


def test_a_key_that_the_repository_knows_is_not_asked_for_and_another_is_refused(
    there: There, repository: Repo, source: Source
) -> None:
    repository.write({"cluster/known_hosts": f"127.0.0.1 {KEY}\n"})
    added = survey_now(source, there.wanted(), Consent())
    assert added.shown
    assert added.shown.vouched == "cluster/known_hosts"
    write(source, [added], None)
    assert repository.git("status", "--porcelain").split() == [
        "??",
        "cluster/known_hosts",
        "??",
        "cluster/nodes/web1.yaml",
    ]
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    repository.write({"cluster/known_hosts": f"127.0.0.1 {other}\n", "cluster/nodes/web1.yaml": None})
    with pytest.raises(DeployerError, match="the machine was re-installed, or somebody listens in"):
        survey_now(source, there.wanted(), Consent(yes=True))


def test_yes_is_yes_and_an_asked_one_too() -> None:
    agree("a", SHOWN, fingerprint=None, yes=True, ask=None)
    agree("a", SHOWN, fingerprint=f"SHA256:x,{PRINT}", yes=False, ask=None)
    agree("a", SHOWN, fingerprint=None, yes=False, ask=lambda name, shown: (name, shown) == ("a", SHOWN))
    agree("a", replace(SHOWN, vouched="~/.ssh/known_hosts"), fingerprint=None, yes=False, ask=None)


ALPINE = replace(DEBIAN, id="alpine", name="Alpine Linux v3.20")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"privileged": False}, "m: the user is not root there, and sudo asks for a password"),
        ({"os": ALPINE}, "m: Docker can be installed on Debian and Ubuntu only, and this is Alpine Linux v3.20"),
        ({"architecture": "sparc64"}, "m: there are no packages of Docker for sparc64"),
        ({"engine": Silent("no answer")}, "m: its Docker engine does not answer: no answer"),
        ({"interfaces": ()}, "m: it has no interface eth0"),
    ],
)
def test_machines_that_cannot_be_taken(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DeployerError) as caught:
        check.refuse(make_node("m"), make_machine(**changes))
    assert caught.value.message == message
    assert caught.value.help


def test_an_engine_that_is_there_needs_no_packages() -> None:
    there = make_machine(engine=make_engine(), os=ALPINE, architecture="sparc64")
    check.refuse(make_node("m"), there)
    assert [*check.describe_machine(make_node("m"), there)] == [
        "Alpine Linux v3.20, sparc64",
        "Docker 26.1.5 runs there, in no swarm: it stays as it is",
        "the other machines reach it at 10.0.0.1",
    ]
    with pytest.raises(DeployerError, match="it has no Docker engine, and is not to get one"):
        check.refuse(make_node("m", install="none"), make_machine())


def test_a_machine_that_is_adopted_keeps_its_daemon_json() -> None:
    cluster = EngineSettings(daemon={"debug": True, "registry-mirrors": ["http://m"], "mtu": 1400}).daemon
    assert keep_settings(cluster, '{"debug": true, "mtu": 9000}') == {"registry-mirrors": None, "mtu": None}
    assert keep_settings(cluster, None) == dict.fromkeys(cluster)
    assert keep_settings(cluster, "{") == dict.fromkeys(cluster)


def test_what_is_printed_is_what_its_schema_says(there: There, source: Source) -> None:
    added = survey_now(source, there.wanted(), Consent(yes=True))
    schemas.check("added", added_document([added], None, ["a note"]))
    lines = added_text([added], None, ["a note"]).splitlines()
    assert lines[:2] == ["web1 at 127.0.0.1", f"  ED25519 host key {PRINT}"]
    assert lines[-3:] == [
        "  wrote cluster/nodes/web1.yaml",
        "note: a note",
        "Next: git add cluster && git commit, deployer plan",
    ]
