from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from deployer.sandbox import down as taking_down
from deployer.sandbox import observe, state
from deployer.sandbox.down import down, our_records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def record(name: str, description: str, *, parents: list[str] | None = None, kind: str = "regular") -> dict[str, Any]:
    return {"ID": name, "Description": description, "Type": kind, " Parents": parents}


OURS = [
    record("run", "mount / from exec /bin/sh -c : deployer-sandbox/redis  && apt-get update"),
    record("copy", "[3/3] COPY entrypoint.sh /", parents=["run"]),
    record("user", "[4/4] WORKDIR /data", parents=["copy"]),
    record("context", "local source for context", kind="source.local"),
    record("base", "from local "),
]


def test_what_stands_on_our_steps_is_ours_and_so_are_contexts_when_nobody_else_builds() -> None:
    assert our_records(OURS) == {"run", "copy", "user", "context", "base"}


def test_records_of_other_builds_and_contexts_that_may_be_theirs_stay() -> None:
    theirs = [record("theirs", "mount / from exec /bin/sh -c make"), record("more", "COPY . /", parents=["theirs"])]
    assert our_records([*theirs, *OURS]) == {"run", "copy", "user"}


def test_newer_engines_spell_parents_without_the_space() -> None:
    assert our_records([OURS[0], {**record("copy", "COPY"), "Parents": ["run"]}]) == {"run", "copy"}


def test_an_empty_cache_has_nothing_of_ours() -> None:
    assert our_records([]) == frozenset()


@pytest.mark.parametrize("what", ["nothing", "containers", "a network", "keys"])
def test_it_says_whether_there_was_a_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """`sandbox down --name nosuch` said that it was removed."""
    api = SimpleNamespace(
        networks=lambda **_: [{"Id": "n"}] if what == "a network" else [],
        remove_network=lambda _: None,
        remove_container=lambda *_, **__: None,
    )

    @contextmanager
    def engine() -> Iterator[Any]:
        yield SimpleNamespace(api=api)

    monkeypatch.setattr(taking_down, "engine_silent_reason", lambda: "")
    monkeypatch.setattr(observe, "engine", engine)
    monkeypatch.setattr(observe, "containers", lambda *_: [{"Id": "c"}] if what == "containers" else [])
    monkeypatch.setattr(state, "folder", lambda name: tmp_path / name)
    if what == "keys":
        (tmp_path / "one").mkdir()
        (tmp_path / "one/id_ed25519").touch()
    said: list[str] = []
    down("one", said.append, purge=False)
    expected = "there is no sandbox one" if what == "nothing" else "sandbox one: removed"
    assert said[-1] == expected
    if what == "nothing":
        down("one", said.append, purge=False)  # the lock of the first time is no sandbox
        assert said[-1] == expected
