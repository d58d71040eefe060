"""`deployer machine`: the machines of `cluster/nodes/`, added, listed, shown and entered, in docker-machine's words."""
