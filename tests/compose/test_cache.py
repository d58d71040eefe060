"""The cache: the same objects without a process, by content, without secrets, and never in the way."""

from __future__ import annotations

import base64
import os
import stat
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deployer.compose import compile_stacks
from deployer.compose.cache import Cache, open_cache
from deployer.compose.outcome import Outcome
from deployer.document.shelf import KEPT_DAYS, Shelf
from deployer.model.problem import Problem
from deployer.model.secret import Secret
from deployer.model.stack import Dependency, StackObjects
from tests.work import count_calls

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from deployer.compose.tools import Tools
    from deployer.model.stack import StackSource

    MakeStack = Callable[..., StackSource]

CANARY = "canary-77d0"
ENCODED = base64.b64encode(CANARY.encode()).decode()
WARNING = Problem("stacks/web/compose.yaml", 3, 5, "ignored", severity="warning")


def objects_of(name: str = "web", *, secret: bool = False) -> StackObjects:
    return StackObjects(
        stack=name,
        networks=({"Name": f"{name}_default", "Labels": {"a": "b"}},),
        configs=({"Name": f"{name}_c-1", "Data": "aGk="},),
        secrets=({"Name": f"{name}_s-1", "Labels": {}, "Data": Secret(ENCODED)},) if secret else (),
        services=({"Name": f"{name}_web", "Mode": {"Replicated": {"Replicas": 3}}, "Ratio": 0.25, "None": None},),
        external=(("network", "front"),),
        order=(Dependency(f"{name}_web", f"{name}_db"),),
    )


def entries(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name != "pruned")


def test_what_was_stored_is_loaded(tmp_path: Path, stack: MakeStack) -> None:
    source = stack("web", compose="services: {}")
    cache = Cache(Shelf(tmp_path), "tools 1")
    assert cache.load(source) is None
    cache.store(source, Outcome(objects_of(), (WARNING,)))
    assert cache.load(source) == (objects_of(), (WARNING,))


def test_another_content_name_place_or_tool_is_another_entry(tmp_path: Path, stack: MakeStack) -> None:
    source = stack("web", compose="services: {}", extra="1")
    Cache(Shelf(tmp_path), "tools 1").store(source, Outcome(objects_of(), ()))
    others = [
        stack("web", compose="services: {} ", extra="1"),
        stack("web", compose="services: {}", extra="2"),
        stack("web", compose="services: {}", extr="a1"),
        stack("wob", compose="services: {}", extra="1"),
        replace(source, entry="extra"),
        replace(source, root="elsewhere"),
    ]
    assert [Cache(Shelf(tmp_path), "tools 1").load(other) for other in others] == [None] * len(others)
    assert Cache(Shelf(tmp_path), "tools 2").load(source) is None
    assert Cache(Shelf(tmp_path), "tools 1").load(replace(source, content_id="of another commit")) is not None


def test_secrets_are_read_again_from_their_files_and_are_nowhere_in_the_cache(tmp_path: Path, stack: MakeStack) -> None:
    source = stack("web", compose="services: {}", **{"key.pem": CANARY})
    cache = Cache(Shelf(tmp_path), "")
    cache.store(source, Outcome(objects_of(secret=True), (), (("web_s-1", "key.pem"),)))
    loaded = cache.load(source)
    assert loaded is not None
    assert loaded[0] == objects_of(secret=True)
    kept = b"".join(path.read_bytes() for path in entries(tmp_path))
    assert b"web_s-1" in kept
    assert CANARY.encode() not in kept
    assert ENCODED.encode() not in kept


def test_a_stack_with_a_secret_from_elsewhere_is_not_kept(tmp_path: Path, stack: MakeStack) -> None:
    source = stack("web", compose="services: {}")
    Cache(Shelf(tmp_path), "").store(source, Outcome(objects_of(secret=True), (), (("web_s-1", None),)))
    assert entries(tmp_path) == []


def test_a_stack_with_errors_is_not_kept(tmp_path: Path, stack: MakeStack) -> None:
    Cache(Shelf(tmp_path), "").store(stack("web", compose=""), Outcome(None, (WARNING,)))
    assert entries(tmp_path) == []


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe", b"[]", b'{"networks": 3}', b'{"networks": []}'])
def test_a_damaged_entry_is_no_entry_and_is_written_again(tmp_path: Path, stack: MakeStack, damage: bytes) -> None:
    source = stack("web", compose="services: {}")
    cache = Cache(Shelf(tmp_path), "")
    cache.store(source, Outcome(objects_of(), ()))
    (entry,) = entries(tmp_path)
    entry.write_bytes(damage)
    assert cache.load(source) is None
    cache.store(source, Outcome(objects_of(), ()))
    assert cache.load(source) == (objects_of(), ())


def test_the_cache_is_its_owners_alone(tmp_path: Path, stack: MakeStack) -> None:
    before = os.umask(0)
    try:
        folder = tmp_path / "deployer" / "compose"
        open_cache(folder, "").store(stack("web", compose=""), Outcome(objects_of(), ()))
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(entry.stat().st_mode) for entry in entries(folder)] == [0o600]


def test_somebody_elses_directory_is_not_believed(
    tmp_path: Path, stack: MakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = stack("web", compose="")
    open_cache(tmp_path, "").store(source, Outcome(objects_of(), ()))
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    cache = open_cache(tmp_path, "")
    cache.store(stack("other", compose=""), Outcome(objects_of("other"), ()))
    assert cache.load(source) is None
    assert len(entries(tmp_path)) == 1


def test_a_directory_that_cannot_be_written_is_no_error(tmp_path: Path, stack: MakeStack) -> None:
    (tmp_path / "file").write_text("")
    cache = open_cache(tmp_path / "file" / "below", "")
    cache.store(stack("web", compose=""), Outcome(objects_of(), ()))
    cache.shelf.prune()
    assert cache.load(stack("web", compose="")) is None


def test_old_entries_go_once_a_day(tmp_path: Path, stack: MakeStack) -> None:
    cache = Cache(Shelf(tmp_path), "")
    for name in ("old", "new"):
        cache.store(stack(name, compose=""), Outcome(objects_of(name), ()))
    long_ago = time.time() - (KEPT_DAYS + 1) * 86_400
    old = next(entry for entry in entries(tmp_path) if b"old_web" in entry.read_bytes())
    os.utime(old, (long_ago, long_ago))
    cache.shelf.prune()
    assert cache.load(stack("old", compose="")) is None
    assert cache.load(stack("new", compose="")) is not None
    (new,) = entries(tmp_path)
    os.utime(new, (long_ago, long_ago))
    cache.shelf.prune()  # the second time today
    assert cache.load(stack("new", compose="")) is not None
    os.utime(tmp_path / "pruned", (long_ago, long_ago))
    cache.shelf.prune()
    assert cache.load(stack("new", compose="")) is None


def test_compiled_stacks_come_from_the_cache_as_they_were(
    found: Tools, examples: tuple[StackSource, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    chosen = [stack for stack in examples if stack.name in {"contents", "ignored", "networks"}]
    first = compile_stacks(chosen, told.append, tmp_path)
    assert told == [f"compiled {stack.name}" for stack in chosen]
    kept = b"".join(path.read_bytes() for path in entries(tmp_path))
    for secret in (b"canary-from-file\n", b"canary-from-dotenv"):
        assert base64.b64encode(secret) not in kept
        assert secret not in kept
    told.clear()
    second = compile_stacks(chosen, told.append, tmp_path)
    assert told == ["compiled contents"]  # it has a secret from its .env
    assert second == first


def test_a_warm_run_imports_no_compiler(found: Tools, tmp_path: Path) -> None:
    program = (
        "import sys, pathlib\n"
        "from deployer.compose import compile_stacks\n"
        "from deployer.model.stack import StackSettings, StackSource\n"
        "files = (('compose.yaml', b'services: {web: {image: app}}'),)\n"
        "stack = StackSource('web', 'web/compose.yaml', 'web', 'compose.yaml', files, StackSettings(), '')\n"
        "compile_stacks([stack], cache=pathlib.Path(sys.argv[1]))\n"
        "slow = {'python_on_whales', 'pydantic', 'docker', 'yaml', 'http.server', 'subprocess', 'deployer.compose.compiler'}\n"
        "print(*sorted(name for name in slow if type(sys.modules.get(name)) is type(sys)))\n"  # a deferred one has another
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
        )
        for _ in range(2)
    ]
    assert "deployer.compose.compiler" in runs[0].stdout
    assert runs[1].stdout.strip() == ""


def test_a_stack_comes_from_the_cache_with_little_work(found: Tools, tmp_path: Path, stack: MakeStack) -> None:
    """51 function calls a stack when this was written; a process for one of them would be thousands more."""
    stacks = [stack(f"s{number}", compose=f"services: {{web: {{image: 'app:{number}'}}}}") for number in range(200)]
    kept = open_cache(tmp_path, found.identity)
    for one in stacks:
        body = objects_of(one.name)
        kept.store(one, Outcome(replace(body, services=body.services * 5), ()))
    assert len(compile_stacks(stacks, cache=tmp_path).objects) == 200
    assert count_calls(lambda: compile_stacks(stacks, cache=tmp_path)) < 100 * len(stacks)
