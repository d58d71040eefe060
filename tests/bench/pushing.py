"""What the hooks add to a push. The cluster is made up (tests/hooks/fake_cluster.py); git, hooks and program are real."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Final

from tests.bench.cases import Sides, case
from tests.bench.surroundings import CLIENT, repository, write
from tests.bench.timing import run
from tests.bench.validating import STACKS, compose, many
from tests.hooks.conftest import use_fake_cluster
from tests.source.conftest import GOOD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.cases import Place
    from tests.bench.figures import Sample
    from tests.e2e.standing import Standing

PLAIN: Final = "the same push to a bare repository without hooks"


def with_remotes(place: Place, files: dict[str, str]) -> Standing:
    """A clone whose remote `ours` has the hooks and has deployed its one commit, and whose remote `plain` has no hooks."""
    clone = repository(place, "push", files)
    home = clone.repo.parent
    clone.deployer("remote", "init", str(home / "ours.git"), check=True)
    (home / "ours.git/fake").mkdir()
    use_fake_cluster(home / "ours.git")
    clone.git("init", "--quiet", "--bare", "--initial-branch=main", str(home / "plain.git"))
    for name in ("ours", "plain"):
        clone.git("remote", "add", name, str(home / f"{name}.git"))
        clone.git("push", "--quiet", name, "main")
    return clone


def push(clone: Standing, *argv: str, codes: tuple[int, ...] = (0,), says: str = "") -> Sample:
    done = run(["git", "push", *argv], cwd=clone.repo, env=clone.env, codes=codes)
    assert says in " ".join(done.stderr.replace("remote:", "").split()), done.stderr
    return done.sample


@case("a push that changes no file of ours", peer=PLAIN, needs=(CLIENT,),
      claim="issue 5: under 0.5 s more; closing note: 0.23 s more")  # fmt: skip
def _nothing(place: Place) -> Iterator[Sides]:
    clone = with_remotes(place, GOOD)
    numbers = count()

    def pushed(remote: str, says: str = "") -> Sample:
        write(clone.repo, {"README": f"{next(numbers)}\n"})
        clone.commit("Words")
        return push(clone, remote, "main", says=says)

    yield Sides(lambda: pushed("ours", "Nothing to deploy"), lambda: pushed("plain"))


def refused(place: Place, text: str, option: tuple[str, ...], says: str) -> Sides:
    """One of many stacks is changed, and the push is not accepted; the bare repository takes it."""
    clone = with_remotes(place, {**GOOD, **many(STACKS)})
    first = clone.git("rev-parse", "HEAD")
    numbers = count(STACKS)

    def change() -> None:
        clone.git("reset", "--quiet", "--hard", first)
        write(clone.repo, {"stacks/many000/compose.yaml": compose(next(numbers)).replace("image:", text)})
        clone.commit("One of them")

    def ours() -> Sample:
        change()
        return push(clone, *option, "ours", "main", codes=(1,), says=says)

    def peer() -> Sample:
        change()
        return push(clone, "--force", "plain", "main")

    return Sides(ours, peer)


@case(f"a push that changes one of {STACKS} stacks, planned (-o plan)", peer=PLAIN, needs=(CLIENT,),
      claim="issue 5: within 2 s; closing note: 0.72 s")  # fmt: skip
def _planned(place: Place) -> Iterator[Sides]:
    yield refused(place, "image:", ("-o", "plan"), "Only the plan was asked for")


@case(f"a push with a typo in one of {STACKS} stacks, refused with its line", peer=PLAIN, needs=(CLIENT,),
      claim="issue 5: within 2 s; closing note: 0.78 s")  # fmt: skip
def _typo(place: Place) -> Iterator[Sides]:
    yield refused(place, "imag:", (), "unknown key 'imag'")
