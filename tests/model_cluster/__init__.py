"""A cluster that is made up: an `Observed` which the steps of a plan change as real engines, swarms and Consul would.

    plan = decide(desired, seen, objects)
    after = run_plan(seen, plan)             # or with some steps failing, or cut off after one of them
    again = decide(desired, after, objects)

Everything is a pure function of frozen values, so that a state machine can keep one `Observed` and do to it whatever it likes
between two plans. A step that a real cluster would refuse fails an assertion that says why: a service on a machine that
cannot be reached, a network that is removed while a service is on it, the last manager that is demoted.

What is modelled: engines, daemon.json, images of the registrator, the machines' own containers, TLS listeners; membership, roles,
availability and labels of the swarm; registrations in Consul's catalogue; networks, configs, secrets and services as engines
store them (ids in the place of names, defaults filled in, versions that count up), the waits for services, projects of compose.

What is not:

- Time, and tasks one by one. A service that is created or updated has no running task until the plan waits for it; then all run.
- A step that fails has changed nothing. (A real one may be done, and its answer lost.) A service whose wait fails does not go back.
- Images of services: building, pushing and sending them, digests, what a registry says.
- Restarts: an engine or a machine that restarts is as it was before.
- Consul's own part: agents and servers do not register themselves, services are in no catalogue, nobody elects.
- Ports, disks, clocks, certificates and their authorities, join tokens, the swarm's own root certificate.

`tests/model_cluster/drawn.py` draws clusters, commits and states for Hypothesis.
"""

from tests.model_cluster import consul, machines, stacks, swarm
from tests.model_cluster.outcomes import foresee_outcomes, run_plan
from tests.model_cluster.step import run_step

__all__ = ["consul", "foresee_outcomes", "machines", "run_plan", "run_step", "stacks", "swarm"]
