"""A saved plan to a private file, and back."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec

from deployer.errors import DeployerError, UsageError
from deployer.model.consent import NOTHING
from deployer.plan.saved import SavedPlan, save_plan
from deployer.report.document import FORMAT_VERSION, Document, Part
from deployer.report.documents import PlanDocument, plan_document
from deployer.report.encode import to_json
from deployer.user_files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from deployer.model.consent import Consent
    from deployer.plan.steps import Plan

LARGEST: Final = 64 * 2**20
AGAIN: Final = "make it again: deployer plan --out FILE"


class SavedStepDocument(Part, frozen=True):
    subject: str
    action: str
    hash: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class SavedPlanDocument(Document, frozen=True, kw_only=True):
    """Of what is sent only hashes: bodies may hold secrets. `plan` is there to be read; it is not what is executed."""

    type: Literal["saved_plan"] = "saved_plan"
    cluster: str
    commit: str
    rev: str
    """What the commit was asked for by: it has to be that commit still."""
    only: tuple[str, ...]
    salt: str
    steps: tuple[SavedStepDocument, ...]
    allow: tuple[str, ...]
    """--allow-delete"""
    replaces: str
    """--replaces"""
    plan: PlanDocument


def write_plan(file: Path, plan: Plan, rev: str, consent: Consent = NOTHING) -> None:
    """Write the plan in one step, for nobody else's eyes. DeployerError where that is not possible."""
    kept = save_plan(plan, rev, secrets.token_hex(16), consent)
    steps = tuple(SavedStepDocument(**vars(step)) for step in kept.steps)
    text = to_json(SavedPlanDocument(**vars(kept) | {"steps": steps}, plan=plan_document(plan)))
    try:
        write_whole(file, text.encode())
    except OSError as error:
        raise DeployerError(
            f"the plan cannot be written to {file}: {error.strerror}", help="name a file in a folder of yours"
        ) from error


def read_plan(file: Path) -> SavedPlan:
    """What is in the file. UsageError where that is no plan, is not whole, or is of another version of the format."""
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"the plan {file} cannot be read: {error.strerror}", help=AGAIN) from error
    try:
        found: Any = msgspec.json.decode(data[:LARGEST])
        version = str(found["format_version"]) if found["type"] == "saved_plan" else ""
    except (msgspec.DecodeError, KeyError, TypeError, UnicodeDecodeError):
        version = ""
    if not version:
        raise UsageError(f"{file} is no saved plan, or not all of one", help=AGAIN)
    if version.partition(".")[0] != FORMAT_VERSION.partition(".")[0]:
        raise UsageError(f"{file} is a plan of format {version}; this deployer reads {FORMAT_VERSION}", help=AGAIN)
    try:
        return msgspec.convert(found, SavedPlan)
    except msgspec.ValidationError as error:
        raise UsageError(f"{file} is no plan that deployer wrote: {error}", help=AGAIN) from None
