"""Many stacks: a plan with nothing to do stays small, and one change among them writes one service. `make bench` has the seconds."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.standing import Standing

STACKS: Final = 20
NAMES: Final = ("web", "api", "db", "cache", "worker")
MOST_KIBIBYTES: Final = 150 * 1024


def compose(number: int) -> str:
    services = "".join(f"  {name}: {{<<: *base, command: [redis-server, --port, '{number}']}}\n" for name in NAMES)
    base = (
        "x-base: &base\n  image: redis:7\n  environment: {MODE: production, LEVEL: info}\n  volumes: ['data:/data']\n"
        "  deploy: {replicas: 0, labels: {team: a}, resources: {limits: {memory: 64M}}}\n"
    )
    return f"version: '3.8'\n{base}services:\n{services}volumes:\n  data:\n"


@pytest.fixture(scope="module")
def many(cluster: Standing) -> Iterator[Standing]:
    before = cluster.git("rev-parse", "HEAD")
    for number in range(STACKS):
        file = cluster.repo / f"stacks/many{number:03}/compose.yaml"
        file.parent.mkdir()
        file.write_text(compose(number))
    cluster.commit("Many stacks")
    try:
        cluster.must("apply")
        yield cluster
    finally:
        cluster.back_to(before)
        remove = "docker stack ls --format '{{.Name}}' | grep -E '^many' | xargs docker stack rm"
        cluster.on("master", "sh", "-c", f"{remove} >/dev/null 2>&1; true")


def test_a_plan_with_nothing_to_do_is_empty_and_small(many: Standing) -> None:
    process = subprocess.Popen(
        [*many.argv, "plan", "--quiet", "--detailed-exitcode"],
        cwd=many.repo, env=many.env, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, "there is something to do"
    assert used.ru_maxrss < MOST_KIBIBYTES


def test_one_change_among_many_writes_one_service(many: Standing) -> None:
    before = many.versions()
    many.edit("stacks/many007/compose.yaml", "  web: {", "  web: {labels: {changed: 'yes'}, ")
    many.commit("One of them")
    many.must("apply")
    after = many.versions()
    changed = [key for key, version in after.items() if before[key] != version]
    inspected = many.on("master", "docker", "service", "inspect", "--format", "{{.ID}}", "many007_web").strip()
    assert changed == [f"service {inspected}"]
