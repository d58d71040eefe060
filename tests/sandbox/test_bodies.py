from __future__ import annotations

from ipaddress import IPv4Network

from deployer.sandbox import bodies


def test_a_machine_boots_systemd_and_has_real_disks_for_its_engine() -> None:
    assert bodies.machine("try", "master", "10.99.0.12", "image:1") == {
        "Image": "image:1",
        "Hostname": "master",
        "Labels": {"deployer.sandbox": "try", "deployer.sandbox.machine": "master"},
        "Volumes": {"/var/lib/docker": {}, "/var/lib/containerd": {}},
        "HostConfig": {
            "Privileged": True,
            "CgroupnsMode": "private",
            "Tmpfs": {"/run": "exec,mode=0755", "/tmp": "exec,mode=1777"},
            "RestartPolicy": {"Name": "unless-stopped"},
            "NetworkMode": "deployer-try",
        },
        "NetworkingConfig": {
            "EndpointsConfig": {
                "deployer-try": {"IPAMConfig": {"IPv4Address": "10.99.0.12"}, "Aliases": ["master"]},
            }
        },
    }


def test_the_registry_is_published_to_this_machine_alone() -> None:
    body = bodies.registry("try", "10.99.0.2", "image:1")
    assert body["HostConfig"]["PortBindings"] == {"5000/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}
    endpoint = body["NetworkingConfig"]["EndpointsConfig"]["deployer-try"]
    assert endpoint == {"IPAMConfig": {"IPv4Address": "10.99.0.2"}, "Aliases": ["registry.sandbox"]}
    assert "deployer.sandbox.machine" not in body["Labels"]


def test_everything_carries_the_sandboxs_label() -> None:
    made = bodies.network("try", IPv4Network("10.99.4.0/24"))
    assert made["labels"] == {"deployer.sandbox": "try"}
    assert made["ipam"] == {"Config": [{"Subnet": "10.99.4.0/24", "Gateway": "10.99.4.1"}]}
    assert bodies.registry("try", "10.99.4.2", "image:1")["Labels"] == {"deployer.sandbox": "try"}
