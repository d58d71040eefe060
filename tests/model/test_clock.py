from __future__ import annotations

import pytest

from deployer.model.clock import clock_words


@pytest.mark.parametrize(
    ("ahead", "words"),
    [(None, ""), (0.3, "ok"), (-1.9, "ok"), (2, "2 s ahead"), (-90, "90 s behind"), (600, "10 min ahead"),
     (-86400, "24 h behind")],
)  # fmt: skip
def test_an_offset_in_words(ahead: float | None, words: str) -> None:
    assert clock_words(ahead) == words
