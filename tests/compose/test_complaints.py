"""What Docker complains about, at the user's own line: real files through the real tools, and sentences of other versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deployer.compose import compile_stacks
from deployer.compose.complaints import errors
from deployer.compose.locate import Locator
from deployer.compose.references import references
from deployer.errors import InvalidFilesError
from tests.compose.conftest import stack_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from deployer.compose.tools import Tools
    from deployer.model.problem import Problem
    from deployer.model.stack import StackSource

    MakeStack = Callable[..., StackSource]

# A compose file with ^ before the text that the problem is at, what the message has, what the help has.
FILES = {
    "typo-in-deploy": ("services: {web: {image: a, deploy: {^replcas: 2}}}", "unknown key 'replcas' in services.web.deploy", "'replicas'"),
    "typo-in-service": ("services: {web: {^imge: a}}", "unknown key 'imge' in services.web", "'image'"),
    "typo-at-the-top": ("^servces: {web: {image: a}}\nservices: {}", "unknown key 'servces'", "'services'"),
    "typo-under-a-dotted-name": ("services: {web.api: {image: a, ^prts: [x]}}", "unknown key 'prts'", "'ports'"),
    "typo-in-an-anchor": ("x-a: &a {^imge: b}\nservices: {web: {<<: *a, image: a}}", "unknown key 'imge'", "'image'"),
    "wrong-type": ("services: {web: {image: ^[a]}}", "'image' must be a string", ""),
    "wrong-type-of-ports": ("services: {web: {image: a, ports: ^x}}", "'ports' must be a list", ""),
    "wrong-type-of-item": ("services: {web: {image: a, healthcheck: {test: [^true]}}}", "item 1 of 'test' must be a string", ""),
    "no-number": ("services: {web: {image: a, deploy: {replicas: ^two}}}", "'replicas' cannot be 'two'", ""),
    "no-size": ("services: {web: {image: a, deploy: {resources: {limits: {memory: ^lots}}}}}", "invalid size: 'lots'", ""),
    "no-duration": ("services: {web: {image: a, healthcheck: {test: x, interval: ^5 parsecs}}}", "unknown unit", ""),
    "no-choice": ("services: {web: {image: a, deploy: {update_config: {order: ^first}}}}", "'order' must be one of", ""),
    "no-port": ('services: {db: {image: a99999}, web: {image: a, ports: [^"99999:80"]}}', "Invalid hostPort: 99999", ""),
    "undefined-network": ("services: {web: {image: a, networks: [^fornt]}}\nnetworks: {front: {}}", "the network 'fornt'", "'front'"),
    "undefined-volume": ('services: {web: {image: a, volumes: [^"data:/x"]}}', "the volume 'data'", "under volumes:"),
    "undefined-config": ("services: {web: {image: a, configs: [^app]}}", "the config 'app'", "under configs:"),
    "undefined-secret": ("services: {web: {image: a, secrets: [^{source: app}]}}", "the secret 'app'", "under secrets:"),
    "undefined-service": ("services: {web: {image: a, depends_on: [^d]}, db: {image: a}}", "depends on 'd'", "'db'"),
    "inactive-profile": ("services: {web: {image: a, depends_on: [^b]}, b: {image: a, profiles: [x]}}", "profile is not active", "COMPOSE_PROFILES"),
    "circle": ("services: {a: {image: a, depends_on: [^b]}, b: {image: a, depends_on: [a]}}", "a -> b -> a", "remove one"),
    "no-image": ("services: {^web: {command: x}}", "this service has no image", "image:"),
    "extends-nothing": ("services: {web: {image: a, extends: {service: ^wbe}}}", "no service 'wbe' to extend", "'web'"),
    "required-variable": ('services: {web: {image: "a:^${TAG:?say which}"}}', "the variable TAG has no value", "say which"),
    "unset-variable": ('services: {web: {image: "a:^${TAG}"}}', "the variable TAG has no value", ".env, give a default"),
    "bare-dollar": ('services: {web: {image: ^"${TAG"}}', "'$' that begins no variable", "$$"),
    "two-counts": ("services: {^web: {image: a, scale: 2, deploy: {replicas: 3}}}", "can't set distinct values", ""),
    "name-twice": ("services: {web: {image: a, ^container_name: xy, deploy: {replicas: 3}}}", "cannot have one name", "remove"),
    "exclusive": ("services: {web: {image: a, ^network_mode: host, networks: [default]}}", "exclude each other", "one of"),
    "no-name": ('services: {web: {image: a}, ^"We b": {image: a}}', "'We b' is no name here", "letters, digits"),
    "nothing-under-a-service": ("services:\n  ^web:\n", "'web' must be a mapping", ""),
}  # fmt: skip


def compile_one(stack: StackSource, cache: Path) -> tuple[Problem, ...]:
    with pytest.raises(InvalidFilesError) as caught:
        compile_stacks([stack], cache=cache)
    return caught.value.problems


@pytest.fixture(scope="module")
def told(found: Tools, tmp_path_factory: pytest.TempPathFactory) -> tuple[Problem, ...]:
    """What is said about all of them, compiled at once."""
    stacks = [stack_of(name, compose=marked.replace("^", "")) for name, (marked, _, _) in FILES.items()]
    with pytest.raises(InvalidFilesError) as caught:
        compile_stacks(stacks, cache=tmp_path_factory.mktemp("cache"))
    return caught.value.problems


@pytest.mark.parametrize("name", FILES)
def test_a_mistake_is_shown_where_it_was_made(told: tuple[Problem, ...], name: str) -> None:
    marked, message, advice = FILES[name]
    problems = [problem for problem in told if problem.path == f"stacks/{name}/compose.yaml"]
    assert len(problems) == 1, problems
    (problem,) = problems
    before = marked.partition("^")[0]
    assert (problem.line, problem.column) == (before.count("\n") + 1, len(before) - before.rfind("\n"))
    assert message in problem.message
    assert advice in problem.help
    assert "deployer-" not in problem.message + problem.help


def test_a_mistake_in_an_included_file_is_shown_there(found: Tools, stack: MakeStack, tmp_path: Path) -> None:
    files = {"db/compose.yaml": "services:\n  db:\n    imag: x\n"}
    (problem,) = compile_one(
        stack("web", compose="include: [db/compose.yaml]\nservices: {a: {image: a}}", **files), tmp_path
    )
    assert (problem.path, problem.line, problem.column) == ("stacks/web/db/compose.yaml", 3, 5)


def test_a_dollar_in_an_env_file_is_shown_without_the_password_beside_it(
    found: Tools, stack: MakeStack, tmp_path: Path
) -> None:
    files = {"pw.env": "# passwords\nPASSWORD=correct$horse\n"}
    (problem,) = compile_one(stack("web", compose="services: {a: {image: a, env_file: pw.env}}", **files), tmp_path)
    assert (problem.path, problem.line, problem.column) == ("stacks/web/pw.env", 2, 17)
    assert "correct" not in str(problem)


@pytest.mark.parametrize(
    ("files", "place", "message"),
    [
        ({".env": "A=1\n=correct\n"}, (".env", 2), "a variable has no name"),
        ({".env": "A=1\nB=2\ncorrect horse=1\n"}, (".env", 3), "a variable's name cannot contain a space"),
        ({"pw.env": "A=1\ncorrect horse=1\n"}, ("pw.env", 2), "a variable's name cannot contain a space"),
    ],
)
def test_a_line_of_an_env_file_is_named_and_not_shown(
    found: Tools, stack: MakeStack, tmp_path: Path, files: dict[str, str], place: tuple[str, int], message: str
) -> None:
    compose = f"services:\n  a:\n    image: a\n    env_file: {[*files]}\n"
    (problem,) = compile_one(stack("web", compose=compose, **files), tmp_path)
    assert (problem.path, problem.line, problem.message) == (f"stacks/web/{place[0]}", place[1], message)
    assert "correct" not in str(problem)


def test_all_mistakes_of_a_file_are_shown_though_docker_names_one_at_a_time(
    found: Tools, stack: MakeStack, tmp_path: Path
) -> None:
    text = """\
x-deploy: &deploy {replcas: 2}
services:
  web:
    imge: a
    ports: x
    deploy: {replicas: two, labels: {A: [1]}}
  db:
    image: Db
    deploy: *deploy
    networks: [fornt]
networks:
  front: {drivr: overlay}
"""
    told = compile_one(stack("web", compose=text), tmp_path)
    assert [problem.line for problem in told] == [1, 4, 5, 6, 6, 8, 10, 12]


def test_the_problems_of_all_stacks_come_at_once(found: Tools, stack: MakeStack, tmp_path: Path) -> None:
    stacks = [stack(name, compose=text) for name, text in (
        ("a", "services: {web: {imge: a}}"), ("b", "services: {web: {image: a}}"), ("c", "services: {web: {image: a, volumes: [./x:/x]}}"),
    )]  # fmt: skip
    with pytest.raises(InvalidFilesError) as caught:
        compile_stacks(stacks, cache=tmp_path)
    assert [problem.path for problem in caught.value.problems] == ["stacks/a/compose.yaml", "stacks/c/compose.yaml"]


SAID = {
    "compose 2.40": ("validating /t/files/0.json: services.web additional properties 'imge', 'prts' not allowed", [(1, 18), (1, 27)]),
    "compose 2.26": ("validating /t/files/0.json: services.web Additional property imge is not allowed", [(1, 18)]),
    "the docker CLI": ("Ignoring unsupported options: restart\n\nservices.web Additional property prts is not allowed", [(1, 27)]),
    "a service of the docker CLI": ("Creating network web_default\nservice web: no good", [(1, 12)]),
    "decoding, 2.26": ("decoding failed due to the following error(s):\n\nerror decoding 'services[web].prts': bad\nerror decoding 'services[web].imge': bad", [(1, 33), (1, 24)]),
    "decoding, 2.40": ("decoding failed due to the following error(s):\n\n'services[web].prts' bad", [(1, 33)]),
    "something new": ("the moon is in the way of /t/files/0.json", [(1, 1)]),
}  # fmt: skip


@pytest.mark.parametrize(("said", "places"), SAID.values(), ids=SAID)
def test_sentences_of_several_versions_are_understood(
    stack: MakeStack, said: str, places: list[tuple[int, int]]
) -> None:
    source = stack("web", compose="services: {web: {imge: a, prts: [b]}}")
    locator = Locator(source.root, references(source).documents)
    problems = [mistake.problem for mistake in errors(said, locator, "/t/files", {"0.json": "compose.yaml"})]
    assert [(problem.line, problem.column) for problem in problems] == places
    assert not [problem for problem in problems if "/t/" in problem.message]
