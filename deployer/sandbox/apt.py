"""Write apt's source and pin files from what it says about its archives. Pure.

No archive's address is written down anywhere: they all come from what apt is set up with already.
"""

from __future__ import annotations

from dataclasses import dataclass

from deployer.errors import DeployerError

INDEXTARGETS = (
    "apt-get",
    "indextargets",
    "--format",
    "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN) $(LABEL)",
    "Created-By: Packages",
)
"""Tells the archives; empty before the first `apt-get update`: origin and label come from the Release files."""


@dataclass(frozen=True)
class Archive:
    """One suite of one Debian archive: where it is, what it is called there, whose label it has."""

    url: str
    suite: str
    label: str


def parse_archives(text: str) -> tuple[Archive, ...]:
    """The `main` components of Debian's own archives in the output of INDEXTARGETS, in order, each once.

    Only http and https count: a CD-ROM or a folder of this machine is not there for a container.
    """
    found: dict[Archive, None] = {}
    for line in text.splitlines():
        match line.split(maxsplit=4):
            case [url, suite, "main", "Debian", label] if url.startswith(("http://", "https://")):
                found[Archive(url.rstrip("/"), suite, label)] = None
            case _:
                pass
    return tuple(found)


def main_archive(archives: tuple[Archive, ...], codename: str) -> str:
    """The address of the archive that holds suite `codename`; raises DeployerError where there is none."""
    for archive in archives:
        if archive.label == "Debian" and archive.suite == codename:
            return archive.url
    raise DeployerError(
        f"apt knows no archive of Debian's suite {codename}",
        help="check /etc/apt/sources.list.d, then run apt-get update",
    )


def source_file(url: str, suite: str, keyring: str) -> str:
    """An apt source (deb822) for `suite` of the archive at `url`, signed by `keyring` (a path)."""
    return (
        f"# Written by deployer: Docker's packages of Debian's {suite} for this machine.\n"
        f"# /etc/apt/preferences.d/deployer-{suite} keeps everything else where it was.\n"
        f"Types: deb\nURIs: {url}\nSuites: {suite}\nComponents: main\nSigned-By: {keyring}\n"
    )


def pin_file(suite: str) -> str:
    """Preferences that keep `suite` out of every upgrade: 100 is the priority of what is installed (apt_preferences(5))."""
    return (
        f"# Written by deployer: {suite} is there for the packages that are asked for by name.\n"
        f"Package: *\nPin: release n={suite}\nPin-Priority: 100\n"
    )


def sources_list(archives: tuple[Archive, ...], host_codename: str, codename: str) -> str:
    """One-line sources for a root file system of `codename`, from the archives that the host (of `host_codename`) uses."""
    wanted = ("", "-updates", "-security")
    lines = [
        f"deb {archive.url} {codename}{archive.suite.removeprefix(host_codename)} main"
        for archive in archives
        if archive.suite.startswith(host_codename) and archive.suite.removeprefix(host_codename) in wanted
    ]
    return "".join(f"{line}\n" for line in dict.fromkeys(lines))


def disturbed(simulation: str, keep: frozenset[str]) -> tuple[str, ...]:
    """What `apt-get install --simulate` would remove, or would change among `keep`: one word "NAME" each, sorted.

    Its lines are "Remv NAME [OLD]" and "Inst NAME [OLD] (NEW ...)"; "[OLD]" is there only for what is installed.
    """
    touched = set()
    for line in simulation.splitlines():
        match line.split():
            case ["Remv", name, *_]:
                touched.add(name)
            case ["Inst", name, old, *_] if old.startswith("[") and name in keep:
                touched.add(name)
            case _:
                pass
    return tuple(sorted(touched))
