from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.model.problem import Problem
from deployer.report.problems import problems_github, problems_text
from deployer.report.snippet import snippet

if TYPE_CHECKING:
    from deployer.report.paint import Paint

TYPO = Problem(
    "stacks/web/compose.yaml", 14, 7, "unknown key 'replcas' in services.api.deploy", "did you mean 'replicas'?",
    source="      replcas: 2\n", width=7,
)  # fmt: skip


def test_a_problem_is_a_gnu_line_the_source_a_caret_and_help(plain: Paint) -> None:
    assert problems_text([TYPO], plain) == (
        "stacks/web/compose.yaml:14:7: error: unknown key 'replcas' in services.api.deploy\n"
        "   |\n"
        "14 |       replcas: 2\n"
        "   |       ^^^^^^^\n"
        "   = help: did you mean 'replicas'?\n"
        "\n"
        "1 error in 1 file\n"
    )


def test_problems_are_sorted_counted_and_each_said_once(plain: Paint) -> None:
    late = Problem("cluster/nodes/b.yaml", 3, 1, "two machines have the address 10.0.0.1", severity="warning")
    whole = Problem("cluster/cluster.yaml", 0, 0, "there is no such file", "deployer init makes one")
    assert problems_text([TYPO, late, whole, late], plain) == (
        "cluster/cluster.yaml: error: there is no such file\n"
        "  = help: deployer init makes one\n"
        "\n"
        "cluster/nodes/b.yaml:3:1: warning: two machines have the address 10.0.0.1\n"
        "\n"
        "stacks/web/compose.yaml:14:7: error: unknown key 'replcas' in services.api.deploy\n"
        "   |\n"
        "14 |       replcas: 2\n"
        "   |       ^^^^^^^\n"
        "   = help: did you mean 'replicas'?\n"
        "\n"
        "2 errors, 1 warning in 3 files\n"
    )


def test_repeats_in_one_file_follow_the_first_without_their_source(plain: Paint) -> None:
    repeats = [Problem("a.yaml", line, 1, "no tabs", source="\tx", width=1) for line in (4, 2, 9)]
    assert problems_text(repeats, plain) == (
        "a.yaml:2:1: error: no tabs\n  |\n2 |     x\n  | ^^^^\na.yaml:4:1: error: no tabs\na.yaml:9:1: error: no tabs\n\n"
        "3 errors in 1 file\n"
    )


def test_no_problems_no_text(plain: Paint) -> None:
    assert problems_text([], plain) == ""


def test_colour_marks_the_place_the_severity_and_the_caret(colours: Paint) -> None:
    lines = problems_text([TYPO], colours).splitlines()
    assert lines[0].startswith("\x1b[1mstacks/web/compose.yaml:14:7\x1b[0m")
    assert "\x1b[31;1merror:\x1b[0m" in lines[0]
    assert lines[3] == "\x1b[31m   |       ^^^^^^^\x1b[0m"


def test_control_characters_of_a_file_do_not_reach_the_terminal(plain: Paint) -> None:
    hostile = Problem("a\x1b[2J.yaml", 1, 4, "bad \u202e name", "not \x07", source="a: \x1b]0;x\x07 \u202eb", width=1)
    text = problems_text([hostile], plain)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert "a\\x1b[2J.yaml:1:4: error: bad \\u202e name" in text
    assert "1 | a: \\x1b]0;x\\x07 \\u202eb\n  |    ^^^^\n" in text  # an escape is four columns wide


def test_the_caret_stands_right_after_tabs_and_wide_characters() -> None:
    tab = Problem("f", 1, 4, "m", source="\ta: xyz", width=2)
    assert snippet(tab) == ("  |", "1 |     a: xyz", "  |       ^^")
    wide = Problem("f", 1, 4, "m", source="日本: x", width=1)
    assert snippet(wide) == ("  |", "1 | 日本: x", "  |      ^")
    combining = Problem("f", 1, 5, "m", source="e\u0301: x", width=1)
    assert snippet(combining) == ("  |", "1 | e\u0301: x", "  |    ^")


def test_a_column_behind_the_line_still_gets_a_caret() -> None:
    assert snippet(Problem("f", 1, 40, "m", source="a:", width=3)) == ("  |", "1 | a:", "  |   ^")


def test_a_line_without_column_has_no_caret() -> None:
    assert snippet(Problem("f", 7, 0, "m", source="a: 1")) == ("  |", "7 | a: 1")


def test_a_very_long_line_is_cut_around_the_caret() -> None:
    source = "x" * 30_000 + "HERE" + "y" * 30_000
    _, shown, caret = snippet(Problem("f", 1, 30_001, "m", source=source, width=4))
    assert len(shown) <= 110
    assert shown.startswith("1 | …x")
    assert shown.endswith("y…")
    assert caret.index("^") == shown.index("HERE")
    assert caret.count("^") == 4


def test_the_value_of_a_key_that_says_secret_is_not_shown() -> None:
    lines = snippet(Problem("f", 3, 16, "a label must be text", source="  db_password: hunter2", width=7))
    assert lines == ("  |", "3 |   db_password: [secret]", "  |                ^^^^^^^")
    assert snippet(Problem("f", 3, 3, "m", source="  secrets: [db]", width=7))[1] == "3 |   secrets: [db]"
    assert "hunter2" not in snippet(Problem("f", 3, 3, "m", source='  - "API_TOKEN=hunter2"'))[1]


def test_github_gets_workflow_commands_with_its_own_escapes() -> None:
    odd = Problem("a,b:c.yaml", 2, 3, "100% wrong", width=4, severity="warning")
    assert problems_github([TYPO, odd]) == (
        "::warning file=a%2Cb%3Ac.yaml,line=2,col=3,endColumn=7::100%25 wrong\n"
        "::error file=stacks/web/compose.yaml,line=14,col=7,endColumn=14"
        "::unknown key 'replcas' in services.api.deploy (did you mean 'replicas'?)\n"
        "1 error, 1 warning in 2 files\n"
    )


def test_a_newline_in_a_message_cannot_start_a_workflow_command() -> None:
    text = problems_github([Problem("f", 1, 1, "x\n::set-env name=A::b")])
    assert [line.startswith("::error") for line in text.splitlines()] == [True, False]
    assert text.splitlines()[1] == "1 error in 1 file"
