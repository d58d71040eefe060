"""Whatever stands in the files, the answer is a desired state or problems with a place and an advice."""

from contextlib import suppress

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.errors import InvalidFilesError
from deployer.model.desired import Desired
from deployer.model.problem import Problem
from tests.source.conftest import GOOD
from tests.source.reading import read, refused

KEYS = st.sampled_from(
    ["name", "ssh", "engine", "consul", "user", "port", "identity_file", "connect_timeout", "install", "daemon", "image",
     "datacenter", "address", "swarm", "advertise", "labels", "availability", "x-deployer", "after", "mode", "wait", "services",
     "web", "hosts", "adress", "", "a\nb", "\x1b", "k" * 100]
)  # fmt: skip
LEAVES = st.sampled_from(
    ["test", "local", "manager", "worker", "none", "server", "drain", "docker", "web", "db", "180s", "203.0.113.1", "::1", "a:1", "",
     "lo", "eth0", "-x", "\n", "x" * 100, "é", 0, 22, 1.5, -1, 2**64 - 1, float("inf"), float("nan"), True, None]
)  # fmt: skip
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=15
)
PATHS = st.sampled_from(
    [*GOOD, "cluster/cluster.yml", "cluster/nodes/m2.yaml", "cluster/nodes/A.yaml", "cluster/known_hosts", "stacks/db.yaml",
     "stacks/db/compose.yml", "stacks/Web/compose.yaml", "stacks/web/docker-compose.yml", "stacks/x", "cluster/x", "stacks/db/f"]
)  # fmt: skip


def outcome(files: dict[str, str | None]) -> Desired | tuple[Problem, ...]:
    try:
        return read(files)
    except InvalidFilesError as error:
        return error.problems


@settings(deadline=None, max_examples=100)
@given(st.dictionaries(PATHS, VALUES.map(yaml.safe_dump) | st.none(), max_size=5))
def test_any_values_in_any_files(files: dict[str, str | None]) -> None:
    result = outcome(files)
    if isinstance(result, Desired):
        assert result.cluster.nodes
        assert all(problem.severity == "warning" for problem in result.warnings)
    else:
        assert result == tuple(sorted(result))
        assert any(problem.severity == "error" for problem in result)
        assert all(problem.help and problem.message.isprintable() for problem in result)
        assert all(problem.column <= len(problem.source) + 1 for problem in result if problem.source)


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=300))
def test_any_bytes_as_host_keys(data: bytes) -> None:
    with suppress(InvalidFilesError):
        assert read({"cluster/known_hosts": data}).cluster.known_hosts == data.decode()


@settings(deadline=None, max_examples=60)
@given(st.text(min_size=1, max_size=50))
def test_any_name_of_a_machine_is_a_valid_one_or_a_problem(name: str) -> None:
    path = f"cluster/nodes/{name.encode(errors='replace').decode()}.yaml"
    nodes = {path: "address: 203.0.113.2\nswarm: none\n"}
    try:
        names = [node.name for node in read(nodes).cluster.nodes]
    except InvalidFilesError:
        assert {problem.path for problem in refused(nodes)} == {path}
    else:
        assert all(character in "abcdefghijklmnopqrstuvwxyz0123456789-" for one in names for character in one)
