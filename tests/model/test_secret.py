"""What must not be seen is not seen, whichever way it is shown."""

import copy
import dataclasses
import json
import pickle
import traceback

import msgspec
import pytest

from deployer.model.command import Command
from deployer.model.secret import Secret

VALUE = "hunter2"


@dataclasses.dataclass(frozen=True)
class Holder:
    name: str
    password: Secret


HOLDER = Holder("db", Secret(VALUE))


@pytest.mark.parametrize(
    "shown",
    [
        str(Secret(VALUE)),
        repr(Secret(VALUE)),
        f"{Secret(VALUE)}",
        f"{Secret(VALUE)!r:>20}",
        f"{Secret(VALUE):>20}",
        "%s %r" % (Secret(VALUE), Secret(VALUE)),  # noqa: UP031 - libraries still do it that way
        str(HOLDER),
        str([Secret(VALUE)]),
        str(dataclasses.asdict(HOLDER)),
        str(dataclasses.astuple(HOLDER)),
        str(dataclasses.replace(HOLDER, name="other")),
        json.dumps({"password": Secret(VALUE)}, default=str),
        json.dumps(dataclasses.asdict(HOLDER), default=str),
        str(Exception(Secret(VALUE))),
        str(copy.deepcopy(HOLDER)),
    ],
)
def test_shown_as_a_mask(shown: str) -> None:
    assert "[secret]" in shown
    assert VALUE not in shown


def test_only_reveal_gives_it_away() -> None:
    assert Secret(VALUE).reveal() == VALUE


def test_not_in_a_traceback() -> None:
    with pytest.raises(ValueError, match="secret") as caught:
        raise ValueError(HOLDER)
    lines = "".join(traceback.format_exception(caught.value))
    assert "[secret]" in lines
    assert VALUE not in lines


def test_encoders_refuse_it() -> None:
    with pytest.raises(TypeError):
        json.dumps(Secret(VALUE))
    with pytest.raises(TypeError):
        msgspec.json.encode(HOLDER)
    with pytest.raises(TypeError):
        pickle.dumps(HOLDER)
    with pytest.raises(TypeError):
        vars(Secret(VALUE))


def test_equal_by_value() -> None:
    assert Secret(VALUE) == Secret(VALUE)
    assert Secret(VALUE) != Secret("other")
    assert Secret(VALUE) != VALUE
    assert len({Secret(VALUE), Secret(VALUE)}) == 1


def test_a_command_shows_its_argv_and_not_what_it_is_fed() -> None:
    command = Command(("sh", "-s"), stdin=VALUE.encode())
    assert VALUE not in repr(command)
    assert "sh" in repr(command)


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (("docker", "ps"), "docker ps"),
        (("echo", "a b", "$(id)", "it's", "", ";"), """echo 'a b' '$(id)' 'it'"'"'s' '' ';'"""),
    ],
)
def test_a_command_is_quoted_for_a_shell(argv: tuple[str, ...], line: str) -> None:
    assert Command(argv).shell() == line
