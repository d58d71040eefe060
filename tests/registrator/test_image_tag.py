"""The image's name: another one for every other content, and the same one for the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from deployer.registrator.image import tag

if TYPE_CHECKING:
    import pytest


def test_the_same_content_has_the_same_name() -> None:
    assert tag.image_tag("python:3.12-slim") == tag.image_tag("python:3.12-slim")
    assert re.fullmatch(r"deployer-registrator:[0-9a-f]{12}", tag.image_tag("python:3.12-slim"))


def test_another_base_is_another_image() -> None:
    assert tag.image_tag("python:3.12-slim") != tag.image_tag("debian:12")


def test_another_version_of_a_library_is_another_image(monkeypatch: pytest.MonkeyPatch) -> None:
    before = tag.image_tag("python:3.12-slim")
    versions = tag._versions()
    assert set(versions) == set(tag.LIBRARIES)
    monkeypatch.setattr(tag, "_versions", lambda: versions | {"requests": "0"})
    assert tag.image_tag("python:3.12-slim") != before


def test_another_program_is_another_image(monkeypatch: pytest.MonkeyPatch) -> None:
    before = tag.image_tag("python:3.12-slim")
    monkeypatch.setattr(tag, "OURS", tag.OURS[1:])
    assert tag.image_tag("python:3.12-slim") != before
