"""Text that a terminal would act on."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.model.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("", ""),
        ("Grüße, 世界 €", "Grüße, 世界 €"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("two\nlines", "two\\nlines"),
        ("over\rwritten", "over\\rwritten"),
        ("tab\tbell\a\b\0", "tab\\tbell\\x07\\x08\\x00"),
        ("\x7f", "\\x7f"),
        ("next line \x85", "next line \\x85"),
        ("C1 \x9b31m", "C1 \\x9b31m"),
        ("bidi \u202egnp.exe", "bidi \\u202egnp.exe"),
        ("isolate \u2066x\u2069", "isolate \\u2066x\\u2069"),
        ("hidden \u200b\u00ad\ufeff", "hidden \\u200b\\xad\\ufeff"),
        ("separators \u2028\u2029", "separators \\u2028\\u2029"),
        ("tags \U000e0041", "tags \\U000e0041"),
        ("not UTF-8 \udcff", "not UTF-8 \\udcff"),
    ],
)
def test_table(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "L", "N", "P", "S", "Zs"])))
def test_nothing_is_left_to_act_on(text: str) -> None:
    shown = printable(text)
    assert not [char for char in shown if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    assert len(shown.splitlines()) <= 1
    assert printable(shown) == shown
