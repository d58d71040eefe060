"""A cluster of containers on this machine: what `deployer sandbox` and the real-cluster tests use.

`engine` makes a local Docker usable, `images` builds what machines and stand-ins are made of, `up`, `status` and `down`
are the three verbs, `spec` holds the nouns. Everything that is made carries the label `deployer.sandbox=NAME`, or
`deployer.sandbox.image=NAME` for images; what carries neither is never changed or removed.
"""
