from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from deployer.plan.outcome import Began, Done, Ended, Failed, Progress, Skipped
from deployer.report.plain import PlainProgress

if TYPE_CHECKING:
    from deployer.plan.steps import Plan
    from deployer.report.paint import Paint


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_line_an_event_each_with_its_subject(plan: Plan, plain: Paint) -> None:
    stream, clock = StringIO(), Clock()
    progress = PlainProgress(stream, plain, clock, plan=False)
    install, join, _, _, wait = plan.steps
    progress.say("asking 4 machines")
    progress.show(plan)
    progress.listen(Began(install))
    progress.listen(Progress(install, "Unpacking docker.io\n"))
    progress.listen(Ended(install, Done(31.24, "Docker 26.1.5")))
    progress.listen(Began(join))
    progress.listen(Ended(join, Failed(3.1, "no route\nat all")))
    progress.listen(Ended(wait, Skipped(2)))
    progress.listen(Ended(wait, Skipped(0)))
    assert stream.getvalue() == (
        "asking 4 machines\n"
        "slave     | install Docker from the distribution's packages ...\n"
        "slave     |   Unpacking docker.io\n"
        "slave     | install Docker from the distribution's packages: done in 31.2 s (Docker 26.1.5)\n"
        "slave     | join the swarm of master as worker at 10.0.0.3 ...\n"
        "slave     | join the swarm of master as worker at 10.0.0.3: failed after 3.1 s: no route\\nat all\n"
        "web       | wait up to 180 s for web_api, web_cache: skipped: #2 did not succeed\n"
        "web       | wait up to 180 s for web_api, web_cache: skipped: the run was stopped\n"
    )


def test_the_plan_comes_first_where_it_is_wanted(plan: Plan, plain: Paint) -> None:
    stream = StringIO()
    PlainProgress(stream, plain, Clock()).show(plan)
    assert stream.getvalue().startswith("Plan for sandbox at 1a2b3c4d5e\n")
    assert stream.getvalue().endswith("(4 unchanged); 1 cannot be done.\n\n")


def test_a_step_says_at_most_a_few_lines_a_second_and_none_twice(plan: Plan, plain: Paint) -> None:
    stream, clock = StringIO(), Clock()
    progress = PlainProgress(stream, plain, clock)
    wait, other = plan.steps[4], plan.steps[0]
    for tick in range(100):  # ten seconds, a line every 0.1 s, its text changes every 0.5 s
        clock.now = 100 + tick / 10
        progress.listen(Progress(wait, f"{tick // 5} of 20 running"))
    assert len(stream.getvalue().splitlines()) == 20
    progress.listen(Progress(other, "another step is not held back"))
    assert "another step is not held back" in stream.getvalue()


def test_verbose_says_every_line_with_the_time(plan: Plan, plain: Paint) -> None:
    stream, clock = StringIO(), Clock()
    progress = PlainProgress(stream, plain, clock, verbose=True)
    clock.now = 112.25
    progress.listen(Progress(plan.steps[0], "one\n\nand the same\nand the same\n"))
    assert stream.getvalue() == (
        "[  12.2 s] slave |   one\n[  12.2 s] slave |   and the same\n[  12.2 s] slave |   and the same\n"
    )


def test_what_a_machine_says_cannot_move_the_cursor(plan: Plan, plain: Paint) -> None:
    stream = StringIO()
    progress = PlainProgress(stream, plain, Clock())
    progress.say("\x1b[2Jcleared")
    progress.listen(Progress(plan.steps[0], "50%\r100%"))
    progress.listen(Progress(plan.steps[1], "\x1b[1A"))
    assert stream.getvalue() == "\\x1b[2Jcleared\nslave |   50%\nslave |   \\x1b[1A\n"


def test_each_line_is_one_write(plan: Plan, colours: Paint) -> None:
    class Stream(StringIO):
        writes: list[str] = []  # noqa: RUF012 - one instance

        def write(self, text: str) -> int:
            self.writes.append(text)
            return len(text)

    stream = Stream()
    progress = PlainProgress(stream, colours, Clock())
    progress.listen(Began(plan.steps[0]))
    progress.listen(Ended(plan.steps[0], Done(1.0)))
    assert all(text.endswith("\n") and text.count("\n") == 1 for text in stream.writes)
    assert len(stream.writes) == 2
