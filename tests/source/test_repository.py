import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from deployer.errors import InvalidFilesError, UsageError
from deployer.model.cluster import Consul, Engine, Ssh
from deployer.model.stack import StackSettings
from deployer.source import load, lock_directory
from tests.source.conftest import GOOD, MANAGER, STACK, Repo
from tests.source.reading import read
from tests.work import count_calls

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHt6e3p7ent6e3p7ent6e3p7ent6e3p7ent6e3p7ent6"
HASHED = "|1|JfKTdBh7rNbXkVAQCRp4OQoPfmI=|USECr3SWf1JUPsms5AqfD5QfxkM="  # ssh-keygen -H on `example`, from sshd(8)

CLUSTER = """\
name: sandbox
ssh: {user: root, identity_file: ~/.ssh/id_ed25519, port: 2222}
engine:
  install: docker
  daemon: {registry-mirrors: ["http://registry:5000"], log-level: warn, debug: true}
consul: {datacenter: dc2}
"""
FULL = {
    "cluster/cluster.yaml": CLUSTER,
    "cluster/README.md": "notes",
    "cluster/nodes/.gitkeep": "",
    "cluster/known_hosts": f"# a comment\n\nh1,h2,[h3]:2222,*.example.org,!h9 {KEY}\n{HASHED} {KEY} me@here\n@revoked * {KEY}\n",
    "cluster/nodes/m1.yaml": None,
    "cluster/nodes/master.yaml": "address: 203.0.113.10\nswarm: manager\nadvertise: eth0:1\nlabels: {zone: par1, b: '5', a: 'yes', c: yes}\n",
    "cluster/nodes/consul.yaml": "address: consul.example.org\nswarm: none\nconsul: server\n",
    "cluster/nodes/slave.yml": "address: 203.0.113.10\nssh: {port: 22, connect_timeout: 2}\nengine: {daemon: {log-level: info, debug: null}}\navailability: drain\n",
    "stacks/web/.env": "A=1\n",
    "stacks/web/conf/nginx.conf": "x",
    "stacks/web/compose.yaml": STACK + "x-deployer:\n  after: [db]\n  wait: 5m\n",
    "stacks/db.yml": STACK,
}  # fmt: skip


def test_the_whole_cluster() -> None:
    cluster = read(FULL).cluster
    assert cluster.name == "sandbox"
    assert cluster.consul == Consul(datacenter="dc2", image="hashicorp/consul:1.20")
    assert cluster.known_hosts == FULL["cluster/known_hosts"]
    assert [node.name for node in cluster.nodes] == ["consul", "master", "slave"]
    master, slave, consul = cluster.node("master"), cluster.node("slave"), cluster.node("consul")
    assert (master.address, master.role, master.advertise, master.availability) == (
        "203.0.113.10",
        "manager",
        "eth0:1",
        "active",
    )
    assert master.labels == (("a", "yes"), ("b", "5"), ("c", "yes"), ("zone", "par1"))
    assert (consul.role, consul.consul_server, master.consul_server) == ("none", True, False)
    assert (slave.role, slave.availability, slave.path) == ("worker", "drain", "cluster/nodes/slave.yml")


def test_a_machine_has_the_clusters_settings_but_for_what_its_own_file_says() -> None:
    cluster = read(FULL).cluster
    assert cluster.node("master").ssh == Ssh(
        user="root", identity_file="~/.ssh/id_ed25519", port=2222, connect_timeout=5.0
    )
    assert cluster.node("slave").ssh == Ssh(
        user="root", identity_file="~/.ssh/id_ed25519", port=22, connect_timeout=2.0
    )
    mirrors = {"registry-mirrors": ["http://registry:5000"]}
    assert cluster.node("master").engine == Engine(
        install="docker", daemon={**mirrors, "log-level": "warn", "debug": True}
    )
    assert cluster.node("slave").engine == Engine(install="docker", daemon={**mirrors, "log-level": "info"})


def test_a_value_that_is_the_default_is_still_a_value() -> None:
    """`install: distro` on a machine of a cluster with `install: docker` is not the same as silence."""
    own = "engine: {install: distro}\nssh: {connect_timeout: 5}\n"
    cluster = "name: test\nengine: {install: docker}\nssh: {connect_timeout: 9}\n"
    (node,) = read({"cluster/cluster.yaml": cluster, "cluster/nodes/m1.yaml": MANAGER + own}).cluster.nodes
    assert (node.engine.install, node.ssh.connect_timeout) == ("distro", 5.0)


def test_stacks() -> None:
    db, web = read(FULL).stacks
    assert (db.name, db.path, db.root, db.entry) == ("db", "stacks/db.yml", "stacks", "db.yml")
    assert db.files == (("db.yml", STACK.encode()),)
    assert db.settings == StackSettings()
    assert (web.name, web.path, web.root, web.entry) == ("web", "stacks/web/compose.yaml", "stacks/web", "compose.yaml")
    assert [name for name, _ in web.files] == [".env", "compose.yaml", "conf/nginx.conf"]
    assert dict(web.files)[".env"] == b"A=1\n"
    assert (web.settings.after, web.settings.wait_seconds) == (("db",), 300.0)


@pytest.mark.parametrize("name", ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"])
def test_every_name_of_a_compose_file(name: str) -> None:
    (stack,) = read({"stacks/web/compose.yaml": None, f"stacks/web/{name}": STACK}).stacks
    assert (stack.name, stack.path, stack.entry) == ("web", f"stacks/web/{name}", name)


def test_a_compose_file_may_hold_what_compose_knows() -> None:
    text = "x-a: &a {A: 1}\nservices:\n  web:\n    environment: {<<: *a, B: 2}\n    ports: !reset []\n    command: !override [x]\n"
    assert len(read({"stacks/web/compose.yaml": text}).stacks) == 1


def test_content_ids_name_the_content() -> None:
    def ids(**changed: str) -> dict[str, str]:
        files = {**FULL, **{f"stacks/web/{name}": text for name, text in changed.items()}}
        return {stack.name: stack.content_id for stack in read(files).stacks}

    assert ids() == ids()
    assert ids()["db"] == ids(other="x")["db"]
    assert (
        len(
            {
                ids()["web"],
                ids(other="x")["web"],
                ids(other="y")["web"],
                ids(othe="rx")["web"],
                ids(**{".env": ""})["web"],
            }
        )
        == 5
    )


def test_a_commit_and_its_directory_are_the_same_but_for_the_commit(repo: Repo) -> None:
    commit = repo.commit({path: text for path, text in FULL.items() if text is not None})
    at_commit, as_it_is = load(repo.path), load(repo.path, worktree=True)
    assert (at_commit.commit, as_it_is.commit) == (commit, "worktree")
    assert dataclasses.replace(at_commit, commit="") == dataclasses.replace(as_it_is, commit="")


def test_an_old_commit(repo: Repo) -> None:
    first = repo.commit(GOOD)
    repo.commit({"stacks/more/compose.yaml": STACK})
    assert [stack.name for stack in load(repo.path).stacks] == ["more", "web"]
    desired = load(repo.path, rev="HEAD~1")
    assert (desired.commit, [stack.name for stack in desired.stacks]) == (first, ["web"])


def test_no_such_commit_and_no_repository(repo: Repo, tmp_path: Path) -> None:
    repo.commit(GOOD)
    with pytest.raises(UsageError):
        load(repo.path, rev="nowhere")
    with pytest.raises(UsageError):
        load(tmp_path)


def test_a_trial_needs_no_git_and_finds_the_top_from_below(repo: Repo, tmp_path: Path) -> None:
    repo.write(GOOD)
    assert [stack.name for stack in load(repo.path / "stacks/web", worktree=True).stacks] == ["web"]
    plain = Repo(tmp_path / "plain")
    plain.write(GOOD)
    assert [stack.name for stack in load(plain.path, worktree=True).stacks] == ["web"]


def test_an_empty_commit_says_where_to_begin(repo: Repo) -> None:
    repo.commit({"README": "x"})
    with pytest.raises(InvalidFilesError) as caught:
        load(repo.path)
    assert [(problem.path, problem.message) for problem in caught.value.problems] == [
        ("cluster/cluster.yaml", "does not exist"),
        ("cluster/nodes", "has no machine"),
    ]
    assert all("deployer init" in problem.help for problem in caught.value.problems)


def test_an_even_number_of_managers_is_a_warning() -> None:
    nodes = {f"cluster/nodes/m{number}.yaml": f"address: 203.0.113.{number}\nswarm: manager\n" for number in (1, 2)}
    desired = read(nodes)
    assert [(one.path, one.line, one.message, one.severity) for one in desired.warnings] == [
        ("cluster/nodes/m2.yaml", 2, "2 managers survive no more failures than 1", "warning")
    ]
    assert read({**nodes, "cluster/nodes/m3.yaml": "address: 203.0.113.3\nswarm: manager\n"}).warnings == ()


def test_local_beside_others() -> None:
    other = "address: 203.0.113.2\n"
    assert (
        len(
            read({"cluster/nodes/m1.yaml": MANAGER + "advertise: eth0\n", "cluster/nodes/m2.yaml": other}).cluster.nodes
        )
        == 2
    )
    assert len(read({"cluster/nodes/m2.yaml": other + "swarm: none\n"}).cluster.nodes) == 2
    assert len(read({"cluster/nodes/m1.yaml": MANAGER + "advertise: lo\n"}).cluster.nodes) == 1


def test_two_machines_behind_one_address_have_two_ports() -> None:
    nodes = {
        f"cluster/nodes/m{n}.yaml": f"address: 203.0.113.1\nswarm: manager\nssh: {{port: {2200 + n}}}\n"
        for n in (1, 2, 3)
    }
    assert len(read(nodes).cluster.nodes) == 3


def test_a_merge_key_gives_a_stack_its_settings() -> None:
    text = "x-common: &c {wait: 60s}\nx-deployer: {<<: *c}\nservices: {}\n"
    assert read({"stacks/web/compose.yaml": text}).stacks[0].settings.wait == "60s"


def test_names_that_swarm_keeps_apart_are_two_stacks() -> None:
    assert [stack.name for stack in read({"stacks/web-a.yaml": STACK, "stacks/web_a.yaml": STACK}).stacks] == [
        "web",
        "web-a",
        "web_a",
    ]


def test_a_trial_does_not_pay_for_git(repo: Repo) -> None:
    repo.write(GOOD)
    code = (
        "import sys; from pathlib import Path; from deployer.source import load; load(Path(sys.argv[1]), worktree=True)\n"
        "sys.exit(', '.join({'git', 'gitdb', 'asyncio', 'docker', 'rich', 'typer'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(repo.path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_stack_is_read_with_little_work(repo: Repo) -> None:
    """574 function calls for one with two files, when their content is known already; git's processes are counted elsewhere."""
    repo.commit(
        {**GOOD, **{f"stacks/s{number}/{name}": STACK for number in range(200) for name in ("compose.yaml", ".env")}}
    )
    assert len(load(repo.path).stacks) == 201
    assert count_calls(lambda: load(repo.path)) < 1_000 * 201


def test_the_lock_is_in_the_git_directory_that_linked_work_trees_share(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit(GOOD)
    repo.git("worktree", "add", "-q", str(tmp_path / "linked"))
    assert lock_directory(repo.path) == lock_directory(tmp_path / "linked") == repo.path / ".git" / "deployer"
    repo.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    assert lock_directory(tmp_path / "bare.git") == tmp_path / "bare.git" / "deployer"
    (tmp_path / "plain").mkdir()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert lock_directory(tmp_path / "plain") == tmp_path / "state" / "deployer"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert lock_directory(tmp_path / "plain") == Path.home() / ".local" / "state" / "deployer"
