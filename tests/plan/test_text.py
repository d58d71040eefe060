"""Lines of a plan: what is shortened, escaped and masked."""

import json
import subprocess
import sys
from typing import Any

import pytest

from deployer.diff.cause import Cause
from deployer.diff.change import Blocked, Drifted
from deployer.diff.effect import Effect
from deployer.model.commit import short
from deployer.model.field import ABSENT, Field
from deployer.plan.consul import AwaitConsul, RegisterNode
from deployer.plan.field_text import field_text
from deployer.plan.machines import InstallEngine, RunContainer, WriteDaemonJson
from deployer.plan.operations import Operation, describe, mark
from deployer.plan.stacks import AwaitServices, CreateObject, CreateService, UpdateService
from deployer.plan.steps import Plan, Step
from deployer.plan.swarm import InitSwarm, JoinSwarm, UpdateMember
from deployer.plan.text import plan_text, step_text, summary
from tests.literals.desired import COMMIT
from tests.literals.live import deploy_service
from tests.literals.stacks import make_service

ENV = "TaskTemplate.ContainerSpec.Env"


class TestMasks:
    @pytest.mark.parametrize(
        "name",
        [
            "DB_PASSWORD", "PASSWD", "SMTP_PASS", "pass", "MYSQL_PWD", "SSH_PASSPHRASE", "APP_SECRET", "GITHUB_TOKEN",
            "API_KEY", "apikey", "api-key", "AWS_ACCESS_KEY_ID", "PRIVATE_KEY", "CREDENTIALS",
        ],
    )  # fmt: skip
    def test_variables_by_name(self, name: str) -> None:
        assert field_text(Field(f"{ENV}[0]", f"{name}=hunter2", f"{name}=hunter3")) == (
            f"{ENV}[0]: {name}=[secret] -> {name}=[secret]"
        )
        assert field_text(Field(ENV, ABSENT, ["A=1", f"{name}=hunter2"])) == (
            f'{ENV}: (none) -> ["A=1", "{name}=[secret]"]'
        )
        assert "hunter" not in field_text(Field(f"Labels.{name}", "hunter2", ABSENT))

    @pytest.mark.parametrize("name", ["PASSIVE", "BYPASS_CACHE", "COMPASS", "PATH", "KEY", "MONKEY", "A"])
    def test_other_variables_are_shown(self, name: str) -> None:
        assert field_text(Field(f"{ENV}[0]", f"{name}=1", f"{name}=2")) == f"{ENV}[0]: {name}=1 -> {name}=2"

    @pytest.mark.parametrize(
        "value",
        [
            {"Name": "splunk", "Options": {"splunk-token": "hunter2"}},
            {"Options": [{"password": {"deep": ["hunter2"]}}]},
            ["--db-password=hunter2"],
            ["postgres://user:hunter2@db/x"],
            "https://hunter2@example.org/",
            "http://user:hunter2@proxy:3128",
            "DB_URL=postgres://user:hunter2@db:5432/x",
            {"http-proxy": "http://user:p@hunter2@proxy"},
        ],
    )
    def test_whatever_it_is_inside_of(self, value: Any) -> None:
        shown = field_text(Field("x", value, ABSENT))
        assert "hunter2" not in shown
        assert "[secret]" in shown

    def test_the_names_of_dockers_secrets_are_none(self) -> None:
        path = "TaskTemplate.ContainerSpec.Secrets[0].SecretName"
        assert field_text(Field(path, "s_key_a1", "s_key_b2")) == f"{path}: s_key_a1 -> s_key_b2"

    def test_a_users_label_that_looks_like_dockers_path_is_one(self) -> None:
        assert "hunter2" not in field_text(Field("Labels.x.ContainerSpec.Secrets", "hunter2", ABSENT))

    @pytest.mark.parametrize("url", ["http://registry:5000", "https://example.org/@scope/x", "tcp://10.0.0.1:80?a@b"])
    def test_a_url_without_a_user_is_shown(self, url: str) -> None:
        assert field_text(Field("x", url, ABSENT)) == f"x: {url} -> (none)"

    def test_bodies_are_never_shown(self) -> None:
        body = {"Name": "s_key", "Data": "aHVudGVyMg=="}
        assert "aHVudGVyMg" not in step_text(Step(1, CreateObject("secret", "s", "s_key", body), Cause.NOT_FOUND))


class TestValues:
    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            (1, "1"),
            (0, "0"),
            (False, "false"),
            ("", ""),
            (None, "(none)"),
            (ABSENT, "(none)"),
            ("text", "text"),
            ({"b": 1, "a": [True]}, '{"a": [true], "b": 1}'),
            ("x" * 60, "x" * 60),
            ("x" * 61, "x" * 59 + "…"),
            ("\x1b[2J", "\\x1b[2J"),
            ("\u202e", "\\u202e"),
            (["a\nb"], '["a\\nb"]'),
        ],
    )
    def test_value(self, value: Any, shown: str) -> None:
        assert field_text(Field("x", value, 7)) == f"x: {shown} -> 7"

    def test_long_values_are_shown_from_where_they_differ(self) -> None:
        old, new = (["redis-server", "--save", "60", "--appendonly", "yes", "--maxmemory", size] for size in ("1", "2"))
        assert field_text(Field("Args", old, new)) == 'Args: …axmemory", "1"] -> …axmemory", "2"]'

    @pytest.mark.parametrize(
        ("path", "value", "shown"),
        [
            ("TaskTemplate.ContainerSpec.StopGracePeriod", 10_000_000_000, "10s"),
            ("TaskTemplate.ContainerSpec.Healthcheck.Interval", 1_500_000_000, "1.5s"),
            ("UpdateConfig.Monitor", 0, "0s"),
            ("TaskTemplate.Resources.Limits.MemoryBytes", 64 * 2**20, "64 MiB"),
            ("TaskTemplate.Resources.Reservations.NanoCPUs", 500_000_000, "0.5"),
            ("TaskTemplate.Resources.Limits.Pids", 99, "99"),
            ("Labels.Interval", "9000000000", "9000000000"),
            ("Interval", 9_000_000_000, "9000000000"),
        ],
    )
    def test_measures_as_compose_files_have_them(self, path: str, value: Any, shown: str) -> None:
        assert field_text(Field(path, ABSENT, value)) == f"{path}: (none) -> {shown}"

    def test_a_path_from_a_file_is_escaped_too(self) -> None:
        assert field_text(Field("Labels.\x1b[2J", "a", "b")) == "Labels.\\x1b[2J: a -> b"


SEEN = deploy_service(make_service("s_web", 2))
SENTENCES: list[tuple[Operation, str, str, str]] = [
    (InstallEngine("m", "distro"), "+", "m", "install Docker from the distribution's packages"),
    (InstallEngine("m", "docker"), "+", "m", "install Docker from Docker's own repository"),
    (WriteDaemonJson("m", "{}", "none"), "~", "m", "write daemon.json, before the engine's first start"),
    (WriteDaemonJson("m", "{}", "reload"), "~", "m", "write daemon.json, the engine reloads it"),
    (WriteDaemonJson("m", "{}", "restart"), "~", "m", "write daemon.json, the engine restarts"),
    (InitSwarm("m", "10.0.0.1"), "+", "m", "start the swarm at 10.0.0.1"),
    (JoinSwarm("m", "worker", "10.0.0.2", "a"), "+", "m", "join the swarm of a as worker at 10.0.0.2"),
    (UpdateMember("m", "a", "worker", "drain", {}), "~", "m", "set role, availability and labels in the swarm"),
    (RunContainer("m", "c", "i:1", {}), "+", "m", "run c from i:1"),
    (AwaitConsul("m", 60), ".", "m", "wait until Consul has a leader"),
    (RegisterNode("m", "a", "10.0.0.2", {}), "+", "m", "register at 10.0.0.2 in Consul on a"),
    (CreateObject("secret", "s", "s_key", {}), "+", "s_key", "create secret"),
    (CreateService("s", "s_web", make_service("s_web", 0)), "+", "s_web", "create service, 0 replicas"),
    (CreateService("s", "s_web", make_service("s_web")), "+", "s_web", "create service, 1 replica"),
    (CreateService("s", "s_web", make_service("s_web", Mode={})), "+", "s_web", "create service, 1 replica"),
    (
        CreateService("s", "s_web", make_service("s_web", Mode={"Replicated": {"Replicas": None}})),
        "+",
        "s_web",
        "create service, 1 replica",
    ),
    (
        UpdateService("s", "s_web", make_service("s_web", Mode={"Global": {}}), SEEN),
        "~",
        "s_web",
        "update service, one on every machine",
    ),
    (
        UpdateService("s", "s_web", make_service("s_web", Mode={"GlobalJob": {}}), SEEN),
        "~",
        "s_web",
        "update service, a job",
    ),
    (AwaitServices("s", ("s_a", "s_b"), 5999940.0), ".", "s", "wait up to 5999940 s for s_a, s_b"),
]


@pytest.mark.parametrize(("operation", "sign", "subject", "verb"), SENTENCES, ids=lambda value: str(value)[:30])
def test_sentences(operation: Operation, sign: str, subject: str, verb: str) -> None:
    assert mark(operation) == sign
    assert describe(operation) == (subject, verb)
    assert step_text(Step(3, operation, None)) == f"{sign} #3 {subject}: {verb}"
    assert step_text(Step(3, operation, Cause.CHANGED)) == f"{sign} #3 {subject}: {verb} (changed in git)"


def test_control_characters_of_machines_and_files_are_escaped() -> None:
    step = Step(1, CreateObject("network", "s", "\x1b[2J", {}), None)
    text = plan_text(Plan("c", "worktree", (step,), (Blocked("m", "said \x1b[2J\nPlan: fine", "do \u202ex"),)))
    assert json.loads(json.dumps(text)) == text
    assert "\x1b" not in text
    assert text.splitlines()[2:] == [
        "+ #1 \\x1b[2J: create network",
        "",
        "! m: said \\x1b[2J\\nPlan: fine",
        "    do \\u202ex",
        "",
        "Plan: 1 to add, 0 to change, 0 to remove (0 unchanged); 1 cannot be done.",
    ]


def test_drift_beside_a_change_and_drift_that_is_left() -> None:
    hand, ours = Field("Labels.a", "1", "2", drifted=True), Field("Labels.b", "1", "2")
    update = UpdateService("s", "s_web", make_service("s_web", 2), SEEN)
    step = Step(1, update, Cause.CHANGED_AND_DRIFTED, (hand, ours), effect=Effect(restarts=2))
    text = plan_text(Plan("c", COMMIT, (step,), unchanged=3, drifted=(Drifted("s", "s_db", (hand,)),)))
    assert text.splitlines()[2:] == [
        "~ #1 s_web: update service, 2 replicas (changed in git, and drifted): restarts 2 tasks, 1 at a time, stop-first",
        "       Labels.a: 1 -> 2 (drifted)",
        "       Labels.b: 1 -> 2",
        "",
        "= s_db: drifted, left as it is (drift: report)",
        "       Labels.a: 1 -> 2",
        "",
        "Plan: 0 to add, 1 to change, 0 to remove (3 unchanged); 1 drifted and left.",
    ]
    assert summary(Plan("c", COMMIT, (), drifted=(Drifted("s", "s_db", (hand,)),))) == (
        "No changes: everything is as 0123456789 says, but for 1 drifted and left (0 unchanged)."
    )


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        (Plan("c", COMMIT, (), (), 4), "No changes: everything is as 0123456789 says (4 unchanged)."),
        (Plan("c", "worktree", (), (), 0), "No changes: everything is as worktree says (0 unchanged)."),
        (
            Plan("c", COMMIT, (), (Blocked("m", "x"), Blocked("n", "y")), 1),
            "Plan: 0 to add, 0 to change, 0 to remove (1 unchanged); 2 cannot be done.",
        ),
    ],
)
def test_summary(plan: Plan, line: str) -> None:
    assert summary(plan) == line


@pytest.mark.parametrize(
    ("commit", "said"),
    [(COMMIT, "0123456789"), ("0" * 64, "0" * 10), ("worktree", "worktree"), ("index", "index"), ("0" * 39, "0" * 39)],
)
def test_short(commit: str, said: str) -> None:
    assert short(commit) == said


def test_printing_a_plan_does_without_the_comparison() -> None:
    """Commands print what was done long before, and start without what finds differences."""
    code = (
        "import sys, deployer.plan.text\n"
        "print(*(name for name, module in sys.modules.items() if name.startswith('deployer.diff.')"
        " and type(module).__name__ == 'module'))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(ran.stdout.split()) <= {"deployer.diff.cause", "deployer.diff.change"}
