"""Compile one stack to its engine objects and its problems, by Docker's own two tools.

What the tools read was written here, into a private directory: compose files and env files made of our own values, with every
variable filled in and every path checked (references.py). The stack's own files stay in memory, secrets and all others.
Nothing of the result depends on that directory's name.
"""

from __future__ import annotations

import base64
import json
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from deployer.compose import complaints, dialect, project, tokens
from deployer.compose.amount import MOST_KEYS, largest
from deployer.compose.builds import with_images
from deployer.compose.client import Client, ToolFailedError
from deployer.compose.corrections import Corrections
from deployer.compose.encode import encode, encode_compose
from deployer.compose.locate import Locator
from deployer.compose.outcome import Outcome
from deployer.compose.recorder import Recorded, Recorder
from deployer.compose.references import References, references
from deployer.compose.sealing import TOKEN, Sealing, seal
from deployer.compose.walk import CHECKOUT
from deployer.model.secret import Secret
from deployer.model.spec import ServiceSpec
from deployer.model.stack import Body, StackObjects
from deployer.user_files import create_private, folder_in_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from deployer.compose.complaints import Mistake
    from deployer.compose.contents import Content
    from deployer.compose.dialect import Dialect
    from deployer.compose.reading import Reading
    from deployer.compose.rules import Note
    from deployer.compose.tools import Tools
    from deployer.model.problem import Problem
    from deployer.model.stack import StackSource


class _FoundError(Exception):
    """The stack has problems that leave nothing to go on with."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        super().__init__()
        self.problems = tuple(problems)


def compile_stack(stack: StackSource, tools: Tools, names: Mapping[str, tuple[str, ...]] | None = None) -> Outcome:
    """Compiles one stack in a private temporary directory. Takes two processes, 0.1 s.

    `names` are the variables of env files that hide them (sealing.py). `DeployerError` where the tools misbehave,
    `TimedOutError` where they hang; everything else is a problem.
    """
    sealing = seal(stack, names or {})
    checked = references(sealing.shown)
    before = (*sealing.problems, *checked.problems)
    if checked.broken or any(problem.severity == "error" for problem in sealing.problems):
        return Outcome(None, before)
    folder = Path(tempfile.mkdtemp(prefix="deployer-", dir=folder_in_memory()))
    try:
        done = _compile(_Work(sealing.shown, dict(stack.files), sealing, checked, Client(tools, folder), folder))
    except _FoundError as found:
        done = Outcome(None, found.problems)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    objects = None if any(problem.severity == "error" for problem in before) else done.objects
    return Outcome(objects, (*before, *done.problems), done.secret_files)


@dataclass(frozen=True)
class _Work:
    """`stack` has stand-ins for what is encrypted; `files` are the stack's own."""

    stack: StackSource
    files: Mapping[str, bytes]
    sealing: Sealing
    checked: References
    client: Client
    folder: Path

    @property
    def checkout(self) -> Path:
        return self.folder / CHECKOUT

    @property
    def placeholder(self) -> Path:
        return self.folder / "empty"

    @property
    def locator(self) -> Locator:
        filled = {reading.path: reading.value for reading in reversed(self.checked.readings)}
        return Locator(self.stack.root, self.checked.documents, filled)


def _compile(work: _Work) -> Outcome:
    create_private(work.placeholder, b"")
    config, problems = _normalise(work)
    variables = work.checked.variables
    if work.stack.settings.mode == "compose":
        return _project(work, config, variables, problems)
    config, builds, build_notes = with_images(config, work.stack)
    problems += [_problem(work, note) for note in build_notes]

    def translate(*, plain: bool) -> Dialect:
        return dialect.translate(config, work.stack.name, work.files, variables, str(work.placeholder), plain=plain)

    translated = translate(plain=False)
    said = [*work.checked.problems, *problems]
    lines = {(problem.path, problem.line) for problem in said}  # what follows from the first is not said again
    notes = [problem for problem in _noted(work, translated) if (problem.path, problem.line) not in lines]
    problems += [problem for problem in notes if not (lines and problem.message == complaints.NO_IMAGE)]
    if any(problem.severity == "error" for problem in [*said, *problems]):
        raise _FoundError(problems)
    try:
        recorded = _record(work, translated)
    except ToolFailedError as error:
        plain = translate(plain=True)
        if plain.model == translated.model:
            raise _FoundError([*problems, *_complained(work, error)]) from None
        translated = plain  # an older docker CLI: once more, without what only newer ones know
        recorded = _record_or_complain(work, translated, problems)
        problems += [problem for problem in _noted(work, translated) if problem not in problems]
    objects = replace(_objects(work, recorded, translated), builds=builds)
    misplaced = tokens.misplaced(objects)
    if misplaced is not None:
        message = "an encrypted value stands where it would be seen: it can be in environment, command, entrypoint or healthcheck"
        problems.append(work.locator.problem(("services", misplaced), message, "use a secret", key=True))
        raise _FoundError(problems)
    leaked = _leaked(objects, str(work.folder))
    if leaked is not None:
        problems.append(work.locator.problem(("services", leaked), "this service refers to a path of this repository"))
        raise _FoundError(problems)
    readable = [content for content in translated.contents if content.sealed is None]
    secrets = tuple((content.name, content.file) for content in readable if content.kind == "secrets")
    return Outcome(objects, tuple(problems), secrets)


def _project(work: _Work, config: dict[str, Any], variables: Mapping[str, str], problems: list[Problem]) -> Outcome:
    """In compose mode the normalised file is what is used, nearly as it is."""
    node = work.stack.settings.node or ""
    made, notes = project.project(config, work.stack.name, node, work.files, variables)
    problems += [_problem(work, note) for note in notes]
    if made:
        _check_project(work, config, problems)
    objects = StackObjects(work.stack.name, (), (), (), (), project=made) if made else None
    # What is in the environment is read again from the files at every run: no file of the cache may have it.
    return Outcome(objects, tuple(problems), (("", None),) if made and made.environment else ())


def _check_project(work: _Work, config: dict[str, Any], problems: list[Problem]) -> None:
    """What may not reach the machine: a stand-in for an encrypted value, and the folder in which Compose was run."""
    for kind in ("services", "volumes", "configs"):
        for name, one in (config.get(kind) or {}).items():
            text = json.dumps(one)
            if TOKEN.search(text):
                message = f"{name!r} takes a value from an encrypted file, which `mode: compose` does not open"
                problems.append(work.locator.problem((kind, name), message, "use `mode: swarm`", key=True))
            elif str(work.folder) in text:
                message = f"{name!r} refers to a path of this repository"
                problems.append(work.locator.problem((kind, name), message, "", key=True))
    if any(problem.severity == "error" for problem in problems):
        raise _FoundError(problems)


def _normalise(work: _Work) -> tuple[dict[str, Any], list[Problem]]:
    """What `docker compose config` makes of the files, and warnings.

    A probe file goes along: it says whether this compose doubles the dollar signs that it prints.
    """
    probe = work.folder / "probe.json"
    create_private(probe, encode({_PROBE: "$$"}))
    config, said, problems = _config(work, probe)
    doubled = config.pop(_PROBE) == "$$"
    config = _mapped(config, lambda text: _relative(text.replace("$$", "$") if doubled else text, str(work.checkout)))
    problems += complaints.warnings(said, work.locator)
    most, at = largest(config)
    if most > MOST_KEYS:
        message = f"{most} entries come together here; at most {MOST_KEYS} are handed to docker"
        raise _FoundError([*problems, work.locator.problem(at, message, "split the service")])
    return config, problems


def _config(work: _Work, probe: Path) -> tuple[dict[str, Any], str, list[Problem]]:
    """Runs `docker compose config`. It names one mistake at a time: each is taken out of the file, to find the next."""
    for path, data in work.checked.written.items():
        _put(work, path, data)
    for reading in work.checked.readings:
        _hand_over(work, reading)
    entry = work.checkout / work.checked.readings[0].file
    corrections = Corrections(work.checked.readings)
    files = {reading.file: reading.path for reading in work.checked.readings}
    problems: list[Problem] = []
    while True:
        try:
            config, said = work.client.config(
                [entry, probe], project=work.stack.name, directory=entry.parent, profiles=work.checked.profiles
            )
        except ToolFailedError as error:
            mistakes = complaints.errors(error.said, work.locator, str(work.checkout), files)
            problems += [
                one.problem for one in mistakes if one.problem not in problems and not _follows(one, work, problems)
            ]
            corrected = corrections.take_out(mistakes)
            if not corrected:
                raise _FoundError(problems) from None
            for reading in corrected:
                _hand_over(work, reading)
        else:
            return config, said, problems


def _follows(mistake: Mistake, work: _Work, problems: list[Problem]) -> bool:
    """Whether it is there only because of another one, whose value was left out."""
    ours = [one for one in work.checked.problems if one.severity == "error"]
    if mistake.lacks_image:
        return bool(ours or problems)
    problem = mistake.problem
    return bool(ours) and (not mistake.at or (problem.path, problem.line) in {(one.path, one.line) for one in ours})


def _hand_over(work: _Work, reading: Reading) -> None:
    """Writes what compose reads in the place of a file of the stack."""
    _put(work, f"{CHECKOUT}/{reading.file}", encode_compose(reading.value, str(work.folder), reading.tags))


def _put(work: _Work, path: str, data: bytes) -> None:
    target = work.folder / path
    if ".." in target.parts:
        raise ValueError(f"the stack {work.stack.name} has a file outside its folder: {path!r}")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    create_private(target, data)


_PROBE: Final = "x-deployer-probe"


def _record(work: _Work, translated: Dialect) -> Recorded:
    """What `docker stack deploy` sends. In a dialect file every dollar sign is doubled: nothing is to be filled in."""
    file, socket = work.folder / "stack.json", work.folder / "s"
    create_private(file, encode(_mapped(translated.model, lambda text: text.replace("$", "$$"), keys=False)))
    expected = [(kind, name) for kind, name in translated.external if kind != "volume"]
    recorder = Recorder(socket, expected)  # type: ignore[arg-type]  # only volumes are no kind of the recorder's
    try:
        work.client.deploy(file, stack=work.stack.name, socket=socket)
    finally:
        recorded = recorder.close()
        socket.unlink()
        file.unlink()
    return recorded


def _record_or_complain(work: _Work, translated: Dialect, problems: list[Problem]) -> Recorded:
    try:
        return _record(work, translated)
    except ToolFailedError as error:
        raise _FoundError([*problems, *_complained(work, error)]) from None


def _objects(work: _Work, recorded: Recorded, translated: Dialect) -> StackObjects:
    """The bodies, sorted by name, with the contents put in and the recorder's ids taken out."""
    held = {(content.kind, content.name): content for content in translated.contents}
    for service in recorded.services:
        spec = ServiceSpec(service)
        for named, identity in ((spec.configs, "ConfigID"), (spec.secrets, "SecretID")):
            for reference in named:
                reference.pop(identity, None)
    configs = [_filled(body, held.get(("configs", body["Name"])), secret=False) for body in _sorted(recorded.configs)]
    secrets = [_filled(body, held.get(("secrets", body["Name"])), secret=True) for body in _sorted(recorded.secrets)]
    asked = {*recorded.external, *(("volume", name) for name in translated.volumes)}
    sealed = tuple(content.sealed for content in translated.contents if content.sealed is not None)
    return StackObjects(
        stack=work.stack.name,
        networks=tuple(_sorted(recorded.networks)),
        configs=tuple(configs),
        secrets=tuple(secrets),
        services=tuple(_sorted(recorded.services)),
        external=tuple(sorted(asked)),  # type: ignore[arg-type]  # "volume" is a str to mypy here
        order=translated.order,
        sealed_contents=sealed,
        sealed_values=tokens.used(work.sealing.values, recorded.services, sealed),
    )


def _filled(body: dict[str, Any], content: Content | None, *, secret: bool) -> Body:
    if content is None:  # a driver's
        return body
    if content.sealed is not None:
        return {key: value for key, value in body.items() if key != "Data"}
    data = base64.b64encode(content.data).decode()
    return {**body, "Data": Secret(data) if secret else data}


def _sorted(bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(bodies, key=lambda body: str(body["Name"]))


def _noted(work: _Work, translated: Dialect) -> list[Problem]:
    return [_problem(work, note) for note in translated.notes]


def _problem(work: _Work, note: Note) -> Problem:
    return work.locator.problem(note.at, note.message, note.help, key=note.key, severity=note.severity)


def _complained(work: _Work, error: ToolFailedError) -> list[Problem]:
    return [mistake.problem for mistake in complaints.errors(error.said, work.locator, str(work.checkout), {})]


def _relative(text: str, checkout: str) -> str:
    if text == checkout:
        return "."
    return "./" + text[len(checkout) + 1 :] if text.startswith(checkout + "/") else text


def _mapped(value: Any, change: Callable[[str], str], *, keys: bool = True) -> Any:
    """The value with every string changed; mapping keys too, unless `docker stack deploy` takes those as they are."""
    if isinstance(value, dict):
        return {change(key) if keys else key: _mapped(one, change, keys=keys) for key, one in value.items()}
    if isinstance(value, list):
        return [_mapped(one, change, keys=keys) for one in value]
    return change(value) if isinstance(value, str) else value


def _leaked(objects: StackObjects, folder: str) -> str | None:
    """The key of a service in whose body the temporary directory is named."""
    for service in objects.services:
        if folder in json.dumps(service):
            return str(service["Name"]).removeprefix(objects.stack + "_")
    return None
