"""A home and an environment full of made-up secrets, and a way to look for them afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

WORD: Final = "CANARY"
PLACES: Final = (
    ".ssh/id_ed25519", ".ssh/config", ".ssh/known_hosts", ".docker/config.json", ".docker/contexts/meta/x/meta.json", ".netrc", ".gitconfig",
    ".git-credentials", ".vault-token", ".aws/credentials", ".config/gcloud/application_default_credentials.json", ".azure/accessTokens.json",
    ".config/sops/age/keys.txt", ".gnupg/private-keys-v1.d/x.key", ".bash_history", ".env", "secrets/host.env", "secrets/seccomp.json",
)  # fmt: skip
TOKENS: Final = (
    "DOCKER_AUTH_CONFIG", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "VAULT_TOKEN", "GITHUB_TOKEN", "GOOGLE_API_KEY", "CONSUL_HTTP_TOKEN",
    "AZURE_CLIENT_SECRET", "SSH_ASKPASS_SECRET", "DATABASE_URL", "TOKEN", "PASSWORD", "SECRET", "COMPOSE_PROFILES_SECRET", "DEPLOYER_X",
)  # fmt: skip


def fill(home: Path) -> None:
    for number, place in enumerate(PLACES):
        file = home / place
        file.parent.mkdir(parents=True, exist_ok=True)
        text = f"A={WORD}{number}\n"
        file.write_text(
            f'{{"x": "{WORD}{number}"}}'
            if place.endswith("json")
            else f"# {text}"
            if "known" in place or "git" in place
            else text
        )
        file.chmod(0o600)


def environment() -> dict[str, str]:
    return {name: f"{WORD}-{name}" for name in TOKENS}


def found(*places: Path) -> list[str]:
    """Files below these folders that have a canary in them, or in their name."""
    files = [file for place in places for file in place.rglob("*") if file.is_file()]
    return [str(file) for file in files if WORD in file.name or WORD.encode() in file.read_bytes()]


def hostile(home: Path) -> dict[str, str]:
    """Compose files that would have files of this machine read; each worked before there were cages."""
    secret = home / "secrets/host.env"
    return {
        "merge": f"x-a: &x {{env_file: {secret}}}\nservices:\n  web:\n    image: nginx\n    ! <<: *x\n",
        "tagged": f"x-a: &x {{env_file: {secret}}}\nservices:\n  web: {{image: nginx, !!merge <<: *x}}\n",
        "include": f"x-y: &y {{path: {secret}}}\ninclude: [{{! <<: *y}}]\nservices: {{web: {{image: nginx}}}}\n",
        "variables": 'services: {web: {image: nginx, environment: {A: "${TOKEN-}${AWS_SECRET_ACCESS_KEY-}", B: "${HOME-}"}}}\n',
        "secret": f"x-s: &s {{file: {secret}}}\nsecrets: {{s: {{! <<: *s}}}}\nservices: {{web: {{image: nginx, secrets: [s]}}}}\n",
        "config": f"x-s: &s {{file: {home}/.ssh/id_ed25519}}\nconfigs: {{s: {{! <<: *s}}}}\nservices: {{web: {{image: nginx, configs: [s]}}}}\n",
        "extends": f"x-e: &e {{file: {secret}, service: web}}\nservices: {{web: {{image: nginx, extends: {{! <<: *e}}}}}}\n",
        "labels": f"x-l: &l {{label_file: {secret}}}\nservices: {{web: {{image: nginx, ! <<: *l}}}}\n",
        "shadow": "x-a: &x {env_file: /etc/shadow}\nservices: {web: {image: nginx, ! <<: *x}}\n",
        "remote": "x-y: &y {path: 'oci://127.0.0.1:5000/x'}\ninclude: [{! <<: *y}]\nservices: {web: {image: nginx}}\n",
    }
