"""What a key that Compose refuses may have been meant to be."""

import pytest

from deployer.compose.vocabulary import unknown_key


@pytest.mark.parametrize(
    ("at", "word", "message", "help_"),
    [
        ((), "servics", "unknown key 'servics'", "did you mean 'services'?"),
        (("services", "web"), "comand", "unknown key 'comand' in services.web", "did you mean 'command'?"),
        (("services", "web"), "zzz", "unknown key 'zzz' in services.web", ""),
        (("networks", "a", "driver_opts"), "x", "unknown key 'x' in networks.a.driver_opts", ""),
        (
            ("services", "web"),
            "provider",
            "'provider' in services.web is newer than Docker's compose plugin here",
            "update the plugin, or remove the key",
        ),
    ],
)
def test_a_key_that_compose_refuses(at: tuple[str, ...], word: str, message: str, help_: str) -> None:
    assert unknown_key(at, word) == (message, help_)
