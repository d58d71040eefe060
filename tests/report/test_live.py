"""The tree on a real (pseudo) terminal."""

from __future__ import annotations

import os
import pty
import re
import threading
from typing import TYPE_CHECKING

import pytest

from deployer.plan.outcome import Began, Done, Ended, Failed, Progress
from deployer.report.live import LiveProgress
from deployer.report.paint import Paint
from tests.waiting import GENEROUS

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.plan.steps import Plan


def on_a_terminal(work: Callable[[LiveProgress], None], *, verbose: bool = False, colour: bool = False) -> str:
    """Everything that a run writes to a terminal."""
    ours, theirs = pty.openpty()
    written: list[bytes] = []

    def read() -> None:
        try:
            while data := os.read(ours, 65536):
                written.append(data)
        except OSError:  # EIO: the other side is closed
            return

    reader = threading.Thread(target=read)
    reader.start()
    try:
        with os.fdopen(theirs, "w", encoding="utf-8") as stream:
            progress = LiveProgress(stream, Paint(on=colour), verbose=verbose)
            try:
                work(progress)
            finally:
                progress.close()
        reader.join()
    finally:
        os.close(ours)
    return b"".join(written).decode().replace("\r\n", "\n")


def last_picture(text: str) -> list[str]:
    """What stands on the screen after the last time that the cursor went up."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text.rsplit("\x1b[2K", 1)[-1]).splitlines()


def test_the_last_picture_stays_with_every_step_in_it(plan: Plan) -> None:
    def work(progress: LiveProgress) -> None:
        progress.say("asking 4 machines")
        progress.show(plan)
        for step in plan.steps[:3]:
            progress.listen(Began(step))
        progress.listen(Progress(plan.steps[1], "fetching the token"))
        progress.listen(Ended(plan.steps[0], Done(31.2)))
        progress.listen(Ended(plan.steps[2], Failed(0.3, "image not found")))

    text = on_a_terminal(work)
    assert text.startswith("asking 4 machines\nPlan for sandbox at 1a2b3c4d5e\n")
    shown = "\n".join(last_picture(text))
    assert "✓ install Docker from the distribution's packages" in shown
    assert "✗ web_api: create service, 2 replicas" in shown
    assert "image not found" in shown
    assert text.endswith("\n")
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1, "the cursor is hidden and comes back"


def test_without_a_step_nothing_is_drawn(plan: Plan) -> None:
    text = on_a_terminal(lambda progress: progress.show(plan))
    assert "\x1b" not in text


def test_ctrl_c_ends_the_drawing(plan: Plan) -> None:
    def work(progress: LiveProgress) -> None:
        progress.listen(Began(plan.steps[0]))
        raise KeyboardInterrupt

    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        on_a_terminal(work)
    refreshing = set(threading.enumerate()) - before
    for thread in refreshing:
        thread.join(GENEROUS)
    assert not any(thread.is_alive() for thread in refreshing), "the refreshing thread has ended"


def test_verbose_scrolls_the_steps_own_lines_above_the_tree(plan: Plan) -> None:
    def work(progress: LiveProgress) -> None:
        progress.listen(Began(plan.steps[0]))
        progress.listen(Progress(plan.steps[0], "Unpacking docker.io [red]26[/red]\nSetting up \x1b[2J"))

    text = on_a_terminal(work, verbose=True)
    assert "slave | Unpacking docker.io [red]26[/red]\n" in text
    assert "slave | Setting up \\x1b[2J\n" in text


def test_colours_only_where_they_are_wanted(plan: Plan) -> None:
    def work(progress: LiveProgress) -> None:
        progress.listen(Ended(plan.steps[0], Done(1.0)))

    assert "\x1b[32m" in on_a_terminal(work, colour=True)
    assert "\x1b[32m" not in on_a_terminal(work)
