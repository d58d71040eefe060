"""What happened, kept in git beside what is wanted: refs under refs/deployer/CLUSTER, which others can fetch.

    deployed   which commit is deployed: the refs `deployed` and `unfinished`
    asked      who asked for a run, by which way, and why
    entry      one run as a commit's message, and back again
    record     writes the memory while a run goes on: all refs of it in one step
    history    reads it: what ran, and what to go back to
    secrets    nothing that is secret is kept

A memory that cannot be written is said and fails no deploy: the cluster carries what it needs on its own objects.
"""
