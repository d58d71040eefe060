"""When to look and when to apply: no clock runs here."""

from deployer.watch.pace import LONGEST_BACK_OFF, RETRY_SECONDS, Pace

PACE = Pace(interval=30, every=300)


def test_the_first_look_is_at_once_and_what_is_new_is_due() -> None:
    assert PACE.next_look() == float("-inf")
    assert PACE.due("a", 0)


def test_a_commit_is_applied_once_until_the_timer() -> None:
    done = PACE.looked(0).applied("a", 10, ok=True)
    assert not done.due("a", 309)
    assert done.due("a", 310)
    assert done.due("b", 11)


def test_without_a_timer_only_another_commit_is_due() -> None:
    done = Pace(30, 0).looked(0).applied("a", 10, ok=True)
    assert not done.due("a", 1e9)
    assert done.wake_at() == 30


def test_what_failed_is_tried_again_less_and_less_often_and_never_less_than_the_timer_says() -> None:
    now, pace = 0.0, PACE
    waits = []
    for _ in range(6):
        pace = pace.applied("a", now, ok=False)
        again = next(second for second in range(int(now), int(now) + 1000) if pace.due("a", second))
        waits.append(again - now)
        now = float(again)
    assert waits == [RETRY_SECONDS, 60, 120, 240, 300, 300]
    assert pace.applied("a", now, ok=True).failures == 0
    assert pace.applied("b", now, ok=False).failures == 1


def test_without_a_timer_a_failure_is_still_tried_again_and_bounded() -> None:
    pace = Pace(30, 0)
    for _ in range(30):
        pace = pace.applied("a", 0, ok=False)
    assert not pace.due("a", LONGEST_BACK_OFF - 1)
    assert pace.due("a", LONGEST_BACK_OFF)


def test_a_silent_source_is_asked_less_and_less_often_and_as_before_once_it_answers() -> None:
    pace, looks = PACE, []
    for _ in range(8):
        pace = pace.unanswered(0)
        looks.append(pace.next_look())
    assert looks == [60, 120, 240, 480, 600, 600, 600, 600]
    assert pace.looked(1000).next_look() == 1030


def test_it_wakes_for_whatever_comes_first() -> None:
    assert PACE.looked(0).applied("a", 0, ok=True).wake_at() == 30
    assert Pace(3600, 300).looked(0).applied("a", 0, ok=True).wake_at() == 300
    assert Pace(3600, 300).looked(0).applied("a", 0, ok=False).wake_at() == 30
