"""`deployer init` and `deployer schema`, as they are typed."""

import json
from pathlib import Path

import pytest

from deployer.cli.app import app
from deployer.cli.errors import run
from deployer.report.schemas import document_schema
from deployer.source import load
from deployer.source.schemas import KINDS, schema
from tests.source.conftest import Repo


def test_init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(app, ["init", "new"]) == 0
    printed = capsys.readouterr()
    assert "new/cluster/cluster.yaml" in printed.out.splitlines()
    assert load(tmp_path / "new").commit[:10] in printed.err
    assert "deployer apply" in printed.err


def test_init_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(app, ["init"]) == 0
    assert "cluster/cluster.yaml" in capsys.readouterr().out.splitlines()
    assert run(app, ["init"]) == 2
    printed = capsys.readouterr()
    assert "already has" in printed.err
    assert "cluster/cluster.yaml" in printed.err
    assert printed.out == ""


def test_init_at_a_directory_that_looks_like_an_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(app, ["init", "--", "--bare"]) == 0
    assert Repo(tmp_path / "--bare").git("rev-parse", "--is-bare-repository") == "false"
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("kind", KINDS)
def test_schema_of_one_file(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, ["schema", kind]) == 0
    assert json.loads(capsys.readouterr().out) == schema(kind)  # type: ignore[arg-type]  # parametrize knows no Literal


def test_schema_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, ["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == {kind: schema(kind) for kind in KINDS}


def test_schema_into_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "node.json").write_text("an old one")
    assert run(app, ["schema", "--out", str(tmp_path / "new")]) == 0
    assert run(app, ["schema", "node", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        *(str(tmp_path / "new" / f"{kind}.json") for kind in KINDS),
        str(tmp_path / "node.json"),
    ]
    assert json.loads((tmp_path / "node.json").read_text()) == schema("node")


def test_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, ["schema", "nodes"]) == 2
    (tmp_path / "file").write_text("")
    assert run(app, ["init", str(tmp_path / "file")]) == 2
    assert run(app, ["schema", "--out", str(tmp_path / "file" / "below")]) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_schema_of_a_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, ["schema", "plan"]) == 0
    assert json.loads(capsys.readouterr().out) == document_schema("plan")
    assert run(app, ["schema", "status", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / "status.json")]
    assert run(app, ["schema", "plans"]) == 2
    assert "there is no schema 'plans'" in capsys.readouterr().err
