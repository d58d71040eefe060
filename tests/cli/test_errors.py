from __future__ import annotations

import errno
import json
import os
import pwd
import re
import signal
import stat
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest

from deployer.cli.app import app
from deployer.cli.errors import VALUES_OF_SSH, Terminated, TimeUp, failure_of, own_words, run, time_limit
from deployer.cli.lazy import load
from deployer.cli.machine.app import COMMANDS
from deployer.errors import (
    BusyError,
    DeployerError,
    GuardRefusedError,
    InvalidFilesError,
    TimedOutError,
    UnreachableError,
    UsageError,
)
from deployer.model.problem import Problem
from deployer.model.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

PROBLEM = Problem("cluster/cluster.yaml", 2, 1, "unknown key 'nam'")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DeployerError("it failed", help="mend it"), 1),
        (UsageError("it failed", help="mend it"), 2),
        (BusyError("it failed", help="mend it"), 4),
        (GuardRefusedError("it failed", help="mend it"), 5),
        (UnreachableError("it failed", help="mend it"), 6),
        (TimedOutError("it failed", help="mend it"), 124),
    ],
)
def test_an_expected_error_is_one_line_and_what_to_do(cli: Any, workflow: Any, error: Exception, code: int) -> None:
    workflow.plan = error
    assert cli("plan", "-q") == (code, "", "deployer: it failed\n  = help: mend it\n")
    found, out, err = cli("plan", "-q", "--json")
    document = json.loads(out)
    assert (found, document["exit_code"], err) == (code, code, "")
    assert document["diagnostics"] == [{"severity": "error", "summary": "it failed", "detail": "mend it"}]


def test_invalid_files_are_listed_whatever_the_command(cli: Any, workflow: Any) -> None:
    workflow.plan = InvalidFilesError([PROBLEM])
    text = "cluster/cluster.yaml:2:1: error: unknown key 'nam'\n\n1 error in 1 file\n"
    assert cli("plan", "-q") == (3, "", text)
    assert json.loads(cli("plan", "--json").out)["diagnostics"][0]["range"]["start"] == {"line": 2, "column": 1}


def test_several_errors_at_once_are_told_one_after_the_other(cli: Any, workflow: Any) -> None:
    errors = [UnreachableError("master: no answer"), UnreachableError("slave: no answer")]
    workflow.plan = BaseExceptionGroup("unhandled errors in a TaskGroup", errors)
    code, _, err = cli("plan", "-q")
    assert code == 6
    assert err.startswith("deployer: master: no answer\n")


def test_what_an_error_repeats_from_outside_cannot_move_the_cursor(cli: Any, workflow: Any) -> None:
    workflow.plan = DeployerError("no commit \x1b[2Jx\nfoo", help="\x07")
    assert cli("plan", "-q").err == "deployer: no commit \\x1b[2Jx\\nfoo\n  = help: \\x07\n"


def test_verbose_says_what_led_to_it(cli: Any, workflow: Any) -> None:
    error = UnreachableError("master: no answer")
    error.__cause__ = ConnectionRefusedError(111, "Connection refused")
    workflow.plan = error
    assert "caused by" not in cli("plan").err
    assert "  = caused by: ConnectionRefusedError: [Errno 111] Connection refused\n" in cli("plan", "-v").err


@pytest.mark.parametrize(
    ("error", "code", "word"),
    [(KeyboardInterrupt(), 130, "interrupted"), (Terminated(), 143, "terminated")],
)
def test_an_interrupted_command_says_so_in_one_line(
    cli: Any, workflow: Any, error: BaseException, code: int, word: str
) -> None:
    workflow.plan = error
    assert cli("plan", "-q") == (code, "", f"deployer: {word}\n")
    assert json.loads(cli("plan", "--json").out)["exit_code"] == code


class TestBug:
    def test_the_traceback_goes_to_a_private_file(self, cli: Any, workflow: Any, tmp_path: Path) -> None:
        workflow.plan = ZeroDivisionError("division by zero")
        code, out, err = cli("plan", "--rev", "v1", "-q")
        log = next((tmp_path / "state" / "deployer").iterdir())
        assert (code, out) == (70, "")
        assert err == (
            f"deployer: internal error: ZeroDivisionError; details in {log}\n  = help: this is a bug: report that file\n"
        )
        text = log.read_text()
        assert "ZeroDivisionError: division by zero" in text
        assert "deployer plan --rev v1 -q\n" in text
        assert stat.S_IMODE(log.stat().st_mode) == 0o600
        assert stat.S_IMODE(log.parent.stat().st_mode) == 0o700

    def test_the_file_has_no_secrets_from_local_variables(self, cli: Any, workflow: Any, tmp_path: Path) -> None:
        secret = Secret("hunter2")
        workflow.plan = RuntimeError(f"bad {secret}")
        cli("plan")
        text = next((tmp_path / "state" / "deployer").iterdir()).read_text()
        assert "bad [secret]" in text
        assert "hunter2" not in text

    def test_under_json_it_is_a_document(self, cli: Any, workflow: Any) -> None:
        workflow.plan = ZeroDivisionError()
        code, out, err = cli("plan", "--json", "--progress", "quiet")
        assert (code, json.loads(out)["exit_code"], err) == (70, 70, "")

    def test_a_home_that_cannot_be_written_is_no_second_error(
        self, cli: Any, workflow: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        workflow.plan = ZeroDivisionError()
        found = re.search(r"details in (\S+)", cli("plan").err)
        assert found
        assert "ZeroDivisionError" in Path(found[1]).read_text()


class TestUsage:
    @pytest.mark.parametrize(
        ("argv", "message", "help_line"),
        [
            (["pln"], "there is no command 'pln'", "did you mean 'plan'?"),
            (["frobnicate"], "there is no command 'frobnicate'", "deployer --help lists them"),
            (["plan", "--rpo", "x"], "no such option: --rpo", "did you mean --repo?"),
            (["plan", "--zzz"], "no such option: --zzz", "deployer plan --help"),
            (["plan", "--rev", "a", "--worktree"], "--rev and --worktree exclude each other", "leave one of them out"),
            (["plan", "extra"], "got unexpected extra argument(s) (extra)", "deployer plan --help"),
            (["--zzz"], "no such option: --zzz", "deployer --help"),
            (["sandbox"], "missing command", "deployer sandbox --help"),
        ],
    )
    def test_it_says_what_and_how_else(self, cli: Any, argv: list[str], message: str, help_line: str) -> None:
        assert cli(*argv) == (2, "", f"deployer: {message}\n  = help: {help_line}\n")

    @pytest.mark.parametrize("argv", [["--zzz"], ["--rev", "a", "--worktree"], ["--progress", "foo"]])
    def test_it_is_64_where_2_means_changes(self, cli: Any, argv: list[str]) -> None:
        assert cli("plan", "--detailed-exitcode", *argv).code == 64

    @pytest.mark.parametrize(
        "argv", [["plan", "--json", "--zzz"], ["pln", "--json"], ["--json"], ["plan", "--json", "--rev"]]
    )
    def test_under_json_it_is_json(self, cli: Any, argv: list[str]) -> None:
        code, out, err = cli(*argv)
        assert (code, json.loads(out)["type"], err) == (2, "failure", "")

    def test_with_json_progress_it_is_an_event(self, cli: Any) -> None:
        _, out, err = cli("plan", "--progress=json", "--zzz")
        assert (out, json.loads(err)["type"], json.loads(err)["@message"]) == (
            "",
            "diagnostic",
            "no such option: --zzz",
        )

    def test_a_repository_that_is_not_there(self, cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)  # a short name, so that the line is not broken in the middle of it
        code, _, err = cli("plan", "--repo", "nowhere")
        assert code == 2
        assert "'--repo'" in err
        assert "'nowhere' does not exist" in err

    def test_no_command_shows_the_help_on_stderr(self, cli: Any) -> None:
        code, out, err = cli()
        assert (code, out) == (2, "")
        assert "Commands:" in err


class TestStreams:
    @pytest.fixture
    def closed(self) -> Iterator[IO[str]]:
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "w") as stream:
            yield stream

    @pytest.mark.usefixtures("workflow")
    @pytest.mark.parametrize("flags", [["-q"], ["-q", "--json"]])
    def test_a_full_disk_is_an_error(
        self, flags: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with open("/dev/full", "w", encoding="utf-8") as stream:  # noqa: PTH123 - a device
            monkeypatch.setattr(sys, "stdout", stream)
            assert run(app, ["plan", *flags]) == 1
        assert capsys.readouterr().err == "deployer: cannot write the output: No space left on device\n"

    @pytest.mark.parametrize("stream", ["stdout", "stderr"])
    def test_a_reader_that_went_away_changes_nothing(
        self,
        workflow: Any,
        closed: IO[str],
        stream: str,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(sys, stream, closed)
        assert run(app, ["apply"]) == 0
        assert len(workflow.asked) == 2
        assert run(app, ["plan", "--detailed-exitcode"]) == 2
        assert "Traceback" not in "".join(capsys.readouterr())

    def test_help_into_a_closed_pipe(
        self, closed: IO[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(sys, "stdout", closed)
        assert run(app, ["--help"]) == 0
        assert capsys.readouterr().err == ""


def test_a_time_limit_ends_what_takes_longer_and_nothing_after_it() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(TimeUp) as ended, time_limit(0.05):
        time.sleep(60)
    assert failure_of(ended.value, []).exit_code == 124
    with time_limit(60):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    with time_limit(0):
        assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    assert signal.getsignal(signal.SIGALRM) is before


def test_a_failure_of_a_command_line_without_words_is_told_too(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def fail(*_: object) -> None:
        raise DeployerError("it failed")

    monkeypatch.setattr("deployer.cli.errors._invoke", fail)
    assert run(app, []) == 1
    assert capsys.readouterr().err == "deployer: it failed\n"


def test_a_file_that_may_not_be_opened_is_no_bug(cli: Any, workflow: Any, tmp_path: Path) -> None:
    lock = str(tmp_path / "deployer" / "shop.lock")
    workflow.plan = PermissionError(errno.EACCES, "Permission denied", lock)
    told = (1, "", f"deployer: {lock}: Permission denied\n  = help: check its mode, and its disk\n")
    assert cli("plan", "-q") == told
    assert not (tmp_path / "state").exists()  # no log of a bug
    workflow.plan = OSError(errno.ENOENT, "No such file or directory", lock)
    assert cli("plan", "-q").code == 70


def test_it_is_said_whose_it_is(cli: Any, workflow: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workflow.plan = PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "none" / "file"))
    owner = pwd.getpwuid(os.geteuid()).pw_name
    monkeypatch.setattr("os.geteuid", lambda: -1)
    assert cli("plan", "-q").err.endswith(
        f"help: {tmp_path} belongs to {owner}: run as that user, or give it to yours with chown\n"
    )


@pytest.mark.parametrize(
    ("argv", "own"),
    [
        ("plan --json", 2),
        ("machine ssh --json", 3),
        ("machine ssh m cat --json", 3),
        ("machine ssh --rev main -v m terraform plan --detailed-exitcode", 6),
        ("-v machine ssh --repo=/r m -- x --json", 5),
        ("machine ssh", 2),
        ("m ssh m cat --json", 3),
    ],
)
def test_what_stands_behind_a_machines_name_is_not_ours(argv: str, own: int) -> None:
    assert own_words(argv.split()) == argv.split()[:own]


def test_the_options_of_ssh_that_take_a_value_are_all_known() -> None:
    options = load("ssh", COMMANDS["ssh"]).params
    assert {
        name for one in options if one.param_type_name == "option" and not one.is_flag for name in one.opts
    } == VALUES_OF_SSH


def test_a_failure_of_ssh_is_text_whatever_the_command_there_is(cli: Any) -> None:
    code, out, err = cli("machine", "ssh", "nosuch", "cat", "--json")
    assert (code, out) == (2, "")
    assert err.startswith("deployer: ")
