from __future__ import annotations

import pytest

from deployer.errors import DeployerError
from deployer.sandbox import apt, packages

INDEXTARGETS = """\
http://mirror.example/debian/ bookworm main Debian Debian
http://mirror.example/debian/ bookworm main Debian Debian
http://mirror.example/debian/ bookworm-updates main Debian Debian
https://mirror.example/debian-security/ bookworm-security main Debian Debian-Security
http://mirror.example/debian/ bookworm-backports main Debian Debian Backports
http://mirror.example/debian/ bookworm contrib Debian Debian
file:/srv/debian/ bookworm main Debian Debian
http://packages.example/ nodistro main . .
"""
ARCHIVES = apt.parse_archives(INDEXTARGETS)


def test_only_main_components_of_debians_own_archives_on_the_network_count() -> None:
    assert [(archive.url, archive.suite, archive.label) for archive in ARCHIVES] == [
        ("http://mirror.example/debian", "bookworm", "Debian"),
        ("http://mirror.example/debian", "bookworm-updates", "Debian"),
        ("https://mirror.example/debian-security", "bookworm-security", "Debian-Security"),
        ("http://mirror.example/debian", "bookworm-backports", "Debian Backports"),
    ]


def test_apt_without_lists_knows_no_archives() -> None:
    assert apt.parse_archives("") == ()


def test_the_extra_source_points_at_the_archive_that_apt_uses_already() -> None:
    url = apt.main_archive(ARCHIVES, "bookworm")
    text = apt.source_file(url, "trixie", "/usr/share/keyrings/debian-archive-keyring.gpg")
    assert [line for line in text.splitlines() if not line.startswith("#")] == [
        "Types: deb",
        "URIs: http://mirror.example/debian",
        "Suites: trixie",
        "Components: main",
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg",
    ]


def test_an_archive_without_the_suite_is_an_error_that_names_it() -> None:
    with pytest.raises(DeployerError, match="suite trixie"):
        apt.main_archive(ARCHIVES, "trixie")


def test_the_pin_keeps_the_extra_suite_out_of_upgrades() -> None:
    lines = apt.pin_file("trixie").splitlines()
    assert lines[-3:] == ["Package: *", "Pin: release n=trixie", "Pin-Priority: 100"]


def test_machines_use_the_hosts_archives_without_backports() -> None:
    assert apt.sources_list(ARCHIVES, "bookworm", "bookworm").splitlines() == [
        "deb http://mirror.example/debian bookworm main",
        "deb http://mirror.example/debian bookworm-updates main",
        "deb https://mirror.example/debian-security bookworm-security main",
    ]


def test_a_newer_host_gives_the_machines_their_own_suite() -> None:
    archives = apt.parse_archives(INDEXTARGETS.replace("bookworm", "trixie"))
    assert apt.sources_list(archives, "trixie", "bookworm").splitlines()[0] == (
        "deb http://mirror.example/debian bookworm main"
    )


def test_an_installation_that_would_change_the_engine_is_noticed() -> None:
    simulation = (
        "Remv docker-ce [5:20.10]\n"
        "Inst docker.io [20.10.24+dfsg1-1] (26.1.5+dfsg1-9 Debian:13/trixie [amd64])\n"
        "Inst libc6 [2.36-9] (2.36-10 Debian:12/stable [amd64])\n"
        "Inst docker-compose (2.26.1-4 Debian:13/trixie [amd64])\n"
        "Conf docker.io (26.1.5+dfsg1-9 Debian:13/trixie [amd64])\n"
    )
    assert apt.disturbed(simulation, packages.ENGINE_PACKAGES) == ("docker-ce", "docker.io")


@pytest.mark.parametrize(
    ("os_release", "codename"),
    [
        ('PRETTY_NAME="Debian"\nVERSION_CODENAME=bookworm\nID=debian\n', "bookworm"),
        ("ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n", ""),
        ("ID=debian\n", ""),
        ("", ""),
    ],
)
def test_only_debian_has_a_debian_codename(os_release: str, codename: str) -> None:
    assert packages.codename(os_release) == codename
