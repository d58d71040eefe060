"""Compose documents made at random: what we hand over means to compose what the original bytes mean, or we refuse them.

DEPLOYER_ROUNDS says how many documents, DEPLOYER_SEED with which one it begins: both are printed with the figures.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from deployer.compose.encode import encode_compose
from deployer.compose.references import references
from deployer.compose.walk import CHECKOUT
from tests.compose.conftest import stack_of
from tests.compose.documents import ENV, Project

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from deployer.compose.references import References
    from deployer.compose.tools import Tools

ROUNDS = int(os.environ.get("DEPLOYER_ROUNDS", "500"))
SEED = int(os.environ.get("DEPLOYER_SEED", "20261129"))
TOGETHER = 40
"""Documents that one process of compose reads, by `include`."""
KINDS = ("services", "configs")


@dataclass
class Compose:
    """Reads documents below `folder`; a document that it refuses is found out and the others are read again."""

    program: str
    folder: Path
    refused: dict[str, str] = field(default_factory=dict)
    runs: int = 0

    def read(self, entries: dict[str, str]) -> dict[str, Any]:
        """By document, what compose makes of it; `entries` are the files to include. Those that it refuses are in `refused`."""
        waiting = dict(entries)
        while waiting:
            said = self.run(waiting)
            if isinstance(said, dict):
                return {name: self.part(said, name) for name in waiting}
            named = re.findall(rf"{re.escape(str(self.folder))}/(d\d+)/|\b(d\d+)(?:s\d|p)", said)
            guilty = [one for pair in named for one in pair if one in waiting]
            if not guilty and len(waiting) > 1:
                names = list(waiting)
                half = len(names) // 2
                parts = [{name: waiting[name] for name in some} for some in (names[:half], names[half:])]
                return self.read(parts[0]) | self.read(parts[1])
            name = guilty[0] if guilty else next(iter(waiting))
            if len(waiting) > 1 and isinstance(alone := self.run({name: waiting[name]}), dict):
                return {name: self.part(alone, name)} | self.read({one: waiting[one] for one in waiting if one != name})
            self.refused[name] = said
            del waiting[name]
        return {}

    def run(self, entries: dict[str, str]) -> dict[str, Any] | str:
        self.runs += 1
        main = self.folder / f"main-{next(iter(entries))}.yaml"
        main.write_text(
            yaml.safe_dump(
                {"include": [{"path": path} for path in entries.values()], "services": {"z": {"image": "z"}}}
            )
        )
        argv = [self.program, "--config", "/nonexistent", "compose", "-f", str(main), "--project-name", "p", "config"]
        done = subprocess.run(
            argv,
            env={"DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND": "docker"},
            cwd=self.folder,  # compose 2.26 counts an include's env files from here
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            return done.stderr
        if "variable is not set" in done.stderr:
            return done.stderr  # which is a mistake to us
        try:
            model: dict[str, Any] = plain(yaml.compose(done.stdout, Loader=yaml.CSafeLoader))
        except yaml.YAMLError:  # go-yaml writes what libyaml does not read
            return {"text": done.stdout} if len(entries) == 1 else "not to be read"
        return model

    def part(self, model: dict[str, Any], name: str) -> Any:
        """What of a model comes from one document, wherever its files were."""
        own = re.compile(rf"{name}(?!\d)")
        found = (
            model
            if "text" in model
            else {kind: {key: one for key, one in (model.get(kind) or {}).items() if own.match(key)} for kind in KINDS}
        )
        text = repr(found)
        for folder in (f"{self.folder}/{name}/{CHECKOUT}", f"{self.folder}/{name}"):
            text = text.replace(folder, "HERE")
        return text


def plain(node: Any) -> Any:
    """What stands there, types included, and as it is written: PyYAML cannot make values of all that compose prints."""
    if isinstance(node, yaml.MappingNode):
        return {key.value: plain(one) for key, one in node.value}
    return list(map(plain, node.value)) if isinstance(node, yaml.SequenceNode) else (node.tag, node.value)


def write(folder: Path, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def hand_over(folder: Path, checked: References) -> str:
    """The entry of what we give to compose."""
    made = {f"{CHECKOUT}/{one.file}": encode_compose(one.value, str(folder), one.tags) for one in checked.readings}
    write(folder, {**made, **checked.written})
    return f"{folder}/{CHECKOUT}/{checked.readings[0].file}"


def compare(found: Tools, folder: Path, seeds: Sequence[int]) -> tuple[Counter[str], list[str]]:
    """How many documents of these seeds came to what, and the differences in words."""
    theirs, ours = (Compose(found.compose.path, folder / name) for name in ("theirs", "ours"))
    written: dict[str, dict[str, str]] = {}
    entries: tuple[dict[str, str], dict[str, str]] = ({}, {})
    outcome: Counter[str] = Counter()
    write(theirs.folder, {".env": ENV.encode()})
    ours.folder.mkdir(parents=True)
    for seed in seeds:
        name = f"d{seed}"
        odd = random.Random(seed).choice([0.0, 0.0, 0.0, 0.01, 0.04])
        written[name] = Project(random.Random(seed), name, odd).write()
        write(theirs.folder / name, {path: text.encode() for path, text in written[name].items()})
        files = {"compose" if path == "compose.yaml" else path: text for path, text in written[name].items()}
        checked = references(stack_of("p", **files))
        if any(problem.severity == "error" for problem in checked.problems):
            alone = theirs.read({name: f"{theirs.folder}/{name}/compose.yaml"})
            outcome["refused by us" if name in alone else "refused by both"] += 1
            continue
        entries[0][name] = f"{theirs.folder}/{name}/compose.yaml"
        entries[1][name] = hand_over(ours.folder / name, checked)
    outcome["runs, theirs, of those that we refused"] = theirs.runs
    original, handed = theirs.read(entries[0]), ours.read(entries[1])
    outcome["runs, theirs"], outcome["runs, ours"] = theirs.runs, ours.runs
    different = []
    for name in entries[0]:
        if original.get(name) == handed.get(name):
            outcome["the same" if name in original else "refused by both"] += 1
        elif name in handed and "cycle detected" in theirs.refused.get(name, ""):
            # compose-go, loader/reset.go: it takes a merge of an anchor beside an alias of it for a circle
            outcome["refused by compose alone"] += 1
        else:
            outcome["different"] += 1
            shown = (original.get(name, theirs.refused.get(name)), handed.get(name, ours.refused.get(name)))
            different.append(f"seed {name[1:]}\n{written[name]}\ntheirs: {shown[0]}\nours:   {shown[1]}")
    return outcome, different


@pytest.mark.seeded
def test_what_we_hand_over_means_what_the_file_means(
    found: Tools, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batches = [range(first, min(first + TOGETHER, SEED + ROUNDS)) for first in range(SEED, SEED + ROUNDS, TOGETHER)]
    total: Counter[str] = Counter()
    different: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        for outcome, found_different in pool.map(
            lambda seeds: compare(found, tmp_path / str(seeds[0]), seeds), batches
        ):
            total += outcome
            different += found_different
    with capsys.disabled():
        print(f"\nDEPLOYER_ROUNDS={ROUNDS} DEPLOYER_SEED={SEED}: {dict(sorted(total.items()))}")
    assert not different, "\n\n".join(different[:5])
    assert total["the same"] > ROUNDS // 2  # or it compares nothing
