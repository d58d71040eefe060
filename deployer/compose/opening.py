"""Put what is in encrypted files where compiled stacks have stand-ins for it: in memory, as `Secret`s."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from deployer.compose.cache import open_cache
from deployer.compose.contents import LARGEST, sealed_name
from deployer.compose.sealing import TOKEN, UNREAD, problem
from deployer.compose.side_by_side import run_side_by_side
from deployer.compose.variables import EnvFileError, read_literal
from deployer.encrypted import CannotOpenError, kind_of
from deployer.errors import InvalidFilesError
from deployer.model.secret import Secret
from deployer.model.spec import ServiceSpec
from deployer.startup import defer_imports

with defer_imports():  # only where something is encrypted
    from deployer.encrypted import opener

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from deployer.compose.cache import Cache
    from deployer.compose.contents import Kind
    from deployer.model.problem import Problem
    from deployer.model.stack import Body, SealedContent, StackObjects, StackSource


def open_stacks(
    stacks: Sequence[StackSource], objects: Sequence[StackObjects], cache: Path | None = None
) -> tuple[StackObjects, ...]:
    """The objects with their real contents, names and values. Without anything encrypted it reads no key and costs nothing.

    The names, which are slow hashes, are kept by ciphertext in the directory of compiled stacks. Raises `InvalidFilesError` with every file that cannot be opened, before anything is asked or written.
    """
    if not any(one.sealed_contents or one.sealed_values for one in objects):
        return tuple(objects)
    keys, kept = opener.Opener(), open_cache(cache, "")
    sources = {stack.name: stack for stack in stacks}
    files = {
        one.stack: _Files(sources[one.stack], keys, kept) for one in objects if one.sealed_contents or one.sealed_values
    }
    wanted = {(one.stack, content.file) for one in objects for content in one.sealed_contents if content.file}
    wanted |= {(one.stack, value.file) for one in objects for value in one.sealed_values}
    run_side_by_side(lambda at: files[at[0]].plain(at[1]), sorted(wanted))
    opened = tuple(_open(one, files[one.stack]) if one.stack in files else one for one in objects)
    problems = {problem for one in files.values() for problem in one.problems}
    if problems:
        raise InvalidFilesError(sorted(problems))
    return opened


@dataclass
class _Files:
    """One stack's encrypted files, each opened once."""

    stack: StackSource
    keys: opener.Opener
    kept: Cache
    problems: list[Problem] = field(default_factory=list)
    _plain: dict[str, bytes | None] = field(default_factory=dict)
    _variables: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def plain(self, path: str) -> bytes | None:
        """None where it cannot be opened, which is a problem then."""
        if path not in self._plain:
            data = dict(self.stack.files)[path]
            kind = kind_of(path, data)
            try:
                self._plain[path] = data if kind is None else self.keys.open(kind, data, self.stack.allowed)
            except CannotOpenError as error:
                self.problems.append(problem(self.stack, path, error))
                self._plain[path] = None
        return self._plain[path]

    def variables(self, path: str) -> Mapping[str, str]:
        if path not in self._variables:
            self._variables[path] = {}
            data = self.plain(path)
            try:
                self._variables[path] = read_literal(data.decode()) if data is not None else {}
            except EnvFileError as error:
                self.refuse(path, f"its decrypted text has a mistake in line {error.line}: {error.message}")
            except UnicodeDecodeError:
                self.refuse(path, "its decrypted text is not UTF-8")
        return self._variables[path]

    def refuse(self, path: str, message: str) -> None:
        self.problems.append(
            problem(self.stack, path, CannotOpenError(message, "edit it with sops, or encrypt it anew"))
        )


def _open(one: StackObjects, files: _Files) -> StackObjects:
    values = {
        value.token: files.variables(value.file)[value.variable]
        for value in one.sealed_values
        if value.variable in files.variables(value.file)
    }
    for value in one.sealed_values:
        if value.variable.startswith(UNREAD) and files.variables(value.file):
            files.refuse(value.file, "it could not be read before, and can be now: run the command again")
    names: dict[tuple[str, str], str] = {}
    data: dict[tuple[str, str], Secret] = {}
    for content in one.sealed_contents:
        plain = files.plain(content.file) if content.file else _fill_data(base64.b64decode(content.data), values)
        if plain is None:
            continue
        if not plain or len(plain) >= LARGEST[content.kind]:
            limit = LARGEST[content.kind] - 1
            size = CannotOpenError(f"has {len(plain)} bytes when decrypted; Swarm takes 1 to {limit}", "split it")
            files.problems.append(problem(files.stack, content.file or files.stack.entry, size))
        key = (content.kind, content.name)
        names[key] = _name(content, plain, files)
        data[key] = Secret(base64.b64encode(plain).decode())
    return replace(
        one,
        configs=tuple(_rename(body, "configs", names, data) for body in one.configs),
        secrets=tuple(_rename(body, "secrets", names, data) for body in one.secrets),
        services=tuple(_service(body, names, values) for body in one.services),
        sealed_contents=(),
        sealed_values=(),
    )


def _name(content: SealedContent, plain: bytes, files: _Files) -> str:
    if not content.file:
        return sealed_name(content, plain)
    parts = (content.name.encode(), content.template_driver.encode(), dict(files.stack.files)[content.file])
    name = files.kept.recall(*parts)
    if name is None or len(name) != len(content.name):
        name = sealed_name(content, plain)
        files.kept.remember(name, *parts)
    return name


def _fill_data(data: bytes, values: Mapping[str, str]) -> bytes | None:
    """None where a value could not be had."""
    if not values.keys() >= set(TOKEN.findall(data.decode())):
        return None
    return TOKEN.sub(lambda match: values.get(match[0], match[0]), data.decode()).encode()


def _rename(
    body: Body, kind: Kind, names: Mapping[tuple[str, str], str], data: Mapping[tuple[str, str], Secret]
) -> Body:
    key = (kind, str(body["Name"]))
    return {**body, "Name": names[key], "Data": data[key]} if key in names else body


def _service(body: Body, names: Mapping[tuple[str, str], str], values: Mapping[str, str]) -> Body:
    filled: dict[str, Any] = _reveal_tokens(body, values) if values else dict(body)
    spec = ServiceSpec(filled)
    container = dict(spec.container)
    for section, field_, kind in (("Configs", "ConfigName", "configs"), ("Secrets", "SecretName", "secrets")):
        references = container.get(section)
        if references:
            container[section] = [{**one, field_: names.get((kind, one[field_]), one[field_])} for one in references]
    return spec.with_container(container).raw if container else filled


def _reveal_tokens(value: Any, values: Mapping[str, str]) -> Any:
    """Every text that a token stands in becomes a `Secret`."""
    if isinstance(value, Mapping):
        return {key: _reveal_tokens(one, values) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_reveal_tokens(one, values) for one in value]
    if isinstance(value, str) and TOKEN.search(value):
        return Secret(TOKEN.sub(lambda match: values.get(match[0], match[0]), value))
    return value
