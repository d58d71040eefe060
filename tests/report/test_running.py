"""`deployer ps` and `deployer logs` as people and programs read them."""

from __future__ import annotations

from textwrap import dedent

from deployer.model.running import LogRecord, Row, Running
from deployer.report.paint import Paint
from deployer.report.running import record_document, record_text, running_document, running_text
from tests.report.schemas import check

PLAIN, COLOUR = Paint(on=False), Paint(on=True)
UP = Row(
    "slave",
    "shop_web.1.t1",
    "a" * 12,
    "web:1",
    "docker-entrypoint.sh web",
    1000.0,
    "Up 5 minutes (healthy)",
    ("80/tcp",),
    "shop",
)
FAILED = Row("slave", "shop_web.1.t0", image="web:2", status="Rejected: No such image: web:2", failed=True)
WAITS = Row("", "shop_web.2.t2", image="web:1", status="Pending: \x1b[2Jno suitable node")
RUNNING = Running("sandbox", (WAITS, FAILED, UP), (("slave2", "no answer within 5 s"),))


def test_a_row_a_container_and_who_did_not_answer() -> None:
    assert running_text(RUNNING, PLAIN, 1000.0 + 150) == dedent("""\
        CONTAINER ID   IMAGE   COMMAND                  CREATED         STATUS                             PORTS    NAMES
        -              web:1   -                        -               Pending: \\x1b[2Jno suitable node   -        -/shop_web.2.t2
        -              web:2   -                        -               Rejected: No such image: web:2     -        slave/shop_web.1.t0
        aaaaaaaaaaaa   web:1   "docker-entrypoint.s…"   2 minutes ago   Up 5 minutes (healthy)             80/tcp   slave/shop_web.1.t1

        ! slave2: no answer within 5 s

        sandbox: 1 container on 1 machine, 2 tasks without one; 1 machine could not be asked
        """)


def test_nothing_runs() -> None:
    assert running_text(Running("sandbox", ()), PLAIN, 0.0) == "sandbox: 0 containers on 0 machines\n"


def test_how_it_is_has_a_colour() -> None:
    text = running_text(RUNNING, COLOUR, 1000.0)
    assert "\x1b[31mRejected" in text
    assert "\x1b[32mUp 5 minutes" in text
    assert "\x1b[33mPending" in text


def test_the_same_as_json() -> None:
    read = check("ps", running_document(RUNNING))
    assert [one["name"] for one in read["containers"]] == ["shop_web.2.t2", "shop_web.1.t0", "shop_web.1.t1"]
    assert read["silent"] == [{"machine": "slave2", "reason": "no answer within 5 s"}]


RECORD = LogRecord("2026-01-01T00:00:00.5Z", "slave", "shop_web.1", "started \x1b[31mred")


def test_a_record_is_a_line_and_moves_no_cursor() -> None:
    assert record_text(RECORD, PLAIN, timestamps=False) == "slave/shop_web.1 | started \\x1b[31mred\n"
    assert record_text(RECORD, PLAIN, timestamps=True, width=18) == (
        "slave/shop_web.1   | 2026-01-01T00:00:00.5Z started \\x1b[31mred\n"
    )
    assert record_text(LogRecord("", "", "", "a warning"), PLAIN, timestamps=False) == "- | a warning\n"
    assert check("log", record_document(RECORD))["text"] == "started \x1b[31mred"


def test_a_task_keeps_its_colour() -> None:
    first = record_text(RECORD, COLOUR, timestamps=False)
    assert first.startswith("\x1b[")
    assert first.partition("|")[0] == record_text(RECORD, COLOUR, timestamps=False).partition("|")[0]
