"""Remove a sandbox: nothing of it is left."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from deployer.sandbox import observe, state
from deployer.sandbox.engine import engine_silent_reason
from deployer.sandbox.labels import IMAGE_LABEL, LABEL

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker import DockerClient

BUILD_CACHE_MARK = "deployer-sandbox"


def down(name: str, say: Callable[[str], None], *, purge: bool) -> None:
    """Remove the sandbox's containers, their volumes and its network; cached images and the registry's data stay.

    `purge` removes those too, with the build cache and the keys. What apt installed stays in either case.
    """
    folder = state.folder(name)
    there = folder.is_dir() and any(entry.name != "lock" for entry in folder.iterdir())
    if reason := engine_silent_reason():
        say(f"{reason}: nothing runs here")
    else:
        with state.locked(name, say), observe.engine() as client:
            there = _remove_containers(client, name, say) or there
            for network in client.api.networks(filters={"label": f"{LABEL}={name}"}):
                client.api.remove_network(network["Id"])
                there = True
            if purge:
                _remove_volumes(client, f"{LABEL}={name}")
                _remove_caches(client, say)
    if purge:
        shutil.rmtree(folder, ignore_errors=True)
        _remove_empty_state()
        say("what apt installed stays (Docker, mmdebstrap)")
    say(f"sandbox {name}: removed" if there else f"there is no sandbox {name}")


def _remove_containers(client: DockerClient, name: str, say: Callable[[str], None]) -> bool:
    """Remove them; whether there were any."""
    entries = observe.containers(client, name)
    if not entries:
        return False
    say(f"removing {len(entries)} containers")
    with ThreadPoolExecutor(max_workers=len(entries)) as pool:
        list(pool.map(lambda entry: client.api.remove_container(entry["Id"], v=True, force=True), entries))
    return True


def _remove_caches(client: DockerClient, say: Callable[[str], None]) -> None:
    if others := client.api.containers(all=True, filters={"label": LABEL}, quiet=True):
        say(f"images and registry data stay: {len(others)} containers of other sandboxes use them")
        return
    say("removing images, registry data and build cache")
    _remove_volumes(client, IMAGE_LABEL)
    for image in sorted({image["Id"] for image in client.api.images(filters={"label": IMAGE_LABEL})}):
        client.api.remove_image(image, force=True)
    remove_build_cache(client)


def _remove_volumes(client: DockerClient, label: str) -> None:
    for volume in client.api.volumes(filters={"label": label})["Volumes"] or []:
        client.api.remove_volume(volume["Name"])


def remove_build_cache(client: DockerClient) -> None:
    """Prune what our builds left; what depends on a record goes with it or before it, so one round may not be enough."""
    before: frozenset[str] = frozenset()
    while (records := our_records(client.api.df()["BuildCache"] or [])) and records != before:
        for record in sorted(records):
            client.api.prune_builds(filters={"id": [record]}, all=True)
        before = records


def our_records(records: list[dict[str, Any]]) -> frozenset[str]:
    """The ids of build cache records that our Dockerfiles made: those that name us, and what stands on them.

    Copies of build contexts name nobody; they count as ours where nothing else is there.
    """
    ours = {record["ID"] for record in records if BUILD_CACHE_MARK in record["Description"]}
    grown = True
    while grown:
        # Engine 26 spells the key with a space before it.
        found = {
            record["ID"] for record in records if ours & set(record.get("Parents") or record.get(" Parents") or [])
        }
        grown = not found <= ours
        ours |= found
    rest = [record for record in records if record["ID"] not in ours]
    if all(record["Type"] == "source.local" or record["Description"].strip() == "from local" for record in rest):
        ours |= {record["ID"] for record in rest}
    return frozenset(ours)


def _remove_empty_state() -> None:
    """The folder of all sandboxes goes with the last of them."""
    root = state.root()
    if root.is_dir() and not any(path.is_dir() for path in root.iterdir()):
        shutil.rmtree(root, ignore_errors=True)
        if root.parent.is_dir() and not any(root.parent.iterdir()):
            root.parent.rmdir()
