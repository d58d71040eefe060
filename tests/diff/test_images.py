"""From tags to digests: what has to be asked, and what runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pytest

from deployer.diff.cause import Cause
from deployer.diff.cluster import diff
from deployer.diff.images import wanted_images, with_digests
from deployer.diff.placement import may_run
from deployer.diff.stacks import ServiceDiffers
from deployer.model import labels
from deployer.model.cluster import Images
from deployer.model.observed import ImageFound, ImageUnknown, LiveService, Observed
from tests.literals.desired import make_cluster, make_desired, make_node, make_source
from tests.literals.live import change_by_hand, deploy_service
from tests.literals.machines import make_machine
from tests.literals.stacks import make_service, make_stack, with_constraints, with_container
from tests.literals.swarm import change_swarm, make_member, make_observed, make_standing

if TYPE_CHECKING:
    from deployer.model.desired import Desired

Policy = Literal["changed", "always", "never"]
OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64
WEB = make_service("shop_web", image="app:1")


def written(body: dict[str, Any], digest: str, image: str = "") -> LiveService:
    """What an earlier run made of it when its tag stood for that digest; `image` is what somebody set by hand since."""
    bare = str(body["TaskTemplate"]["ContainerSpec"]["Image"])
    if digest:
        body = with_container(body, Image=f"{bare}@{digest}")
        body["Labels"] = {**body["Labels"], labels.DIGEST: digest}
    found = deploy_service(body)
    return change_by_hand(found, **with_container(found.spec, Image=image)) if image else found


def seen(*services: LiveService) -> Observed:
    with_disk, drained = make_member("n-w", labels={"disk": "ssd"}), make_member("n-off", availability="drain")
    standing = make_standing(("m",), ("w", "off"), services=services)
    return change_swarm(standing, members=(make_member("n-m", "manager"), with_disk, drained))


def desired(policy: Policy = "changed", own: Policy | None = None) -> Desired:
    nodes = (make_node("m", "manager"), make_node("w"), make_node("off", availability="drain"))
    cluster = make_cluster(*nodes, images=Images(resolve=policy))
    return make_desired(cluster, make_source("shop", images=Images(resolve=own) if own else None))


def changes(wanted: Desired, live: Observed, answer: ImageFound | ImageUnknown | None, body: Any = WEB) -> Any:
    stacks = [make_stack("shop", body)]
    asked = wanted_images(wanted, stacks, live)
    assert bool(asked) == (answer is not None), asked
    pinned = with_digests(wanted, stacks, live, dict.fromkeys(asked, answer) if answer else {})
    return diff(wanted, pinned, live)


def image(change: Any) -> str:
    return str(change.body["TaskTemplate"]["ContainerSpec"]["Image"])


@pytest.mark.parametrize("digest", [OLD, ""])
def test_what_runs_as_git_names_it_asks_nobody_and_is_no_change(digest: str) -> None:
    found = changes(desired(), seen(written(WEB, digest)), None)
    assert (found.changes, found.blocked) == ((), ())


def test_a_new_service_gets_the_digest_beside_it_and_not_in_its_hash() -> None:
    (made,) = changes(desired(), seen(), ImageFound(NEW)).changes
    assert image(made) == f"app:1@{NEW}"
    assert made.body["Labels"][labels.DIGEST] == NEW
    assert made.body["Labels"][labels.HASH] == deploy_service(WEB).labels[labels.HASH]


def test_another_image_in_git_is_asked_for() -> None:
    (change,) = changes(desired(), seen(written(make_service("shop_web", image="app:0"), OLD)), ImageFound(NEW)).changes
    assert (change.cause, image(change)) == (Cause.CHANGED, f"app:1@{NEW}")


def test_another_change_in_git_keeps_the_digest() -> None:
    (change,) = changes(desired(), seen(written(make_service("shop_web", 3, image="app:1"), OLD)), None).changes
    assert (change.cause, image(change), change.body["Labels"][labels.DIGEST]) == (Cause.COUNT, f"app:1@{OLD}", OLD)


@pytest.mark.parametrize("by_hand", ["app:2", f"app:2@{NEW}", f"app:1@{NEW}", "app:1"])
def test_another_image_by_hand_is_drift_and_goes_back_to_the_digest_without_a_question(by_hand: str) -> None:
    (change,) = changes(desired(), seen(written(WEB, OLD, by_hand)), None).changes
    assert isinstance(change, ServiceDiffers)
    assert change.cause is Cause.DRIFTED
    assert [(field.path, field.old, field.new) for field in change.fields] == [
        ("TaskTemplate.ContainerSpec.Image", by_hand, f"app:1@{OLD}")
    ]


def test_a_tag_that_moved_is_a_change_under_always_only() -> None:
    live = seen(written(WEB, OLD))
    (change,) = changes(desired("always"), live, ImageFound(NEW)).changes
    assert (change.cause, image(change)) == (Cause.MOVED, f"app:1@{NEW}")
    assert changes(desired("always"), live, ImageFound(OLD)).changes == ()
    assert changes(desired("changed"), live, None).changes == ()
    (drifted,) = changes(desired("always"), seen(written(WEB, OLD, "app:2")), ImageFound(NEW)).changes
    assert drifted.cause is Cause.DRIFTED


def test_under_never_images_are_as_written() -> None:
    assert changes(desired("never"), seen(written(WEB, "")), None).changes == ()
    (made,) = changes(desired("never"), seen(), None).changes
    assert (image(made), labels.DIGEST in made.body["Labels"]) == ("app:1", False)


def test_a_stack_says_otherwise_than_the_cluster() -> None:
    assert changes(desired("always", "never"), seen(written(WEB, "")), None).changes == ()
    assert changes(desired("never", "always"), seen(written(WEB, OLD)), ImageFound(OLD)).changes == ()


def test_a_digest_in_git_is_asked_for_nowhere_and_counts_in_the_hash() -> None:
    old, new = (make_service("shop_web", image=f"app:1@{digest}") for digest in (OLD, NEW))
    (change,) = changes(desired("always"), seen(deploy_service(old)), None, new).changes
    assert change.cause is Cause.CHANGED


def test_what_cannot_be_told_blocks_its_service_alone() -> None:
    other = make_service("shop_db", image="db:1")
    stacks = [make_stack("shop", WEB, other)]
    wanted, live = desired(), seen()
    images: dict[str, ImageFound | ImageUnknown] = {
        "app:1": ImageUnknown("docker.io says no", "log in"),
        "db:1": ImageFound(NEW),
    }
    assert set(wanted_images(wanted, stacks, live)) == set(images)
    found = diff(wanted, with_digests(wanted, stacks, live, images), live)
    assert [(one.subject, one.reason, one.help) for one in found.blocked] == [
        ("service shop_web", "docker.io says no", "log in")
    ]
    assert [getattr(change, "name", "") for change in found.changes] == ["shop_db"]


def test_an_image_that_only_the_machines_have_runs_as_written() -> None:
    (made,) = changes(desired(), seen(), ImageFound("", "as the machines have it")).changes
    assert (image(made), labels.DIGEST in made.body["Labels"]) == ("app:1", False)


def test_before_there_is_a_swarm_the_plan_leaves_it_to_the_run() -> None:
    wanted, live = desired(), make_observed(dict.fromkeys(("m", "w", "off"), make_machine()))
    stacks = [make_stack("shop", WEB)]
    assert wanted_images(wanted, stacks, live) == {}
    (service,) = with_digests(wanted, stacks, live, {})[0].services
    assert service["TaskTemplate"]["ContainerSpec"]["Image"] == "app:1@${IMAGE_DIGEST}"


def test_only_machines_that_may_run_it_are_asked_what_they_hold() -> None:
    placed = with_constraints(WEB, "node.labels.disk == ssd")
    assert wanted_images(desired(), [make_stack("shop", WEB)], seen()) == {"app:1": frozenset({"m", "w"})}
    assert wanted_images(desired(), [make_stack("shop", placed)], seen()) == {"app:1": frozenset({"w"})}


@pytest.mark.parametrize(
    ("constraint", "holds"),
    [
        ("node.role==worker", True),
        ("node.role != worker", False),
        ("node.hostname == W", True),
        ("node.labels.disk==ssd", True),
        ("node.labels.disk!=ssd", False),
        ("node.labels.zone==par", False),
        ("node.labels.zone!=par", True),
        ("node.platform.os==windows", True),
        ("nonsense", True),
    ],
)
def test_constraints(constraint: str, *, holds: bool) -> None:
    assert may_run([constraint], make_member("w", labels={"disk": "ssd"})) is holds
