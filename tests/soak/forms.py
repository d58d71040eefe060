"""The random tests, by form: what `make soak` plays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Form:
    """Tests that are played together.

    Those of hypothesis are a pytest a round. Those on the real cluster need minutes to set up: they are one pytest, in which
    rounds.py counts.
    """

    name: str
    tests: tuple[str, ...]
    """Files or tests, as pytest names them."""
    weight: int
    """Its share of the time, beside the others'."""
    real: bool = False


FORMS: Final = (
    Form("documents", ("tests/document/test_fuzz.py",), 2),
    Form("readings", ("tests/compose/test_differential.py", "tests/compose/test_references.py"), 3),
    Form("sources", ("tests/source/test_fuzz.py",), 2),
    Form("plans", ("tests/plan/test_convergence.py", "tests/test_model_cluster.py"), 3),
    Form(
        "differences",
        ("tests/diff/test_body.py", "tests/diff/test_cluster.py", "tests/diff/test_fields.py", "tests/diff/test_plain.py"),
        2,
    ),
    Form(
        "words",
        ("tests/model/test_path.py", "tests/model/test_printable.py", "tests/registrator/test_flags.py",
         "tests/registrator/test_tags.py", "tests/remote/test_quoting.py", "tests/encrypted/test_hostile.py"),
        1,
    ),
    Form("registrator", ("tests/e2e/test_registrator_soak.py",), 10, real=True),
    Form("kills", ("tests/e2e/test_faults.py::test_an_apply_that_is_killed_is_finished_by_the_next",), 10, real=True),
)  # fmt: skip


def shares(forms: tuple[Form, ...], seconds: float) -> dict[str, float]:
    """How long each form may take, in seconds."""
    weight = sum(form.weight for form in forms)
    return {form.name: seconds * form.weight / weight for form in forms}
