"""What is kept of a file says the same as the file, and finds its places when they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deployer.document import COMPOSE_TAGS, kept, parse
from deployer.document.kept import parse_kept
from deployer.document.shelf import Shelf

if TYPE_CHECKING:
    from pathlib import Path

TEXT = b"services:\n  web: &w {image: nginx, command: [a, 1, 1.0, true, null]}\n  api: *w\n"


def never(*_: object, **__: object) -> None:
    raise AssertionError("it was read anew")


def test_the_second_time_it_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(tmp_path)
    document, _ = parse_kept(shelf, "stacks/a.yaml", TEXT)
    monkeypatch.setattr(kept, "_parse", never)
    again, problems = parse_kept(shelf, "stacks/b.yaml", TEXT)
    assert document
    assert again
    assert (again.path, problems) == ("stacks/b.yaml", ())
    assert repr(again.value) == repr(document.value)  # 1, 1.0 and True are three things


def test_a_place_is_found_when_it_is_asked_for(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    parse_kept(shelf, "stacks/a.yaml", TEXT)
    again, _ = parse_kept(shelf, "stacks/a.yaml", TEXT)
    plain, _ = parse("stacks/a.yaml", TEXT)
    assert again
    assert plain
    assert again.problem(("services", "web", "command", 2), "is wrong") == plain.problem(
        ("services", "web", "command", 2), "is wrong"
    )
    assert again.lines == plain.lines


@pytest.mark.parametrize(
    "text",
    [
        b"a: .nan\n",
        b"a: .inf\n",
        b"secrets: {s: {content: hunter2}}\n",
        b"a: &a [" + b"x, " * 50 + b"x]\nb: [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n",
        b"a: 1\na: 2\n",
        b"a: [\n",
    ],
    ids=["no number", "infinite", "a secret", "aliases", "a problem", "no document"],
)
def test_what_json_cannot_say_or_nobody_should_keep_is_read_each_time(tmp_path: Path, text: bytes) -> None:
    shelf = Shelf(tmp_path)
    assert repr(parse_kept(shelf, "a.yaml", text)) == repr(parse("a.yaml", text))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("tags", [frozenset(), COMPOSE_TAGS])
def test_what_tags_allow_is_kept_apart(tmp_path: Path, tags: frozenset[str]) -> None:
    shelf = Shelf(tmp_path)
    text = b"a: !override [1]\n"
    for _ in range(2):
        for allowed in (tags, COMPOSE_TAGS - tags):
            assert parse_kept(shelf, "a.yaml", text, tags=allowed)[1] == parse("a.yaml", text, tags=allowed)[1]


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff"])
def test_a_damaged_entry_is_no_entry(tmp_path: Path, damage: bytes) -> None:
    shelf = Shelf(tmp_path)
    parse_kept(shelf, "a.yaml", TEXT)
    (entry,) = tmp_path.iterdir()
    entry.write_bytes(damage)
    for _ in range(2):
        document, _ = parse_kept(shelf, "a.yaml", TEXT)
        assert document
        assert document.value["services"]["api"]["image"] == "nginx"
