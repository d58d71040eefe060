"""What a tag stands for: by the registry, or by machines that all have the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from deployer.docker import Engine
from deployer.docker.credentials import Credentials
from deployer.docker.digests import find_image
from deployer.model.observed import ImageFound, ImageUnknown
from deployer.remote import ConnectionFailedError
from tests.fakes import FakeConnection, run

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = "team/app:1"
ASK, LOOK = "GET /distribution/team%2Fapp%3A1/json", "GET /images/team%2Fapp%3A1/json"
DENIED = (403, {"message": "denied: who are you?"})
A, B = "sha256:aa", "sha256:bb"


def find(tmp_path: Path, registry: Any, **held: Any) -> ImageFound | ImageUnknown:
    machines = {name: FakeConnection({LOOK: answer}) for name, answer in held.items()}
    manager = FakeConnection({ASK: registry})

    async def ask() -> ImageFound | ImageUnknown:
        engines = {name: Engine(machine) for name, machine in machines.items()}
        asked = Engine(manager)
        try:
            return await find_image(IMAGE, asked, engines, Credentials(tmp_path / "none"))
        finally:
            for engine in (asked, *engines.values()):
                engine.close()

    return run(ask())


def image(identifier: str, *digests: str) -> dict[str, Any]:
    return {
        "Id": identifier,
        "RepoDigests": [f"{name}@{digest}" for name, digest in (one.split("=") for one in digests)],
    }


MISSING = (404, {"message": "No such image"})


def test_the_registry_says_it_and_no_machine_is_asked(tmp_path: Path) -> None:
    assert find(tmp_path, {"Descriptor": {"digest": A}}, m1=None) == ImageFound(A)


def test_what_all_machines_pulled_from_there_counts_where_the_registry_does_not_say(tmp_path: Path) -> None:
    one, two = image("i1", f"team/app={A}", f"other={B}"), image("i2", f"docker.io/team/app={A}", f"team/app={B}")
    found = find(tmp_path, DENIED, m1=one, m2=two)
    assert isinstance(found, ImageFound)
    assert found.digest == A
    assert found.local.startswith("docker.io does not say what team/app:1 is: denied: who are you?; taken as")


def test_what_nobody_pushed_runs_as_it_is_if_it_is_the_same_everywhere(tmp_path: Path) -> None:
    found = find(tmp_path, DENIED, m1=image("i1"), m2=image("i1"))
    assert isinstance(found, ImageFound)
    assert (found.digest, bool(found.local)) == ("", True)


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        ({"m1": image("i1"), "m2": image("i2")}, "the machines that may run it do not all have the same one"),
        (
            {"m1": image("i1", f"team/app={A}"), "m2": image("i2", f"team/app={B}")},
            "the machines that may run it do not all",
        ),
        ({"m1": image("i1", f"team/app={A}"), "m2": image("i1")}, "the machines that may run it do not all"),
        ({"m1": image("i1"), "m2": MISSING}, "m2 has it neither"),
        ({"m1": MISSING, "m2": ConnectionFailedError("down")}, "m1, m2 have it neither"),
        ({}, "no machine has it neither"),
    ],
)
def test_anything_less_is_no_answer(tmp_path: Path, held: dict[str, Any], reason: str) -> None:
    found = find(tmp_path, DENIED, **held)
    assert isinstance(found, ImageUnknown)
    assert found.reason.startswith(f"docker.io does not say what team/app:1 is: denied: who are you?; {reason}")
    assert "docker login" in found.help


def test_a_manager_that_is_away_is_no_answer_of_a_registry(tmp_path: Path) -> None:
    with pytest.raises(ConnectionFailedError):
        find(tmp_path, ConnectionFailedError("gone"), m1=image("i1"))
