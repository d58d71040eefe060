from __future__ import annotations

from typing import Any

from deployer.sandbox.down import our_records


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
