"""Counts in real stack files, judged by what Docker's own converter makes of the edit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deployer.compose import compile_stacks
from deployer.compose.counts import rescale
from deployer.errors import DeployerError, UsageError
from deployer.model.counts import Scaled, Wanted
from tests.compose.conftest import stack_of

if TYPE_CHECKING:
    from pathlib import Path

    from deployer.compose.tools import Tools
    from deployer.model.counts import Edited

FILE = "stacks/shop/compose.yaml"


def scale(cache: Path, counts: dict[str, int], **files: str) -> tuple[tuple[Scaled, ...], tuple[Edited, ...]]:
    stack = stack_of("shop", **files)
    compiled = compile_stacks([stack], cache=cache).objects
    return rescale([stack], compiled, [Wanted("shop", name, count) for name, count in counts.items()], cache)


ANCHORED = """\
x-app: &app
  image: app
  deploy: &deploy
    replicas: 2
    labels: {a: b}
services:
  web:
    <<: *app
    deploy:
      <<: *deploy
  api: *app
"""


def test_the_number_is_exchanged_where_it_stands(found: Tools, tmp_path: Path) -> None:
    text = "services:\n  web:\n    image: app   # ours\n    scale: 2     # two\n    deploy: {replicas: 2}\n"
    scaled, edited = scale(tmp_path, {"web": 5}, compose=text)
    assert scaled == (Scaled("shop_web", 2, 5, FILE, 5),)
    assert [(one.path, one.old) for one in edited] == [(FILE, text.encode())]
    assert edited[0].new.decode() == text.replace("scale: 2 ", "scale: 5 ").replace("replicas: 2", "replicas: 5")


def test_a_shared_anchor_stays_and_the_service_gets_its_own_count(found: Tools, tmp_path: Path) -> None:
    scaled, edited = scale(tmp_path, {"web": 5}, compose=ANCHORED)
    assert edited[0].new.decode() == ANCHORED.replace(
        "    deploy:\n      <<", "    deploy:\n      replicas: 5\n      <<"
    )
    assert scaled == (Scaled("shop_web", 2, 5, FILE, 10),)


def test_where_only_others_could_change_with_it_nothing_is_edited(found: Tools, tmp_path: Path) -> None:
    with pytest.raises(DeployerError) as refused:
        scale(tmp_path, {"api": 5}, compose=ANCHORED)
    assert refused.value.message == f"{FILE}:4:15: the count of shop_api is that of shop_web as well"


def test_the_included_file_is_edited_and_what_is_extended_is_not(found: Tools, tmp_path: Path) -> None:
    files = {
        "compose": "include: [more.yaml]\nservices:\n  web:\n    extends: {file: base.yaml, service: app}\n"
        "  api:\n    extends: {file: base.yaml, service: app}\n",
        "more.yaml": "services:\n  db:\n    image: db\n",
        "base.yaml": "services:\n  app:\n    image: app\n    deploy: {replicas: 2, labels: {a: b}}\n",
    }
    scaled, edited = scale(tmp_path, {"db": 0, "web": 3}, **files)
    assert {one.path: one.new.decode() for one in edited} == {
        FILE: files["compose"].replace("app}\n  api", "app}\n    deploy:\n      replicas: 3\n  api"),
        "stacks/shop/more.yaml": "services:\n  db:\n    image: db\n    deploy:\n      replicas: 0\n",
    }
    assert [(one.name, one.old, one.new) for one in scaled] == [("shop_db", 1, 0), ("shop_web", 2, 3)]


def test_what_cannot_be_scaled_says_why_and_where(found: Tools, tmp_path: Path) -> None:
    text = (
        "services:\n  web:\n    image: a\n    deploy: {replicas: $COUNT}\n"
        "  log:\n    image: b\n    deploy: {mode: global}\n"
    )
    files = {"compose": text, ".env": "COUNT=2\n"}
    for counts, message, help_ in (
        ({"web": 3}, f"{FILE}:4:24: the count of shop_web is $COUNT, a variable", "set it in stacks/shop/.env"),
        ({"log": 3}, f"{FILE}:7:20: shop_log has no count: one runs on every machine (mode: global)", "placement"),
        ({"wbe": 3}, "stack shop has no service 'wbe'", "did you mean 'web'?"),
        ({"zzz": 3}, "stack shop has no service 'zzz'", "there are log, web"),
    ):
        with pytest.raises(DeployerError) as refused:
            scale(tmp_path, counts, **files)
        assert refused.value.message == message
        assert refused.value.help.startswith(help_)
    assert scale(tmp_path, {"web": 2}, **files) == ((), ())


def test_a_stack_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="there is no stack 'shp'") as refused:
        rescale([stack_of("shop", compose="")], [], [Wanted("shp", "web", 1)])
    assert refused.value.help == "did you mean 'shop'?"
