from __future__ import annotations

import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.model.command import Command

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


@given(st.lists(words, min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_whatever_the_arguments_are_a_shell_passes_them_on_unchanged(arguments: list[str]) -> None:
    line = Command(("printf", r"%s\0", *arguments)).shell()
    completed = subprocess.run(["sh", "-c", line], capture_output=True, check=True)
    assert completed.stdout.decode().split("\0")[:-1] == arguments
    assert completed.stderr == b""


@given(
    st.lists(
        st.sampled_from([";", "$(id)", "`id`", "--", "-n", "~", "*", "'", '"', "\\", "\n", "&", "|", "x"]), min_size=1
    )
)
@settings(max_examples=40, deadline=None)
def test_nothing_that_a_shell_acts_on_acts(arguments: list[str]) -> None:
    line = Command(("printf", r"%s\0", *arguments)).shell()
    completed = subprocess.run(["sh", "-c", line], capture_output=True, check=True)
    assert completed.stdout.decode().split("\0")[:-1] == arguments
