"""The issue's list of bad input, and what else people write: one clear line each, at its place, with what to do."""

import pytest

from tests.source.conftest import CLUSTER, MANAGER, STACK
from tests.source.reading import read, refused, said

C = "cluster/cluster.yaml"
M = "cluster/nodes/m1.yaml"
N = "cluster/nodes/m2.yaml"
W = "stacks/web/compose.yaml"
SSH = "address: 203.0.113.1\nswarm: manager\n"
WORKER = "address: 203.0.113.2\nswarm: worker\n"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHt6e3p7ent6e3p7ent6e3p7ent6e3p7ent6e3p7ent6"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        # The list of the issue.
        pytest.param({C: "name: [test\n"}, [f"{C}:2:1: a list that begins with '[' is not closed before here"], id="YAML"),
        pytest.param({M: MANAGER + "address: b\n"}, [f"{M}:3:1: 'address' is already given on line 1"], id="duplicate key"),
        pytest.param(
            {W: "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(f"{n}: &{n} [{', '.join([f'*{p}'] * 10)}]\n" for p, n in zip("abcdef", "bcdefg", strict=True))},
            [f"{W}:5:36: the file has more than 100000 values"],  # 12,351 before the eight *d of 11,111,
            id="YAML bomb",
        ),
        pytest.param({M: b"address: local\nswarm: manager # \xe9\n"}, [f"{M}:2:18: byte 0xe9 is not UTF-8"], id="latin-1"),
        pytest.param({M: MANAGER + "adress: x\n"}, [f"{M}:3:1: unknown key 'adress'"], id="unknown key"),
        pytest.param({M: MANAGER + "engine: {tls: maybe}\n"}, [f"{M}:3:15: engine.tls must be true or false, not a string"], id="yes or no"),
        pytest.param({M: MANAGER + "engine: {daemon: {tlsverify: true}}\n"}, [f"{M}:3:19: engine.daemon cannot have 'tlsverify'"], id="TLS by hand"),
        pytest.param({M: MANAGER + 'labels: {"a,b": x}\n'}, [f"{M}:3:10: 'a,b' cannot be the name of a label"], id="label name"),
        pytest.param({M: MANAGER + "labels: {deployer.x: y}\n"}, [f"{M}:3:10: 'deployer.x' cannot be the name of a label"], id="our label"),
        pytest.param(
            {M: SSH, N: "swarm: worker\naddress: 203.0.113.1\n"},
            [f"{N}:2:10: m2 has the address 203.0.113.1, as m1 is ({M}:1)"],
            id="two machines with one address",
        ),
        pytest.param(
            {"stacks/Web/compose.yaml": STACK},
            ["stacks/Web:0:0: 'Web' is no name for a stack", "stacks/web:0:0: the stack 'web' is already in stacks/Web/compose.yaml"],
            id="stack named like another after normalisation",
        ),
        pytest.param(
            {M: MANAGER + "labels:\n  zone: 5\n"}, [f"{M}:4:9: labels.zone must be a string, not a number"], id="label"
        ),
        pytest.param(
            {"cluster/nodes/a;$(x).yaml": WORKER},
            ["cluster/nodes/a;$(x).yaml:0:0: 'a;$(x)' is no name for a machine"],
            id="name with shell syntax",
        ),
        pytest.param({"cluster/nodes/--.yaml": WORKER}, ["cluster/nodes/--.yaml:0:0: '--' is no name for a machine"], id="name --"),
        pytest.param({"stacks/;$(x)/compose.yaml": STACK}, ["stacks/;$(x):0:0: ';$(x)' is no name for a stack"], id="stack ;$(x)"),
        pytest.param({"stacks/--/compose.yaml": STACK}, ["stacks/--:0:0: '--' is no name for a stack"], id="stack --"),
        # Files.
        pytest.param({C: None}, [f"{C}:0:0: does not exist"], id="no cluster file"),
        pytest.param({M: None}, ["cluster/nodes:0:0: has no machine"], id="no machine"),
        pytest.param(
            {"cluster/cluster.yml": CLUSTER}, ["cluster/cluster.yml:0:0: stands beside cluster/cluster.yaml"], id="two cluster files"
        ),
        pytest.param(
            {"cluster/nodes/m1.yml": MANAGER},
            [f"cluster/nodes/m1.yml:0:0: the machine m1 is already in {M}"],
            id="one machine twice",
        ),
        pytest.param({"cluster/nodes/M1.yaml": WORKER}, ["cluster/nodes/M1.yaml:0:0: 'M1' is no name for a machine"], id="case"),
        pytest.param({"cluster/node/a.yaml": WORKER}, ["cluster/node/a.yaml:0:0: is no file that is known here"], id="folder misspelt"),
        pytest.param({"cluster/nodes/a.yaml~": ""}, ["cluster/nodes/a.yaml~:0:0: is no file that is known here"], id="back-up"),
        pytest.param({"cluster/nodes/x/a.yaml": ""}, ["cluster/nodes/x/a.yaml:0:0: is no file that is known here"], id="deeper"),
        pytest.param({"stacks/web.yaml": STACK}, ["stacks/web:0:0: the stack 'web' is already in stacks/web.yaml"], id="file and folder"),
        pytest.param({"stacks/db.yaml": STACK, "stacks/db.yml": STACK}, ["stacks/db.yml:0:0: the stack 'db' is already in stacks/db.yaml"], id="two files"),
        pytest.param(
            {"stacks/web/docker-compose.yml": STACK},
            [f"stacks/web/docker-compose.yml:0:0: stands beside {W}"],
            id="two compose files",
        ),
        pytest.param({"stacks/db/notes.txt": "x"}, ["stacks/db:0:0: has no compose file"], id="no compose file"),
        pytest.param({"stacks/notes.txt": "x"}, ["stacks/notes.txt:0:0: is no file that is known here"], id="file in stacks"),
        # One file.
        pytest.param({C: ""}, [f"{C}:0:0: the file is empty"], id="empty cluster file"),
        pytest.param({C: "- a\n"}, [f"{C}:1:1: the file must be a mapping, not a list"], id="list"),
        pytest.param({C: "consul: {}\n", M: MANAGER + "consul: server\n"}, [f"{C}:1:1: name is missing"], id="no name"),
        pytest.param({C: "name: Test\n"}, [f"{C}:1:7: name cannot be 'Test'"], id="upper case"),
        pytest.param({C: 'name: "test\\n"\n'}, [f"{C}:1:7: name has a line break or control character in it"], id="line break"),
        pytest.param({C: "name: 1.20\n"}, [f"{C}:1:7: name must be a string, not a number"], id="number"),
        pytest.param({C: CLUSTER + "ssh:\n"}, [f"{C}:2:1: ssh is empty"], id="empty section"),
        pytest.param({C: CLUSTER + "consul:\n"}, [f"{C}:2:1: consul is empty"], id="empty optional section"),
        pytest.param({C: CLUSTER + "ssh: root\n"}, [f"{C}:2:6: ssh must be a mapping, not a string"], id="no section"),
        pytest.param({C: CLUSTER + "ssh:\n  usr: root\n"}, [f"{C}:3:3: unknown key 'usr' in ssh"], id="unknown key below"),
        pytest.param({C: CLUSTER + "ssh: {port: '22'}\n"}, [f"{C}:2:13: ssh.port must be a whole number, not a string"], id="port as text"),
        pytest.param({C: CLUSTER + "ssh: {port: 2.5}\n"}, [f"{C}:2:13: ssh.port must be a whole number, not a number"], id="half a port"),
        pytest.param({C: CLUSTER + "ssh: {port: true}\n"}, [f"{C}:2:13: ssh.port must be a whole number, not a boolean"], id="port true"),
        pytest.param({C: CLUSTER + "ssh: {port: 0}\n"}, [f"{C}:2:13: ssh.port cannot be 0"], id="port 0"),
        pytest.param({C: CLUSTER + "ssh: {port: 65536}\n"}, [f"{C}:2:13: ssh.port cannot be 65536"], id="port 65536"),
        pytest.param({C: CLUSTER + "ssh: {connect_timeout: 0}\n"}, [f"{C}:2:24: ssh.connect_timeout cannot be 0"], id="no time"),
        pytest.param({C: CLUSTER + "ssh: {connect_timeout: .nan}\n"}, [f"{C}:2:24: ssh.connect_timeout cannot be nan"], id="nan"),
        pytest.param({C: CLUSTER + "ssh: {connect_timeout: .inf}\n"}, [f"{C}:2:24: ssh.connect_timeout cannot be inf"], id="inf"),
        pytest.param({C: CLUSTER + "ssh: {user: -oProxyCommand=x}\n"}, [f"{C}:2:13: ssh.user cannot be '-oProxyCommand=x'"], id="user"),
        pytest.param({C: CLUSTER + "ssh: {identity_file: ''}\n"}, [f"{C}:2:22: ssh.identity_file is empty"], id="no identity"),
        pytest.param(
            {C: CLUSTER + 'ssh: {identity_file: "a\\tb"}\n'},
            [f"{C}:2:22: ssh.identity_file has a line break or control character in it"],
            id="identity with a tab",
        ),
        pytest.param({C: CLUSTER + "engine: {daemon: {x: [1, .nan]}}\n"}, [f"{C}:2:26: engine.daemon.x[1] cannot be nan"], id="no JSON"),
        pytest.param({C: CLUSTER + "proxies: {}\n"}, [f"{C}:2:1: unknown key 'proxies'"], id="key of a later version"),
        pytest.param({C: CLUSTER + "registrator: {}\n"}, [f"{C}:2:1: there is no Consul to register in"], id="registrator without Consul"),
        pytest.param(
            {C: CLUSTER + "consul: {}\nregistrator: {ttl: 30}\n", M: MANAGER + "consul: server\n"},
            [f"{C}:3:1: the registrator would not start: -ttl and -ttl-refresh must be specified together or not at all"],
            id="flags that the registrator refuses",
        ),
        pytest.param(
            {C: CLUSTER + "consul: {}\nregistrator: {tags: '{{nosuch}}'}\n", M: MANAGER + "consul: server\n"},
            [f"{C}:3:1: the registrator would not start: -tags: function 'nosuch' not defined"],
            id="a template that the registrator refuses",
        ),
        pytest.param({M: "swarm: manager\n"}, [f"{M}:1:1: address is missing"], id="no address"),
        pytest.param(
            {M: "address: local\nswarm: mangaer\n"},
            [f"{M}:2:8: swarm must be manager, none or worker, not mangaer"],
            id="no role",
        ),
        pytest.param({M: MANAGER + "consul: client\n"}, [f"{M}:3:9: consul must be agent or server, not client"], id="consul client"),
        pytest.param({M: "address: -oProxyCommand=x\n"}, [f"{M}:1:10: address cannot be '-oProxyCommand=x'"], id="option"),
        pytest.param({M: "address: root@host\n"}, [f"{M}:1:10: address cannot be 'root@host'"], id="user in address"),
        pytest.param({M: MANAGER + "labels: [a]\n"}, [f"{M}:3:9: labels must be a mapping, not a list"], id="labels"),
        pytest.param({M: MANAGER + "labels: {a: {b: c}}\n"}, [f"{M}:3:13: labels.a must be a string, not a mapping"], id="label of labels"),
        pytest.param({M: MANAGER + "labels: {a: ~}\n"}, [f"{M}:3:10: labels.a is empty"], id="empty label"),
        pytest.param({M: MANAGER + "labels: {'': a}\n"}, [f"{M}:3:10: labels has an empty key"], id="label without a name"),
        pytest.param({M: MANAGER + 'swarm2: x\n"a\\nb": x\n'}, [f"{M}:3:1: unknown key 'swarm2'", f"{M}:4:1: unknown key 'a\\nb'"], id="key over two lines"),
        pytest.param({M: MANAGER + "labels: {1: a}\n"}, [f"{M}:3:10: a key must be a string"], id="number as label's name"),
        # Machines together.
        pytest.param({M: SSH.replace(".1\n", ".300\n")}, [f"{M}:1:10: '203.0.113.300' is no IP address"], id="address out of range"),
        pytest.param({M: SSH.replace("203.0.113.1", "0.0.0.0")}, [f"{M}:1:10: 0.0.0.0 is no machine's address"], id="any address"),
        pytest.param({M: SSH.replace(".1\n", ".1:22\n")}, [f"{M}:1:10: '203.0.113.1:22' has a port in it"], id="port in address"),
        pytest.param(
            {M: SSH.replace("203.0.113.1", "2001:db8::1"), N: WORKER.replace("203.0.113.2", "2001:DB8:0::1")},
            [f"{N}:1:10: m2 has the address 2001:DB8:0::1, as m1 is ({M}:1)"],
            id="one address, two ways",
        ),
        pytest.param(
            {M: SSH.replace("203.0.113.1", "a.example.org"), N: WORKER.replace("203.0.113.2", "A.Example.Org")},
            [f"{N}:1:10: m2 has the address A.Example.Org, as m1 is ({M}:1)"],
            id="one host name, two ways",
        ),
        pytest.param({N: MANAGER.replace("manager", "none")}, [f"{N}:1:10: m2 is this machine, as m1 is ({M}:1)"], id="local twice"),
        pytest.param(
            {N: WORKER}, [f"{M}:1:10: m1 is `local`, so m2 cannot know at which address to reach it"], id="local and another"
        ),
        pytest.param(
            {M: SSH + "advertise: 10.0.0.1\n", N: WORKER + "advertise: 10.0.0.1\n"},
            [f"{N}:3:12: m2 advertises 10.0.0.1, as m1 does ({M}:3)"],
            id="one advertised address",
        ),
        pytest.param(
            {M: SSH + "advertise: lo\n", N: WORKER + "advertise: 127.0.0.2\n"},
            [
                f"{M}:3:12: the other machines cannot reach this one at lo",
                f"{N}:3:12: the other machines cannot reach this one at 127.0.0.2",
            ],
            id="loopback",
        ),
        pytest.param({M: SSH + "advertise: 10.0.0\n"}, [f"{M}:3:12: '10.0.0' is no IP address"], id="half an address"),
        pytest.param({M: SSH + "advertise: -eth0\n"}, [f"{M}:3:12: advertise cannot be '-eth0'"], id="interface"),
        pytest.param(
            {M: WORKER, N: "address: 203.0.113.3\n"},
            [f"{M}:2:8: no machine is a swarm manager, so m1, m2 can join none"],
            id="no manager",
        ),
        pytest.param(
            {M: "address: local\nswarm: none\n"},
            ["cluster/nodes:0:0: no machine is a swarm manager, and stacks need one"],
            id="stacks without a swarm",
        ),
        pytest.param({C: CLUSTER + "consul: {}\n"}, [f"{C}:2:1: consul has no machine to run on"], id="consul without server"),
        pytest.param(
            {M: MANAGER + "consul: server\n"},
            [f"{M}:3:9: m1 is to run Consul, and {C} has no consul section"],
            id="server without section",
        ),
        pytest.param(
            {M: MANAGER + "consul: agent\n"},
            [f"{M}:3:9: m1 is to run Consul, and {C} has no consul section"],
            id="agent without section",
        ),
        pytest.param(
            {C: CLUSTER + "consul: {}\n", M: SSH + "consul: agent\n"},
            [f"{C}:2:1: consul has no machine to run on"],
            id="agents without server",
        ),
        pytest.param(
            {C: CLUSTER + "consul: {}\n", M: SSH + "consul: server\n", N: WORKER + "consul: server\n"},
            [f"{N}:3:9: 2 machines are Consul servers: m1, m2"],
            id="two servers",
        ),
        pytest.param(
            {C: CLUSTER + "engine:\n  daemon:\n    hosts: [x]\n    tlsverify: true\n", M: MANAGER + "engine: {daemon: {storage-driver: zfs}}\n"},
            [
                f"{C}:4:5: engine.daemon cannot have 'hosts'",
                f"{C}:5:5: engine.daemon cannot have 'tlsverify'",
                f"{M}:3:19: engine.daemon cannot have 'storage-driver'",
            ],
            id="daemon settings that break machines",
        ),
        # Host keys.
        pytest.param({"cluster/known_hosts": f"# fine\n\nh,[h]:2222 {KEY}\nh\n"}, ["cluster/known_hosts:4:1: this line has no host, key type and key"], id="one word"),
        pytest.param({"cluster/known_hosts": f"h {KEY[:-4]}!{KEY[-3:]}\n"}, ["cluster/known_hosts:1:15: this is no key: it is not base64 of one"], id="no key"),
        pytest.param({"cluster/known_hosts": f"h {KEY.replace('ssh-ed25519', 'ssh-rsa')}\n"}, ["cluster/known_hosts:1:3: the key is not of this type, but ssh-ed25519"], id="other type"),
        pytest.param({"cluster/known_hosts": f"@trusted h {KEY}\n"}, ["cluster/known_hosts:1:1: the marker is @cert-authority or @revoked"], id="marker"),
        pytest.param({"cluster/known_hosts": f"h;$(x) {KEY}\n"}, ["cluster/known_hosts:1:1: this is no list of hosts"], id="hosts"),
        pytest.param({"cluster/known_hosts": b"h \xff\n"}, ["cluster/known_hosts:1:0: is not UTF-8 text"], id="known_hosts in latin-1"),
        # Stacks.
        pytest.param({W: ""}, [f"{W}:0:0: the compose file is empty"], id="empty compose file"),
        pytest.param({W: "- a\n"}, [f"{W}:1:1: the compose file must be a mapping, not a list"], id="compose list"),
        pytest.param({W: STACK + "x-deployer: {afer: [db]}\n"}, [f"{W}:4:14: unknown key 'afer' in x-deployer"], id="unknown setting"),
        pytest.param({W: STACK + "x-deployer: {after: db}\n"}, [f"{W}:4:21: x-deployer.after must be a list, not a string"], id="after"),
        pytest.param({W: STACK + "x-deployer: {after: [db]}\n"}, [f"{W}:4:22: there is no stack 'db'"], id="after nobody"),
        pytest.param({W: STACK + "x-deployer: {wait: soon}\n"}, [f"{W}:4:20: x-deployer.wait cannot be 'soon'"], id="wait"),
        pytest.param({W: STACK + "x-deployer: {mode: kube}\n"}, [f"{W}:4:20: x-deployer.mode must be compose or swarm, not kube"], id="mode"),
        pytest.param({W: STACK + "x-deployer: {mode: compose}\n"}, [f"{W}:4:20: `mode: compose` has no machine"], id="no machine"),
        pytest.param({W: STACK + "x-deployer: {mode: compose, node: m2}\n"}, [f"{W}:4:35: there is no machine 'm2'"], id="unknown machine"),
        pytest.param({W: STACK + "x-deployer: {node: m1}\n"}, [f"{W}:4:14: 'node' is for `mode: compose`: Swarm chooses the machines"], id="machine of swarm"),
        pytest.param({W: STACK + "x-deployer: {drift: off}\n"}, [f"{W}:4:21: x-deployer.drift must be correct or report, not off"], id="drift"),
        pytest.param({C: CLUSTER + "policy: {drft: report}\n"}, [f"{C}:2:10: unknown key 'drft' in policy"], id="policy"),
        pytest.param({W: STACK + "x-deployer: {ignore: [replica]}\n"}, [f"{W}:4:23: there is no field 'replica' that could be ignored"], id="ignore"),
        pytest.param({W: STACK + "x-deployer: {ignore: [replicas, web.imge, wob.image, deploy.labels., x.y]}\n"}, [
            f"{W}:4:33: there is no field 'imge' that could be ignored",
            f"{W}:4:43: there is no service 'wob' to ignore image of",
            f"{W}:4:54: there is no field 'deploy.labels.' that could be ignored",
            f"{W}:4:70: there is no field 'x.y' that could be ignored",
        ], id="ignore of services"),
        pytest.param({W: STACK + "x-deployer: {after: [web]}\n"}, [f"{W}:4:22: web after web: none of them can be the first"], id="after itself"),
        pytest.param(
            {W: STACK + "x-deployer: {after: [a]}\n", "stacks/a.yaml": STACK + "x-deployer:\n  after: [b, web]\n", "stacks/b.yaml": STACK + "x-deployer: {after: [web]}\n"},
            [
                "stacks/a.yaml:5:11: a after b after web after a: none of them can be the first",
                "stacks/a.yaml:5:14: a after web after a: none of them can be the first",
            ],
            id="two circles",
        ),
        pytest.param(
            {"stacks/web_a/compose.yaml": STACK, W: "services:\n  a_web: {image: x}\n  b: {image: y}\n"},
            ["stacks/web_a/compose.yaml:2:3: web of web_a and a_web of web would both be the service web_a_web"],
            id="two services with one name",
        ),
    ],
)  # fmt: skip
def test_bad_input(files: dict[str, str | bytes | None], expected: list[str]) -> None:
    assert said(files) == expected
    for problem in refused(files):
        assert problem.help
        assert problem.message.isprintable()


@pytest.mark.parametrize(
    ("files", "help"),
    [
        ({M: MANAGER + "adress: x\n"}, "did you mean 'address'?"),
        (
            {M: MANAGER + "zzz: x\n"},
            "the keys here are address, swarm, advertise, labels, availability, consul, ssh, engine",
        ),
        ({M: "address: local\nswarm: mangaer\n"}, "did you mean 'manager'?"),
        ({M: MANAGER + "labels:\n  v: 1.20\n"}, 'write it in quotes: "1.20"'),
        ({M: MANAGER + "labels:\n  v: yes\n  w: true\n"}, 'write it in quotes: "true"'),
        ({W: STACK + "x-deployer: {after: [wob]}\n", "stacks/wab.yaml": STACK}, "did you mean 'wab'?"),
        ({W: STACK + "x-deployer: {ignore: [replica]}\n"}, "did you mean 'replicas'?"),
        ({W: STACK + "x-deployer: {ignore: [web.enviroment]}\n"}, "did you mean 'web.environment'?"),
        ({W: STACK + "x-deployer: {ignore: [webx.image]}\n"}, "did you mean 'web.image'?"),
        ({"stacks/Other/compose.yaml": STACK}, "call it other"),
        ({M: SSH.replace(".1\n", ".1:2222\n")}, "write `address: 203.0.113.1`, and `ssh: {port: 2222}`"),
        ({"cluster/cluster.yamel": "x"}, "did you mean cluster/cluster.yaml?"),
    ],
)
def test_what_to_do(files: dict[str, str | bytes | None], help: str) -> None:
    assert [problem.help for problem in refused(files)] == [help]


def test_what_is_true_or_false() -> None:
    """`policy: {prune: false}` was an internal error."""
    desired = read({"cluster/cluster.yaml": "name: c\npolicy: {prune: false, strict: true}\nengine: {tls: true}\n"})
    policy = desired.cluster.policy
    assert (policy.prune, policy.strict) == (False, True)
    assert {node.engine.tls for node in desired.cluster.nodes} == {True}


def test_a_misspelt_key_is_not_missing_too() -> None:
    assert said({M: "adress: local\nswarm: manager\n"}) == [f"{M}:1:1: unknown key 'adress'"]
    assert said({M: "host: local\nswarm: manager\n"}) == [
        f"{M}:1:1: address is missing",
        f"{M}:1:1: unknown key 'host'",
    ]


def test_every_problem_of_all_files_at_once_and_in_order() -> None:
    assert said(
        {
            C: "nam: test\nssh: {user: 5}\n",
            M: "address: 203.0.113.1\nlabels: {a: 1}\nx: y\n",
            N: "address: 203.0.113.1\nswarm: [\n",
            "cluster/nodes/m3.yaml": "address: 203.0.113.1\n",
            W: "x-deployer: {wait: 5}\n",
            "stacks/B/compose.yaml": STACK,
        }
    ) == [
        f"{C}:1:1: unknown key 'nam'",
        f"{C}:2:13: ssh.user must be a string, not a number",
        f"{M}:2:13: labels.a must be a string, not a number",
        f"{M}:3:1: unknown key 'x'",
        f"{N}:3:1: a value is missing here",
        f"cluster/nodes/m3.yaml:1:10: m3 has the address 203.0.113.1, as m1 is ({M}:1)",
        "stacks/B:0:0: 'B' is no name for a stack",
        f"{W}:1:20: x-deployer.wait must be a string, not a number",
    ]


def test_a_hundred_unknown_keys_are_enough() -> None:
    assert len(refused({M: MANAGER + "".join(f"{'key' * 15}{number}: x\n" for number in range(15_000))})) == 100


def test_hostile_text_stays_short() -> None:
    for problem in refused({M: MANAGER + "k" * 900 + ": x\n", C: "name: " + "n" * 100_000}):
        assert len(problem.message) < 200
