"""The documentation has every command, key, cause and exit code, with the defaults that the code has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

from deployer import errors
from deployer.cli import app, context, hooks, registrator, remote, sandbox, swarm
from deployer.cli import errors as codes
from deployer.cli.lazy import load
from deployer.cli.machine import app as machine
from deployer.diff.cause import Cause
from deployer.model.cluster import ClusterFile, NodeFile
from deployer.model.registrator import Registrator
from deployer.model.stack import StackSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[1]
REFERENCE: Final = (ROOT / "docs" / "reference.md").read_text("utf-8")
PAGES: Final = {path.name: path.read_text("utf-8") for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))}
GROUPS: Final = {"context": context, "hooks": hooks, "remote": remote, "registrator": registrator, "sandbox": sandbox}


def rows(text: str, heading: str) -> dict[str, str]:
    """The words in the first column of a section's tables, and what the second says."""
    section = text[text.index(f"\n{heading}\n") + len(heading) + 2 :]
    section = section[: re.search(r"^#", section, re.MULTILINE).start()]  # type: ignore[union-attr]  # none is the last
    found: dict[str, str] = {}
    for line in section.splitlines():
        if line.startswith("| `"):
            _, first, second, *_ = line.split("|")
            found |= dict.fromkeys(re.findall("`([^`]+)`", first), second.strip())
    return found


def keys(kind: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Every key that a file may have and its default; those of the registrator have a table of their own."""
    for one in msgspec.structs.fields(kind):
        inner = next((part for part in (one.type, *getattr(one.type, "__args__", ())) if _struct(part)), None)
        if inner is None or inner is Registrator or kind in {NodeFile, StackSettings}:
            yield f"{above}{one.name}", one.default
        else:
            if one.default is None and any(
                each.default is not msgspec.NODEFAULT for each in msgspec.structs.fields(inner)
            ):
                yield one.name, None
            yield from keys(inner, f"{one.name}.")


def _struct(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, msgspec.Struct)


@pytest.mark.parametrize(
    ("kind", "page", "heading"),
    [
        (ClusterFile, REFERENCE, "### cluster/cluster.yaml"),
        (NodeFile, REFERENCE, "### cluster/nodes/NAME.yaml"),
        (StackSettings, REFERENCE, "### x-deployer in a compose file"),
    ],
)
def test_every_key_with_its_default(kind: Any, page: str, heading: str) -> None:
    told, known = rows(page, heading), dict(keys(kind))
    assert sorted(told) == sorted(known)
    for key, default in known.items():
        if default is msgspec.NODEFAULT:
            assert told[key] in {"required", "`{}`"}, key
        elif isinstance(default, bool | str | float | int):
            text = str(default).lower() if isinstance(default, bool) else f"{default:g}" if default == 5.0 else default
            assert told[key] == f"`{text}`", key
        else:
            assert told[key] in {"none", "`[]`", "as `ssh`", "found out", "the cluster's", "the policy's"}, key


def test_every_key_of_the_registrator() -> None:
    text = PAGES["machines.md"]
    section = text[text.index("**Registrator.**") :]
    told = re.findall(
        "`([a-z_]+)`", " ".join(re.findall(r"^\| (`[^|]*) \|", section[: section.index("\n## ")], re.MULTILINE))
    )
    assert set(told) == {one.name for one in msgspec.structs.fields(Registrator)}


def test_every_cause() -> None:
    assert rows(REFERENCE, "## What a run does").keys() == {cause.value for cause in Cause}


def test_every_exit_code() -> None:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.DeployerError)
    ]
    known = {
        *(kind.exit_code for kind in kinds),
        codes.INTERNAL,
        codes.INTERRUPTED,
        codes.TERMINATED,
        codes.TIMED_OUT,
        0,
    }
    section = REFERENCE[REFERENCE.index("## Exit codes") : REFERENCE.index("## Options")]
    assert {
        int(one) for row in re.findall(r"^\| ([0-9, ]+) \|", section, re.MULTILINE) for one in row.split(",")
    } == known
    assert str(codes.USAGE_DETAILED) in section


def commands() -> Iterator[str]:
    yield from app.COMMANDS
    yield from (f"machine {name}" for name in machine.COMMANDS)
    yield from (f"swarm {name}" for name in swarm.COMMANDS)
    for group, module in GROUPS.items():
        for one in module.app.registered_commands:
            if not one.hidden:
                yield f"{group} {one.name or one.callback.__name__.replace('_', '-')}"


@pytest.mark.parametrize("command", list(commands()))
def test_every_command(command: str) -> None:
    """In code, as `deployer COMMAND` or `GROUP COMMAND`, or in the first column of the group's own table."""
    group, _, name = command.rpartition(" ")
    text = "\n".join(PAGES.values())
    code = rf"`(deployer )?{group} [a-z\\| -]*\b{name}\b" if group else rf"deployer [^`\n]*\b{name}\b"
    tables = re.findall(rf"^\| `deployer {group}` \|.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert re.search(code, text) or any(re.search(rf"^\| `[^|]*\b{name}\b", one, re.MULTILINE) for one in tables)


def lines() -> Iterator[str]:
    """Command lines of the docs: code that begins with `deployer`, and what is typed in the examples."""
    for text in PAGES.values():
        examples = re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        typed = [
            line.partition("#")[0] for example in examples for line in re.findall(r"^\$ (.*)", example, re.MULTILINE)
        ]
        code = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
        for one in (*typed, *code):
            yield from re.findall(r"\bdeployer ([a-z].*?)(?:\)|;|&&|$)", one)


def test_every_option_of_a_command_line_is_there() -> None:
    asked = [line.split() for line in lines() if " -" in line]
    assert len(asked) > 30
    for name, *words in asked:
        command: Any = load(name, (app.COMMANDS | app.UNLISTED)[name])
        while words and (inner := getattr(command, "get_command", lambda *_: None)(None, words[0])):
            command = inner
            words.pop(0)
        known = {"--help", *(option for each in command.params for option in each.opts)}
        given = {word.partition("=")[0] for word in words if re.match("--?[a-z]", word)}
        if command.name not in {"ssh", "scp", "create"}:  # behind a machine's name options are ssh's own
            assert given <= known, (name, words)


def test_every_variable_of_ours() -> None:
    told = rows(REFERENCE, "## Environment and files")
    for path in (ROOT / "deployer").rglob("*.py"):
        for name in re.findall(r'"(DEPLOYER_[A-Z_]*[A-Z])"', path.read_text("utf-8")):
            assert name in told, path


def test_contributing_has_every_package() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    told = set(re.findall("`([a-z_]+)(?:.py)?`", " ".join(re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE))))
    parts = {path.stem for path in (ROOT / "deployer").iterdir() if not path.name.startswith("__")}
    assert parts == told


def anchors(text: str) -> set[str]:
    """Of the headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    }


def test_every_link_within_leads_somewhere() -> None:
    links = [(page, link) for page, text in PAGES.items() for link in re.findall(r"\]\(((?!https?:)[^)\s]+)\)", text)]
    assert len(links) > 30
    for page, link in links:
        path, _, anchor = link.partition("#")
        base = ROOT if page == "README.md" else ROOT / "docs"
        target = base / (path or page)
        assert target.exists(), (page, link)
        assert not anchor or anchor in anchors(target.read_text("utf-8")), (page, link)


def test_the_walks_name_files_and_functions_that_exist() -> None:
    text = (ROOT / "docs/design/walks.md").read_text("utf-8")
    named = re.findall(r"`([\w/]+\.py)`(?: `(\w+)`)?", text)
    assert len(named) > 30
    for path, function in named:
        folder = ROOT if path.startswith("tests/") else ROOT / "deployer"
        source = (folder / path).read_text("utf-8")
        assert not function or re.search(rf"^ *(?:async )?def {function}\(", source, re.MULTILINE), (path, function)
