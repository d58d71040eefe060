"""Paths in compose files: only the stack's own files, whatever they are called, and nothing is opened to find out."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from deployer.compose.encode import Inside, encode_compose
from deployer.compose.references import MOST_READINGS, references
from tests.compose.conftest import stack_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deployer.model.stack import StackSource

    MakeStack = Callable[..., StackSource]

OUTSIDE = "only the stack's own files are read"


def told(stack: StackSource) -> list[tuple[str, int, int, str]]:
    return [(problem.path, problem.line, problem.column, problem.message) for problem in references(stack).problems]


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("services: {a: {image: a, env_file: %s}}", 36),
        ("services: {a: {image: a, env_file: [{path: %s}]}}", 44),
        ("services: {a: {image: a, label_file: [%s]}}", 39),
        ("services: {a: {extends: {file: %s, service: b}}}", 32),
        ("services: {a: {image: a, build: %s}}", 33),
        ("services: {a: {image: a, build: {context: %s}}}", 43),
        ("include: [%s]", 11),
        ("include: [{path: %s}]", 18),
        ("include: [{path: [%s]}]", 19),
        ("include: [{path: b.yaml, env_file: %s}]", 36),
        ("include: [{path: b.yaml, project_directory: %s}]", 45),
        ("configs: {a: {file: %s}}", 21),
        ("secrets: {a: {file: %s}}", 21),
    ],
)
@pytest.mark.parametrize(
    "path",
    [
        "/etc/shadow",
        "../other/compose.yaml",
        "sub/../../other.env",
        "~/.ssh/id_ed25519",
        "..",
        ".\\x",
        "${UP}/x",
        "${UP:-../..}/x",
    ],
)
def test_nothing_outside_the_stacks_folder_is_referred_to(stack: MakeStack, text: str, column: int, path: str) -> None:
    source = stack("web", compose=text % f"'{path}'", **{".env": "UP=..\n", "b.yaml": "services: {}"})
    assert [problem[:3] for problem in told(source)] == [("stacks/web/compose.yaml", 1, column)]
    assert OUTSIDE in told(source)[0][3]


@pytest.mark.parametrize(
    "path",
    [
        "oci://registry/x",
        "https://example.org/compose.yaml",
        "http://169.254.169.254/",
        "git@github.com:a/b.git",
        "github.com/a/b",
        "https://github.com/a/b.git#main:sub",
        "ssh://-oProxyCommand=x/y",
        "a/b.git",
    ],
)
def test_nothing_remote_is_included(stack: MakeStack, path: str) -> None:
    # The files are there under these very names: compose's loader would fetch all the same.
    for text in (f"include: ['{path}']", f"services: {{a: {{extends: {{file: '{path}', service: b}}}}}}"):
        source = stack("web", compose=text, **{path: "services: {}"})
        assert len(told(source)) == 1
        assert OUTSIDE in told(source)[0][3]


def test_a_missing_file_is_named_with_the_nearest_one(stack: MakeStack) -> None:
    source = stack("web", compose="configs:\n  site: {file: ./nginx/stie.conf}\n", **{"nginx/site.conf": "x"})
    (problem,) = references(source).problems
    assert (problem.line, problem.column, problem.width) == (2, 16, len("./nginx/stie.conf"))
    assert problem.message == "there is no file 'nginx/stie.conf' in stacks/web"
    assert problem.help == "did you mean 'nginx/site.conf'?"


def test_an_optional_env_file_may_be_missing_but_not_outside(stack: MakeStack) -> None:
    text = "services: {a: {image: a, env_file: [{path: %s, required: false}]}}"
    assert told(stack("web", compose=text % "local.env")) == []
    assert OUTSIDE in told(stack("web", compose=text % "/etc/passwd"))[0][3]


@pytest.mark.parametrize(
    ("env", "path", "message"),
    [
        ("DIR=conf\n", "${DIR}/a.env", ""),
        ("# conf\nexport DIR='conf'\n", "$DIR/a.env", ""),
        ("", "${DIR:-conf}/a.env", ""),
        ("DIR=\n", "${DIR:-conf}/a.env", ""),
        ("DIR=\n", "conf${DIR-x}/a.env", ""),
        ("DIR=conf\n", "${DIR:-${X}}/a.env", ""),
        ("DIR=/etc\nDIR=conf\n", "${DIR}/a.env", ""),
        ("OTHER=co\nDIR=${OTHER}nf\n", "${DIR}/a.env", ""),
        ("DIR=/etc\n", "${DIR:+conf}/a.env", ""),
        ("", "${DIR}/a.env", "the variable DIR has no value"),
        ("DIR=conf\nDIR=/etc\n", "${DIR}/a.env", OUTSIDE),
        ('X="\nDIR=conf\n"\nDIR=/etc\n', "${DIR}/a.env", OUTSIDE),
        ("DIR=$OTHER\n", "${DIR:-conf}/a.env", "the variable OTHER has no value"),
        ("DIR=conf\n", "${DIR:+/etc}/a.env", OUTSIDE),
        ("", "${DIR:?say it}/a.env", "the variable DIR has no value"),
        ("", "${DIR/a.env", "has a '$' that begins no variable"),
        # Compose has its own values for these: a PWD of "/" would make this one of the machine's files.
        ("PWD=conf\n", "${PWD}/a.env", "which is the directory of whoever deploys"),
        ("COMPOSE_PROJECT_NAME=conf\n", "${COMPOSE_PROJECT_NAME}/a.env", "there is no file 'web/a.env'"),
    ],
)
def test_variables_in_paths_come_from_the_stacks_own_env(stack: MakeStack, env: str, path: str, message: str) -> None:
    files = {".env": env, "conf/a.env": "A=1"}
    source = stack("web", compose=f"services: {{a: {{image: a, env_file: '{path}'}}}}", **files)
    found = [problem[3] for problem in told(source)]
    assert message in " ".join(found)
    assert bool(found) == bool(message)


def test_the_environment_of_whoever_deploys_fills_in_nothing(stack: MakeStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIR", "conf")
    source = stack("web", compose="configs: {a: {file: '${DIR}/a'}}", **{"conf/a": "x"})
    assert "the variable DIR has no value" in [message for *_, message in told(source)]


def test_included_and_extended_files_are_checked_from_their_own_folders(stack: MakeStack) -> None:
    source = stack(
        "web",
        compose="include: [db/compose.yaml]\nservices: {a: {extends: {file: base/s.yaml, service: b}}}",
        **{
            "db/compose.yaml": "services: {d: {image: d, env_file: [pw.env, ../shared.env]}}",
            "db/pw.env": "A=1",
            "shared.env": "B=1",
            "base/s.yaml": "services: {b: {image: b, env_file: ../../web.env}}",
        },
    )
    assert told(source) == [
        ("stacks/web/base/s.yaml", 1, 36, "'../../web.env' is outside stacks/web: only the stack's own files are read")
    ]
    assert list(references(source).documents) == ["compose.yaml", "db/compose.yaml", "base/s.yaml"]


def test_an_include_may_say_from_where_its_paths_count(stack: MakeStack) -> None:
    files = {"parts/db.yaml": "configs: {a: {file: data/a}}", "other/data/a": "x"}
    source = stack("web", compose="include: [{path: parts/db.yaml, project_directory: other}]", **files)
    assert told(source) == []


def test_files_that_include_each_other_and_services_that_extend_each_other_are_refused(stack: MakeStack) -> None:
    source = stack("web", compose="include: [b.yaml]", **{"b.yaml": "include: [compose.yaml]"})
    assert told(source) == [("stacks/web/b.yaml", 1, 11, "compose.yaml includes itself")]
    text = "services:\n  a: {extends: b}\n  b: {extends: {file: compose.yaml, service: a}}\n"
    assert told(stack("web", compose=text)) == [
        ("stacks/web/compose.yaml", 2, 16, "services that extend each other: a, b")
    ]


def test_a_chain_of_includes_is_bounded(stack: MakeStack) -> None:
    files = {f"f{number}.yaml": f"include: [f{number + 1}.yaml]" for number in range(MOST_READINGS + 5)}
    files[f"f{MOST_READINGS + 5}.yaml"] = ""
    source = stack("web", compose="include: [f0.yaml]", **files)
    assert [problem[3] for problem in told(source)] == [f"a stack of more than {MOST_READINGS} files is not read"]
    assert len(references(source).documents) == MOST_READINGS + 1


def test_every_yaml_file_passes_the_guard(stack: MakeStack) -> None:
    bomb = "a: &a [x]\n" + "".join(
        f"b{n}: &b{n} [{', '.join(['*a' if n == 0 else f'*b{n - 1}'] * 9)}]\n" for n in range(8)
    )
    source = stack("web", compose="include: [b.yaml]", **{"b.yaml": bomb})
    (problem,) = references(source).problems
    assert problem.path == "stacks/web/b.yaml"
    assert "values" in problem.message


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("./html.conf:/html", "there is no file html.conf in stacks/web"),
        ("../../../../etc:/x", "../../../../etc is outside stacks/web"),
        ("~/data:/data", "~/data is in the home directory of whoever deploys"),
        ("/srv/data:/data", ""),
        ("data:/data", ""),
        ("/data", ""),
    ],
)
def test_bind_mounts_that_cannot_be_there_are_refused(stack: MakeStack, source: str, problem: str) -> None:
    text = f"services:\n  a:\n    image: a\n    volumes:\n      - {source}\n"
    found = told(stack("web", compose=text))
    assert [(line, column) for _, line, column, _ in found] == ([(5, 9)] if problem else [])
    assert all(message.startswith(problem) for *_, message in found)


def test_the_working_directory_is_no_variable(stack: MakeStack) -> None:
    text = "services:\n  a:\n    image: a\n    environment:\n      HERE: ${PWD}/x\n      NOT: $${PWD} # $PWD\n"
    assert [(line, column) for _, line, column, _ in told(stack("web", compose=text))] == [(5, 13)]


JUNK = [None, True, 5, 1.5, "", "$A", "${U", "/etc/passwd", "../x", "~/x", "oci:x", [], {}, ["/etc/passwd"], [None], [["a.env"]], {"path": "/etc/passwd"}, {"file": ["a.env"]}]  # fmt: skip
SERVICE: dict[str, list[Any]] = {
    "env_file": ["a.env", ["a.env", "b/x"], [{"path": "a.env", "required": False}], [{"path": "no", "required": "false"}], "$E"],
    "label_file": ["a.env", ["b/x"]],
    "extends": ["s", {"service": "t"}, {"file": "a.yaml", "service": "s"}, {"file": "./b/b.yaml", "service": "t"}, {"file": "b/b.yaml", "service": "none"}],
    "build": [".", {"context": "b"}, {"context": ".", "dockerfile": "/etc/passwd"}, "https://example.org/a.git"],
    "volumes": [["data:/x"]],
    "environment": [["A", "B=1"], {"A": None}],
    "ports": [["80-90"], [80]],
    "develop": [{"watch": [{"path": "/etc"}]}],
    "image": ["app"],
    "unknown": [{"file": "/etc/passwd"}],
}  # fmt: skip
INCLUDED: list[Any] = [
    "a.yaml",
    {"path": ["b/b.yaml", "a.yaml"]},
    {"path": "a.yaml", "project_directory": "b", "env_file": "../a.env"},
    {"path": "b/b.yaml", "env_file": ["a.env", "/dev/null"]},
]


def any_file(chance: random.Random, base: str, *, whole: bool) -> dict[str, Any]:
    """A compose file with what compose would open at every place, and now and then something else there."""

    def one_of(values: list[Any]) -> Any:
        made = chance.choice(JUNK if chance.random() < 0.01 else values)
        return json.loads(json.dumps(made).replace('"a.env', f'"{base}a.env').replace('"b/x', f'"{base}b/x'))

    services = {}
    for name in ("s", "t"):
        keys = [key for key in SERVICE if chance.random() < 0.4 and (whole or key != "extends")]
        services[name] = {key: one_of(SERVICE[key]) for key in keys}
    if whole and chance.random() < 0.5:
        services["t"]["extends"] = one_of(SERVICE["extends"][2:])
        services["s"].pop("extends", None)
    made: dict[str, Any] = {"services": services if chance.random() < 0.98 else chance.choice(JUNK)}
    if whole and chance.random() < 0.7:
        made["include"] = [one_of(INCLUDED) for _ in range(chance.randint(1, 2))]
    if chance.random() < 0.3:
        made["configs"] = {"c": {"file": one_of(["a.env"])}}
    return made


def any_files(chance: random.Random) -> dict[str, str]:
    files = {
        name: json.dumps(any_file(chance, base, whole=whole))
        for name, base, whole in (("compose", "", True), ("a.yaml", "", False), ("b/b.yaml", "../", False))
    }
    return {**files, "a.env": "A=1\n", "b/x": "", "b/b/x": "", ".env": "E=a.env\nU=u\n"}


def opens(value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What compose opens for this file, by the key that says so."""
    for item in value.get("include") or []:
        yield from (("include", path) for path in item["path"])
        assert list(item) == ["path"]
    services = value.get("services")
    for service in (one for one in services.values() if isinstance(one, dict)) if isinstance(services, dict) else ():
        for key in ("env_file", "label_file"):
            yield from ((key, path) for path in service.get(key) or [])
        extended = service.get("extends")
        if isinstance(extended, dict) and extended.get("file"):
            yield "extends", extended["file"]


def test_whatever_stands_where_compose_would_open_a_file_it_gets_one_that_we_wrote_or_nothing() -> None:
    opened: Counter[str] = Counter()
    for seed in range(1500):
        checked = references(stack_of("web", **any_files(random.Random(seed))))
        if checked.broken:
            assert any(problem.severity == "error" for problem in checked.problems), seed
            continue
        written = {f"files/{reading.file}" for reading in checked.readings} | set(checked.written)
        for reading in checked.readings:
            assert encode_compose(reading.value, "/folder", reading.tags)
            for key, path in opens(reading.value):
                assert isinstance(path, Inside), (seed, key, path)
                assert path.path in written, (seed, key, path)
                opened[key] += 1
            assert not any(
                {"develop", "unknown"} & set(one or ()) for one in reading.services.values() if isinstance(one, dict)
            )
    assert min(opened[key] for key in ("include", "extends", "env_file", "label_file")) > 100, opened
