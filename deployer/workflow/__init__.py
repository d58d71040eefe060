"""The flow from git to the cluster. This is the only package where the stages meet.

    validate.py   a commit -> its desired state and what its stacks compile to; no machine is asked
    look.py       the same, while the machines are looked at
    compare.py    both -> what differs, and the plan
    plan.py  status.py   what would be done, how it is: these only read
    run.py        the one run that changes a cluster: register, lock, look, decide, show, execute, record
    apply.py  scale.py  maintain.py   what a run is to do, for each of its triggers
    rollback.py   which earlier commit is applied
    running.py    what runs, what it says, who has the lock: asked of the cluster alone

Every function can be called from any event loop: what handles signals, and what starts a loop, is in `deployer.entry`.
"""
