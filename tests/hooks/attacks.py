"""What a hostile pusher tries, one row each: what is pushed, what the pusher sees, and what would let it in.

docs/security.md has them as a table, which tests/test_security_table.py compares; test_confinement.py pushes them, each for
real. A row that another test plays says so in `played`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Stage = Literal["read", "parse", "compile", "open"]
MACHINE: Final = "203.0.113.10"
"""An address that is nobody's (RFC 5737): the one machine of the cluster that is pushed to."""
CLUSTER: Final = "cluster/cluster.yaml"
NODE: Final = "cluster/nodes/{name}.yaml"


@dataclass(frozen=True)
class Attack:
    """`files` are what is pushed, `told` is a part of what the pusher sees, both with the places of the test's own world:

    {token}, {gossip}, {identity}: files with a secret in them; {pipe}: a named pipe; {link}: a link to {token};
    {service}: the address of a key service; {own}, {host}: this machine's address and name.

    `setting` is what the message offers (`git config --add deployer.allow SETTING`); empty where nothing lets it in.
    `given`: what is allowed already. `number` is the attack of the first list that the row is a variant of.
    """

    number: int
    title: str
    files: Mapping[str, str] = field(default_factory=dict)
    told: str = ""
    setting: str = ""
    given: tuple[str, ...] = ()
    stage: Stage = "read"
    """Where it is found: when the cluster's files are read, when a stack's are, when stacks are compiled, or when what is encrypted is opened."""
    played: str = ""
    """The test that plays it, where test_confinement.py does not play it from `files`."""


def machine(name: str, address: str, more: str = "") -> dict[str, str]:
    return {NODE.format(name=name): f"address: {address}\nswarm: worker\n{more}"}


def cluster(more: str) -> dict[str, str]:
    return {
        CLUSTER: f"name: test\n{more}",
        **machine("c0", "203.0.113.30", "consul: server\n" if "consul" in more else ""),
    }


def stack(name: str, compose: str, **more: str) -> dict[str, str]:
    """A stack with these files beside its compose file."""
    return {f"stacks/{name}/{file}": text for file, text in {"compose.yaml": compose, **more}.items()}


def project(name: str, service: str, more: str = "") -> dict[str, str]:
    """A stack that Compose brings up itself."""
    return stack(name, f"x-deployer: {{mode: compose, node: m1}}\nservices:\n  web: {service}\n{more}")


MAC: Final = "ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]"
ENCRYPTED: Final = "ENC[AES256_GCM,data:Kw==,iv:AA==,tag:AA==,type:str]"
VAULT: Final = {"vault_address": "{service}", "engine_path": "transit", "key_name": "first", "enc": "vault:v1:AA=="}
AGE: Final = {"recipient": "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqs3290gq", "enc": "x"}


def sealed(name: str, text: str) -> dict[str, str]:
    """A stack with an encrypted file that is a secret of its service."""
    compose = "services: {web: {image: nginx, secrets: [s]}}\nsecrets: {s: {file: %s}}\n"
    folder = f"stacks/{name.partition('.')[0]}"
    return {f"{folder}/compose.yaml": compose % name, f"{folder}/{name}": text}


def in_json(keys: Mapping[str, object], body: Mapping[str, object] | None = None, **more: object) -> str:
    section = {**keys, "mac": MAC, "lastmodified": "2026-01-01T00:00:00Z", **more}
    return json.dumps({**(body or {"a": ENCRYPTED}), "sops": section}, indent=1) + "\n"


def in_yaml(keys: str, body: str = f"a: {ENCRYPTED}", more: str = "") -> str:
    return f"{body}\nsops:\n{keys}    mac: {MAC}\n    lastmodified: '2026-01-01T00:00:00Z'\n{more}"


VAULT_YAML: Final = "    hc_vault:\n" + "".join(
    f"        {'-' if not at else ' '} {key}: {value}\n" for at, (key, value) in enumerate(VAULT.items())
)
AGE_YAML: Final = f"    age:\n        - recipient: {AGE['recipient']}\n          enc: x\n"
HERE: Final = "is the machine that deploys"
NAMES: Final = "names a file of the machine that deploys"
ASKED: Final = "would be asked for with the credentials of the machine that deploys"
TWO_WAYS: Final = "this '<<' is read in two ways"
OUTSIDE: Final = "is outside"
ELSEWHERE: Final = "is not in this repository: only the stack's own files are read"
NO_KEY: Final = "and there is no key here"

ATTACKS: Final = (
    Attack(1, "a merge key with a tag, which Compose merges: a file of the machine as `env_file`",
           stack("g1", "x-a: &x {env_file: {token}}\nservices:\n  web:\n    image: nginx\n    ! <<: *x\n"),
           f"stacks/g1/compose.yaml:5:5: error: {TWO_WAYS}", stage="parse"),
    Attack(1, "the same key in quotes, or with `!!str`",
           stack("g2", "x-a: &x {env_file: {token}}\nservices:\n  a: {image: nginx, '<<': *x}\n  b: {image: nginx, !!str <<: *x}\n"),
           f"stacks/g2/compose.yaml:4:21: error: {TWO_WAYS}", stage="parse"),
    Attack(1, "`include: [{! <<: *y}]`: YAML of the machine",
           stack("g3", "x-y: &y {path: {token}}\ninclude: [{! <<: *y}]\nservices: {web: {image: nginx}}\n"),
           f"stacks/g3/compose.yaml:2:12: error: {TWO_WAYS}", stage="parse"),
    Attack(2, "a file that is included with another folder to begin at, and extended from its own",
           stack("h1", "include: [{path: x.yaml, project_directory: a/b/c/d}]\n"
                       "services: {web: {image: nginx, extends: {file: x.yaml, service: s}}}\n",
                 **{"x.yaml": "services: {s: {image: nginx, env_file: '../../../..{token}'}}\n", "a/b/c/d/e": "x\n"}),
           f"stacks/h1/x.yaml:1:40: error: '../../../..{{token}}' {OUTSIDE} stacks/h1", stage="compile"),
    Attack(2, "one that is included twice, with variables of which the second lead out",
           stack("h2", "include:\n  - {path: x.yaml, env_file: one.env}\n  - {path: y.yaml, env_file: two.env}\nservices: {web: {image: nginx}}\n",
                 **{"x.yaml": "services: {s: {image: nginx, env_file: '${WHERE}'}}\n",
                    "y.yaml": "services: {t: {image: nginx, extends: {file: x.yaml, service: s}}}\n",
                    "one.env": "WHERE=here.env\n", "here.env": "B=1\n", "two.env": "WHERE={token}\n"}),
           f"stacks/h2/x.yaml:1:40: error: '{{token}}' {OUTSIDE} stacks/h2", stage="compile"),
    Attack(2, "one that is extended from a folder further down",
           stack("h3", "services: {web: {image: nginx, extends: {file: a/b/x.yaml, service: s}}}\n",
                 **{"a/b/x.yaml": "services: {s: {image: nginx, env_file: '../../../../../../../../../..{token}'}}\n"}),
           f"stacks/h3/a/b/x.yaml:1:40: error: '../../../../../../../../../..{{token}}' {OUTSIDE} stacks/h3", stage="compile"),
    Attack(3, "`mode: compose`, and `security_opt: [seccomp=FILE]`, which Compose reads here",
           project("i1", "{image: nginx, security_opt: ['seccomp=/etc/shadow']}"),
           "stacks/i1/compose.yaml:3:38: error: 'seccomp=/etc/shadow' may be a file of the machine that deploys", stage="compile"),
    Attack(3, "the same with `credential_spec`", project("i2", "{image: nginx, credential_spec: {file: '{token}'}}"),
           "stacks/i2/compose.yaml:3:23: error: 'credential_spec' is a file of the machine that deploys", stage="compile"),
    Attack(3, "the same with `env_file` in its long form, and `label_file`",
           project("i3", "{image: nginx, env_file: [{path: '{token}', format: raw}], label_file: '{token}'}"),
           f"stacks/i3/compose.yaml:3:41: error: '{{token}}' {OUTSIDE} stacks/i3", stage="compile"),
    Attack(3, "a config from a variable of whoever deploys",
           project("i4", "{image: nginx, configs: [c]}", "configs: {c: {environment: HOME}}\n"),
           "stacks/i4/compose.yaml:4:28: error: the variable HOME has no value: the environment of whoever deploys is not read", stage="compile"),
    Attack(4, "`address: local`: the engine of the machine that deploys",
           machine("a1", "local"), f"cluster/nodes/a1.yaml:1:10: error: local {HERE}", "local"),
    Attack(4, "`address: 127.0.0.1`, and the same as one number, in octal or in hexadecimal",
           machine("a2", "'127.0.0.1'") | machine("a3", "'0x7f.1'") | machine("a4", "'0177.0.0.1'") | machine("a5", "'2130706433'"),
           f"cluster/nodes/a3.yaml:1:10: error: 0x7f.1 {HERE}", "local"),
    Attack(4, "the loopback as an IPv6 address, alone or with an IPv4 one in it",
           machine("a6", "'0:0:0:0:0:0:0:1'") | machine("a7", "'0:0:0:0:0:ffff:7f00:1'"),
           f"cluster/nodes/a7.yaml:1:10: error: 0:0:0:0:0:ffff:7f00:1 {HERE}", "local"),
    Attack(4, "`localhost` and names below it, at another port",
           machine("a8", "localhost", "ssh: {port: 2222}\n") | machine("a9", "a.localhost"),
           f"cluster/nodes/a9.yaml:1:10: error: a.localhost {HERE}", "local"),
    Attack(4, "its own address on the network", machine("b1", "'{own}'"),
           "cluster/nodes/b1.yaml:1:10: error: {own} " + HERE, "local"),
    Attack(4, "its host name", machine("b2", "{host}"), "cluster/nodes/b2.yaml:1:10: error: {host} " + HERE, "local"),
    Attack(4, "a name of the pusher's that leads to it", told="leads to the machine that deploys", setting="local",
           played="tests/remote/test_not_this_machine.py::test_an_own_address_under_any_name"),
    Attack(4, "a proxy or a forwarded port that leads to it", told="leads to the machine that deploys", setting="local",
           played="tests/remote/test_not_this_machine.py::test_its_own_host_key_behind_whatever_proxy"),
    Attack(5, "`consul.token_file`: a token that is sent to the pusher's machine",
           cluster("consul: {token_file: {token}}\n"), f"cluster/cluster.yaml:2:22: error: consul.token_file {NAMES}", "{token}"),
    Attack(5, "`consul.gossip_key_file`", cluster("consul: {gossip_key_file: {gossip}}\n"),
           f"cluster/cluster.yaml:2:27: error: consul.gossip_key_file {NAMES}", "{gossip}"),
    Attack(5, "`ssh.identity_file`, for the cluster", cluster("ssh: {identity_file: {identity}}\n"),
           f"cluster/cluster.yaml:2:22: error: ssh.identity_file {NAMES}", "{identity}"),
    Attack(5, "`ssh.identity_file`, for one machine", machine("c1", "203.0.113.11", "ssh: {identity_file: {identity}}\n"),
           f"cluster/nodes/c1.yaml:3:22: error: ssh.identity_file {NAMES}", "{identity}"),
    Attack(5, "a path that depends on where one stands", machine("c2", "203.0.113.12", "ssh: {identity_file: ../../id}\n"),
           "cluster/nodes/c2.yaml:3:22: error: ssh.identity_file: ../../id is no full path"),
    Attack(5, "a named pipe, at which a plan would wait for ever", cluster("consul: {token_file: {pipe}}\n"),
           f"consul.token_file {NAMES}", "{pipe}"),
    Attack(5, "a named pipe, a device or a link that is allowed", told="is a pipe, not a plain file",
           played="tests/hooks/test_confinement.py::test_what_is_allowed_and_no_plain_file_is_not_read"),
    Attack(5, "`ssh.sudo: password`: the password goes to the pusher's machine",
           machine("c3", "203.0.113.13", "ssh: {user: ann, sudo: password}\n"),
           "cluster/nodes/c3.yaml:3:24: error: sudo's password is this account's", "sudo-password"),
    Attack(6, "a SOPS file that names a Vault address, in YAML", sealed("d1.yaml", in_yaml(VAULT_YAML)),
           f"stacks/d1/d1.yaml:4:26: error: its hc_vault key {{service}} {ASKED}", "{service}/v1/transit/keys/first"),
    Attack(6, "the same in JSON, and as an env file", sealed("d2.json", in_json({"hc_vault": [VAULT]})) | sealed(
           "d3.env", f"A={ENCRYPTED}\nsops_mac={MAC}\nsops_lastmodified=2026-01-01T00:00:00Z\n" + "".join(
               f"sops_hc_vault__list_0__map_{key}={value}\n" for key, value in VAULT.items())),
           f"stacks/d3/d3.env:4:42: error: its hc_vault key {{service}} {ASKED}", "{service}/v1/transit/keys/first"),
    Attack(6, "an allowed Vault, and `key_name: ../../sys/seal`",
           sealed("d4.json", in_json({"hc_vault": [VAULT | {"key_name": "../../sys/seal"}]})),
           "stacks/d4/d4.json:6:23: error: its hc_vault key {service} is no plain address, name or id", given=("{service}",)),
    Attack(6, "a second section that another reader of JSON takes (`SOPS`)",
           sealed("d5.json", in_json({"age": [AGE]}, {"SOPS": {"hc_vault": [VAULT]}, "a": ENCRYPTED})),
           "stacks/d5/d5.json: error: has a value in the clear where sops has encrypted ones: SOPS.hc_vault", stage="compile"),
    Attack(6, "AWS, GCP and Azure keys", sealed("d6.json", in_json({
               "kms": [{"arn": "arn:aws:kms:eu-west-1:1:key/a", "enc": "x"}],
               "gcp_kms": [{"resource_id": "projects/p/locations/l/keyRings/r/cryptoKeys/k", "enc": "x"}],
               "azure_kv": [{"vault_url": "https://v.example.org", "name": "k", "version": "", "enc": "x"}]})),
           f"stacks/d6/d6.json:6:13: error: its kms key arn:aws:kms:eu-west-1:1:key/a {ASKED}", "arn:aws:kms:eu-west-1:1:key/a"),
    Attack(7, "`encrypted_regex: ^(a+)+$`, and a key of 46 a and a `!`",
           sealed("e1.yaml", in_yaml(AGE_YAML, f"{'a' * 46}!: {ENCRYPTED}\nb: {ENCRYPTED}", "    encrypted_regex: ^(a+)+$\n")),
           f"stacks/e1/e1.yaml: error: is encrypted for {AGE['recipient']}, {NO_KEY}", stage="open"),
    Attack(7, "an expression that is small to write and large to run",
           sealed("e2.yaml", in_yaml(AGE_YAML, more="    encrypted_regex: ((a?){30}){30}b\n")),
           "stacks/e2/e2.yaml: error: cannot be opened: its encrypted_regex is too large", stage="compile"),
    Attack(7, "a value that can be read in a million million ways",
           sealed("e3.yaml", in_yaml(AGE_YAML, "a: 'ENC[AES256_GCM,data:" + ",iv:x,tag:x" * 50_000 + "'")),
           "stacks/e3/e3.yaml:1:1: error: has a value in the clear where sops has encrypted ones: a", stage="compile"),
    Attack(7, "a file of blanks", sealed("e4.yaml", in_yaml(AGE_YAML, f"a: {ENCRYPTED}\n#{' ' * 900_000}#")),
           f"stacks/e4/e4.yaml: error: is encrypted for {AGE['recipient']}, {NO_KEY}", stage="open"),
    Attack(7, "a million values", sealed("e5.json", in_json({"age": [AGE]}, {"a": [1] * 200_000})),
           "stacks/e5/e5.json: error: cannot be opened: it has more than 100000 values", stage="compile"),
    Attack(8, "`.env` that lets Compose fetch, and an `include` from a registry",
           stack("j1", "include: ['oci://registry.example.org/evil:1']\nservices: {web: {image: nginx}}\n",
                 **{".env": "COMPOSE_EXPERIMENTAL_OCI_REMOTE=1\n"}),
           f"stacks/j1/compose.yaml:1:11: error: 'oci://registry.example.org/evil:1' {ELSEWHERE}", stage="compile"),
    Attack(8, "the same, and `extends` from a git server",
           stack("j2", "services: {web: {image: nginx, extends: {file: '{service}/x.git', service: s}}}\n",
                 **{".env": "COMPOSE_EXPERIMENTAL_GIT_REMOTE=1\n"}),
           f"stacks/j2/compose.yaml:1:48: error: '{{service}}/x.git' {ELSEWHERE}", stage="compile"),
    Attack(8, "`.env` that names other files for Compose to read",
           stack("j3", "services: {web: {image: 'nginx:${A}'}}\n", **{".env": "COMPOSE_FILE={token}\nCOMPOSE_ENV_FILES={token}\n"}),
           "stacks/j3/compose.yaml:1:32: error: the variable A has no value", stage="compile"),
    Attack(9, "a container's label `SERVICE_ID: ../../leave`, or `../../../v1/agent/leave`",
           told="SERVICE_ID is '../../leave'; it has letters, digits and _ . - ~ : @",
           played="tests/registrator/test_hostile_containers.py::test_an_id_that_leads_elsewhere_is_refused_and_the_others_go_on"),
    Attack(9, "an entry of such an id that an earlier version made", told="taken out",
           played="tests/registrator/test_hostile_containers.py::test_what_was_registered_under_such_an_id_before_is_taken_out"),
    Attack(9, "a container's label `SERVICE_NAME: consul`", told="SERVICE_NAME is 'consul', which is Consul's own or deployer's",
           played="tests/registrator/test_hostile_containers.py::test_what_is_refused_is_said_with_its_label"),
    Attack(0, "an image of a private registry, and a machine of the pusher's that asks for it with this account's password",
           told="does not say what", setting="registry:HOST",
           played="tests/docker/test_credentials.py::test_whoever_names_the_machines_gets_no_credentials_that_were_not_allowed"),
    Attack(0, "a tag with the name of the branch that is deployed", told="a tag 'main' would hide the branch of that name",
           played="tests/hooks/test_shapes.py::test_a_tag_and_a_branch_of_one_name_are_refused"),
    Attack(0, "a volume whose `device` leads out of the stack's folder", told="the machines have no checkout of this repository",
           played="tests/compose/test_project.py::test_no_folder_of_the_machine_that_deploys_gets_into_a_mount"),
    Attack(0, "`engine.daemon.hosts` and `tls`, in any case of letters",
           machine("f1", "203.0.113.21", "engine: {daemon: {Hosts: ['tcp://0.0.0.0:2375'], TLS: false}}\n"),
           "cluster/nodes/f1.yaml:3:19: error: engine.daemon cannot have 'Hosts'"),
    Attack(0, "`engine.daemon.group`: who is root on the machines",
           machine("f2", "203.0.113.22", "engine: {daemon: {group: users}}\n"),
           "cluster/nodes/f2.yaml:3:19: error: engine.daemon.group is not for other people's files", "engine.daemon.group"),
)  # fmt: skip


def table() -> str:
    """The rows as docs/security.md has them."""
    head = ["| what is pushed | what the pusher sees | what lets it in |", "|---|---|---|"]
    return "\n".join([*head, *map(_row, ATTACKS)]) + "\n"


def _row(attack: Attack) -> str:
    told = attack.told.partition(": error: ")[2] or attack.told
    for place, name in WORDS.items():
        told = told.replace(place, name)
    setting = attack.setting
    for place, name in WORDS.items():
        setting = setting.replace(place, name)
    return f"| {attack.title} | `{told}` | {f'`{setting}`' if setting else 'nothing'} |"


WORDS: Final = {
    "{token}": "FILE", "{gossip}": "FILE", "{identity}": "FILE", "{pipe}": "FILE", "{link}": "FILE", "{service}": "ADDRESS",
    "{own}": "ADDRESS", "{host}": "NAME",
}  # fmt: skip
