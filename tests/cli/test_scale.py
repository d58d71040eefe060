from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from deployer.cli.scale import read
from deployer.errors import UsageError
from deployer.model.counts import Scaled, Scaling, Wanted
from tests.cli.conftest import COMMIT, replace_functions
from tests.report.schemas import check

if TYPE_CHECKING:
    from deployer.workflow.run import Audience, Trigger

DONE = Scaling(COMMIT, (Scaled("web_api", 1, 3, "stacks/web/compose.yaml", 7),), committed=True)


@pytest.fixture
def scaling(workflow: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was asked of the workflow."""
    asked: list[Any] = []

    def scale(_: Any, say: Any, wanted: Any) -> Scaling:
        asked.append(("scale", wanted))
        return DONE

    async def live(source: Any, trigger: Trigger, audience: Audience, wanted: Any) -> Any:
        assert trigger.asked.via == "scale"
        asked.append(("live", wanted, trigger.wait_lock))
        audience.show(workflow.report.plan)
        return workflow.report

    replace_functions(monkeypatch, "deployer.workflow.scale", {"commit_counts": scale, "set_counts": live})
    return asked


def test_the_commit_that_was_made_is_applied(cli: Any, workflow: Any, scaling: list[Any]) -> None:
    code, out, err = cli("scale", "web", "api=3", "--lock-wait", "90s")
    assert (code, scaling) == (0, [("scale", (Wanted("web", "api", 3),))])
    assert [workflow.asked[0], workflow.asked[1].rev] == [90, COMMIT]
    assert "stacks/web/compose.yaml:7: web_api 1 -> 3\nCommitted as 1a2b3c4d5e.\n" in err
    assert out.endswith("stacks/web/compose.yaml:7: web_api 1 -> 3\nCommitted as 1a2b3c4d5e.\n")
    assert "Applied 1a2b3c4d5e in 1.5 s: 1 done, 0 failed, 0 skipped" in out


def test_without_applying(cli: Any, workflow: Any, scaling: list[Any]) -> None:
    assert cli("scale", "web/api=3", "--no-apply") == (
        0,
        "stacks/web/compose.yaml:7: web_api 1 -> 3\nCommitted as 1a2b3c4d5e.\n",
        "",
    )
    assert workflow.asked == []


def test_without_a_commit_it_says_that_this_is_drift(cli: Any, workflow: Any, scaling: list[Any]) -> None:
    code, out, _ = cli("scale", "web", "api=3", "--no-commit")
    assert (code, workflow.asked, scaling) == (0, [], [("live", (Wanted("web", "api", 3),), 0)])
    assert "this is drift, and the next apply takes it back.\nTo keep it: deployer scale web/api=3\n" in out


@pytest.mark.parametrize(("flag", "commit"), [("--no-apply", COMMIT), ("--no-commit", None), ("--quiet", COMMIT)])
def test_json(cli: Any, scaling: list[Any], flag: str, commit: str | None) -> None:
    document = check("scale", json.loads(cli("scale", "web", "api=3", flag, "--json").out))
    assert document["commit"] == commit
    assert (document["report"] is None) == (flag == "--no-apply")


def test_both_forms_and_the_full_name() -> None:
    assert read(["web", "api=3", "web_db=0", "other/x=12"]) == (
        Wanted("web", "api", 3),
        Wanted("web", "db", 0),
        Wanted("other", "x", 12),
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["web"], "there is no SERVICE=N after 'web'"),
        (["api=3"], "'api=3' does not say of which stack"),
        (["web", "api"], "'api' is no SERVICE=N"),
        (["web", "=3"], "'=3' does not say of which stack"),
        (["web", "api=-1"], "'-1' is no count for api"),
        (["web", "api=3.5"], "'3.5' is no count for api"),
        (["web", "api=1000000"], "'1000000' is no count for api"),
        (["web", "api=٣"], "'٣' is no count for api"),
        (["web", "api="], "'' is no count for api"),
        (["web", "api=1", "web/api=2"], "web_api is named twice"),
    ],
)
def test_what_is_no_count(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        read(words)
    assert refused.value.message == message


def test_nothing_would_be_left_to_do(cli: Any, scaling: list[Any]) -> None:
    assert (cli("scale", "web", "api=3", "--no-commit", "--no-apply").code, scaling) == (2, [])
