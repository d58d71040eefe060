"""`deployer doctor`, as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.model.doctor import Check
from deployer.report.doctor import doctor_document, doctor_text
from tests.report.schemas import check

if TYPE_CHECKING:
    from deployer.report.paint import Paint

CHECKS = (
    Check("git", "ok", "2.39"),
    Check("signals", "partly", "not kept\x1b[2J inside", "they could be sent", "a newer kernel"),
    Check("files", "missing", "no Landlock", "every file could be read", "Linux 5.13"),
)


def test_a_row_a_check_and_what_to_do(plain: Paint) -> None:
    assert doctor_text(CHECKS, plain) == (
        r"""CHECK     STATE     FOUND
git       ok        2.39
signals   partly    not kept\x1b[2J inside
files     missing   no Landlock

signals: they could be sent
  = help: a newer kernel

files: every file could be read
  = help: Linux 5.13

3 checks, 2 of them not ok
"""
    )
    assert doctor_text(CHECKS[:1], plain).endswith("\n\n1 check, all ok\n")


def test_states_have_their_colours(colours: Paint) -> None:
    assert doctor_text(CHECKS, colours).count("\x1b[") == 2 * 3


def test_the_document_is_as_its_schema_says() -> None:
    read = check("doctor", doctor_document(CHECKS))
    assert [check["state"] for check in read["checks"]] == ["ok", "partly", "missing"]
