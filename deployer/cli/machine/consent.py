"""Host keys on the command line: how they are shown and agreed to, and what the commands that add machines print."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.model.amounts import plural
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.machines.adding import Added, Consent
    from deployer.machines.host_key import Shown
    from deployer.report.machines import AddedDocument

with defer_imports():
    from deployer.machines import adding
    from deployer.remote import terminal
    from deployer.report import machines as report


Fingerprint = Annotated[
    str | None,
    typer.Option(
        "--fingerprint", metavar="SHA256:...", help="The host key's, where nobody can be asked; several by commas."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Believe whatever host key is shown.")]
Commit = Annotated[bool, typer.Option("--commit", help="Commit the files that were written, and nothing else.")]


def consent(fingerprint: str | None, *, yes: bool, json: bool) -> Consent:
    """A terminal is asked; elsewhere a flag has to say it."""
    return adding.Consent(fingerprint, yes, _ask if sys.stdin.isatty() and not json else None)


def _ask(name: str, shown: Shown) -> bool:
    typer.echo(f"{shown.kind} key fingerprint of {name} is {shown.fingerprint}.", err=True)
    with terminal.interruptible():
        return typer.confirm("Is it the machine's?", err=True)


def added_text(added: Sequence[Added], commit: str | None, notes: Sequence[str] = ()) -> str:
    """What was found and written, and what to do next."""
    lines = []
    for one in added:
        lines.append(f"{one.wanted.name} at {one.wanted.address}")
        if one.shown:
            source = f", as in {one.shown.vouched}" if one.shown.vouched else ""
            lines.append(f"  {one.shown.kind} host key {one.shown.fingerprint}{source}")
        lines += [f"  {line}" for line in one.told]
        lines.append(f"  wrote {one.wanted.path}")
    lines += [f"note: {note}" for note in notes]
    if added:
        lines.append(
            f"Committed {commit[:10]}: deployer plan"
            if commit
            else "Next: git add cluster && git commit, deployer plan"
        )
    return "".join(f"{line}\n" for line in lines)


def added_document(added: Sequence[Added], commit: str | None, notes: Sequence[str] = ()) -> AddedDocument:
    machines = (
        report.AddedMachine(
            one.wanted.name,
            one.wanted.address,
            one.wanted.path,
            one.shown.fingerprint if one.shown else None,
            one.wanted.role,
            one.told,
        )
        for one in added
    )
    return report.AddedDocument(commit=commit, notes=tuple(notes), machines=tuple(machines))


def message(added: Sequence[Added], verb: str) -> str:
    """The commit's message."""
    names = [one.wanted.name for one in added]
    if len(names) == 1:
        return f"{verb} machine {names[0]}\n"
    return f"{verb} {plural(len(names), 'machine')}\n\n{', '.join(names)}\n"
